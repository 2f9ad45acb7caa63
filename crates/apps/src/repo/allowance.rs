//! What the started apps and running tasks of a place may use together, by its quota.

use super::app::STARTED;
use super::organization::Organization;
use super::process::Process;
use super::quota::{limits_of_organization, limits_of_space};
use super::record;
use super::space::Space;
use super::task::Task;
use crate::ApiError;
use crate::model::quota::Limits;
use sea_query::{Cond, Expr, ExprTrait, Query, SelectStatement};
use store::Tx;

/// 422 if what is stored now is more than the space or its organization may have. Call it after the change, in the same
/// unit of work.
pub fn check(tx: &mut Tx<'_>, space: &Space) -> Result<(), ApiError> {
    let limits = limits_of_space(tx, space)?;
    let apps = |started: bool| {
        let mut select =
            Query::select().column("guid").from("app").and_where(Expr::col("space_guid").eq(&*space.guid)).take();
        if started {
            select.and_where(Expr::col("state").eq(STARTED));
        }
        select
    };
    check_place(tx, &limits, &format!("space '{}'", space.name), apps)?;
    let Some(organization) = Organization::find(tx, &space.organization_guid)? else { return Ok(()) };
    let limits = limits_of_organization(tx, &organization)?;
    let apps = |started: bool| {
        let spaces = super::app::spaces_in(std::slice::from_ref(&organization.guid));
        let mut select =
            Query::select().column("guid").from("app").and_where(Expr::col("space_guid").in_subquery(spaces)).take();
        if started {
            select.and_where(Expr::col("state").eq(STARTED));
        }
        select
    };
    check_place(tx, &limits, &format!("organization '{}'", organization.name), apps)
}

fn check_place(
    tx: &mut Tx<'_>,
    limits: &Limits,
    place: &str,
    apps: impl Fn(bool) -> SelectStatement,
) -> Result<(), ApiError> {
    let exceeded = |what: &str, most: u64| {
        Err(ApiError::unprocessable(format!("{what} quota exceeded for {place}: {most} allowed")))
    };
    let Limits {
        total_memory_in_mb,
        per_process_memory_in_mb,
        total_instances,
        per_app_tasks,
        log_rate_limit_in_bytes_per_second: log_rate,
        ..
    } = limits;
    if [total_memory_in_mb, per_process_memory_in_mb, total_instances, per_app_tasks, log_rate]
        .iter()
        .all(|limit| limit.is_none())
    {
        return Ok(());
    }
    let whole = |value: i64| u64::try_from(value).unwrap_or(0);
    let processes: Vec<Process> = record::all(tx, Cond::all().add(Expr::col("app_guid").in_subquery(apps(true))))?;
    let running = Cond::all().add(Expr::col("app_guid").in_subquery(apps(false))).add(Expr::col("state").is_in([
        "PENDING",
        "RUNNING",
        "CANCELING",
    ]));
    let tasks: Vec<Task> = record::all(tx, running)?;
    let largest = processes
        .iter()
        .filter(|one| one.instances > 0)
        .map(|one| one.memory_mb)
        .chain(tasks.iter().map(|one| one.memory_mb))
        .max();
    if let Some(most) = per_process_memory_in_mb.filter(|most| largest.is_some_and(|largest| whole(largest) > *most)) {
        return exceeded("Instance memory (MB)", most);
    }
    let memory: u64 = processes.iter().map(|one| whole(one.instances) * whole(one.memory_mb)).sum::<u64>()
        + tasks.iter().map(|one| whole(one.memory_mb)).sum::<u64>();
    if let Some(most) = total_memory_in_mb.filter(|most| memory > *most) {
        return exceeded("Memory (MB)", most);
    }
    let instances: u64 = processes.iter().map(|one| whole(one.instances)).sum();
    if let Some(most) = total_instances.filter(|most| instances > *most) {
        return exceeded("App instance", most);
    }
    if let Some(most) = *log_rate {
        let rates = || {
            let processes = processes.iter().map(|one| (one.instances, one.log_rate));
            processes.chain(tasks.iter().map(|one| (1, one.log_rate))).filter(|(instances, _)| *instances > 0)
        };
        if rates().any(|(_, rate)| rate < 0) {
            return Err(ApiError::unprocessable(format!("log_rate_limit cannot be unlimited in {place}.")));
        }
        let all = rates().map(|(instances, rate)| whole(instances).saturating_mul(whole(rate)));
        if all.fold(0, u64::saturating_add) > most {
            return exceeded("Log rate (bytes per second)", most);
        }
    }
    if let Some(most) = *per_app_tasks {
        let of = |task: &Task| tasks.iter().filter(|one| one.app_guid == task.app_guid).count() as u64;
        if tasks.iter().any(|task| of(task) > most) {
            return exceeded("App task", most);
        }
    }
    Ok(())
}
