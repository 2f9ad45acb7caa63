//! Staging: a source archive becomes a droplet by the buildpack API.
pub mod archive;
