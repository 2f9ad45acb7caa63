//! What is used in a place. Whether its quotas allow it is asked in `repo/allowance.rs`.

use crate::repo::organization::Organization;
use crate::repo::space::Space;
use sea_query::{Cond, Expr, ExprTrait, IntoCondition, Query, SelectStatement};
use store::{StoreError, Tx};

/// What is used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Instances wanted of started apps.
    pub started_instances: u64,
    /// Their memory and that of running tasks.
    pub memory_in_mb: u64,
    /// Routes.
    pub routes: u64,
    /// Private domains.
    pub domains: u64,
    /// Tasks that are not over.
    pub running_tasks: u64,
}

impl Usage {
    /// In one space.
    pub fn of_space(tx: &mut Tx<'_>, space: &Space) -> Result<Self, StoreError> {
        usage(tx, &Expr::col("guid").eq(space.guid.as_str()).into_condition(), &super::list::never())
    }

    /// In one organization.
    pub fn of_organization(tx: &mut Tx<'_>, organization: &Organization) -> Result<Self, StoreError> {
        let own = || Expr::col("organization_guid").eq(organization.guid.as_str()).into_condition();
        usage(tx, &own(), &own())
    }
}

/// In the spaces for which `spaces` holds, with the domains for which `domains` holds.
pub fn usage(tx: &mut Tx<'_>, spaces: &Cond, domains: &Cond) -> Result<Usage, StoreError> {
    let in_spaces = || Query::select().column("guid").from("space").cond_where(spaces.clone()).take();
    let apps = || {
        Query::select().column("guid").from("app").and_where(Expr::col("space_guid").in_subquery(in_spaces())).take()
    };
    let started = apps().and_where(Expr::col("state").eq("STARTED")).take();
    let instances = Query::select()
        .expr(Expr::col("instances").sum())
        .expr(Expr::col("instances").mul(Expr::col("memory_mb")).sum())
        .from("process")
        .and_where(Expr::col("app_guid").in_subquery(started))
        .take();
    let tasks = Query::select()
        .expr(Expr::col("guid").count())
        .expr(Expr::col("memory_mb").sum())
        .from("task")
        .and_where(Expr::col("app_guid").in_subquery(apps()))
        .and_where(Expr::col("state").is_in(["PENDING", "RUNNING", "CANCELING"]))
        .take();
    let routes = Query::select()
        .expr(Expr::col("guid").count())
        .from("route")
        .and_where(Expr::col("space_guid").in_subquery(in_spaces()))
        .take();
    let domains = Query::select()
        .expr(Expr::col("guid").count())
        .from("domain")
        .cond_where(domains.clone())
        .and_where(Expr::col("organization_guid").is_not_null())
        .take();
    let (started_instances, memory) = pair(tx, &instances)?;
    let (running_tasks, task_memory) = pair(tx, &tasks)?;
    Ok(Usage {
        started_instances,
        memory_in_mb: memory + task_memory,
        routes: tx.value(&routes)?.unwrap_or(0),
        domains: tx.value(&domains)?.unwrap_or(0),
        running_tasks,
    })
}

/// Two sums; the sum of nothing is NULL.
fn pair(tx: &mut Tx<'_>, select: &SelectStatement) -> Result<(u64, u64), StoreError> {
    let row: Option<store::Row> = tx.row(select)?;
    let Some(row) = row else { return Ok((0, 0)) };
    Ok((row.at::<Option<u64>>(0)?.unwrap_or(0), row.at::<Option<u64>>(1)?.unwrap_or(0)))
}
