//! Staging: a source archive becomes a droplet by the buildpack API.
//!
//! [`Stager::stage`] unpacks a package, runs `builder.sh` with its buildpacks in one limited container, and packs what comes
//! out. Nothing on the host is writable from inside: source, buildpacks and cache are shown read-only and copied into the
//! container's own bounded layer; droplet and cache come out through named pipes whose readers count. What comes out is
//! read as [`archive`] reads everything: as made by strangers. [`launch_argv`] says how a droplet's process is started.
//!
//! Negative invariants: no HTTP, no SQL, no rule about apps; no user value ever reaches a shell of ours as text.

pub mod archive;
mod buildpack;
mod error;
mod launcher;
mod results;
mod stager;

pub use buildpack::{
    BuildpackInfo, BuildpackRef, BuildpackSource, BuildpackUrl, BuiltinBuildpack, builtin, unpack_buildpack,
};
pub use error::StagingError;
pub use launcher::launch_argv;
pub use results::{Sidecar, start_command};
pub use stager::{Selection, Stage, StagedBuildpack, StagedDroplet, Stager, StagerOptions, StagingRequest};
