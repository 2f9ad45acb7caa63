//! Why a staging failed, in the names that Cloud Foundry's clients know.

use crate::archive::ArchiveError;

/// Why a staging failed. Shown as `<name> - <message>`.
#[derive(Debug, thiserror::Error)]
#[error("{} - {}", self.name(), self.message())]
pub enum StagingError {
    /// No buildpack recognised the source.
    NoAppDetected,
    /// The final buildpack failed to build it; its output says why.
    CompileFailed,
    /// The final buildpack did not say how to start it.
    ReleaseFailed,
    /// The buildpacks took longer than allowed.
    Expired {
        /// How long they had, in seconds.
        seconds: u64,
    },
    /// More was asked for than this machine gives to staging.
    InsufficientResources {
        /// What was asked for and what there is.
        reason: String,
    },
    /// It was called off.
    Cancelled,
    /// Anything else, in words.
    Failed {
        /// What, where, and what to do.
        reason: String,
    },
}

impl StagingError {
    /// The error's name in the API.
    pub fn name(&self) -> &'static str {
        match self {
            Self::NoAppDetected => "NoAppDetectedError",
            Self::CompileFailed => "BuildpackCompileFailed",
            Self::ReleaseFailed => "BuildpackReleaseFailed",
            Self::Expired { .. } => "StagingTimeExpired",
            Self::InsufficientResources { .. } => "InsufficientResources",
            Self::Cancelled | Self::Failed { .. } => "StagingError",
        }
    }

    /// The error's number in the API.
    pub fn code(&self) -> u32 {
        match self {
            Self::Cancelled | Self::Failed { .. } => 170_001,
            Self::NoAppDetected => 170_003,
            Self::CompileFailed => 170_004,
            Self::ReleaseFailed => 170_005,
            Self::Expired { .. } => 170_007,
            Self::InsufficientResources { .. } => 170_008,
        }
    }

    /// The message in the API.
    pub fn message(&self) -> String {
        match self {
            Self::NoAppDetected => "An app was not successfully detected by any available buildpack".to_owned(),
            Self::CompileFailed => "App staging failed in the buildpack compile phase".to_owned(),
            Self::ReleaseFailed => "App staging failed in the buildpack release phase".to_owned(),
            Self::Expired { seconds } => format!("Staging time expired: it was ended after {seconds} s"),
            Self::InsufficientResources { reason } => format!("Insufficient resources: {reason}"),
            Self::Cancelled => "Staging error: the build was called off".to_owned(),
            Self::Failed { reason } => format!("Staging error: {reason}"),
        }
    }

    pub(crate) fn failed(reason: impl Into<String>) -> Self {
        Self::Failed { reason: reason.into() }
    }

    pub(crate) fn io<'p>(action: &'static str, path: &'p std::path::Path) -> impl FnOnce(std::io::Error) -> Self + 'p {
        move |error| Self::Failed { reason: format!("{action} {}: {error}", path.display()) }
    }
}

impl From<ArchiveError> for StagingError {
    fn from(error: ArchiveError) -> Self {
        Self::failed(error.to_string())
    }
}
