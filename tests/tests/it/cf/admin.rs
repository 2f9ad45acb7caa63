//! What administrators type: suspending people, quotas, stacks, what was used, and what two neighbours of the Cloud
//! Controller are asked.

use super::client::{Cf, string};
use super::mini::{Push, push};
use super::push::{echo, page};
use super::shape;
use serde_json::{Value, json};
use tests::{PASSWORD, Pitlane};

#[test]
fn people_are_suspended_and_come_back() {
    let pitlane = Pitlane::start();
    let cf = Cf::start(&pitlane);
    let body = json!({"userName": "bea", "password": PASSWORD, "origin": "", "name": {"familyName": "bea", "givenName": "bea"},
        "emails": [{"value": "bea", "primary": true}]});
    let user = string(&cf.post("/uaa/Users", &body).is(201).json["id"]);
    cf.post("/v3/users", &json!({"guid": user})).is(201);
    cf.assign("organization_user", "organization", &cf.org, "bea").is(201);
    let bea = Cf::sign_in(&pitlane, "bea", PASSWORD);
    assert_eq!(bea.list("/v3/organizations", &[("order_by", "name")]).names(), ["acme"]);

    let path = format!("/uaa/Users/{user}");
    let suspended = cf.patch(&path, &json!({"active": false})).is(200);
    assert_eq!(
        (&suspended.json["active"], &suspended.json["userName"], &suspended.json["id"]),
        (&json!(false), &json!("bea"), &json!(user))
    );
    let refused = bea.call("GET", "/v3/organizations", &[("order_by", "name")], None).is(403);
    assert_eq!(
        (&refused.json["error"], &refused.json["errors"][0]["title"]),
        (&json!("account_suspended"), &json!("CF-NotAuthorized"))
    );
    let form = [("grant_type", "password"), ("username", "bea"), ("password", PASSWORD)];
    assert_eq!(bea.uaa_token(&form).is(403).json["error"], "account_suspended");

    // As clients do that read the whole and put it back.
    let mut whole = cf.get(&path, &[]).json;
    whole["active"] = json!(true);
    assert_eq!(cf.call("PUT", &path, &[], Some(&whole)).is(200).json["active"], true);
    bea.list("/v3/organizations", &[("order_by", "name")]);
    bea.uaa_token(&form).is(200);
    bea.patch(&path, &json!({"active": false})).is(403);
}

/// create-org-quota, set-org-quota, create-space-quota, set-space-quota, and a push that does not fit.
#[test]
fn quotas_hold_at_a_push() {
    let pitlane = Pitlane::start();
    let cf = Cf::start(&pitlane);
    let bits = echo(&pitlane);
    let sized = |memory| Push {
        name: Some("echo"),
        bits: Some(&bits),
        buildpack: Some("binary_buildpack"),
        memory: Some(memory),
        ..Push::default()
    };
    let body = json!({"name": "small", "apps": {"total_memory_in_mb": 100, "per_process_memory_in_mb": null, "total_instances": null,
        "log_rate_limit_in_bytes_per_second": null}, "services": {"paid_services_allowed": false},
        "routes": {"total_routes": 1, "total_reserved_ports": null}});
    let quota = cf.post("/v3/organization_quotas", &body).is(201).guid();
    let set = json!({"data": [{"guid": cf.org}]});
    cf.post(&format!("/v3/organization_quotas/{quota}/relationships/organizations"), &set).is(200);
    push(&cf, &sized(101)).fails("Memory (MB) quota exceeded for organization 'acme': 100 allowed");
    push(&cf, &sized(100)).well();
    let summary = cf.get(&format!("/v3/organizations/{}/usage_summary", cf.org), &[]).json;
    assert_eq!(
        (&summary["usage_summary"]["memory_in_mb"], &summary["usage_summary"]["routes"]),
        (&json!(100), &json!(1)),
        "{summary}"
    );
    let other = page(&pitlane);
    let second = Push { name: Some("page"), bits: Some(&other), memory: Some(10), ..Push::default() };
    push(&cf, &second).fails("Routes quota exceeded");

    let body = json!({"name": "smaller", "apps": {"total_instances": 2}, "services": {}, "routes": {},
        "relationships": {"organization": {"data": {"guid": cf.org}}}});
    let quota = cf.post("/v3/space_quotas", &body).is(201).guid();
    let set = json!({"data": [{"guid": cf.space}]});
    cf.post(&format!("/v3/space_quotas/{quota}/relationships/spaces"), &set).is(200);
    let app = cf.app_guid("echo");
    let scale = format!("/v3/apps/{app}/processes/web/actions/scale");
    cf.post(&scale, &json!({"memory_in_mb": 25})).is(202);
    cf.post(&scale, &json!({"instances": 2})).is(202);
    let refused = cf.post(&scale, &json!({"instances": 3})).is(422);
    assert_eq!(refused.detail(), "App instance quota exceeded for space 'dev': 2 allowed");
}

/// update-stack, and what a push to a stack on its way out says.
#[test]
fn stacks_go_out_of_use_with_warnings() {
    let pitlane = Pitlane::start();
    let cf = Cf::start(&pitlane);
    let stack = cf.list("/v3/stacks", &[("names", "host"), ("page", "1"), ("per_page", "1")]).first().clone();
    let path = format!("/v3/stacks/{}", string(&stack["guid"]));
    let body = json!({"state": "DEPRECATED", "state_reason": "Ends, in May."});
    shape::stack(&cf.patch(&path, &body).is(200).json);
    let bits = page(&pitlane);
    let page = Push { name: Some("page"), bits: Some(&bits), ..Push::default() };
    push(&cf, &page).well().says("is deprecated").says("[STG] WARNING: The stack 'host' is deprecated");
    let app = json!({"name": "more", "relationships": {"space": {"data": {"guid": cf.space}}}});
    let made = cf.post("/v3/apps", &app).is(201);
    // Split at commas, each decoded.
    let warnings = made.headers["x-cf-warnings"].to_str().expect("text");
    assert!(!warnings.contains(',') && warnings.contains("%2C%20in%20May"), "{warnings}");
    cf.patch(&path, &json!({"state": "DISABLED"})).is(200);
    push(&cf, &page).fails("The stack 'host' is disabled");
    assert_eq!(cf.list(&format!("{path}/apps"), &[]).names(), ["page", "more"]);
}

#[test]
fn usage_events_tell_what_ran() {
    let pitlane = Pitlane::start();
    let cf = Cf::start(&pitlane);
    let bits = page(&pitlane);
    push(&cf, &Push { name: Some("page"), bits: Some(&bits), memory: Some(40), ..Push::default() }).well();
    let app = cf.app_guid("page");
    let all = cf.list("/v3/app_usage_events", &[("order_by", "created_at"), ("per_page", "5000")]);
    all.resources().iter().for_each(shape::usage_event);
    let states: Vec<&str> =
        all.resources().iter().map(|one| one["state"]["current"].as_str().expect("a state")).collect();
    assert_eq!(states, ["STAGING_STARTED", "STAGING_STOPPED", "BUILDPACK_SET", "STARTED"]);
    let started = all.resources()[3].clone();
    assert_eq!(
        (&started["app"]["guid"], &started["memory_in_mb_per_instance"]["current"], &started["process"]["type"]),
        (&json!(app), &json!(40), &json!("web"))
    );
    cf.act(&format!("/v3/apps/{app}/actions/stop")).is(200);
    let after = [("after_guid", started["guid"].as_str().expect("a guid"))];
    let later = cf.list("/v3/app_usage_events", &after);
    assert_eq!((later.resources().len(), &later.first()["state"]["current"]), (1, &json!("STOPPED")));
    shape::usage_event(&cf.get(&format!("/v3/app_usage_events/{}", string(&later.first()["guid"])), &[]).json);
    assert_eq!(cf.list("/v3/service_usage_events", &[]).resources().len(), 0);
    cf.call("GET", "/v3/app_usage_events", &[("after_guid", "none")], None).is(400);
}

/// router-groups, network-policies, add-network-policy, remove-network-policy
#[test]
fn neighbours_answer_by_the_links_of_the_root() {
    let pitlane = Pitlane::start();
    let cf = Cf::start(&pitlane);
    let root = cf.get("/", &[]).json;
    let link = |name: &str| string(&root["links"][name]["href"]);
    assert_eq!(cf.get(&format!("{}/v1/router_groups", link("routing")), &[]).json, json!([]));
    let policies = format!("{}/policies", link("network_policy_v1"));
    let listed = cf.get(&policies, &[("id", "a,b")]).json;
    assert_eq!(listed, json!({"total_policies": 0, "policies": []}));
    let body = json!({"policies": [{"source": {"id": "a"}, "destination": {"id": "b", "protocol": "tcp", "ports": {"start": 8080, "end": 8080}}}]});
    let refused = cf.post(&policies, &body);
    assert!(refused.status == 400 && string(&refused.json["error"]).contains("not available here"), "{}", refused.text);
    assert_eq!(cf.post(&format!("{policies}/delete"), &body).is(200).json, json!({}));
    // What is not there is not linked, or said to be null.
    for name in ["cloud_controller_v2", "app_ssh", "credhub"] {
        assert_eq!(root["links"].get(name).unwrap_or(&Value::Null), &Value::Null, "{name}");
    }
}
