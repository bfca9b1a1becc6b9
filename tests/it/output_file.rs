//! `--output`: a file that is replaced atomically.

use std::fs;
use std::io::Read;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::fixtures::{ACCOUNT, DOCUMENT, EXPIRY, TOKEN, with_document, with_permanent_token};
use crate::os;
use crate::requirements::is_unix;
use crate::sandbox::{Outcome, Sandbox};
use stand_in::{StandIn, jwt};

const HOUR: Duration = Duration::from_secs(3600);

const ALL_FORMATS: [&str; 11] =
    ["token", "json", "header", "sh", "dotenv", "fish", "powershell", "ini", "yaml", "kubernetes", "terraform"];

/// The first line of the SDKs' file with the token of [`DOCUMENT`], without the digest at its end.
const MARK: &str =
    "# Written by spotinst-cred, which replaces it if unchanged; the token expires 2098-12-31T23:59:00Z; digest ";

/// The same of a token without an expiry.
const MARK_WITHOUT_EXPIRY: &str = "# Written by spotinst-cred, which replaces it if unchanged; digest ";

#[test]
fn the_file_and_its_directory_are_created_private() {
    let sandbox = with_document(DOCUMENT);
    let file = sandbox.home().join(".spotinst/credentials");
    sandbox.run(["-f", "yaml", "-o", path(&file)]).prints("");
    assert_eq!(below_mark(&file, MARK), format!("default:\n  token: {TOKEN}\n  account: {ACCOUNT}\n"));
    assert!(os::is_private(&file) && os::is_private(file.parent().unwrap()));
    assert_eq!(names(file.parent().unwrap()), ["credentials"]);
}

#[test]
fn every_format_is_written_as_it_is_printed() {
    let sandbox = with_document(DOCUMENT);
    for format in ["token", "header", "sh", "dotenv", "fish", "powershell", "ini", "yaml", "kubernetes", "terraform"] {
        let file = sandbox.home().join(format);
        let printed = sandbox.run(["-f", format]).stdout;
        sandbox.run(["-f", format, "--output", path(&file)]).prints("");
        let is_marked = ["ini", "yaml"].contains(&format);
        let written = if is_marked { below_mark(&file, MARK) } else { text(&file) };
        assert_eq!(written, printed, "{format}");
    }
    let file = sandbox.home().join("bare");
    sandbox.run(["-n", "-o", path(&file)]).prints("");
    assert_eq!(text(&file), TOKEN);
}

#[test]
fn an_open_reader_keeps_the_old_file() {
    if !is_unix("replacing a file that is open, which Wine refuses") {
        return;
    }
    let sandbox = with_document(DOCUMENT);
    let expired = jwt::mint(UNIX_EPOCH, 2 * HOUR);
    let file = sandbox.write("token", &expired);
    os::set_mode(&file, 0o644);
    let mut old = fs::File::open(&file).unwrap();

    sandbox.run(["-o", path(&file)]).prints("");

    let mut read = String::new();
    old.read_to_string(&mut read).unwrap();
    assert_eq!((read, text(&file)), (expired, format!("{TOKEN}\n")));
    assert!(os::is_private(&file));
}

#[test]
fn a_relative_path_is_relative_to_the_working_directory() {
    let sandbox = with_document(DOCUMENT);
    sandbox.run(["-o", "here"]).prints("");
    assert_eq!(text(&sandbox.path().join("here")), format!("{TOKEN}\n"));
}

#[test]
fn a_dash_is_stdout() {
    let sandbox = with_document(DOCUMENT);
    sandbox.run(["-o", "-"]).prints(&format!("{TOKEN}\n"));
    assert!(!sandbox.path().join("-").exists());
}

#[test]
fn a_directory_that_cannot_be_created_is_a_clear_error() {
    let sandbox = with_document(DOCUMENT);
    let file = sandbox.write("file", "").join("token");
    sandbox.run(["-o", path(&file)]).fails(
        1,
        &format!(
            "spotinst-cred: cannot write {}: {}\n\
             hint: check the path, its permissions and the room on the disk\n",
            file.display(),
            os::NOT_A_DIRECTORY
        ),
    );
}

#[test]
fn without_a_token_the_file_is_unchanged() {
    let sandbox = with_permanent_token("not a token", "");
    let file = sandbox.write("token", "the old one\n");
    assert_eq!(sandbox.run(["-o", path(&file)]).status, Some(3));
    assert_eq!(text(&file), "the old one\n");
}

/// The token is renewed, and another time the account is another one.
#[test]
fn an_earlier_output_is_replaced_in_every_format() {
    for format in ALL_FORMATS {
        let stand_in = StandIn::start();
        let mut sandbox = Sandbox::of(&stand_in);
        let file = sandbox.home().join("out");
        for account in ["act-11111111", "act-22222222", "act-22222222"] {
            sandbox.set("SPOTINST_ACCOUNT", account);
            sandbox.run(["-f", format, "-o", path(&file), "--force-refresh"]).prints("");
            let token = stand_in.issued().pop().unwrap();
            assert!(text(&file).contains(&token), "{format}: {}", text(&file));
        }
        // Without an account in the new output, too.
        sandbox.unset("SPOTINST_ACCOUNT");
        let status = if ["ini", "yaml"].contains(&format) { 3 } else { 0 };
        assert_eq!(sandbox.run(["-f", format, "-o", path(&file)]).status, Some(status), "{format}");
    }
}

#[test]
fn a_file_with_nothing_but_a_temporary_token_is_replaced() {
    let expired = jwt::mint(UNIX_EPOCH, 2 * HOUR);
    let fresh = jwt::mint(SystemTime::now(), 2 * HOUR);
    for token in [expired, fresh] {
        for (format, old) in [
            ("token", token.clone()),
            ("header", format!("Authorization: Bearer {token}\r\n")),
            ("dotenv", format!("SPOTINST_TOKEN=\"{token}\"\n")),
            ("sh", format!("export SPOTINST_TOKEN={token}")),
            ("ini", format!("[default]\ntoken={token}\naccount = act-1\n")),
            ("yaml", format!("[default]\ntoken: {token}\n")),
            ("yaml", format!("default:\n  token: '{token}'\n")),
            ("ini", format!("{{\"token\":\"{token}\",\"account\":\"act-1\"}}")),
            ("token", String::new()),
            // It is the same one.
            ("dotenv", format!("SPOTINST_TOKEN={TOKEN}\n")),
            ("yaml", " \n\n".to_owned()),
        ] {
            let sandbox = with_document(DOCUMENT);
            let file = sandbox.write("out", &old);
            sandbox.run(["-f", format, "-o", path(&file)]).prints("");
            assert!(text(&file).contains(TOKEN), "{format} over {old:?}");
        }
    }
}

#[test]
fn what_would_be_lost_is_not_replaced() {
    let two_weeks = jwt::mint(SystemTime::now(), 14 * 24 * HOUR);
    let expired = jwt::mint(UNIX_EPOCH, 2 * HOUR);
    let permanent = "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0";
    let edited_mark = format!("{MARK_WITHOUT_EXPIRY}0123456789abcdef\n");
    for (format, old) in [
        ("yaml", format!("[default]\ntoken = {permanent}\naccount = act-1\n")),
        ("yaml", format!("default:\n  token: {permanent}\n")),
        ("ini", format!("{{\"token\":\"{permanent}\"}}")),
        ("ini", format!("[default]\ntoken = {expired}\n[prod]\ntoken = {expired}\n")),
        ("ini", format!("[default]\ntoken = {two_weeks}\n")),
        // With the mark, the same token would be no source of tokens any more.
        ("ini", format!("[default]\ntoken = {TOKEN}\naccount = {ACCOUNT}\n")),
        ("yaml", format!("{edited_mark}default:\n  token: {expired}\n  account: act-1\nprod:\n  token: {permanent}\n")),
        ("ini", format!("{edited_mark}[default]\ntoken = {permanent}\naccount = act-1\n")),
        ("ini", format!("{edited_mark}[default]\ntoken = {expired}\naccount = act-1\n; keep this\n")),
        ("yaml", format!("{edited_mark}default: {{token: {expired}}}\nprod: {{token: {permanent}}}\n# both\n")),
        ("ini", format!("# mine\n[default]\ntoken = {permanent}\naccount = act-1\n")),
        ("dotenv", format!("SPOTINST_TOKEN={permanent}\n")),
        ("dotenv", "SPOTINST_TOKEN=12345678901234567890\n".to_owned()),
        ("dotenv", format!("SPOTINST_TOKEN={expired}\nDATABASE_URL=postgres://localhost\n")),
        ("dotenv", format!("# for Monday\nSPOTINST_TOKEN={expired}\n")),
        ("sh", "alias ll='ls -l'\n".to_owned()),
        ("token", permanent.to_owned()),
        ("token", format!("{expired}\n密\n")),
        ("token", " ".repeat(256 * 1024 + 1)),
        ("kubernetes", "apiVersion: v1\nkind: Config\n".to_owned()),
    ] {
        let sandbox = with_document(DOCUMENT);
        let file = sandbox.write("out", &old);
        sandbox.run(["-f", format, "-o", path(&file)]).fails(1, &would_lose(&file, format));
        assert_eq!(text(&file), old);
    }
    let sandbox = with_document(DOCUMENT);
    let file = sandbox.home().join("out");
    fs::write(&file, b"\xff").unwrap();
    sandbox.run(["-o", path(&file)]).fails(1, &would_lose(&file, "token"));
    assert_eq!(fs::read(&file).unwrap(), b"\xff");
}

/// The old token is opaque, and the new one could be permanent: neither shows that the file was edited.
#[test]
fn an_sdk_file_that_was_edited_by_hand_is_not_replaced() {
    let sandbox = with_document(DOCUMENT);
    let file = sandbox.home().join(".spotinst/credentials");
    for format in ["ini", "yaml"] {
        let write = || sandbox.run(["-f", format, "-o", path(&file)]);
        write().prints("");
        let written = text(&file);
        for edited in [
            written.replace(TOKEN, "0f1e2d3c4b5a69788796a5b4c3d2e1f0"),
            written.replace(ACCOUNT, "12345678"),
            format!("{written}# keep this\n"),
            written.replacen('\n', " keep this\n", 1),
            written.replacen('\n', "\n# keep this\n", 1),
            written.replacen("digest ", "digest 0", 1),
        ] {
            fs::write(&file, &edited).unwrap();
            write().fails(1, &would_lose(&file, format));
            assert_eq!(text(&file), edited);
        }
        fs::write(&file, &written).unwrap();
        write().prints("");
        assert_eq!(text(&file), written);
    }
}

/// Two files of one name are one file: the token that the file gives must not be lost by writing it there.
#[test]
fn the_file_that_the_token_comes_from_is_not_replaced() {
    let sandbox = Sandbox::new();
    let ini = "[default]\ntoken = cafe\naccount = act-1\n[prod]\ntoken = beef\naccount = act-2\n";
    let file = sandbox.write(".spotinst/credentials", ini);
    for format in ["ini", "yaml"] {
        for section in ["default", "prod"] {
            let outcome = sandbox.run(["-f", format, "-p", section, "--section", section, "-o", path(&file)]);
            outcome.fails(1, &would_lose(&file, format));
        }
    }
    sandbox.run(["-p", "prod"]).prints("beef\n");
    // Elsewhere it is no loss.
    let elsewhere = sandbox.home().join("elsewhere");
    sandbox.run(["-f", "yaml", "-o", path(&elsewhere)]).prints("");
    assert_eq!(below_mark(&elsewhere, MARK_WITHOUT_EXPIRY), "default:\n  token: cafe\n  account: act-1\n");
}

/// A token that the program wrote is no credential: it expires, and nobody would know where a new one comes from.
#[test]
fn the_sdk_file_that_was_written_is_not_read_back() {
    for format in ["ini", "yaml"] {
        let stand_in = StandIn::start();
        let mut sandbox = Sandbox::of(&stand_in);
        let file = sandbox.home().join(".spotinst/credentials");
        sandbox.set("SPOTINST_ACCOUNT", ACCOUNT);
        sandbox.run(["-f", format, "-o", path(&file)]).prints("");
        for name in ["TOKEN_URL", "USERNAME", "PASSWORD", "CLIENT_ID", "CLIENT_SECRET"] {
            sandbox.unset(&format!("SPOTINST_{name}"));
        }
        // The file is named where it is not found by the home.
        let named = os::file_variable(&sandbox.home());
        let shown = named.as_ref().map(|(name, path)| format!("{} (from {name})", path.display()));
        let shown = shown.unwrap_or_else(|| file.display().to_string());
        let what = format!("the credentials file {shown} holds only a token that spotinst-cred wrote there");
        let stderr = format!("spotinst-cred: not logged in: {what}\nhint: run `spotinst-cred login`\n");
        sandbox.run([]).fails(3, &stderr);
        sandbox.run(["-p", "default"]).fails(3, &stderr);
    }
}

/// Comment signs, and no `=`, at which Ansible splits every line.
#[test]
fn the_mark_is_a_comment_with_the_expiry() {
    assert!(MARK.starts_with("# ") && MARK.contains(&format!("{EXPIRY};")) && !MARK.contains('='));
    let sandbox = with_permanent_token("cafe", "account = 'act-1'");
    let file = sandbox.home().join("out");
    sandbox.run(["-f", "ini", "-o", path(&file)]).prints("");
    assert_eq!(below_mark(&file, MARK_WITHOUT_EXPIRY), "[default]\ntoken = cafe\naccount = act-1\n");
    // The next permanent token replaces it, too.
    sandbox.config("[profiles.default]\ntoken = 'beef'\naccount = 'act-1'\n");
    sandbox.run(["-f", "yaml", "-o", path(&file)]).prints("");
}

#[test]
fn another_section_is_written_in_the_place_of_default() {
    let sandbox = with_document(DOCUMENT);
    let file = sandbox.home().join("credentials");
    for (format, section, header) in [
        ("ini", "staging", "[staging]\n"),
        ("yaml", "staging", "staging:\n"),
        ("ini", "eu-1.prod_x", "[eu-1.prod_x]\n"),
        ("yaml", "123", "'123':\n"),
        ("yaml", "on", "'on':\n"),
    ] {
        let printed = sandbox.run(["-f", format, "--section", section]);
        assert!(printed.stdout.starts_with(header), "{printed:?}");
        // The file holds the section of the last call.
        sandbox.run(["-f", format, "--section", section, "-o", path(&file)]).prints("");
        assert_eq!(below_mark(&file, MARK), printed.stdout);
    }
}

#[test]
fn a_section_that_does_not_fit_is_a_usage_error() {
    let sandbox = with_document(DOCUMENT);
    let hint = "hint: for example: --format yaml --section staging\n";
    let name = format!("spotinst-cred: --section is not a name of letters, digits, `.`, `_` and `-`\n{hint}");
    for section in ["", "a b", "a]", "a:", "a\nb", "#a", "a=b", "\u{e9}"] {
        for format in ["ini", "yaml"] {
            sandbox.run(["-f", format, "--section", section]).fails(2, &name);
        }
    }
    let formats = format!("spotinst-cred: --section is only for the formats ini and yaml\n{hint}");
    sandbox.run(["--section", "a"]).fails(2, &formats);
    sandbox.run(["-f", "dotenv", "--section", "a"]).fails(2, &formats);
}

#[test]
fn options_that_conflict_with_output() {
    let sandbox = with_document(DOCUMENT);
    let github = "--output cannot be used with the github format (from --format): the runner reads stdout";
    let hint = "leave out one of the two";
    sandbox.run(["-f", "github", "-o", "x"]).fails(2, &format!("spotinst-cred: {github}\nhint: {hint}\n"));
    for (arguments, option, command) in [
        (["-o", "x", "get"], "--output", "get"),
        (["-f", "json", "get"], "--format", "get"),
        (["-n", "exec", "true"], "--no-newline", "exec"),
        (["--section", "x", "get"], "--section", "get"),
    ] {
        let hint = format!("`spotinst-cred help {command}` lists its options");
        let expected = format!("spotinst-cred: {option} cannot be used with `{command}`\nhint: {hint}\n");
        sandbox.run(arguments).fails(2, &expected);
    }
}

/// The error of a file whose content would be lost.
pub fn would_lose(file: &Path, format: &str) -> String {
    let name = ", and name it with SPOTINST_CREDENTIALS_FILE or SPOTINST_SHARED_CREDENTIALS_FILE";
    let name = if ["ini", "yaml"].contains(&format) { name } else { "" };
    format!(
        "spotinst-cred: cannot write {}: it holds data that would be lost\n\
         hint: write to another file{name}, or move this one away\n",
        file.display()
    )
}

#[track_caller]
pub fn refuses(outcome: &Outcome, file: &Path, why: &str) {
    let hint = "name a regular file; without --output the token goes to stdout";
    outcome.fails(1, &format!("spotinst-cred: cannot write {}: {why}\nhint: {hint}\n", file.display()));
}

/// The content of an SDK file below its first line, which is `mark` and a digest.
#[track_caller]
fn below_mark(file: &Path, mark: &str) -> String {
    let text = text(file);
    let (first, rest) = text.split_once('\n').unwrap();
    let digest = first.strip_prefix(mark).unwrap_or_else(|| panic!("no mark: {first}"));
    assert!(digest.len() == 32 && digest.bytes().all(|byte| byte.is_ascii_hexdigit()), "{first}");
    rest.to_owned()
}

pub fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

pub fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap()
}

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(dir).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}
