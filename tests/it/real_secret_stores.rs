//! Secret stores for real: GNOME Keyring and pass, through the programs that Debian has of them.

use std::fs;

use crate::keychains::Keychain;
use crate::sandbox::Sandbox;
use stand_in::spotinst::RefreshTokens;
use stand_in::{Reply, StandIn};

/// Each keychain with a profile that names its store, and a service that rotates refresh tokens.
fn each_keychain(check: impl Fn(&StandIn, &mut Sandbox, &Keychain)) {
    for (keychain, mut sandbox) in Keychain::all(Sandbox::new) {
        let stand_in = StandIn::start();
        stand_in.settings(|service| service.refresh_tokens = RefreshTokens::Rotated);
        sandbox.set_credentials(&stand_in);
        sandbox.set("SPOTINST_API_URL", stand_in.base());
        sandbox.config(&format!("[profiles.default]\nsecret_store = \"{}\"\n", keychain.store));
        check(&stand_in, &mut sandbox, &keychain);
    }
}

fn sent_refresh_tokens(stand_in: &StandIn) -> Vec<String> {
    stand_in.requests().iter().filter_map(|request| request.form().remove("refresh_token")).collect()
}

#[test]
fn a_keychain_keeps_the_refresh_token_from_refresh_to_refresh() {
    each_keychain(|stand_in, sandbox, keychain| {
        sandbox.token();
        for refresh in 1..=2 {
            sandbox.run(["--force-refresh"]).prints(&format!("{}\n", stand_in.issued()[refresh]));
        }
        assert_eq!(stand_in.grants(), ["password", "refresh_token", "refresh_token"], "{}", keychain.store);
        let entry = fs::read_to_string(sandbox.entry_path()).unwrap();
        for sent in sent_refresh_tokens(stand_in) {
            assert!(!entry.contains(&sent));
        }
        let status = sandbox.run(["status", "--check"]).stdout;
        assert!(
            status.contains(&format!("\nsecret store   {} returns the refresh token\n", keychain.store)),
            "{status}"
        );
    });
}

#[test]
fn logout_leaves_nothing_in_a_keychain() {
    each_keychain(|stand_in, sandbox, keychain| {
        for arguments in [&["logout"][..], &["logout", "--all"]] {
            stand_in.script([Reply::two_items("T", "R")]);
            sandbox.token();
            let list = || {
                let program = format!("docker-credential-{}", keychain.store);
                String::from_utf8(sandbox.command(program).arg("list").output().unwrap().stdout).unwrap()
            };
            assert!(list().contains("https://spotinst-cred/refresh-token/"), "{}", list());

            crate::sandbox::Running::start(sandbox.program([]).args(arguments)).end().prints("");
            assert!(!list().contains("spotinst-cred"), "{}: {}", keychain.store, list());
            // Nothing is left: not every program says so in the same way.
            crate::sandbox::Running::start(sandbox.program([]).args(arguments)).end().prints("");
        }
    });
}

#[test]
fn a_locked_keychain_is_named_and_the_password_serves() {
    each_keychain(|stand_in, sandbox, keychain| {
        sandbox.token();
        keychain.lock(sandbox);

        sandbox.run(["--force-refresh"]).prints(&format!("{}\n", stand_in.issued()[1]));

        let status = sandbox.run(["status"]).stdout;
        let lost =
            format!("\nlost           the secret store \"{}\" did not store the refresh token: ", keychain.store);
        assert_eq!(keychain.store == "secretservice", status.contains(&lost), "{status}");
    });
}
