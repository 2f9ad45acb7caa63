//! Which scopes a person's tokens carry.

use crate::repo::administrator::{ADMINISTRATOR, platform};
use crate::{Grant, Subject, grants_of};
use store::{StoreError, Tx};

/// The scope of a token that may do everything.
pub(crate) const ADMIN: &str = "cloud_controller.admin";

const EVERYBODY: [&str; 6] =
    ["openid", "uaa.user", "password.write", "cloud_controller.read", "cloud_controller.write", "network.write"];
/// Roles held on the whole platform, and what they add.
const ROLES: [(&str, &[&str]); 3] = [
    (
        ADMINISTRATOR,
        &[
            ADMIN,
            "scim.read",
            "scim.write",
            "clients.read",
            "network.admin",
            "routing.router_groups.read",
            "doppler.firehose",
            "logs.admin",
            "uaa.admin",
        ],
    ),
    ("admin_read_only", &["cloud_controller.admin_read_only", "scim.read"]),
    ("global_auditor", &["cloud_controller.global_auditor"]),
];

/// All scopes that a person may have now.
pub(crate) fn of_person(tx: &mut Tx<'_>, person_id: &str) -> Result<Vec<String>, StoreError> {
    let held = grants_of(tx, &Subject::Person(person_id.into()))?;
    let has = |role: &str| held.iter().any(|grant: &Grant| grant.role == role && grant.place == platform());
    let extra = ROLES.iter().filter(|(role, _)| has(role)).flat_map(|(_, scopes)| scopes.iter());
    let mut scopes: Vec<String> = EVERYBODY.iter().chain(extra).map(|scope| (*scope).to_owned()).collect();
    scopes.sort();
    scopes.dedup();
    Ok(scopes)
}

/// The audiences of a token: what stands before the last dot of its scopes, and the client.
pub(crate) fn audience(scopes: &[String], client_id: &str) -> Vec<String> {
    let mut audience: Vec<String> = scopes
        .iter()
        .map(|scope| scope.rsplit_once('.').map_or(scope.as_str(), |(resource, _)| resource).to_owned())
        .collect();
    audience.push(client_id.into());
    audience.sort();
    audience.dedup();
    audience
}
