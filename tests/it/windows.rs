//! What only Windows does: programs found by their suffix, jobs instead of process groups, files that cannot be replaced
//! while somebody has them open.

use std::fs::File;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use stand_in::{StandIn, spotinst};

use crate::callers::{assert_cold_callers_make_one_request, assert_forced_refreshes_coalesce};
use crate::sandbox::{PROGRAM, Sandbox};

/// A sandbox with two profiles: `inner` logs in, and `outer` runs a command that calls the program for `inner`.
fn nested(stand_in: &StandIn) -> Sandbox {
    let mut sandbox = Sandbox::new();
    sandbox.set("SPOTINST_CRED_TIMEOUT", "1m");
    sandbox.config(&format!(
        "default_profile = \"inner\"\n[profiles.inner]\nusername = {:?}\npassword = {:?}\nclient_id = {:?}\n\
         client_secret = {:?}\ntoken_url = {:?}\n\
         [profiles.outer]\ncommand_timeout = \"2s\"\ntoken_command = {:?}\n",
        spotinst::USERNAME,
        spotinst::PASSWORD,
        spotinst::CLIENT_ID,
        spotinst::CLIENT_SECRET,
        stand_in.url(),
        ["cmd.exe", "/d", "/c", PROGRAM, "-p", "inner", "--force-refresh"],
    ));
    sandbox
}

#[test]
fn exec_runs_a_cmd_file_found_by_its_name_and_returns_its_status() {
    let stand_in = StandIn::start();
    let mut sandbox = Sandbox::of(&stand_in);
    let script = sandbox.write("bin/tool.cmd", "@echo %1 %SPOTINST_TOKEN%\r\n@exit /b 7\r\n");
    let path = std::env::var("PATH").unwrap();
    sandbox.set("PATH", format!("{};{path}", script.parent().unwrap().display()));
    let token = sandbox.token();
    let outcome = sandbox.run(["exec", "--", "tool", "hello"]);
    let expected = format!("hello {token}");
    assert_eq!((outcome.stdout.trim_end(), outcome.status), (expected.as_str(), Some(7)), "{outcome:?}");
}

#[test]
fn exec_gives_the_program_the_token_and_no_credentials() {
    let stand_in = StandIn::start();
    let sandbox = Sandbox::of(&stand_in);
    let outcome = sandbox.run(["exec", "--", "cmd", "/d", "/c", "set SPOTINST"]);
    assert_eq!((outcome.status, outcome.stderr.as_str()), (Some(0), ""), "{outcome:?}");
    let variables: Vec<_> = outcome.stdout.lines().collect();
    assert!(variables.contains(&format!("SPOTINST_TOKEN={}", stand_in.issued()[0]).as_str()), "{outcome:?}");
    assert!(variables.contains(&format!("SPOTINST_USERNAME={}", spotinst::USERNAME).as_str()), "{outcome:?}");
    for secret in [spotinst::PASSWORD, spotinst::CLIENT_SECRET] {
        assert!(!outcome.stdout.contains(secret), "{outcome:?}");
    }
}

/// The hundreds of processes in `contention` take too long to start under Wine.
#[test]
fn twelve_cold_callers_make_one_request() {
    assert_cold_callers_make_one_request(12, ["-v", "--timeout", "1m"]);
}

#[test]
fn twelve_forced_refreshes_coalesce() {
    assert_forced_refreshes_coalesce(12, ["-v", "--force-refresh", "--timeout", "1m"]);
}

#[test]
fn exec_of_a_missing_program_fails() {
    let stand_in = StandIn::start();
    Sandbox::of(&stand_in).run(["exec", "--", "no-such-program"]).has_failed(127);
}

#[test]
fn a_killed_exec_ends_its_program() {
    let stand_in = StandIn::start();
    let sandbox = nested(&stand_in);
    sandbox.token();
    let gate = stand_in.close_gate();
    let outer = sandbox.start(["exec", "--", PROGRAM, "--force-refresh"]);
    stand_in.wait_for_requests(2);
    outer.kill();
    // A program that still ran would hold the lock.
    let next = sandbox.start(["--force-refresh", "--timeout", "20s"]);
    stand_in.wait_for_requests(3);
    gate.open();
    assert_eq!(next.end().status, Some(0));
}

#[test]
fn a_command_is_killed_with_its_children_at_its_deadline() {
    let stand_in = StandIn::start();
    let sandbox = nested(&stand_in);
    sandbox.token();
    let gate = stand_in.close_gate();
    sandbox.run(["-p", "outer"]).has_failed(5);
    stand_in.wait_for_requests(2);
    let next = sandbox.start(["--force-refresh", "--timeout", "20s"]);
    stand_in.wait_for_requests(3);
    gate.open();
    assert_eq!(next.end().status, Some(0));
}

#[test]
fn the_entry_is_replaced_while_readers_have_it_open() {
    let stand_in = StandIn::start();
    let sandbox = Sandbox::of(&stand_in);
    sandbox.token();
    let entry = sandbox.entry_path();
    let is_done = AtomicBool::new(false);
    thread::scope(|scope| {
        let readers = [(); 2].map(|()| scope.spawn(|| hammer(&entry, &is_done)));
        let end = EndOfReaders(&is_done);
        for refresh in 1..=20 {
            let outcome = sandbox.run(["--force-refresh", "-v"]);
            assert_eq!(outcome.status, Some(0), "{outcome:?}");
            assert!(!outcome.stderr.contains("cannot"), "refresh {refresh} was not cached: {outcome:?}");
            assert_eq!(sandbox.token(), outcome.stdout.trim_end(), "refresh {refresh} was not cached");
        }
        drop(end);
        for reader in readers {
            let reads = reader.join().unwrap();
            assert!(reads > 20, "{reads} reads during the refreshes");
        }
    });
    assert_eq!(stand_in.requests().len(), 21);
    assert!(sandbox.cache_files("tmp").is_empty());
}

/// Ends the readers, also when the test fails.
struct EndOfReaders<'a>(&'a AtomicBool);

impl Drop for EndOfReaders<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Opens and reads the file again and again. Returns how often it was read to its end.
fn hammer(path: &Path, is_done: &AtomicBool) -> usize {
    let mut reads = 0;
    while !is_done.load(Ordering::Relaxed) {
        if let Ok(mut file) = File::open(path) {
            reads += usize::from(std::io::copy(&mut file, &mut std::io::sink()).is_ok_and(|length| length > 0));
        }
        // A reader is not there all the time.
        thread::sleep(Duration::from_millis(1));
    }
    reads
}

#[test]
fn a_cache_directory_outside_the_users_profile_is_not_used() {
    let stand_in = StandIn::start();
    let mut sandbox = Sandbox::of(&stand_in);
    let dir = format!(r"C:\windows\temp\spotinst-cred-{}", std::process::id());
    sandbox.set("SPOTINST_CRED_CACHE_DIR", &dir);
    let outcome = sandbox.run(["-v"]);
    assert_eq!(outcome.status, Some(0), "{outcome:?}");
    assert!(outcome.stderr.contains("not below your user profile"), "{outcome:?}");
    assert!(!Path::new(&dir).exists());
}
