//! Projects, members, labels, and what hangs on stories.

use super::house::{on_each, on_one};
use serde_json::{Value, json};

#[tokio::test]
async fn projects_and_their_settings() {
    on_each(|house| async move {
        let (owner, project) = house.project(json!({ "time_zone": { "olson_name": "America/Los_Angeles" } })).await;
        let at = format!("/projects/{project}");
        let shown = owner.get(&at).await;
        for (name, value) in [
            ("version", json!(1)),
            ("iteration_length", json!(1)),
            ("week_start_day", json!("Monday")),
            ("point_scale", json!("0,1,2,3")),
            ("point_scale_is_custom", json!(false)),
            ("velocity_averaged_over", json!(3)),
            ("number_of_done_iterations_to_show", json!(12)),
            ("initial_velocity", json!(10)),
            ("automatic_planning", json!(true)),
            ("project_type", json!("private")),
            ("account_id", json!(1)),
        ] {
            assert_eq!(shown[name], value, "{name}");
        }
        assert_eq!(shown["time_zone"]["olson_name"], "America/Los_Angeles");
        assert!(shown.get("description").is_none() && shown.get("start_date").is_none());
        assert_eq!(owner.get(&format!("{at}/activity")).await, json!([]), "creation is no activity");
        let story = owner.post(&format!("{at}/stories"), json!({ "name": "s", "estimate": 3 })).await;
        // From one known scale to another, estimates become the nearest.
        owner.put(&at, json!({ "point_scale": "0,1,2,4,8" })).await;
        assert_eq!(owner.get(&format!("/stories/{}", story["id"])).await["estimate"], 2);
        owner.put(&at, json!({ "point_scale": "0, 0.5, 7" })).await;
        assert_eq!(owner.get(&format!("/stories/{}", story["id"])).await["estimate"], 2);
        owner.refused("PUT", &at, json!({ "point_scale": "0,1,2,3" }), (400, "invalid_parameter", "")).await;
        owner.put(&format!("/stories/{}", story["id"]), json!({ "estimate": 0.5 })).await;
        owner.put(&at, json!({ "bugs_and_chores_are_estimatable": true })).await;
        let back = json!({ "bugs_and_chores_are_estimatable": false });
        owner.refused("PUT", &at, back, (400, "invalid_parameter", "")).await;
        let version = owner.get(&at).await["version"].clone();
        owner.put(&at, json!({ "bugs_and_chores_are_estimatable": true })).await;
        assert_eq!(owner.get(&at).await["version"], version);
        owner.delete(&at).await;
        owner.refused("GET", &at, Value::Null, (404, "unfound_resource", "")).await;
        assert_eq!(owner.get("/projects").await, json!([]));
    })
    .await;
}

#[tokio::test]
async fn members_come_change_and_go() {
    on_each(|house| async move {
        let (owner, project) = house.project(json!({})).await;
        let path = format!("/projects/{project}/memberships");
        let body = json!({ "email": "grace@example.com", "name": "Grace Hopper", "initials": "GH", "role": "viewer" });
        let made = owner.post(&path, body).await;
        assert_eq!((&made["person"]["initials"], &made["role"]), (&json!("GH"), &json!("viewer")));
        let one = format!("{path}/{}", made["id"]);
        assert_eq!(owner.put(&one, json!({ "role": "owner" })).await["role"], "owner");
        assert_eq!(owner.list(&format!("{path}?sort_by=name"), "role").await, ["owner", "owner"]);
        let mine = owner.list(&path, "id").await[0].clone();
        let favourite =
            owner.put(&format!("{path}/{mine}"), json!({ "favorite": true, "project_color": "00ff00" })).await;
        assert_eq!((&favourite["favorite"], &favourite["project_color"]), (&json!(true), &json!("00ff00")));
        let theirs = json!({ "favorite": true });
        owner.refused("PUT", &one, theirs, (403, "unauthorized_operation", "")).await;
        owner.delete(&one).await;
        owner.refused("GET", &one, Value::Null, (404, "unfound_resource", "")).await;
        let last = "A project needs an owner: make somebody else an owner of it first.";
        owner.refused("DELETE", &format!("{path}/{mine}"), Value::Null, (400, "invalid_parameter", last)).await;
        owner
            .refused("PUT", &format!("{path}/{mine}"), json!({ "role": "member" }), (400, "invalid_parameter", last))
            .await;
        let activity = owner.list(&format!("/projects/{project}/activity"), "message").await;
        assert_eq!(activity.last().unwrap(), "Ada added new members: Grace Hopper");
        // Who left cannot be given work.
        let body = json!({ "name": "s", "owner_ids": [made["person"]["id"]] });
        owner.refused("POST", &format!("/projects/{project}/stories"), body, (400, "invalid_parameter", "")).await;
        let max = house.member(&owner, project, "Max", "member").await;
        let own = owner.list(&path, "id").await.last().unwrap().clone();
        max.delete(&format!("{path}/{own}")).await;
        max.refused("GET", &format!("/projects/{project}"), Value::Null, (403, "unauthorized_operation", "")).await;
    })
    .await;
}

#[tokio::test]
async fn labels_are_made_renamed_merged() {
    on_each(|house| async move {
        let (owner, project) = house.project(json!({})).await;
        let at = format!("/projects/{project}");
        let a = owner.post(&format!("{at}/labels"), json!({ "name": " Alpha " })).await;
        assert_eq!(a["name"], "alpha");
        assert_eq!(owner.post(&format!("{at}/labels"), json!({ "name": "ALPHA" })).await["id"], a["id"]);
        let body = json!({ "name": "both", "labels": ["alpha", "beta"], "estimate": 2 });
        let both = owner.post(&format!("{at}/stories"), body).await;
        owner.post(&format!("{at}/stories"), json!({ "name": "one", "labels": [{ "id": a["id"] }] })).await;
        let counts = owner.get(&format!("{at}/labels/{}?fields=counts", a["id"])).await["counts"].clone();
        assert_eq!(counts["number_of_stories_by_state"]["unscheduled"], 2);
        assert_eq!(counts["sum_of_story_estimates_by_state"]["unscheduled"], 2);
        assert_eq!(counts["number_of_zero_point_stories_by_state"]["unscheduled"], 1);
        let renamed = owner.put(&format!("{at}/labels/{}", a["id"]), json!({ "name": "Gamma" })).await;
        assert_eq!((&renamed["id"], &renamed["name"]), (&a["id"], &json!("gamma")));
        let merged = owner.put(&format!("{at}/labels/{}", a["id"]), json!({ "name": "beta" })).await;
        assert_ne!(merged["id"], a["id"]);
        assert_eq!(owner.list(&format!("{at}/stories?with_label=beta"), "name").await, ["one", "both"]);
        assert_eq!(owner.list(&format!("/stories/{}/labels", both["id"]), "name").await, ["beta"]);
        let activity = owner.get(&format!("{at}/activity?limit=1")).await;
        assert_eq!(activity[0]["kind"], "label_merge_activity");
        owner.post(&format!("/stories/{}/labels", both["id"]), json!({ "name": "New" })).await;
        owner.delete(&format!("/stories/{}/labels/{}", both["id"], merged["id"])).await;
        assert_eq!(owner.list(&format!("/stories/{}/labels", both["id"]), "name").await, ["new"]);
    })
    .await;
}

#[tokio::test]
async fn tasks_keep_their_places() {
    on_each(|house| async move {
        let (owner, project) = house.project(json!({})).await;
        let story = owner.post(&format!("/projects/{project}/stories"), json!({ "name": "s" })).await;
        let path = format!("/stories/{}/tasks", story["id"]);
        let mut ids = Vec::new();
        for name in ["a", "b", "c"] {
            ids.push(owner.post(&path, json!({ "description": name })).await["id"].clone());
        }
        owner.put(&format!("{path}/{}", ids[2]), json!({ "position": 1, "complete": true })).await;
        assert_eq!(owner.list(&path, "description").await, ["c", "a", "b"]);
        owner.delete(&format!("{path}/{}", ids[0])).await;
        assert_eq!(owner.list(&path, "position").await, [1, 2]);
        let first = owner.post(&path, json!({ "description": "first", "position": 1 })).await;
        assert_eq!(
            (&first["position"], owner.list(&path, "position").await),
            (&json!(1), vec![json!(1), json!(2), json!(3)])
        );
        let messages = owner.list(&format!("/stories/{}/activity", story["id"]), "message").await;
        assert_eq!(
            messages[..3],
            [
                json!("Ada added task: \"first\""),
                json!("Ada deleted a task on this story"),
                json!("Ada completed task: \"c\"")
            ]
        );
        owner.put(&format!("/projects/{project}"), json!({ "enable_tasks": false })).await;
        owner
            .refused(
                "POST",
                &path,
                json!({ "description": "x" }),
                (400, "invalid_parameter", "Tasks are not enabled in this project."),
            )
            .await;
    })
    .await;
}

#[tokio::test]
async fn blockers_name_stories_and_resolve_with_them() {
    on_each(|house| async move {
        let (owner, project) = house.project(json!({})).await;
        let stories = format!("/projects/{project}/stories");
        let first = owner.post(&stories, json!({ "name": "first", "story_type": "chore" })).await["id"].clone();
        let second = owner.post(&stories, json!({ "name": "second" })).await["id"].clone();
        let path = format!("/stories/{second}/blockers");
        owner.post(&path, json!({ "description": format!("waits for #{first}") })).await;
        let blocked = owner.get(&format!("/stories/{first}?fields=blocked_story_ids")).await;
        assert_eq!(blocked["blocked_story_ids"], json!([second]));
        let activity = owner.get(&format!("/stories/{second}/activity")).await;
        assert_eq!(activity[0]["secondary_resources"][0]["resource"]["id"], first);
        assert_eq!(owner.list(&format!("{stories}?filter=is:blocking"), "name").await, ["first"]);
        owner.put(&format!("/stories/{first}"), json!({ "current_state": "accepted" })).await;
        assert_eq!(owner.list(&path, "resolved").await, [true]);
        let accepted = owner.get(&format!("/stories/{first}/activity?limit=1")).await;
        let told = |change: &Value| (change["kind"].clone(), change["id"].clone());
        let told: Vec<_> = accepted[0]["changes"].as_array().unwrap().iter().map(told).collect();
        let one = |kind: &str, id: &Value| (json!(kind), id.clone());
        assert_eq!(told, [one("story", &first), one("blocker", &json!(1)), one("story", &second)]);
        assert_eq!(
            owner.get(&format!("/stories/{first}?fields=blocked_story_ids")).await["blocked_story_ids"],
            json!([])
        );
    })
    .await;
}

#[tokio::test]
async fn comments_make_followers_and_belong_to_their_writers() {
    on_each(|house| async move {
        let (owner, project) = house.project(json!({})).await;
        let max = house.member(&owner, project, "Max", "member").await;
        let story = owner.post(&format!("/projects/{project}/stories"), json!({ "name": "s" })).await["id"].clone();
        let path = format!("/stories/{story}/comments");
        owner.post(&path, json!({ "text": "mine" })).await;
        assert_eq!(
            owner.list(&format!("/stories/{story}/followers"), "name").await,
            Vec::<Value>::new(),
            "its requester follows it anyway"
        );
        let theirs = max.post(&path, json!({ "text": "theirs" })).await;
        assert_eq!(owner.list(&format!("/stories/{story}/followers"), "name").await, ["Max"]);
        let one = format!("{path}/{}", theirs["id"]);
        owner.refused("PUT", &one, json!({ "text": "other" }), (403, "unauthorized_operation", "")).await;
        assert_eq!(max.put(&one, json!({ "text": "better" })).await["text"], "better");
        owner.delete(&one).await;
        assert_eq!(owner.list(&format!("{path}?fields=text,person(initials)"), "text").await, ["mine"]);
        // Who is named by a comment follows too, but for viewers; so does who says what blocks a story.
        let sue = house.member(&owner, project, "Sue", "member").await;
        house.member(&owner, project, "Vic", "viewer").await;
        let bob = house.member(&owner, project, "Bob", "member").await;
        owner.post(&path, json!({ "text": "@sue, @vic and @bobby: look" })).await;
        let followers = format!("/stories/{story}/followers");
        assert_eq!(owner.list(&followers, "name").await, ["Max", "Sue"]);
        bob.post(&format!("/stories/{story}/blockers"), json!({ "description": "rain" })).await;
        assert_eq!(owner.list(&followers, "name").await, ["Max", "Sue", "Bob"]);
        let told = owner.get(&format!("/stories/{story}/activity?limit=1")).await[0]["changes"][1].clone();
        assert_eq!(told["new_values"]["follower_ids"], json!([max.number, sue.number, bob.number]));
        let epic = owner.post(&format!("/projects/{project}/epics"), json!({ "name": "e" })).await["id"].clone();
        max.post(&format!("/projects/{project}/epics/{epic}/comments"), json!({ "text": "@max @sue" })).await;
        assert_eq!(owner.list(&format!("/projects/{project}/epics/{epic}/followers"), "name").await, ["Max", "Sue"]);
        let in_name_of = json!({ "text": "x", "person_id": owner.number });
        max.refused("POST", &path, in_name_of, (403, "unauthorized_operation", "")).await;
    })
    .await;
}

#[tokio::test]
async fn reviews_workspaces_searches() {
    on_one(|house| async move {
        let (owner, project) = house.project(json!({})).await;
        let at = format!("/projects/{project}");
        let types = owner.list(&format!("{at}/review_types"), "name").await;
        assert_eq!(types, ["Test (QA)", "Design", "Code", "Security"]);
        let story = owner.post(&format!("{at}/stories"), json!({ "name": "s" })).await["id"].clone();
        let path = format!("/stories/{story}/reviews");
        let review = owner.post(&path, json!({ "review_type_id": 3, "reviewer_id": owner.number })).await;
        assert_eq!(review["status"], "unstarted");
        owner.put(&format!("{path}/{}", review["id"]), json!({ "status": "pass" })).await;
        let shown = owner.get(&format!("{path}?fields=:default,review_type,reviewer(initials)")).await;
        assert_eq!(
            (&shown[0]["review_type"]["name"], &shown[0]["reviewer"]["initials"]),
            (&json!("Code"), &json!("AD"))
        );
        assert_eq!(owner.list(&format!("{at}/stories?filter=review:code%26pass"), "id").await.len(), 1);
        let workspace = owner.post("/my/workspaces", json!({ "name": "all", "project_ids": [project] })).await;
        assert_eq!(
            owner.get(&format!("/workspaces/{}/activity?limit=1", workspace["id"])).await[0]["project"]["id"],
            project
        );
        owner.delete(&format!("/my/workspaces/{}", workspace["id"])).await;
        owner
            .refused(
                "DELETE",
                &format!("/my/workspaces/{}", workspace["id"]),
                Value::Null,
                (404, "unfound_resource", ""),
            )
            .await;
        let search = owner.post(&format!("{at}/my/searches"), json!({ "name": "bugs", "query": "type:bug" })).await;
        assert_eq!(search["kind"], "saved_search");
        assert_eq!(owner.list(&format!("{at}/my/searches"), "query").await, ["type:bug"]);
    })
    .await;
}
