//! Who asks, in the API's own ways: `X-TrackerToken`, `?token=`, name and password; else as the server's own layer found
//! (a page's session cookie, a bearer token).

use crate::ApiError;
use crate::api::params::Params;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::request::Parts;
use identity::{Authentication, Caller, Identity, Password};

/// Who asks, and how they proved it.
#[derive(Debug, Clone, Default)]
pub struct Who {
    /// None: nobody who said so.
    pub caller: Option<Caller>,
    /// The API token they sent.
    pub token: Option<String>,
    /// By name and password?
    pub by_password: bool,
}

/// Judges the credentials. What is sent must be right; what is not sent leaves public projects.
pub async fn who(identity: &Identity, parts: &Parts, params: &Params) -> Result<Who, ApiError> {
    let header = parts.headers.get("x-trackertoken").and_then(|value| value.to_str().ok()).map(str::trim);
    let parameter = params.raw("token").and_then(|value| value.as_str());
    if let Some(token) = header.or(parameter).filter(|token| !token.is_empty()) {
        let caller = good(identity.by_api_token(token).await?)?;
        return Ok(Who { caller, token: Some(token.into()), by_password: false });
    }
    if let Some((name, password)) = basic(parts) {
        let found = identity.by_password(&name, Password::new(password), &parts.headers).await?;
        return Ok(Who { caller: good(found)?, token: None, by_password: true });
    }
    let found = parts.extensions.get::<Authentication>().cloned().unwrap_or(Authentication::Anonymous);
    Ok(Who { caller: good(found)?, token: None, by_password: false })
}

fn good(found: Authentication) -> Result<Option<Caller>, ApiError> {
    match found {
        Authentication::Caller(caller) => Ok(Some(caller)),
        Authentication::Anonymous => Ok(None),
        Authentication::Refused(why) => {
            tracing::debug!(%why, "credentials were refused");
            Err(ApiError::unauthenticated())
        }
    }
}

fn basic(parts: &Parts) -> Option<(String, String)> {
    let header = parts.headers.get(http::header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, encoded) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let text = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (name, password) = text.split_once(':')?;
    Some((name.to_owned(), password.to_owned()))
}
