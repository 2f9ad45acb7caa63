//! Log cache and log stream.

use super::house::{HOST, House, on_each};
use axum::body::Body;
use http::Request;
use http_body_util::BodyExt;
use logs::{Line, Stream, Writer};
use serde_json::{Value, json};
use std::time::Duration;
use tower::ServiceExt;

fn line(at: i64, payload: &str) -> Line {
    let stream = if payload.starts_with("error") { Stream::Err } else { Stream::Out };
    Line { at, stream, source_type: "APP/PROC/WEB".into(), instance: "0".into(), payload: payload.into() }
}

fn write(house: &House, app: &str, lines: &[Line]) {
    Writer::open(&house.apps.logs, app, "test", 1 << 20).unwrap().write_all(lines).unwrap();
}

#[tokio::test]
async fn log_cache_is_strict_protobuf_json() {
    on_each(|house| async move {
        let admin = house.admin();
        let (organization, space) = house.first().await;
        let app = house.app("web", &space).await;
        // Creating the app may have said something already.
        let from = jiff::Timestamp::now().as_nanosecond() as i64;
        write(&house, &app, &[line(from, "one"), line(from + 1, "error two"), line(from + 2, "three")]);
        let path = format!("/api/v1/read/{app}?envelope_types=LOG&start_time={from}");
        let body = admin.get(&path).await;
        let batch = body["envelopes"]["batch"].as_array().unwrap();
        assert_eq!(body.as_object().unwrap().len(), 1);
        assert_eq!(
            batch[1],
            json!({
                "timestamp": (from + 1).to_string(),
                "source_id": app,
                "instance_id": "0",
                "deprecated_tags": {},
                "tags": {
                    "source_type": "APP/PROC/WEB", "process_type": "web", "instance_id": "0", "app_id": app, "app_name": "web",
                    "space_id": space, "space_name": "dev", "organization_id": organization, "organization_name": "main",
                },
                "log": { "payload": "ZXJyb3IgdHdv", "type": "ERR" },
            })
        );
        let stamps = |body: &Value| {
            let batch = body["envelopes"]["batch"].as_array().unwrap();
            batch.iter().map(|one| one["timestamp"].as_str().unwrap().parse::<i64>().unwrap() - from).collect::<Vec<_>>()
        };
        let read = |query: &str| format!("/api/v1/read/{app}?{query}");
        // As `cf logs` begins and `cf logs --recent` asks.
        assert_eq!(stamps(&admin.get(&read("descending=true&limit=1&start_time=-6795364578871345152")).await), [2]);
        assert_eq!(stamps(&admin.get(&read(&format!("descending=true&envelope_types=LOG&limit=1000&start_time={from}"))).await), [2, 1, 0]);
        assert_eq!(stamps(&admin.get(&read(&format!("start_time={}&end_time={}", from + 1, from + 2))).await), [1]);
        assert_eq!(stamps(&admin.get(&read("envelope_types=GAUGE")).await), Vec::<i64>::new());
        admin.call("GET", &read("limit=1001"), Value::Null, 400).await;
        admin.call("GET", &read("start_time=now"), Value::Null, 400).await;

        let stranger = house.person("stranger").await;
        stranger.refused("GET", &path, Value::Null, 404, "App not found").await;
        assert_eq!(stranger.get("/api/v1/meta").await, json!({ "meta": {} }));
        let auditor = house.person("auditor").await;
        house.role(&auditor, "space_auditor", &organization, &space).await;
        auditor.get(&path).await;
        assert_eq!(auditor.get("/api/v1/meta").await["meta"][&app]["newestTimestamp"], (from + 2).to_string());
        admin.refused("GET", "/api/v1/read/..%2F..%2Fetc", Value::Null, 404, "App not found").await;
    })
    .await;
}

#[tokio::test]
async fn the_stream_brings_every_new_line_once() {
    let folder = tempfile::tempdir().unwrap();
    let house = House::open(&store::DbUrl::Sqlite(folder.path().join("pitlane.db")), folder.path()).await;
    let (_, space) = house.first().await;
    let app = house.app("web", &space).await;
    let uri = format!("/v2/read?log=&source_id={app}");
    let mut request = Request::get(uri).header("host", HOST).body(Body::empty()).unwrap();
    request.extensions_mut().insert(house.admin().who);
    let response = house.router.clone().oneshot(request).await.unwrap();
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let mut body = response.into_body();
    let now = jiff::Timestamp::now().as_nanosecond() as i64;
    // Three lines of one nanosecond, written apart.
    write(&house, &app, &[line(now, "one"), line(now, "two")]);
    let mut seen = String::new();
    let wanted = ["b25l", "dHdv", "dGhyZWU="];
    for (index, payload) in wanted.iter().enumerate() {
        while !seen.contains(payload) {
            let frame = tokio::time::timeout(Duration::from_secs(5), body.frame())
                .await
                .expect("a line comes")
                .unwrap()
                .unwrap();
            seen.push_str(std::str::from_utf8(frame.data_ref().unwrap()).unwrap());
        }
        if index == 1 {
            write(&house, &app, &[line(now, "three")]);
        }
    }
    assert!(seen.starts_with("data: {\"batch\":["), "{seen}");
    for payload in wanted {
        assert_eq!(seen.matches(payload).count(), 1, "{seen}");
    }
    house.admin().call("GET", "/v2/read?source_id=x", Value::Null, 400).await;
}
