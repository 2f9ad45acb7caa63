//! People, sessions and tokens as this face shows them. Times are RFC 3339, UTC.

use identity::{Activity, ApiToken, Invitation, Person, Session};
use serde_json::{Value, json};

/// `2026-01-31T12:00:00Z`, from microseconds since 1970 UTC.
pub fn time(at: i64) -> String {
    jiff::Timestamp::from_microsecond(at).unwrap_or_default().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// A person with what is known of their use of the platform.
pub fn person(person: &Person, administrator: bool, activity: Activity) -> Value {
    json!({
        "id": person.id,
        "number": person.number,
        "user_name": person.user_name,
        "email": person.email,
        "display_name": person.display_name,
        "state": person.state,
        "administrator": administrator,
        "origin": person.origin,
        "created_at": time(person.created_at),
        "updated_at": time(person.updated_at),
        "sessions": activity.sessions,
        "tokens": activity.tokens,
        "last_used_at": activity.last_used_at.map(time),
    })
}

/// A session of somebody.
pub fn session(session: &Session) -> Value {
    json!({
        "id": session.id,
        "kind": session.kind,
        "client_id": session.client_id,
        "agent": session.agent,
        "address": session.address,
        "created_at": time(session.created_at),
        "last_used_at": time(session.last_used_at),
        "expires_at": time(session.expires_at),
    })
}

/// An API token: its beginning, never the token.
pub fn token(token: &ApiToken, owner: Option<&Person>, now: i64) -> Value {
    json!({
        "id": token.id,
        "name": token.name,
        "prefix": token.prefix,
        "person": owner.map(|owner| json!({
            "id": owner.id,
            "user_name": owner.user_name,
            "email": owner.email,
            "display_name": owner.display_name,
            "state": owner.state,
        })),
        "created_at": time(token.created_at),
        "last_used_at": token.last_used_at.map(time),
        "expires_at": token.expires_at.map(time),
        "expired": token.expires_at.is_some_and(|at| at <= now),
    })
}

/// An invitation that was not used yet.
pub fn invitation(invitation: &Invitation, now: i64) -> Value {
    json!({
        "id": invitation.id,
        "email": invitation.email,
        "invited_by": invitation.invited_by,
        "created_at": time(invitation.created_at),
        "expires_at": time(invitation.expires_at),
        "expired": invitation.expires_at <= now,
    })
}
