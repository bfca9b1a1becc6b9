//! The parts of a configuration and of a state. Entries are numbers: see [`super::entries`].

use super::caller::Request;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Gets a token, with the right credentials.
    Plain,
    WrongPassword,
    WrongSecret,
    /// Its own command prints the right secrets.
    Command,
    /// Its own source fails: its proxy, or the command that prints its password.
    Broken,
    /// Needs a token that lives for another 7,000 of 7,200 s.
    MinTtl,
    /// Has `--force-refresh`.
    Forced,
    ForcedWrongPassword,
    /// Runs `invalidate` with the token of the initial entry.
    Invalidate,
    Logout,
    Login,
}

pub const KINDS: [Kind; 11] = {
    use Kind::*;
    [Plain, WrongPassword, WrongSecret, Command, Broken, MinTtl, Forced, ForcedWrongPassword, Invalidate, Logout, Login]
};

/// The profile of all processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// The password grant. Refresh tokens rotate: each can be used once, and a second use revokes its successor.
    Password,
    /// Refresh tokens are not stored.
    NoRefreshToken,
    /// A login by `spotinst-cred login`: only the refresh token can obtain a token, and it rotates.
    Login,
    /// The password grant, with a separate refresh endpoint.
    OwnRefreshUrl,
}

pub const PROFILES: [Profile; 4] = [Profile::Password, Profile::NoRefreshToken, Profile::Login, Profile::OwnRefreshUrl];

/// The initial entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// No file.
    None,
    Fresh,
    Aging,
    Expired,
    /// Expired, and a process was killed after the server had acted on its refresh token. Without refresh tokens:
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

/// One more process than any configuration has. It runs after all others have ended.
pub const PROBE: usize = 3;

/// The current step of a process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum At {
    #[default]
    Start,
    /// About to try the lock, with a usable token.
    TryLock,
    WaitForLock,
    Locked,
    /// The entry was read again, and space for the next one is reserved.
    Reserved,
    /// A request is in flight to the server.
    Sent,
    /// A reply is in flight.
    Answered,
    Ended,
}

/// The reply to a request. The numbers are those of the issued tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Reply {
    #[default]
    None,
    Tokens(u8),
    /// An access token with a lifetime of 5 s, which arrives after 7 s.
    ShortLived(u8),
    /// A refresh token without an access token.
    WithoutAccess(u8),
    /// The credentials are wrong, or the refresh token is.
    Rejected,
    /// No response, but the server may have acted.
    Lost,
    /// The caller's own proxy blocked the request.
    NotSent,
    ServerError,
    RateLimited,
    /// HTML with status 200, 403 or 401, from a proxy or gateway.
    Page(u16),
}

/// The credentials that the server accepts or rejects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Credentials {
    Right,
    WrongPassword,
    WrongSecret,
    WrongSecretWithRefreshToken,
}

/// Stands for no process, and for an entry that could not be read.
pub const NOBODY: u8 = u8::MAX;
pub const UNREAD: u16 = u16::MAX;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Process {
    pub at: At,
    /// The entry as it was read without the lock, and with it.
    pub before: u16,
    pub entry: u16,
    /// Its one or two requests, their replies, and when they were sent.
    pub requests: [Option<Request>; 2],
    pub replies: [Reply; 2],
    pub asked_at: [i32; 2],
    /// It continues without the lock, because nothing can be cached.
    pub is_alone: bool,
    /// It got the lock when little time remained.
    pub is_late: bool,
    /// When it decided to print the old token if the lock is held.
    pub looked_at: i32,
    /// What was known when it started: see [`Known`].
    pub known: Known,
}

/// What the invariants need to know about the past.
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
    /// The entry on the disk; 0 if there is no file.
    pub entry: u16,
    /// The process that holds the lock.
    pub lock: u8,
    /// The wall clock, in seconds.
    pub now: i32,
    /// Counts publications, for the entries' revisions.
    pub revision: u8,
    /// The refresh token that the server accepts; 0 for none.
    pub live: u8,
    /// The first refresh token of the login that the current one belongs to.
    pub login: u8,
    /// The number of the next token.
    pub next_token: u8,
    /// A refresh token whose sender timed out, and which may still reach the server.
    pub on_the_way: u8,
    /// How often each rare event has happened: see [`super::events::Sort`].
    pub happened: u32,
    pub known: Known,
    /// Bit sets: refresh tokens that were used and whose successor was published; those whose reply was lost.
    pub used: u16,
    pub unanswered: u16,
    /// When each of [`Credentials`] was rejected, if that was published.
    pub rejected_at: [Option<i32>; 4],
    /// The login has ended: the server's last refresh token never reached the cache, or a process logged out.
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
