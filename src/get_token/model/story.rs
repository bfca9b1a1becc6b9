//! Formats paths as readable stories, and as text that can be replayed.

use std::fmt::{Display, Formatter, Result, Write};

use super::caller::Request;
use super::events::EVENTS;
use super::search::{Move, Space, Violation};
use super::state::{At, Configuration, KINDS, PROFILES, STARTS, State};
use super::turn::{Cause, Ended, Step, World};

impl Display for Configuration {
    /// `Login/Expired/Forced+Logout`.
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let kinds: Vec<_> = self.kinds.iter().map(|kind| format!("{kind:?}")).collect();
        write!(f, "{:?}/{:?}/{}", self.profile, self.start, kinds.join("+"))
    }
}

impl Configuration {
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('/');
        let profile = named(&PROFILES, parts.next()?)?;
        let start = named(&STARTS, parts.next()?)?;
        let kinds = parts.next()?.split('+').map(|kind| named(&KINDS, kind)).collect::<Option<_>>()?;
        Some(Self { profile, start, kinds })
    }
}

fn named<T: std::fmt::Debug + Copy>(all: &[T], name: &str) -> Option<T> {
    all.iter().copied().find(|one| format!("{one:?}") == name)
}

/// `look.1 lock.1`: the name of each event, and the number of the process.
pub fn path_text(path: &[Move]) -> String {
    let text = |(row, me): &Move| format!("{}.{}", EVENTS[usize::from(*row)].name, me + 1);
    path.iter().map(text).collect::<Vec<_>>().join(" ")
}

pub fn parse_path(text: &str) -> Option<Vec<Move>> {
    text.split_whitespace()
        .map(|step| {
            let (name, me) = step.split_once('.')?;
            let row = EVENTS.iter().position(|event| event.name == name)?;
            Some((row as u8, me.parse::<u8>().ok()?.checked_sub(1)?))
        })
        .collect()
}

impl Display for Violation {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        writeln!(f, "violated: {}. {}", self.letter, self.sentence)?;
        f.write_str(&tell(&self.configuration, self.space, &self.path))?;
        write!(f, "replay: {ENV}=\"{} {}\"", self.configuration, path_text(&self.path))
    }
}

/// The environment variable with a configuration and a path to replay.
pub const ENV: &str = "MODEL_REPLAY";

/// Tells the story of a path.
pub fn tell(configuration: &Configuration, space: Space, path: &[Move]) -> String {
    let mut world = World::new(configuration, space.wrong);
    let mut state = world.first_state(configuration.start, configuration.kinds.len());
    let mut story = format!("profile {:?}, entry {:?}", configuration.profile, configuration.start);
    for (number, kind) in configuration.kinds.iter().enumerate() {
        write!(story, ", process {} is {kind:?}", number + 1).unwrap();
    }
    story.push('\n');
    for (row, me) in path {
        let event = &EVENTS[usize::from(*row)];
        let me = usize::from(*me);
        let moves = world.moves(&state, me);
        let Some((_, step)) = moves.iter().find(|(other, _)| other == row) else {
            writeln!(story, "  {} cannot happen here", event.name).unwrap();
            break;
        };
        let step = Step { state: state.after(step, event.sort, me, space), ..*step };
        let what = event.story.replace("{p}", &format!("process {}", me + 1));
        writeln!(story, "  {what}{}", consequence(&state, &step, me)).unwrap();
        state = step.state;
    }
    story
}

fn consequence(before: &State, step: &Step, me: usize) -> String {
    match (step.ended, step.sent) {
        (Some(Ended::Printed { token, is_usable }), _) => {
            format!(", and prints token {token}{}", if is_usable { "" } else { ", which is not usable" })
        }
        (Some(Ended::Failed(cause)), _) => format!(", and fails: {}", cause_text(cause)),
        (Some(Ended::Done), _) => ", and is done".to_owned(),
        (Some(Ended::Killed), _) => String::new(),
        (None, Some(Request::Refresh(token))) => format!(", and sends refresh token {token}"),
        (None, Some(Request::Own)) => ", and sends the profile's own grant".to_owned(),
        (None, None) => match (before.processes[me].at, step.state.processes[me].at) {
            (At::Start, At::WaitForLock) => ", and needs the lock".to_owned(),
            (At::Start, At::TryLock) => ", and tries the lock, with a usable token in hand".to_owned(),
            (At::Sent, At::Answered) => format!(
                " ({:?})",
                step.state.processes[me].replies.iter().rfind(|reply| **reply != Default::default()).unwrap()
            ),
            _ => String::new(),
        },
    }
}

fn cause_text(cause: Cause) -> String {
    match cause {
        Cause::Rejected(credentials) => format!("rejected ({credentials:?})"),
        Cause::Broken => "its source is broken".to_owned(),
        Cause::RateLimited => "rate limited".to_owned(),
        Cause::LockHeld => "another process holds the lock".to_owned(),
        Cause::CannotCache => "the cache cannot be read or written".to_owned(),
        Cause::Other => "a temporary error, or the login is over".to_owned(),
    }
}
