//! The face's one error: status, code and texts exactly as clients of the API compare them (reference, section 10).

use http::StatusCode;
use serde_json::{Value, json};
use store::StoreError;

/// Two spaces stand after the first sentence.
const UNFOUND: &str = "The object you tried to access could not be found.  It may have been removed by another user, you may be using the ID of another object type, or you may be trying to access a sub-resource at the wrong point in a tree.";

/// Why a request was not done. Nothing was changed then.
#[derive(Debug, Clone)]
pub struct ApiError {
    inner: Box<Inner>,
}

#[derive(Debug, Clone)]
struct Inner {
    status: StatusCode,
    code: &'static str,
    error: String,
    general_problem: Option<String>,
    requirement: Option<String>,
    possible_fix: Option<String>,
    validation_errors: Vec<(String, String)>,
    /// What lies behind it; logged, never answered.
    cause: Option<StoreError>,
}

impl ApiError {
    fn new(status: StatusCode, code: &'static str, error: &str) -> Self {
        Self {
            inner: Box::new(Inner {
                status,
                code,
                error: error.into(),
                general_problem: None,
                requirement: None,
                possible_fix: None,
                validation_errors: Vec::new(),
                cause: None,
            }),
        }
    }

    /// 400 with its general problem.
    pub fn invalid(general_problem: impl Into<String>) -> Self {
        let mut error = Self::bare();
        error.inner.general_problem = Some(general_problem.into());
        error
    }

    /// 400 without more words; add some.
    pub fn bare() -> Self {
        let text = "One or more request parameters was missing or invalid.";
        Self::new(StatusCode::BAD_REQUEST, "invalid_parameter", text)
    }

    /// 400 because of one field, said both ways.
    pub fn invalid_field(field: &str, problem: impl Into<String>) -> Self {
        let problem = problem.into();
        Self::invalid(problem.clone()).with_problem(field, problem)
    }

    /// 400 `this endpoint requires the parameter: name`.
    pub fn missing(name: &str) -> Self {
        Self::invalid(format!("this endpoint requires the parameter: {name}"))
    }

    /// 400 for a body that is not JSON.
    pub fn unparsable() -> Self {
        let text = "Cannot parse the JSON-encoded request body.";
        Self::new(StatusCode::BAD_REQUEST, "could_not_parse_body", text)
    }

    /// 403: no or wrong credentials.
    pub fn unauthenticated() -> Self {
        let text = "Invalid authentication credentials were presented.";
        let mut error = Self::new(StatusCode::FORBIDDEN, "invalid_authentication", text);
        error.inner.possible_fix =
            Some("Recheck your name/password or api_token value, and that they are sent as the API expects.".into());
        error
    }

    /// 403: known, but not for this.
    pub fn unauthorized() -> Self {
        let mut error = Self::new(StatusCode::FORBIDDEN, "unauthorized_operation", "Authorization failure.");
        error.inner.general_problem = Some("You aren't authorized to access the requested resource.".into());
        error
    }

    /// 404 for a resource.
    pub fn unfound() -> Self {
        Self::new(StatusCode::NOT_FOUND, "unfound_resource", UNFOUND)
    }

    /// 404 for a path.
    pub fn route_not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "route_not_found", "The path you requested has no valid endpoint.")
    }

    /// 413 for a body beyond `limit` bytes.
    pub fn too_large(limit: usize) -> Self {
        let mut error = Self::bare();
        error.inner.status = StatusCode::PAYLOAD_TOO_LARGE;
        error.inner.general_problem = Some(format!("The request body is larger than {limit} bytes."));
        error
    }

    /// 408 for a body that did not come.
    pub fn too_slow() -> Self {
        let mut error = Self::bare();
        error.inner.status = StatusCode::REQUEST_TIMEOUT;
        error.inner.general_problem = Some("The request body did not arrive in time.".into());
        error
    }

    /// 500 for what should not happen; `cause` is logged.
    pub fn internal(cause: impl std::fmt::Display) -> Self {
        StoreError::Other { message: cause.to_string(), source: None }.into()
    }

    /// Adds what is required.
    #[must_use]
    pub fn with_requirement(mut self, text: impl Into<String>) -> Self {
        self.inner.requirement = Some(text.into());
        self
    }

    /// Adds what may help.
    #[must_use]
    pub fn with_fix(mut self, text: impl Into<String>) -> Self {
        self.inner.possible_fix = Some(text.into());
        self
    }

    /// Adds a field and what is wrong with it.
    #[must_use]
    pub fn with_problem(mut self, field: &str, problem: impl Into<String>) -> Self {
        self.inner.validation_errors.push((field.into(), problem.into()));
        self
    }

    /// HTTP status.
    pub fn status(&self) -> StatusCode {
        self.inner.status
    }

    /// What lies behind it.
    pub fn cause(&self) -> Option<&StoreError> {
        self.inner.cause.as_ref()
    }

    /// Is it a broken unique key? Repos turn it into the resource's own words.
    pub fn is_duplicate(&self) -> bool {
        matches!(self.inner.cause, Some(StoreError::Duplicate { .. }))
    }

    /// As answered.
    pub fn body(&self) -> Value {
        let inner = &*self.inner;
        let mut body = json!({ "kind": "error", "code": inner.code, "error": inner.error });
        for (name, text) in [
            ("general_problem", &inner.general_problem),
            ("requirement", &inner.requirement),
            ("possible_fix", &inner.possible_fix),
        ] {
            if let Some(text) = text {
                body[name] = json!(text);
            }
        }
        if !inner.validation_errors.is_empty() {
            let errors = inner.validation_errors.iter();
            body["validation_errors"] =
                errors.map(|(field, problem)| json!({ "field": field, "problem": problem })).collect();
        }
        body
    }
}

impl std::fmt::Display for ApiError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.inner.general_problem.as_deref().unwrap_or(&self.inner.error))
    }
}

impl std::error::Error for ApiError {}

impl From<StoreError> for ApiError {
    fn from(cause: StoreError) -> Self {
        let mut error = match &cause {
            StoreError::Unavailable(_) | StoreError::Closed | StoreError::Conflict(_) => {
                let mut error = Self::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "api_internal_error",
                    "The database is not available at the moment; nothing was changed.",
                );
                error.inner.possible_fix = Some("Try again shortly.".into());
                error
            }
            StoreError::Full => Self::new(StatusCode::INSUFFICIENT_STORAGE, "api_internal_error", &cause.to_string()),
            _ => {
                let text = "An unexpected condition occurred.";
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, "unhandled_condition", text)
            }
        };
        error.inner.cause = Some(cause);
        error
    }
}

impl From<identity::IdentityError> for ApiError {
    fn from(error: identity::IdentityError) -> Self {
        use identity::IdentityError;
        match error {
            IdentityError::Store(cause) => cause.into(),
            IdentityError::NotFound(_) => Self::unfound(),
            other => Self::invalid(other.to_string()),
        }
    }
}
