//! One's own new password, by the old one.

use super::account::{CHANGED, HERE, Said, may_change, show, this_session};
use super::{failure, form, go, password_problems};
use crate::http::base;
use crate::sign_in::SignInError;
use crate::{Identity, Password};
use axum::body::Bytes;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use http::request::Parts;

/// `POST /account/password` with `old_password`, `password` and `password_again`. The session that asks goes on; all others end.
pub(super) async fn change_password(State(identity): State<Identity>, parts: Parts, body: Bytes) -> Response {
    let (caller, person) = match may_change(&parts) {
        Ok((caller, person)) => (caller.clone(), person),
        Err(answer) => return answer,
    };
    let mut fields = form(&body);
    let mut take = |name: &str| Password::new(fields.remove(name).unwrap_or_default());
    let (old, new, again) = (take("old_password"), take("password"), take("password_again"));
    let this = this_session(&parts.extensions);
    let (password_error, again_error) = password_problems(&new, &again);
    let mut said = Said { password_error, again_error, ..Said::default() };
    // Every guess at the old one counts, so none is made for what is refused anyway.
    if said.password_error.is_none() && said.again_error.is_none() {
        match identity.change_password(&caller, (old, new), this.clone(), &base::origin(&parts.headers)).await {
            Ok(()) => return go(&format!("{HERE}?{CHANGED}")),
            Err(SignInError::Identity(error)) => return failure(&error),
            Err(SignInError::Bad) => said.old_error = Some("It is not the right one.".into()),
            Err(error) => said.old_error = Some(error.to_string()),
        }
    }
    show(&identity, (caller, person, this), StatusCode::UNPROCESSABLE_ENTITY, said).await
}
