//! Tokens (cloud-foundry.md 3).

use super::api::{not_logged_in, read};
use super::config::Store;
use super::failure::{Failure, Result};
use super::http::Http;
use super::shapes::Token;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

/// A token for `user`; `None` if the name or password is wrong.
pub(crate) async fn password(http: &Http, login: &str, user: &str, password: &str) -> Result<Option<Token>> {
    let form = [("grant_type", "password"), ("username", user), ("password", password)];
    grant(http, login, &form).await
}

/// Renews the token of `http`'s target and stores it. Commands side by side take turns; whoever finds a fresh one takes
/// that, because a refresh token may be good for one use only. Answers it with its end.
pub(crate) async fn refresh(http: &Http, store: &Store) -> Result<(String, i64)> {
    let url = http.target().to_owned();
    let waiting = store.clone();
    let lock = tokio::task::spawn_blocking(move || waiting.lock()).await;
    let _lock = lock.map_err(|error| Failure::new(format!("the configuration's lock was lost: {error}")))??;
    let config = store.load()?;
    let target = config.targets.get(&url).ok_or_else(|| not_logged_in(&url))?;
    if let Some(token) = &target.access_token
        && target.expires_at - jiff::Timestamp::now().as_second() >= 60
    {
        return Ok((token.clone(), target.expires_at));
    }
    let refresh = target.refresh_token.clone().ok_or_else(|| not_logged_in(&url))?;
    let form = [("grant_type", "refresh_token"), ("refresh_token", refresh.as_str())];
    let token = grant(http, &target.login, &form).await?.ok_or_else(|| {
        Failure::new(format!("your log-in to {url} has ended")).hint(format!("run `pitlane login {url}`"))
    })?;
    let expires_at = ends(&token);
    store.change_locked(|config| {
        if let Some(target) = config.targets.get_mut(&url) {
            target.access_token = Some(token.access_token.clone());
            target.expires_at = expires_at;
            if let Some(refresh) = &token.refresh_token {
                target.refresh_token = Some(refresh.clone());
            }
        }
    })?;
    Ok((token.access_token, expires_at))
}

/// When a token ends, seconds since 1970 UTC.
pub(crate) fn ends(token: &Token) -> i64 {
    jiff::Timestamp::now().as_second() + token.expires_in
}

async fn grant(http: &Http, login: &str, form: &[(&str, &str)]) -> Result<Option<Token>> {
    let url = format!("{login}/oauth/token");
    let response = http.send(false, |client| client.post(&url).basic_auth("cf", Some("")).form(form)).await?;
    match response.status().as_u16() {
        200 => read(response).await.map(Some),
        400 | 401 => {
            let body: Value = response.json().await.unwrap_or_default();
            match body["error_description"].as_str().unwrap_or_default() {
                locked if locked.contains("locked") => {
                    Err(Failure::new(locked).hint("wait a few minutes and try again"))
                }
                _ => Ok(None),
            }
        }
        status => {
            let text = response.text().await.unwrap_or_default();
            let body: Value = serde_json::from_str(&text).unwrap_or_default();
            let why = body["error_description"].as_str().map(str::to_owned);
            Err(Failure::new(why.unwrap_or_else(|| format!("{login} answered {status} to the log-in"))))
        }
    }
}

/// A claim of a token, unverified: it is our own.
pub(crate) fn claim(token: &str, name: &str) -> Option<String> {
    let body = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    let claims: Value = serde_json::from_slice(&body).ok()?;
    claims.get(name)?.as_str().map(str::to_owned)
}
