//! placeholder
#[allow(missing_docs)]
pub mod model {
    pub mod environment;
    pub mod feature;
    pub mod manifest;
    pub mod manifest_diff;
    pub mod manifest_route;
    pub mod size;
    pub mod yaml;
}
