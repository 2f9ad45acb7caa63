//! Identity: people, subjects, grants, sessions, tokens — and the one question, [`may`].
//!
//! The server opens an [`Identity`], wraps everything in [`http::authenticate`], and mounts [`http::uaa`] at `/uaa` and
//! [`http::pages`] (sign-in, set-up, sessions, the JSON API of the caller's own account) at the root. Other rooms read people with
//! [`person_get`], [`person_by_name`], [`people`] and [`person_find`], show a [`UserView`], and ask [`may`] with the
//! [`Caller`] that they find in the request's [`Authentication`]. The command line calls [`hash_password`] and then
//! [`createsuperuser`] in a `db.write`; no `Identity` is needed for that.
//!
//! Invariants: passwords are kept as argon2id, other secrets as SHA-256, the signing key sealed; none is in the ledger or
//! in a log. What a session or token proves ends at once with its row or with its person's suspension. Once there is an
//! active administrator there always is one.
//!
//! Negative invariants: no face's tables; what an action means is said by the face that declares it as an [`Action`].

mod caller;
mod clock;
mod direct;
mod error;
mod grant;
mod handle;
mod hashing;
pub mod http;
mod model;
mod repo;
mod schema;
mod scope;
mod secret;
mod sign_in;
mod token;
mod verify;

pub use caller::{Authentication, Caller, Subject};
pub use clock::Clock;
pub use error::IdentityError;
pub use grant::{Action, Grant, Place, grant_add, grant_remove, grants, grants_of, may};
pub use handle::{Identity, IdentityConfig};
pub use hashing::{hash_password, verify_password};
pub use model::password::{Password, PasswordHash};
pub use repo::administrator::{
    ADMINISTRATOR, administrator_add, administrator_remove, createsuperuser, has_administrator, is_administrator,
    platform,
};
pub use repo::api_token::{API_TOKEN_PREFIX, ApiToken, api_token_create, api_token_list, api_token_revoke};
pub use repo::client::{UaaClient, client_create, client_delete, client_get, client_list};
pub use repo::person::{
    NewPerson, ORIGIN, Person, PersonState, UserView, people, people_by_number, person_by_name, person_by_number,
    person_create, person_delete, person_get, person_list, person_set_email, person_set_password, person_set_state,
};
pub use repo::person_find::{PersonFilter, PersonOrder, person_find};
pub use repo::session::{Session, SessionKind, session_list, session_revoke};
pub use repo::setup::setup_link;
pub use schema::MIGRATIONS;
pub use token::reseal;
