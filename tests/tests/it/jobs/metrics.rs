//! The figures that Prometheus asks for.

use super::house::{House, manifest};
use serde_json::{Value, json};
use std::time::Duration;
use tests::eventually;

/// The value of a line, which begins with its name and labels; `None` if there is no such line.
fn figure(text: &str, name: &str) -> Option<f64> {
    text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok())
}

/// A call made, one refused, one that raises, one whose job dies, one nobody waits for: each is in the figures.
#[test]
fn r19_calls_are_counted_as_dashboards_of_pub_expect() {
    let house = House::new();
    let code = "import os, time\nclass Job:\n    def perform(self, how='fine'):\n        if how == 'raise': raise RuntimeError('no')\n        if how == 'die': os._exit(3)\n        if how == 'slow': time.sleep(60)\n        return how\n";
    house.deployed(manifest("figures", "1.0.0"), &[("main.py", code)]);
    let call = |how: &str| house.call("/figures/latest/api/v1/perform", json!({ "how": how })).status;
    let anonymous = || house.send("GET", "/pub/metrics", None, None).body;
    let text = || house.send("GET", "/pub/metrics", Some(&house.token), None).body;
    let of_job = "{job_name=\"figures\",job_version=\"1.0.0\"}";
    let code = |code: u16| {
        format!("pub_job_proxy_response_codes{{job_name=\"figures\",job_version=\"1.0.0\",status_code=\"{code}\"}}")
    };
    assert_eq!(figure(&text(), &format!("pub_job_proxy_requests{of_job}")), Some(0.0), "there from the beginning");

    assert_eq!([call("fine"), call("fine"), call("raise")], [200, 200, 500]);
    let refused = house.send("POST", "/pub/job/figures/latest/api/v1/perform", None, Some(json!({})));
    assert_eq!(refused.status, 401);
    assert_eq!(house.call("/nobody/latest/x", json!({})).status, 404);
    let told = text();
    for (name, value) in [
        ("pub_job_proxy_requests_started", 5.0),
        ("pub_job_proxy_requests_done", 5.0),
        ("pub_job_proxy_request_errors", 2.0),
        ("pub_auth_successful", 3.0),
        ("pub_auth_failed", 1.0),
        ("pub_job_proxy_errors", 0.0),
        (&format!("pub_job_proxy_requests{of_job}"), 3.0),
        (&code(200), 2.0),
        (&code(500), 1.0),
        (&format!("pub_job_call_response_time_histogram_count{of_job}"), 3.0),
    ] {
        assert_eq!(figure(&told, name), Some(value), "{name}\n{told}");
    }
    let seconds = figure(&told, &format!("pub_job_call_response_time{of_job}")).expect("it took some time");
    assert!(seconds > 0.0 && figure(&told, "pub_overall_job_proxy_response_time") >= Some(seconds), "{told}");
    assert!(!anonymous().contains("figures"), "which jobs there are is nobody's business");
    assert_eq!(figure(&anonymous(), "pub_job_proxy_requests_started"), Some(5.0));

    let asked = house.send("GET", "/pub/async/new/job/figures/latest/ready", Some(&house.token), None);
    let task: Value = serde_json::from_str(&asked.body).expect("JSON");
    let poll = format!("/pub/async/task/{}/poll", task["task_id"].as_str().expect("an id"));
    assert_eq!(house.send("GET", &poll, Some(&house.token), None).status, 200);
    assert_eq!(house.send("GET", "/pub/async/task/none/poll", Some(&house.token), None).status, 404);
    // Nobody waits for this one to its end.
    let brief = tests::http()
        .post(format!("{}/pub/job/figures/latest/api/v1/perform", house.pitlane.url))
        .header("x-racetrack-auth", &house.token)
        .json(&json!({ "how": "slow" }))
        .timeout(Duration::from_secs(1));
    assert!(brief.send().expect_err("it sleeps").is_timeout());
    eventually(Duration::from_secs(10), || figure(&text(), "pub_job_proxy_context_canceled_errors") == Some(1.0));
    assert_eq!(call("die"), 502);
    let told = text();
    for (name, value) in [
        ("pub_job_proxy_connection_broken_errors", 1.0),
        ("pub_job_proxy_errors", 2.0),
        (&code(502), 1.0),
        (&format!("pub_async_job_calls_started{of_job}"), 1.0),
        (&format!("pub_async_job_calls_done{of_job}"), 1.0),
        ("pub_async_job_calls_errors", 0.0),
        ("pub_async_missing_task", 1.0),
    ] {
        assert_eq!(figure(&told, name), Some(value), "{name}\n{told}");
    }
}

/// A deployment that ends well and one that fails, in the figures of Lifecycle and its image builder.
#[test]
fn r19_deployments_are_counted_as_dashboards_of_lifecycle_expect() {
    let house = House::new();
    let text = || house.send("GET", "/lifecycle/metrics", Some(&house.token), None).body;
    let before = text();
    assert_eq!(figure(&before, "jobs_count_by_status{status=\"running\"}"), Some(0.0), "{before}");
    house.deployed(manifest("fine", "1.0.0"), &[("main.py", super::house::ADDER)]);
    let mut bad = manifest("bad", "1.0.0");
    bad["jobtype_extra"]["requirements_path"] = json!("missing.txt");
    assert_eq!(house.deploy(bad, &[("main.py", super::house::ADDER)])["status"], "failed");
    house.ok("GET", "/job", None);
    let told = text();
    let phase = "image_building_phase_done{job_name=\"fine\",job_version=\"1.0.0\",phase=\"building image (1/1)\"}";
    for (name, value) in [
        ("requested_job_deployments_total", 2.0),
        ("done_job_deployments_total", 2.0),
        ("deployed_job_total", 1.0),
        ("metrics_scrapes_total", 2.0),
        ("jobs_count_by_status{status=\"running\"}", 1.0),
        ("lifecycle_database_connected", 1.0),
        ("active_building_tasks", 0.0),
        ("image_building_requests", 2.0),
        ("image_building_done_requests", 2.0),
        ("image_building_request_duration_seconds_count", 2.0),
        ("images_built", 1.0),
        ("images_buidling_errors", 1.0),
        ("commons_internal_server_errors_total", 0.0),
        (phase, 1.0),
    ] {
        assert_eq!(figure(&told, name), Some(value), "{name}\n{told}");
    }
    for name in ["lifecycle_active_threads_count", "lifecycle_job_model_fetch_duration_count"] {
        assert!(figure(&told, name) >= Some(1.0), "{name}\n{told}");
    }
    let (started, done) =
        (figure(&told, "commons_requests_started_total"), figure(&told, "commons_requests_done_total"));
    assert!(started > done && done > Some(3.0), "the one that asks is not over: {told}");
    let anonymous = house.send("GET", "/lifecycle/metrics", None, None).body;
    assert!(anonymous.contains("images_built 1") && !anonymous.contains("job_name"), "{anonymous}");
}
