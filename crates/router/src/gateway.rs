//! The gateway: calls of jobs, `/pub/job/NAME/VERSION/PATH` on the platform's own hosts.
//!
//! Who may call what is decided here, from the snapshot that [`crate::Publisher`] streams beside the routes; nothing on the
//! way of a call asks control. A caller's credentials end here: neither token nor cookie reaches a job, and what is said of
//! the caller to the job is said by nobody else.
//!
//! A browser shows what jobs answer on the platform's own address; [`answer`] says why their scripts cannot act there.
//!
//! Invariants: a token that is not in the snapshot is nobody's; a job that is not in it does not exist; whoever may not know
//! of a job is told the same of one that is there and of one that is not.

mod answer;
mod calls;
mod count;
mod judge;
mod path;
mod refuse;
mod report;
mod rights;
mod table;
mod ticket;
mod version;

pub(crate) use answer::finish;
pub(crate) use calls::{CallIndex, Calls};
pub use count::{CallCounts, JobCounts};
pub(crate) use count::{Counts, Fault, PATH as COUNTS};
pub(crate) use judge::{Call, Court, judge};
pub use path::CallPath;
pub use refuse::allow_any_origin;
pub(crate) use refuse::dead;
pub(crate) use report::Reporter;
pub use report::{Report, Tally};
pub use rights::{Right, Rights, endpoint_of};
pub(crate) use table::CallChange;
pub use table::{CallTable, CallToken, Callee, CallerEntry};
pub(crate) use ticket::Tickets;
pub use version::{Version, VersionRef};
