//! Iterations, releases, epics and history over the API, as time passes.

use super::house::{Asker, House, on_each, on_one};
use serde_json::{Value, json};
use std::time::Duration;

const WEEK: u64 = 7 * 24 * 3600;

async fn story(owner: &Asker, project: i64, name: &str, state: &str, estimate: i64) -> i64 {
    let body = json!({ "name": name, "current_state": state, "estimate": estimate });
    owner.post(&format!("/projects/{project}/stories"), body).await["id"].as_i64().unwrap()
}

fn pass(house: &House, weeks: u64) {
    house.tracker.clock.advance(Duration::from_secs(weeks * WEEK));
}

async fn names(owner: &Asker, path: &str) -> Vec<Vec<String>> {
    let iterations = owner.get(path).await;
    let names = |one: &Value| {
        let stories = one["stories"].as_array().unwrap().iter();
        stories.map(|story| story["name"].as_str().unwrap().to_owned()).collect()
    };
    iterations.as_array().unwrap().iter().map(names).collect()
}

#[tokio::test]
async fn t29_iterations_fill_roll_over_and_are_counted_back() {
    on_each(|house| async move {
        let (owner, project) = house.project(json!({ "initial_velocity": 5, "point_scale": "0,1,2,3,5,8" })).await;
        let at = format!("/projects/{project}");
        // Newest on top, so made from the bottom up.
        for (name, points) in [("e", 1), ("d", 8), ("c", 2), ("b", 3), ("a", 2)] {
            story(&owner, project, name, "unstarted", points).await;
        }
        let path = format!("{at}/iterations?scope=current_backlog");
        assert_eq!(names(&owner, &path).await, [vec!["a", "b"], vec!["c"], vec!["d"], vec!["e"]]);
        let all = format!("{at}/iterations?fields=number,points,velocity,story_ids,team_strength,length,start,finish");
        let first = owner.get(&all).await[0].clone();
        assert_eq!((&first["points"], &first["velocity"], &first["length"]), (&json!(5), &json!(5), &json!(1)));
        let a = owner.get(&format!("{at}/stories?filter=name:a")).await[0]["id"].clone();
        owner.put(&format!("/stories/{a}"), json!({ "current_state": "accepted" })).await;
        pass(&house, 1);
        // Two points done: velocity 2. What was not accepted stays at the top.
        assert_eq!(owner.get(&at).await["current_iteration_number"], 2);
        assert_eq!(names(&owner, &format!("{at}/iterations?scope=done")).await, [vec!["a"]]);
        let velocity = owner.get(&format!("{at}?fields=current_velocity,current_volatility")).await;
        assert_eq!((&velocity["current_velocity"], &velocity["current_volatility"]), (&json!(2), &json!(0.0)));
        assert_eq!(
            names(&owner, &path).await,
            [vec![], vec!["b"], vec!["c"], vec![], vec![], vec![], vec!["d", "e"]]
        );
        // An iteration of three weeks, half the team there.
        let override_ = owner.put(&format!("{at}/iteration_overrides/1"), json!({ "length": 2, "team_strength": 0.5 })).await;
        assert_eq!(override_, json!({ "kind": "iteration_override", "number": 1, "project_id": project, "length": 2, "team_strength": 0.5 }));
        assert_eq!(owner.get(&at).await["current_iteration_number"], 1, "it is still the first");
        let bad = (400, "invalid_parameter", "length can only be between 1 and 99.");
        owner.refused("PUT", &format!("{at}/iteration_overrides/1"), json!({ "length": 100 }), bad).await;
        owner.refused("PUT", &format!("{at}/iteration_overrides/7"), json!({ "length": 2 }), (400, "invalid_parameter", "")).await;
        pass(&house, 14);
        let done = owner.call("GET", &format!("{at}/iterations?scope=done&offset=-3&limit=2"), Value::Null, 200).await;
        let numbers: Vec<_> = done.body.as_array().unwrap().iter().map(|one| &one["number"]).collect();
        assert_eq!(numbers, [12, 13]);
        assert_eq!(done.header("x-tracker-pagination-total"), "14");
        assert_eq!(done.header("x-tracker-pagination-offset"), "-3");
        let none = owner.call("GET", &format!("{at}/iterations?scope=done&offset=99"), Value::Null, 200).await;
        assert_eq!((none.body, none.headers["x-tracker-pagination-returned"].as_bytes()), (json!([]), &b"0"[..]));
        // Nothing accepted in the last three: the initial velocity again.
        assert_eq!(owner.get(&format!("{at}?fields=current_velocity")).await["current_velocity"], 5);
        let analytics = owner.get(&format!("{at}/iterations/1/analytics")).await;
        assert_eq!(analytics["stories_accepted"], 1);
        // Another start day: overrides are forgotten.
        owner.put(&at, json!({ "week_start_day": "wednesday" })).await;
        assert_eq!(owner.get(&format!("{at}?fields=iteration_override_numbers")).await["iteration_override_numbers"], json!([]));
    })
    .await;
}

#[tokio::test]
async fn manual_planning() {
    on_one(|house| async move {
        let (owner, project) = house.project(json!({ "automatic_planning": false })).await;
        let at = format!("/projects/{project}");
        let one = story(&owner, project, "one", "unstarted", 1).await;
        story(&owner, project, "two", "unstarted", 1).await;
        let path = format!("{at}/iterations?scope=current_backlog");
        assert_eq!(names(&owner, &path).await, [vec![], vec!["two", "one"]]);
        owner.put(&format!("/stories/{one}"), json!({ "group": "current" })).await;
        assert_eq!(owner.get(&format!("/stories/{one}")).await["current_state"], "planned");
        assert_eq!(names(&owner, &path).await, [vec!["one"], vec!["two"]]);
        let three = owner.post(&format!("{at}/stories"), json!({ "name": "three", "group": "current" })).await;
        assert_eq!(three["current_state"], "planned");
        owner.delete(&format!("/stories/{}", three["id"])).await;
        owner.put(&at, json!({ "automatic_planning": true })).await;
        assert_eq!(owner.get(&format!("/stories/{one}")).await["current_state"], "unstarted");
        assert_eq!(names(&owner, &path).await, [vec!["two", "one"]]);
    })
    .await;
}

#[tokio::test]
async fn releases_cover_what_stands_above_them() {
    on_each(|house| async move {
        let (owner, project) = house.project(json!({ "initial_velocity": 2 })).await;
        let at = format!("/projects/{project}");
        let release = |name: &'static str| json!({ "name": name, "story_type": "release", "current_state": "unstarted", "deadline": "2030-01-01T00:00:00Z" });
        story(&owner, project, "late", "unstarted", 3).await;
        let second = owner.post(&format!("{at}/stories"), release("second")).await["id"].clone();
        story(&owner, project, "middle", "unstarted", 2).await;
        let first = owner.post(&format!("{at}/stories"), release("first")).await["id"].clone();
        story(&owner, project, "early", "unstarted", 2).await;
        assert_eq!(owner.list(&format!("{at}/releases"), "name").await, ["first", "second"]);
        assert_eq!(owner.list(&format!("{at}/releases/{first}/stories"), "name").await, ["early"]);
        assert_eq!(owner.list(&format!("{at}/releases/{second}/stories"), "name").await, ["middle"]);
        let shown = owner.get(&format!("{at}/releases/{second}?fields=:default,points_total,counts_total,projected_completion")).await;
        assert_eq!((&shown["kind"], &shown["points_total"], &shown["counts_total"]), (&json!("release"), &json!(2), &json!(1)));
        let second_finish = owner.get(&format!("{at}/iterations/2")).await["finish"].clone();
        assert_eq!(shown["projected_completion"], second_finish);
        let story = owner.get(&format!("/stories/{second}?fields=projected_completion,deadline")).await;
        assert_eq!(story["projected_completion"], second_finish);
        assert_eq!(story["deadline"], "2030-01-01T00:00:00Z");
    })
    .await;
}

#[tokio::test]
async fn epics() {
    on_each(|house| async move {
        let (owner, project) = house.project(json!({})).await;
        let at = format!("/projects/{project}");
        let epics = format!("{at}/epics");
        let moon = owner.post(&epics, json!({ "name": "To the Moon", "comments": [{ "text": "high" }] })).await;
        assert_eq!(moon["label"]["name"], "to the moon");
        assert_eq!(moon["url"], format!("http://tracker.test/epic/show/{}", moon["id"]));
        owner.post(&epics, json!({ "name": "Back", "label": { "name": "Home" } })).await;
        let taken = (400, "invalid_parameter", "The label 'home' is already used by another epic.");
        owner.refused("POST", &epics, json!({ "name": "again", "label": { "name": "home" } }), taken).await;
        let far = owner.post(&epics, json!({ "name": "Far", "before_id": moon["id"] })).await;
        assert_eq!(owner.list(&epics, "name").await, ["Far", "To the Moon", "Back"]);
        owner.put(&format!("{epics}/{}", far["id"]), json!({ "after_id": moon["id"] })).await;
        assert_eq!(owner.list(&epics, "name").await, ["To the Moon", "Far", "Back"]);
        let shown = owner.get(&format!("/epics/{}?fields=:default,before_id,after_id,comments(text)", far["id"])).await;
        assert_eq!(shown["after_id"], moon["id"]);
        let body = json!({ "name": "s", "labels": ["to the moon"], "estimate": 1, "current_state": "unstarted" });
        let story = owner.post(&format!("{at}/stories"), body).await;
        let reckoned =
            format!("{epics}/{}?fields=projected_completion,completed_at,past_done_stories_count", moon["id"]);
        assert!(owner.get(&reckoned).await["projected_completion"].is_string());
        owner.put(&format!("/stories/{}", story["id"]), json!({ "current_state": "accepted" })).await;
        assert!(owner.get(&reckoned).await["completed_at"].is_string());
        pass(&house, 20);
        assert_eq!(owner.get(&reckoned).await["past_done_stories_count"], 1);
        assert_eq!(owner.list(&format!("{epics}?filter=moon"), "name").await, ["To the Moon"]);
        // Its label goes only after it.
        let label = format!("{at}/labels/{}", moon["label"]["id"]);
        owner.refused("DELETE", &label, Value::Null, (400, "invalid_parameter", "")).await;
        owner.delete(&format!("{epics}/{}", moon["id"])).await;
        owner.delete(&label).await;
        let activity = owner.get(&format!("{at}/activity?limit=2")).await;
        assert_eq!(activity[0]["message"], "Ada deleted label: \"to the moon\"");
        assert_eq!(activity[1]["kind"], "epic_delete_activity");
    })
    .await;
}

#[tokio::test]
async fn days_and_snapshots() {
    on_each(|house| async move {
        let (owner, project) = house.project(json!({})).await;
        let at = format!("/projects/{project}");
        let one = story(&owner, project, "one", "unstarted", 3).await;
        story(&owner, project, "two", "unscheduled", 2).await;
        pass(&house, 1);
        owner.put(&format!("/stories/{one}"), json!({ "current_state": "accepted" })).await;
        let days = owner.get(&format!("{at}/history/days")).await;
        assert_eq!(days["header"].as_array().unwrap().len(), 17);
        let rows = days["data"].as_array().unwrap();
        assert_eq!(rows.len(), 8);
        let (first, last) = (&rows[0], &rows[7]);
        // Points accepted and unstarted; counts accepted and unscheduled.
        assert_eq!((&first[1], &first[7], &first[9], &first[16]), (&json!(0.0), &json!(3.0), &json!(0), &json!(1)));
        assert_eq!((&last[1], &last[7], &last[9], &last[16]), (&json!(3.0), &json!(0.0), &json!(1), &json!(1)));
        let snapshots = owner.get(&format!("{at}/history/snapshots")).await;
        let (before, after) = (&snapshots[6], &snapshots[7]);
        assert_eq!(before["backlog"][0]["story_id"], one);
        assert_eq!(after["current"][0]["story_id"], one);
        assert_eq!(after["icebox"].as_array().unwrap().len(), 1);
        // The first iteration begins with the week of the first acceptance.
        let days = owner.get(&format!("{at}/history/iterations/1/days")).await;
        assert_eq!(days["data"].as_array().unwrap().last().unwrap()[1], 3.0);
        let day = days["data"][1][0].as_str().unwrap();
        for (range, count) in [("2000-01-01", days["data"].as_array().unwrap().len()), (day, 1)] {
            let part = format!(
                "{at}/history/iterations/1/days?start_date={range}&end_date={}",
                if count == 1 { day } else { "2999-01-01" }
            );
            assert_eq!(owner.get(&part).await["data"].as_array().unwrap().len(), count, "{range}");
        }
    })
    .await;
}

#[tokio::test]
async fn transitions_as_a_table() {
    on_one(|house| async move {
        let (owner, project) = house.project(json!({})).await;
        let one = story(&owner, project, "one", "unstarted", 3).await;
        owner.put(&format!("/stories/{one}"), json!({ "current_state": "started" })).await;
        let path = format!("/projects/{project}/story_transitions");
        let all = owner.get(&path).await;
        let table = owner.call("GET", &format!("{path}.csv?limit=1&offset=1"), Value::Null, 200).await;
        assert_eq!((table.header("content-type"), table.header("x-tracker-pagination-total")), ("text/csv; charset=utf-8", "2"));
        let at = all[1]["occurred_at"].as_str().unwrap();
        let expected = format!("state,story_id,project_id,project_version,occurred_at,performed_by_id\nstarted,{one},{project},3,{at},{}\n", owner.number);
        assert_eq!(table.body, expected);
        owner.refused("GET", &format!("{path}.csv?nose=1"), Value::Null, (400, "invalid_parameter", "")).await;
    })
    .await;
}

#[tokio::test]
async fn searches() {
    on_each(|house| async move {
        let (owner, project) = house.project(json!({})).await;
        let at = format!("/projects/{project}");
        let ada = story(&owner, project, "Land on the Moon", "unstarted", 3).await;
        let body = json!({ "name": "Crash", "story_type": "bug", "labels": ["engine"], "comments": [{ "text": "over Reykjavík" }] });
        owner.post(&format!("{at}/stories"), body).await;
        for (query, expected) in [
            ("moon", vec!["Land on the Moon"]),
            ("reykjav%C3%ADk", vec!["Crash"]),
            ("label:engine", vec!["Crash"]),
            ("type:bug%20OR%20state:unstarted", vec!["Land on the Moon", "Crash"]),
            ("-type:bug", vec!["Land on the Moon"]),
            ("estimate:3", vec!["Land on the Moon"]),
            ("estimate:-1", vec!["Crash"]),
            ("requester:ada", vec!["Land on the Moon", "Crash"]),
            ("created:today", vec!["Land on the Moon", "Crash"]),
            ("created_before:yesterday", vec![]),
        ] {
            assert_eq!(owner.list(&format!("{at}/stories?filter={query}"), "name").await, expected, "{query}");
        }
        let found = owner.get(&format!("{at}/search?query=moon")).await;
        assert_eq!(found["stories"]["total_hits"], 1);
        assert_eq!(found["stories"]["total_points"], 3);
        assert_eq!(found["query"], "moon");
        // What was done long ago is hidden, unless it is asked for.
        owner.put(&format!("/stories/{ada}"), json!({ "current_state": "accepted" })).await;
        pass(&house, 20);
        let found = owner.get(&format!("{at}/search?query=moon")).await;
        assert_eq!((&found["stories"]["total_hits"], &found["stories"]["total_hits_with_done"]), (&json!(0), &json!(1)));
        assert_eq!(owner.list(&format!("{at}/stories?filter=moon%20includedone:true"), "id").await, [ada]);
        // And then it comes last.
        let all = owner.get(&format!("{at}/search?query=includedone:true&fields=stories(stories(name))")).await;
        let names: Vec<_> = all["stories"]["stories"].as_array().unwrap().iter().map(|one| &one["name"]).collect();
        assert_eq!(names, ["Crash", "Land on the Moon"]);
        let empty = owner.get(&format!("{at}/stories?filter=nothing&envelope=true")).await;
        assert_eq!(empty["pagination"]["total"], Value::Null);
    })
    .await;
}

#[tokio::test]
async fn the_board_has_everything() {
    on_each(|house| async move {
        let (owner, project) = house.project(json!({})).await;
        let at = format!("/projects/{project}");
        let body = json!({ "name": "s", "labels": ["x"], "owner_ids": [owner.number], "tasks": [{ "description": "t" }], "comments": [{ "text": "c" }], "blockers": [{ "description": "b" }] });
        let made = owner.post(&format!("{at}/stories"), body).await;
        let old = story(&owner, project, "old", "accepted", 2).await;
        pass(&house, 1);
        let viewer = house.member(&owner, project, "Vic", "viewer").await;
        let board = viewer.get(&format!("{at}/board")).await;
        assert_eq!(board["version"], owner.get(&at).await["version"]);
        assert_eq!(board["me"], json!({ "person_id": viewer.number, "role": "viewer", "may": { "work": false, "manage": false, "follow": true } }));
        let stories = board["stories"].as_array().unwrap();
        assert_eq!(stories.len(), 1, "{old} is done");
        assert_eq!(stories[0]["id"], made["id"]);
        assert_eq!(stories[0]["label_ids"], json!([made["labels"][0]["id"]]));
        let count = |name: &str| stories[0][name].as_i64().unwrap();
        assert_eq!((count("tasks_count"), count("tasks_open_count"), count("comments_count"), count("blockers_count")), (1, 1, 1, 1));
        assert_eq!(board["iterations"]["current_number"], 2);
        assert_eq!(board["iterations"]["velocity"], 2);
        assert_eq!(board["iterations"]["boundaries"][0], board["iterations"]["current"]["start"]);
        assert_eq!(board["people"].as_array().unwrap().len(), 2);
    })
    .await;
}
