//! What stdout is connected to.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StdoutKind {
    Closed,
    /// The null device, where a write has no effect.
    Discarded,
    Terminal,
    Other,
}
