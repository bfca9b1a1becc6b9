//! What a configuration and a state consist of. Entries are numbers here: see [`super::entries`].

use super::caller::Request;

/// What a process does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Asks for a token, with the right credentials.
    Plain,
    WrongPassword,
    WrongSecret,
    /// A command of its own prints its secrets, the right ones.
    Command,
    /// Its own surroundings fail: its proxy, or the command that prints its password.
    Broken,
    /// Needs a token that lives for another 7,000 of 7,200 s.
    MinTtl,
    /// Has `--force-refresh`.
    Forced,
    ForcedWrongPassword,
    /// Reports the token of the first entry as rejected.
    Invalidate,
    Logout,
    Login,
}

pub const KINDS: [Kind; 11] = {
    use Kind::*;
    [Plain, WrongPassword, WrongSecret, Command, Broken, MinTtl, Forced, ForcedWrongPassword, Invalidate, Logout, Login]
};

/// What all processes have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// The password grant. Refresh tokens rotate: each serves once, and a second use revokes its successor.
    Password,
    /// No refresh token is kept.
    NoRefreshToken,
    /// Of `spotinst-cred login`: the refresh token is all there is, and rotates.
    Login,
    /// The password grant, and a refresh endpoint of its own.
    OwnRefreshUrl,
}

pub const PROFILES: [Profile; 4] = [Profile::Password, Profile::NoRefreshToken, Profile::Login, Profile::OwnRefreshUrl];

/// The entry that the processes find.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// No file.
    None,
    Fresh,
    Aging,
    Expired,
    /// Expired, and an attempt with the refresh token was killed after the server had acted. Without refresh tokens:
    /// expired, and a rejection of the wrong password is cached.
    Spent,
}

pub const STARTS: [Start; 5] = [Start::None, Start::Fresh, Start::Aging, Start::Expired, Start::Spent];

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Configuration {
    pub profile: Profile,
    pub start: Start,
    pub kinds: Vec<Kind>,
}

/// One process more than any configuration has: it asks when all others have ended.
pub const PROBE: usize = 3;

/// How far a process is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum At {
    #[default]
    Start,
    /// About to try the lock, with a usable token in hand.
    TryLock,
    WaitForLock,
    Locked,
    /// The entry was read again, and room for the next one is reserved.
    Reserved,
    /// A request is on its way to the server.
    Sent,
    /// A reply is on its way back.
    Answered,
    Ended,
}

/// What comes back for a request. The numbers are those of the issued tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Reply {
    #[default]
    None,
    Tokens(u8),
    /// An access token of 5 s, after 7 s.
    ShortLived(u8),
    /// A refresh token without an access token.
    WithoutAccess(u8),
    /// The credentials are wrong, or the refresh token is.
    Rejected,
    /// No response; the server may have acted.
    Lost,
    /// The caller's own proxy does not let it out.
    NotSent,
    ServerError,
    RateLimited,
    /// HTML with status 200, 403 or 401, of something on the way.
    Page(u16),
}

/// What the server judges.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Credentials {
    Right,
    WrongPassword,
    WrongSecret,
    WrongSecretWithRefreshToken,
}

/// No such process, and an entry that could not be read.
pub const NOBODY: u8 = u8::MAX;
pub const UNREAD: u16 = u16::MAX;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Process {
    pub at: At,
    /// The entry as it was read without the lock, and with it.
    pub before: u16,
    pub entry: u16,
    /// Its one or two requests, the replies to them, and when they were sent.
    pub requests: [Option<Request>; 2],
    pub replies: [Reply; 2],
    pub asked_at: [i32; 2],
    /// It goes on without the lock, as nothing can be cached.
    pub is_alone: bool,
    /// The lock came when little time was left.
    pub is_late: bool,
    /// When it decided to print the token in hand if the lock is held.
    pub looked_at: i32,
    /// What was true when it started: see [`Known`].
    pub known: Known,
}

/// What the invariants need to know of the past.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Known {
    /// The newest token that was published.
    pub published: u8,
    /// Tokens below this number are from before a logout.
    pub logged_out: u8,
    /// The first token was invalidated.
    pub is_invalidated: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct State {
    pub processes: [Process; PROBE + 1],
    /// The entry on the disk; 0 where there is no file.
    pub entry: u16,
    /// The process that holds the lock.
    pub lock: u8,
    /// The wall clock, in seconds.
    pub now: i32,
    /// Counts publications, for the entries' revisions.
    pub revision: u8,
    /// The refresh token that the server accepts; 0 for none.
    pub live: u8,
    /// The first refresh token of the login that the live one belongs to.
    pub login: u8,
    /// The number of the next token.
    pub next_token: u8,
    /// A refresh token whose sender walked away, and which may still reach the server.
    pub on_the_way: u8,
    /// How often each rare event has happened: see [`super::events::Sort`].
    pub happened: u32,
    pub known: Known,
    /// Bits: refresh tokens whose use succeeded and was published; those whose answer never came.
    pub used: u16,
    pub unanswered: u16,
    /// When each of [`Credentials`] was rejected, as far as that is published.
    pub rejected_at: [Option<i32>; 4],
    /// The login cannot be there any more: the server's last refresh token never reached the cache, or somebody logged out.
    pub is_login_lost: bool,
}

impl Process {
    pub fn is_running(&self) -> bool {
        !matches!(self.at, At::Start | At::Ended)
    }
}

impl State {
    /// Whether all processes have ended.
    pub fn is_over(&self, count: usize) -> bool {
        self.processes[..count].iter().all(|process| process.at == At::Ended)
    }
}
