//! Who may call whom, as a graph (reference, 15.1).

use super::caller::Who;
use super::info::Base;
use super::job::readable;
use crate::model::scope::Scope;
use crate::repo::consumer::Consumer;
use crate::repo::grant;
use crate::{Jobs, JobsError};
use axum::Json;
use axum::extract::State;
use identity::Subject;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// `GET /job/graph`. An edge that is narrower than the whole family says so (`limited`). Consumers are shown with their
/// ids to the staff alone.
pub async fn show_graph(State(jobs): State<Jobs>, who: Who, Base(base): Base) -> Result<Json<Value>, JobsError> {
    let graph = jobs.db.read(move |tx| {
        let mut families: BTreeMap<(String, String), Vec<(String, String)>> = BTreeMap::new();
        for (family, job) in readable(tx, &who)? {
            families.entry((family.name, family.id)).or_default().push((job.version, job.id));
        }
        let mut sources = Vec::new();
        let mut nodes = Vec::new();
        if who.staff().is_ok() {
            for consumer in Consumer::all(tx)? {
                let id = format!("esc-{}", consumer.id);
                let subtitle = format!("ESC:\n{}", consumer.id);
                nodes.push(json!({ "id": id, "type": "esc", "title": consumer.name, "subtitle": subtitle }));
                sources.push((id, Subject::Consumer(consumer.id)));
            }
        }
        for ((name, id), jobs) in &families {
            let list = jobs.iter().map(|(version, _)| format!("- {name} v{version} - {base}/pub/job/{name}/{version}"));
            let subtitle = format!("Job Family: {name}\nJobs:\n{}", list.collect::<Vec<_>>().join("\n"));
            let node = format!("job-family-{name}");
            nodes.push(json!({ "id": node, "type": "job-family", "title": name, "subtitle": subtitle }));
            sources.push((node, Subject::Family(id.clone())));
        }
        let mut edges = Vec::new();
        for (from, subject) in &sources {
            let rights = grant::rights_of(tx, subject, Scope::CallJob)?;
            for ((name, id), jobs) in &families {
                let some = jobs.iter().any(|(_, job)| rights.allow(Some(id), Some(job), None));
                if some {
                    // Nothing but a right on all of it allows an unknown path of an unknown job.
                    let whole = rights.allow(Some(id), None, Some(""));
                    edges.push(json!({ "from_id": from, "to_id": format!("job-family-{name}"), "limited": !whole }));
                }
            }
        }
        Ok::<_, JobsError>(json!({ "nodes": nodes, "edges": edges }))
    });
    graph.await.map(Json)
}
