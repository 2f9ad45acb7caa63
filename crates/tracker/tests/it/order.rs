//! One order for all, whoever moves what and when.

use super::house::{Asker, on_each};
use rand::RngExt;
use serde_json::{Value, json};

const STORIES: usize = 24;

async fn filled(owner: &Asker, path: &str) -> Vec<i64> {
    let mut ids = Vec::new();
    for index in 0..STORIES {
        let state = if index % 3 == 0 { "unscheduled" } else { "unstarted" };
        let body = json!({ "name": format!("s{index}"), "story_type": "chore", "current_state": state });
        ids.push(owner.post(path, body).await["id"].as_i64().unwrap());
    }
    ids
}

async fn order(owner: &Asker, path: &str) -> Vec<i64> {
    owner.list(&format!("{path}?limit=1000"), "id").await.iter().map(|id| id.as_i64().unwrap()).collect()
}

/// What somebody who only follows what happens makes of it.
fn replay(mut order: Vec<i64>, activities: &[Value]) -> Vec<i64> {
    for activity in activities.iter().rev() {
        for change in activity["changes"].as_array().unwrap() {
            let new = &change["new_values"];
            if change["kind"] != "story" || (new.get("before_id").is_none() && new.get("after_id").is_none()) {
                continue;
            }
            let id = change["id"].as_i64().unwrap();
            order.retain(|one| *one != id);
            let index = |neighbour: &Value| order.iter().position(|one| Some(*one) == neighbour.as_i64());
            let place = match (index(&new["before_id"]), index(&new["after_id"])) {
                (Some(below), _) => below,
                (None, Some(above)) => above + 1,
                // It has become the last; whoever stood above it is told by no change then.
                (None, None) => order.len(),
            };
            order.insert(place, id);
        }
    }
    order
}

#[tokio::test]
async fn t29_any_interleaving_of_moves_gives_one_order() {
    on_each(|house| async move {
        let (owner, project) = house.project(json!({})).await;
        let path = format!("/projects/{project}/stories");
        let ids = filled(&owner, &path).await;
        let before = order(&owner, &path).await;
        let since = owner.get(&format!("/projects/{project}")).await["version"].as_i64().unwrap();
        let mut tasks = Vec::new();
        for person in 0..6 {
            let who = house.member(&owner, project, &format!("P{person}"), "member").await;
            let (ids, path) = (ids.clone(), path.clone());
            tasks.push(tokio::spawn(async move {
                for _ in 0..15 {
                    let (moving, beside, way) = {
                        let mut random = rand::rng();
                        let pick = |random: &mut rand::rngs::ThreadRng| ids[random.random_range(0..ids.len())];
                        (pick(&mut random), pick(&mut random), random.random_range(0..4))
                    };
                    if moving == beside {
                        continue;
                    }
                    let body = match way {
                        0 => json!({ "before_id": beside }),
                        1 => json!({ "after_id": beside }),
                        2 => json!({ "group": "unscheduled", "before_id": beside }),
                        _ => json!({ "group": "scheduled", "after_id": beside }),
                    };
                    who.put(&format!("{path}/{moving}"), body).await;
                }
            }));
        }
        for task in tasks {
            task.await.unwrap();
        }
        let after = order(&owner, &path).await;
        let mut sorted = after.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, ids, "none lost, none doubled");
        // Neighbours say the same as the list.
        let shown = owner.get(&format!("{path}?limit=1000&fields=before_id,after_id")).await;
        for (index, story) in shown.as_array().unwrap().iter().enumerate() {
            let at = |index: Option<usize>| index.and_then(|index| after.get(index)).copied();
            assert_eq!(story["after_id"].as_i64(), at(index.checked_sub(1)), "{index}");
            assert_eq!(story["before_id"].as_i64(), at(Some(index + 1)), "{index}");
        }
        // And who only followed has it, too.
        let what = owner.get(&format!("/projects/{project}/activity?limit=1000&since_version={since}")).await;
        assert_eq!(replay(before, what.as_array().unwrap()), after);
    })
    .await;
}

#[tokio::test]
async fn fifty_people_drag_one_card() {
    on_each(|house| async move {
        let (owner, project) = house.project(json!({})).await;
        let path = format!("/projects/{project}/stories");
        let ids = filled(&owner, &path).await;
        let version = owner.get(&format!("/projects/{project}")).await["version"].as_i64().unwrap();
        let tasks: Vec<_> = (0..50)
            .map(|index| {
                let (owner, path) = (owner.clone(), path.clone());
                let (card, beside) = (ids[1], ids[2 + index % 20]);
                tokio::spawn(async move { owner.put(&format!("{path}/{card}"), json!({ "after_id": beside })).await })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        let mut after = order(&owner, &path).await;
        after.sort_unstable();
        assert_eq!(after, ids);
        let moves = owner.get(&format!("/projects/{project}/activity?limit=1000&since_version={version}")).await;
        let mut versions: Vec<i64> =
            moves.as_array().unwrap().iter().map(|one| one["project_version"].as_i64().unwrap()).collect();
        versions.reverse();
        let last = owner.get(&format!("/projects/{project}")).await["version"].as_i64().unwrap();
        assert_eq!(versions, (version + 1..=last).collect::<Vec<_>>(), "each move one version, without a gap");
    })
    .await;
}
