//! Audit events as the ledger's entries are shown (reference, 9.3).

use super::time::seconds;
use ledger::Record;
use serde_json::{Value, json};

/// Actions of the ledger that are events, each with the event's type.
pub const TYPES: [(&str, &str); 6] = [
    ("job.deploy", "job_deployed"),
    ("job.redeploy", "job_redeployed"),
    ("job.delete", "job_deleted"),
    ("job.move", "job_moved"),
    ("job.deploy_failed", "deployment_failed"),
    ("job.manifest", "job_manifest_changed"),
];

/// An entry as an event; `None` if it is none.
pub fn event(record: &Record) -> Option<Value> {
    let (_, kind) = TYPES.iter().find(|(action, _)| *action == record.action)?;
    Some(json!({
        "id": record.id,
        "version": 1,
        "timestamp": seconds(record.at),
        "event_type": kind,
        "properties": record.data["properties"].as_object().cloned().unwrap_or_default(),
        "username_executor": record.actor.name,
        "username_subject": record.data["owner"],
        "job_name": record.data["name"],
        "job_version": record.data["version"],
    }))
}

/// An event as a sentence.
pub fn sentence(event: &Value) -> String {
    let text = |name: &str| event[name].as_str().unwrap_or("?");
    let (job, by) = (format!("{} {}", text("job_name"), text("job_version")), text("username_executor"));
    let owned = event["username_subject"].as_str().map(|owner| format!(" (owned by {owner})")).unwrap_or_default();
    match text("event_type") {
        "job_deployed" => format!("Job {job} deployed by {by}"),
        "job_redeployed" => format!("Job {job}{owned} redeployed by {by}"),
        "job_deleted" => format!("Job {job}{owned} deleted by {by}"),
        "job_moved" => format!("Job {job}{owned} moved by {by}"),
        "deployment_failed" => format!("Failed deployment of a job {job}, attempted by {by}"),
        _ => format!("Manifest of job {job}{owned} changed by {by}"),
    }
}

/// How long ago, in the words of the reference (12.5).
pub fn ago(seconds: i64) -> String {
    const DAY: i64 = 86_400;
    let many = |count: i64, unit: &str| match (count, unit) {
        (1, "hour") => "an hour ago".to_owned(),
        (1, _) => format!("a {unit} ago"),
        _ => format!("{count} {unit}s ago"),
    };
    match seconds {
        ..10 => "just now".to_owned(),
        10..60 => format!("{seconds} seconds ago"),
        60..3600 => many(seconds / 60, "minute"),
        3600..DAY => many(seconds / 3600, "hour"),
        _ => match seconds / DAY {
            1 => "yesterday".to_owned(),
            days @ 2..7 => format!("{days} days ago"),
            days @ 7..31 => many(days / 7, "week"),
            days @ 31..365 => many(days / 30, "month"),
            days => many(days / 365, "year"),
        },
    }
}
