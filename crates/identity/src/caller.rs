//! Who is asking.

use serde::{Deserialize, Serialize};

/// Something that can be granted rights.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", content = "id", rename_all = "snake_case")]
pub enum Subject {
    /// A person, by guid.
    Person(String),
    /// A UAA client (service), by its client id.
    Client(String),
    /// A job family, by guid.
    Family(String),
    /// An external service consumer, by guid.
    Consumer(String),
    /// Pitlane itself.
    System,
}

impl Subject {
    /// `person`, `client`, `family`, `consumer`, `system`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Person(_) => "person",
            Self::Client(_) => "client",
            Self::Family(_) => "family",
            Self::Consumer(_) => "consumer",
            Self::System => "system",
        }
    }

    /// Its guid or client id; `pitlane` for the system.
    pub fn id(&self) -> &str {
        match self {
            Self::Person(id) | Self::Client(id) | Self::Family(id) | Self::Consumer(id) => id,
            Self::System => "pitlane",
        }
    }
}

/// An authenticated caller of a request.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Who.
    pub subject: Subject,
    /// Name for people to read: user name or client id.
    pub name: String,
    /// E-mail address, for people.
    pub email: Option<String>,
    /// May do everything (platform administrator and a token with `cloud_controller.admin`).
    pub admin: bool,
    /// Scopes of the token; a session of the pages has all that its person may have.
    pub scopes: Vec<String>,
}

impl Caller {
    /// The platform acting by itself.
    pub fn system() -> Self {
        Self { subject: Subject::System, name: "pitlane".into(), email: None, admin: true, scopes: Vec::new() }
    }

    /// As the ledger names it.
    pub fn actor(&self) -> ledger::Actor {
        ledger::Object::new(self.subject.kind(), self.subject.id(), self.name.clone())
    }

    /// Has the token this scope?
    pub fn has_scope(&self, scope: &str) -> bool {
        self.scopes.iter().any(|have| have == scope)
    }
}

/// What the authentication layer puts into a request's extensions; each face answers the bad cases in its own shape.
#[derive(Debug, Clone)]
pub enum Authentication {
    /// No credentials were sent.
    Anonymous,
    /// Credentials were sent and are not good (expired, revoked, foreign, suspended): why, in words.
    Refused(String),
    /// Good.
    Caller(Caller),
}
