//! A new password, by a link that an administrator made.

use super::{enter, failure, form, message, page, password_problems};
use crate::http::authenticate::cross_site;
use crate::http::base;
use crate::model::origin::is_own;
use crate::repo::password_link::{password_link_person, password_link_use};
use crate::verify::state_refusal;
use crate::{Identity, IdentityError, Password, hash_password};
use askama::Template;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::response::Response;
use http::StatusCode;
use http::request::Parts;

#[derive(Template, Default)]
#[template(path = "password.html")]
struct NewPassword {
    token: String,
    user_name: String,
    password_error: Option<String>,
    again_error: Option<String>,
}

/// `GET /password?token=…`.
pub(super) async fn show_password(State(identity): State<Identity>, request: Request) -> Response {
    let token = form(request.uri().query().unwrap_or_default().as_bytes()).remove("token").unwrap_or_default();
    match shown(&identity, token).await {
        Ok(shown) => page(StatusCode::OK, &shown),
        Err(error) => failure(&error),
    }
}

async fn shown(identity: &Identity, token: String) -> Result<NewPassword, IdentityError> {
    let (asked, now) = (token.clone(), identity.now());
    let person = identity.db().read(move |tx| password_link_person(tx, &asked, now)).await?;
    let person = person.ok_or(IdentityError::PasswordLink)?;
    Ok(NewPassword { token, user_name: person.user_name, ..NewPassword::default() })
}

/// `POST /password`: sets it, ends every session, and begins a new one here.
pub(super) async fn set_password(State(identity): State<Identity>, parts: Parts, body: Bytes) -> Response {
    if !is_own(&parts.headers, base::scheme(&parts.headers)) {
        return cross_site(&parts.headers);
    }
    let mut fields = form(&body);
    let mut take = |name: &str| fields.remove(name).unwrap_or_default();
    let (password, again, token) =
        (Password::new(take("password")), Password::new(take("password_again")), take("token"));
    let mut shown = match shown(&identity, token.clone()).await {
        Ok(shown) => shown,
        Err(error) => return failure(&error),
    };
    (shown.password_error, shown.again_error) = password_problems(&password, &again);
    if shown.password_error.is_some() || shown.again_error.is_some() {
        return page(StatusCode::UNPROCESSABLE_ENTITY, &shown);
    }
    let hash = match hash_password(password).await {
        Ok(hash) => hash,
        Err(error) => return failure(&error),
    };
    let now = identity.now();
    match identity.db().write(move |tx| password_link_use(tx, &token, &hash, now)).await {
        Ok(person) => match state_refusal(person.state) {
            None => enter(&identity, &person, &parts.headers, &base::origin(&parts.headers), "/").await,
            Some(reason) => message(StatusCode::OK, "Password set", &format!("You cannot sign in yet: {reason}.")),
        },
        Err(error) => failure(&error),
    }
}
