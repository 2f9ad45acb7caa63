//! api, auth, login, target; organizations, spaces, people and their roles.

use super::client::{Cf, string};
use super::shape;
use serde_json::{Value, json};
use tests::{ADMIN, PASSWORD, Pitlane};

/// The claims of an access token, as the client reads them: without looking at the signature.
fn claims(token: &str) -> Value {
    let part = token.split('.').nth(1).expect("three parts");
    assert_eq!(token.split('.').count(), 3);
    let (mut bytes, mut bits, mut have) = (Vec::new(), 0u32, 0);
    for byte in part.bytes() {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'-' => 62,
            b'_' => 63,
            _ => panic!("{byte} is no base64url"),
        };
        (bits, have) = ((bits << 6) | u32::from(value), have + 6);
        if have >= 8 {
            have -= 8;
            bytes.push((bits >> have) as u8);
            bits &= (1 << have) - 1;
        }
    }
    serde_json::from_slice(&bytes).expect("JSON")
}

#[test]
fn api_login_and_target() {
    let pitlane = Pitlane::start();
    // cf api: one document, without a token
    let root: Value = serde_json::from_str(&pitlane.get("", "/").body).expect("JSON");
    let links = &root["links"];
    for name in ["self", "cloud_controller_v3", "login", "uaa", "log_cache"] {
        assert!(links[name]["href"].as_str().is_some_and(|href| href.starts_with(&pitlane.url)), "{name}: {links}");
    }
    assert_eq!(links["log_cache"]["href"], pitlane.url, "a bare origin: the client replaces its path");
    let version = string(&links["cloud_controller_v3"]["meta"]["version"]);
    assert_eq!(version.split('.').filter(|part| part.parse::<u32>().is_ok()).count(), 3, "{version}");
    assert_ne!(root["cf_on_k8s"], true);
    let login = string(&links["login"]["href"]);

    // cf login: what to ask for
    let asked =
        tests::http().get(format!("{login}/login")).header("accept", "application/json").send().expect("an answer");
    let asked: Value = serde_json::from_str(&asked.text().expect("text")).expect("JSON");
    for (name, kind) in [("username", "text"), ("password", "password")] {
        assert_eq!(asked["prompts"][name][0], kind, "{asked}");
        assert!(asked["prompts"][name][1].is_string());
    }
    assert!(asked["app"]["version"].is_string() && asked["links"]["uaa"].is_string(), "{asked}");

    let cf = Cf::sign_in(&pitlane, ADMIN, PASSWORD);
    let token = claims(&cf.token);
    for name in
        ["user_name", "user_id", "origin", "jti", "sub", "cid", "client_id", "iss", "email", "zid", "grant_type"]
    {
        assert!(token[name].is_string(), "{name}: {token}");
    }
    for name in ["exp", "iat"] {
        assert!(token[name].is_u64(), "{name}: {token}");
    }
    assert!(token["exp"].as_u64().expect("a number") - token["iat"].as_u64().expect("a number") > 120, "{token}");
    let scopes = token["scope"].as_array().expect("a list");
    for scope in ["cloud_controller.read", "cloud_controller.write", "cloud_controller.admin", "openid"] {
        assert!(scopes.iter().any(|have| have == scope), "{scope}: {token}");
    }

    // refresh, and what a wrong password says
    let again = cf.uaa_token(&[("grant_type", "refresh_token"), ("refresh_token", &cf.refresh)]).is(200);
    assert!(
        again.json["access_token"].is_string()
            && again.json["expires_in"].is_u64()
            && again.json["token_type"] == "bearer"
    );
    assert!(
        again.json["jti"].is_string() && again.json["scope"].is_string() && again.json["refresh_token"].is_string()
    );
    let wrong = cf.uaa_token(&[("grant_type", "password"), ("username", ADMIN), ("password", "wrong")]).is(401);
    assert_eq!(
        (&wrong.json["error"], &wrong.json["error_description"]),
        (&json!("unauthorized"), &json!("Bad credentials"))
    );
    let old = cf.uaa_token(&[("grant_type", "refresh_token"), ("refresh_token", "nonsense")]).is(401);
    assert_eq!(old.json["error"], "invalid_token");

    // logout: what is revocable is revoked
    if token["revocable"] == true {
        let jti = string(&token["jti"]);
        let other = Cf::sign_in(&pitlane, ADMIN, PASSWORD);
        assert!(matches!(other.delete(&format!("/uaa/oauth/token/revoke/{jti}")).status, 200 | 204));
        let refused = cf.call("GET", "/v3/organizations", &[("order_by", "name")], None).is(401);
        assert_eq!(
            (&refused.json["errors"][0]["code"], &refused.json["errors"][0]["title"]),
            (&json!(1000), &json!("CF-InvalidAuthToken"))
        );
    }
    let mut stranger = Cf::sign_in(&pitlane, ADMIN, PASSWORD);
    stranger.token = "nonsense".into();
    let refused = stranger.call("GET", "/v3/organizations", &[], None).is(401);
    assert_eq!(
        (&refused.json["errors"][0]["code"], &refused.json["errors"][0]["title"]),
        (&json!(1000), &json!("CF-InvalidAuthToken"))
    );

    let cf = Cf::start(&pitlane);
    // login and target: one organization is found, by any of its names
    let orgs = cf.list("/v3/organizations", &[("order_by", "name")]);
    orgs.resources().iter().for_each(shape::organization);
    let org = cf.list("/v3/organizations", &[("names", "acme"), ("page", "1"), ("per_page", "1")]);
    assert_eq!(org.first()["guid"], cf.org.as_str());
    let query = [("names", "dev"), ("organization_guids", cf.org.as_str()), ("page", "1"), ("per_page", "1")];
    let space = cf.list("/v3/spaces", &query);
    shape::space(space.first());
    cf.list("/v3/spaces", &[("order_by", "name"), ("organization_guids", &cf.org)]);
    let unknown = cf.call("GET", "/v3/nothing", &[], None).is(404);
    assert_eq!((unknown.detail().as_str(), &unknown.json["errors"][0]["code"]), ("Unknown request", &json!(10000)));
    // the API of older clients is said to be missing, in JSON
    assert_eq!(cf.call("GET", "/v2/info", &[], None).is(404).detail(), "Unknown request");
    // a comma inside a name arrives encoded twice
    assert!(cf.list("/v3/organizations", &[("names", "a%2Cb")]).resources().is_empty());
    // every link of /v3 is served
    let links = cf.get("/v3", &[]).json["links"].clone();
    for (name, link) in links.as_object().expect("links") {
        if !matches!(name.as_str(), "self" | "resource_matches" | "environment_variable_groups") {
            cf.get(&string(&link["href"]), &[]);
        }
    }
    let info = cf.get("/v3/info", &[]).json;
    assert!(info["version"].is_u64() && info["cli_version"]["minimum"].is_string(), "{info}");
}

#[test]
fn organizations_spaces_and_roles() {
    let pitlane = Pitlane::start();
    let cf = Cf::start(&pitlane);
    let taken = cf.post("/v3/organizations", &json!({"name": "acme", "suspended": false})).is(422);
    assert_eq!(taken.detail(), "Organization 'acme' already exists.");
    let body = json!({"name": "dev", "relationships": {"organization": {"data": {"guid": cf.org}}}});
    assert!(cf.post("/v3/spaces", &body).is(422).detail().contains("Name must be unique per organization"));
    // go-cfclient's nulls
    let other = cf
        .post("/v3/organizations", &json!({"name": "other", "metadata": {"labels": null, "annotations": null}}))
        .is(201);
    shape::organization(&other.json);

    // cf org
    cf.list(&format!("/v3/organizations/{}/domains", cf.org), &[]);
    let quota =
        string(&cf.get(&format!("/v3/organizations/{}", cf.org), &[]).json["relationships"]["quota"]["data"]["guid"]);
    let quota = cf.get(&format!("/v3/organization_quotas/{quota}"), &[]).json;
    for member in ["apps", "services", "routes", "domains"] {
        assert!(quota[member].is_object(), "{quota}");
    }
    let segment = cf.get(&format!("/v3/organizations/{}/relationships/default_isolation_segment", cf.org), &[]);
    assert_eq!(segment.json["data"], Value::Null);
    cf.list("/v3/isolation_segments", &[("organization_guids", &cf.org)]);
    // cf space, and Terraform's reads after it has made one
    cf.list("/v3/apps", &[("space_guids", &cf.space)]);
    cf.list("/v3/service_instances", &[("space_guids", &cf.space)]);
    let segment = cf.get(&format!("/v3/spaces/{}/relationships/isolation_segment", cf.space), &[]);
    assert_eq!(segment.json["data"], Value::Null);
    for groups in ["running_security_groups", "staging_security_groups"] {
        cf.list(&format!("/v3/spaces/{}/{groups}", cf.space), &[]);
    }
    let ssh = cf.get(&format!("/v3/spaces/{}/features/ssh", cf.space), &[]);
    assert_eq!(ssh.json["enabled"], false, "there is no SSH server");
    let allow = cf.patch(&format!("/v3/spaces/{}/features/ssh", cf.space), &json!({"enabled": true})).is(422);
    assert!(allow.detail().starts_with("SSH is not available here"), "{}", allow.detail());

    people(&pitlane, &cf);

    // delete-space, delete-org
    let space = cf.create_space("short");
    cf.done(&cf.delete(&format!("/v3/spaces/{space}")));
    assert_eq!(cf.call("GET", &format!("/v3/spaces/{space}"), &[], None).is(404).detail(), "Space not found");
    cf.done(&cf.delete(&format!("/v3/organizations/{}", other.guid())));
    let gone = cf.call("GET", &format!("/v3/organizations/{}", other.guid()), &[], None).is(404);
    assert_eq!(gone.detail(), "Organization not found");
}

/// create-user, set-space-role, org-users, space-users, unset-space-role, delete-user.
fn people(pitlane: &Pitlane, cf: &Cf) {
    let filter = [("filter", "userName eq \"bea\" and origin eq \"uaa\"")];
    let found = cf.get("/uaa/Users", &filter);
    assert!(found.resources().is_empty() && found.json["totalResults"].is_u64(), "{}", found.text);
    let body = json!({"userName": "bea", "password": "a long enough secret", "origin": "",
        "name": {"familyName": "bea", "givenName": "bea"}, "emails": [{"value": "bea", "primary": true}]});
    let made = cf.post("/uaa/Users", &body).is(201);
    let user = string(&made.json["id"]);
    assert!(made.json["origin"].is_string(), "{}", made.text);
    cf.post("/uaa/Users", &body).is(409);
    let shown = cf.post("/v3/users", &json!({"guid": user}));
    assert!(shown.status == 201, "{}", shown.text);
    shape::user(&shown.json);
    assert_eq!(shown.json["username"], "bea");

    // set-space-role: first the organization's, then the space's; both may be there already
    let refused = cf.assign("space_developer", "space", &cf.space, "bea").is(422);
    assert_eq!(
        refused.detail(),
        "Users cannot be assigned roles in a space if they do not have a role in that space's organization."
    );
    let role = cf.assign("organization_user", "organization", &cf.org, "bea").is(201);
    shape::role(&role.json);
    assert_eq!(role.json["relationships"]["space"]["data"], Value::Null);
    let developer = cf.assign("space_developer", "space", &cf.space, "bea").is(201);
    shape::role(&developer.json);
    let again = cf.assign("space_developer", "space", &cf.space, "bea").is(422).detail();
    assert!(again.contains("User 'bea' already has 'space_developer' role"), "{again}");
    let unknown = cf.assign("organization_user", "organization", &cf.org, "nobody").is(422).detail();
    assert_eq!(unknown, "No user exists with the username 'nobody' and origin 'uaa'.");

    for query in [
        [("include", "user"), ("organization_guids", cf.org.as_str())],
        [("include", "user"), ("space_guids", cf.space.as_str())],
    ] {
        let roles = cf.list("/v3/roles", &query);
        roles.resources().iter().for_each(shape::role);
        let users = roles.json["included"]["users"].as_array().expect("included");
        users.iter().for_each(shape::user);
        assert!(users.iter().any(|one| one["username"] == "bea"));
    }

    // What she may: her space, and no other's secrets.
    let mut bea = Cf::sign_in(pitlane, "bea", "a long enough secret");
    (bea.org, bea.space) = (cf.org.clone(), cf.space.clone());
    shape::space(bea.list("/v3/spaces", &[("order_by", "name"), ("organization_guids", &cf.org)]).first());
    let refused = bea.post("/v3/organizations", &json!({"name": "mine", "suspended": false})).is(403);
    assert_eq!(
        (refused.detail().as_str(), &refused.json["errors"][0]["code"]),
        ("You are not authorized to perform the requested action", &json!(10003))
    );

    // unset-space-role
    let found = cf.list("/v3/users", &[("usernames", "bea")]);
    let bea = string(&found.first()["guid"]);
    let query = [
        ("page", "1"),
        ("per_page", "1"),
        ("space_guids", cf.space.as_str()),
        ("types", "space_developer"),
        ("user_guids", bea.as_str()),
    ];
    let role = string(&cf.list("/v3/roles", &query).first()["guid"]);
    cf.done(&cf.delete(&format!("/v3/roles/{role}")));

    // delete-user
    let found = cf.get("/uaa/Users", &filter);
    assert_eq!(found.first()["id"], bea.as_str());
    cf.done(&cf.delete(&format!("/v3/users/{bea}")));
    let gone = cf.delete(&format!("/uaa/Users/{bea}"));
    assert!(gone.status == 200 && gone.json.is_object() || gone.status == 404, "{}", gone.text);
    assert_eq!(gone.status, 200, "pitfall 11: the deleted person as JSON: {}", gone.text);
}
