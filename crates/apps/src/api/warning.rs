//! Warnings beside an answer: `X-Cf-Warnings`, which clients print.

use axum::response::{IntoResponse, Response};
use http::HeaderValue;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What a client decodes again; a comma stands between warnings.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// An answer with warnings.
#[derive(Debug)]
pub(super) struct Warned<T>(pub(super) T, pub(super) Vec<String>);

impl<T: IntoResponse> IntoResponse for Warned<T> {
    fn into_response(self) -> Response {
        let mut response = self.0.into_response();
        if !self.1.is_empty() {
            let all: Vec<String> = self.1.iter().map(|one| utf8_percent_encode(one, ENCODED).to_string()).collect();
            let value = HeaderValue::from_str(&all.join(",")).expect("percent-encoded text is a header value");
            response.headers_mut().insert("x-cf-warnings", value);
        }
        response
    }
}
