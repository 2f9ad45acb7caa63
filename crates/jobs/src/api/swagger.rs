//! Swagger UI for jobs' own pages, so that `/docs` of a job needs no internet: the files that others take from afar.
//!
//! They are those of the npm package swagger-ui-dist 5.35.0, packed by `gzip -9n`; every browser unpacks them.

use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};

/// The program.
pub(crate) const SCRIPT: &str = "/lifecycle/swagger/swagger-ui-bundle.js";
/// The style sheet.
pub(crate) const STYLE: &str = "/lifecycle/swagger/swagger-ui.css";
/// The icon of the page's tab.
pub(crate) const ICON: &str = "/lifecycle/swagger/favicon-32x32.png";

/// `GET /lifecycle/swagger/{file}`.
pub async fn show_file(Path(file): Path<String>) -> Response {
    const PACKED: &str = "gzip";
    let (kind, coding, bytes): (&str, _, &'static [u8]) = match file.as_str() {
        "swagger-ui-bundle.js" => {
            ("text/javascript; charset=utf-8", PACKED, include_bytes!("swagger/swagger-ui-bundle.js.gz"))
        }
        "swagger-ui.css" => ("text/css; charset=utf-8", PACKED, include_bytes!("swagger/swagger-ui.css.gz")),
        "favicon-32x32.png" => ("image/png", "identity", include_bytes!("swagger/favicon-32x32.png")),
        _ => return (StatusCode::NOT_FOUND, axum::Json(serde_json::json!({ "detail": "Not Found" }))).into_response(),
    };
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CONTENT_ENCODING, coding),
        (header::CACHE_CONTROL, "public, max-age=86400"),
    ];
    (headers, bytes).into_response()
}
