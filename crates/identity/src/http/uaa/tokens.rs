//! `/oauth/token` and what checks and revokes the tokens that come from it.

use super::{caller, failure};
use crate::http::base::{self, base_url};
use crate::http::headers::{oauth_error, private};
use crate::sign_in::{Origin, SignInError, Tokens};
use crate::token::session_of;
use crate::verify::{Credential, SUSPENDED};
use crate::{Authentication, Identity, IdentityError, Password, Subject, UaaClient, session_revoke};
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::AUTHORIZATION;
use http::request::Parts;
use http::{HeaderMap, StatusCode};
use serde_json::json;
use std::collections::HashMap;

type Form = HashMap<String, String>;

/// `POST /oauth/token`.
pub(super) async fn create_token(State(identity): State<Identity>, parts: Parts, body: Bytes) -> Response {
    let form: Form = form_urlencoded::parse(&body).into_owned().collect();
    let origin = base::origin(&parts.headers);
    let client = match client(&identity, &parts.headers, &form, &origin).await {
        Ok(client) => client,
        Err(answer) => return answer,
    };
    let grant = form.get("grant_type").map_or("", String::as_str);
    if !["password", "refresh_token", "client_credentials"].contains(&grant) {
        let text = format!("Unsupported grant type: {grant:?}; use password, refresh_token or client_credentials");
        return oauth_error(StatusCode::BAD_REQUEST, "unsupported_grant_type", &text);
    }
    if !client.grant_types.iter().any(|allowed| allowed == grant) {
        let text = format!("Unauthorized grant type: client {} may not ask for {grant}", client.id);
        return oauth_error(StatusCode::UNAUTHORIZED, "unauthorized_client", &text);
    }
    let made = match grant {
        "password" => password(&identity, &parts, &form, &client, &origin).await,
        "refresh_token" => match form.get("refresh_token") {
            Some(token) => identity.refresh(token, &client, &base_url(&parts)).await,
            None => Err(SignInError::RefreshToken),
        },
        _ => identity.issue_client(&client, &base_url(&parts), &origin).await.map_err(SignInError::from),
    };
    match made {
        Ok(tokens) => answer(&tokens, identity.config().access_token.as_secs()),
        Err(error) => refusal(&error),
    }
}

async fn password(
    identity: &Identity,
    parts: &Parts,
    form: &Form,
    client: &UaaClient,
    origin: &Origin,
) -> Result<Tokens, SignInError> {
    let query: Form = form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes()).into_owned().collect();
    if let Some(hint) = query.get("login_hint").or_else(|| form.get("login_hint")) {
        let hint: serde_json::Value = serde_json::from_str(hint).unwrap_or_default();
        if hint.get("origin").and_then(|origin| origin.as_str()).is_some_and(|origin| origin != crate::ORIGIN) {
            return Err(SignInError::State("The origin in login_hint is not known here; the only one is uaa"));
        }
    }
    let (Some(name), Some(password)) = (form.get("username"), form.get("password")) else {
        return Err(SignInError::Bad);
    };
    let person = identity.sign_in(name, Password::new(password.as_str()), origin).await?;
    Ok(identity.issue(&person, client, &base_url(parts), origin).await?)
}

/// The client that asks, by Basic or by the form.
async fn client(identity: &Identity, headers: &HeaderMap, form: &Form, origin: &Origin) -> Result<UaaClient, Response> {
    let refused = |text: &str| oauth_error(StatusCode::UNAUTHORIZED, "invalid_client", text);
    let basic = headers.get(AUTHORIZATION).and_then(|value| basic(value.to_str().ok()?));
    let in_form =
        || form.get("client_id").map(|id| (id.clone(), form.get("client_secret").cloned().unwrap_or_default()));
    let Some((id, secret)) = basic.or_else(in_form) else {
        return Err(refused("Client credentials are missing: send Basic authorization or client_id and client_secret"));
    };
    match identity.client_sign_in(&id, Password::new(secret), origin).await {
        Ok(client) => Ok(client),
        Err(SignInError::Bad) => Err(refused("Bad client credentials")),
        Err(SignInError::Locked) => {
            Err(refused("The client is locked because of too many failed attempts; wait and try again"))
        }
        Err(error) => Err(refusal(&error)),
    }
}

/// Id and secret of a `Basic` header.
fn basic(header: &str) -> Option<(String, String)> {
    let (scheme, encoded) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let text = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (id, secret) = text.split_once(':')?;
    Some((id.into(), secret.into()))
}

fn answer(tokens: &Tokens, expires_in: u64) -> Response {
    let mut body = json!({
        "access_token": tokens.access_token,
        "token_type": "bearer",
        "expires_in": expires_in,
        "scope": tokens.claims.scope.join(" "),
        "jti": tokens.claims.jti,
    });
    if let Some(refresh) = &tokens.refresh_token {
        body["refresh_token"] = json!(refresh);
    }
    private(Json(body).into_response())
}

fn refusal(error: &SignInError) -> Response {
    match error {
        SignInError::State(SUSPENDED) => oauth_error(StatusCode::FORBIDDEN, "account_suspended", &error.to_string()),
        SignInError::Bad | SignInError::Locked | SignInError::State(_) => {
            oauth_error(StatusCode::UNAUTHORIZED, "unauthorized", &error.to_string())
        }
        SignInError::RefreshToken => oauth_error(StatusCode::UNAUTHORIZED, "invalid_token", &error.to_string()),
        SignInError::Identity(error) => failure(error),
    }
}

/// `POST /check_token`: for resource servers, clients with the authority `uaa.resource`.
pub(super) async fn check_token(State(identity): State<Identity>, parts: Parts, body: Bytes) -> Response {
    let form: Form = form_urlencoded::parse(&body).into_owned().collect();
    let client = match client(&identity, &parts.headers, &form, &base::origin(&parts.headers)).await {
        Ok(client) => client,
        Err(answer) => return answer,
    };
    if !client.authorities.iter().any(|have| have == "uaa.resource") {
        let text = format!("Client {} needs the authority uaa.resource", client.id);
        return oauth_error(StatusCode::FORBIDDEN, "access_denied", &text);
    }
    let invalid = |reason: &str| oauth_error(StatusCode::BAD_REQUEST, "invalid_token", reason);
    let Some(token) = form.get("token") else { return invalid("token is missing from the form") };
    let claims = match identity.keys().verify(token, identity.now()) {
        Ok(claims) => claims,
        Err(reason) => return invalid(reason),
    };
    match identity.verify_access_token(token).await.map(|verified| verified.authentication) {
        Ok(Authentication::Caller(caller)) => {
            let mut claims = (*claims).clone();
            claims.scope = caller.scopes;
            private(Json(claims).into_response())
        }
        Ok(Authentication::Refused(reason)) => invalid(&reason),
        Ok(Authentication::Anonymous) => invalid("the token is empty"),
        Err(error) => failure(&error.into()),
    }
}

/// `DELETE /oauth/token/revoke/JTI`: ends the session that the token belongs to, its refresh token included.
pub(super) async fn revoke_token(
    State(identity): State<Identity>,
    Path(jti): Path<String>,
    request: Request,
) -> Response {
    let caller = match caller(request.extensions()) {
        Ok(caller) => caller.clone(),
        Err(answer) => return answer,
    };
    let session = session_of(&jti).to_owned();
    let own =
        matches!(request.extensions().get::<Credential>(), Some(Credential::Session { id, .. }) if *id == session);
    let person = match &caller.subject {
        _ if own || caller.admin => None,
        Subject::Person(id) => Some(id.clone()),
        _ => return failure(&IdentityError::NotFound("token")),
    };
    let revoked = identity.db().write(move |tx| session_revoke(tx, &caller.actor(), &session, person.as_deref())).await;
    match revoked {
        Ok(()) => private(Json(json!({ "revoked": jti })).into_response()),
        Err(IdentityError::NotFound(_)) => failure(&IdentityError::NotFound("token")),
        Err(error) => failure(&error),
    }
}
