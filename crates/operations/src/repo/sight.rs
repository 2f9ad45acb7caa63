//! What of the ledger a caller may see: administrators everything, others what lies in a place where they have a grant,
//! and what they did or what was done to them.

use identity::{Caller, Place, grants_of};
use ledger::Sight;
use store::{StoreError, Tx};

/// Roles that show a place and nothing of what lies inside it: a member of an organization does not see its spaces.
const SHALLOW: &[&str] = &["organization_user", "organization_billing_manager"];

/// Roles on the whole platform, and of which kind of places they show every one.
const EVERY: &[(&str, &str)] = &[
    ("full_access", "family:"),
    ("read_job", "family:"),
    ("deploy_job", "family:"),
    ("deploy_new_family", "family:"),
    ("delete_job", "family:"),
];

/// The eyes of `caller`; none: they see everything.
pub fn sight(tx: &mut Tx<'_>, caller: &Caller) -> Result<Option<Sight>, StoreError> {
    if caller.admin {
        return Ok(None);
    }
    let own = Some((caller.subject.kind().to_owned(), caller.subject.id().to_owned()));
    let mut sight = Sight { own, ..Sight::default() };
    for grant in grants_of(tx, &caller.subject)? {
        if grant.place.kind == "platform" {
            let every = EVERY.iter().filter(|(role, _)| *role == grant.role);
            sight.beginnings.extend(every.map(|(_, beginning)| (*beginning).to_owned()));
        } else if SHALLOW.contains(&grant.role.as_str()) {
            sight.shallow.push(scope(&grant.place));
        } else {
            sight.deep.push(scope(&grant.place));
        }
    }
    for scopes in [&mut sight.deep, &mut sight.shallow, &mut sight.beginnings] {
        scopes.sort_unstable();
        scopes.dedup();
    }
    Ok(Some(sight))
}

/// A place as the scopes of ledger entries name it: organizations and spaces by their guid alone.
fn scope(place: &Place) -> String {
    match place.kind.as_str() {
        "organization" | "space" => place.id.clone(),
        kind => format!("{kind}:{}", place.id),
    }
}
