//! Every route as every role. A route without a case here fails the test.

use super::house::{House, house};
use identity::{PersonState, Subject};
use jobs::model::scope::Scope;
use std::collections::BTreeMap;

/// Nobody, somebody suspended, a person without permissions, a consumer that may read and call the job, a family that
/// may nothing, an administrator.
const ROLES: [&str; 6] = ["anonymous", "suspended", "stranger", "reader", "family", "administrator"];

/// What each role is answered. Bodies are empty and most ids unknown, so 400, 404, 409 and 422 mean that the role was let in.
/// Both prefixes are one case.
const CASES: &[(&str, &str, [u16; 6])] = &[];

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
        let case = CASES.iter().find(|(of, at, _)| of == method && at.split('?').next() == Some(short));
        let query =
            case.and_then(|case| case.1.split_once('?')).map(|(_, query)| format!("?{query}")).unwrap_or_default();
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
                wrong.push(format!("    (\"{method}\", \"{short}{query}\", {seen:?}), // {path}"));
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
