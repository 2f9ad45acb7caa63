//! Making an account oneself, as far as the setting of sign-up allows it.

use super::{enter, failure, form, message, page, password_problems, problem};
use crate::http::authenticate::cross_site;
use crate::http::base;
use crate::model::name;
use crate::model::origin::is_own;
use crate::sign_up::{NewAccount, Registered};
use crate::{Identity, IdentityError, Password};
use askama::Template;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::response::Response;
use http::StatusCode;
use http::request::Parts;

#[derive(Template, Default)]
#[template(path = "signup.html")]
struct SignUpForm {
    invitation: String,
    /// The invitation says the address.
    invited: bool,
    /// An administrator must activate the account.
    approval: bool,
    user_name: String,
    email: String,
    user_name_error: Option<String>,
    email_error: Option<String>,
    password_error: Option<String>,
    again_error: Option<String>,
}

/// `GET /signup[?invitation=…]`.
pub(super) async fn show_signup(State(identity): State<Identity>, request: Request) -> Response {
    let invitation = form(request.uri().query().unwrap_or_default().as_bytes()).remove("invitation");
    match blank(&identity, invitation.unwrap_or_default()).await {
        Ok(shown) => page(StatusCode::OK, &shown),
        Err(error) => failure(&error),
    }
}

async fn blank(identity: &Identity, invitation: String) -> Result<SignUpForm, IdentityError> {
    let way = identity.may_sign_up(&invitation).await?;
    Ok(SignUpForm {
        invitation,
        invited: way.email.is_some(),
        approval: way.approval,
        email: way.email.unwrap_or_default(),
        ..SignUpForm::default()
    })
}

/// `POST /signup`.
pub(super) async fn sign_up(State(identity): State<Identity>, parts: Parts, body: Bytes) -> Response {
    if !is_own(&parts.headers, base::scheme(&parts.headers)) {
        return cross_site(&parts.headers);
    }
    let mut fields = form(&body);
    let mut take = |name: &str| fields.remove(name).unwrap_or_default();
    let (password, again) = (Password::new(take("password")), Password::new(take("password_again")));
    let mut shown = match blank(&identity, take("invitation")).await {
        Ok(shown) => shown,
        Err(error) => return failure(&error),
    };
    shown.user_name = take("user_name").trim().into();
    if !shown.invited {
        shown.email = take("email").trim().into();
    }
    // All fields at once, so that nobody mends them one by one.
    shown.user_name_error = problem(name::check_user_name(&shown.user_name));
    shown.email_error = problem(name::check_email(&shown.email));
    (shown.password_error, shown.again_error) = password_problems(&password, &again);
    if shown.has_errors() {
        return page(StatusCode::UNPROCESSABLE_ENTITY, &shown);
    }
    let origin = base::origin(&parts.headers);
    let account = NewAccount {
        user_name: shown.user_name.clone(),
        email: shown.email.clone(),
        password,
        invitation: shown.invitation.clone(),
    };
    match identity.sign_up(account, &origin).await {
        Ok(Registered::Active(person)) => enter(&identity, &person, &parts.headers, &origin, "/").await,
        Ok(Registered::Pending(person)) => {
            let text = format!(
                "Your account {} waits for an administrator, who has to activate it. You can sign in after that.",
                person.user_name
            );
            message(StatusCode::ACCEPTED, "Account made", &text)
        }
        Ok(Registered::TooMany) => {
            let text = "Too many accounts were made from your address, or too many wait for an administrator. Try again later.";
            message(StatusCode::TOO_MANY_REQUESTS, "Not now", text)
        }
        Err(error @ (IdentityError::Invalid { field: "email", .. } | IdentityError::Taken { field: "email", .. })) => {
            shown.email_error = problem(Err(error));
            page(StatusCode::UNPROCESSABLE_ENTITY, &shown)
        }
        Err(error @ (IdentityError::Invalid { .. } | IdentityError::Taken { .. })) => {
            shown.user_name_error = problem(Err(error));
            page(StatusCode::UNPROCESSABLE_ENTITY, &shown)
        }
        Err(error) => failure(&error),
    }
}

impl SignUpForm {
    fn has_errors(&self) -> bool {
        [&self.user_name_error, &self.email_error, &self.password_error, &self.again_error]
            .into_iter()
            .any(Option::is_some)
    }
}
