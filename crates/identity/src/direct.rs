//! Judging credentials that clients of compatible APIs send in their own ways: a token in a header of theirs, or name and
//! password with each request. The layer of [`crate::http::authenticate`] does not look there.

use crate::http::origin;
use crate::sign_in::SignInError;
use crate::verify::{person_caller, state_refusal};
use crate::{Authentication, Identity, IdentityError, Password};
use http::HeaderMap;
use store::StoreError;

impl Identity {
    /// Who sent this API token, of whatever form.
    pub async fn by_api_token(&self, token: &str) -> Result<Authentication, StoreError> {
        Ok(self.verify_api_token(token).await?.authentication)
    }

    /// Who sent this name (or address) and password. Failures count as those at the sign-in page do; so does the time that
    /// it takes.
    pub async fn by_password(
        &self,
        name: &str,
        password: Password,
        headers: &HeaderMap,
    ) -> Result<Authentication, StoreError> {
        match self.sign_in(name, password, &origin(headers)).await {
            Ok(person) => match state_refusal(person.state) {
                Some(reason) => Ok(Authentication::Refused(reason.into())),
                None => Ok(Authentication::Caller(self.db().read(move |tx| person_caller(tx, &person)).await?)),
            },
            Err(SignInError::Identity(IdentityError::Store(error))) => Err(error),
            Err(refusal) => Ok(Authentication::Refused(refusal.to_string())),
        }
    }
}
