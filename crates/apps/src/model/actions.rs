//! Who may do what (reference, section 14). Administrators may everything and are not listed.
//!
//! Names end with `.read` for what changes nothing: those go on in a suspended organization.

use identity::Action;

/// Organization roles, the protocol's words.
pub const ORGANIZATION_ROLES: &[&str] =
    &["organization_user", "organization_auditor", "organization_manager", "organization_billing_manager"];
/// Space roles, the protocol's words.
pub const SPACE_ROLES: &[&str] = &["space_auditor", "space_developer", "space_manager", "space_supporter"];

macro_rules! actions {
    ($($(#[$doc:meta])* $name:ident = $text:literal, [$($role:literal),*];)*) => {$(
        $(#[$doc])*
        pub static $name: Action = Action { name: $text, roles: &[$($role),*] };
    )*};
}

actions! {
    /// See an organization.
    ORGANIZATION_READ = "organization.read",
        ["organization_user", "organization_auditor", "organization_manager", "organization_billing_manager"];
    /// Change an organization, create spaces and private domains in it, give organization roles.
    ORGANIZATION_MANAGE = "organization.manage", ["organization_manager"];
    /// See a space and what lies in it.
    SPACE_READ = "space.read",
        ["space_developer", "space_manager", "space_auditor", "space_supporter", "organization_manager"];
    /// Change a space and its features, give space roles.
    SPACE_MANAGE = "space.manage", ["space_manager", "organization_manager"];
    /// Create and delete apps, packages, routes, tasks; push; apply manifests.
    SPACE_DEVELOP = "space.develop", ["space_developer"];
    /// Start, stop, scale, build, deploy, map routes, change environment variables.
    SPACE_OPERATE = "space.operate", ["space_developer", "space_supporter"];
    /// See environment variables.
    ENVIRONMENT_READ = "environment.read", ["space_developer", "space_supporter"];
    /// See credentials, task commands, process commands.
    SECRETS_READ = "secrets.read", ["space_developer"];
    /// Fetch a droplet.
    DROPLET_READ = "droplet.read", ["space_developer", "space_manager", "space_auditor", "organization_manager"];
    /// See the events of a space.
    SPACE_EVENTS_READ = "space_events.read", ["space_developer", "space_auditor", "space_supporter"];
    /// See all events of an organization.
    ORGANIZATION_EVENTS_READ = "organization_events.read", ["organization_auditor"];
    /// What only administrators may.
    ADMINISTER = "platform.administer", [];
}
