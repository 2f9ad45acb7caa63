//! The API in this process, asked by anybody: owners, members, viewers, strangers, nobody.

use axum::Router;
use axum::body::Body;
use http::{HeaderMap, Request, StatusCode, header};
use http_body_util::BodyExt;
use identity::{Authentication, Caller, Identity, NewPerson, PersonState, Subject};
use serde_json::{Value, json};
use std::path::Path;
use store::{Db, DbUrl, Secrets};
use tower::ServiceExt;
use tracker::Tracker;

pub struct House {
    pub tracker: Tracker,
    router: Router,
}

/// What was answered.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Value,
}

impl Answer {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// Each database once; a fresh installation each.
pub async fn on_each<Fut: Future<Output = ()>>(test: impl Fn(House) -> Fut) {
    store::testing::on_each_url(|url, folder| {
        let test = &test;
        async move { test(House::open(&url, &folder).await).await }
    })
    .await;
}

/// SQLite only: for rules that no database can have a say in.
pub async fn on_one<Fut: Future<Output = ()>>(test: impl Fn(House) -> Fut) {
    let folder = tempfile::tempdir().unwrap();
    test(House::open(&DbUrl::Sqlite(folder.path().join("pitlane.db")), folder.path()).await).await;
}

impl House {
    pub async fn open(url: &DbUrl, folder: &Path) -> Self {
        let migrations = [ledger::MIGRATIONS, identity::MIGRATIONS, tracker::MIGRATIONS].concat();
        let db = Db::open(url, &migrations).await.unwrap();
        let secrets = Secrets::open(&folder.join("master.key")).unwrap();
        let ledger = ledger::Ledger::new(db.clone());
        tokio::spawn(async move { ledger.run_sealer(std::future::pending()).await });
        let identity = Identity::open(db, &secrets, Default::default()).await.unwrap();
        let tracker = Tracker::new(identity);
        Self { router: tracker::router(tracker.clone()), tracker }
    }

    pub fn ask(&self, who: Authentication, number: i64) -> Asker {
        Asker { router: self.router.clone(), who, number, headers: Vec::new() }
    }

    pub fn nobody(&self) -> Asker {
        self.ask(Authentication::Anonymous, 0)
    }

    /// A person who exists.
    pub async fn person(&self, name: &str) -> Asker {
        self.somebody(name, false).await
    }

    /// A person who administers the platform.
    pub async fn admin(&self) -> Asker {
        self.somebody("root", true).await
    }

    async fn somebody(&self, name: &str, admin: bool) -> Asker {
        let new = NewPerson {
            user_name: name.to_lowercase(),
            email: Some(format!("{}@example.com", name.to_lowercase())),
            display_name: name.into(),
            state: PersonState::Active,
            password: None,
        };
        let actor = Caller::system().actor();
        let made = self.tracker.db.write(move |tx| identity::person_create(tx, &actor, &new)).await.unwrap();
        let caller = Caller {
            subject: Subject::Person(made.id.clone()),
            name: made.user_name.clone(),
            email: made.email.clone(),
            admin,
            scopes: Vec::new(),
        };
        self.ask(Authentication::Caller(caller), made.number)
    }

    /// An owner with a project: the usual beginning.
    pub async fn project(&self, settings: Value) -> (Asker, i64) {
        let owner = self.person("Ada").await;
        let mut body = json!({ "name": "Apollo" });
        body.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
        let project = owner.post("/projects", body).await["id"].as_i64().unwrap();
        (owner, project)
    }

    /// A new person with this role in the project of `owner`.
    pub async fn member(&self, owner: &Asker, project: i64, name: &str, role: &str) -> Asker {
        let person = self.person(name).await;
        let body = json!({ "person_id": person.number, "role": role });
        owner.post(&format!("/projects/{project}/memberships"), body).await;
        person
    }
}

#[derive(Clone)]
pub struct Asker {
    router: Router,
    pub who: Authentication,
    pub number: i64,
    headers: Vec<(&'static str, String)>,
}

impl Asker {
    /// With one more header in each request.
    pub fn with(&self, name: &'static str, value: &str) -> Self {
        let mut asker = self.clone();
        asker.headers.push((name, value.into()));
        asker
    }

    pub async fn send(&self, method: &str, path: &str, body: Value) -> Answer {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.send_raw(method, path, "application/json", body).await
    }

    pub async fn send_raw(&self, method: &str, path: &str, content_type: &str, body: impl Into<Body>) -> Answer {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, "tracker.test")
            .header(header::CONTENT_TYPE, content_type);
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        let mut request = request.body(body.into()).unwrap();
        request.extensions_mut().insert(self.who.clone());
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let body =
            serde_json::from_slice(&bytes).unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&bytes).into()));
        Answer { status: parts.status, headers: parts.headers, body }
    }

    /// A request whose status must be `status`.
    #[track_caller]
    pub fn call<'a>(
        &'a self,
        method: &'a str,
        path: &'a str,
        body: Value,
        status: u16,
    ) -> impl Future<Output = Answer> + 'a {
        let at = std::panic::Location::caller();
        async move {
            let answer = self.send(method, path, body).await;
            assert_eq!(answer.status, status, "{at}: {method} {path}: {:#}", answer.body);
            answer
        }
    }

    #[track_caller]
    pub fn get<'a>(&'a self, path: &'a str) -> impl Future<Output = Value> + 'a {
        let call = self.call("GET", path, Value::Null, 200);
        async move { call.await.body }
    }

    #[track_caller]
    pub fn post<'a>(&'a self, path: &'a str, body: Value) -> impl Future<Output = Value> + 'a {
        let call = self.call("POST", path, body, 200);
        async move { call.await.body }
    }

    #[track_caller]
    pub fn put<'a>(&'a self, path: &'a str, body: Value) -> impl Future<Output = Value> + 'a {
        let call = self.call("PUT", path, body, 200);
        async move { call.await.body }
    }

    #[track_caller]
    pub fn delete<'a>(&'a self, path: &'a str) -> impl Future<Output = Answer> + 'a {
        self.call("DELETE", path, Value::Null, 204)
    }

    /// A request that must be refused with `status`, `code`, and these words in one of its texts.
    #[track_caller]
    pub fn refused<'a>(
        &'a self,
        method: &'a str,
        path: &'a str,
        body: Value,
        expected: (u16, &'a str, &'a str),
    ) -> impl Future<Output = ()> + 'a {
        let at = std::panic::Location::caller();
        async move {
            let answer = self.send(method, path, body).await;
            let (status, code, words) = expected;
            let body = &answer.body;
            assert_eq!(
                (answer.status.as_u16(), body["code"].as_str().unwrap_or("")),
                (status, code),
                "{at}: {method} {path}: {body:#}"
            );
            let texts = ["error", "general_problem", "requirement", "possible_fix"];
            let has = texts.iter().any(|name| body[*name].as_str().is_some_and(|text| text == words));
            let problem = body["validation_errors"].as_array().into_iter().flatten();
            let has = has || problem.into_iter().any(|one| one["problem"] == words);
            assert!(has || words.is_empty(), "{at}: {method} {path}: {body:#}\nhas not: {words}");
        }
    }

    /// One field of every element of a list.
    #[track_caller]
    pub fn list<'a>(&'a self, path: &'a str, field: &'a str) -> impl Future<Output = Vec<Value>> + 'a {
        let get = self.get(path);
        async move { get.await.as_array().unwrap().iter().map(|one| one[field].clone()).collect() }
    }
}
