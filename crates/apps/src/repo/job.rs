//! Jobs: what a 202 points at. Clients poll without end, so a job always ends: work that can be done in one transaction
//! is a job that is COMPLETE when it appears; what is left PROCESSING by a crash is failed at start.

use crate::model::time;
use crate::{ApiError, repo};
use sea_query::{Expr, ExprTrait, Query};
use serde_json::{Value, json};
use store::{FromRow, Row, StoreError, Tx};

/// A job.
#[derive(Debug, Clone)]
pub struct Job {
    /// UUID.
    pub guid: String,
    /// `app.delete`.
    pub operation: String,
    /// `PROCESSING`, `COMPLETE`, `FAILED`.
    pub state: String,
    /// Link name and path of what it is about: `("space", "/v3/spaces/…")`.
    pub resource: Option<(String, String)>,
    /// `[{code, title, detail}]`; at least one when FAILED.
    pub errors: Value,
    /// `[{detail}]`.
    pub warnings: Value,
    /// Microseconds.
    pub created_at: i64,
    /// Microseconds.
    pub updated_at: i64,
}

const COLUMNS: [&str; 9] =
    ["guid", "operation", "state", "resource_kind", "resource_path", "errors", "warnings", "created_at", "updated_at"];

/// A job for what this very transaction does: COMPLETE as soon as it can be seen.
pub fn job_completed(tx: &mut Tx<'_>, operation: &str) -> Result<Job, StoreError> {
    insert(tx, operation, "COMPLETE", None, &[])
}

/// The same with warnings, which clients print.
pub fn job_completed_with(tx: &mut Tx<'_>, operation: &str, warnings: &[String]) -> Result<Job, StoreError> {
    insert(tx, operation, "COMPLETE", None, warnings)
}

/// A job whose work follows; call [`job_finish`] whatever happens (the runner `api::job::run` does).
pub fn job_begin(tx: &mut Tx<'_>, operation: &str, resource: Option<(String, String)>) -> Result<Job, StoreError> {
    insert(tx, operation, "PROCESSING", resource, &[])
}

fn insert(
    tx: &mut Tx<'_>,
    operation: &str,
    state: &str,
    resource: Option<(String, String)>,
    warnings: &[String],
) -> Result<Job, StoreError> {
    let now = time::now();
    let job = Job {
        guid: repo::new_guid(),
        operation: operation.into(),
        state: state.into(),
        resource,
        errors: json!([]),
        warnings: shown(warnings),
        created_at: now,
        updated_at: now,
    };
    let (kind, path) = job.resource.clone().unzip();
    tx.exec(Query::insert().into_table("job").columns(COLUMNS).values_panic([
        job.guid.clone().into(),
        job.operation.clone().into(),
        job.state.clone().into(),
        kind.into(),
        path.into(),
        "[]".into(),
        job.warnings.to_string().into(),
        now.into(),
        now.into(),
    ]))?;
    Ok(job)
}

/// Ends a job: COMPLETE with warnings, or FAILED with the error's entries. A job that has ended stays as it is.
pub fn job_finish(tx: &mut Tx<'_>, guid: &str, outcome: &Result<Vec<String>, ApiError>) -> Result<(), StoreError> {
    let (state, errors, warnings) = match outcome {
        Ok(warnings) => ("COMPLETE", json!([]), shown(warnings)),
        Err(error) => ("FAILED", entries(error), json!([])),
    };
    tx.exec(
        Query::update()
            .table("job")
            .values([
                ("state", state.into()),
                ("errors", errors.to_string().into()),
                ("warnings", warnings.to_string().into()),
                ("updated_at", time::now().into()),
            ])
            .and_where(Expr::col("guid").eq(guid))
            .and_where(Expr::col("state").eq("PROCESSING")),
    )
    .map(|_| ())
}

fn shown(warnings: &[String]) -> Value {
    warnings.iter().map(|detail| json!({ "detail": detail })).collect()
}

fn entries(error: &ApiError) -> Value {
    let entry = |problem: &crate::error::Problem| json!({"code": problem.kind.code, "title": problem.kind.title, "detail": problem.detail});
    error.problems().iter().map(entry).collect()
}

/// Fails what a crash left PROCESSING; called once at start, before any request. Answers how many there were.
pub fn job_fail_abandoned(tx: &mut Tx<'_>) -> Result<u64, StoreError> {
    let rows: Vec<Row> =
        tx.rows(Query::select().column("guid").from("job").and_where(Expr::col("state").eq("PROCESSING")))?;
    let error = ApiError::new(
        crate::error::Kind::UNKNOWN_ERROR,
        "The platform was restarted while this was being done. Look at what is there and try again.",
    );
    for row in &rows {
        job_finish(tx, &row.at::<String>(0)?, &Err(error.clone()))?;
    }
    Ok(rows.len() as u64)
}

/// By guid. Anybody who knows the guid may read it.
pub fn job_find(tx: &mut Tx<'_>, guid: &str) -> Result<Option<Job>, StoreError> {
    tx.row(Query::select().columns(COLUMNS).from("job").and_where(Expr::col("guid").eq(guid)))
}

impl FromRow for Job {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        let json = |column| Ok::<_, StoreError>(serde_json::from_str(&row.get::<String>(column)?).unwrap_or_default());
        Ok(Self {
            guid: row.get("guid")?,
            operation: row.get("operation")?,
            state: row.get("state")?,
            resource: Option::zip(row.get("resource_kind")?, row.get("resource_path")?),
            errors: json("errors")?,
            warnings: json("warnings")?,
            created_at: row.get("created_at")?,
            updated_at: row.get("updated_at")?,
        })
    }
}
