//! Every endpoint as everybody: nobody, a stranger, a viewer, a member, an owner, an administrator who is no member.

use super::house::{Asker, House};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use store::DbUrl;

const WHO: [&str; 6] = ["nobody", "stranger", "viewer", "member", "owner", "admin"];

/// Endpoint, body, and what each gets: O 2xx, F 403, I 400, N 404.
const CASES: &[(&str, &str, &str)] = &[
    ("GET /me", "", "FOOOOO"),
    ("PUT /me", r#"{"initials":"XY"}"#, "FOOOOO"),
    ("GET /my/people", r#"{"project_id":$project}"#, "FFOOOO"),
    ("GET /my/activity", "", "FOOOOO"),
    ("GET /my/workspaces", "", "FOOOOO"),
    ("POST /my/workspaces", r#"{"name":"w","project_ids":[$project]}"#, "FFOOOO"),
    ("GET /my/workspaces/{workspace_id}", "", "FFFFOF"),
    ("PUT /my/workspaces/{workspace_id}", r#"{"project_ids":[]}"#, "FFFFOF"),
    ("DELETE /my/workspaces/{workspace_id}", "", "FFFFOF"),
    ("GET /workspaces/{workspace_id}/activity", "", "FFFFOF"),
    ("GET /accounts", "", "FOOOOO"),
    ("GET /accounts/{account_id}", "", "FFFFFO"),
    ("GET /account_summaries", "", "FOOOOO"),
    ("GET /accounts/{account_id}/memberships", "", "FFFFFO"),
    ("GET /accounts/{account_id}/memberships/{person_id}", "", "FFFFFO"),
    ("GET /projects", "", "FOOOOO"),
    ("POST /projects", r#"{"name":"another"}"#, "FOOOOO"),
    ("GET /projects/{project_id}", "", "FFOOOO"),
    ("PUT /projects/{project_id}", r#"{"name":"renamed"}"#, "FFFFOO"),
    ("DELETE /projects/{project_id}", "", "FFFFOO"),
    ("GET /projects/{project_id}/board", "", "FFOOOO"),
    ("GET /projects/{project_id}/search", r#"{"query":"x"}"#, "FFOOOO"),
    ("GET /projects/{project_id}/activity", "", "FFOOOO"),
    ("GET /projects/{project_id}/my/searches", "", "FFOOOO"),
    ("POST /projects/{project_id}/my/searches", r#"{"name":"s","query":"q"}"#, "FFOOOO"),
    ("PUT /projects/{project_id}/my/searches/{search_id}", r#"{"name":"t"}"#, "FFNNON"),
    ("DELETE /projects/{project_id}/my/searches/{search_id}", "", "FFNNON"),
    ("GET /projects/{project_id}/memberships", "", "FFOOOO"),
    ("POST /projects/{project_id}/memberships", r#"{"person_id":$stranger}"#, "FFFFOO"),
    ("GET /projects/{project_id}/memberships/{membership_id}", "", "FFOOOO"),
    ("PUT /projects/{project_id}/memberships/{membership_id}", r#"{"role":"owner"}"#, "FFFFOO"),
    ("DELETE /projects/{project_id}/memberships/{membership_id}", "", "FFFOOO"),
    ("GET /projects/{project_id}/labels", "", "FFOOOO"),
    ("POST /projects/{project_id}/labels", r#"{"name":"n"}"#, "FFFOOF"),
    ("GET /projects/{project_id}/labels/{label_id}", "", "FFOOOO"),
    ("PUT /projects/{project_id}/labels/{label_id}", r#"{"name":"n"}"#, "FFFOOF"),
    ("DELETE /projects/{project_id}/labels/{label_id}", "", "FFFOOF"),
    ("GET /projects/{project_id}/stories", "", "FFOOOO"),
    ("POST /projects/{project_id}/stories", r#"{"name":"n"}"#, "FFFOOF"),
    ("GET /projects/{project_id}/stories/bulk", r#"{"ids":"$story"}"#, "FFOOOO"),
    ("GET /projects/{project_id}/stories/{story_id}", "", "FFOOOO"),
    ("PUT /projects/{project_id}/stories/{story_id}", r#"{"name":"n"}"#, "FFFOOF"),
    ("DELETE /projects/{project_id}/stories/{story_id}", "", "FFFOOF"),
    ("GET /projects/{project_id}/story_transitions", "", "FFOOOO"),
    ("GET /projects/{project_id}/story_transitions.csv", "", "FFOOOO"),
    ("GET /projects/{project_id}/iterations", "", "FFOOOO"),
    ("GET /projects/{project_id}/iterations/{number}", "", "FFOOOO"),
    ("GET /projects/{project_id}/iterations/{number}/analytics", "", "FFOOOO"),
    ("GET /projects/{project_id}/iterations/{number}/analytics/cycle_time_details", "", "FFOOOO"),
    ("PUT /projects/{project_id}/iteration_overrides/{number}", r#"{"length":2}"#, "FFFOOF"),
    ("GET /projects/{project_id}/releases", "", "FFOOOO"),
    ("GET /projects/{project_id}/releases/{release_id}", "", "FFOOOO"),
    ("GET /projects/{project_id}/releases/{release_id}/stories", "", "FFOOOO"),
    ("GET /projects/{project_id}/history/days", "", "FFOOOO"),
    ("GET /projects/{project_id}/history/snapshots", "", "FFOOOO"),
    ("GET /projects/{project_id}/history/iterations/{number}/days", "", "FFOOOO"),
    ("GET /projects/{project_id}/history/releases/{release_id}/days", "", "FFOOOO"),
    ("GET /projects/{project_id}/epics", "", "FFOOOO"),
    ("POST /projects/{project_id}/epics", r#"{"name":"e"}"#, "FFFOOF"),
    ("GET /projects/{project_id}/epics/{epic_id}", "", "FFOOOO"),
    ("PUT /projects/{project_id}/epics/{epic_id}", r#"{"name":"f"}"#, "FFFOOF"),
    ("DELETE /projects/{project_id}/epics/{epic_id}", "", "FFFOOF"),
    ("GET /epics/{epic_id}", "", "FFOOOO"),
    ("GET /projects/{project_id}/epics/{epic_id}/activity", "", "FFOOOO"),
    ("GET /projects/{project_id}/epics/{epic_id}/comments", "", "FFOOOO"),
    ("POST /projects/{project_id}/epics/{epic_id}/comments", r#"{"text":"t"}"#, "FFFOOF"),
    ("GET /projects/{project_id}/epics/{epic_id}/comments/{comment_id}", "", "FFNNNN"),
    ("PUT /projects/{project_id}/epics/{epic_id}/comments/{comment_id}", r#"{"text":"t"}"#, "FFFNNF"),
    ("DELETE /projects/{project_id}/epics/{epic_id}/comments/{comment_id}", "", "FFFNNF"),
    ("GET /projects/{project_id}/epics/{epic_id}/followers", "", "FFOOOO"),
    ("POST /projects/{project_id}/epics/{epic_id}/followers", r#"{"id":$owner}"#, "FFFOOF"),
    ("DELETE /projects/{project_id}/epics/{epic_id}/followers/{person_id}", "", "FFFNNF"),
    ("GET /projects/{project_id}/review_types", "", "FFOOOO"),
    ("POST /projects/{project_id}/review_types", r#"{"name":"r"}"#, "FFFFOO"),
    ("PUT /projects/{project_id}/review_types/{review_type_id}", r#"{"name":"r"}"#, "FFFFOO"),
    ("POST /aggregator", r#"["/services/v5/projects/$project"]"#, "FOOOOO"),
    ("POST /source_commits", r##"{"source_commit":{"message":"[#1]"}}"##, "FOOOOO"),
];

/// What hangs on a story, below its project and without it.
const PARTS: &[(&str, &str, &str)] = &[
    ("GET /activity", "", "FFOOOO"),
    ("GET /transitions", "", "FFOOOO"),
    ("GET /labels", "", "FFOOOO"),
    ("POST /labels", r#"{"name":"n"}"#, "FFFOOF"),
    ("DELETE /labels/{label_id}", "", "FFFOOF"),
    ("GET /tasks", "", "FFOOOO"),
    ("POST /tasks", r#"{"description":"d"}"#, "FFFOOF"),
    ("GET /tasks/{task_id}", "", "FFOOOO"),
    ("PUT /tasks/{task_id}", r#"{"complete":true}"#, "FFFOOF"),
    ("DELETE /tasks/{task_id}", "", "FFFOOF"),
    ("GET /comments", "", "FFOOOO"),
    ("POST /comments", r#"{"text":"t"}"#, "FFFOOF"),
    ("GET /comments/{comment_id}", "", "FFOOOO"),
    // The owner's own.
    ("PUT /comments/{comment_id}", r#"{"text":"u"}"#, "FFFFOF"),
    ("DELETE /comments/{comment_id}", "", "FFFFOF"),
    ("GET /blockers", "", "FFOOOO"),
    ("POST /blockers", r#"{"description":"d"}"#, "FFFOOF"),
    ("GET /blockers/{blocker_id}", "", "FFOOOO"),
    ("PUT /blockers/{blocker_id}", r#"{"resolved":true}"#, "FFFOOF"),
    ("DELETE /blockers/{blocker_id}", "", "FFFOOF"),
    ("GET /reviews", "", "FFOOOO"),
    ("POST /reviews", r#"{"review_type_id":$review_type}"#, "FFFOOF"),
    ("GET /reviews/{review_id}", "", "FFOOOO"),
    ("PUT /reviews/{review_id}", r#"{"status":"pass"}"#, "FFFOOF"),
    ("DELETE /reviews/{review_id}", "", "FFFOOF"),
    ("GET /owners", "", "FFOOOO"),
    ("POST /owners", r#"{"id":$owner}"#, "FFFOOF"),
    ("DELETE /owners/{person_id}", "", "FFFOOF"),
    ("GET /followers", "", "FFOOOO"),
    // Everybody follows for themselves; who works, for others too.
    ("POST /followers", r#"{"id":$viewer}"#, "FFOOOF"),
    ("DELETE /followers/{person_id}", "", "FFFNNF"),
];

fn cases() -> Vec<(String, &'static str, &'static str)> {
    let mut all: Vec<_> =
        CASES.iter().map(|(endpoint, body, expected)| ((*endpoint).to_owned(), *body, *expected)).collect();
    for (endpoint, body, expected) in PARTS {
        let (method, path) = endpoint.split_once(' ').unwrap();
        for prefix in ["/projects/{project_id}/stories/{story_id}", "/stories/{story_id}"] {
            all.push((format!("{method} {prefix}{path}"), *body, *expected));
        }
    }
    for (method, body, expected) in
        [("GET", "", "FFOOOO"), ("PUT", r#"{"name":"n"}"#, "FFFOOF"), ("DELETE", "", "FFFOOF")]
    {
        all.push((format!("{method} /stories/{{story_id}}"), body, expected));
    }
    all
}

#[test]
fn every_endpoint_has_a_case() {
    let built: BTreeSet<String> =
        tracker::routes().list().iter().map(|(method, path)| format!("{method} {path}")).collect();
    let cases = cases();
    let known: BTreeSet<String> = cases.iter().map(|(endpoint, ..)| endpoint.clone()).collect();
    let missing: Vec<_> = built.difference(&known).collect();
    let gone: Vec<_> = known.difference(&built).collect();
    assert!(missing.is_empty() && gone.is_empty(), "without a case: {missing:#?}; case without endpoint: {gone:#?}");
    assert_eq!(known.len(), cases.len(), "a case stands twice");
}

/// An installation with one of everything, on disk, to be copied for each case that changes something.
struct Fixture {
    _house: House,
    folder: tempfile::TempDir,
    ids: BTreeMap<&'static str, i64>,
    people: BTreeMap<&'static str, Asker>,
}

impl Fixture {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let house = open(folder.path()).await;
        let (owner, project) = house.project(json!({})).await;
        let mut people = BTreeMap::from([("nobody", house.nobody()), ("stranger", house.person("Eve").await)]);
        people.insert("viewer", house.member(&owner, project, "Vic", "viewer").await);
        people.insert("member", house.member(&owner, project, "Max", "member").await);
        people.insert("admin", house.admin().await);
        let at = format!("/projects/{project}");
        let types = owner.get(&format!("{at}/review_types")).await;
        let story = owner
            .post(
                &format!("{at}/stories"),
                json!({
                    "name": "story", "labels": ["label"], "owner_ids": [owner.number], "current_state": "unstarted",
                    "tasks": [{ "description": "t" }], "comments": [{ "text": "c" }], "blockers": [{ "description": "b" }],
                    "reviews": [{ "review_type_id": types[0]["id"] }],
                }),
            )
            .await;
        let release = owner
            .post(
                &format!("{at}/stories"),
                json!({ "name": "out", "story_type": "release", "current_state": "unstarted" }),
            )
            .await;
        let epic = owner.post(&format!("{at}/epics"), json!({ "name": "epic" })).await;
        let parts =
            owner.get(&format!("/stories/{}?fields=task_ids,comment_ids,blocker_ids,review_ids", story["id"])).await;
        let workspace = owner.post("/my/workspaces", json!({ "name": "w", "project_ids": [project] })).await;
        let search = owner.post(&format!("{at}/my/searches"), json!({ "name": "s", "query": "q" })).await;
        let memberships = owner.get(&format!("{at}/memberships")).await;
        let member = people["member"].number;
        let membership =
            memberships.as_array().unwrap().iter().find(|one| one["person"]["id"] == member).unwrap()["id"].clone();
        let id = |value: &Value| value.as_i64().unwrap();
        let ids = BTreeMap::from([
            ("project", project),
            ("story", id(&story["id"])),
            ("release", id(&release["id"])),
            ("epic", id(&epic["id"])),
            ("label", id(&story["labels"][0]["id"])),
            ("task", id(&parts["task_ids"][0])),
            ("comment", id(&parts["comment_ids"][0])),
            ("blocker", id(&parts["blocker_ids"][0])),
            ("review", id(&parts["review_ids"][0])),
            ("review_type", id(&types[0]["id"])),
            ("workspace", id(&workspace["id"])),
            ("search", id(&search["id"])),
            ("membership", id(&membership)),
            ("account", 1),
            ("person", owner.number),
            ("owner", owner.number),
            ("viewer", people["viewer"].number),
            ("stranger", people["stranger"].number),
        ]);
        people.insert("owner", owner);
        Self { _house: house, folder, ids, people }
    }

    fn filled(&self, template: &str, open: &str, close: &str) -> String {
        let mut text = template.replace("{number}", "1");
        // `$review_type` before `$review`.
        for (name, id) in self.ids.iter().rev() {
            text = text.replace(&format!("{open}{name}{close}"), &id.to_string());
        }
        text
    }
}

async fn open(folder: &Path) -> House {
    House::open(&DbUrl::Sqlite(folder.join("pitlane.db")), folder).await
}

fn query(body: &str) -> String {
    let body: Value = serde_json::from_str(body).unwrap_or_default();
    let pairs = body
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, value)| format!("{name}={}", value.as_str().map_or_else(|| value.to_string(), str::to_owned)));
    pairs.collect::<Vec<_>>().join("&")
}

#[tokio::test]
async fn t29_everybody_gets_what_their_role_allows() {
    let fixture = Fixture::new().await;
    let mut wrong = Vec::new();
    for (endpoint, body, expected) in cases() {
        let (method, template) = endpoint.split_once(' ').unwrap();
        let path = fixture.filled(template, "{", "_id}");
        let body = fixture.filled(body, "$", "");
        let reads = method == "GET";
        for (index, (who, expected)) in WHO.iter().zip(expected.chars()).enumerate() {
            // What is refused changes nothing, which the next one's answer shows.
            let folder = tempfile::tempdir().unwrap();
            let asker = match expected {
                'O' if !reads => {
                    let from = store::Db::open(&DbUrl::Sqlite(fixture.folder.path().join("pitlane.db")), &migrations())
                        .await
                        .unwrap();
                    from.snapshot(&folder.path().join("pitlane.db")).await.unwrap();
                    std::fs::copy(fixture.folder.path().join("master.key"), folder.path().join("master.key")).unwrap();
                    open(folder.path()).await.ask(fixture.people[who].who.clone(), 0)
                }
                _ => fixture.people[who].clone(),
            };
            let answer = match reads {
                true => asker.send("GET", &format!("{path}?{}", query(&body)), Value::Null).await,
                false => asker.send_raw(method, &path, "application/json", body.clone()).await,
            };
            let found = match answer.status.as_u16() {
                200 | 204 => 'O',
                400 => 'I',
                403 => 'F',
                404 => 'N',
                _ => '?',
            };
            if found != expected {
                wrong.push(format!(
                    "{endpoint} as {} ({index}): {expected} expected, {} {}",
                    who, answer.status, answer.body
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{:#?}", wrong);
}

fn migrations() -> Vec<store::Migration> {
    [ledger::MIGRATIONS, identity::MIGRATIONS, tracker::MIGRATIONS].concat()
}

#[tokio::test]
async fn public_projects_are_read_by_anybody_without_addresses() {
    super::house::on_one(|house| async move {
        let (owner, project) = house.project(json!({ "public": true })).await;
        let path = format!("/projects/{project}");
        owner.post(&format!("{path}/stories"), json!({ "name": "s" })).await;
        let nobody = house.nobody();
        assert_eq!(nobody.get(&path).await["project_type"], "public");
        assert_eq!(nobody.with("x-trackertoken", "").list(&format!("{path}/stories"), "name").await, ["s"]);
        let members = nobody.get(&format!("{path}/memberships")).await;
        assert!(members[0]["person"].get("email").is_none(), "{members}");
        assert!(owner.get(&format!("{path}/memberships")).await[0]["person"].get("email").is_some());
        let story = json!({ "name": "s" });
        nobody.refused("POST", &format!("{path}/stories"), story.clone(), (403, "invalid_authentication", "")).await;
        let stranger = house.person("Eve").await;
        stranger.refused("POST", &format!("{path}/stories"), story, (403, "unauthorized_operation", "")).await;
        owner.put(&path, json!({ "public": false })).await;
        nobody.refused("GET", &path, Value::Null, (403, "invalid_authentication", "")).await;
    })
    .await;
}
