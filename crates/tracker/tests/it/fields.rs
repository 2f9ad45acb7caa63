//! `fields=` on every kind of answer, and what may be asked for although there is nothing of it here.

use super::house::{on_each, on_one};
use serde_json::{Value, json};

fn names(value: &Value) -> Vec<&str> {
    let mut names: Vec<_> = value.as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    names
}

#[tokio::test]
async fn every_answer_is_cut_to_what_is_asked_for() {
    on_each(|house| async move {
        let (owner, project) = house.project(json!({})).await;
        house.member(&owner, project, "Max", "member").await;
        let at = format!("/projects/{project}");
        let story = owner.post(&format!("{at}/stories"), json!({ "name": "moon", "labels": ["x"] })).await["id"].clone();
        let release = json!({ "name": "r", "story_type": "release", "current_state": "unstarted" });
        let release = owner.post(&format!("{at}/stories"), release).await["id"].clone();
        let workspace = owner.post("/my/workspaces?fields=name", json!({ "name": "w", "project_ids": [project] })).await;
        assert_eq!(names(&workspace), ["id", "name"]);
        owner.post(&format!("{at}/my/searches"), json!({ "name": "s", "query": "q" })).await;
        let admin = house.admin().await;
        for (who, path, expected) in [
            (&owner, format!("{at}/activity?limit=1&fields=message"), &["guid", "message", "project_version"][..]),
            (&owner, "/my/workspaces?fields=project_ids".into(), &["id", "project_ids"]),
            (&owner, format!("{at}/my/searches?fields=query"), &["id", "query"]),
            (&owner, "/account_summaries?fields=name".into(), &["id", "name"]),
            (&owner, format!("/my/people?project_id={project}&fields=person(name)"), &["person"]),
            (&owner, format!("{at}/history/days?fields=header"), &["header"]),
            (&owner, format!("{at}/history/iterations/1/days?fields=header"), &["header"]),
            (&owner, format!("{at}/history/releases/{release}/days?fields=data"), &["data"]),
            (&owner, format!("{at}/history/snapshots?fields=date,icebox"), &["date", "icebox"]),
            (&owner, format!("{at}/iterations/1/analytics?fields=cycle_time"), &["cycle_time"]),
            (&owner, format!("{at}/search?query=moon&fields=query"), &["query"]),
            (&admin, "/accounts".into(), &["created_at", "id", "kind", "name", "plan", "status", "updated_at"]),
            (&admin, "/accounts/1?fields=project_ids,days_left".into(), &["id", "project_ids"]),
            (&admin, "/accounts/1/memberships?fields=owner,person(initials)".into(), &["id", "owner", "person"]),
        ] {
            let answer = who.get(&path).await;
            let first = answer.as_array().map_or(&answer, |all| &all[0]);
            assert_eq!(names(first), expected, "{path}");
            let wrong = if path.contains("fields=") { format!("{path},nose") } else { format!("{path}?fields=nose") };
            who.refused("GET", &wrong, Value::Null, (400, "invalid_parameter", "")).await;
        }
        let path = format!("{at}/activity?fields=changes(kind,new_values(name)),performed_by(name),project(name),primary_resources(url)");
        let shown = owner.get(&path).await[1].clone();
        let story_change = shown["changes"].as_array().unwrap().iter().find(|one| one["kind"] == "story").unwrap();
        assert_eq!(story_change, &json!({ "id": story, "kind": "story", "new_values": { "id": story, "name": "moon" } }));
        assert_eq!(shown["performed_by"], json!({ "id": owner.number, "name": "Ada" }));
        assert_eq!(shown["project"], json!({ "id": project, "name": "Apollo" }));
        assert_eq!(names(&shown["primary_resources"][0]), ["id", "url"]);
        let found = owner.get(&format!("{at}/search?query=moon&fields=stories(total_hits,stories(name))")).await;
        assert_eq!(found, json!({ "stories": { "total_hits": 1, "stories": [{ "id": story, "name": "moon" }] } }));
        let people = owner.get(&format!("/my/people?project_id={project}&fields=person(name)")).await;
        assert_eq!(people[0]["person"]["name"], "Max");
        let zone = owner.get(&format!("{at}?fields=time_zone(olson_name),labels(name,counts(kind))")).await;
        assert_eq!(zone["time_zone"], json!({ "olson_name": "UTC" }));
        assert_eq!(zone["labels"][0]["counts"], json!({ "kind": "story_counts" }));
        let written = owner.put(&format!("{at}/iteration_overrides/1?fields=length"), json!({ "length": 2 })).await;
        assert_eq!(written, json!({ "number": 1, "length": 2 }));
        let overrides = owner.get(&format!("{at}?fields=iteration_overrides(team_strength)")).await;
        assert_eq!(overrides["iteration_overrides"], json!([{ "number": 1, "team_strength": 1 }]));
    })
    .await;
}

#[tokio::test]
async fn what_is_not_kept_here_is_empty() {
    on_one(|house| async move {
        let (owner, project) = house.project(json!({ "accounting_type": "billable" })).await;
        let at = format!("/projects/{project}");
        let story =
            owner.post(&format!("{at}/stories"), json!({ "name": "s", "story_type": "release" })).await["id"].clone();
        let epic = owner.post(&format!("{at}/epics"), json!({ "name": "e" })).await["id"].clone();
        for (path, expected) in [
            (
                format!("{at}?fields=integration_ids,story_template_ids,integrations"),
                json!({ "id": project, "integration_ids": [], "story_template_ids": [], "integrations": [] }),
            ),
            (
                format!("{at}?fields=scm_type_host_url_mapping,join_as,accounting_type"),
                json!({ "id": project, "scm_type_host_url_mapping": {}, "accounting_type": "billable" }),
            ),
            (
                format!("{at}/epics/{epic}?fields=pull_request_ids,branch_ids,branches"),
                json!({ "id": epic, "pull_request_ids": [], "branch_ids": [], "branches": [] }),
            ),
            (
                format!("{at}/epics/{epic}?fields=before_id,after_id"),
                json!({ "id": epic, "before_id": null, "after_id": null }),
            ),
            (format!("{at}/releases/{story}?fields=projected_completion_interval"), json!({ "id": story })),
            (
                format!("/stories/{story}?fields=before_id,after_id"),
                json!({ "id": story, "before_id": null, "after_id": null }),
            ),
        ] {
            assert_eq!(owner.get(&path).await, expected, "{path}");
        }
        assert!(owner.get("/me").await.get("accounts").is_none());
        assert_eq!(owner.get("/me?fields=accounts(name)").await["accounts"], json!([{ "id": 1, "name": "Pitlane" }]));
    })
    .await;
}

#[tokio::test]
async fn the_account_has_one_owner_and_is_closed_to_strangers() {
    on_one(|house| async move {
        let (owner, _) = house.project(json!({})).await;
        let admin = house.admin().await;
        let nobody = house.nobody();
        for id in [1, 2] {
            let path = format!("/accounts/{id}");
            nobody.refused("GET", &path, Value::Null, (403, "invalid_authentication", "")).await;
            owner.refused("GET", &path, Value::Null, (403, "unauthorized_operation", "")).await;
        }
        admin.refused("GET", "/accounts/2", Value::Null, (403, "unauthorized_operation", "")).await;
        // Whom the platform knows as its administrator owns the account.
        let made = house.tracker.db.write({
            let name = identity::Caller::system().actor();
            move |tx| {
                let person = identity::person_by_name(tx, "root", identity::ORIGIN)?.unwrap();
                identity::administrator_add(tx, &name, &person)?;
                Ok::<_, store::StoreError>(person.number)
            }
        });
        let number = made.await.unwrap();
        let members = admin.get("/accounts/1/memberships?fields=owner,admin").await;
        let owners: Vec<_> = members.as_array().unwrap().iter().filter(|one| one["owner"] == true).collect();
        assert_eq!(owners, [&json!({ "id": number, "owner": true, "admin": true })]);
        assert_eq!(members.as_array().unwrap().len(), 2);
    })
    .await;
}

#[tokio::test]
async fn a_new_project_may_come_with_a_sample() {
    on_one(|house| async move {
        let ada = house.person("Ada").await;
        for (name, more) in [
            ("plain", json!({})),
            ("points", json!({ "bugs_and_chores_are_estimatable": true, "point_scale": "5,13" })),
        ] {
            let mut body = json!({ "name": name, "create_sample": true });
            body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            let project = ada.post("/projects", body).await;
            let stories = ada.get(&format!("/projects/{}/stories", project["id"])).await;
            let mut states: Vec<_> =
                stories.as_array().unwrap().iter().map(|story| story["current_state"].clone()).collect();
            states.dedup();
            assert_eq!(states, ["started", "unstarted", "unscheduled"], "{name}");
            assert_eq!(project["version"], 1 + stories.as_array().unwrap().len(), "{name}");
        }
        let body = json!({ "name": "for others", "create_sample": true, "no_owner": true });
        ada.refused("POST", "/projects", body, (400, "invalid_parameter", "")).await;
        assert_eq!(ada.post("/projects", json!({ "name": "seen", "join_as": "viewer" })).await["version"], 1);
        let other = ada.get("/projects?fields=name").await[2]["id"].clone();
        let words = "this endpoint cannot accept the parameter: join_as";
        let first = ada.get("/projects?fields=name").await[0]["id"].clone();
        ada.refused(
            "PUT",
            &format!("/projects/{first}"),
            json!({ "join_as": "viewer" }),
            (400, "invalid_parameter", words),
        )
        .await;
        ada.refused("PUT", &format!("/projects/{other}"), json!({ "name": "x" }), (403, "unauthorized_operation", ""))
            .await;
    })
    .await;
}

/// Only accepted stories have a time of acceptance; what was got may be sent back.
#[tokio::test]
async fn times_of_acceptance_are_of_accepted_stories() {
    on_one(|house| async move {
        let (owner, project) = house.project(json!({})).await;
        let stories = format!("/projects/{project}/stories");
        let words = "Only accepted stories have an accepted_at.";
        let early = json!({ "name": "s", "accepted_at": "2020-01-01T00:00:00Z" });
        owner.refused("POST", &stories, early.clone(), (400, "invalid_parameter", words)).await;
        let mut accepted = early;
        accepted
            .as_object_mut()
            .unwrap()
            .extend([("story_type".into(), json!("bug")), ("current_state".into(), json!("accepted"))]);
        let story = owner.post(&stories, accepted).await;
        assert_eq!(story["accepted_at"], "2020-01-01T00:00:00Z");
        let path = format!("/stories/{}", story["id"]);
        let mut back = story.clone();
        back["current_state"] = json!("rejected");
        assert!(owner.put(&path, back).await.get("accepted_at").is_none());
        let mut back = owner.put(&path, json!({ "current_state": "accepted" })).await;
        back["current_state"] = json!("rejected");
        assert!(owner.put(&path, back).await.get("accepted_at").is_none());
        let late = json!({ "accepted_at": "2020-01-02T00:00:00Z" });
        owner.refused("PUT", &path, late, (400, "invalid_parameter", words)).await;
        let future = json!({ "current_state": "accepted", "accepted_at": "2999-01-01T00:00:00Z" });
        owner
            .refused("PUT", &path, future, (400, "invalid_parameter", "Story accepted_at cannot be in the future."))
            .await;
    })
    .await;
}
