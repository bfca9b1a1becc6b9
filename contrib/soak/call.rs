//! The kinds of calls, and the exit statuses that each may have.

use std::time::Duration;

use crate::random::Random;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Plain,
    MinTtl,
    Force,
    WrongPassword,
    ForceWrongPassword,
    WrongClientSecret,
    ForceWrongClientSecret,
    BrokenSource,
    Json,
    Exec,
    Get,
    OutputFile,
    Status,
    Invalidate,
    Logout,
    /// Only at the end.
    LogoutAll,
    Login,
}

use Kind::*;

/// How often each kind is chosen.
const KINDS: [(u64, Kind); 16] = [
    (20, Plain),
    (6, MinTtl),
    (20, Force),
    (8, WrongPassword),
    (3, ForceWrongPassword),
    (6, WrongClientSecret),
    (3, ForceWrongClientSecret),
    (4, BrokenSource),
    (4, Json),
    (4, Exec),
    (4, Get),
    (4, OutputFile),
    (3, Status),
    (8, Invalidate),
    (5, Logout),
    (6, Login),
];

impl Kind {
    pub fn choose(random: &mut Random, is_login: bool) -> Self {
        loop {
            let kind = random.weighted(&KINDS);
            // Only one identity is logged in to; it has no password, right or wrong.
            match kind {
                WrongPassword | ForceWrongPassword | BrokenSource if is_login => {}
                Login if !is_login => {}
                kind => return kind,
            }
        }
    }

    pub fn arguments(self) -> &'static [&'static str] {
        match self {
            Plain | WrongPassword | WrongClientSecret | BrokenSource => &[],
            MinTtl => &["--min-ttl", "6s"],
            Force | ForceWrongPassword | ForceWrongClientSecret => &["--force-refresh"],
            Json => &["-f", "json"],
            Exec => &["exec", "--", "printenv", "SPOTINST_TOKEN"],
            Get => &["get"],
            OutputFile => &["-o", "out/token"],
            Status => &["status", "--json"],
            Invalidate => &["invalidate"],
            Logout => &["logout"],
            LogoutAll => &["logout", "--all"],
            Login => &["login"],
        }
    }

    pub fn is_forced(self) -> bool {
        matches!(self, Force | ForceWrongPassword | ForceWrongClientSecret | Login)
    }

    /// Whether its credentials are wrong.
    pub fn is_wrong(self) -> bool {
        matches!(self, WrongPassword | ForceWrongPassword | WrongClientSecret | ForceWrongClientSecret | BrokenSource)
    }

    /// The minimum lifetime of the token that it asks for.
    pub fn min_ttl(self) -> Duration {
        Duration::from_secs(if self == MinTtl { 6 } else { 0 })
    }

    /// Whether it prints an access token if it succeeds.
    pub fn prints_token(self) -> bool {
        !matches!(self, OutputFile | Status | Invalidate | Logout | LogoutAll | Login)
    }

    /// The allowed exit statuses, for any behavior of the server and other calls.
    pub fn statuses(self, is_login: bool) -> &'static [i32] {
        match self {
            LogoutAll => &[0],
            // It says what the next call would end with.
            Status => &[0, 3, 4, 5],
            Invalidate | Logout => &[0, 5],
            WrongPassword | ForceWrongPassword | WrongClientSecret | ForceWrongClientSecret => &[0, 4, 5],
            BrokenSource => &[0, 3, 5],
            Login => &[0, 5],
            // If the login has ended.
            _ if is_login => &[0, 3, 4, 5],
            _ => &[0, 5],
        }
    }
}
