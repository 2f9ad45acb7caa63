//! Declaring routes, and what goes round them all: JSON errors everywhere, request ids, trailing slashes.

use crate::{ApiError, Apps};
use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Request};
use axum::handler::Handler;
use axum::response::{IntoResponse, Response};
use axum::routing::MethodRouter;
use http::{HeaderValue, Method, StatusCode, Uri, header};
use tower::ServiceExt;

/// Routes with their list.
#[derive(Default)]
pub struct Routes {
    router: Router<Apps>,
    list: Vec<(Method, &'static str)>,
}

macro_rules! methods {
    ($($name:ident = $method:ident;)*) => {$(
        #[doc = concat!("Declares an endpoint for ", stringify!($method), ".")]
        #[must_use]
        pub fn $name<H: Handler<T, Apps>, T: 'static>(self, path: &'static str, handler: H) -> Self {
            self.add(Method::$method, path, axum::routing::$name(handler))
        }
    )*};
}

impl Routes {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    methods! { get = GET; post = POST; patch = PATCH; put = PUT; delete = DELETE; }

    fn add(mut self, method: Method, path: &'static str, route: MethodRouter<Apps>) -> Self {
        self.list.push((method, path));
        self.router = self.router.route(path, route);
        self
    }

    /// Those of another part too.
    #[must_use]
    pub fn merge(mut self, other: Self) -> Self {
        self.list.extend(other.list);
        self.router = self.router.merge(other.router);
        self
    }

    /// Method and path template of every endpoint.
    pub fn list(&self) -> &[(Method, &'static str)] {
        &self.list
    }

    pub(super) fn into_router(self, apps: Apps) -> Router {
        let unknown = || async { ApiError::unknown_request() };
        self.router.fallback(unknown).method_not_allowed_fallback(unknown).with_state(apps)
    }
}

/// Puts round the router what every answer has.
pub(super) fn finish(router: Router) -> Router {
    // Bodies have limits of their own (api/body.rs, uploads), which are larger or smaller than the framework's.
    let inner = router.layer(DefaultBodyLimit::disable()).layer(axum::middleware::map_response(complete));
    // Rewriting the path has to come before routing, so the router hangs below one that knows no path.
    Router::new()
        .fallback_service(tower::service_fn(move |request: Request| inner.clone().oneshot(without_slash(request))))
}

/// `/v3/buildpacks/` is `/v3/buildpacks`.
fn without_slash(mut request: Request) -> Request {
    let path = request.uri().path();
    if path.len() > 1 && path.ends_with('/') {
        let query = request.uri().query().map(|query| format!("?{query}")).unwrap_or_default();
        let path = format!("/{}{query}", path.trim_matches('/'));
        if let Ok(path_and_query) = path.parse() {
            let mut parts = request.uri().clone().into_parts();
            parts.path_and_query = Some(path_and_query);
            if let Ok(uri) = Uri::from_parts(parts) {
                *request.uri_mut() = uri;
            }
        }
    }
    request
}

/// Clients print a body that is not the error envelope raw, so refusals of the framework are put into it too.
async fn complete(response: Response) -> Response {
    let status = response.status();
    let json = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|value| value.as_bytes().starts_with(b"application/json"));
    let mut response = if (status.is_client_error() || status.is_server_error()) && !json {
        reworded(response).await
    } else {
        response
    };
    if !response.headers().contains_key("x-vcap-request-id") {
        let id = super::error::request_id();
        response
            .headers_mut()
            .insert("x-vcap-request-id", HeaderValue::from_str(&id).expect("a UUID is a header value"));
    }
    response
}

async fn reworded(response: Response<Body>) -> Response {
    let status = response.status();
    let text = axum::body::to_bytes(response.into_body(), 4096).await.unwrap_or_default();
    let text = String::from_utf8_lossy(&text).into_owned();
    let detail = if text.is_empty() { status.canonical_reason().unwrap_or("Refused").to_owned() } else { text };
    let kind = match status {
        StatusCode::INTERNAL_SERVER_ERROR => crate::error::Kind::UNKNOWN_ERROR,
        _ => crate::error::Kind::BAD_REQUEST,
    };
    let mut response = ApiError::new(kind, detail).into_response();
    *response.status_mut() = status;
    response
}
