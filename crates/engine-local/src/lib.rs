//! Containers on this machine: driver and keeper.
//!
//! The driver ([`LocalEngine`]) lives in the control process. For each instance it writes a folder, starts a *keeper*
//! and goes on; the keeper ([`keeper`]) is nobody's child, creates the container, copies its output to the logs and
//! writes down how it ended. Between the two there are only files, a lock and signals, so either may die:
//!
//! - the driver dies: instances and logs go on, the next driver finds them by their folders;
//! - a keeper dies: the kernel kills its container at once (parent-death signal), the driver reports
//!   [`engine::ExitKind::Lost`] and cleans up. An instance without a keeper never runs on.
//!
//! All mounts live in the keeper's mount namespace and all addresses in its network namespace; they vanish with it. Loop
//! devices clear themselves. What a killed keeper can leave behind is a cgroup folder and its instance folder.
//!
//! Negative invariants: the keeper knows neither tokio nor desired state; nothing here goes through a shell; `nft`,
//! `mkfs.ext4` and the keeper are the only programs started, by argv, none with a value of a user in it.

mod bare;
mod cgroup;
mod disk;
mod driver;
mod error;
mod facts;
mod instance;
pub mod keeper;
mod layers;
mod network;
mod stacks;
mod unpack;

pub use driver::{LocalEngine, Options};
pub use unpack::Bounds;

/// Who an application is inside (and, without a user namespace, on the host).
pub const VCAP: u32 = 2000;
