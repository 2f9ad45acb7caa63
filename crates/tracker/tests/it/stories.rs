//! A story from its creation to its acceptance and back.

use super::house::{House, on_each, on_one};
use serde_json::{Value, json};

#[tokio::test]
async fn t29_a_storys_life() {
    on_each(|house| async move {
        let (owner, project) = house.project(json!({})).await;
        let at = format!("/projects/{project}");
        let stories = format!("{at}/stories");
        let story = owner
            .post(
                &stories,
                json!({ "name": "Land", "labels": ["Moon", "crew"], "tasks": [{ "description": "find it" }] }),
            )
            .await;
        let path = format!("{stories}/{}", story["id"]);
        assert_eq!(story["current_state"], "unscheduled");
        assert_eq!(story["story_type"], "feature");
        assert_eq!(story["requested_by_id"], owner.number);
        assert_eq!(story["url"], format!("http://tracker.test/story/show/{}", story["id"]));
        assert_eq!((&story["labels"][0]["name"], &story["labels"][1]["name"]), (&json!("moon"), &json!("crew")));
        for absent in ["estimate", "accepted_at", "owned_by_id", "description", "tasks"] {
            assert!(story.get(absent).is_none(), "{absent} in {story}");
        }
        assert_eq!(story["owner_ids"], json!([]));
        let missing = "Stories in the started state must be estimated.";
        owner.refused("PUT", &path, json!({ "current_state": "started" }), (400, "invalid_parameter", missing)).await;
        let estimated = owner.put(&path, json!({ "estimate": 2 })).await;
        assert_eq!(estimated["estimate"], 2);
        let started = owner.put(&path, json!({ "current_state": "started" })).await;
        assert_eq!(started["owner_ids"], json!([owner.number]));
        assert_eq!(started["owned_by_id"], owner.number);
        for state in ["finished", "delivered", "rejected", "started", "finished", "delivered", "accepted"] {
            let after = owner.put(&path, json!({ "current_state": state })).await;
            assert_eq!(after["current_state"], state);
            assert_eq!(after.get("accepted_at").is_some(), state == "accepted");
        }
        let again = owner.put(&path, json!({ "current_state": "rejected", "comment": "Not yet" })).await;
        assert!(again.get("accepted_at").is_none());

        let states = owner.list(&format!("{path}/transitions"), "state").await;
        let expected = [
            "unscheduled",
            "started",
            "finished",
            "delivered",
            "rejected",
            "started",
            "finished",
            "delivered",
            "accepted",
            "rejected",
        ];
        assert_eq!(states, expected);
        let activity = owner.call("GET", &format!("{at}/activity"), Value::Null, 200).await;
        let all = activity.body.as_array().unwrap();
        let version = owner.get(&at).await["version"].as_i64().unwrap();
        assert_eq!(activity.header("x-tracker-project-version"), version.to_string());
        // One each, without a gap, newest first; the project's own creation has none.
        let versions: Vec<i64> = all.iter().map(|one| one["project_version"].as_i64().unwrap()).collect();
        assert_eq!(versions, (2..=version).rev().collect::<Vec<_>>());
        let messages: Vec<&str> = all.iter().map(|one| one["message"].as_str().unwrap()).collect();
        assert_eq!(
            messages,
            [
                "Ada rejected this feature with comments: \"Not yet\"",
                "Ada accepted this feature",
                "Ada delivered this feature",
                "Ada finished this feature",
                "Ada started this feature",
                "Ada rejected this feature",
                "Ada delivered this feature",
                "Ada finished this feature",
                "Ada started this feature",
                "Ada estimated this feature as 2 points",
                "Ada added this feature",
            ]
        );
        assert_eq!(all[0]["guid"], format!("{project}_{version}"));
        let kinds: Vec<&str> =
            all[0]["changes"].as_array().unwrap().iter().map(|one| one["kind"].as_str().unwrap()).collect();
        assert_eq!(kinds, ["story", "comment", "label", "label"]);
        let story_change = &all[0]["changes"][0];
        assert_eq!(story_change["new_values"]["accepted_at"], Value::Null);
        assert_eq!(story_change["new_values"]["current_state"], "rejected");
        let start = &all[8]["changes"][0]["new_values"];
        for name in ["current_state", "owned_by_id", "owner_ids", "updated_at"] {
            assert!(start.get(name).is_some(), "{name} in {start}");
        }
        let created = &all[10]["changes"];
        let kinds: Vec<&str> = created.as_array().unwrap().iter().map(|one| one["kind"].as_str().unwrap()).collect();
        assert_eq!(kinds, ["label", "label", "story", "task", "label", "label"]);
        assert_eq!(all[10]["primary_resources"][0]["url"], story["url"]);

        // What changes nothing is nothing.
        owner.put(&path, json!({ "current_state": "rejected", "name": "Land" })).await;
        assert_eq!(owner.get(&at).await["version"], version);
        owner.delete(&path).await;
        owner.refused("DELETE", &path, Value::Null, (404, "unfound_resource", "")).await;
        assert_eq!(owner.get(&at).await["version"], version + 1);
    })
    .await;
}

#[tokio::test]
async fn creation_matrix() {
    on_one(|house| async move {
        let (owner, project) = house.project(json!({})).await;
        let path = format!("/projects/{project}/stories");
        let states =
            ["accepted", "delivered", "finished", "planned", "rejected", "started", "unstarted", "unscheduled"];
        for (story_type, row) in
            [("feature", "eee-ee++"), ("bug", "+++-++++"), ("chore", "+----+++"), ("release", "+-----++")]
        {
            for (state, expected) in states.into_iter().zip(row.chars()) {
                let body = json!({ "name": "s", "story_type": story_type, "current_state": state });
                let answer = owner.send("POST", &path, body).await;
                let status = if expected == '+' { 200 } else { 400 };
                assert_eq!(answer.status, status, "{story_type} {state}: {}", answer.body);
                if expected == 'e' {
                    let text = format!("Stories in the {state} state must be estimated.");
                    assert_eq!(answer.body["general_problem"], text);
                }
            }
        }
        // Both at once are fine.
        let story = owner.post(&path, json!({ "name": "s" })).await;
        let both = json!({ "current_state": "accepted", "estimate": 1 });
        owner.put(&format!("/stories/{}", story["id"]), both).await;
    })
    .await;
}

#[tokio::test]
async fn new_stories_and_started_ones_have_their_places() {
    on_each(|house| async move {
        let (owner, project) = house.project(json!({})).await;
        let path = format!("/projects/{project}/stories");
        let make = |name: &'static str, state: &'static str| {
            let (owner, path) = (owner.clone(), path.clone());
            async move {
                owner.post(&path, json!({ "name": name, "story_type": "bug", "current_state": state })).await["id"]
                    .clone()
            }
        };
        make("ice 1", "unscheduled").await;
        make("back 1", "unstarted").await;
        make("ice 2", "unscheduled").await;
        let second = make("back 2", "unstarted").await;
        make("doing 1", "started").await;
        make("back 3", "unstarted").await;
        let names = |owner: super::house::Asker, path: String| async move { owner.list(&path, "name").await };
        assert_eq!(
            names(owner.clone(), path.clone()).await,
            ["doing 1", "back 3", "back 2", "back 1", "ice 2", "ice 1"]
        );
        // Begun: directly below what is in progress.
        owner.put(&format!("{path}/{second}"), json!({ "current_state": "started" })).await;
        assert_eq!(
            names(owner.clone(), path.clone()).await,
            ["doing 1", "back 2", "back 3", "back 1", "ice 2", "ice 1"]
        );
        // Accepted ones come first.
        owner.put(&format!("{path}/{second}"), json!({ "current_state": "accepted" })).await;
        assert_eq!(
            names(owner.clone(), path.clone()).await,
            ["back 2", "doing 1", "back 3", "back 1", "ice 2", "ice 1"]
        );
    })
    .await;
}

async fn ids(house: &House) -> (super::house::Asker, String, Vec<i64>) {
    let (owner, project) = house.project(json!({})).await;
    let path = format!("/projects/{project}/stories");
    let mut ids = Vec::new();
    for (name, state) in
        [("a", "unstarted"), ("b", "unstarted"), ("c", "unstarted"), ("x", "unscheduled"), ("y", "unscheduled")]
    {
        let body = json!({ "name": name, "story_type": "chore", "current_state": state });
        ids.push(owner.post(&path, body).await["id"].as_i64().unwrap());
    }
    // Newest first in both lists: c b a | y x.
    (owner, path, ids)
}

#[tokio::test]
async fn moves() {
    on_each(|house| async move {
        let (owner, path, ids) = ids(&house).await;
        let [a, b, c, x, y] = ids[..] else { panic!("five stories") };
        let order = |owner: super::house::Asker, path: String| async move {
            let names = owner.list(&path, "name").await;
            names.iter().map(|name| name.as_str().unwrap()).collect::<String>()
        };
        let put = |id: i64, body: Value| {
            let (owner, path) = (owner.clone(), path.clone());
            async move {
                owner.put(&format!("{path}/{id}?fields=:default,before_id,after_id"), body).await;
                order(owner, path).await
            }
        };
        assert_eq!(order(owner.clone(), path.clone()).await, "cbayx");
        assert_eq!(put(a, json!({ "before_id": c })).await, "acbyx");
        assert_eq!(put(c, json!({ "after_id": b })).await, "abcyx");
        assert_eq!(put(c, json!({ "after_id": a, "before_id": b })).await, "acbyx");
        // No neighbours any more: the one below counts.
        assert_eq!(put(b, json!({ "before_id": a, "after_id": x })).await, "bacyx");
        let first = owner.get(&format!("{path}/{y}?fields=:default,before_id,after_id,current_state")).await;
        assert_eq!((&first["after_id"], &first["before_id"]), (&json!(c), &json!(x)), "neighbours cross the border");
        // Over the border: the state changes with it.
        assert_eq!(put(x, json!({ "before_id": a })).await, "bxacy");
        assert_eq!(owner.get(&format!("{path}/{x}")).await["current_state"], "unstarted");
        let activity = owner.get(&format!("{path}/{x}/activity")).await;
        assert_eq!(activity[0]["message"], "Ada moved and scheduled this story before 'a'");
        assert_eq!(activity[0]["highlight"], "moved and scheduled");
        assert_eq!(activity[0]["kind"], "story_move_activity");
        assert_eq!(put(b, json!({ "group": "unscheduled", "after_id": y })).await, "xacyb");
        assert_eq!(owner.get(&format!("{path}/{b}")).await["current_state"], "unscheduled");
        assert_eq!(owner.get(&format!("{path}/{b}/activity")).await[0]["message"], "Ada moved this story after 'y'");
        // What is not begun does not stand above what is.
        owner.put(&format!("{path}/{a}"), json!({ "current_state": "started" })).await;
        assert_eq!(order(owner.clone(), path.clone()).await, "axcyb");
        assert_eq!(put(c, json!({ "before_id": a })).await, "acxyb");
        // Only the list: its usual place.
        assert_eq!(put(y, json!({ "group": "scheduled" })).await, "aycxb");
        let version = owner.get(&path.replace("/stories", "")).await["version"].clone();
        assert_eq!(put(y, json!({ "before_id": c })).await, "aycxb");
        assert_eq!(owner.get(&path.replace("/stories", "")).await["version"], version, "it stood there");
        owner.refused("PUT", &format!("{path}/{y}"), json!({ "before_id": y }), (400, "invalid_parameter", "")).await;
        owner
            .refused("PUT", &format!("{path}/{y}"), json!({ "before_id": 9999 }), (400, "invalid_parameter", ""))
            .await;
        owner.put(&format!("{path}/{a}"), json!({ "current_state": "accepted" })).await;
        let text = "Accepted stories are ordered by the time of their acceptance and cannot be moved.";
        owner.refused("PUT", &format!("{path}/{a}"), json!({ "after_id": c }), (400, "invalid_parameter", text)).await;
    })
    .await;
}

/// A story that is sent back with its neighbours as they were got stays where it is, alone in its list or not.
#[tokio::test]
async fn neighbours_that_are_sent_back_move_nothing() {
    on_one(|house| async move {
        let (owner, project) = house.project(json!({})).await;
        let path = format!("/projects/{project}/stories");
        for (name, state) in [
            ("i", "unscheduled"),
            ("b", "unstarted"),
            ("c", "unstarted"),
            ("j", "unscheduled"),
            ("d", "accepted"),
            ("e", "accepted"),
            ("f", "started"),
        ] {
            let body = json!({ "name": name, "current_state": state, "story_type": "chore", "labels": ["l"] });
            let made = owner.post(&path, body).await;
            let ids = owner.list(&path, "id").await;
            let version = owner.get(&format!("/projects/{project}")).await["version"].clone();
            for id in ids.iter().chain([&made["id"]]) {
                let all = ":default,before_id,after_id,owners,followers,label_ids,requested_by,transitions,cycle_time_details,\
                           blocked_story_ids,branches,counts_total";
                let back = owner.get(&format!("{path}/{id}?fields={all}")).await;
                owner.put(&format!("{path}/{id}?story_id={id}"), back).await;
            }
            assert_eq!(owner.get(&format!("/projects/{project}")).await["version"], version, "{name}");
            assert_eq!(owner.list(&path, "id").await, ids, "{name}");
        }
        let last = owner.list(&path, "id").await.pop().unwrap();
        let mut done = owner.get(&format!("{path}/{last}?fields=:default,before_id,after_id")).await;
        done["current_state"] = json!("accepted");
        assert_eq!(owner.put(&format!("{path}/{last}"), done).await["current_state"], "accepted");
    })
    .await;
}

/// A state that is asked for is the one it gets, whatever its neighbours are; what changes nothing is no version.
#[tokio::test]
async fn a_state_that_is_asked_for_wins() {
    on_each(|house| async move {
        let (owner, path, ids) = ids(&house).await;
        let [a, b, c, x, y] = ids[..] else { panic!("five stories") };
        let project = path.replace("/stories", "");
        // c b a | y x
        for (id, body, state, order, bumps) in [
            (x, json!({ "current_state": "unscheduled", "before_id": a }), "unscheduled", "cbaxy", true),
            (x, json!({ "current_state": "unscheduled", "before_id": a }), "unscheduled", "cbaxy", false),
            (x, json!({ "current_state": "unscheduled", "after_id": c }), "unscheduled", "cbaxy", false),
            (a, json!({ "current_state": "unstarted", "before_id": y }), "unstarted", "cbaxy", false),
            (a, json!({ "current_state": "unstarted", "after_id": y }), "unstarted", "cbaxy", false),
            (b, json!({ "current_state": "unstarted", "after_id": y }), "unstarted", "cabxy", true),
            (b, json!({ "current_state": "unscheduled", "group": "scheduled" }), "unscheduled", "cabxy", true),
            (b, json!({ "current_state": "unstarted", "before_id": a }), "unstarted", "cbaxy", true),
            (b, json!({ "current_state": "started", "after_id": y }), "started", "bcaxy", true),
            (b, json!({ "current_state": "started", "before_id": a, "after_id": c }), "started", "bcaxy", false),
            (b, json!({ "current_state": "unstarted", "before_id": c }), "unstarted", "bcaxy", true),
        ] {
            let version = owner.get(&project).await["version"].as_i64().unwrap();
            let after = owner.put(&format!("{path}/{id}"), body.clone()).await;
            assert_eq!(after["current_state"], state, "{id} {body}");
            let names = owner.list(&path, "name").await;
            assert_eq!(names.iter().map(|name| name.as_str().unwrap()).collect::<String>(), order, "{id} {body}");
            assert_eq!(owner.get(&project).await["version"], version + i64::from(bumps), "{id} {body}");
        }
        let body = json!({ "name": "z", "story_type": "chore", "current_state": "unscheduled", "before_id": a });
        assert_eq!(owner.post(&path, body).await["current_state"], "unscheduled");
    })
    .await;
}

#[tokio::test]
async fn old_knowledge_is_warned_of() {
    on_one(|house| async move {
        let (owner, path, ids) = ids(&house).await;
        let based = |version: i64| owner.with("x-tracker-warn-unless-project-version-is", &version.to_string());
        let target = format!("{path}/{}", ids[0]);
        let version = owner.get(&path.replace("/stories", "")).await["version"].as_i64().unwrap();
        let fresh = based(version).call("PUT", &target, json!({ "name": "new" }), 200).await;
        assert_eq!(fresh.header("warning"), "");
        let stale = based(version - 1).call("PUT", &target, json!({ "before_id": ids[2] }), 200).await;
        assert!(stale.header("warning").starts_with("299 - "), "{:?}", stale.headers);
    })
    .await;
}

#[tokio::test]
async fn scripts_are_kept_as_they_were_written() {
    on_each(|house| async move {
        let (owner, project) = house.project(json!({})).await;
        let script = "<script>alert('☃ 😀')</script> & \"quoted\" \\ \u{202e}";
        let body = json!({
            "name": script, "description": script, "labels": [script], "comments": [{ "text": script }],
            "tasks": [{ "description": script }], "blockers": [{ "description": script }],
        });
        let made = owner.post(&format!("/projects/{project}/stories"), body).await;
        let all = format!(
            "/stories/{}?fields=name,description,labels(name),comments(text),tasks(description),blockers(description)",
            made["id"]
        );
        let story = owner.get(&all).await;
        assert_eq!(story["name"], script);
        assert_eq!(story["description"], script);
        assert_eq!(story["labels"][0]["name"], script.to_lowercase());
        assert_eq!(story["comments"][0]["text"], script);
        assert_eq!(story["tasks"][0]["description"], script);
        assert_eq!(story["blockers"][0]["description"], script);
    })
    .await;
}

#[tokio::test]
async fn another_project() {
    on_each(|house| async move {
        let (owner, project) = house.project(json!({})).await;
        let other = owner.post("/projects", json!({ "name": "Gemini", "point_scale": "0,1,2,4,8" })).await["id"].clone();
        let body = json!({ "name": "go", "labels": ["far"], "estimate": 3, "comments": [{ "text": "hm" }], "owner_ids": [owner.number] });
        let story = owner.post(&format!("/projects/{project}/stories"), body).await;
        let path = format!("/stories/{}", story["id"]);
        let kind = owner.post(&format!("/projects/{project}/review_types"), json!({ "name": "Legal" })).await;
        let review = json!({ "review_type_id": kind["id"], "reviewer_id": owner.number, "status": "pass" });
        owner.post(&format!("/projects/{project}{path}/reviews"), review).await;
        let moved = owner.put(&path, json!({ "project_id": other, "group": "scheduled" })).await;
        assert_eq!((&moved["project_id"], &moved["id"]), (&other, &story["id"]));
        assert_eq!(moved["current_state"], "unstarted");
        assert_eq!(moved["estimate"], 2);
        assert_eq!(moved["labels"][0]["name"], "far");
        assert_ne!(moved["labels"][0]["id"], story["labels"][0]["id"]);
        assert_eq!(owner.list(&format!("{path}/comments"), "text").await, ["hm"]);
        assert_eq!(owner.list(&format!("/projects/{project}/stories"), "id").await, Vec::<Value>::new());
        let left = owner.get(&format!("/projects/{project}/activity")).await;
        assert_eq!(left[0]["message"], "Ada moved \"go\" from this project to Gemini");
        let came = owner.get(&format!("/projects/{other}/activity")).await;
        assert_eq!(came[0]["kind"], "story_move_into_project_and_prioritize_activity");
        // Its reviews come along; a kind that the other project lacks is made there.
        assert_eq!(owner.list(&format!("/projects/{other}{path}/reviews"), "status").await, ["pass"]);
        assert!(owner.list(&format!("/projects/{other}/review_types"), "name").await.contains(&json!("Legal")));
        let stranger = house.person("Eve").await;
        stranger.refused("PUT", &path, json!({ "project_id": project }), (403, "unauthorized_operation", "")).await;
        // What is asked for beside the project is done too, or nothing is.
        let off = json!({ "project_id": project, "estimate": 77 });
        assert_eq!(owner.call("PUT", &path, off, 400).await.body["code"], "invalid_parameter");
        assert_eq!(owner.get(&path).await["project_id"], other);
        let more = json!({ "project_id": project, "name": "back", "estimate": 1, "labels": ["near"], "comment": "why" });
        let back = owner.put(&path, more).await;
        assert_eq!((&back["project_id"], &back["name"], &back["estimate"]), (&json!(project), &json!("back"), &json!(1)));
        assert_eq!(back["labels"][0]["name"], "near");
        assert_eq!(owner.list(&format!("{path}/comments"), "text").await, ["hm", "why"]);
    })
    .await;
}

#[tokio::test]
async fn commits() {
    on_each(|house| async move {
        let (owner, project) = house.project(json!({})).await;
        let make = |story_type: &'static str| {
            let owner = owner.clone();
            async move {
                let body = json!({ "name": "s", "story_type": story_type });
                owner.post(&format!("/projects/{project}/stories"), body).await["id"].as_i64().unwrap()
            }
        };
        let (bug, chore, feature) = (make("bug").await, make("chore").await, make("feature").await);
        let commit = |message: String| json!({ "source_commit": { "commit_id": "abc", "message": message, "url": "https://github.com/a/b/commit/abc", "author": "Ada" } });
        let touched = owner.post("/source_commits?fields=:default,comments", commit(format!("[#{bug}] begin"))).await;
        assert_eq!(touched[0]["current_state"], "started");
        let expected = format!("Commit by Ada\nhttps://github.com/a/b/commit/abc\n\n[#{bug}] begin");
        assert_eq!(touched[0]["comments"][0]["text"], expected);
        assert_eq!(touched[0]["comments"][0]["commit_type"], "github");
        let both = owner.post("/source_commits", commit(format!("[fixes #{bug} #{chore} #{feature} #99999]"))).await;
        let states: Vec<_> = both.as_array().unwrap().iter().map(|one| &one["current_state"]).collect();
        // The feature has no estimate, so it stays, with its comment.
        assert_eq!(states, ["finished", "accepted", "unscheduled"]);
        assert_eq!(owner.list(&format!("/stories/{feature}/comments"), "commit_identifier").await, ["abc"]);
        let stranger = house.person("Eve").await;
        assert_eq!(stranger.post("/source_commits", commit(format!("[fixes #{bug}]"))).await, json!([]));
    })
    .await;
}

/// What other installations have and this one has not may be asked for and sent, as long as nothing is in it.
#[tokio::test]
async fn t29_lists_of_what_is_not_kept_here_are_empty() {
    on_one(|house| async move {
        let (owner, project) = house.project(json!({})).await;
        let stories = format!("/projects/{project}/stories");
        let sent = json!({ "name": "Land", "pull_requests": [], "branches": [], "task_ids": [], "comment_ids": [] });
        let path = format!("{stories}/{}", owner.post(&stories, sent).await["id"]);
        let shown = owner.get(&format!("{path}?fields=:default,branches,pull_request_ids,cicd_events")).await;
        for name in ["branches", "pull_request_ids", "cicd_events"] {
            assert_eq!(shown[name], json!([]), "{name}");
        }
        let comments = format!("{path}/comments");
        let comment = json!({ "text": "look", "file_attachments": [], "google_attachment_ids": [] });
        owner.post(&comments, comment).await;
        let shown = owner.get(&format!("{comments}?fields=:default,person,file_attachments,google_attachments")).await;
        assert_eq!((&shown[0]["text"], &shown[0]["file_attachments"]), (&json!("look"), &json!([])));
        let one = format!("{comments}/{}", owner.list(&comments, "id").await[0]);
        let same = owner.put(&one, json!({ "file_attachment_ids_to_add": [], "attachment_ids_to_remove": [] })).await;
        assert_eq!(same["text"], "look");
        owner.refused("PUT", &one, json!({ "attachments_to_add": [7] }), (400, "invalid_parameter", "")).await;
        owner.refused("PUT", &one, json!({}), (400, "invalid_parameter", "")).await;
        let epics = format!("/projects/{project}/epics");
        owner.post(&epics, json!({ "name": "e", "branch_ids": [], "pull_request_ids": [] })).await;
        let full = json!({ "name": "x", "pull_requests": [{ "id": 1 }] });
        let words = "this endpoint cannot accept the parameter: pull_requests";
        owner.refused("POST", &stories, full, (400, "invalid_parameter", words)).await;
        for (part, words) in [
            (json!({ "tasks": [{ "description": "" }] }), "Description can't be blank"),
            (json!({ "comments": [{ "text": " " }] }), "Text can't be blank"),
            (json!({ "story_type": "bug", "estimate": 1 }), "Bugs cannot be estimated in this project."),
        ] {
            let mut body = part;
            body["name"] = json!("x");
            owner.refused("POST", &stories, body, (400, "invalid_parameter", words)).await;
        }
    })
    .await;
}

/// Beside a story of the Backlog a new one is planned, beside one of the Icebox it is not.
#[tokio::test]
async fn a_new_storys_neighbours_say_whether_it_is_planned() {
    on_one(|house| async move {
        let (owner, project) = house.project(json!({})).await;
        let stories = format!("/projects/{project}/stories");
        let backlog = owner.post(&stories, json!({ "name": "b", "current_state": "unstarted" })).await["id"].clone();
        let icebox = owner.post(&stories, json!({ "name": "i" })).await["id"].clone();
        for (place, state) in [
            (json!({ "before_id": backlog }), "unstarted"),
            (json!({ "after_id": backlog }), "unstarted"),
            (json!({ "before_id": icebox }), "unscheduled"),
            (json!({ "before_id": icebox, "after_id": backlog }), "unscheduled"),
            (json!({ "before_id": backlog, "current_state": "unscheduled" }), "unscheduled"),
        ] {
            let mut body = place.clone();
            body["name"] = json!("new");
            assert_eq!(owner.post(&stories, body).await["current_state"], state, "{place}");
        }
        let order = owner.list(&format!("{stories}?with_state=unstarted"), "name").await;
        assert_eq!(order, ["new", "b", "new"]);
    })
    .await;
}
