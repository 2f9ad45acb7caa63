//! Signing in and out.

use super::{enter, failure, form, go, local, message, page};
use crate::http::authenticate::{cross_site, suspended};
use crate::http::{base, cookie};
use crate::model::origin::is_own;
use crate::sign_in::SignInError;
use crate::verify::{Credential, SUSPENDED};
use crate::{Authentication, Identity, Password, SignUp, session_revoke, sign_up};
use askama::Template;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::response::Response;
use http::header::SET_COOKIE;
use http::request::Parts;
use http::{Extensions, StatusCode};

#[derive(Template, Default)]
#[template(path = "signin.html")]
struct SignIn {
    user_name: String,
    next: String,
    /// Whether newcomers may make an account.
    sign_up: bool,
    /// Why the visitor is here again, if a session ended.
    notice: Option<String>,
    error: Option<String>,
}

/// `GET /signin?next=/path`.
pub(super) async fn show_signin(State(identity): State<Identity>, request: Request) -> Response {
    let query = form(request.uri().query().unwrap_or_default().as_bytes());
    let next = local(query.get("next"));
    let notice = match request.extensions().get::<Authentication>() {
        Some(Authentication::Caller(_)) => return go(&next),
        Some(Authentication::Refused(reason)) => Some(format!("You were signed out: {reason}.")),
        _ => None,
    };
    match identity.db().read(sign_up).await {
        Ok(mode) => {
            let sign_up = matches!(mode, SignUp::Open | SignUp::Approval);
            page(StatusCode::OK, &SignIn { next, notice, sign_up, ..SignIn::default() })
        }
        Err(error) => failure(&error.into()),
    }
}

/// `POST /signin`.
pub(super) async fn sign_in(State(identity): State<Identity>, parts: Parts, body: Bytes) -> Response {
    if !is_own(&parts.headers, base::scheme(&parts.headers)) {
        return cross_site(&parts.headers);
    }
    let form = form(&body);
    let next = local(form.get("next"));
    let name = form.get("user_name").map_or("", |name| name.trim());
    let password = form.get("password").map_or("", String::as_str);
    let origin = base::origin(&parts.headers);
    let again = |status, error: String| {
        page(status, &SignIn { user_name: name.into(), next: next.clone(), error: Some(error), ..SignIn::default() })
    };
    if name.is_empty() || password.is_empty() {
        return again(StatusCode::UNPROCESSABLE_ENTITY, "Enter your user name and your password.".into());
    }
    match identity.sign_in(name, Password::new(password), &origin).await {
        Ok(person) => {
            end_session(&identity, &parts.extensions).await;
            enter(&identity, &person, &parts.headers, &origin, &next).await
        }
        Err(SignInError::Locked) => {
            let text = "Too many failed attempts. Wait a while (from a second up to 15 minutes, longer with every failure) and try again.";
            again(StatusCode::TOO_MANY_REQUESTS, text.into())
        }
        Err(SignInError::State(SUSPENDED)) => suspended(&parts.headers),
        Err(SignInError::State(reason)) => again(StatusCode::FORBIDDEN, format!("You cannot sign in: {reason}.")),
        Err(SignInError::Identity(error)) => failure(&error),
        Err(SignInError::Bad | SignInError::RefreshToken) => again(
            StatusCode::UNAUTHORIZED,
            "User name or password is not right. Check both; capital letters count in passwords.".into(),
        ),
    }
}

#[derive(Template)]
#[template(path = "signout.html")]
struct SignOut;

/// `GET /signout`: asks, because following a link must not change anything.
pub(super) async fn show_signout(extensions: Extensions) -> Response {
    match extensions.get::<Authentication>() {
        Some(Authentication::Caller(_)) => page(StatusCode::OK, &SignOut),
        _ => message(StatusCode::OK, "Signed out", "You are not signed in on this device."),
    }
}

/// `POST /signout`.
pub(super) async fn sign_out(State(identity): State<Identity>, parts: Parts) -> Response {
    if !is_own(&parts.headers, base::scheme(&parts.headers)) {
        return cross_site(&parts.headers);
    }
    end_session(&identity, &parts.extensions).await;
    let mut response = go("/signin");
    response.headers_mut().append(SET_COOKIE, cookie::clear(&parts.headers));
    response
}

/// Ends the browser's session, if it has one.
async fn end_session(identity: &Identity, extensions: &Extensions) {
    let (Some(Authentication::Caller(caller)), Some(Credential::Session { id, page: true })) =
        (extensions.get::<Authentication>(), extensions.get::<Credential>())
    else {
        return;
    };
    let (actor, id) = (caller.actor(), id.clone());
    if let Err(error) = identity.db().write(move |tx| session_revoke(tx, &actor, &id, None)).await {
        tracing::warn!(%error, "a session could not be ended at sign-out");
    }
}
