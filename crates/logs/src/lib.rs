//! Application logs on disk: bounded, append-only files that several processes write side by side.
//!
//! `<root>/<source>/<writer>.log` and one older `<writer>.log.1`. One file has one writer (a keeper, the router, control),
//! so nothing needs a lock. A line is `<unix ns> <O|E> <source type> <instance> <payload>\n`; a payload holds no line end.
//! Readers merge the files of a source by time. No async, no other crate of ours: keepers of 2 MB use this.
//!
//! Invariants: within a file times ascend (writers see to it), which lets readers search instead of scan; a reader holds
//! the lines it answers and one block a file, never a file; a source is a plain name and cannot lead out of the root.

mod blocks;
mod journal;
mod line;
mod merge;
mod reader;
mod source;
mod writer;

pub use journal::Journal;
pub use line::{Line, MAX_PAYLOAD, Stream};
pub use reader::{Query, read, read_where};
pub use source::{remove, trim};
pub use writer::Writer;
