//! The source of each setting: flag, environment, profile or default. Each setting is resolved independently.

use std::fs;
use std::path::PathBuf;

use crate::os;
use crate::requirements::{is_unix, is_unix_for_case};
use crate::sandbox::{Outcome, PROGRAM, Running, Sandbox};
use stand_in::tls::Ca;
use stand_in::{Reply, StandIn};

/// A field of the request, and its variables and profile key, in order of precedence.
struct Field {
    name: &'static str,
    variables: &'static [&'static str],
    key: &'static str,
}

const FIELDS: [Field; 4] = [
    Field { name: "username", variables: &["SPOTINST_USERNAME", "SPOTINST_EMAIL", "SPOTINST_USER"], key: "username" },
    Field { name: "password", variables: &["SPOTINST_PASSWORD"], key: "password" },
    Field { name: "client_id", variables: &["SPOTINST_CLIENT_ID"], key: "client_id" },
    Field { name: "client_secret", variables: &["SPOTINST_CLIENT_SECRET"], key: "client_secret" },
];

/// All variables that the program reads.
const VARIABLES: [&str; 22] = [
    "SPOTINST_USERNAME",
    "SPOTINST_EMAIL",
    "SPOTINST_USER",
    "SPOTINST_PASSWORD",
    "SPOTINST_PASSWORD_FILE",
    "SPOTINST_CLIENT_ID",
    "SPOTINST_CLIENT_SECRET",
    "SPOTINST_CLIENT_SECRET_FILE",
    "SPOTINST_ACCOUNT",
    "SPOTINST_ACCOUNT_ID",
    "SPOTINST_TOKEN_URL",
    "SPOTINST_REFRESH_URL",
    "SPOTINST_CREDENTIALS_FILE",
    "SPOTINST_CREDENTIALS_PROFILE",
    "SPOTINST_CRED_GRANT",
    "SPOTINST_CRED_PROFILE",
    "SPOTINST_CRED_CONFIG",
    "SPOTINST_CRED_CACHE_DIR",
    "SPOTINST_CRED_FORMAT",
    "SPOTINST_CRED_TIMEOUT",
    "SSL_CERT_FILE",
    "HTTPS_PROXY",
];

/// The start of the error if nothing is configured.
const NOTHING: &str = "spotinst-cred: not logged in: no credentials found\n";

#[test]
fn each_value_can_come_from_the_environment() {
    for (changed, field) in FIELDS.iter().enumerate() {
        for variable in field.variables {
            let (stand_in, mut sandbox) = grants_everyone();
            for field in &FIELDS {
                sandbox.set(field.variables[0], format!("usual {}", field.name));
            }
            sandbox.unset(field.variables[0]).set(variable, "by variable");
            sandbox.run([]).prints("granted\n");
            let expected = expected_form(|index| if index == changed { "by variable" } else { "usual" });
            assert_eq!(form(&stand_in), expected, "{variable}");
        }
    }
}

/// Variables of older programs are used if the newer ones are unset or empty.
#[test]
fn the_first_of_several_variable_names_is_used() {
    let (stand_in, mut sandbox) = grants_everyone();
    complete(&mut sandbox);
    sandbox.set("SPOTINST_USERNAME", "first").set("SPOTINST_EMAIL", "second").set("SPOTINST_USER", "third");
    sandbox.set("SPOTINST_ACCOUNT", "act-1").set("SPOTINST_ACCOUNT_ID", "act-2");

    assert_eq!(account(&sandbox), Some("act-1".to_owned()));
    sandbox.set("SPOTINST_USERNAME", "").unset("SPOTINST_ACCOUNT");
    assert_eq!(account(&sandbox), Some("act-2".to_owned()));
    sandbox.unset("SPOTINST_EMAIL").set("SPOTINST_ACCOUNT_ID", "");
    assert_eq!(account(&sandbox), None);

    let names: Vec<_> = stand_in.requests().iter().map(|request| request.form().remove("username").unwrap()).collect();
    assert_eq!(names, ["first", "second", "third"]);
}

#[test]
fn each_value_can_come_from_the_profile() {
    let (stand_in, sandbox) = grants_everyone();
    sandbox.config(&profile());
    sandbox.run([]).prints("granted\n");
    assert_eq!(form(&stand_in), expected_form(|_| "in the file"));
    assert_eq!(account(&sandbox), Some("act-file".to_owned()));
}

#[test]
fn the_environment_overrides_the_profile_field_by_field() {
    for (changed, field) in FIELDS.iter().enumerate() {
        for variable in field.variables {
            let (stand_in, mut sandbox) = grants_everyone();
            sandbox.config(&profile());
            sandbox.set(variable, "by variable");
            sandbox.run([]).prints("granted\n");
            let expected = expected_form(|index| if index == changed { "by variable" } else { "in the file" });
            assert_eq!(form(&stand_in), expected, "{variable}");
        }
    }
}

/// A secret is one field: a variable overrides a file, a command or a value of the profile.
#[test]
fn the_environment_overrides_every_source_of_a_secret() {
    for secret in ["password", "client_secret"] {
        let variable = format!("SPOTINST_{}", secret.to_uppercase());
        for key in
            [format!("{secret} = 'x'"), format!("{secret}_file = '/no'"), format!("{secret}_command = ['false']")]
        {
            let (stand_in, mut sandbox) = grants_everyone();
            complete(&mut sandbox);
            sandbox.config(&format!("[profiles.default]\n{key}\n"));
            let file = sandbox.write("secret", "by file\n");

            sandbox.set(&variable, "by value").run(["--no-cache"]).prints("granted\n");
            sandbox.unset(&variable).set(&format!("{variable}_FILE"), file).run(["--no-cache"]).prints("granted\n");

            let requests = stand_in.requests();
            let sent: Vec<_> = requests.iter().map(|request| request.form().remove(secret).unwrap()).collect();
            assert_eq!(sent, ["by value", "by file"], "{key}");
        }
    }
}

#[test]
fn the_environment_overrides_the_account_of_the_profile() {
    let mut sandbox = Sandbox::new();
    sandbox.config("[profiles.default]\ntoken = 'cafe'\naccount = 'act-file'\n");
    assert_eq!(account(&sandbox), Some("act-file".to_owned()));
    sandbox.set("SPOTINST_ACCOUNT_ID", "act-env");
    assert_eq!(account(&sandbox), Some("act-env".to_owned()));
}

/// CI systems set empty variables for secrets that a job may not read.
#[test]
fn an_empty_variable_counts_as_unset() {
    let mut sandbox = Sandbox::new();
    let is_needed = |variable: &str| os::home_variables(&sandbox.home()).iter().any(|(name, _)| *name == variable);
    let variables: Vec<_> = VARIABLES.into_iter().filter(|variable| !is_needed(variable)).collect();
    sandbox.config("[profiles.default]\ntoken = 'cafe'\n[profiles.other]\ntoken = 'beef'\n");
    for variable in variables {
        sandbox.set(variable, "");
    }
    sandbox.run([]).prints("cafe\n");
    sandbox.config("");
    let outcome = sandbox.run([]);
    assert_eq!(outcome.status, Some(3));
    assert!(outcome.stderr.contains("(set, but empty: SPOTINST_USERNAME, SPOTINST_EMAIL, "), "{outcome:?}");
}

#[test]
fn a_profile_is_selected_by_flag_variable_file_or_default_name() {
    const FILE: &str = "[profiles.a]\ntoken = 'a'\n[profiles.b]\ntoken = 'b'\n[profiles.c]\ntoken = 'c'\n\
                        [profiles.default]\ntoken = 'd'\n";
    let mut sandbox = Sandbox::new();
    sandbox.config(FILE);
    sandbox.run([]).prints("d\n");
    sandbox.config(&format!("default_profile = 'c'\n{FILE}"));
    sandbox.run([]).prints("c\n");
    sandbox.set("SPOTINST_CRED_PROFILE", "b").run([]).prints("b\n");
    sandbox.run(["--profile", "a"]).prints("a\n");
    sandbox.run(["-p", "a"]).prints("a\n");
    // An overridden source is not read.
    sandbox.set("SPOTINST_CRED_PROFILE", "nobody").run(["-pa"]).prints("a\n");
    sandbox.config(&format!("default_profile = 'nobody'\n{FILE}"));
    sandbox.set("SPOTINST_CRED_PROFILE", "b").run([]).prints("b\n");
}

/// If no profile is selected, none is used: its values could belong to another account.
#[test]
fn a_profile_that_is_not_selected_is_not_used() {
    let (stand_in, mut sandbox) = grants_everyone();
    sandbox.config("[profiles.work]\nusername = 'nobody'\naccount = 'act-work'\n");
    complete(&mut sandbox);
    assert_eq!(account(&sandbox), None);
    assert_eq!(stand_in.requests()[0].form()["username"], "username");
}

#[test]
fn the_configuration_path_comes_from_flag_variable_or_default() {
    let permanent = |token: &str| format!("[profiles.default]\ntoken = '{token}'\n");
    let mut sandbox = Sandbox::new();
    sandbox.config(&permanent("home"));
    sandbox.run([]).prints("home\n");

    if os::HAS_XDG {
        sandbox.write("xdg/spotinst-cred/config.toml", &permanent("xdg"));
        sandbox.set("XDG_CONFIG_HOME", sandbox.home().join("xdg")).run([]).prints("xdg\n");
    }

    let by_variable = sandbox.write("by-variable.toml", &permanent("variable"));
    sandbox.set("SPOTINST_CRED_CONFIG", by_variable).run([]).prints("variable\n");

    // A path on the command line or in the environment is relative to the working directory.
    sandbox.write("by-flag.toml", &permanent("flag"));
    sandbox.run(["--config", "home/by-flag.toml"]).prints("flag\n");
    sandbox.set("SPOTINST_CRED_CONFIG", "/nowhere").run(["--config", "home/by-flag.toml"]).prints("flag\n");
}

#[test]
fn the_cache_directory_comes_from_flag_variable_or_default() {
    let stand_in = StandIn::start();
    let mut sandbox = Sandbox::of(&stand_in);
    let kept = |sandbox: &Sandbox, at: &str| {
        let files = fs::read_dir(sandbox.path().join(at)).map(Iterator::count).unwrap_or_default();
        fs::remove_dir_all(sandbox.path().join(at)).ok();
        files
    };
    // An entry and its lock.
    sandbox.token();
    assert_eq!(kept(&sandbox, sandbox.cache_dir().to_str().unwrap()), 2);

    if os::HAS_XDG {
        sandbox.set("XDG_CACHE_HOME", sandbox.path().join("xdg")).token();
        assert_eq!(kept(&sandbox, "xdg/spotinst-cred"), 2);
    }

    sandbox.set("SPOTINST_CRED_CACHE_DIR", sandbox.path().join("by/variable")).token();
    assert_eq!(kept(&sandbox, "by/variable"), 2);

    assert_eq!(sandbox.run(["--cache-dir", "by/flag"]).status, Some(0));
    assert_eq!((kept(&sandbox, "by/flag"), kept(&sandbox, "by/variable")), (2, 0));
    assert_eq!(stand_in.grants(), vec!["password"; if os::HAS_XDG { 4 } else { 3 }]);
}

#[test]
fn no_cache_neither_reads_nor_writes_the_cache() {
    let stand_in = StandIn::start();
    let sandbox = Sandbox::of(&stand_in);
    let named = format!("--cache-dir={}", sandbox.cache_dir().display());
    for arguments in [["--no-cache", "-v"], ["--no-cache", &named]] {
        assert_eq!(sandbox.run(arguments).status, Some(0));
        assert!(!sandbox.cache_dir().exists());
    }
    let cached = sandbox.token();
    let other = sandbox.run(["--no-cache"]).stdout;
    assert_ne!(other, format!("{cached}\n"));
    assert_eq!(sandbox.token(), cached);
    assert_eq!(stand_in.grants(), ["password"; 4]);
}

/// An overridden time limit is not even parsed.
#[test]
fn the_time_limit_comes_from_flag_or_variable() {
    let stand_in = StandIn::start();
    let mut sandbox = Sandbox::of(&stand_in);
    sandbox.set("SPOTINST_CRED_TIMEOUT", "nonsense");
    assert_eq!(sandbox.run(["--timeout", "30s", "--no-cache"]).status, Some(0));

    stand_in.always(Reply::hang());
    sandbox.set("SPOTINST_CRED_TIMEOUT", "1h");
    assert_eq!(sandbox.run(["--timeout", "100ms", "--no-cache"]).status, Some(5));
    sandbox.set("SPOTINST_CRED_TIMEOUT", "100ms");
    assert_eq!(sandbox.run(["--no-cache"]).status, Some(5));
}

#[test]
fn the_grant_comes_from_variable_or_profile() {
    for (variable, key, grant) in [
        ("", "", "password"),
        ("", "grant = 'password'", "password"),
        ("", "grant = 'client_credentials'", "client_credentials"),
        ("client_credentials", "grant = 'password'", "client_credentials"),
        ("password", "grant = 'client_credentials'", "password"),
    ] {
        let (stand_in, mut sandbox) = grants_everyone();
        sandbox.config(&format!("{}{key}\n", profile()));
        sandbox.set("SPOTINST_CRED_GRANT", variable).run([]).prints("granted\n");
        assert_eq!(stand_in.grants(), [grant], "{variable} {key}");
    }
}

/// A broker's clients have no user: no user name is required, and no password is read or sent.
#[test]
fn client_credentials_need_no_user() {
    let stand_in = StandIn::start();
    let mut sandbox = Sandbox::of(&stand_in);
    sandbox
        .config("[profiles.default]\ngrant = 'client_credentials'\nusername = 'ada'\npassword_command = ['false']\n");
    sandbox.unset("SPOTINST_USERNAME").unset("SPOTINST_PASSWORD");

    let token = sandbox.token();
    let forced = sandbox.run(["--force-refresh"]);

    assert_eq!(token, stand_in.issued()[0]);
    forced.prints(&format!("{}\n", stand_in.issued()[1]));
    let fields: Vec<_> = stand_in.requests()[0].form().into_keys().collect();
    assert_eq!(fields, ["client_id", "client_secret", "grant_type"]);
    assert_eq!(stand_in.grants(), ["client_credentials", "client_credentials"]);
}

/// Returns the grants that each of two servers gets when a token is obtained and then refreshed.
fn where_to(prepare: impl FnOnce(&mut Sandbox, &str, &str)) -> [Vec<String>; 2] {
    let first = StandIn::start();
    let second = first.sibling();
    let mut sandbox = Sandbox::of(&first);
    sandbox.unset("SPOTINST_TOKEN_URL");
    prepare(&mut sandbox, &first.url(), &second.url());
    sandbox.token();
    assert_eq!(sandbox.run(["--force-refresh"]).status, Some(0));
    [first.grants(), second.grants()]
}

/// Tokens of another broker are never sent to Spotinst.
#[test]
fn the_refresh_url_defaults_to_the_token_url_that_is_set() {
    let by_variable = where_to(|sandbox, first, _| {
        sandbox.set("SPOTINST_TOKEN_URL", first);
    });
    let by_profile = where_to(|sandbox, first, _| {
        sandbox.config(&format!("[profiles.default]\ntoken_url = '{first}'\n"));
    });
    for [first, second] in [by_variable, by_profile] {
        assert_eq!((first.join(" "), second.join(" ")), ("password refresh_token".to_owned(), String::new()));
    }
}

#[test]
fn tokens_are_refreshed_at_the_refresh_url() {
    let by_variables = where_to(|sandbox, first, second| {
        sandbox.set("SPOTINST_TOKEN_URL", first).set("SPOTINST_REFRESH_URL", second);
    });
    let by_profile = where_to(|sandbox, first, second| {
        sandbox.config(&format!("[profiles.default]\ntoken_url = '{first}'\nrefresh_url = '{second}'\n"));
    });
    // Each URL has its own source.
    let by_both = where_to(|sandbox, first, second| {
        sandbox.config(&format!("[profiles.default]\ntoken_url = '{first}'\nrefresh_url = '{first}'\n"));
        sandbox.set("SPOTINST_REFRESH_URL", second);
    });
    let the_other_way = where_to(|sandbox, first, second| {
        sandbox.config(&format!("[profiles.default]\ntoken_url = '{second}'\nrefresh_url = '{second}'\n"));
        sandbox.set("SPOTINST_TOKEN_URL", first);
    });
    for [first, second] in [by_variables, by_profile, by_both, the_other_way] {
        assert_eq!((first.join(" "), second.join(" ")), ("password".to_owned(), "refresh_token".to_owned()));
    }
}

/// A CONNECT request shows the proxy the host, and sends it no secret.
#[test]
fn the_default_is_spotinsts_own_endpoint() {
    let proxy = StandIn::start();
    proxy.always(Reply::empty(403));
    let mut sandbox = Sandbox::of(&proxy);
    sandbox.unset("SPOTINST_TOKEN_URL").set("HTTPS_PROXY", proxy.base());
    assert_eq!(sandbox.run([]).status, Some(5));
    let asked: Vec<_> = proxy.requests().into_iter().map(|request| (request.method, request.target)).collect();
    assert!(!asked.is_empty());
    assert!(
        asked.iter().all(|asked| *asked == ("CONNECT".to_owned(), "oauth.spotinst.io:443".to_owned())),
        "{asked:?}"
    );
}

/// A path in the file is relative to the file, because the working directory varies, or with `~/` to the home.
#[test]
fn a_path_in_the_file_is_relative_to_the_file_or_home() {
    for (path, name) in [("secret", "secret"), ("../secret", "../secret"), ("~not-a-home/secret", "~not-a-home/secret")]
    {
        finds_the_secret(path, |sandbox| sandbox.write_beside_config(name, "found\n"));
    }
    if is_unix_for_case("HOME") {
        finds_the_secret("~/secret", |sandbox| sandbox.write("secret", "found\n"));
    }
    let sandbox = Sandbox::new();
    let absolute = sandbox.write("secret", "absolute\n");
    sandbox.config(&format!("[profiles.default]\ntoken_file = '{}'\n", absolute.display()));
    sandbox.run([]).prints("absolute\n");
}

/// Asserts that the path of a secret in the configuration leads to what was written.
#[track_caller]
fn finds_the_secret(path: &str, write: impl Fn(&Sandbox) -> PathBuf) {
    let (stand_in, mut sandbox) = grants_everyone();
    complete(&mut sandbox);
    sandbox.unset("SPOTINST_PASSWORD").config(&format!("[profiles.default]\npassword_file = '{path}'\n"));
    write(&sandbox);
    Running::start(sandbox.program([]).current_dir("/")).end().prints("granted\n");
    assert_eq!(stand_in.requests()[0].form()["password"], "found", "{path}");
}

#[test]
fn a_ca_file_is_relative_to_the_file_or_home() {
    let ca = Ca::new();
    let stand_in = StandIn::start_tls(&ca.identity_for(&["127.0.0.1"]));
    for path in ["ca.pem", "~/ca.pem"] {
        let sandbox = Sandbox::of(&stand_in);
        if path == "ca.pem" {
            sandbox.write_beside_config(path, &ca.pem());
        } else if is_unix_for_case("HOME") {
            sandbox.write("ca.pem", &ca.pem());
        } else {
            continue;
        }
        sandbox.config(&format!("[profiles.default]\nca_file = '{path}'\n"));
        let outcome = Running::start(sandbox.program([]).current_dir("/")).end();
        outcome.prints(&format!("{}\n", stand_in.issued().last().unwrap()));
    }
    // Without the CA file the stand-in is not trusted.
    assert_eq!(Sandbox::of(&stand_in).run([]).status, Some(3));
}

#[test]
fn a_permanent_token_is_printed_without_network_or_cache() {
    for key in ["token = 'cafe'", "token_file = 'cafe'", "token_command = ARRAY", "token_command = 'echo cafe'"] {
        let (stand_in, sandbox) = grants_everyone();
        let file = sandbox.write_beside_config("cafe", "cafe\n");
        let key = key.replace("ARRAY", &format!("{:?}", os::print_file(&file)));
        sandbox.config(&format!("[profiles.default]\n{key}\n"));
        sandbox.run([]).prints("cafe\n");
        sandbox.run(["--force-refresh", "--min-ttl", "1000h"]).prints("cafe\n");
        assert_eq!(stand_in.connections(), 0, "{key}");
        assert!(!sandbox.cache_dir().exists(), "{key}");
    }
}

/// The file is parsed like the SDK's own parser does.
#[test]
fn the_sdk_file_is_used_if_nothing_is_configured() {
    for (text, document) in [
        ("[default]\ntoken = cafe\naccount = act-1\n", "cafe act-1"),
        ("[default]\ntoken=cafe\n", "cafe -"),
        ("[default]\r\ntoken = cafe\r\naccount = act-1\r\n", "cafe act-1"),
        ("\u{feff}[default]\ntoken = cafe\n", "cafe -"),
        ("# ours\n; and theirs\n\n[default]\n# token = old\n;token = older\ntoken = cafe\n", "cafe -"),
        ("[default]\ntoken = cafe # since May\naccount = act-1;x\n", "cafe act-1"),
        ("[default]\ntoken = \"cafe\"\naccount = 'act-1'\n", "cafe act-1"),
        ("[default]\ntoken = \"cafe\" ; quoted\n", "cafe -"),
        ("[default]\n  token : cafe\n\taccount\t=\tact-1\n", "cafe act-1"),
        ("[ default ]\ntoken = cafe", "cafe -"),
        ("[prod]\ntoken = beef\naccount = act-2\n[default]\ntoken = cafe\n[test]\ntoken = dead\n", "cafe -"),
        ("token = beef\n[default]\ntoken = old\ntoken = cafe\ntokens = dead\n", "cafe -"),
        ("[default]\ntoken = ca+fe/0=\n", "ca+fe/0= -"),
    ] {
        let sandbox = Sandbox::new();
        sandbox.write(".spotinst/credentials", text);
        let (token, account) = document.split_once(' ').unwrap();
        sandbox.run([]).prints(&format!("{token}\n"));
        assert_eq!(self::account(&sandbox).as_deref().unwrap_or("-"), account, "{text:?}");
    }
}

#[test]
fn the_sdk_variables_select_its_file_and_profile() {
    let mut sandbox = Sandbox::new();
    sandbox.write(".spotinst/credentials", "[default]\ntoken = usual\n[prod]\ntoken = beef\naccount = act-2\n");
    sandbox.run([]).prints("usual\n");
    sandbox.set("SPOTINST_CREDENTIALS_PROFILE", "prod").run([]).prints("beef\n");
    assert_eq!(account(&sandbox), Some("act-2".to_owned()));
    // The account of the environment overrides the file's, as in the SDK.
    sandbox.set("SPOTINST_ACCOUNT", "act-3");
    assert_eq!(account(&sandbox), Some("act-3".to_owned()));

    let other = sandbox.write("elsewhere", "[prod]\ntoken = moved\n");
    sandbox.set("SPOTINST_CREDENTIALS_FILE", other).run([]).prints("moved\n");
}

/// If credentials are partly configured, the error names what is missing; the token of another account is not used.
#[test]
fn the_sdk_file_is_ignored_if_anything_is_configured() {
    for variable in [
        "SPOTINST_USERNAME",
        "SPOTINST_EMAIL",
        "SPOTINST_USER",
        "SPOTINST_PASSWORD",
        "SPOTINST_PASSWORD_FILE",
        "SPOTINST_CLIENT_ID",
        "SPOTINST_CLIENT_SECRET",
        "SPOTINST_CLIENT_SECRET_FILE",
        "SPOTINST_TOKEN_URL",
        "SPOTINST_REFRESH_URL",
        "SPOTINST_CRED_GRANT",
    ] {
        let mut sandbox = with_sdk_file();
        let outcome = sandbox.set(variable, "password").run([]);
        assert_eq!((outcome.status, outcome.stdout.as_str()), (Some(3), ""), "{variable}: {outcome:?}");
        let is_missing = ["spotinst-cred: missing ", NOTHING].iter().any(|start| outcome.stderr.starts_with(start));
        assert!(is_missing, "{variable}: {outcome:?}");
    }
    let sandbox = with_sdk_file();
    sandbox.config("[profiles.work]\n");
    assert_eq!(sandbox.run([]).status, Some(3));
    // A file without profiles configures nothing.
    sandbox.config("# later\n");
    sandbox.run([]).prints("cafe\n");
}

/// It is this program's output: an inherited value may have expired.
#[test]
fn spotinst_token_is_never_an_input() {
    let mut sandbox = Sandbox::new();
    sandbox.set("SPOTINST_TOKEN", "stale");
    let outcome = sandbox.run([]);
    assert_eq!((outcome.status, outcome.stdout.as_str()), (Some(3), ""));
    assert!(outcome.stderr.starts_with(NOTHING) && !outcome.stderr.contains("stale"), "{outcome:?}");

    let mut sandbox = with_sdk_file();
    sandbox.set("SPOTINST_TOKEN", "stale").run([]).prints("cafe\n");
}

/// A service may have no environment at all: everything is on the command line.
#[test]
fn an_empty_environment_is_sufficient() {
    if !is_unix("sockets without SystemRoot") {
        return;
    }
    let stand_in = StandIn::start();
    let sandbox = Sandbox::of(&stand_in);
    sandbox.config(&format!(
        "[profiles.default]\nusername = 'ada@example.com'\npassword = '{}'\nclient_id = 'client-1'\nclient_secret = '{}'\n\
         token_url = '{}'\n",
        stand_in::spotinst::PASSWORD,
        stand_in::spotinst::CLIENT_SECRET,
        stand_in.url()
    ));
    let config = sandbox.config_path();
    let bare = |arguments: &[&str]| {
        let mut command = sandbox.command(PROGRAM);
        command.env_clear().current_dir("/").arg("--config").arg(&config).args(arguments);
        Running::start(&mut command).end()
    };
    let cache = sandbox.path().join("cache");
    let cached = ["--cache-dir", cache.to_str().unwrap()];

    let first = bare(&cached);
    let second = bare(&cached);
    let uncached = bare(&["--no-cache"]);

    let issued = stand_in.issued();
    first.prints(&format!("{}\n", issued[0]));
    second.prints(&format!("{}\n", issued[0]));
    uncached.prints(&format!("{}\n", issued[1]));
}

/// If the environment has all settings, neither configuration nor cache is required.
#[test]
fn an_unusable_home_is_not_an_error() {
    if !is_unix("HOME") {
        return;
    }
    let stand_in = StandIn::start();
    for home in ["/dev/null", "/nonexistent/home"] {
        let mut sandbox = Sandbox::of(&stand_in);
        sandbox.set("HOME", home).set("XDG_CACHE_HOME", "/dev/null");
        let outcome = sandbox.run([]);
        outcome.prints(&format!("{}\n", stand_in.issued().last().unwrap()));

        let mut nothing = Sandbox::new();
        assert!(nothing.set("HOME", home).run([]).stderr.starts_with(NOTHING), "{home}");
    }
}

#[test]
fn the_working_directory_does_not_matter() {
    let stand_in = StandIn::start();
    let sandbox = Sandbox::of(&stand_in);
    let in_root = Running::start(sandbox.program([]).current_dir("/")).end();
    let token = stand_in.issued().remove(0);
    in_root.prints(&format!("{token}\n"));
    if is_unix_for_case("a working directory that was removed") {
        let in_none = sandbox.shell("sh", "mkdir gone && cd gone && rmdir ../gone && exec spotinst-cred");
        in_none.prints(&format!("{token}\n"));
    }
}

/// A stand-in that grants any request the same token, and a sandbox that has only its URL.
fn grants_everyone() -> (StandIn, Sandbox) {
    let stand_in = StandIn::start();
    stand_in.always(Reply::access_only("granted"));
    let mut sandbox = Sandbox::new();
    sandbox.set("SPOTINST_TOKEN_URL", stand_in.url());
    (stand_in, sandbox)
}

/// Sets each field's first variable to the field's name.
fn complete(sandbox: &mut Sandbox) {
    for field in &FIELDS {
        sandbox.set(field.variables[0], field.name);
    }
}

/// A profile with all fields and an account.
fn profile() -> String {
    let keys = FIELDS.iter().map(|field| format!("{} = 'in the file {}'\n", field.key, field.name));
    format!("[profiles.default]\naccount = 'act-file'\n{}", keys.collect::<String>())
}

/// The expected form: the value of each field begins with its `origin`.
fn expected_form(origin: impl Fn(usize) -> &'static str) -> Vec<String> {
    let value = |(index, field): (usize, &Field)| match origin(index) {
        "by variable" => "by variable".to_owned(),
        origin => format!("{origin} {}", field.name),
    };
    FIELDS.iter().enumerate().map(value).collect()
}

/// The values of all fields in the first request.
fn form(stand_in: &StandIn) -> Vec<String> {
    let mut form = stand_in.requests()[0].form();
    FIELDS.iter().map(|field| form.remove(field.name).unwrap()).collect()
}

/// The account in the JSON document.
#[track_caller]
fn account(sandbox: &Sandbox) -> Option<String> {
    let Outcome { stdout, stderr, status } = sandbox.run(["-f", "json"]);
    assert_eq!((stderr.as_str(), status), ("", Some(0)));
    let document: serde_json::Value = serde_json::from_str(&stdout).unwrap();
    document["account"].as_str().map(str::to_owned)
}

/// A sandbox with only the SDK's credentials file.
fn with_sdk_file() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write(".spotinst/credentials", "[default]\ntoken = cafe\n");
    sandbox
}
