//! One embedded file, as it is sent: compressed once, and not again to who has it.

use axum::body::{Body, Bytes};
use axum::http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use flate2::Compression;
use flate2::write::GzEncoder;
use rust_embed::EmbeddedFile;
use std::borrow::Cow;
use std::io::Write;
use std::sync::OnceLock;

/// Smaller ones do not become smaller on the wire.
const SMALL: usize = 600;

pub(super) struct File {
    body: Bytes,
    kind: HeaderValue,
    /// Of its content, hex.
    digest: String,
    /// Compressed, from the first time somebody wants it so; none if that saves nothing.
    gzip: OnceLock<Option<Bytes>>,
}

impl File {
    pub(super) fn new(name: &str, file: EmbeddedFile) -> Self {
        let kind = mime_guess::from_path(name).first_or_octet_stream();
        let text = kind.type_() == "text" || kind.subtype() == "javascript" || kind.subtype() == "json";
        let kind = if text { format!("{kind}; charset=utf-8") } else { kind.to_string() };
        Self {
            digest: file.metadata.sha256_hash()[..16].iter().map(|byte| format!("{byte:02x}")).collect(),
            body: match file.data {
                Cow::Borrowed(bytes) => Bytes::from_static(bytes),
                Cow::Owned(bytes) => bytes.into(),
            },
            kind: HeaderValue::from_str(&kind).expect("media types are visible ASCII"),
            gzip: OnceLock::new(),
        }
    }

    /// The whole file, or 304 to who has it.
    pub(super) fn answer(&self, asked: &HeaderMap) -> Response {
        let compressed = if takes_gzip(asked) { self.gzip.get_or_init(|| self.compress()).as_ref() } else { None };
        let tag = format!("\"{}{}\"", self.digest, if compressed.is_some() { "-gzip" } else { "" });
        let known = asked.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
        let known = known.flat_map(|tags| tags.split(',')).any(|known| known.trim().trim_start_matches("W/") == tag);
        let body = match (known, compressed) {
            (true, _) => Bytes::new(),
            (false, Some(compressed)) => compressed.clone(),
            (false, None) => self.body.clone(),
        };
        let mut response = Response::new(Body::from(body));
        let mut set = |name: HeaderName, value: HeaderValue| response.headers_mut().insert(name, value);
        set(ETAG, HeaderValue::from_str(&tag).expect("hexadecimal digits"));
        set(VARY, HeaderValue::from_static("Accept-Encoding"));
        if known {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            return response;
        }
        set(CONTENT_TYPE, self.kind.clone());
        if compressed.is_some() {
            set(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        response
    }

    #[cfg(test)]
    pub(super) fn body(&self) -> &[u8] {
        &self.body
    }

    fn compress(&self) -> Option<Bytes> {
        if self.body.len() < SMALL || self.kind.as_bytes().starts_with(b"font/") {
            return None;
        }
        let mut gzip = GzEncoder::new(Vec::with_capacity(self.body.len() / 3), Compression::best());
        gzip.write_all(&self.body)
            .and_then(|()| gzip.finish())
            .ok()
            .filter(|gzip| gzip.len() < self.body.len())
            .map(Bytes::from)
    }
}

/// Does the client take gzip? `gzip;q=0` means that it does not.
fn takes_gzip(asked: &HeaderMap) -> bool {
    let listed = asked.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    listed.flat_map(|list| list.split(',')).any(|one| {
        let (coding, quality) = one.split_once(';').unwrap_or((one, ""));
        let refused = quality.trim().strip_prefix("q=").is_some_and(|quality| quality.parse() == Ok(0.0_f32));
        coding.trim().eq_ignore_ascii_case("gzip") && !refused
    })
}
