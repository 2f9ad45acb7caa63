//! Words for what the host refused.

use engine::EngineError;
use std::fmt::Display;

/// For `map_err`: `doing` says what was tried, on what.
pub(crate) fn host<E: Display>(doing: impl Display) -> impl FnOnce(E) -> EngineError {
    move |error| EngineError::Host(format!("{doing}: {error}"))
}
