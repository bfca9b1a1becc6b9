//! The checks after the faults have stopped: the next calls succeed, and no temporary files are left.

use std::thread;
use std::time::Duration;

use crate::call::Kind;
use crate::log::End;
use crate::machine::IDENTITIES;
use crate::rules::Violation;
use crate::soak::Soak;

/// How long a temporary failure is shared, rounded up to a whole second.
const SHARED: Duration = Duration::from_millis(3_100);

pub fn check(soak: &Soak) -> Vec<Violation> {
    let now = soak.log.now();
    let blocked_until = soak.log.records().exchanges.iter().filter_map(|exchange| exchange.blocked_until).max();
    let blocked = blocked_until.map(|until| until + Duration::from_secs(1)).unwrap_or_default();
    thread::sleep(SHARED.max(blocked.saturating_sub(now)));
    let mut violations: Vec<_> =
        (0..IDENTITIES.len()).filter_map(|identity| next_calls(soak, identity).err()).collect();
    violations.extend(soak.machine.damage().into_iter().map(|what| violation(soak, 0, what)));
    violations
}

/// The last check: the next write, and `logout --all`, remove the files of killed processes.
pub fn check_end(soak: &Soak) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (identity, settings) in IDENTITIES.iter().enumerate() {
        soak.call(identity, Kind::Force, "");
        if settings.is_login() {
            soak.call(identity, Kind::Login, "");
        }
    }
    soak.call(0, Kind::OutputFile, "");
    violations.extend(soak.machine.leftovers_of_tokens());
    soak.call(0, Kind::LogoutAll, "");
    violations.extend(soak.machine.leftovers());
    violations.into_iter().map(|path| violation(soak, 0, format!("left behind: {path}"))).collect()
}

fn violation(soak: &Soak, identity: usize, what: String) -> Violation {
    let to = soak.log.now();
    Violation { what, identity, from: to.saturating_sub(Duration::from_secs(5)), to }
}

/// The next call of each kind succeeds, and `invalidate` removes only its token.
fn next_calls(soak: &Soak, identity: usize) -> Result<(), Violation> {
    let failed = |what: &str, end: &End| {
        let (status, stderr) = (end.status, &end.stderr);
        violation(soak, identity, format!("after the faults: {what} (status {status:?}): {stderr}"))
    };
    let call = |kind, input: &str| {
        let end = soak.call(identity, kind, input);
        if end.status == Some(0) { Ok(end) } else { Err(failed(&format!("{kind:?} fails"), &end)) }
    };
    let token = |kind, input: &str| call(kind, input).map(|end| end.token.unwrap_or_default());
    // The rules decide whether the login may have ended.
    let token_or_login = |kind| match soak.call(identity, kind, "") {
        End { status: Some(3 | 4), .. } if IDENTITIES[identity].is_login() => {
            call(Kind::Login, "").and_then(|_| token(kind, ""))
        }
        End { status: Some(0), token, .. } => Ok(token.unwrap_or_default()),
        end => Err(failed(&format!("{kind:?} fails"), &end)),
    };
    let older = token_or_login(Kind::Plain)?;
    if IDENTITIES[identity].is_early() {
        return Ok(());
    }
    let newer = token_or_login(Kind::Force)?;
    call(Kind::Invalidate, &older)?;
    let same = call(Kind::Plain, "")?;
    if older == newer || same.token.as_ref() != Some(&newer) {
        return Err(failed("a late report dropped another token", &same));
    }
    // One caller's wrong client secret does not end the login.
    soak.call(identity, Kind::ForceWrongClientSecret, "");
    call(Kind::Invalidate, &newer)?;
    token(Kind::Plain, "").map(drop)
}
