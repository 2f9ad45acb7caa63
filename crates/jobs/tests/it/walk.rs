//! Every route as every role. A route without a case here fails the test.

use super::house::{House, house};
use identity::{PersonState, Subject};
use jobs::model::scope::Scope;
use std::collections::BTreeMap;

/// Nobody, somebody suspended, a person without permissions, a consumer that may read and call the job, a family that
/// may nothing, an administrator.
const ROLES: [&str; 6] = ["anonymous", "suspended", "stranger", "reader", "family", "administrator"];

/// What each role is answered; all prefixes are one case. Bodies are empty and most ids unknown: 400, 404 and 409 mean that the
/// role was let in, 422 that the body was judged before its permissions.
const CASES: &[(&str, &str, [u16; 6])] = &[
    ("GET", "", [307, 307, 307, 307, 307, 307]),
    ("GET", "/", [200, 200, 200, 200, 200, 200]),
    ("GET", "/async/new/job/{name}/{version}", [401, 401, 401, 201, 401, 201]),
    ("POST", "/async/new/job/{name}/{version}", [401, 401, 401, 201, 401, 201]),
    ("GET", "/async/new/job/{name}/{version}/{*path}", [401, 401, 401, 201, 401, 201]),
    ("POST", "/async/new/job/{name}/{version}/{*path}", [401, 401, 401, 201, 401, 201]),
    ("GET", "/async/task/{id}/poll", [404, 401, 404, 404, 404, 404]),
    ("GET", "/async/task/{id}/status", [404, 401, 404, 404, 404, 404]),
    ("GET", "/audit/activity", [401, 401, 200, 401, 401, 200]),
    ("GET", "/audit/events", [401, 401, 200, 200, 200, 200]),
    ("GET", "/audit/events/job/{name}", [401, 401, 200, 200, 200, 200]),
    ("GET", "/audit/events/job/{name}/{version}", [401, 401, 200, 200, 200, 200]),
    ("GET", "/audit/user_events", [401, 401, 200, 401, 401, 200]),
    ("GET", "/audit/user_events/job/{name}", [401, 401, 200, 401, 401, 200]),
    ("GET", "/audit/user_events/job/{name}/{version}", [401, 401, 200, 401, 401, 200]),
    ("POST", "/auth/allow/esc/{id}/job/{family}/scope/{scope}", [401, 401, 401, 401, 401, 404]),
    ("POST", "/auth/allow/job_family/{source}/job/{target}/scope/{scope}", [401, 401, 401, 401, 401, 200]),
    ("GET", "/auth/allowed/job/{name}/{version}/scope/{scope}", [401, 401, 401, 202, 401, 202]),
    (
        "GET",
        "/auth/allowed/job_endpoint/{name}/{version}/scope/{scope}/endpoint/{*path}",
        [401, 401, 401, 202, 401, 202],
    ),
    ("GET", "/auth/can-call-job/{name}/{version}/{*path}", [401, 401, 401, 200, 401, 200]),
    ("POST", "/auth/token/esc/regenerate", [401, 401, 401, 401, 401, 200]),
    ("GET", "/auth/token/esc/{id}", [401, 401, 401, 401, 401, 404]),
    ("POST", "/auth/token/job_family/regenerate", [401, 401, 401, 401, 401, 200]),
    ("POST", "/auth/token/page", [401, 401, 200, 401, 401, 200]),
    ("POST", "/auth/token/user/all/regenerate", [401, 401, 401, 401, 401, 200]),
    ("POST", "/auth/token/user/regenerate", [401, 401, 200, 401, 401, 200]),
    ("POST", "/build", [401, 401, 422, 401, 401, 422]),
    ("GET", "/deploy", [401, 401, 200, 200, 401, 200]),
    ("POST", "/deploy", [401, 401, 422, 401, 401, 422]),
    ("GET", "/deploy/{id}", [401, 401, 404, 404, 404, 404]),
    ("GET", "/deploy/{id}/build-logs", [401, 401, 404, 404, 404, 404]),
    ("GET", "/deploy/{id}/build-logs/stream", [401, 401, 404, 404, 404, 404]),
    ("PUT", "/deploy/{id}/phase", [401, 401, 422, 422, 422, 422]),
    ("PUT", "/deploy/{id}/warnings", [401, 401, 422, 422, 422, 422]),
    ("GET", "/escs", [401, 401, 401, 401, 401, 200]),
    ("POST", "/escs", [401, 401, 422, 422, 422, 422]),
    ("DELETE", "/escs/{id}", [401, 401, 401, 401, 401, 404]),
    ("GET", "/escs/{id}/auth_data", [401, 401, 401, 401, 401, 404]),
    ("POST", "/escs/{id}/auth_token", [401, 401, 422, 422, 422, 422]),
    ("DELETE", "/escs/{id}/auth_token/{token}", [401, 401, 401, 401, 401, 404]),
    ("GET", "/health", [200, 200, 200, 200, 200, 200]),
    ("GET", "/info", [200, 200, 200, 200, 200, 200]),
    ("GET", "/job", [401, 401, 401, 200, 401, 200]),
    ("POST", "/job/all/reconcile", [401, 401, 401, 401, 401, 200]),
    ("GET", "/job/graph", [401, 401, 401, 200, 401, 200]),
    ("GET", "/job/portfolio", [401, 401, 401, 200, 401, 200]),
    ("DELETE", "/job/{name}/{version}", [401, 401, 401, 401, 401, 200]),
    ("GET", "/job/{name}/{version}", [401, 401, 401, 200, 401, 200]),
    ("GET", "/job/{name}/{version}/build-logs", [401, 401, 401, 200, 401, 200]),
    ("GET", "/job/{name}/{version}/build-logs/plain", [401, 401, 401, 200, 401, 200]),
    ("GET", "/job/{name}/{version}/callers", [401, 401, 401, 200, 401, 200]),
    ("GET", "/job/{name}/{version}/logs", [401, 401, 401, 200, 401, 200]),
    ("GET", "/job/{name}/{version}/logs/plain", [401, 401, 401, 200, 401, 200]),
    ("GET", "/job/{name}/{version}/logs/stream", [401, 401, 401, 200, 401, 200]),
    ("GET", "/job/{name}/{version}/traffic", [401, 401, 401, 200, 401, 200]),
    ("PUT", "/job/{name}/{version}/manifest", [401, 401, 422, 422, 422, 422]),
    ("POST", "/job/{name}/{version}/move", [401, 401, 422, 422, 422, 422]),
    ("GET", "/job/{name}/{version}/public-endpoints", [401, 401, 401, 200, 401, 200]),
    ("GET", "/job/{name}/{version}/public-endpoints/requests", [401, 401, 401, 200, 401, 200]),
    ("PUT", "/job/{name}/{version}/public-endpoints/requests/{id}", [401, 401, 422, 422, 422, 422]),
    ("POST", "/job/{name}/{version}/redeploy", [401, 401, 401, 401, 401, 200]),
    ("POST", "/job/{name}/{version}/reprovision", [401, 401, 401, 401, 401, 200]),
    ("GET", "/job_family", [401, 401, 401, 200, 401, 200]),
    ("GET", "/live", [200, 200, 200, 200, 200, 200]),
    ("GET", "/metrics", [200, 401, 200, 200, 200, 200]),
    ("GET", "/metrics/", [200, 401, 200, 200, 200, 200]),
    ("GET", "/openapi.json", [200, 200, 200, 200, 200, 200]),
    ("GET", "/page.js", [200, 200, 200, 200, 200, 200]),
    ("GET", "/permission", [401, 401, 401, 401, 401, 200]),
    ("POST", "/permission", [401, 401, 422, 422, 422, 422]),
    ("DELETE", "/permission/{id}", [401, 401, 401, 401, 401, 404]),
    ("GET", "/plugin", [200, 200, 200, 200, 200, 200]),
    ("DELETE", "/plugin/all", [401, 401, 401, 401, 401, 400]),
    ("GET", "/plugin/infrastructure_targets", [200, 200, 200, 200, 200, 200]),
    ("GET", "/plugin/job_type/versions", [200, 200, 200, 200, 200, 200]),
    ("GET", "/plugin/tree", [200, 200, 200, 200, 200, 200]),
    ("POST", "/plugin/upload", [401, 401, 401, 401, 401, 400]),
    ("POST", "/plugin/upload/{filename}", [401, 401, 401, 401, 401, 400]),
    ("GET", "/plugin/{name}/docs", [404, 404, 404, 404, 404, 404]),
    ("POST", "/plugin/{name}/run", [401, 401, 401, 401, 401, 404]),
    ("DELETE", "/plugin/{name}/{version}", [401, 401, 401, 401, 401, 404]),
    ("GET", "/plugin/{name}/{version}/config", [401, 401, 401, 401, 401, 404]),
    ("PUT", "/plugin/{name}/{version}/config", [401, 401, 401, 401, 401, 404]),
    ("GET", "/plugin/{name}/{version}/download", [401, 401, 404, 404, 404, 404]),
    ("GET", "/ready", [200, 200, 200, 200, 200, 200]),
    ("GET", "/setting", [401, 401, 401, 401, 401, 200]),
    ("GET", "/setting/{name}", [401, 401, 404, 404, 404, 404]),
    ("PUT", "/setting/{name}", [401, 401, 422, 422, 422, 422]),
    ("GET", "/socket.io/", [400, 400, 400, 400, 400, 400]),
    ("POST", "/socket.io/", [400, 400, 400, 400, 400, 400]),
    ("GET", "/websocket/events", [401, 401, 401, 400, 401, 400]),
    ("PUT", "/users/change_password", [401, 401, 422, 422, 422, 422]),
    ("GET", "/swagger/{file}", [404, 404, 404, 404, 404, 404]),
    ("POST", "/users/login", [422, 422, 422, 422, 422, 422]),
    ("GET", "/users/logout", [200, 200, 200, 200, 200, 200]),
    ("POST", "/users/register", [422, 422, 422, 422, 422, 422]),
    ("GET", "/users/validate_user_auth", [401, 401, 200, 401, 401, 200]),
];

#[tokio::test]
async fn every_route_as_every_role() {
    let house = house().await;
    let subjects = [
        house.person("lee", PersonState::Suspended, false).await,
        house.person("max", PersonState::Active, false).await,
        house.consumer("shop").await,
        Subject::Family(house.job("caller").await.id),
        house.person("kim", PersonState::Active, true).await,
    ];
    let mut routes: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
    for (method, path) in jobs::api::routes() {
        let bare = ["/lifecycle/api/v1", "/api/v1", "/lifecycle", "/pub"];
        let short = bare.iter().find_map(|prefix| path.strip_prefix(prefix)).unwrap_or(&path).to_owned();
        routes.entry((method.to_string(), short)).or_default().push(path);
    }
    let (mut wrong, mut tokens) = (Vec::new(), Vec::new());
    for (number, ((method, short), paths)) in routes.iter().enumerate() {
        let case = CASES.iter().find(|(of, at, _)| of == method && at == short);
        // Nothing is built or run here, so nothing is waited for.
        let waits = short.ends_with("/redeploy") || short.ends_with("/reprovision");
        let query = if waits { "?wait=0" } else { "" };
        for (place, path) in paths.iter().enumerate() {
            if tokens.is_empty() {
                for subject in &subjects {
                    tokens.push(house.token(subject).await);
                }
            }
            let job = format!("job{number}-{place}");
            let family = house.job(&job).await;
            house.allow(&subjects[2], &[Scope::ReadJob, Scope::CallJob], &family).await;
            let seen = walk(&house, &tokens, method, &format!("{path}{query}"), &job).await;
            if case.is_none_or(|case| case.2 != seen) {
                wrong.push(format!("    (\"{method}\", \"{short}\", {seen:?}), // {path}"));
            }
            if path.contains("regenerate") {
                tokens.clear();
            }
        }
    }
    assert!(wrong.is_empty(), "these are answered otherwise than their cases say, or have none:\n{}", wrong.join("\n"));
    assert_eq!(routes.len(), CASES.len(), "a case whose route is gone");
}

/// What the roles are answered at a job that the reader may read and call.
async fn walk(house: &House, tokens: &[String], method: &str, path: &str, job: &str) -> [u16; 6] {
    let names = [
        ("{name}/{version}", format!("{job}/1.0.0")),
        ("{*path}", "api/v1/perform".into()),
        ("{scope}", "call_job".into()),
        ("{source}", job.into()),
        ("{target}", job.into()),
        ("{family}", job.into()),
        ("{filename}", "x.zip".into()),
        ("{file}", "none".into()),
        ("{name}", "none".into()),
        ("{id}", "none".into()),
        ("{token}", "none".into()),
    ];
    let path = names.iter().fold(path.to_owned(), |path, (name, value)| path.replace(name, value));
    let mut seen = [0; 6];
    let roles = [None].into_iter().chain(tokens.iter().map(|token| Some(token.as_str())));
    for ((status, role), token) in seen.iter_mut().zip(ROLES).zip(roles) {
        let (told, text) = house.ask(method, &path, token).await;
        *status = told.as_u16();
        if !told.is_success() && !told.is_redirection() && !text.is_empty() {
            assert!(text.starts_with('{'), "{method} {path} as {role}: {text}");
            assert!(token.is_none_or(|token| !text.contains(token)), "{method} {path} tells the token");
        }
    }
    seen
}
