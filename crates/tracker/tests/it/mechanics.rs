//! What every endpoint has: credentials, envelope, fields, dates, pages, parameters, errors.

use super::house::{House, on_each, on_one};
use base64::Engine;
use identity::{Authentication, Caller, NewPerson, Password, PersonState};
use serde_json::{Value, json};

async fn with_password(house: &House, name: &str, state: PersonState) {
    let hash = identity::hash_password(Password::new("correct horse battery")).await.unwrap();
    let new = NewPerson {
        user_name: name.into(),
        email: Some(format!("{name}@example.com")),
        display_name: "Ada Lovelace".into(),
        state,
        password: Some(hash),
    };
    let actor = Caller::system().actor();
    house.tracker.db.write(move |tx| identity::person_create(tx, &actor, &new)).await.unwrap();
}

fn basic(name: &str, password: &str) -> String {
    let text = base64::engine::general_purpose::STANDARD.encode(format!("{name}:{password}"));
    format!("Basic {text}")
}

#[tokio::test]
async fn t29_a_token_by_name_and_password_drives_every_call() {
    on_each(|house| async move {
        with_password(&house, "ada", PersonState::Active).await;
        with_password(&house, "sue", PersonState::Suspended).await;
        let nobody = house.nobody();
        let me = nobody.with("authorization", &basic("ada@example.com", "correct horse battery")).get("/me").await;
        let token = me["api_token"].as_str().unwrap().to_owned();
        assert!(token.len() == 32 && token.chars().all(|char| char.is_ascii_hexdigit()), "{token}");
        assert_eq!((&me["initials"], &me["username"]), (&json!("AL"), &json!("ada")));
        let ada = nobody.with("x-trackertoken", &token);
        assert_eq!(ada.get("/me").await["api_token"], token.as_str());
        assert_eq!(nobody.get(&format!("/me?token={token}")).await["id"], me["id"]);
        let project = ada.post("/projects", json!({ "name": "p" })).await["id"].clone();
        assert_eq!(ada.get("/me").await["projects"][0]["project_id"], project);
        for (name, value) in [
            ("authorization", basic("ada", "wrong")),
            ("authorization", basic("nobody", "correct horse battery")),
            ("authorization", basic("sue", "correct horse battery")),
            ("x-trackertoken", "0".repeat(32)),
            ("x-trackertoken", "'; --".into()),
        ] {
            nobody.with(name, &value).refused("GET", "/me", Value::Null, (403, "invalid_authentication", "")).await;
        }
        nobody.refused("GET", "/me", Value::Null, (403, "invalid_authentication", "")).await;
        // The ten newest are kept.
        for _ in 0..10 {
            nobody.with("authorization", &basic("ada", "correct horse battery")).get("/me").await;
        }
        ada.refused("GET", "/me", Value::Null, (403, "invalid_authentication", "")).await;
        // It is kept hashed.
        let stored: Option<store::Row> = house
            .tracker
            .db
            .glance(&sea_query::Query::select().column("prefix").from("api_token").to_owned())
            .await
            .unwrap();
        assert_eq!(stored.unwrap().at::<String>(0).unwrap().len(), 6);
    })
    .await;
}

#[tokio::test]
async fn projects_may_refuse_tokens() {
    on_one(|house| async move {
        with_password(&house, "ada", PersonState::Active).await;
        let nobody = house.nobody();
        let me = nobody.with("authorization", &basic("ada", "correct horse battery")).get("/me").await;
        let ada = nobody.with("x-trackertoken", me["api_token"].as_str().unwrap());
        let project = ada.post("/projects", json!({ "name": "p" })).await["id"].clone();
        ada.put(&format!("/projects/{project}"), json!({ "allow_api_access": false })).await;
        ada.refused("GET", &format!("/projects/{project}"), Value::Null, (403, "unauthorized_operation", "")).await;
        assert_eq!(ada.get("/projects").await, json!([]));
        assert_eq!(ada.get("/my/activity").await, json!([]));
        let refused = Authentication::Refused("gone".into());
        house.ask(refused, 0).refused("GET", "/me", Value::Null, (403, "invalid_authentication", "")).await;
    })
    .await;
}

#[tokio::test]
async fn envelope_fields_dates_pages() {
    on_each(|house| async move {
        let (owner, project) = house.project(json!({})).await;
        let at = format!("/projects/{project}");
        for index in 0..5 {
            owner.post(&format!("{at}/stories"), json!({ "name": format!("s{index}"), "labels": ["x"] })).await;
        }
        let wrapped = owner.get(&format!("{at}/stories?envelope=true&limit=2&offset=3")).await;
        assert_eq!(wrapped["http_status"], "200");
        assert_eq!(wrapped["project_version"], 6);
        assert_eq!(wrapped["pagination"], json!({ "total": 5, "offset": 3, "limit": 2, "returned": 2 }));
        assert_eq!(wrapped["data"][0]["name"], "s1");
        let past = owner.call("GET", &format!("{at}/stories?offset=9"), Value::Null, 200).await;
        assert_eq!((past.body, past.headers["x-tracker-pagination-returned"].as_bytes()), (json!([]), &b"0"[..]));
        assert_eq!(past.headers["x-tracker-pagination-total"], "5");
        let missing = owner.send("GET", "/projects/99?envelope=true", Value::Null).await;
        assert_eq!((missing.status.as_u16(), &missing.body["http_status"]), (404, &json!("404")));
        assert_eq!(missing.body["data"]["code"], "unfound_resource");
        let id = wrapped["data"][0]["id"].clone();
        let exact = owner.get(&format!("/stories/{id}?fields=name,owners(name)")).await;
        assert_eq!(exact, json!({ "id": id, "name": "s1", "owners": [] }));
        let nested =
            owner.get(&format!("/stories/{id}?fields=%3Adefault%2Crequested_by%28initials%29%2Ccomments")).await;
        assert_eq!(nested["requested_by"], json!({ "id": owner.number, "initials": "AD" }));
        assert_eq!(nested["kind"], "story");
        let written = owner.put(&format!("/stories/{id}?fields=name"), json!({ "name": "new" })).await;
        assert_eq!(written, json!({ "id": id, "name": "new" }));
        owner.refused("GET", &format!("/stories/{id}?fields=nose"), Value::Null, (400, "invalid_parameter", "")).await;
        owner.refused("GET", &format!("/stories/{id}?fields=a(b"), Value::Null, (400, "invalid_parameter", "")).await;
        let millis = owner.get(&format!("/stories/{id}?date_format=millis&fields=created_at,name")).await;
        assert!(millis["created_at"].as_i64().is_some_and(|at| at > 1_600_000_000_000), "{millis}");
        let answer = owner.call("GET", &format!("{at}/"), Value::Null, 200).await;
        assert_eq!(answer.header("x-tracker-project-version"), "7");
        assert_eq!(answer.header("access-control-allow-origin"), "*");
        assert_eq!(answer.header("content-type"), "application/json; charset=utf-8");
        assert!(!answer.header("x-request-id").is_empty() && !answer.header("etag").is_empty());
        let known = owner.with("if-none-match", answer.header("etag"));
        assert_eq!(known.send("GET", &at, Value::Null).await.status, 304);
        assert_eq!(owner.send("OPTIONS", &at, Value::Null).await.status, 200);
        let nested =
            "/projects?fields=name,epics(:default,label(name)),labels(counts),stories(name),memberships(person(name))";
        let all = owner.get(nested).await;
        assert_eq!(all[0]["labels"][0]["counts"]["number_of_stories_by_state"]["unscheduled"], 5);
        assert_eq!(all[0]["stories"].as_array().unwrap().len(), 5);
        assert_eq!(all[0]["memberships"][0]["person"]["name"], "Ada");
    })
    .await;
}

#[tokio::test]
async fn parameters_come_in_every_way() {
    on_one(|house| async move {
        let (owner, project) = house.project(json!({})).await;
        let path = format!("/projects/{project}/stories");
        let form = owner
            .send_raw("POST", &path, "application/x-www-form-urlencoded", "name=a&estimate=2&labels=x,y&owner_ids[]=1")
            .await;
        assert_eq!(form.status, 200, "{}", form.body);
        assert_eq!((&form.body["estimate"], &form.body["owner_ids"]), (&json!(2), &json!([1])));
        assert_eq!(form.body["labels"].as_array().unwrap().len(), 2);
        let query = owner.call("POST", &format!("{path}?name=b&current_state=unstarted"), Value::Null, 200).await;
        assert_eq!(query.body["current_state"], "unstarted");
        // What was got may be sent back.
        let mut back = owner.get(&format!("/stories/{}", query.body["id"])).await;
        back["name"] = json!("c");
        assert_eq!(owner.put(&format!("/stories/{}", back["id"]), back).await["name"], "c");
    })
    .await;
}

#[tokio::test]
async fn t29_errors_have_the_exact_texts() {
    on_one(|house| async move {
        let (owner, project) = house.project(json!({})).await;
        let at = format!("/projects/{project}");
        let stories = format!("{at}/stories");
        let bad = |text: &'static str| (400, "invalid_parameter", text);
        let story = owner.post(&stories, json!({ "name": "s" })).await;
        let one = format!("/stories/{}", story["id"]);
        for (method, path, body, expected) in [
            ("POST", &stories, json!({}), bad("this endpoint requires the parameter: name")),
            ("POST", &stories, json!({ "name": " " }), bad("Name can't be blank")),
            ("POST", &stories, json!({ "name": 1 }), bad("'name' must be an extended_string")),
            ("POST", &stories, json!({ "name": "n", "nose": 1 }), bad("this endpoint cannot accept the parameter: nose")),
            ("POST", &stories, json!({ "name": "n", "estimate": 7 }), bad("")),
            ("POST", &stories, json!({ "name": "n", "estimate": "2" }), bad("")),
            ("POST", &stories, json!({ "name": "n", "requested_by_id": "x" }), bad("'requested_by_id' must be an integer value")),
            ("POST", &stories, json!({ "name": "n", "requested_by_id": 99 }), bad("Person 99 is not a member of this project.")),
            ("POST", &stories, json!({ "name": "n", "owner_ids": [1, 1] }), bad("A person can own a story only once.")),
            ("POST", &stories, json!({ "name": "n", "created_at": "2100-01-01T00:00:00Z" }), bad("Story created_at cannot be in the future.")),
            (
                "POST",
                &stories,
                json!({ "name": "n", "created_at": "2000-01-01T00:00:00Z" }),
                bad("The date you entered 2000-01-01T00:00:00Z, is too far in the past. Please enter a date after 2005-01-01T00:00:00Z."),
            ),
            ("POST", &stories, json!({ "name": "n", "created_at": "soon" }), bad("'created_at' must be a time value represented as milliseconds/iso 8601 date")),
            ("POST", &stories, json!({ "name": "n", "labels": 7 }), bad("")),
            ("POST", &stories, json!({ "name": "n", "labels": [""] }), bad("Please enter a name for the label.")),
            ("POST", &stories, json!({ "name": "n", "deadline": "2024-01-01T00:00:00Z" }), bad("")),
            ("PUT", &one, json!({ "current_state": "begun" }), bad("'current_state' must be one of: accepted, delivered, finished, started, rejected, planned, unstarted, unscheduled")),
            ("PUT", &one, json!({ "story_type": "chore", "current_state": "delivered" }), bad("A chore cannot be in the delivered state.")),
            ("PUT", &one, json!({ "kind": "story" }), bad("")),
            ("PUT", &at, json!({ "week_start_day": "Moonday" }), bad("'week_start_day' must be one of: sunday, monday, tuesday, wednesday, thursday, friday, saturday")),
            ("PUT", &at, json!({ "project_type": "secret" }), bad("'project_type' must be one of: demo, private, public, shared")),
            ("PUT", &at, json!({ "iteration_length": 5 }), bad("iteration_length can only be between 1 and 4.")),
            ("PUT", &at, json!({ "initial_velocity": 0 }), bad("You must specify a value of 1 or greater.")),
            ("PUT", &at, json!({ "initial_velocity": 1000 }), bad("Initial velocity can't exceed 999.")),
            ("PUT", &at, json!({ "velocity_averaged_over": 9 }), bad("is not a valid velocity scheme")),
            ("PUT", &at, json!({ "number_of_done_iterations_to_show": 1 }), bad("Your project must load enough done iterations to calculate your velocity according to your settings.")),
            ("PUT", &at, json!({ "point_scale": 5 }), bad("'point_scale' must be a string")),
            ("PUT", &at, json!({ "point_scale": "1,1" }), bad("You can't have duplicate point values.")),
            ("PUT", &at, json!({ "point_scale": "" }), bad("Projects require a point scale.")),
            ("PUT", &at, json!({ "start_date": "20.4.2019" }), bad("'start_date' must be a date value represented as iso 8601 date")),
            ("PUT", &at, json!({ "start_date": "2019-04-20", "week_start_day": "sunday" }), bad("4/20/2019 is a Saturday and Iterations in this project start on Sundays.")),
            ("PUT", &at, json!({ "public": "true" }), bad("'public' must be a non-string boolean true or false value")),
            ("PUT", &at, json!({}), bad("")),
            ("POST", &"/projects".to_owned(), json!({ "name": "apollo" }), bad("The project name you entered is already taken.")),
            ("POST", &"/my/workspaces".to_owned(), json!({ "name": "a name that is too long for it" }), bad("'name' parameter must be 25 characters or less.")),
            ("POST", &"/my/workspaces".to_owned(), json!({ "name": "a name that is too long for it" }), bad("This extended_string is too long:  'a name that is too long for it'")),
            ("POST", &format!("{one}/comments"), json!({ "text": true }), bad("The 'text' parameter value was 'true' but must be of type 'extended_string'")),
            ("POST", &format!("{at}/labels"), json!({ "name": "" }), bad("Please enter a name for the label.")),
            ("DELETE", &format!("{at}/labels/99"), Value::Null, bad("No label found to delete.")),
            ("PUT", &format!("{at}/labels/99"), json!({ "name": "x" }), bad("No label found to update.")),
            ("PUT", &format!("{at}/labels/99"), json!({ "name": "x" }), bad("The label could have already been moved or deleted, or is in another project.")),
            ("POST", &format!("{at}/epics"), json!({ "name": "e", "label": 7 }), bad("Can't use content of 'label' parameter.")),
            ("POST", &format!("{at}/memberships"), json!({ "person_id": owner.number }), bad("Member already exists.")),
            ("POST", &format!("{at}/memberships"), json!({ "email": "user@hostname" }), bad("user@hostname is not a valid email address.")),
            ("POST", &format!("{at}/memberships"), json!({ "email": "user@hostname" }), bad("One or more consistency checks failed on the supplied Person.")),
            ("POST", &format!("{at}/memberships"), json!({ "role": "owner" }), bad("this endpoint requires at least one of the following parameters: email, person_id")),
            ("GET", &format!("{stories}?filter=x&with_label=y"), Value::Null, bad("The 'filter' parameter cannot be combined with other url parameters.")),
            ("GET", &format!("{at}/search?query=created:-5days..now"), Value::Null, bad("The date you requested could not be parsed. See FAQ for valid formats.")),
            ("GET", &format!("{stories}?with_story_priority=p9"), Value::Null, bad("'with_story_priority' must be one of: p0, p1, p2, p3, none")),
            ("GET", &format!("{stories}?limit=0"), Value::Null, bad("")),
            ("GET", &format!("{stories}?offset=-1"), Value::Null, bad("")),
            ("GET", &"/projects/x".to_owned(), Value::Null, (404, "unfound_resource", "")),
            ("GET", &"/stories/99".to_owned(), Value::Null, (404, "unfound_resource", "")),
            ("GET", &"/nowhere".to_owned(), Value::Null, (404, "route_not_found", "The path you requested has no valid endpoint.")),
            ("DELETE", &"/my/workspaces".to_owned(), Value::Null, (404, "route_not_found", "")),
        ] {
            owner.refused(method, path, body, expected).await;
        }
        let broken = owner.send_raw("POST", &stories, "application/json", "{\"name\": ").await;
        assert_eq!((broken.status.as_u16(), &broken.body["code"]), (400, &json!("could_not_parse_body")));
        let large = owner.send_raw("POST", &stories, "application/json", vec![b' '; 3 << 20]).await;
        assert_eq!(large.status, 413);
        let text = "The object you tried to access could not be found.  It may have been removed by another user, you may be using the ID of another object type, or you may be trying to access a sub-resource at the wrong point in a tree.";
        owner.refused("GET", &format!("{at}/epics/{}", story["id"]), Value::Null, (404, "unfound_resource", text)).await;
        // None of it changed anything.
        assert_eq!(owner.get(&at).await["version"], 2);
    })
    .await;
}

#[tokio::test]
async fn aggregation() {
    on_one(|house| async move {
        let (owner, project) = house.project(json!({})).await;
        owner.post(&format!("/projects/{project}/stories"), json!({ "name": "s" })).await;
        let paths = json!([
            format!("/services/v5/projects/{project}?fields=name"),
            format!("/services/v5/projects/{project}/stories?fields=name"),
            "/services/v5/projects/99",
            "nonsense",
        ]);
        let all = owner.post("/aggregator", paths.clone()).await;
        assert_eq!(all[paths[0].as_str().unwrap()], json!({ "id": project, "name": "Apollo" }));
        assert_eq!(all[paths[1].as_str().unwrap()][0]["name"], "s");
        assert_eq!(all[paths[2].as_str().unwrap()]["code"], "unfound_resource");
        assert_eq!(all["nonsense"]["code"], "route_not_found");
        let many = json!(vec!["/services/v5/me"; 16]);
        owner.refused("POST", "/aggregator", many, (400, "invalid_parameter", "")).await;
    })
    .await;
}
