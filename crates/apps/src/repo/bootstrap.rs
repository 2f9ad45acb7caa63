//! What every start makes sure of.

use crate::ApiError;
use crate::repo::{domain, job, organization, space};
use sea_query::{Expr, Query};
use store::Tx;

/// Makes sure of what must be there before the first request: at the very first start organization `main` with space
/// `dev` and the shared domain; at every start that no job is left unfinished.
pub fn bootstrap(tx: &mut Tx<'_>, domain: &str) -> Result<(), ApiError> {
    job::job_fail_abandoned(tx)?;
    let any = tx.value::<i64>(Query::select().expr(Expr::val(1)).from("organization").limit(1))?;
    if any.is_none() {
        let main = organization::organization_create(tx, "main", false)?;
        space::space_create(tx, &main.guid, "dev")?;
        domain::domain_create(tx, &domain.to_ascii_lowercase(), None)?;
    }
    Ok(())
}
