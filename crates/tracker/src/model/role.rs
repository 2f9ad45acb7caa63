//! Who may do what in a project (reference, section 14).
//!
//! Roles are grants of `identity` on the place `project`; administrators of the platform are the account's administrators: they
//! see and manage every project, and work in one only after joining it.

use serde::Serialize;

/// Kind of a project's [`identity::Place`].
pub const PROJECT: &str = "project";

/// What somebody is in a project.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Works in it and manages it.
    Owner,
    /// Works in it.
    Member,
    /// Reads it.
    Viewer,
}

impl Role {
    /// All.
    pub const ALL: [Self; 3] = [Self::Owner, Self::Member, Self::Viewer];

    /// `owner`, as the API writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Member => "member",
            Self::Viewer => "viewer",
        }
    }

    /// From `owner`.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == text)
    }

    /// The role of the grant: `project_owner`.
    pub fn grant(self) -> &'static str {
        match self {
            Self::Owner => "project_owner",
            Self::Member => "project_member",
            Self::Viewer => "project_viewer",
        }
    }

    /// From `project_owner`.
    pub fn of_grant(role: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.grant() == role)
    }
}

/// What can be done in a project.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// See it with all that is in it.
    Read,
    /// Follow a story or an epic.
    Follow,
    /// Change stories, epics, labels, tasks, comments, blockers, reviews, iterations.
    Work,
    /// Change settings and members, delete it.
    Manage,
}

/// How somebody stands to a project.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Access {
    /// Their role, if they have one.
    pub role: Option<Role>,
    /// Do they administer the account?
    pub administrator: bool,
    /// May anybody read the project?
    pub public: bool,
}

impl Access {
    /// May they do `action`?
    pub fn allows(self, action: Action) -> bool {
        match action {
            Action::Read => self.role.is_some() || self.administrator || self.public,
            Action::Follow => self.role.is_some(),
            Action::Work => matches!(self.role, Some(Role::Owner | Role::Member)),
            Action::Manage => self.role == Some(Role::Owner) || self.administrator,
        }
    }

    /// Do they see addresses? `hidden`: only those who manage do.
    pub fn sees_addresses(self, hidden: bool) -> bool {
        if hidden { self.allows(Action::Manage) } else { self.role.is_some() || self.administrator }
    }
}
