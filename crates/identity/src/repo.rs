//! Statements over `&mut Tx`. Every change of people, clients, sessions and tokens appends its ledger entry here.

pub(crate) mod administrator;
pub(crate) mod api_token;
pub(crate) mod auth_code;
pub(crate) mod backoff;
pub(crate) mod client;
pub(crate) mod invitation;
pub(crate) mod password_link;
pub(crate) mod person;
pub(crate) mod person_change;
pub(crate) mod person_find;
pub(crate) mod session;
pub(crate) mod setting;
pub(crate) mod setup;
pub(crate) mod signing_key;

use ledger::{Actor, Entry, Object};
use store::{StoreError, Tx};

/// Appends an entry of the platform's own scope.
pub(crate) fn note(
    tx: &mut Tx<'_>,
    actor: &Actor,
    action: &str,
    object: Object,
    data: serde_json::Value,
) -> Result<(), StoreError> {
    ledger::append(tx, &Entry { actor: actor.clone(), action: action.into(), object, scope: Vec::new(), data })
        .map(|_| ())
}

/// Cuts `text` to what a VARCHAR of `max` characters holds.
pub(crate) fn cut(text: &str, max: usize) -> String {
    text.chars().filter(|char| !char.is_control()).take(max).collect()
}
