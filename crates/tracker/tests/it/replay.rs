//! Who only follows what happens knows everything: activities, applied one after the other, give what is answered.

use super::house::{Asker, on_each};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

const STEPS: usize = 150;
const FIELDS: [&str; 13] = [
    "name",
    "description",
    "story_type",
    "current_state",
    "estimate",
    "story_priority",
    "accepted_at",
    "deadline",
    "requested_by_id",
    "owner_ids",
    "label_ids",
    "follower_ids",
    "updated_at",
];

fn pick<'a, T>(random: &mut StdRng, all: &'a [T]) -> &'a T {
    &all[random.random_range(0..all.len())]
}

/// One thing that somebody may do to a story; much of it is refused, which must change nothing.
fn step(
    random: &mut StdRng,
    story: i64,
    other: i64,
    people: &[i64],
    projects: &[i64],
) -> (&'static str, String, Value) {
    let at = format!("/stories/{story}");
    let label = *pick(random, &["a", "b", "c"]);
    let person = *pick(random, people);
    let state = *pick(random, &["started", "finished", "accepted", "rejected", "unstarted", "unscheduled", "planned"]);
    match random.random_range(0..13) {
        0 | 1 => ("PUT", at, json!({ "current_state": state, "estimate": 1, "comment": "so" })),
        2 => ("POST", format!("{at}/labels"), json!({ "name": label })),
        3 => ("PUT", at, json!({ "labels": [label, "d"], "story_priority": "p1" })),
        4 => ("POST", format!("{at}/owners"), json!({ "id": person })),
        5 => ("DELETE", format!("{at}/owners/{person}"), Value::Null),
        6 => ("POST", format!("{at}/followers"), json!({ "id": person })),
        7 => ("DELETE", format!("{at}/followers/{person}"), Value::Null),
        8 => ("POST", format!("{at}/comments"), json!({ "text": "@max, look" })),
        9 => ("POST", format!("{at}/blockers"), json!({ "description": format!("#{other}") })),
        10 => ("PUT", at, json!({ "project_id": pick(random, projects), "name": format!("n{other}") })),
        11 => ("PUT", at, json!({ "story_type": pick(random, &["feature", "bug", "chore", "release"]) })),
        _ => ("PUT", at, json!({ "before_id": other })),
    }
}

/// What somebody who only reads a project's activity has of its stories, and of the counts of its labels.
fn replayed(activities: &[Value], project: i64) -> (BTreeMap<i64, Map<String, Value>>, BTreeMap<i64, Value>) {
    let (mut stories, mut counts) = (BTreeMap::new(), BTreeMap::new());
    for activity in activities.iter().rev() {
        for change in activity["changes"].as_array().unwrap() {
            let id = change["id"].as_i64().unwrap();
            let new = change["new_values"].as_object().cloned().unwrap_or_default();
            match (change["kind"].as_str().unwrap(), change["change_type"].as_str().unwrap()) {
                ("story", "create") => drop(stories.insert(id, new)),
                ("story", "delete") => drop(stories.remove(&id)),
                // What comes from elsewhere is read, not followed.
                ("story", _) if !stories.contains_key(&id) => {}
                ("story", _) => {
                    let story = stories.get_mut(&id).unwrap();
                    for (name, was) in change["original_values"].as_object().unwrap() {
                        if FIELDS.contains(&name.as_str()) && name != "story_priority" {
                            assert_eq!(story.get(name).unwrap_or(&Value::Null), was, "{name} before {activity:#}");
                        }
                    }
                    story.extend(new);
                    if story["project_id"] != project {
                        stories.remove(&id);
                    }
                }
                ("label", "delete") => drop(counts.remove(&id)),
                ("label", _) if new.contains_key("counts") => drop(counts.insert(id, new["counts"].clone())),
                _ => {}
            }
        }
    }
    (stories, counts)
}

async fn check(owner: &Asker, project: i64) {
    let activities = owner.get(&format!("/projects/{project}/activity?limit=10000")).await;
    let (stories, counts) = replayed(activities.as_array().unwrap(), project);
    let all =
        owner.get(&format!("/projects/{project}/stories?limit=1000&fields=:default,label_ids,follower_ids")).await;
    let shown: BTreeMap<i64, &Value> =
        all.as_array().unwrap().iter().map(|story| (story["id"].as_i64().unwrap(), story)).collect();
    for (id, story) in &stories {
        for name in FIELDS {
            let usual = if name == "story_priority" { json!("none") } else { Value::Null };
            assert_eq!(story.get(name).unwrap_or(&usual), &shown[id][name], "{name} of {id}");
        }
    }
    for label in owner.get(&format!("/projects/{project}/labels?fields=counts")).await.as_array().unwrap() {
        let known = counts.get(&label["id"].as_i64().unwrap());
        assert!(known.is_none_or(|known| *known == label["counts"]), "{known:?} is not {label}");
    }
}

#[tokio::test]
async fn who_only_follows_knows_everything() {
    on_each(|house| async move {
        let mut random = StdRng::seed_from_u64(5);
        let (owner, one) = house.project(json!({ "automatic_planning": false })).await;
        let two = owner.post("/projects", json!({ "name": "Gemini" })).await["id"].as_i64().unwrap();
        let max = house.member(&owner, one, "Max", "member").await;
        let (people, projects) = ([owner.number, max.number], [one, two]);
        let mut ids = Vec::new();
        for index in 0..8 {
            let body = json!({ "name": format!("s{index}"), "estimate": index % 3, "labels": ["a", "b"] });
            ids.push(
                owner.post(&format!("/projects/{}/stories", projects[index % 2]), body).await["id"].as_i64().unwrap(),
            );
        }
        for index in 0..STEPS {
            let (story, other) = (*pick(&mut random, &ids), *pick(&mut random, &ids));
            let (method, path, body) = step(&mut random, story, other, &people, &projects);
            let answer = owner.send(method, &path, body.clone()).await;
            assert!(!answer.status.is_server_error(), "{method} {path} {body}: {}", answer.body);
            let labels = owner.list(&format!("/projects/{one}/labels"), "id").await;
            let label = format!("/projects/{one}/labels/{}", labels[0]);
            match index % 30 {
                10 => drop(owner.put(&label, json!({ "name": "b" })).await),
                20 => drop(owner.delete(&label).await),
                29 => drop(owner.send("PUT", &format!("/projects/{two}"), json!({ "point_scale": "0,1,2,4,8" })).await),
                _ => {}
            }
        }
        check(&owner, one).await;
        check(&owner, two).await;
    })
    .await;
}
