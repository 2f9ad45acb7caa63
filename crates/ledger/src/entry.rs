//! What an entry says.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// A thing that acts or is acted on: its kind (`person`, `app`, `route`, …), id and the name it had then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Object {
    /// Kind, lower case, the field's word.
    pub kind: String,
    /// Its id (a UUID or a decimal number).
    pub id: String,
    /// Its name at that time.
    pub name: String,
}

impl Object {
    /// Shorthand.
    pub fn new(kind: &str, id: impl ToString, name: impl Into<String>) -> Self {
        Self { kind: kind.into(), id: id.to_string(), name: name.into() }
    }
}

/// Who did it. The platform itself is kind `system`, id and name `pitlane`.
pub type Actor = Object;

/// An entry to be appended.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Who.
    pub actor: Actor,
    /// What, in the face's own words: `audit.app.create`, `person.activate`.
    pub action: String,
    /// On which object.
    pub object: Object,
    /// The scopes it lies in, two at most, widest first: organization and space guids for apps. Empty for the platform's own.
    pub scope: Vec<String>,
    /// Before, after, request: whatever readers of this action expect; secrets masked.
    pub data: serde_json::Value,
}

/// An entry as read back.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Record {
    /// Its place in the order, from 1, without gaps. 0 until sealed, which only [`crate::append`] can answer.
    pub position: i64,
    /// A UUID, for APIs that name events by one.
    pub id: String,
    /// When, in microseconds since 1970 UTC.
    pub at: i64,
    /// Who.
    pub actor: Actor,
    /// What.
    pub action: String,
    /// On which object.
    pub object: Object,
    /// The scopes it lies in.
    pub scope: Vec<String>,
    /// The rest.
    pub data: serde_json::Value,
    /// SHA-256 over the predecessor's hash and this entry, hex. Empty until sealed.
    pub hash: String,
}

impl Record {
    /// As one event of a `text/event-stream`: `id` is the position, which clients send back as `Last-Event-ID`, `data` the entry as JSON.
    pub fn event(&self) -> Bytes {
        let data = serde_json::to_string(self).expect("an entry has only text keys");
        Bytes::from(format!("id: {}\ndata: {data}\n\n", self.position))
    }
}
