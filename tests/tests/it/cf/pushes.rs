//! What people type: `cf push` with its flags, each by the miniature client.

use super::client::{Cf, string};
use super::mini::{Push, follow, push};
use super::push::{echo, page};
use serde_json::{Value, json};
use std::time::Duration;
use tests::{Pitlane, eventually};

fn environment(pitlane: &Pitlane, host: &str) -> Value {
    serde_json::from_str(&pitlane.get_until_ok(host, "/")).expect("JSON")
}

#[test]
fn flags_of_a_push() {
    let pitlane = Pitlane::start();
    let cf = Cf::start(&pitlane);
    let (page, echo) = (page(&pitlane), echo(&pitlane));

    // Nothing but a name.
    let plain = Push { name: Some("page"), bits: Some(&page), ..Push::default() };
    let pushed = push(&cf, &plain).well();
    pushed.says("[STG] ").says("requested state: started").says("routes: page.apps.localhost").says("instances: 1/1");
    assert!(pitlane.get_until_ok("page", "/").contains("<html"));

    // -c, -b, -i, -m, -k; then -c null -b null.
    let binary = Push { name: Some("echo"), bits: Some(&echo), buildpack: Some("binary_buildpack"), ..Push::default() };
    let sized = Push {
        command: Some("FLAG=yes exec python3 -u echo.py"),
        instances: Some(2),
        memory: Some(80),
        disk: Some(100),
        ..binary.clone()
    };
    push(&cf, &sized).well().says("instances: ").says("memory usage: 80M").says("start command: FLAG=yes");
    assert_eq!(environment(&pitlane, "echo")["FLAG"], "yes");
    let web = cf.get(&format!("/v3/processes/{}", cf.app_guid("echo")), &[]).json;
    assert_eq!((&web["instances"], &web["disk_in_mb"]), (&json!(2), &json!(100)));
    let detected = Push { command: Some("null"), buildpack: Some("default"), ..sized.clone() };
    push(&cf, &detected).well().says("start command: exec python3 -u echo.py");
    assert_eq!(cf.app("echo")["lifecycle"]["data"]["buildpacks"], json!([]));

    // --no-start stops what runs, --droplet starts what was made.
    push(&cf, &Push { no_start: true, ..plain.clone() }).well().says("requested state: stopped").says("instances: 0/1");
    let current = cf.get(&format!("/v3/apps/{}/droplets/current", cf.app_guid("page")), &[]).guid();
    let archive = super::push::download(&pitlane, &cf, &format!("/v3/droplets/{current}/download"));
    push(&cf, &Push { bits: None, droplet: Some(&archive), ..plain.clone() }).well().says("requested state: started");
    pitlane.get_until_ok("page", "/");

    // --no-route, --random-route, --task
    push(&cf, &Push { no_route: true, ..plain.clone() }).well().says("routes: ");
    eventually(Duration::from_secs(10), || pitlane.get("page", "/").status == 404);
    let random = push(&cf, &Push { name: Some("lucky"), random_route: true, ..plain.clone() }).well();
    let route = random.lines.iter().find_map(|line| line.strip_prefix("routes: lucky-")).expect("a route of its own");
    assert!(route.ends_with(".apps.localhost"), "{route}");
    push(&cf, &Push { name: Some("job"), task: true, ..binary.clone() }).well().says("requested state: stopped");
    cf.post(&format!("/v3/apps/{}/tasks", cf.app_guid("job")), &json!({"command": "true"})).is(202);

    // What goes wrong ends with 1 and its reason.
    push(&cf, &Push { name: Some("bad"), command: Some("exit 4"), ..binary.clone() }).fails("Start unsuccessful");
    push(&cf, &Push { buildpack: Some("nosuch"), ..plain.clone() })
        .fails("\"nosuch\" must be an existing admin buildpack or a valid git URI");
    push(&cf, &Push { name: Some("under_score!"), ..plain.clone() }).fails("Failed to create default route");
}

#[test]
fn manifests_of_a_push() {
    let pitlane = Pitlane::start();
    let cf = Cf::start(&pitlane);
    let bits = echo(&pitlane);
    cf.post(
        "/v3/domains",
        &json!({"name": "shop.test", "relationships": {"organization": {"data": {"guid": cf.org}}}}),
    )
    .is(201);
    let manifest = json!({"version": 1, "applications": [
        {
            "name": "front",
            "path": "ignored",
            "memory": "64M",
            "disk_quota": "128M",
            "instances": 1,
            "buildpacks": ["binary_buildpack"],
            "env": {"GREETING": "hello: world", "COUNT": 3, "ON": true},
            "features": {"revisions": true},
            "routes": [
                {"route": "front.apps.localhost"},
                {"route": "front.apps.localhost/api", "options": {"loadbalancing": "least-connection"}},
                {"route": "www.shop.test", "protocol": "http1"},
                {"route": "shop.test"},
            ],
            "processes": [
                {"type": "web", "health-check-type": "http", "health-check-http-endpoint": "/", "timeout": 60},
                {"type": "worker", "instances": 1, "memory": "32M", "command": "exec sleep 1000"},
            ],
            "sidecars": [
                {"name": "beside", "process_types": ["web"], "command": "echo here I am; exec sleep 1000", "memory": "16M"},
            ],
            "metadata": {"labels": {"team": "pit"}, "annotations": {"note": "a, b"}},
        },
        {"name": "back", "random-route": true, "buildpack": "binary_buildpack"},
        {"name": "job", "no-route": true, "health-check-type": "process", "command": "exec sleep 1000", "buildpacks": ["binary_buildpack"]},
    ]});
    let all = Push { manifest: Some(manifest.clone()), bits: Some(&bits), ..Push::default() };
    let pushed = push(&cf, &all).well();
    pushed
        .says("add /applications/0/memory")
        .says("name: front")
        .says("name: back")
        .says("name: job")
        .says("type: worker")
        .says("sidecars: beside");
    let routes = pushed.lines.iter().find(|line| line.starts_with("routes: front")).expect("its routes");
    for url in ["front.apps.localhost/api", "www.shop.test", "shop.test"] {
        assert!(routes.contains(url), "{routes}");
    }
    let variables = environment(&pitlane, "front");
    for (name, want) in [("GREETING", "hello: world"), ("COUNT", "3"), ("ON", "true"), ("MEMORY_LIMIT", "64m")] {
        assert_eq!(variables[name], want, "{name}");
    }

    // Again: nothing that would be replaced, and nothing is; one of several alone.
    let again = push(&cf, &Push { name: Some("front"), ..all.clone() }).well();
    assert!(!again.lines.iter().any(|line| line.starts_with("replace") || line.starts_with("name: back")), "{again:?}");
    let app = cf.app_guid("front");
    assert_eq!(cf.list(&format!("/v3/apps/{app}/routes"), &[]).resources().len(), 4);
    assert_eq!(cf.list("/v3/processes", &[("app_guids", &app), ("types", "web,worker")]).resources().len(), 2);

    // What is generated says all of it, and can be pushed.
    let generated = cf.call("GET", &format!("/v3/apps/{app}/manifest"), &[], None).is(200).text;
    for words in ["loadbalancing: least-connection", "route: shop.test", "beside", "team: pit", "type: worker"] {
        assert!(generated.contains(words), "{words}: {generated}");
    }
    cf.done(&cf.yaml(&format!("/v3/spaces/{}/actions/apply_manifest", cf.space), &generated));
    assert_eq!(cf.call("GET", &format!("/v3/apps/{app}/manifest"), &[], None).text, generated);

    // Every fault of the document, each with its application.
    let faulty = json!({"applications": [{"name": "front", "memroy": "1G", "routes": [{"route": "a b"}]}, {"name": "back", "instances": -1}]});
    let failed = push(&cf, &Push { manifest: Some(faulty), ..all.clone() }).fails("For application 'front': ");
    failed.says("For application 'back': ");
    let other = json!({"applications": [{"name": "front", "routes": [{"route": "front.nowhere.test"}]}]});
    push(&cf, &Push { manifest: Some(other), ..all.clone() }).fails("did not match any existing domains");
    let image = json!({"applications": [{"name": "image", "docker": {"image": "nginx"}}]});
    push(&cf, &Push { manifest: Some(image), ..all }).fails("Docker support has not been enabled.");
}

#[test]
fn strategies_of_a_push() {
    let pitlane = Pitlane::start();
    let cf = Cf::start(&pitlane);
    let bits = echo(&pitlane);
    let first = Push {
        name: Some("echo"),
        bits: Some(&bits),
        buildpack: Some("binary_buildpack"),
        instances: Some(2),
        memory: Some(64),
        ..Push::default()
    };
    push(&cf, &first).well();
    pitlane.get_until_ok("echo", "/");
    let app = cf.app_guid("echo");
    let set = |value: &str| {
        let body = json!({"var": {"COLOUR": value}});
        cf.patch(&format!("/v3/apps/{app}/environment_variables"), &body).is(200);
    };

    set("blue");
    let rolling = Push {
        strategy: Some("rolling"),
        instances: Some(3),
        memory: Some(72),
        max_in_flight: Some(2),
        ..first.clone()
    };
    push(&cf, &rolling).well().says("Deployment done").says("instances: 3/3").says("memory usage: 72M");
    assert_eq!(environment(&pitlane, "echo")["COLOUR"], "blue");

    // A canary waits beside the old ones, shows in `cf app`, is continued.
    set("green");
    let canary = Push { strategy: Some("canary"), instances: None, memory: None, ..first.clone() };
    push(&cf, &canary).well().says("Active deployment with status PAUSED, step 1 of 1");
    let query = [
        ("app_guids", app.as_str()),
        ("order_by", "-created_at"),
        ("page", "1"),
        ("per_page", "1"),
        ("status_values", "ACTIVE"),
    ];
    let active = cf.list("/v3/deployments", &query).first().clone();
    let sizes = |cf: &Cf| -> Vec<Value> {
        let processes = cf.list(&format!("/v3/apps/{app}/processes"), &[("types", "web")]);
        processes.resources().iter().map(|one| one["instances"].clone()).collect()
    };
    assert_eq!(sizes(&cf), [json!(3), json!(1)]);
    let colours = |wanted: &[&str]| {
        eventually(Duration::from_secs(20), || {
            let seen = (0..24)
                .map(|_| string(&environment(&pitlane, "echo")["COLOUR"]))
                .collect::<std::collections::BTreeSet<_>>();
            seen.iter().map(String::as_str).eq(wanted.iter().copied())
        });
    };
    colours(&["blue", "green"]);
    let path = format!("/v3/deployments/{}", string(&active["guid"]));
    cf.act(&format!("{path}/actions/continue")).is(200);
    assert_eq!(follow(&cf, &string(&active["guid"])), Ok("Deployment done".into()));
    colours(&["green"]);

    // By steps; cancelled at the second.
    set("red");
    let steps = Push { steps: &[34, 67], ..canary.clone() };
    push(&cf, &steps).well().says("PAUSED, step 1 of 2");
    let active = cf.list("/v3/deployments", &query).first().clone();
    let path = format!("/v3/deployments/{}", string(&active["guid"]));
    cf.act(&format!("{path}/actions/continue")).is(200);
    eventually(Duration::from_secs(30), || cf.get(&path, &[]).json["status"]["canary"]["steps"]["current"] == 2);
    assert!(follow(&cf, &string(&active["guid"])).is_ok_and(|line| line.ends_with("step 2 of 2")));
    assert_eq!(sizes(&cf), [json!(2), json!(2)]);
    cf.act(&format!("{path}/actions/cancel")).is(200);
    assert_eq!(follow(&cf, &string(&active["guid"])), Err("Deployment has been canceled".into()));
    assert_eq!(sizes(&cf), [json!(3)]);

    // revisions, rollback --version 1
    let revisions = cf.list(&format!("/v3/apps/{app}/revisions"), &[("order_by", "-created_at")]);
    revisions.resources().iter().for_each(super::shape::revision);
    let versions: Vec<&Value> = revisions.resources().iter().map(|one| &one["version"]).collect();
    assert_eq!(versions.last(), Some(&&json!(1)));
    let deployed = cf.list(&format!("/v3/apps/{app}/revisions/deployed"), &[]);
    assert_eq!(deployed.resources().len(), 1, "{}", deployed.text);
    let one = cf.list(&format!("/v3/apps/{app}/revisions"), &[("versions", "1")]).first().clone();
    let body = json!({"revision": {"guid": one["guid"]}, "strategy": "rolling", "relationships": {"app": {"data": {"guid": app}}}});
    let back = cf.post("/v3/deployments", &body).is(201);
    assert_eq!(follow(&cf, &back.guid()), Ok("Deployment done".into()));
    eventually(Duration::from_secs(10), || environment(&pitlane, "echo")["COLOUR"].is_null());
    let newest =
        cf.list(&format!("/v3/apps/{app}/revisions"), &[("order_by", "-created_at"), ("per_page", "1"), ("page", "1")]);
    assert_eq!(newest.first()["description"], "Rolled back to revision 1.");
}
