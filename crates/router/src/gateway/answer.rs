//! What a job's answer gets on its way back.

use super::Call;
use super::judge::TRACING;
use http::header::{HeaderMap, HeaderValue, LOCATION};

/// Names the call, and makes addresses that the job took for its own lead through the gateway again.
pub(crate) fn finish(call: &Call, headers: &mut HeaderMap) {
    headers.insert(TRACING, call.tracing.clone());
    let path = headers.get(LOCATION).and_then(|value| value.to_str().ok()).and_then(path_of).map(str::to_owned);
    if let Some(path) = path.and_then(|path| HeaderValue::from_str(&path).ok()) {
        headers.insert(LOCATION, path);
    }
}

/// What follows scheme and host, if they are there.
fn path_of(location: &str) -> Option<&str> {
    let (_, rest) =
        location.split_once("://").filter(|(scheme, _)| scheme.bytes().all(|b| b.is_ascii_alphanumeric()))?;
    Some(rest.find('/').map_or("/", |slash| &rest[slash..]))
}
