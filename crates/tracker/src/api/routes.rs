//! Declaring routes. A handler is a plain function of a unit of work and a request: GETs read, the others write.

use crate::api::call::Call;
use crate::api::reply::{Asked, Format, Reply, cors, render};
use crate::{ApiError, Tracker};
use axum::Router;
use axum::extract::{RawPathParams, Request, State};
use axum::response::Response;
use axum::routing::{MethodFilter, on};
use http::{HeaderMap, Method, StatusCode};
use std::pin::Pin;
use std::time::Instant;
use store::Tx;

/// What a handler answers.
pub type Answer = Result<Reply, ApiError>;
/// A handler.
pub type Handler = fn(&mut Tx<'_>, &Call) -> Answer;
/// A handler that does more than one unit of work.
pub type Slow = fn(Call) -> Pin<Box<dyn Future<Output = Answer> + Send>>;

/// Routes with their list.
#[derive(Default)]
pub struct Routes {
    router: Router<Tracker>,
    list: Vec<(Method, &'static str)>,
}

macro_rules! methods {
    ($($name:ident = $method:ident;)*) => {$(
        #[doc = concat!("Declares an endpoint for ", stringify!($method), ".")]
        #[must_use]
        pub fn $name(self, path: &'static str, handler: Handler) -> Self {
            self.add(Method::$method, path, handler)
        }
    )*};
}

impl Routes {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    methods! { get = GET; post = POST; put = PUT; delete = DELETE; }

    /// Declares an endpoint that does more than one unit of work.
    #[must_use]
    pub fn slow(mut self, method: Method, path: &'static str, handler: Slow) -> Self {
        self.list.push((method.clone(), path));
        self.route(method, path, move |call: Call| handler(call))
    }

    fn add(mut self, method: Method, path: &'static str, handler: Handler) -> Self {
        self.list.push((method.clone(), path));
        let reads = method == Method::GET;
        self.route(method, path, move |call: Call| async move {
            let db = call.tracker().db.clone();
            match reads {
                true => db.read(move |tx| handler(tx, &call)).await,
                false => db.write(move |tx| handler(tx, &call)).await,
            }
        })
    }

    fn route<F, Fut>(mut self, method: Method, path: &'static str, handler: F) -> Self
    where
        F: Fn(Call) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output = Answer> + Send,
    {
        let filter = MethodFilter::try_from(method).expect("only HTTP's own methods are declared");
        let serve = move |State(tracker): State<Tracker>, path: RawPathParams, request: Request| async move {
            let begun = Instant::now();
            let path = path.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
            let asked = asked(&request);
            let (params, call) = Call::read(tracker, request, path).await;
            let answer = match call {
                Ok(call) => handler(call).await,
                Err(error) => Err(error),
            };
            render(answer, Format::of(&params), begun, &asked)
        };
        self.router = self.router.route(path, on(filter, serve));
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

    pub(super) fn into_router(self, tracker: Tracker) -> Router {
        let unknown = |request: Request| async move {
            if request.method() == Method::OPTIONS {
                return preflight();
            }
            let mut params = crate::api::params::Params::default();
            let query = request.uri().query().unwrap_or_default().as_bytes();
            params.add_text(form_urlencoded::parse(query).into_owned());
            render(Err(ApiError::route_not_found()), Format::of(&params), Instant::now(), &asked(&request))
        };
        self.router.fallback(unknown).method_not_allowed_fallback(unknown).with_state(tracker)
    }
}

/// What browsers ask before they let a page of another site call.
fn preflight() -> Response {
    let mut headers = HeaderMap::new();
    cors(&mut headers);
    let mut response = Response::default();
    *response.status_mut() = StatusCode::OK;
    *response.headers_mut() = headers;
    response
}

fn asked(request: &Request) -> Asked {
    let text = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    Asked {
        id: text("x-vcap-request-id").unwrap_or_else(|| uuid::Uuid::new_v4().to_string()),
        method: request.method().clone(),
        if_none_match: text("if-none-match"),
    }
}
