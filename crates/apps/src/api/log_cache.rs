//! Log cache: `/api/v1/info`, `/read/:source`, `/meta`. Answers are parsed strictly as protobuf JSON: no field but the
//! protocol's may appear, 64-bit numbers are strings.

use crate::api::caller::Reader;
use crate::api::page::Params;
use crate::error::Kind;
use crate::model::actions;
use crate::repo::app::App;
use crate::repo::organization::Organization;
use crate::repo::scope::Visible;
use crate::repo::space::Space;
use crate::{ApiError, Apps};
use axum::Json;
use axum::extract::{Path, State};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use identity::Caller;
use logs::{Line, Query, Stream};
use sea_query::{Order, Query as Select};
use serde_json::{Map, Value, json};
use store::Row;

/// Lines counted for `meta`, at most, a source.
const MOST_COUNTED: usize = 100_000;

/// What is said of an app beside each of its lines.
#[derive(Debug, Clone)]
pub(super) struct Source {
    /// App guid.
    pub app: String,
    tags: Map<String, Value>,
}

impl Source {
    /// The logs of an app that the caller may read; 404 otherwise.
    pub(super) async fn load(apps: &Apps, caller: &Caller, app: &str) -> Result<Self, ApiError> {
        let (caller, app) = (caller.clone(), app.to_owned());
        apps.db
            .read(move |tx| {
                let (found, space) = App::load(tx, &caller, &app, &actions::SPACE_READ)?;
                let organization = Organization::find(tx, &space.organization_guid)?;
                let Space { guid, name, organization_guid, .. } = space;
                let tags = json!({
                    "app_id": found.guid,
                    "app_name": found.name,
                    "space_id": guid,
                    "space_name": name,
                    "organization_id": organization_guid,
                    "organization_name": organization.map_or_else(String::new, |found| found.name),
                });
                let Value::Object(tags) = tags else { return Err(ApiError::internal("tags are no object")) };
                Ok(Self { app: found.guid, tags })
            })
            .await
    }

    /// One line as an envelope.
    pub(super) fn envelope(&self, line: &Line) -> Value {
        let mut tags = self.tags.clone();
        tags.insert("source_type".into(), line.source_type.clone().into());
        tags.insert("instance_id".into(), line.instance.clone().into());
        if let Some(process) = line.source_type.strip_prefix("APP/PROC/") {
            let kind = process.split('/').next().unwrap_or_default();
            tags.insert("process_type".into(), kind.to_lowercase().into());
        }
        let kind = if line.stream == Stream::Err { "ERR" } else { "OUT" };
        json!({
            "timestamp": line.at.to_string(),
            "source_id": self.app,
            "instance_id": line.instance,
            "deprecated_tags": {},
            "tags": tags,
            "log": { "payload": STANDARD.encode(&line.payload), "type": kind },
        })
    }

    /// Lines of this source; reads files, so not on an async thread.
    pub(super) async fn read(&self, apps: &Apps, query: Query) -> Result<Vec<Line>, ApiError> {
        let (root, app) = (apps.logs.clone(), self.app.clone());
        tokio::task::spawn_blocking(move || logs::read(&root, &app, &query))
            .await
            .map_err(ApiError::internal)?
            .map_err(ApiError::internal)
    }
}

/// `GET /api/v1/info`, without a token: which protocol this is.
pub(super) async fn get_info() -> Json<Value> {
    Json(json!({ "version": "3.0.0", "vm_uptime": "0" }))
}

fn number<T: std::str::FromStr>(params: &Params, name: &str, default: T) -> Result<T, ApiError> {
    match params.get(name) {
        None | Some("") => Ok(default),
        Some(text) => text.parse().map_err(|_| ApiError::new(Kind::BAD_REQUEST, format!("{name} must be a number"))),
    }
}

/// `GET /api/v1/read/:source`
pub(super) async fn read(
    State(apps): State<Apps>,
    Reader(caller): Reader,
    Path(app): Path<String>,
    params: Params,
) -> Result<Json<Value>, ApiError> {
    let source = Source::load(&apps, &caller, &app).await?;
    let query = Query {
        start: number(&params, "start_time", i64::MIN)?,
        end: number(&params, "end_time", i64::MAX)?,
        limit: number(&params, "limit", 100)?,
        descending: params.get("descending").is_some_and(|value| value == "true"),
    };
    if !(1..=1000).contains(&query.limit) {
        return Err(ApiError::new(Kind::BAD_REQUEST, "limit must be between 1 and 1000"));
    }
    if query.end <= query.start {
        return Err(ApiError::new(Kind::BAD_REQUEST, "end_time must be after start_time"));
    }
    let kinds: Vec<&str> =
        params.pairs().iter().filter(|(key, _)| key == "envelope_types").map(|(_, value)| value.as_str()).collect();
    // There are only logs: metrics, by type or by name, have no envelopes.
    let logs = kinds.is_empty() || kinds.iter().any(|kind| matches!(*kind, "LOG" | "ANY"));
    let lines = if logs && params.get("name_filter").is_none_or(str::is_empty) {
        source.read(&apps, query).await?
    } else {
        Vec::new()
    };
    let batch: Value = lines.iter().map(|line| source.envelope(line)).collect();
    Ok(Json(json!({ "envelopes": { "batch": batch } })))
}

/// `GET /api/v1/meta`: the sources the caller may read.
pub(super) async fn get_meta(State(apps): State<Apps>, Reader(caller): Reader) -> Result<Json<Value>, ApiError> {
    let guids: Vec<String> = apps
        .db
        .read(move |tx| {
            let visible = Visible::load(tx, &caller, &actions::SPACE_READ)?.spaces("space_guid");
            let select =
                Select::select().column("guid").from("app").cond_where(visible).order_by("guid", Order::Asc).take();
            let rows: Vec<Row> = tx.rows(&select)?;
            rows.iter().map(|row| row.at(0)).collect::<Result<_, _>>().map_err(ApiError::from)
        })
        .await?;
    let root = apps.logs.clone();
    let meta = tokio::task::spawn_blocking(move || {
        let mut meta = Map::new();
        for guid in guids {
            let query = Query { start: i64::MIN, end: i64::MAX, limit: MOST_COUNTED, descending: false };
            let lines = logs::read(&root, &guid, &query).map_err(ApiError::internal)?;
            if let (Some(first), Some(last)) = (lines.first(), lines.last()) {
                let one = json!({
                    "count": lines.len().to_string(),
                    "expired": "0",
                    "oldestTimestamp": first.at.to_string(),
                    "newestTimestamp": last.at.to_string(),
                });
                meta.insert(guid, one);
            }
        }
        Ok::<_, ApiError>(meta)
    })
    .await
    .map_err(ApiError::internal)??;
    Ok(Json(json!({ "meta": meta })))
}
