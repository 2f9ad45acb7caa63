//! Droplets: what they would run is for those who may read secrets.

use super::house::on_each;
use serde_json::json;

#[tokio::test]
async fn commands_are_shown_to_developers_only() {
    on_each(|house| async move {
        let (organization, space) = house.first().await;
        let app = house.app("web", &space).await;
        let given = json!({ "relationships": { "app": { "data": { "guid": app } } }, "process_types": { "web": "serve --key 7" } });
        let droplet = house.admin().post("/v3/droplets", given, 201).await.guid();
        let path = format!("/v3/droplets/{droplet}");
        let hidden = json!({ "redacted_message": "[PRIVATE DATA HIDDEN]" });
        for (role, shown) in [
            ("space_developer", json!({ "web": "serve --key 7" })),
            ("space_manager", hidden.clone()),
            ("space_auditor", hidden.clone()),
            ("space_supporter", hidden),
        ] {
            let person = house.person(role).await;
            house.role(&person, role, &organization, &space).await;
            assert_eq!(person.get(&path).await["process_types"], shown, "{role}");
        }
    })
    .await;
}
