//! What differs between operating systems, for Windows.

mod error_codes;
mod files;
mod process_tree;
mod processes;
mod streams;
mod terminal;

pub use files::*;
pub use process_tree::ProcessTree;
pub use processes::*;
pub use streams::*;
pub use terminal::*;
