//! What activities tell: every change with its values before and after, and nothing else.

use super::house::{Asker, on_each, on_one};
use serde_json::{Value, json};

/// The newest activity of a project.
async fn newest(who: &Asker, project: i64) -> Value {
    who.get(&format!("/projects/{project}/activity?limit=1")).await[0].clone()
}

/// Its changes of one kind: type, values before, values after; that moments stand on both sides of an update is checked here.
fn changes(activity: &Value, kind: &str) -> Vec<(Value, Value, Value)> {
    let all = activity["changes"].as_array().unwrap().iter().filter(|change| change["kind"] == kind);
    all.map(|change| {
        let mut change = change.clone();
        if change["change_type"] == "update" && change["new_values"].get("counts").is_none() {
            for side in ["original_values", "new_values"] {
                assert!(change[side].as_object_mut().unwrap().remove("updated_at").is_some(), "{side} of {change}");
            }
        }
        (change["change_type"].clone(), change["original_values"].clone(), change["new_values"].clone())
    })
    .collect()
}

/// A request, the kind of its activity, the kind of a change, and what that says.
struct Said(&'static str, String, Value, &'static str, &'static str, Value, Value);

async fn check(who: &Asker, project: i64, cases: Vec<Said>) {
    for Said(method, path, body, activity_kind, kind, original, new) in cases {
        let path = path.replace("/P", &format!("/projects/{project}"));
        let before = who.get(&format!("/projects/{project}")).await["version"].as_i64().unwrap();
        let answer = who.send(method, &path, body.clone()).await;
        assert!(answer.status.is_success(), "{method} {path} {body}: {}", answer.body);
        let activity = newest(who, project).await;
        assert_eq!(activity["project_version"], before + 1, "{method} {path} {body}");
        assert_eq!(activity["kind"], activity_kind, "{method} {path} {body}");
        let found = changes(&activity, kind);
        assert!(found.contains(&(json!("update"), original, new)), "{method} {path} {body}: {kind}: {found:#?}");
    }
}

#[tokio::test]
async fn updates_say_both_sides_and_when() {
    on_each(|house| async move {
        let (owner, project) = house.project(json!({})).await;
        let max = house.member(&owner, project, "Max", "member").await;
        let at = format!("/projects/{project}");
        let body = json!({
            "name": "s", "labels": ["a"], "tasks": [{ "description": "t" }], "blockers": [{ "description": "b" }],
            "reviews": [{ "review_type_id": 1 }], "estimate": 3, "current_state": "unstarted",
        });
        let story = owner.post(&format!("{at}/stories"), body).await;
        let (id, a) = (story["id"].clone(), story["labels"][0]["id"].clone());
        let parts = owner.get(&format!("/stories/{id}?fields=task_ids,blocker_ids,review_ids")).await;
        let part = |name: &str, ids: &str| format!("/stories/{id}/{name}/{}", parts[ids][0]);
        let membership = owner.get(&format!("{at}/memberships")).await[1]["id"].clone();
        let said = |method, path: String, body, activity, kind, original, new| {
            Said(method, path, body, activity, kind, original, new)
        };
        let one = format!("/stories/{id}");
        check(
            &owner,
            project,
            vec![
                said(
                    "PUT",
                    part("tasks", "task_ids"),
                    json!({ "complete": true }),
                    "task_update_activity",
                    "task",
                    json!({ "complete": false }),
                    json!({ "complete": true }),
                ),
                said(
                    "PUT",
                    part("tasks", "task_ids"),
                    json!({ "description": "u" }),
                    "task_update_activity",
                    "story",
                    json!({}),
                    json!({}),
                ),
                said(
                    "PUT",
                    part("blockers", "blocker_ids"),
                    json!({ "resolved": true }),
                    "blocker_update_activity",
                    "blocker",
                    json!({ "resolved": false }),
                    json!({ "resolved": true }),
                ),
                said(
                    "PUT",
                    part("reviews", "review_ids"),
                    json!({ "status": "pass" }),
                    "review_update_activity",
                    "review",
                    json!({ "status": "unstarted" }),
                    json!({ "status": "pass" }),
                ),
                said(
                    "PUT",
                    "/P/review_types/1".into(),
                    json!({ "hidden": true }),
                    "review_type_update_activity",
                    "review_type",
                    json!({ "hidden": false }),
                    json!({ "hidden": true }),
                ),
                said(
                    "PUT",
                    format!("{at}/labels/{a}"),
                    json!({ "name": "b" }),
                    "label_update_activity",
                    "label",
                    json!({ "name": "a" }),
                    json!({ "name": "b" }),
                ),
                said(
                    "PUT",
                    format!("{at}/memberships/{membership}"),
                    json!({ "role": "viewer" }),
                    "project_membership_update_activity",
                    "project_membership",
                    json!({ "role": "member" }),
                    json!({ "role": "viewer" }),
                ),
                said(
                    "PUT",
                    one.clone(),
                    json!({ "story_priority": "p1" }),
                    "story_update_activity",
                    "story",
                    json!({ "story_priority": "none" }),
                    json!({ "story_priority": "p1" }),
                ),
                said(
                    "PUT",
                    one.clone(),
                    json!({ "labels": [] }),
                    "story_update_activity",
                    "story",
                    json!({ "label_ids": [a], "labels": ["b"] }),
                    json!({ "label_ids": [], "labels": [] }),
                ),
                said(
                    "PUT",
                    one.clone(),
                    json!({ "labels": ["b"] }),
                    "story_update_activity",
                    "story",
                    json!({ "label_ids": [], "labels": [] }),
                    json!({ "label_ids": [a], "labels": ["b"] }),
                ),
                said(
                    "POST",
                    format!("{one}/followers"),
                    json!({ "id": max.number }),
                    "follower_create_activity",
                    "story",
                    json!({ "follower_ids": [] }),
                    json!({ "follower_ids": [max.number] }),
                ),
                said(
                    "DELETE",
                    format!("{one}/followers/{}", max.number),
                    Value::Null,
                    "follower_delete_activity",
                    "story",
                    json!({ "follower_ids": [max.number] }),
                    json!({ "follower_ids": [] }),
                ),
                said(
                    "PUT",
                    "/P".into(),
                    json!({ "point_scale": "0,1,2,4,8" }),
                    "project_update_activity",
                    "story",
                    json!({ "estimate": 3 }),
                    json!({ "estimate": 2 }),
                ),
                said(
                    "PUT",
                    "/P/iteration_overrides/1".into(),
                    json!({ "length": 2 }),
                    "iteration_update_activity",
                    "iteration_override",
                    json!({ "length": 1 }),
                    json!({ "length": 2 }),
                ),
                said(
                    "PUT",
                    "/P/iteration_overrides/1".into(),
                    json!({ "length": 2, "team_strength": 0.5 }),
                    "iteration_update_activity",
                    "iteration_override",
                    json!({ "team_strength": 1 }),
                    json!({ "team_strength": 0.5 }),
                ),
            ],
        )
        .await;
        let all = owner.get(&format!("{at}/activity?limit=3")).await;
        let overrides = [&all[0]["changes"][0], &all[1]["changes"][0]];
        assert_eq!(overrides[1]["original_values"]["updated_at"], Value::Null, "there was none before");
        assert_eq!(overrides[0]["original_values"]["updated_at"], overrides[1]["new_values"]["updated_at"]);
        // An estimate that another scale has changed tells whose it is, and changes what its labels add up to.
        let scaled = &all[2]["changes"];
        assert_eq!((&scaled[1]["name"], &scaled[1]["story_type"]), (&json!("s"), &json!("feature")));
        let sum = |side: &str| &scaled[2][side]["counts"]["sum_of_story_estimates_by_state"]["unstarted"];
        assert_eq!((sum("original_values"), sum("new_values")), (&json!(3), &json!(2)));
    })
    .await;
}

#[tokio::test]
async fn tasks_that_make_room_are_told_of() {
    on_one(|house| async move {
        let (owner, project) = house.project(json!({})).await;
        let body =
            json!({ "name": "s", "tasks": [{ "description": "a" }, { "description": "b" }, { "description": "c" }] });
        let story = owner.post(&format!("/projects/{project}/stories"), body).await["id"].clone();
        let tasks = format!("/stories/{story}/tasks");
        let ids = owner.list(&tasks, "id").await;
        let told = |activity: &Value| -> Vec<(Value, Value)> {
            let all = activity["changes"].as_array().unwrap().iter();
            all.map(|one| (one["id"].clone(), one["new_values"]["position"].clone())).collect()
        };
        owner.put(&format!("{tasks}/{}", ids[2]), json!({ "position": 1 })).await;
        let at = |index: usize, position: i64| (ids[index].clone(), json!(position));
        let on = (story.clone(), Value::Null);
        assert_eq!(told(&newest(&owner, project).await), [at(2, 1), on.clone(), at(0, 2), at(1, 3)]);
        owner.delete(&format!("{tasks}/{}", ids[0])).await;
        assert_eq!(told(&newest(&owner, project).await), [(ids[0].clone(), Value::Null), on, at(1, 2)]);
    })
    .await;
}

#[tokio::test]
async fn new_ones_say_everything() {
    on_one(|house| async move {
        let (owner, project) = house.project(json!({})).await;
        house.member(&owner, project, "Max", "member").await;
        let activity = newest(&owner, project).await;
        let kinds: Vec<_> = activity["changes"].as_array().unwrap().iter().map(|one| one["kind"].clone()).collect();
        assert_eq!(kinds, ["layout_scheme", "project_membership", "person"]);
        assert_eq!(activity["primary_resources"][0]["kind"], "project_membership");
        let stories = format!("/projects/{project}/stories");
        let first = owner.post(&stories, json!({ "name": "first" })).await["id"].clone();
        let body = json!({ "name": "second", "blockers": [{ "description": format!("waits for #{first}") }] });
        let second = owner.post(&stories, body).await["id"].clone();
        let activity = newest(&owner, project).await;
        let secondary = &activity["secondary_resources"];
        assert_eq!(secondary[0]["message"], format!("This story is blocking #{second}: second"));
        assert_eq!((&secondary[0]["highlight"], &secondary[0]["resource"]["id"]), (&json!("is blocking"), &first));
        let (_, _, new) = changes(&activity, "story").remove(0);
        let mut names: Vec<_> = new.as_object().unwrap().keys().map(String::as_str).collect();
        names.sort_unstable();
        let expected = [
            "before_id",
            "blocked_story_ids",
            "created_at",
            "current_state",
            "follower_ids",
            "id",
            "label_ids",
            "labels",
            "name",
            "owner_ids",
            "project_id",
            "requested_by_id",
            "story_type",
            "updated_at",
        ];
        assert_eq!(names, expected);
    })
    .await;
}

#[tokio::test]
async fn epics_that_move_say_from_where_to_where() {
    on_each(|house| async move {
        let (owner, project) = house.project(json!({})).await;
        let epics = format!("/projects/{project}/epics");
        let mut ids = Vec::new();
        for name in ["one", "two", "three"] {
            ids.push(owner.post(&epics, json!({ "name": name })).await["id"].clone());
        }
        let created = newest(&owner, project).await;
        assert_eq!(changes(&created, "epic")[0].2["after_id"], ids[1]);
        let third = format!("{epics}/{}", ids[2]);
        check(
            &owner,
            project,
            vec![Said(
                "PUT",
                third.clone(),
                json!({ "before_id": ids[0] }),
                "epic_move_activity",
                "epic",
                json!({ "after_id": ids[1], "before_id": null }),
                json!({ "after_id": null, "before_id": ids[0] }),
            )],
        )
        .await;
        let version = owner.get(&format!("/projects/{project}")).await["version"].clone();
        for same in [json!({ "before_id": ids[0] }), json!({ "name": "three", "before_id": ids[0] })] {
            owner.put(&third, same).await;
        }
        assert_eq!(owner.get(&format!("/projects/{project}")).await["version"], version, "it stood there");
    })
    .await;
}

#[tokio::test]
async fn labels_that_go_change_their_stories() {
    on_each(|house| async move {
        let (owner, project) = house.project(json!({})).await;
        let stories = format!("/projects/{project}/stories");
        let both = owner.post(&stories, json!({ "name": "both", "labels": ["a", "b", "c"] })).await;
        let one = owner.post(&stories, json!({ "name": "one", "labels": ["a"] })).await;
        let label = |index: usize| both["labels"][index]["id"].clone();
        let (a, b, c) = (label(0), label(1), label(2));
        owner.post(&format!("/projects/{project}/epics"), json!({ "name": "e", "label_id": a })).await;
        owner.put(&format!("/projects/{project}/labels/{a}"), json!({ "name": "b" })).await;
        let merged = newest(&owner, project).await;
        assert_eq!(merged["kind"], "label_merge_activity");
        let told = |ids: Value, names: Value| json!({ "label_ids": ids, "labels": names });
        assert_eq!(
            changes(&merged, "story"),
            [
                (
                    json!("update"),
                    told(json!([a, b, c]), json!(["a", "b", "c"])),
                    told(json!([b, c]), json!(["b", "c"]))
                ),
                (json!("update"), told(json!([a]), json!(["a"])), told(json!([b]), json!(["b"]))),
            ]
        );
        assert_eq!(changes(&merged, "epic").len(), 1);
        owner.delete(&format!("/projects/{project}/labels/{c}")).await;
        let deleted = newest(&owner, project).await;
        let expected = (json!("update"), told(json!([b, c]), json!(["b", "c"])), told(json!([b]), json!(["b"])));
        assert_eq!(changes(&deleted, "story"), [expected]);
        assert_eq!(owner.list(&format!("/stories/{}/labels", one["id"]), "name").await, ["b"]);
        assert_eq!(owner.list(&format!("/stories/{}/labels", both["id"]), "name").await, ["b"]);
    })
    .await;
}

#[tokio::test]
async fn a_story_that_leaves_is_one_activity_each_there_and_here() {
    on_each(|house| async move {
        let (owner, project) = house.project(json!({})).await;
        let other = owner.post("/projects", json!({ "name": "Gemini" })).await["id"].as_i64().unwrap();
        owner.post(&format!("/projects/{other}/stories"), json!({ "name": "there", "current_state": "unstarted" })).await;
        let body = json!({ "name": "go", "labels": ["far"], "estimate": 3 });
        let story = owner.post(&format!("/projects/{project}/stories"), body).await;
        let from = story["labels"][0]["id"].clone();
        let versions = |owner: Asker| async move {
            let of = |id: i64| { let owner = owner.clone(); async move { owner.get(&format!("/projects/{id}")).await["version"].as_i64().unwrap() } };
            (of(project).await, of(other).await)
        };
        let before = versions(owner.clone()).await;
        let more = json!({ "project_id": other, "group": "scheduled", "estimate": 1, "comment": "why", "current_state": "started" });
        let moved = owner.put(&format!("/stories/{}", story["id"]), more).await;
        assert_eq!((&moved["project_id"], &moved["current_state"], &moved["estimate"]), (&json!(other), &json!("started"), &json!(1)));
        assert_eq!(versions(owner.clone()).await, (before.0 + 1, before.1 + 1));
        let to = moved["labels"][0]["id"].clone();
        let (left, came) = (newest(&owner, project).await, newest(&owner, other).await);
        assert_eq!(left["kind"], "story_move_from_project_activity");
        assert_eq!(came["kind"], "story_move_into_project_and_prioritize_activity");
        let (_, original, new) = changes(&came, "story").remove(0);
        for (name, was, is) in [
            ("project_id", json!(project), json!(other)),
            ("current_state", json!("unscheduled"), json!("started")),
            ("estimate", json!(3), json!(1)),
            ("label_ids", json!([from]), json!([to])),
            ("labels", json!(["far"]), json!(["far"])),
            ("owned_by_id", Value::Null, json!(owner.number)),
        ] {
            assert_eq!((&original[name], &new[name]), (&was, &is), "{name}");
        }
        assert!(new["before_id"].is_i64(), "{new}");
        let kinds: Vec<_> = came["changes"].as_array().unwrap().iter().map(|one| one["kind"].clone()).collect();
        assert_eq!(kinds, ["label", "story", "comment", "label"]);
        // The same story, sent back as it was got but for its project, where not everybody is a member and points are others.
        let max = house.member(&owner, other, "Max", "member").await;
        let change = json!({ "owner_ids": [owner.number, max.number], "follower_ids": [max.number], "requested_by_id": max.number });
        owner.put(&format!("/stories/{}", story["id"]), change).await;
        owner.put(&format!("/projects/{project}"), json!({ "point_scale": "0,2,4" })).await;
        let before = versions(owner.clone()).await;
        let mut back = owner.get(&format!("/stories/{}", story["id"])).await;
        back["project_id"] = json!(project);
        let back = owner.put(&format!("/stories/{}", story["id"]), back).await;
        assert_eq!((&back["labels"][0]["id"], &back["current_state"]), (&from, &json!("started")));
        assert_eq!((&back["owner_ids"], &back["estimate"]), (&json!([owner.number]), &json!(0)));
        assert_eq!(versions(owner.clone()).await, (before.0 + 1, before.1 + 1));
    })
    .await;
}

#[tokio::test]
async fn a_commit_is_its_authors() {
    on_each(|house| async move {
        let (owner, project) = house.project(json!({})).await;
        let max = house.member(&owner, project, "Max", "member").await;
        let stories = format!("/projects/{project}/stories");
        let bug = owner.post(&stories, json!({ "name": "b", "story_type": "bug" })).await["id"].clone();
        let commit = |message: String, url: &str| json!({ "source_commit": { "commit_id": "abc", "message": message, "url": url, "author": "Max" } });
        let version = owner.get(&format!("/projects/{project}")).await["version"].as_i64().unwrap();
        owner.post("/source_commits", commit(format!("[fixes #{bug}]"), "https://git.example.com/1")).await;
        let fixed = newest(&owner, project).await;
        assert_eq!((&fixed["project_version"], &fixed["performed_by"]["id"]), (&json!(version + 1), &json!(max.number)));
        assert_eq!(fixed["highlight"], "finished");
        let (_, original, new) = changes(&fixed, "story").remove(0);
        assert_eq!((&original["current_state"], &new["current_state"]), (&json!("unscheduled"), &json!("finished")));
        assert_eq!(new["follower_ids"], json!([max.number]));
        let (_, _, comment) = changes(&fixed, "comment").remove(0);
        assert_eq!((&comment["commit_identifier"], &comment["person_id"]), (&json!("abc"), &json!(max.number)));
        assert!(comment.get("commit_type").is_none(), "{comment}");
        // Named only: a comment, and the story that it touches.
        owner.post("/source_commits", commit(format!("[#{bug}]"), "https://github.com/a/b/commit/1")).await;
        let named = newest(&owner, project).await;
        assert_eq!(named["changes"][0]["kind"], "comment");
        assert_eq!(named["kind"], "comment_create_activity");
        assert_eq!(changes(&named, "comment")[0].2["commit_type"], "github");
        assert_eq!(changes(&named, "story"), [(json!("update"), json!({}), json!({}))]);
    })
    .await;
}
