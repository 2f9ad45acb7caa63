//! A router that knows its routes, so that a test can walk every one of them as every role.

use super::{api, pages, uaa};
use crate::Identity;
use axum::Router;
use axum::handler::Handler;
use axum::routing::{MethodFilter, on};
use http::Method;

/// Routes under construction.
pub(crate) struct Routes {
    pub(crate) router: Router<Identity>,
    listed: Vec<(Method, String)>,
}

impl Routes {
    pub(crate) fn new() -> Self {
        Self { router: Router::new(), listed: Vec::new() }
    }

    /// Adds a route. `method` is one that HTTP itself defines.
    pub(crate) fn add<H: Handler<T, Identity>, T: 'static>(mut self, method: Method, path: &str, handler: H) -> Self {
        let filter = MethodFilter::try_from(method.clone()).expect("only HTTP's own methods are added");
        self.router = self.router.route(path, on(filter, handler));
        self.listed.push((method, path.to_owned()));
        self
    }

    pub(crate) fn merge(mut self, other: Self) -> Self {
        self.router = self.router.merge(other.router);
        self.listed.extend(other.listed);
        self
    }
}

/// Every route that identity serves, with `/uaa` where the server mounts it.
pub fn routes() -> Vec<(Method, String)> {
    let uaa = uaa::routes().listed.into_iter().map(|(method, path)| (method, format!("/uaa{path}")));
    pages::routes().merge(api::routes()).listed.into_iter().chain(uaa).collect()
}
