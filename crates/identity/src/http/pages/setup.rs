//! The set-up page: the first administrator, by a link that works once.

use super::{enter, failure, form, page, password_problems, problem};
use crate::http::authenticate::cross_site;
use crate::http::base;
use crate::model::name;
use crate::model::origin::is_own;
use crate::repo::setup::{setup_use, setup_valid};
use crate::{Identity, IdentityError, Password, hash_password};
use askama::Template;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::response::Response;
use http::StatusCode;
use http::request::Parts;

#[derive(Template, Default)]
#[template(path = "setup.html")]
struct SetUp {
    token: String,
    user_name: String,
    email: String,
    user_name_error: Option<String>,
    email_error: Option<String>,
    password_error: Option<String>,
    again_error: Option<String>,
}

/// `GET /setup?token=…`.
pub(super) async fn show_setup(State(identity): State<Identity>, request: Request) -> Response {
    let token = form(request.uri().query().unwrap_or_default().as_bytes()).remove("token").unwrap_or_default();
    let asked = token.clone();
    match identity.db().read(move |tx| setup_valid(tx, &asked)).await {
        Ok(true) => page(StatusCode::OK, &SetUp { token, ..SetUp::default() }),
        Ok(false) => failure(&IdentityError::SetupLink),
        Err(error) => failure(&error.into()),
    }
}

/// `POST /setup`.
pub(super) async fn use_setup(State(identity): State<Identity>, parts: Parts, body: Bytes) -> Response {
    if !is_own(&parts.headers, base::scheme(&parts.headers)) {
        return cross_site(&parts.headers);
    }
    let mut fields = form(&body);
    let mut take = |name: &str| fields.remove(name).unwrap_or_default();
    let (password, again) = (Password::new(take("password")), Password::new(take("password_again")));
    let mut shown = SetUp {
        token: take("token"),
        user_name: take("user_name").trim().into(),
        email: take("email").trim().into(),
        ..SetUp::default()
    };
    let asked = shown.token.clone();
    match identity.db().read(move |tx| setup_valid(tx, &asked)).await {
        Ok(true) => {}
        Ok(false) => return failure(&IdentityError::SetupLink),
        Err(error) => return failure(&error.into()),
    }
    // All fields at once, so that nobody mends them one by one.
    shown.user_name_error = problem(name::check_user_name(&shown.user_name));
    shown.email_error = if shown.email.is_empty() { None } else { problem(name::check_email(&shown.email)) };
    (shown.password_error, shown.again_error) = password_problems(&password, &again);
    if shown.has_errors() {
        return page(StatusCode::UNPROCESSABLE_ENTITY, &shown);
    }
    let hash = match hash_password(password).await {
        Ok(hash) => hash,
        Err(error) => return failure(&error),
    };
    let (token, user_name, email) = (shown.token.clone(), shown.user_name.clone(), shown.email.clone());
    let email = Some(email).filter(|email| !email.is_empty());
    let made = identity.db().write(move |tx| setup_use(tx, &token, &user_name, email.as_deref(), &hash)).await;
    match made {
        Ok(person) => enter(&identity, &person, &parts.headers, &base::origin(&parts.headers), "/").await,
        Err(error @ (IdentityError::Invalid { field: "email", .. } | IdentityError::Taken { field: "email", .. })) => {
            shown.email_error = Some(error.to_string());
            page(StatusCode::UNPROCESSABLE_ENTITY, &shown)
        }
        Err(error) => failure(&error),
    }
}

impl SetUp {
    fn has_errors(&self) -> bool {
        [&self.user_name_error, &self.email_error, &self.password_error, &self.again_error]
            .into_iter()
            .any(Option::is_some)
    }
}
