//! Audit: every change appends one entry to the ledger in its own transaction; audit events are read from there.

use identity::Caller;
use ledger::{Entry, Object, Record};
use serde_json::Value;
use store::{StoreError, Tx};

/// What stands in place of a secret.
pub const HIDDEN: &str = "[PRIVATE DATA HIDDEN]";

/// Keys whose values are never written, wherever they stand in a request.
const SECRET_KEYS: &[&str] = &[
    "password",
    "credentials",
    "environment_variables",
    "environment_json",
    "cnb_credentials",
    "client_secret",
    "auth_password",
    "token",
];

/// Appends `action` (`audit.app.create`) of `caller` on `object`, which lies in `scope` (organization, then space guid;
/// empty for the platform's own). `data` is usually `{"request": body}`; secrets in it are masked here.
pub fn record(
    tx: &mut Tx<'_>,
    caller: &Caller,
    action: &str,
    object: Object,
    scope: &[&str],
    data: Value,
) -> Result<Record, StoreError> {
    append(tx, caller.actor(), action, object, scope, data)
}

/// The same for an actor who is no caller: a crashed process (`Object::new("process", guid, "web")`).
pub fn append(
    tx: &mut Tx<'_>,
    actor: ledger::Actor,
    action: &str,
    object: Object,
    scope: &[&str],
    mut data: Value,
) -> Result<Record, StoreError> {
    mask(&mut data);
    let scope = scope.iter().map(|&guid| guid.to_owned()).collect();
    ledger::append(tx, &Entry { actor, action: action.into(), object, scope, data })
}

fn mask(value: &mut Value) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                if SECRET_KEYS.contains(&key.as_str()) && !value.is_null() {
                    *value = HIDDEN.into();
                } else {
                    mask(value);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(mask),
        _ => {}
    }
}
