//! Application logs on disk: bounded, append-only files that several processes write side by side.
//!
//! `<root>/<source>/<writer>.log` and one older `<writer>.log.1`. One file has one writer (a keeper, the router, control),
//! so nothing needs a lock. A line is `<unix ns> <O|E> <source type> <instance> <payload>\n`; a payload holds no line end.
//! Readers merge the files of a source by time. No async, no other crate of ours: keepers of 2 MB use this.

mod line;
mod reader;
mod writer;

pub use line::{Line, Stream};
pub use reader::{Query, read};
pub use writer::Writer;
