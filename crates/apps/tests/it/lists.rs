//! What every list and every request has: pages, filters, order, labels, errors as JSON.

use super::house::{caller, on_each, to};
use identity::Authentication;
use serde_json::{Value, json};

#[tokio::test]
async fn pages_follow_their_links() {
    on_each(|house| async move {
        let admin = house.admin();
        let (organization, _) = house.first().await;
        for name in ["b", "a", "c,d", "e"] {
            admin
                .post(
                    "/v3/spaces",
                    json!({ "name": name, "relationships": { "organization": to(&organization) } }),
                    201,
                )
                .await;
        }
        let mut path =
            format!("/v3/spaces?order_by=-name&per_page=2&organization_guids={organization}&include=organization");
        let mut seen = Vec::new();
        loop {
            let body = admin.get(&path).await;
            assert_eq!(
                (&body["pagination"]["total_results"], &body["pagination"]["total_pages"]),
                (&json!(5), &json!(3))
            );
            assert_eq!(body["included"]["organizations"][0]["name"], "main");
            seen.extend(
                body["resources"].as_array().unwrap().iter().map(|space| space["name"].as_str().unwrap().to_owned()),
            );
            let Some(next) = body["pagination"]["next"]["href"].as_str() else { break };
            assert!(next.starts_with("http://api.test/v3/spaces?"), "{next}");
            path = next.trim_start_matches("http://api.test").to_owned();
        }
        assert_eq!(seen, ["e", "dev", "c,d", "b", "a"]);
        assert_eq!(admin.names("/v3/spaces?names=c%252Cd,a", "name").await, ["a", "c,d"]);
        let none = admin.get("/v3/spaces?names=nothing").await;
        assert_eq!(
            (&none["pagination"]["total_pages"], &none["resources"], &none["pagination"]["next"]),
            (&json!(1), &json!([]), &Value::Null)
        );
        assert_eq!(admin.names("/v3/spaces/?names=a", "name").await, ["a"], "a slash at the end changes nothing");
        assert_eq!(admin.names("/v3/spaces?created_ats[gt]=2020-01-01T00:00:00Z&names=a", "name").await, ["a"]);
        assert_eq!(admin.names("/v3/spaces?created_ats[lt]=2020-01-01T00:00:00Z", "name").await, Vec::<String>::new());
    })
    .await;
}

#[tokio::test]
async fn bad_queries_say_what_would_be_good() {
    on_each(|house| async move {
        let admin = house.admin();
        for (query, words) in [
            ("per_page=0", "Per page must be between 1 and 5000"),
            ("per_page=5001", "Per page must be between 1 and 5000"),
            ("page=-1", "Page must be a positive integer"),
            ("page=99999999999999999999", "Page must be a positive integer"),
            ("order_by=quota", "Order by can only be: 'created_at', 'updated_at', 'name'"),
            ("include=apps", "Invalid included resource: 'apps'. Valid included resources are: 'organization', 'org'"),
            ("label_selector=a%20b", "Invalid label_selector value"),
            ("label_selector=k%20in%20(a", "Invalid label_selector value"),
            ("created_ats=yesterday", "Created ats has an invalid timestamp format. Timestamps should be formatted as 'YYYY-MM-DDThh:mm:ssZ'"),
            ("created_ats[near]=2020-01-01T00:00:00Z", "Created ats has an invalid operator: valid are gt, gte, lt, lte"),
            (
                "color=red",
                "Unknown query parameter(s): 'color'. Valid parameters are: 'page', 'per_page', 'order_by', 'guids', 'created_ats', 'updated_ats', 'names', 'organization_guids', 'label_selector', 'include'",
            ),
        ] {
            let words = format!("The query parameter is invalid: {words}");
            admin.refused("GET", &format!("/v3/spaces?{query}"), Value::Null, 400, &words).await;
        }
    })
    .await;
}

#[tokio::test]
async fn labels_select() {
    on_each(|house| async move {
        let admin = house.admin();
        let (organization, _) = house.first().await;
        for (name, labels) in [("a", json!({ "env": "prod", "x.io/tier": "1" })), ("b", json!({ "env": "test" })), ("c", json!({}))] {
            let body = json!({ "name": name, "relationships": { "organization": to(&organization) }, "metadata": { "labels": labels } });
            admin.post("/v3/spaces", body, 201).await;
        }
        for (selector, names) in [
            ("env", vec!["a", "b"]),
            ("!env", vec!["dev", "c"]),
            ("env=prod", vec!["a"]),
            ("env==prod", vec!["a"]),
            ("env!=prod", vec!["dev", "b", "c"]),
            ("env%20in%20(prod,test)", vec!["a", "b"]),
            ("env%20notin%20(prod)", vec!["dev", "b", "c"]),
            ("env,x.io/tier=1", vec!["a"]),
        ] {
            assert_eq!(admin.names(&format!("/v3/spaces?label_selector={selector}"), "name").await, names, "{selector}");
        }
        let path = format!("/v3/organizations/{organization}");
        for (metadata, words) in [
            (json!({ "labels": { "": "x" } }), r#"Metadata label "": key cannot be empty string"#),
            (json!({ "labels": { "a/b/c": "x" } }), r#"Metadata label "a/b/c": key has more than one "/""#),
            (json!({ "labels": { "a": "-x" } }), r#"Metadata label "a": value must start and end with a letter or digit"#),
            (json!({ "annotations": { "a": "x".repeat(5001) } }), r#"Metadata annotation "a": value is greater than 5000 characters"#),
        ] {
            admin.refused("PATCH", &path, json!({ "metadata": metadata }), 422, words).await;
        }
        admin.call("PATCH", &path, json!({ "metadata": { "labels": { "a": "1", "b": "2" }, "annotations": { "note": "ü" } } }), 200).await;
        let body = admin.call("PATCH", &path, json!({ "metadata": { "labels": { "a": null } } }), 200).await.body;
        assert_eq!(body["metadata"], json!({ "labels": { "b": "2" }, "annotations": { "note": "ü" } }));
    })
    .await;
}

#[tokio::test]
async fn tokens_and_errors() {
    on_each(|house| async move {
        let error = |body: &Value| (body["errors"][0]["code"].clone(), body["errors"][0]["title"].clone());
        let nobody = house.ask(Authentication::Anonymous);
        let refused = house.ask(Authentication::Refused("expired".into()));
        let reading = house.ask(caller("someone", "someone", &["cloud_controller.read"]));
        let mute = house.ask(caller("someone", "someone", &["openid"]));
        let auditor = house.ask(caller("someone", "someone", &["cloud_controller.global_auditor"]));
        let answer = nobody.call("GET", "/v3/spaces", Value::Null, 401).await;
        assert_eq!(error(&answer.body), (json!(10002), json!("CF-NotAuthenticated")));
        let answer = refused.call("GET", "/v3/spaces", Value::Null, 401).await;
        assert_eq!(error(&answer.body), (json!(1000), json!("CF-InvalidAuthToken")));
        mute.call("GET", "/v3/spaces", Value::Null, 403).await;
        reading.call("POST", "/v3/organizations", json!({ "name": "x" }), 403).await;
        auditor.call("POST", "/v3/organizations", json!({ "name": "x" }), 403).await;
        assert_eq!(auditor.names("/v3/spaces", "name").await, ["dev"]);

        let admin = house.admin();
        let guid = house.first().await.0;
        let answer = admin.call("GET", "/v3/nonsense", Value::Null, 404).await;
        assert_eq!(error(&answer.body), (json!(10000), json!("CF-NotFound")));
        assert_eq!(answer.details(), ["Unknown request"]);
        assert!(answer.headers["x-vcap-request-id"].to_str().unwrap().contains("::"));
        admin.refused("PUT", &format!("/v3/organizations/{guid}"), json!({}), 404, "Unknown request").await;
        let parse = "Request invalid due to parse error: invalid request body";
        for bad in ["{", "[]", "\"x\"", "\u{0}"] {
            let answer = admin.send_raw("POST", "/v3/organizations", "application/json", bad).await;
            assert_eq!((answer.status.as_u16(), answer.details()), (400, vec![parse]), "{bad:?}");
        }
        let answer = admin.send("POST", "/v3/organizations", json!({ "name": 5 })).await;
        assert_eq!((answer.status.as_u16(), answer.details()), (422, vec!["name must be a string"]));
        let answer = admin.send("POST", "/v3/organizations", json!({})).await;
        assert_eq!((answer.status.as_u16(), answer.details()), (422, vec!["name can't be blank"]));
        let huge = format!("{{\"name\":\"{}\"}}", "x".repeat(2 << 20));
        let answer = admin.send_raw("POST", "/v3/organizations", "application/json", huge).await;
        assert_eq!(
            (answer.status.as_u16(), answer.details()),
            (413, vec!["The request body is larger than 1048576 bytes"])
        );
        let answer = admin.send("GET", "/v3/organizations/%ff", Value::Null).await;
        assert_eq!(answer.body["errors"][0]["title"], "CF-BadRequest", "{}", answer.body);
        admin.refused("GET", "/v3/jobs/gone", Value::Null, 404, "Job not found").await;
    })
    .await;
}

#[tokio::test]
async fn a_job_left_open_by_a_crash_fails_at_the_next_start() {
    on_each(|house| async move {
        let job = house.apps.db.write(|tx| apps::repo::job::job_begin(tx, "app.delete", None)).await.unwrap();
        let path = format!("/v3/jobs/{}", job.guid);
        assert_eq!(house.admin().get(&path).await["state"], "PROCESSING");
        let config = house.apps.config.clone();
        house.apps.db.write(move |tx| apps::bootstrap(tx, &config)).await.unwrap();
        let body = house.admin().get(&path).await;
        assert_eq!((&body["state"], body["errors"].as_array().unwrap().len()), (&json!("FAILED"), 1));
        assert_eq!(house.admin().names("/v3/organizations", "name").await, ["main"], "made once only");
    })
    .await;
}

#[tokio::test]
async fn a_job_whose_work_panics_ends() {
    on_each(|house| async move {
        let job = apps::api::job::run(&house.apps, "test", None, async { panic!("as a test") }).await.unwrap();
        assert_eq!(house.admin().get(&format!("/v3/jobs/{}", job.guid)).await["state"], "FAILED");
    })
    .await;
}
