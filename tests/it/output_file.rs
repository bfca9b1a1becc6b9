//! `--output`: a file that is replaced atomically.

use std::fs;
use std::io::Read;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;

use crate::fixtures::{ACCOUNT, DOCUMENT, TOKEN, with_document, with_permanent_token};
use crate::requirements::need;
use crate::sandbox::Running;

#[test]
fn the_file_and_its_directory_are_created_private() {
    let sandbox = with_document(DOCUMENT);
    let file = sandbox.home().join(".spotinst/credentials");
    sandbox.run(["-f", "yaml", "-o", path(&file)]).prints("");
    assert_eq!(text(&file), format!("default:\n  token: {TOKEN}\n  account: {ACCOUNT}\n"));
    assert_eq!((mode(&file), mode(file.parent().unwrap())), (0o600, 0o700));
    assert_eq!(names(file.parent().unwrap()), ["credentials"]);
}

#[test]
fn every_format_is_written_as_it_is_printed() {
    let sandbox = with_document(DOCUMENT);
    let file = sandbox.home().join("out");
    for format in ["token", "header", "sh", "dotenv", "fish", "powershell", "ini", "yaml", "kubernetes", "terraform"] {
        let printed = sandbox.run(["-f", format]).stdout;
        sandbox.run(["-f", format, "--output", path(&file)]).prints("");
        assert_eq!(text(&file), printed, "{format}");
    }
    sandbox.run(["-n", "-o", path(&file)]).prints("");
    assert_eq!(text(&file), TOKEN);
}

#[test]
fn an_open_reader_keeps_the_old_file() {
    let sandbox = with_document(DOCUMENT);
    let file = sandbox.write("token", "the old one\n");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let (mut old, inode) = (fs::File::open(&file).unwrap(), fs::metadata(&file).unwrap().ino());

    sandbox.run(["-o", path(&file)]).prints("");

    let mut read = String::new();
    old.read_to_string(&mut read).unwrap();
    assert_eq!((read.as_str(), text(&file)), ("the old one\n", format!("{TOKEN}\n")));
    assert_eq!(mode(&file), 0o600);
    assert_ne!(fs::metadata(&file).unwrap().ino(), inode);
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
fn a_symlink_of_the_user_is_kept() {
    let sandbox = with_document(DOCUMENT);
    let target = sandbox.write("dotfiles/credentials", "old");
    fs::create_dir(sandbox.home().join(".spotinst")).unwrap();
    let link = sandbox.home().join(".spotinst/credentials");
    symlink("../dotfiles/credentials", &link).unwrap();
    sandbox.run(["-o", path(&link)]).prints("");
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(text(&target), format!("{TOKEN}\n"));

    // A dangling link: its target is created.
    fs::remove_file(&target).unwrap();
    sandbox.run(["-o", path(&link)]).prints("");
    assert_eq!(text(&target), format!("{TOKEN}\n"));

    let circle = sandbox.home().join("circle");
    symlink("circle", &circle).unwrap();
    refuses(&sandbox.run(["-o", path(&circle)]), &circle, "its symbolic links have no end");
}

#[test]
fn a_symlink_of_another_user_is_not_followed() {
    let sandbox = with_document(DOCUMENT);
    let target = sandbox.write("precious", "untouched");
    let link = sandbox.path().join("trap");
    symlink(&target, &link).unwrap();
    if std::os::unix::fs::lchown(&link, Some(12345), None).is_err() {
        need(false, "only root can make a link of another user");
        return;
    }
    sandbox.run(["-o", path(&link)]).fails(
        1,
        &format!(
            "spotinst-cred: cannot write {}: it is a symbolic link that somebody else made\n\
             hint: check the path, its permissions and the room on the disk\n",
            link.display()
        ),
    );
    assert_eq!(text(&target), "untouched");
}

#[test]
fn devices_directories_and_open_files_are_not_replaced() {
    let sandbox = with_document(DOCUMENT);
    for file in ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"] {
        refuses(&sandbox.run(["-o", file]), Path::new(file), "it is no regular file");
    }
    // A FIFO instead of /dev/null, which a bug would replace if root runs the test.
    let fifo = sandbox.home().join("fifo");
    assert!(sandbox.command("mkfifo").arg(&fifo).status().unwrap().success());
    refuses(&sandbox.run(["-o", path(&fifo)]), &fifo, "it is no regular file");
    let home = sandbox.home();
    refuses(&sandbox.run(["-o", path(&home)]), &home, "it is no regular file");
    refuses(&sandbox.run(["-o", "/"]), Path::new("/"), "that is no file's name");

    // If stdout is a file, replacing it would lose what others wrote there.
    let log = sandbox.write("log", "");
    let inode = fs::metadata(&log).unwrap().ino();
    let mut command = sandbox.program(["-o", "/proc/self/fd/1"]);
    command.stdout(fs::OpenOptions::new().append(true).open(&log).unwrap());
    assert_eq!(Running::start(&mut command).end().status, Some(1));
    assert_eq!((fs::metadata(&log).unwrap().ino(), text(&log)), (inode, String::new()));
}

#[test]
fn a_directory_that_cannot_be_created_is_a_clear_error() {
    let sandbox = with_document(DOCUMENT);
    let file = sandbox.write("file", "").join("token");
    sandbox.run(["-o", path(&file)]).fails(
        1,
        &format!(
            "spotinst-cred: cannot write {}: Not a directory (os error 20)\n\
             hint: check the path, its permissions and the room on the disk\n",
            file.display()
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

#[test]
fn options_that_conflict_with_output() {
    let sandbox = with_document(DOCUMENT);
    let github = "--output does not go with the github format of --format, whose output the runner reads";
    let hint = "leave out one of the two";
    sandbox.run(["-f", "github", "-o", "x"]).fails(2, &format!("spotinst-cred: {github}\nhint: {hint}\n"));
    for (arguments, option, command) in [
        (["-o", "x", "get"], "--output", "get"),
        (["-f", "json", "get"], "--format", "get"),
        (["-n", "exec", "true"], "--no-newline", "exec"),
    ] {
        let hint = format!("`spotinst-cred help {command}` lists its options");
        let expected = format!("spotinst-cred: {option} does not go with `{command}`\nhint: {hint}\n");
        sandbox.run(arguments).fails(2, &expected);
    }
}

#[track_caller]
fn refuses(outcome: &crate::sandbox::Outcome, file: &Path, why: &str) {
    let hint = "name a regular file; without --output the token goes to stdout";
    outcome.fails(1, &format!("spotinst-cred: cannot write {}: {why}\nhint: {hint}\n", file.display()));
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o777
}

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(dir).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}
