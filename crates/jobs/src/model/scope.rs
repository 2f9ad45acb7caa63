//! What can be permitted, and what a family or job lets somebody do.

use router::Rights;

/// A scope: what a permission lets its subject do (reference, 3.3). Also the role of the grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    /// See a job, its logs and its deployments.
    ReadJob,
    /// Deploy, redeploy, reprovision, edit the manifest.
    DeployJob,
    /// Deploy a job of a new name.
    DeployNewFamily,
    /// Remove a job.
    DeleteJob,
    /// Call it.
    CallJob,
    /// Administer tokens and permissions by the API.
    CallAdminApi,
    /// All of these.
    FullAccess,
}

impl Scope {
    /// All scopes.
    pub const ALL: [Self; 7] = [
        Self::ReadJob,
        Self::DeployJob,
        Self::DeployNewFamily,
        Self::DeleteJob,
        Self::CallJob,
        Self::CallAdminApi,
        Self::FullAccess,
    ];
    /// What somebody gets who registers.
    pub const OF_NEWCOMERS: [Self; 4] = [Self::ReadJob, Self::CallJob, Self::DeployNewFamily, Self::DeployJob];
    /// What the deployer of a new job gets on it.
    pub const OF_DEPLOYERS: [Self; 4] = [Self::ReadJob, Self::CallJob, Self::DeployJob, Self::DeleteJob];

    /// As the API and the grants write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ReadJob => "read_job",
            Self::DeployJob => "deploy_job",
            Self::DeployNewFamily => "deploy_new_family",
            Self::DeleteJob => "delete_job",
            Self::CallJob => "call_job",
            Self::CallAdminApi => "call_admin_api",
            Self::FullAccess => "full_access",
        }
    }

    /// Reads one.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == text)
    }
}

/// Has somebody with these rights the scope anywhere?
pub fn anywhere(rights: &Rights) -> bool {
    rights.all || !rights.some.is_empty()
}
