//! The portfolio: jobs with what speaks for removing each (reference, 14.2).

use super::caller::Who;
use super::info::Base;
use super::job::readable;
use super::show;
use crate::model::purge::{self, Facts};
use crate::model::time::{now, seconds};
use crate::{Jobs, JobsError};
use axum::Json;
use axum::extract::State;
use router::Version;
use serde_json::{Value, json};

/// `GET /job/portfolio`: highest score first.
pub async fn show_portfolio(
    State(jobs): State<Jobs>,
    who: Who,
    Base(base): Base,
) -> Result<Json<Vec<Value>>, JobsError> {
    let all = jobs.db.read(move |tx| readable(tx, &who)).await?;
    let at = seconds(now());
    let mut scored = Vec::new();
    for (family, job) in &all {
        let own = Version::parse(&job.version);
        let newer = all.iter().filter(|(other, _)| other.id == family.id);
        let newer = newer.filter(|(_, other)| Version::parse(&other.version) > own).count();
        let facts = Facts {
            status: &job.status,
            updated: at - seconds(job.update_time),
            called: job.last_call_time.map(|called| at - seconds(called)),
            newer,
        };
        let purge = purge::score(&facts);
        let mut shown = serde_json::to_value(show::job(&jobs, family, job, &base)).map_err(JobsError::internal)?;
        let days = |seconds: i64| seconds as f64 / 86_400.0;
        shown["purge_score"] = json!(purge.score);
        shown["purge_reasons"] = json!(purge.reasons.join("\n"));
        shown["purge_newer_versions"] = json!(newer);
        shown["update_time_days_ago"] = json!(days(facts.updated));
        shown["last_call_time_days_ago"] = json!(facts.called.map(days));
        scored.push((purge.score, shown));
    }
    scored.sort_by(|a, b| b.0.total_cmp(&a.0));
    Ok(Json(scored.into_iter().map(|(_, shown)| shown).collect()))
}
