//! What is used in a place, and whether its quotas allow more.

use crate::ApiError;
use crate::repo::organization::Organization;
use crate::repo::quota::{limits_of_organization, limits_of_space};
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

/// What a change is going to use more.
#[derive(Debug, Clone, Copy, Default)]
pub struct Demand {
    /// Further instances of started apps.
    pub instances: u64,
    /// Further memory of all of them and of tasks together.
    pub memory_in_mb: u64,
    /// Memory of one instance.
    pub per_process_memory_in_mb: u64,
}

/// 422 if the quotas of the space and its organization do not allow `demand` beside what runs now. Call it in the
/// transaction of the change, before the change.
pub fn check_demand(tx: &mut Tx<'_>, space: &Space, demand: Demand) -> Result<(), ApiError> {
    let (own, used) = (limits_of_space(tx, space)?, Usage::of_space(tx, space)?);
    check(&own, used, demand, "space_")?;
    let Some(organization) = Organization::find(tx, &space.organization_guid)? else { return Ok(()) };
    let (all, used) = (limits_of_organization(tx, &organization)?, Usage::of_organization(tx, &organization)?);
    check(&all, used, demand, "")
}

fn check(limits: &crate::model::quota::Limits, used: Usage, demand: Demand, whose: &str) -> Result<(), ApiError> {
    let over = |limit: Option<u64>, wanted: u64| limit.is_some_and(|limit| wanted > limit);
    if over(limits.per_process_memory_in_mb, demand.per_process_memory_in_mb) {
        return Err(ApiError::unprocessable(format!("memory {whose}instance_memory_limit_exceeded")));
    }
    if demand.memory_in_mb > 0 && over(limits.total_memory_in_mb, used.memory_in_mb + demand.memory_in_mb) {
        return Err(ApiError::unprocessable(format!("memory {whose}quota_exceeded")));
    }
    if demand.instances > 0 && over(limits.total_instances, used.started_instances + demand.instances) {
        return Err(ApiError::unprocessable(format!("instances {whose}app_instance_limit_exceeded")));
    }
    Ok(())
}

/// 422 if an app, whose tasks that are not over are `running`, may have no further task.
pub fn check_task(tx: &mut Tx<'_>, space: &Space, running: u64) -> Result<(), ApiError> {
    let mut limits = limits_of_space(tx, space)?;
    if let Some(organization) = Organization::find(tx, &space.organization_guid)? {
        limits = limits.and(&limits_of_organization(tx, &organization)?);
    }
    match limits.per_app_tasks {
        Some(most) if running >= most => {
            Err(ApiError::unprocessable("The quota allows no further task of this app: app_task_limit_exceeded"))
        }
        _ => Ok(()),
    }
}
