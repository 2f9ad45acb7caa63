//! States of stacks, what may not be switched on, and the warnings that clients print.

use super::client::Client;
use super::house::{on_each, to};
use super::push::{package, push};
use serde_json::{Value, json};

/// The warnings of an answer, decoded.
fn warnings(answer: &super::client::Answer) -> Vec<String> {
    let Some(header) = answer.headers.get("x-cf-warnings") else { return Vec::new() };
    let decode = |one: &str| percent_encoding::percent_decode_str(one).decode_utf8().unwrap().into_owned();
    header.to_str().unwrap().split(',').map(decode).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn apps_go_by_the_state_of_their_stack() {
    Client::on_each(|client| async move {
        let app = push(&client, "old").await;
        let space = client.space().await;
        let stack = client.get("/v3/stacks?names=host&page=1&per_page=1").await["resources"][0].clone();
        assert_eq!((&stack["state"], &stack["state_reason"]), (&json!("ACTIVE"), &Value::Null));
        let path = format!("/v3/stacks/{}", stack["guid"].as_str().unwrap());
        let listed = client.get(&format!("{path}/apps")).await;
        assert_eq!(listed["resources"][0]["guid"], app.as_str());
        let set = async |state: &str| {
            client.call("PATCH", &path, json!({"state": state, "state_reason": "Use another, soon."}), 200).await
        };
        let create = async |name: &str| {
            let body = json!({"name": name, "relationships": {"space": {"data": {"guid": space}}}});
            client.send("POST", "/v3/apps", "application/json", body.to_string()).await
        };
        let build = async |app: &str| {
            let body = json!({"package": {"guid": package(&client, app).await}});
            let answer = client.send("POST", "/v3/builds", "application/json", body.to_string()).await;
            if answer.status == 201 {
                let path = format!("/v3/builds/{}", answer.body["guid"].as_str().unwrap());
                client.until(&path, |build| build["state"] == "STAGED").await;
            }
            answer
        };

        assert_eq!(set("DEPRECATED").await["state_reason"], "Use another, soon.");
        let words = "The stack 'host' is deprecated and will be taken away: choose another one in time. Use another, soon.";
        let made = create("deprecated").await;
        assert_eq!((made.status.as_u16(), warnings(&made)), (201, vec![words.to_owned()]));
        let built = build(&app).await;
        assert_eq!((built.status.as_u16(), warnings(&built)), (201, vec![words.to_owned()]));
        assert!(client.log(&app).contains(&format!("STG WARNING: {words}")), "{:?}", client.log(&app));
        let yaml = "applications:\n- name: by-manifest\n  no-route: true\n";
        let answer = client.send("POST", &format!("/v3/spaces/{space}/actions/apply_manifest"), "application/x-yaml", yaml).await;
        let job = answer.headers["location"].to_str().unwrap().trim_start_matches("http://api.test").to_owned();
        assert_eq!(client.get(&job).await["warnings"][0]["detail"], format!("For application 'by-manifest': {words}"));

        set("RESTRICTED").await;
        let refused = create("restricted").await;
        let words = "The stack 'host' is restricted: only apps that were staged on it before may go on using it. Use another, soon.";
        assert_eq!((refused.status.as_u16(), &refused.body["errors"][0]["detail"]), (422, &json!(words)));
        assert_eq!(build(&app).await.status, 201);
        let new = made.body["guid"].as_str().unwrap();
        assert_eq!(build(new).await.status, 422, "it was never staged");

        set("DISABLED").await;
        assert_eq!(build(&app).await.status, 422);
        client.call("POST", &format!("/v3/apps/{app}/actions/restart"), Value::Null, 200).await;
        // It stays so over a restart of the platform.
        let client = client.reborn().await;
        assert_eq!(client.get(&path).await["state"], "DISABLED");
        client.call("PATCH", &path, json!({"state": "GONE"}), 422).await;
        client.call("PATCH", &path, json!({"state": "ACTIVE", "state_reason": null}), 200).await;
        let body = json!({"name": "alias", "relationships": {"space": {"data": {"guid": space}}}, "lifecycle": {"type": "buildpack", "data": {"stack": "cflinuxfs4"}}});
        let made = client.send("POST", "/v3/apps", "application/json", body.to_string()).await;
        assert_eq!(warnings(&made), ["The stack 'cflinuxfs4' is not installed here: 'host' is used in its place."]);
        assert_eq!(made.body["lifecycle"]["data"]["stack"], "host");
    })
    .await;
}

#[tokio::test]
async fn what_is_not_run_here_is_refused_by_its_code() {
    on_each(|house| async move {
        let admin = house.admin();
        let (_, space) = house.first().await;
        let app = house.app("app", &space).await;
        let error = |body: &Value| (body["errors"][0]["code"].clone(), body["errors"][0]["detail"].as_str().unwrap().to_owned());
        let docker = (json!(320003), "Docker support has not been enabled.".to_owned());
        let cnb = (json!(330002), "Feature Disabled: diego_cnb".to_owned());
        let of = |kind: &str| json!({ "name": "x", "relationships": { "space": to(&space) }, "lifecycle": { "type": kind, "data": {} } });
        assert_eq!(error(&admin.post("/v3/apps", of("docker"), 400).await.body), docker);
        assert_eq!(error(&admin.post("/v3/apps", of("cnb"), 403).await.body), cnb);
        let image = json!({ "type": "docker", "data": { "image": "nginx" }, "relationships": { "app": to(&app) } });
        assert_eq!(error(&admin.post("/v3/packages", image, 400).await.body), docker);
        let lifecycle = json!({ "lifecycle": { "type": "docker", "data": {} } });
        assert_eq!(error(&admin.call("PATCH", &format!("/v3/apps/{app}"), lifecycle, 400).await.body), docker);
        let path = format!("/v3/spaces/{space}/actions/apply_manifest");
        for (yaml, wanted) in [
            ("applications:\n- name: x\n  docker: {image: nginx}\n", &docker),
            ("applications:\n- name: x\n  lifecycle: cnb\n", &cnb),
        ] {
            let answer = admin.send_raw("POST", &path, "application/x-yaml", yaml).await;
            assert_eq!(error(&answer.body), *wanted, "{yaml}");
        }
        assert_eq!(admin.names("/v3/apps", "name").await, ["app"]);

        let features = format!("/v3/apps/{app}/features");
        let listed = admin.get(&features).await;
        let of = |name: &str| {
            listed["resources"].as_array().unwrap().iter().find(|one| one["name"] == name).unwrap()["enabled"].clone()
        };
        assert_eq!((of("ssh"), of("revisions"), of("service-binding-k8s")), (json!(false), json!(true), json!(false)));
        for name in ["ssh", "service-binding-k8s", "file-based-vcap-services"] {
            let path = format!("{features}/{name}");
            let refused = admin.call("PATCH", &path, json!({ "enabled": true }), 422).await.body;
            assert!(error(&refused).1.contains("not available here"), "{refused}");
            admin.call("PATCH", &path, json!({ "enabled": false }), 200).await;
        }
        assert_eq!(
            admin.get(&format!("/v3/apps/{app}/ssh_enabled")).await,
            json!({ "enabled": false, "reason": "Disabled globally" })
        );
    })
    .await;
}

#[tokio::test]
async fn environments_are_hidden_by_their_flags() {
    on_each(|house| async move {
        let admin = house.admin();
        let (organization, space) = house.first().await;
        let app = house.app("app", &space).await;
        let dev = house.person("dev").await;
        house.role(&dev, "space_developer", &organization, &space).await;
        for (flag, path) in [
            ("env_var_visibility", format!("/v3/apps/{app}/env")),
            ("space_developer_env_var_visibility", format!("/v3/apps/{app}/environment_variables")),
        ] {
            dev.get(&path).await;
            admin.call("PATCH", &format!("/v3/feature_flags/{flag}"), json!({ "enabled": false }), 200).await;
            dev.refused("GET", &path, Value::Null, 403, &format!("Feature Disabled: {flag}")).await;
            admin.get(&path).await;
        }
    })
    .await;
}
