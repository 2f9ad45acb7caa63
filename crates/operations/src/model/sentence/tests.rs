use super::*;
use proptest::prelude::*;
use serde_json::json;

fn record(actor: (&str, &str), action: &str, object: (&str, &str), data: Value) -> Record {
    Record {
        position: 1,
        id: String::new(),
        at: 0,
        actor: Object::new(actor.0, "a", actor.1),
        action: action.into(),
        object: Object::new(object.0, "o", object.1),
        scope: Vec::new(),
        data,
        hash: String::new(),
    }
}

#[test]
fn entries_of_every_face_read_as_sentences() {
    let bob = ("person", "Bob");
    let system = ("system", "pitlane");
    let cases = [
        (bob, "job.delete", ("job", "F1"), json!({ "owner": "Alice" }), "job F1 of user Alice has been deleted by Bob"),
        (bob, "job.delete", ("job", "F1 0.0.2"), json!({ "owner": null }), "job F1 0.0.2 has been deleted by Bob"),
        (bob, "job.deploy", ("job", "F1 0.0.2"), json!({ "owner": "Bob" }), "job F1 0.0.2 has been deployed by Bob"),
        (
            bob,
            "job.deploy_failed",
            ("job", "F1 0.0.2"),
            json!({}),
            "deployment of job F1 0.0.2 has failed, attempted by Bob",
        ),
        (
            bob,
            "job_setting.set",
            ("job_setting", "maintenance_mode"),
            json!({ "before": false, "after": true }),
            "setting maintenance_mode has been changed from no to yes by Bob",
        ),
        (
            bob,
            "job_token.regenerate",
            ("job_token", ""),
            json!({ "subject": { "kind": "consumer" } }),
            "tokens of consumer have been made anew by Bob",
        ),
        (bob, "audit.app.delete-request", ("app", "shop"), json!({}), "app shop has been deleted by Bob"),
        (
            bob,
            "audit.app.update",
            ("app", "shop"),
            json!({ "request": { "name": "store" } }),
            "app shop has been renamed to store by Bob",
        ),
        (bob, "audit.app.update", ("app", "shop"), json!({}), "app shop has been updated by Bob"),
        (
            bob,
            "audit.app.process.scale",
            ("app", "shop"),
            json!({ "process_type": "web", "request": { "instances": 3, "memory_in_mb": 64 } }),
            "process web of app shop has been scaled by Bob to 3 instances, 64 MB memory",
        ),
        (
            ("process", "web"),
            "audit.app.process.crash",
            ("app", "shop"),
            json!({ "index": 0, "exit_description": "out of memory" }),
            "instance 0 of app shop has crashed: out of memory",
        ),
        (
            bob,
            "audit.user.space_developer_add",
            ("user", "Alice"),
            json!({}),
            "user Alice has been made space developer by Bob",
        ),
        (
            bob,
            "audit.user.space_developer_remove",
            ("user", "Alice"),
            json!({}),
            "user Alice has been made space developer no more by Bob",
        ),
        (
            bob,
            "audit.route.create",
            ("route", "shop.example.com"),
            json!({}),
            "route shop.example.com has been created by Bob",
        ),
        (bob, "audit.app.package.upload", ("app", "shop"), json!({}), "package of app shop has been uploaded by Bob"),
        (
            bob,
            "person.state",
            ("person", "Alice"),
            json!({ "before": "pending", "after": "active" }),
            "user Alice has been made active by Bob",
        ),
        (system, "person.create", ("person", "Alice"), json!({}), "user Alice has been created by Pitlane"),
        (
            ("person", "Alice"),
            "person.register",
            ("person", "Alice"),
            json!({ "invitation": null }),
            "user Alice has registered",
        ),
        (
            bob,
            "session.create",
            ("session", "Bob"),
            json!({ "address": "10.0.0.1" }),
            "Bob has signed in from 10.0.0.1",
        ),
        (
            bob,
            "token.revoke",
            ("token", "ci"),
            json!({ "prefix": "plt_abcdef" }),
            "API token ci (plt_abcdef…) has been revoked by Bob",
        ),
        (
            bob,
            "setting.update",
            ("setting", "sign-up"),
            json!({ "before": "approval", "after": "closed" }),
            "setting sign-up has been changed from approval to closed by Bob",
        ),
        (
            system,
            "job.status",
            ("job", "adder 0.0.1"),
            json!({ "before": "running", "after": "error", "error": "no instance of it answers" }),
            "status of job adder 0.0.1 is error: no instance of it answers",
        ),
        (
            bob,
            "job_deployment.failed",
            ("job_deployment", "adder 0.0.1"),
            json!({}),
            "deployment of job adder 0.0.1 has failed",
        ),
        (
            system,
            "usage.app.STARTED",
            ("usage", "app_usage"),
            json!({ "app": { "name": "shop" } }),
            "use of app shop has been noted: STARTED",
        ),
        (
            bob,
            "story.update",
            ("story", "Pay by card"),
            json!({ "message": "Bob finished this feature", "project": { "name": "Shop" } }),
            "Bob finished this feature — Pay by card in Shop",
        ),
        (
            bob,
            "workspace.create",
            ("workspace", "Mine"),
            json!({ "name": "Mine" }),
            "workspace Mine has been created by Bob",
        ),
        // What no table knows.
        (
            ("client", "ci"),
            "service_instance.copy",
            ("service_instance", "db"),
            json!([1]),
            "service instance db has been copied by client ci",
        ),
        (
            ("family", "F2"),
            "backup.verify_all",
            ("backup", ""),
            Value::Null,
            "backup o has been verified (all) by family F2",
        ),
        (bob, "x", ("thing", "y"), Value::Null, "thing y has been xed by Bob"),
    ];
    for (actor, action, object, data, expected) in cases {
        assert_eq!(sentence(&record(actor, action, object, data)), expected, "{action}");
    }
}

#[test]
fn what_somebody_typed_is_no_template() {
    let data = json!({ "owner": "{actor} [{name}]", "request": { "name": "{data.owner}" } });
    let said = sentence(&record(("person", "{object}"), "job.delete", ("job", "[x]{name}"), data));
    assert_eq!(said, "job [x]{name} of user {actor} [{name}] has been deleted by {object}");
}

#[test]
fn every_template_is_well_formed() {
    let data = json!({});
    for (pattern, template) in table::SENTENCES {
        assert!(pattern.matches('*').count() <= 1, "{pattern}");
        assert_eq!(template.matches('{').count(), template.matches('}').count(), "{template}");
        assert_eq!(template.matches('[').count(), template.matches(']').count(), "{template}");
        let known = |name: &str| ["object", "name", "actor", "*"].contains(&name) || name.starts_with("data.");
        let names = template.split('{').skip(1).map(|part| part.split('}').next().unwrap_or_default());
        assert!(names.clone().all(known), "{template}");
        // Without data, either the rest or another line says it.
        let entry = record(("person", "Bob"), &pattern.replace('*', "x"), ("thing", "y"), data.clone());
        assert!(sentence(&entry).contains("y") || sentence(&entry).contains("Bob") || sentence(&entry).contains("key"));
    }
}

proptest! {
    #[test]
    fn there_is_a_sentence_for_every_entry(action in "[a-z_.*{}\\[\\]-]{0,40}", kind in "\\PC{0,12}", name in "\\PC{0,30}") {
        let entry = record(("person", "Bob"), &action, (&kind, &name), json!({ "message": name, "before": [], "after": {} }));
        let said = sentence(&entry);
        prop_assert!(!said.is_empty());
        prop_assert!(said.contains(&name) || said.contains("Bob"));
    }
}
