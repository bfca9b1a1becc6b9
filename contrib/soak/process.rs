//! Runs one process, sends it signals, and finds the process behind a connection.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::log::{End, Log};
use crate::random::Random;

/// A signal, and its delay after the start or the previous signal.
pub type Step = (Duration, Signal);

/// A process that runs longer hangs, and is killed.
const LIMIT: Duration = Duration::from_secs(40);

/// The signals for a call: mostly none.
pub fn choose_signals(random: &mut Random) -> Vec<Step> {
    let mut pause = |longest: u64| random.pause(Duration::from_millis(longest));
    let (first, second) = (pause(1_000), pause(3_000));
    match random.below(100) {
        0..10 => vec![(first, Signal::KILL)],
        10..16 => vec![(first, Signal::TERM)],
        16..24 => vec![(first, Signal::STOP), (second, Signal::CONT)],
        24..26 => vec![(first, Signal::STOP), (second, Signal::KILL)],
        _ => Vec::new(),
    }
}

/// Starts the command with `input` on its stdin, and closes it.
pub fn start(command: &mut Command, input: &str) -> Child {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program can be started");
    // This fails if the process was killed or does not read.
    child.stdin.take().map(|mut stdin| stdin.write_all(input.as_bytes()));
    child
}

/// The process id that a terminal's driver prints on the first line.
pub fn pid_at_terminal(driver: &mut Child) -> u32 {
    let stdout = driver.stdout.as_mut().expect("stdout is a pipe");
    let mut line = String::new();
    // One byte at a time: other readers need the rest.
    let mut byte = [0];
    while stdout.read_exact(&mut byte).is_ok() && byte != *b"\n" {
        line.push(char::from(byte[0]));
    }
    line.parse().unwrap_or_else(|_| panic!("the driver of a terminal printed {line:?}"))
}

/// Sends the signals and waits for the end. Returns stdout and the end.
pub fn finish(mut child: Child, id: usize, signals: &[Step], log: &Log) -> (String, End) {
    let pid = log.records().calls[id].pid;
    let (mut stopped, mut stopped_at) = (Duration::ZERO, None);
    let started = Instant::now();
    let mut due = started;
    let (streams, mut signals) = (read_streams(&mut child), signals.iter());
    let mut next = signals.next();
    let status = loop {
        if let Some(status) = child.try_wait().expect("a child can be waited for") {
            break status;
        }
        if let Some((after, signal)) = next
            && Instant::now() >= due + *after
        {
            send(pid, *signal, id, log);
            match *signal {
                Signal::STOP => stopped_at = Some(Instant::now()),
                _ => stopped += stopped_at.take().map(|at: Instant| at.elapsed()).unwrap_or_default(),
            }
            (due, next) = (Instant::now(), signals.next());
        }
        if started.elapsed() > LIMIT {
            send(pid, Signal::KILL, id, log);
        }
        thread::sleep(Duration::from_millis(1));
    };
    let at = log.now();
    let [stdout, stderr] = streams.map(|stream| stream.join().expect("a stream can be read"));
    // The driver of a terminal reports a signal in this way.
    let status = status.code().filter(|code| *code < 128);
    (stdout, End { at, stopped, status, token: None, stderr, complaint: None })
}

fn send(pid: u32, signal: Signal, id: usize, log: &Log) {
    let name = match signal {
        Signal::KILL => "KILL",
        Signal::TERM => "TERM",
        Signal::STOP => "STOP",
        _ => "CONT",
    };
    let process = i32::try_from(pid).ok().and_then(Pid::from_raw).expect("a process id");
    // This fails if the process at a terminal has just ended.
    if kill_process(process, signal).is_ok() {
        let now = log.now();
        log.records().calls[id].signals.push((now, name));
    }
}

fn read_streams(child: &mut Child) -> [thread::JoinHandle<String>; 2] {
    fn read(stream: Option<impl Read + Send + 'static>) -> thread::JoinHandle<String> {
        thread::spawn(move || {
            let mut bytes = Vec::new();
            stream.map(|mut stream| stream.read_to_end(&mut bytes));
            String::from_utf8_lossy(&bytes).into_owned()
        })
    }
    [read(child.stdout.take()), read(child.stderr.take())]
}

/// The call whose process has the other end of a connection to `own`, found by its socket in the kernel's table and in
/// the open files of the process. Linux only.
pub fn owner_of(peer: SocketAddr, own: SocketAddr, log: &Log) -> Option<usize> {
    let table = BufReader::new(fs::File::open("/proc/net/tcp").ok()?);
    let is_ours = |address: &str, wanted: SocketAddr| {
        address.split_once(':').is_some_and(|(_, port)| port == format!("{:04X}", wanted.port()))
    };
    let inode = table.lines().map_while(Result::ok).find_map(|line| {
        let columns: Vec<_> = line.split_whitespace().collect();
        (is_ours(columns.get(1)?, peer) && is_ours(columns.get(2)?, own)).then(|| (*columns.get(9)?).to_owned().into())
    })?;
    let socket = format!("socket:[{}]", Option::<String>::as_ref(&inode)?);
    let running: Vec<_> = {
        let records = log.records();
        let calls = records.calls.iter().enumerate().rev().take(256);
        calls.filter(|(_, call)| call.end.is_none()).map(|(id, call)| (id, call.pid)).collect()
    };
    running.into_iter().find(|(_, pid)| has_open(*pid, &socket)).map(|(id, _)| id)
}

fn has_open(pid: u32, wanted: &str) -> bool {
    let files = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
    files.into_iter().any(|file| fs::read_link(file.path()).is_ok_and(|target| target.as_os_str() == wanted))
}
