//! What every start makes sure of.

use crate::ApiError;
use crate::model::quota::Limits;
use crate::model::time;
use crate::repo::quota::{Holder, Quota, quota_save};
use crate::repo::{buildpack, domain, job, list, organization, setting, space};
use crate::state::Config;
use sea_query::Cond;
use store::Tx;

/// The quota of organizations that were given no other. Made at the very first start, without limits.
pub(super) const DEFAULT_QUOTA: &str = "default";

/// Makes sure of what must be there before the first request: at the very first start the quota `default`, organization
/// `main` with space `dev`, and the shared domain; at every start that stacks and built-in buildpacks are listed as they
/// are installed, and that no job is left unfinished.
pub fn bootstrap(tx: &mut Tx<'_>, config: &Config) -> Result<(), ApiError> {
    job::job_fail_abandoned(tx)?;
    setting::stacks_sync(tx, &config.stacks)?;
    buildpack::builtins_sync(tx, &config.buildpacks)?;
    let first =
        !list::exists(tx, "organization_quota", Cond::all())? && !list::exists(tx, "organization", Cond::all())?;
    if first {
        let now = time::now();
        let quota = Quota {
            guid: super::new_guid(),
            name: DEFAULT_QUOTA.into(),
            organization_guid: None,
            limits: Limits::unlimited(),
            created_at: now,
            updated_at: now,
        };
        quota_save(tx, Holder::Organization, &quota, true)?;
        let main = organization::organization_create(tx, "main", false)?;
        space::space_create(tx, &main.guid, "dev")?;
        domain::domain_create(tx, &config.domain.to_ascii_lowercase(), None)?;
    }
    Ok(())
}
