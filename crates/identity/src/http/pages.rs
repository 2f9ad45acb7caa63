//! The pages of one's own account: server-rendered, without script.

mod account;
mod bar;
mod own_password;
mod password;
mod program;
mod setup;
mod signin;
mod signup;
pub(super) mod when;

pub use bar::bar;

use super::routes::Routes;
use super::{api, authenticate, cookie, headers};
use crate::sign_in::Origin;
use crate::{Authentication, Caller, Identity, IdentityError, Password, Person, Subject};
use askama::Template;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::response::{Html, IntoResponse, Redirect, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, SET_COOKIE, X_CONTENT_TYPE_OPTIONS};
use http::{Extensions, HeaderMap, Method, StatusCode};
use std::collections::HashMap;

/// The routes of the pages (`/signin`, `/signout`, `/signup`, `/setup`, `/password`, `/account/…`,
/// `/static/identity.css`) and of the JSON API of the
/// caller's own account (`/api/identity/…`), for the root.
pub fn pages(identity: Identity) -> Router {
    routes()
        .merge(api::routes())
        .router
        .layer(from_fn_with_state(identity.clone(), authenticate::authenticate))
        .layer(DefaultBodyLimit::max(64 * 1024))
        .with_state(identity)
}

pub(super) fn routes() -> Routes {
    Routes::new()
        .add(Method::GET, "/signin", signin::show_signin)
        .add(Method::POST, "/signin", signin::sign_in)
        .add(Method::GET, "/signout", signin::show_signout)
        .add(Method::POST, "/signout", signin::sign_out)
        .add(Method::GET, "/setup", setup::show_setup)
        .add(Method::POST, "/setup", setup::use_setup)
        .add(Method::GET, "/signup", signup::show_signup)
        .add(Method::POST, "/signup", signup::sign_up)
        .add(Method::GET, "/password", password::show_password)
        .add(Method::POST, "/password", password::set_password)
        .add(Method::GET, "/account/sessions", account::show_sessions)
        .add(Method::POST, "/account/sessions/{id}/revoke", account::revoke_session)
        .add(Method::POST, "/account/password", own_password::change_password)
        .add(Method::POST, "/account/tokens", account::create_token)
        .add(Method::POST, "/account/tokens/{id}/revoke", account::revoke_token)
        .add(Method::GET, "/static/identity.css", stylesheet)
}

async fn stylesheet() -> Response {
    let headers = [
        (CONTENT_TYPE, "text/css; charset=utf-8"),
        (CACHE_CONTROL, "public, max-age=300"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, include_str!("../../static/identity.css")).into_response()
}

#[derive(Template)]
#[template(path = "message.html")]
struct Message<'a> {
    title: &'a str,
    text: &'a str,
}

/// A page that says one thing.
pub(crate) fn message(status: StatusCode, title: &str, text: &str) -> Response {
    page(status, &Message { title, text })
}

/// Renders a page.
fn page(status: StatusCode, template: &impl Template) -> Response {
    match template.render() {
        Ok(html) => headers::secure((status, Html(html)).into_response()),
        Err(error) => {
            tracing::error!(%error, "a page could not be rendered");
            headers::secure((StatusCode::INTERNAL_SERVER_ERROR, "This page could not be rendered.").into_response())
        }
    }
}

/// The page for an error of ours that belongs to no field.
fn failure(error: &IdentityError) -> Response {
    let (status, title) = match error {
        IdentityError::NotFound(_) => (StatusCode::NOT_FOUND, "Not found"),
        IdentityError::SetupLink | IdentityError::PasswordLink | IdentityError::Invitation => {
            (StatusCode::GONE, "Link not valid")
        }
        IdentityError::SignUp(_) => (StatusCode::FORBIDDEN, "No account can be made here"),
        IdentityError::Invalid { .. } | IdentityError::Taken { .. } | IdentityError::LastAdministrator(_) => {
            (StatusCode::UNPROCESSABLE_ENTITY, "Not possible")
        }
        IdentityError::SigningKey(_) | IdentityError::Store(_) => {
            tracing::error!(%error, "a page failed");
            let text = "Nothing was changed. Try again in a moment; if it stays so, the administrator finds the reason in the log.";
            return message(StatusCode::SERVICE_UNAVAILABLE, "Something went wrong", text);
        }
    };
    message(status, title, &error.to_string())
}

/// The problem alone, as a sentence: it stands beside its field.
fn problem(checked: Result<(), IdentityError>) -> Option<String> {
    match checked.err()? {
        IdentityError::Invalid { problem, .. } => {
            let mut chars = problem.chars();
            let first = chars.next().map(|char| char.to_uppercase().to_string()).unwrap_or_default();
            Some(format!("{first}{}.", chars.as_str()))
        }
        other => Some(other.to_string()),
    }
}

/// What is wrong with a new password, and with typing it again.
fn password_problems(password: &Password, again: &Password) -> (Option<String>, Option<String>) {
    let differs = || "It differs from the password above: type both again.".into();
    (problem(password.check_policy()), (password.text() != again.text()).then(differs))
}

/// The fields of a form.
fn form(body: &[u8]) -> HashMap<String, String> {
    form_urlencoded::parse(body).into_owned().collect()
}

/// Sends the browser on, as the last word of a POST.
fn go(path: &str) -> Response {
    headers::secure(Redirect::to(path).into_response())
}

/// Begins a session and sends the browser on with its cookie.
async fn enter(identity: &Identity, person: &Person, from: &HeaderMap, origin: &Origin, path: &str) -> Response {
    match identity.begin_page_session(person, origin).await {
        Ok(value) => {
            let mut response = go(path);
            response.headers_mut().append(SET_COOKIE, cookie::set(from, &value, identity.config().page_session));
            response
        }
        Err(error) => failure(&error),
    }
}

/// The signed-in person, or the way to the sign-in page.
#[expect(clippy::result_large_err, reason = "the error is the answer")]
fn signed_in<'e>(extensions: &'e Extensions, here: &str) -> Result<(&'e Caller, &'e str), Response> {
    match extensions.get::<Authentication>() {
        Some(Authentication::Caller(caller)) => match &caller.subject {
            Subject::Person(id) => Ok((caller, id)),
            _ => Err(message(
                StatusCode::FORBIDDEN,
                "For people only",
                "This page shows a person's own account; a client has none.",
            )),
        },
        _ => {
            let query = form_urlencoded::Serializer::new(String::new()).append_pair("next", here).finish();
            Err(go(&format!("/signin?{query}")))
        }
    }
}

/// A path on this host to go to after signing in; anything else becomes `/`.
fn local(next: Option<&String>) -> String {
    let good = |next: &&String| {
        next.starts_with('/')
            // Browsers read both as the beginning of another host's name.
            && !next.starts_with("//")
            && !next.contains('\\')
            && next.len() < 2048
            && next.chars().all(|char| char.is_ascii_graphic())
    };
    next.filter(good).map_or_else(|| "/".into(), String::clone)
}
