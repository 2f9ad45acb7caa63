//! Whether newcomers may make an account themselves.

use serde::{Deserialize, Serialize};

/// The setting of self-service sign-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SignUp {
    /// Anybody may, and is active at once.
    Open,
    /// Who has an invitation may.
    Invitation,
    /// Anybody may; an administrator activates the account. Who has an invitation is active at once.
    #[default]
    Approval,
    /// Nobody may: administrators create accounts.
    Closed,
}

impl SignUp {
    /// As the table and the APIs write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Invitation => "invitation",
            Self::Approval => "approval",
            Self::Closed => "closed",
        }
    }
}

impl std::str::FromStr for SignUp {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        [Self::Open, Self::Invitation, Self::Approval, Self::Closed]
            .into_iter()
            .find(|mode| mode.as_str() == text)
            .ok_or_else(|| format!("{text:?} is none of open, invitation, approval, closed"))
    }
}
