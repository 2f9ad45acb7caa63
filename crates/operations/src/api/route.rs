//! Routes that know their list.

use crate::Operations;
use axum::Router;
use axum::handler::Handler;
use http::Method;

#[derive(Default)]
pub(super) struct Routes {
    pub(super) router: Router<Operations>,
    pub(super) list: Vec<(Method, &'static str)>,
}

macro_rules! methods {
    ($($name:ident = $method:ident;)*) => {$(
        pub(super) fn $name<H: Handler<T, Operations>, T: 'static>(mut self, path: &'static str, handler: H) -> Self {
            self.list.push((Method::$method, path));
            self.router = self.router.route(path, axum::routing::$name(handler));
            self
        }
    )*};
}

impl Routes {
    pub(super) fn new() -> Self {
        Self::default()
    }

    methods! { get = GET; post = POST; patch = PATCH; put = PUT; delete = DELETE; }
}
