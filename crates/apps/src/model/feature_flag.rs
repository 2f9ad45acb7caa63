//! Feature flags: names and defaults (reference, section 4).
//!
//! A flag that could be switched but would do nothing is fixed: switching it is refused.

/// One flag.
#[derive(Debug, Clone, Copy)]
pub struct Flag {
    /// Its name.
    pub name: &'static str,
    /// Its value until it is changed.
    pub default: bool,
    /// Why it cannot be changed, if so.
    pub fixed: Option<&'static str>,
}

const SERVICES: Option<&str> = Some("data services are not offered yet");
const DOCKER: Option<&str> = Some("applications run from buildpacks; images are not run yet");
const MATCHING: Option<&str> = Some("uploads are always complete; no files are matched");
const HASHING: Option<&str> = Some("the front door balances by round-robin and least-connection");
const MARKETPLACE: Option<&str> = Some("service offerings are never shown without a token");

const UNSET: Option<&str> = Some("roles are removed by their guid, by whoever may give them");

const fn flag(name: &'static str, default: bool) -> Flag {
    Flag { name, default, fixed: None }
}

const fn fixed(name: &'static str, default: bool, fixed: Option<&'static str>) -> Flag {
    Flag { name, default, fixed }
}

/// All flags, by name.
pub const FLAGS: &[Flag] = &[
    flag("app_bits_upload", true),
    flag("app_scaling", true),
    fixed("diego_cnb", false, DOCKER),
    fixed("diego_docker", false, DOCKER),
    flag("env_var_visibility", true),
    fixed("hash_based_routing", false, HASHING),
    fixed("hide_marketplace_from_unauthenticated_users", true, MARKETPLACE),
    flag("private_domain_creation", true),
    fixed("resource_matching", true, MATCHING),
    flag("route_creation", true),
    flag("route_sharing", false),
    fixed("service_instance_creation", true, SERVICES),
    fixed("service_instance_sharing", false, SERVICES),
    flag("set_roles_by_username", true),
    flag("space_developer_env_var_visibility", true),
    fixed("space_scoped_private_broker_creation", true, SERVICES),
    flag("task_creation", true),
    fixed("unset_roles_by_username", true, UNSET),
    flag("user_org_creation", false),
];

/// The flag of this name.
pub fn find(name: &str) -> Option<&'static Flag> {
    FLAGS.iter().find(|flag| flag.name == name)
}
