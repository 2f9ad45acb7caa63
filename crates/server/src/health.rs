//! `/env_info`: what this platform consists of and whether it is well (rows T14, T15).
//!
//! Open to anyone who reaches the platform's host, so it holds no secret and no path; probes are shared for a second, so
//! that asking often costs nothing.

use crate::House;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{Html, IntoResponse, Response};
use axum::{Extension, Json, Router, routing::get};
use engine::bytes_in_words;
use identity::Authentication;
use serde::Serialize;
use std::time::{Duration, Instant};

/// How well a component is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Wellness {
    /// Works.
    Ok,
    /// Works, with a limitation somebody should know of.
    Warn,
    /// Does not work.
    Bad,
}

/// One component.
#[derive(Debug, Clone, Serialize)]
pub struct Component {
    /// `database`, `engine`, `router`, `disk`, `attachments`.
    pub name: &'static str,
    /// How well it is.
    pub status: Wellness,
    /// One sentence.
    pub summary: String,
    /// Facts, in reading order.
    pub facts: Vec<(&'static str, String)>,
}

/// The whole page.
#[derive(Debug, Clone, Serialize)]
pub struct EnvInfo {
    /// The worst of the components.
    pub status: Wellness,
    /// Of this program.
    pub version: &'static str,
    /// All but attachments, whose probe writes and is asked for by its own page.
    pub components: Vec<Component>,
}

/// The routes.
pub fn routes() -> Router<House> {
    Router::new().route("/env_info", get(show_env_info)).route("/env_info/{component}", get(show_component))
}

type Asking = Option<Extension<Authentication>>;

fn who(asking: &Asking) -> Option<&Authentication> {
    asking.as_ref().map(|Extension(asking)| asking)
}

async fn show_env_info(State(house): State<House>, asking: Asking, headers: HeaderMap) -> Response {
    let info = house.health().await;
    let status = if info.status == Wellness::Bad { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
    answer(&headers, who(&asking), status, &info.components, info.status, &info)
}

async fn show_component(
    State(house): State<House>,
    Path(name): Path<String>,
    asking: Asking,
    headers: HeaderMap,
) -> Response {
    let found = match name.as_str() {
        "attachments" => Some(attachments(&house).await),
        _ => house.health().await.components.into_iter().find(|component| component.name == name),
    };
    let Some(component) = found else { return StatusCode::NOT_FOUND.into_response() };
    let status = if component.status == Wellness::Bad { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
    answer(&headers, who(&asking), status, std::slice::from_ref(&component), component.status, &component)
}

fn answer(
    headers: &HeaderMap,
    asking: Option<&Authentication>,
    status: StatusCode,
    components: &[Component],
    worst: Wellness,
    json: &impl Serialize,
) -> Response {
    if crate::wants_html(headers) {
        let page = crate::pages::Health { bar: identity::http::bar(asking, "/env_info"), components, worst };
        return (status, Html(crate::pages::render(&page))).into_response();
    }
    (status, Json(json)).into_response()
}

/// The probes of one moment, kept for a second.
#[derive(Default)]
pub struct Probes {
    last: tokio::sync::Mutex<Option<(Instant, EnvInfo)>>,
}

impl Probes {
    /// Asks each component, or answers what was seen less than a second ago.
    pub async fn ask(&self, house: &House) -> EnvInfo {
        let mut last = self.last.lock().await;
        if let Some((at, info)) = last.as_ref()
            && at.elapsed() < Duration::from_secs(1)
        {
            return info.clone();
        }
        let components = vec![database(house).await, engine(house), router(house).await, disk(house)];
        let worst = |a: Wellness, b: Wellness| if a as u8 >= b as u8 { a } else { b };
        let status = components.iter().fold(Wellness::Ok, |status, component| worst(status, component.status));
        let info = EnvInfo { status, version: env!("CARGO_PKG_VERSION"), components };
        *last = Some((Instant::now(), info.clone()));
        info
    }
}

async fn database(house: &House) -> Component {
    let kind = match house.db.kind() {
        store::DbKind::Sqlite => "SQLite",
        store::DbKind::Postgres => "PostgreSQL",
        store::DbKind::Mysql => "MySQL or MariaDB",
    };
    let begun = Instant::now();
    let probe = tokio::time::timeout(Duration::from_secs(3), house.db.read(identity::has_administrator)).await;
    let took = took(begun);
    let (status, summary) = match probe {
        Ok(Ok(_)) => (Wellness::Ok, "answers".to_owned()),
        // The cause may name hosts; it is in the log.
        Ok(Err(error)) => {
            tracing::error!(%error, "the database does not answer");
            (Wellness::Bad, "does not answer; the cause is in the control log".to_owned())
        }
        Err(_) => (Wellness::Bad, "has not answered within 3 s".to_owned()),
    };
    Component { name: "database", status, summary, facts: vec![("kind", kind.to_owned()), ("answered in", took)] }
}

fn engine(house: &House) -> Component {
    if house.elsewhere.is_some() {
        // Which one is not for everybody; it is in the control log.
        let summary =
            "applications run on the server that used this database first; this one serves APIs and pages".into();
        return Component { name: "engine", status: Wellness::Warn, summary, facts: Vec::new() };
    }
    let facts = house.engine.facts();
    let status = if facts.problems.is_empty() { Wellness::Ok } else { Wellness::Warn };
    let summary = match (facts.isolated, facts.problems.first()) {
        (_, Some(problem)) => problem.clone(),
        (true, None) => "runs applications in containers".into(),
        (false, None) => "runs applications as bare processes, as the administrator allowed".into(),
    };
    let mut rows = vec![("engine", facts.engine), ("control groups", facts.cgroups), ("disk limit", facts.disk_limit)];
    let (room, used, builds) = house.budget.used();
    rows.push(("memory given out", format!("{} of {}", bytes_in_words(used), bytes_in_words(room.memory_bytes))));
    rows.push(("builds under way", format!("{builds} of {}", room.staging_slots)));
    rows.push(("waiting for their turn", house.budget.queue().len().to_string()));
    rows.extend(facts.problems.into_iter().skip(1).map(|problem| ("note", problem)));
    Component { name: "engine", status, summary, facts: rows }
}

async fn router(house: &House) -> Component {
    match crate::front::status(&house.options.data).await {
        Ok(facts) => Component { name: "router", status: Wellness::Ok, summary: "routes".into(), facts },
        Err(error) => Component {
            name: "router",
            status: Wellness::Bad,
            summary: format!("does not answer: {error}; `pitlane serve` starts it again, see its log"),
            facts: Vec::new(),
        },
    }
}

fn disk(house: &House) -> Component {
    match rustix::fs::statvfs(&house.options.data) {
        Ok(stat) => {
            let (free, all) = (stat.f_bavail * stat.f_frsize, stat.f_blocks * stat.f_frsize);
            let percent = (free * 100).checked_div(all).unwrap_or(0);
            let (status, summary) = match (percent, free) {
                (_, free) if free < 256 << 20 => (Wellness::Bad, "is full: free some space"),
                (0..5, _) => (Wellness::Warn, "is nearly full"),
                _ => (Wellness::Ok, "has room"),
            };
            let facts = vec![("free", bytes_in_words(free)), ("size", bytes_in_words(all))];
            Component { name: "disk", status, summary: summary.into(), facts }
        }
        Err(error) => Component {
            name: "disk",
            status: Wellness::Bad,
            summary: format!("cannot be read: {error}"),
            facts: Vec::new(),
        },
    }
}

/// `0.4 ms`.
fn took(begun: Instant) -> String {
    format!("{:.1} ms", begun.elapsed().as_secs_f64() * 1000.0)
}

/// A real write, read and delete.
async fn attachments(house: &House) -> Component {
    let begun = Instant::now();
    let (status, summary) = match tokio::time::timeout(Duration::from_secs(10), probe(&house.blobs)).await {
        Ok(Ok(true)) => (Wellness::Ok, "written, read and deleted".to_owned()),
        Ok(Ok(false)) => (Wellness::Bad, "what was read is not what was written".to_owned()),
        Ok(Err(error)) => {
            tracing::error!(%error, "the blob store does not work");
            (Wellness::Bad, "does not work; the cause is in the control log".to_owned())
        }
        Err(_) => (Wellness::Bad, "has not answered within 10 s".to_owned()),
    };
    let facts = vec![
        ("kind", if house.options.blobs.is_some() { "external" } else { "folder" }.to_owned()),
        ("answered in", took(begun)),
    ];
    Component { name: "attachments", status, summary, facts }
}

async fn probe(blobs: &store::Blobs) -> Result<bool, store::BlobError> {
    // Something new each time, so that a cache cannot answer for the store.
    let text = format!("probe {}", uuid::Uuid::new_v4());
    let blob = blobs.put_bytes(text.as_bytes()).await?;
    let read = blobs
        .local(&blob.digest)
        .await
        .map(|local| std::fs::read(local.as_ref()).is_ok_and(|read| read == text.as_bytes()));
    blobs.delete(&blob.digest).await?;
    read
}
