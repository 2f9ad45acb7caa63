//! Query parameters: one that cannot be read is 422 with the place, as in bodies.

use crate::JobsError;
use axum::extract::FromRequestParts;
use http::request::Parts;
use serde::de::DeserializeOwned;
use serde_json::json;

/// The query read as `T`.
#[derive(Debug, Clone)]
pub struct Params<T>(pub T);

impl<S: Sync, T: DeserializeOwned> FromRequestParts<S> for Params<T> {
    type Rejection = JobsError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, JobsError> {
        parse(parts.uri.query().unwrap_or_default()).map(Self)
    }
}

fn parse<T: DeserializeOwned>(query: &str) -> Result<T, JobsError> {
    let pairs = || form_urlencoded::parse(query.as_bytes());
    serde_path_to_error::deserialize(serde_urlencoded::Deserializer::new(pairs())).map_err(|error| {
        let (name, words) = (error.path().to_string(), error.inner().to_string());
        let input = pairs().find(|(key, _)| *key == name).map(|(_, value)| value.into_owned());
        let detail = json!({ "type": "value_error", "loc": ["query", name], "msg": words, "input": input });
        JobsError::Shape(format!("{name}: {words}"), detail)
    })
}
