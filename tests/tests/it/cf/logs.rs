//! logs --recent and tail, and the lines that tools look for.

use super::client::Cf;
use super::push::{echo, push};
use super::shape;
use serde_json::Value;
use std::time::Duration;
use tests::{Pitlane, eventually};

/// Source type and words of an answer of log cache.
#[track_caller]
pub fn lines(answer: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    shape::envelopes(answer)
        .iter()
        .map(|one| (text(&one["tags"]["source_type"]), decoded(&text(&one["log"]["payload"]))))
        .collect()
}

pub fn decoded(text: &str) -> String {
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bytes, mut bits, mut have) = (Vec::new(), 0usize, 0);
    for letter in text.chars().filter(|letter| *letter != '=') {
        let value = alphabet.find(letter).unwrap_or_else(|| panic!("{text} is no base64"));
        (bits, have) = ((bits << 6) | value, have + 6);
        if have >= 8 {
            have -= 8;
            bytes.push((bits >> have) as u8);
            bits &= (1 << have) - 1;
        }
    }
    String::from_utf8(bytes).expect("text")
}

#[test]
fn recent_and_tail() {
    let pitlane = Pitlane::start();
    let cf = Cf::start(&pitlane);
    let manifest = "applications:\n- name: echo\n  default-route: true\n  buildpacks: [binary_buildpack]\n";
    let app = push(&cf, "echo", manifest, &echo(&pitlane));
    pitlane.get_until_ok("echo", "/seen");
    let info = cf.get("/api/v1/info", &[]).json;
    assert!(info["version"].as_str().is_some_and(|version| version.starts_with('3')), "{info}");

    let path = format!("/api/v1/read/{app}");
    let recent =
        [("descending", "true"), ("envelope_types", "LOG"), ("limit", "1000"), ("start_time", "-6795364578871345152")];
    let mut all = Vec::new();
    let has = |all: &[(String, String)], from: &str, words: &str| {
        all.iter().any(|(source, line)| source.starts_with(from) && line.contains(words))
    };
    let wanted = [
        ("API", "Created app with guid"),
        ("API", "Uploading bits for app with guid"),
        ("API", "Creating build for app with guid"),
        ("STG", "Downloading app package"),
        ("STG", "Staging complete"),
        ("API", "Creating droplet for app with guid"),
        ("API", "Restarted app with guid"),
        ("CELL", "creating container for instance"),
        ("CELL", "successfully created container for instance"),
        ("CELL", "Container became healthy"),
        ("APP/PROC/WEB", "hello from out"),
        ("APP/PROC/WEB", "hello from err"),
        ("RTR", "\"GET /seen HTTP/1.1\" 200"),
    ];
    eventually(Duration::from_secs(10), || {
        all = lines(&cf.get(&path, &recent).json);
        wanted.iter().all(|(from, words)| has(&all, from, words))
    });
    cf.act(&format!("/v3/apps/{app}/actions/stop")).is(200);
    eventually(Duration::from_secs(15), || {
        all = lines(&cf.get(&path, &recent).json);
        has(&all, "API", "Stopping app with guid") && has(&all, "CELL", "stopping instance")
    });

    // tail: where it begins, then forward from there, without gaps or repetitions; once its last words are there
    let read = |query: &[(&str, &str)]| -> Vec<i64> {
        let envelopes = shape::envelopes(&cf.get(&path, query).json);
        let times = envelopes.iter().map(|one| one["timestamp"].as_str().expect("text").parse().expect("a number"));
        times.collect()
    };
    eventually(Duration::from_secs(15), || {
        let at = read(&[("descending", "true"), ("limit", "1")])[0];
        let (from, after) = ((at - 1_000_000_000).to_string(), (at + 1).to_string());
        let forward = read(&[("envelope_types", "LOG"), ("start_time", &from)]);
        assert!(forward.is_sorted(), "{forward:?}");
        forward.last() == Some(&at) && read(&[("envelope_types", "LOG"), ("start_time", &after)]).is_empty()
    });
    assert!(shape::envelopes(&cf.get(&path, &[("envelope_types", "GAUGE")]).json).is_empty());

    let meta = cf.get("/api/v1/meta", &[]).json;
    let one = &meta["meta"][&app];
    for member in ["count", "expired", "oldestTimestamp", "newestTimestamp"] {
        assert!(one[member].as_str().is_some_and(|number| number.parse::<i64>().is_ok()), "{meta}");
    }
    assert_eq!(cf.call("GET", "/api/v1/read/2b9c9a4e-0000-0000-0000-000000000000", &[], None).status, 404);
}
