//! Request bodies: JSON within limits of size and time; a wrong shape is 422 with the place.

use crate::JobsError;
use axum::extract::{FromRequest, Request};
use serde::de::DeserializeOwned;
use serde_json::json;
use std::time::Duration;

/// A JSON body may have so many bytes.
const LIMIT: usize = 1 << 20;
/// A body has to arrive within this time.
const PATIENCE: Duration = Duration::from_secs(300);

/// A JSON body read as `T`.
#[derive(Debug, Clone)]
pub struct Body<T>(pub T);

impl<S: Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = JobsError;

    async fn from_request(request: Request, _: &S) -> Result<Self, JobsError> {
        parse(&read(request, LIMIT).await?).map(Self)
    }
}

/// Reads the whole body within `limit` bytes.
pub async fn read(request: Request, limit: usize) -> Result<bytes::Bytes, JobsError> {
    let body = axum::body::to_bytes(request.into_body(), limit);
    match tokio::time::timeout(PATIENCE, body).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(error))
            if std::error::Error::source(&error).is_some_and(|source| source.to_string().contains("length limit")) =>
        {
            Err(JobsError::Invalid(format!("the request is larger than {} MB: send less", limit >> 20)))
        }
        Ok(Err(error)) => Err(JobsError::Invalid(format!("the request's body broke off: {error}"))),
        Err(_) => Err(JobsError::Invalid(format!("the request's body did not arrive within {} s", PATIENCE.as_secs()))),
    }
}

/// Reads `bytes` as `T`.
pub fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, JobsError> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let (path, words) = (error.path().to_string(), error.inner().to_string());
        let place: Vec<&str> = ["body"].into_iter().chain(path.split('.').filter(|part| !part.is_empty())).collect();
        let told = if path == "." { words.clone() } else { format!("{path}: {words}") };
        JobsError::Shape(told, json!({ "type": "value_error", "loc": place, "msg": words, "input": null }))
    })
}
