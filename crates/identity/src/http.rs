//! What identity serves: the layer that says who is asking, the UAA's documents, and the pages of one's own account.

mod api;
mod authenticate;
mod base;
mod cookie;
mod headers;
mod pages;
mod routes;
mod uaa;

pub use authenticate::authenticate;
pub use base::base_url;
pub(crate) use base::origin;
pub use cookie::cookie_value;
pub use pages::{bar, pages};
pub use routes::routes;
pub use uaa::uaa;
