//! The face's one error: the protocol's code, title and status, with the facts in its detail.

use http::StatusCode;
use store::StoreError;

/// Code, title and status of a kind of error (reference, section 2.3). Never renumbered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind {
    /// The protocol's number.
    pub code: u32,
    /// The protocol's name, with its `CF-`.
    pub title: &'static str,
    /// HTTP status.
    pub status: StatusCode,
}

macro_rules! kinds {
    ($($name:ident = $code:literal, $title:literal, $status:ident;)*) => {
        impl Kind {$(
            #[doc = $title]
            pub const $name: Kind = Kind { code: $code, title: $title, status: StatusCode::$status };
        )*}
    };
}

kinds! {
    INVALID_AUTH_TOKEN = 1000, "CF-InvalidAuthToken", UNAUTHORIZED;
    MESSAGE_PARSE_ERROR = 1001, "CF-MessageParseError", BAD_REQUEST;
    BAD_REQUEST = 1004, "CF-BadRequest", BAD_REQUEST;
    REQUEST_TIMEOUT = 1004, "CF-BadRequest", REQUEST_TIMEOUT;
    BODY_TOO_LARGE = 1004, "CF-BadRequest", PAYLOAD_TOO_LARGE;
    UNKNOWN_REQUEST = 10000, "CF-NotFound", NOT_FOUND;
    UNKNOWN_ERROR = 10001, "UnknownError", INTERNAL_SERVER_ERROR;
    NOT_AUTHENTICATED = 10002, "CF-NotAuthenticated", UNAUTHORIZED;
    NOT_AUTHORIZED = 10003, "CF-NotAuthorized", FORBIDDEN;
    BAD_QUERY_PARAMETER = 10005, "CF-BadQueryParameter", BAD_REQUEST;
    INSUFFICIENT_SCOPE = 10007, "CF-InsufficientScope", FORBIDDEN;
    UNPROCESSABLE = 10008, "CF-UnprocessableEntity", UNPROCESSABLE_ENTITY;
    RESOURCE_NOT_FOUND = 10010, "CF-ResourceNotFound", NOT_FOUND;
    RATE_LIMITED = 10013, "CF-RateLimitExceeded", TOO_MANY_REQUESTS;
    SERVICE_UNAVAILABLE = 10015, "CF-ServiceUnavailable", SERVICE_UNAVAILABLE;
    DISK_FULL = 10015, "CF-ServiceUnavailable", INSUFFICIENT_STORAGE;
    ORG_SUSPENDED = 10017, "CF-OrgSuspended", FORBIDDEN;
    RESOURCE_BEING_DELETED = 10020, "CF-ResourceBeingDeleted", UNPROCESSABLE_ENTITY;
    APP_BITS_UPLOAD_INVALID = 160001, "CF-AppBitsUploadInvalid", BAD_REQUEST;
    STAGING_IN_PROGRESS = 170017, "CF-StagingInProgress", UNPROCESSABLE_ENTITY;
    BUILDPACK_NAME_TAKEN = 290000, "CF-BuildpackNameStackLifecycleTaken", UNPROCESSABLE_ENTITY;
    BUILDPACK_INVALID = 290003, "CF-BuildpackInvalid", BAD_REQUEST;
    DOCKER_DISABLED = 320003, "CF-DockerDisabled", BAD_REQUEST;
    FEATURE_DISABLED = 330002, "CF-FeatureDisabled", FORBIDDEN;
    SCALE_DISABLED_DURING_DEPLOYMENT = 390016, "CF-ScaleDisabledDuringDeployment", UNPROCESSABLE_ENTITY;
    PROCESS_UPDATE_DISABLED_DURING_DEPLOYMENT = 390017, "CF-ProcessUpdateDisabledDuringDeployment", UNPROCESSABLE_ENTITY;
    STOP_DISABLED_DURING_DEPLOYMENT = 390024, "CF-StopDisabledDuringDeployment", UNPROCESSABLE_ENTITY;
}

/// One entry of the envelope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What kind of error.
    pub kind: Kind,
    /// What is wrong, where, and what to do; some wordings are compared by clients (reference, section 2.4).
    pub detail: String,
}

/// Why a request was not done. Holds at least one [`Problem`]; the first one's status is the answer's.
#[derive(Debug, Clone)]
pub struct ApiError {
    inner: Box<Inner>,
}

#[derive(Debug, Clone)]
struct Inner {
    problems: Vec<Problem>,
    cause: Option<StoreError>,
}

impl ApiError {
    /// An error of `kind`.
    pub fn new(kind: Kind, detail: impl Into<String>) -> Self {
        Self { inner: Box::new(Inner { problems: vec![Problem { kind, detail: detail.into() }], cause: None }) }
    }

    /// Several unprocessable problems at once (manifests). `None` if there are none.
    pub fn several(details: impl IntoIterator<Item = String>) -> Option<Self> {
        let problems: Vec<Problem> =
            details.into_iter().map(|detail| Problem { kind: Kind::UNPROCESSABLE, detail }).collect();
        (!problems.is_empty()).then(|| Self { inner: Box::new(Inner { problems, cause: None }) })
    }

    /// 404 `App not found`. Also for what the caller may not read.
    pub fn not_found(resource: &str) -> Self {
        Self::new(Kind::RESOURCE_NOT_FOUND, format!("{resource} not found"))
    }

    /// 404 for a path that is no endpoint.
    pub fn unknown_request() -> Self {
        Self::new(Kind::UNKNOWN_REQUEST, "Unknown request")
    }

    /// 422 with its reason.
    pub fn unprocessable(detail: impl Into<String>) -> Self {
        Self::new(Kind::UNPROCESSABLE, detail)
    }

    /// 400 for a bad query.
    pub fn bad_query(detail: impl std::fmt::Display) -> Self {
        Self::new(Kind::BAD_QUERY_PARAMETER, format!("The query parameter is invalid: {detail}"))
    }

    /// 403: readable, but not for this.
    pub fn not_authorized() -> Self {
        Self::new(Kind::NOT_AUTHORIZED, "You are not authorized to perform the requested action")
    }

    /// 500 for what should not happen; `cause` is logged with the request id, not answered.
    pub fn internal(cause: impl std::fmt::Display) -> Self {
        StoreError::Other { message: cause.to_string(), source: None }.into()
    }

    /// The entries, at least one.
    pub fn problems(&self) -> &[Problem] {
        &self.inner.problems
    }

    /// What lies behind it, for the platform's own log.
    pub fn cause(&self) -> Option<&StoreError> {
        self.inner.cause.as_ref()
    }

    /// HTTP status of the answer.
    pub fn status(&self) -> StatusCode {
        self.inner.problems.first().map_or(StatusCode::INTERNAL_SERVER_ERROR, |problem| problem.kind.status)
    }

    /// Is it a broken unique key? Repos turn it into the resource's own wording.
    pub fn is_duplicate(&self) -> bool {
        matches!(self.inner.cause, Some(StoreError::Duplicate { .. }))
    }
}

impl std::fmt::Display for ApiError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let details: Vec<&str> = self.inner.problems.iter().map(|problem| problem.detail.as_str()).collect();
        f.write_str(&details.join("; "))
    }
}

impl std::error::Error for ApiError {}

impl From<StoreError> for ApiError {
    fn from(cause: StoreError) -> Self {
        let (kind, detail) = match &cause {
            StoreError::Unavailable(_) | StoreError::Closed | StoreError::Conflict(_) => (
                Kind::SERVICE_UNAVAILABLE,
                "The database is not available at the moment; nothing was changed. Try again shortly.".to_owned(),
            ),
            StoreError::Full => (Kind::DISK_FULL, cause.to_string()),
            _ => (Kind::UNKNOWN_ERROR, "An unknown error occurred.".to_owned()),
        };
        Self { inner: Box::new(Inner { problems: vec![Problem { kind, detail }], cause: Some(cause) }) }
    }
}

impl From<store::BlobError> for ApiError {
    fn from(cause: store::BlobError) -> Self {
        use store::BlobError;
        match cause {
            BlobError::TooLarge { limit } => {
                Self::new(Kind::BODY_TOO_LARGE, format!("The upload is larger than {limit} bytes"))
            }
            BlobError::Source(error) => Self::new(Kind::BAD_REQUEST, format!("The upload broke off: {error}")),
            BlobError::Full => {
                Self::new(Kind::DISK_FULL, "The disk that holds uploads is full: free some space; nothing was changed.")
            }
            BlobError::Unavailable(reason) => {
                tracing::error!(%reason, "the blob store is not available");
                let detail = "The blob store is not available at the moment; nothing was changed. Try again shortly.";
                Self::new(Kind::SERVICE_UNAVAILABLE, detail)
            }
            other => Self::internal(other),
        }
    }
}
