//! `--output` and what only Unix has: symbolic links, devices, permissions.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;

use crate::fixtures::{DOCUMENT, TOKEN, with_document};
use crate::output_file::{path, refuses, text, would_lose};
use crate::requirements::{need, need_optional};
use crate::sandbox::Running;

#[test]
fn a_symlink_of_the_user_is_kept() {
    let sandbox = with_document(DOCUMENT);
    let target = sandbox.write("dotfiles/credentials", "");
    fs::create_dir(sandbox.home().join(".spotinst")).unwrap();
    let link = sandbox.home().join(".spotinst/credentials");
    symlink("../dotfiles/credentials", &link).unwrap();
    sandbox.run(["-o", path(&link)]).prints("");
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(text(&target), format!("{TOKEN}\n"));

    // Its content counts.
    fs::write(&target, "precious").unwrap();
    sandbox.run(["-o", path(&link)]).fails(1, &would_lose(&link, ""));
    assert_eq!(text(&target), "precious");

    // A dangling link: its target is created.
    fs::remove_file(&target).unwrap();
    sandbox.run(["-o", path(&link)]).prints("");
    assert_eq!(text(&target), format!("{TOKEN}\n"));

    let circle = sandbox.home().join("circle");
    symlink("circle", &circle).unwrap();
    refuses(&sandbox.run(["-o", path(&circle)]), &circle, "too many levels of symbolic links");
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
            "spotinst-cred: cannot write {}: it is a symbolic link that another user created\n\
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
        refuses(&sandbox.run(["-o", file]), Path::new(file), "it is not a regular file");
    }
    // A FIFO instead of /dev/null, which a bug would replace if root runs the test.
    let fifo = sandbox.home().join("fifo");
    assert!(sandbox.command("mkfifo").arg(&fifo).status().unwrap().success());
    refuses(&sandbox.run(["-o", path(&fifo)]), &fifo, "it is not a regular file");
    let home = sandbox.home();
    refuses(&sandbox.run(["-o", path(&home)]), &home, "it is not a regular file");
    refuses(&sandbox.run(["-o", "/"]), Path::new("/"), "the path does not end in a file name");

    // If stdout is a file, replacing it would lose what others wrote there.
    let log = sandbox.write("log", "");
    let inode = fs::metadata(&log).unwrap().ino();
    let mut command = sandbox.program(["-o", "/proc/self/fd/1"]);
    command.stdout(fs::OpenOptions::new().append(true).open(&log).unwrap());
    assert_eq!(Running::start(&mut command).end().status, Some(1));
    assert_eq!((fs::metadata(&log).unwrap().ino(), text(&log)), (inode, String::new()));
}

#[test]
fn a_file_that_cannot_be_read_is_not_replaced() {
    let sandbox = with_document(DOCUMENT);
    let file = sandbox.write("out", "");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o000)).unwrap();
    if fs::File::open(&file).is_ok() {
        need_optional(false, "root reads every file");
        return;
    }
    let outcome = sandbox.run(["-o", path(&file)]);
    outcome.has_failed(1);
    assert!(outcome.stderr.contains("Permission denied"), "{outcome:?}");
}
