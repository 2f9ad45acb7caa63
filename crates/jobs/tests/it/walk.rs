//! Every route as every role. A route without a case here fails the test.

use super::house::{House, house};
use identity::{PersonState, Subject};
use jobs::model::scope::Scope;
use std::collections::BTreeMap;

/// Nobody, somebody suspended, a person without permissions, a consumer that may read and call the job, its family, an
/// administrator.
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
        house.person("kim", PersonState::Active, true).await,
    ];
    let mut routes: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
    for (method, path) in jobs::api::routes() {
        let bare = ["/lifecycle/api/v1", "/api/v1", "/lifecycle", "/pub"];
        let short = bare.iter().find_map(|prefix| path.strip_prefix(prefix)).unwrap_or(&path).to_owned();
        routes.entry((method.to_string(), short)).or_default().push(path);
    }
    let mut wrong = Vec::new();
    for (number, ((method, short), paths)) in routes.iter().enumerate() {
        let case = CASES.iter().find(|(of, at, _)| of == method && at.split('?').next() == Some(short));
        let query =
            case.and_then(|case| case.1.split_once('?')).map(|(_, query)| format!("?{query}")).unwrap_or_default();
        for (place, path) in paths.iter().enumerate() {
            let seen =
                walk(&house, &subjects, method, &format!("{path}{query}"), &format!("job{number}-{place}")).await;
            if case.is_none_or(|case| case.2 != seen) {
                wrong.push(format!("    (\"{method}\", \"{short}{query}\", {seen:?}), // {path}"));
            }
        }
    }
    assert!(wrong.is_empty(), "these are answered otherwise than their cases say, or have none:\n{}", wrong.join("\n"));
    assert_eq!(routes.len(), CASES.len(), "a case whose route is gone");
}

/// What the roles are answered, each with a token of its own, at a job of its own.
async fn walk(house: &House, subjects: &[Subject; 4], method: &str, path: &str, job: &str) -> [u16; 6] {
    let family = house.job(job).await;
    let [lee, max, shop, kim] = subjects;
    house.allow(shop, Scope::ReadJob, &family).await;
    house.allow(shop, Scope::CallJob, &family).await;
    let of = Subject::Family(family.id);
    let path = path.replace("{name}/{version}", &format!("{job}/1.0.0")).replace("{*path}", "api/v1/perform");
    let path = path.replace("{scope}", "call_job").replace("{source}", job).replace("{target}", job);
    let path = path.replace("{family}", job).replace("{filename}", "x.zip").replace("{version}", "1.0.0");
    let path = path.replace("{name}", "none").replace("{id}", "none").replace("{token}", "none");
    let mut seen = [0; 6];
    for (place, role) in [None, Some(lee), Some(max), Some(shop), Some(&of), Some(kim)].into_iter().enumerate() {
        let token = match role {
            Some(subject) => Some(house.token(subject).await),
            None => None,
        };
        let (status, text) = house.ask(method, &path, token.as_deref()).await;
        seen[place] = status.as_u16();
        if !status.is_success() && !status.is_redirection() && !text.is_empty() {
            assert!(
                text.starts_with('{') || text.starts_with("too many"),
                "{method} {path} as {}: {text}",
                ROLES[place]
            );
            assert!(token.is_none_or(|token| !text.contains(&token)), "{method} {path} tells the token");
        }
    }
    seen
}
