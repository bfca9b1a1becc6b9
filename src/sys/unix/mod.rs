//! The operating system's part, for Unix.

mod files;
mod lock_holder;
mod process_tree;
mod processes;
mod signals;
mod streams;
mod terminal;

pub use files::*;
pub use lock_holder::{find_process, lock_holder};
pub use process_tree::ProcessTree;
pub use processes::*;
pub use signals::end_by;
pub use streams::*;
pub use terminal::*;
