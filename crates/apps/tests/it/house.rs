//! A platform in this process whose router is asked by anybody: administrators, people with roles, nobody.

use super::fake::World;
use apps::{Apps, Config, StackInfo};
use axum::Router;
use axum::body::Body;
use http::{HeaderMap, Request, StatusCode, header};
use http_body_util::BodyExt;
use identity::{Authentication, Caller, NewPerson, PersonState, Subject};
use sea_query::{Expr, ExprTrait, Query};
use serde_json::{Value, json};
use std::path::Path;
use store::{Blobs, Db, DbUrl, Secrets};
use tower::ServiceExt;

pub const HOST: &str = "api.test";

pub struct House {
    pub apps: Apps,
    pub router: Router,
}

/// What was answered.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Value,
}

impl Answer {
    /// `detail` of each error.
    pub fn details(&self) -> Vec<&str> {
        let errors = self.body["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
        errors.iter().map(|error| error["detail"].as_str().unwrap_or("?")).collect()
    }

    pub fn guid(&self) -> String {
        self.body["guid"].as_str().unwrap_or_else(|| panic!("no guid in {}", self.body)).to_owned()
    }
}

/// Each database once; a fresh platform each.
pub async fn on_each<Fut: Future<Output = ()>>(test: impl Fn(House) -> Fut) {
    store::testing::on_each_url(|url, folder| {
        let test = &test;
        async move { test(House::open(&url, &folder).await).await }
    })
    .await;
}

impl House {
    pub async fn open(url: &DbUrl, folder: &Path) -> Self {
        let migrations = [ledger::MIGRATIONS, identity::MIGRATIONS, apps::MIGRATIONS].concat();
        let db = Db::open(url, &migrations).await.unwrap();
        let config = Config {
            domain: "apps.test".into(),
            url: format!("http://{HOST}"),
            hosts: vec![HOST.into(), "reserved.apps.test".into()],
            stacks: vec![StackInfo { name: "host".into(), description: "this machine".into(), default: true }],
            buildpacks: vec!["staticfile_buildpack".into(), "python_buildpack".into()],
        };
        let of = config.clone();
        db.write(move |tx| apps::bootstrap(tx, &of)).await.unwrap();
        let ledger = ledger::Ledger::new(db.clone());
        tokio::spawn(async move { ledger.run_sealer(std::future::pending()).await });
        let blobs = Blobs::open(None, folder).await.unwrap();
        let secrets = Secrets::open(&folder.join("master.key")).unwrap();
        let apps = Apps::new(config, db, blobs, secrets, folder.join("logs"), World::new().rooms(folder.join("logs")));
        Self { router: apps::api::router(apps.clone()), apps }
    }

    /// Waits until every event so far can be found: elsewhere than on SQLite that is moments after its commit.
    pub async fn sealed(&self) {
        let open = Query::select().column("id").from("ledger").and_where(Expr::col("position").is_null()).to_owned();
        while self.apps.db.glance(&open).await.unwrap().is_some() {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    }

    pub fn ask(&self, who: Authentication) -> Asker {
        Asker { router: self.router.clone(), who }
    }

    pub fn admin(&self) -> Asker {
        self.ask(Authentication::Caller(Caller {
            subject: Subject::Person("admin-guid".into()),
            name: "admin".into(),
            email: None,
            admin: true,
            scopes: vec![
                "cloud_controller.admin".into(),
                "cloud_controller.read".into(),
                "cloud_controller.write".into(),
            ],
        }))
    }

    /// A person who exists, with a token that may read and write.
    pub async fn person(&self, name: &str) -> Asker {
        let new = NewPerson {
            user_name: name.into(),
            email: None,
            display_name: String::new(),
            state: PersonState::Active,
            password: None,
        };
        let actor = Caller::system().actor();
        let made = self
            .apps
            .db
            .write(move |tx| identity::person_create(tx, &actor, &new))
            .await
            .unwrap_or_else(|error| panic!("{name} cannot be made: {error}"));
        self.ask(caller(&made.id, name, &["cloud_controller.read", "cloud_controller.write"]))
    }

    /// The organization and space of the very first start.
    pub async fn first(&self) -> (String, String) {
        let guid = |body: Value| body["resources"][0]["guid"].as_str().unwrap().to_owned();
        (guid(self.admin().get("/v3/organizations").await), guid(self.admin().get("/v3/spaces").await))
    }

    pub async fn domain(&self) -> String {
        self.admin().get("/v3/domains?names=apps.test").await["resources"][0]["guid"].as_str().unwrap().to_owned()
    }

    /// Gives a role, and one in the organization first if it is a space's.
    pub async fn role(&self, who: &Asker, role: &str, organization: &str, space: &str) {
        let user = json!({ "data": { "guid": who.guid() } });
        let body = |role: &str, place: &str, guid: &str| json!({ "type": role, "relationships": { "user": user.clone(), place: { "data": { "guid": guid } } } });
        if role.starts_with("organization") {
            self.admin().post("/v3/roles", body(role, "organization", organization), 201).await;
        } else {
            self.admin().send("POST", "/v3/roles", body("organization_user", "organization", organization)).await;
            self.admin().post("/v3/roles", body(role, "space", space), 201).await;
        }
    }

    pub async fn app(&self, name: &str, space: &str) -> String {
        let body = json!({ "name": name, "relationships": { "space": { "data": { "guid": space } } } });
        self.admin().post("/v3/apps", body, 201).await.guid()
    }
}

pub fn caller(id: &str, name: &str, scopes: &[&str]) -> Authentication {
    Authentication::Caller(Caller {
        subject: Subject::Person(id.into()),
        name: name.into(),
        email: None,
        admin: false,
        scopes: scopes.iter().map(|&scope| scope.to_owned()).collect(),
    })
}

#[derive(Clone)]
pub struct Asker {
    router: Router,
    pub who: Authentication,
}

impl Asker {
    pub fn guid(&self) -> &str {
        match &self.who {
            Authentication::Caller(caller) => caller.subject.id(),
            _ => "",
        }
    }

    pub async fn send(&self, method: &str, path: &str, body: Value) -> Answer {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.send_raw(method, path, "application/json", body).await
    }

    pub async fn send_raw(&self, method: &str, path: &str, content_type: &str, body: impl Into<Body>) -> Answer {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, HOST)
            .header(header::CONTENT_TYPE, content_type)
            .body(body.into())
            .unwrap();
        request.extensions_mut().insert(self.who.clone());
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let body =
            serde_json::from_slice(&bytes).unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&bytes).into()));
        Answer { status: parts.status, headers: parts.headers, body }
    }

    /// Status of an answer whose body does not end.
    pub async fn head_of_stream(&self, path: &str) -> u16 {
        let mut request = Request::get(path).header(header::HOST, HOST).body(Body::empty()).unwrap();
        request.extensions_mut().insert(self.who.clone());
        self.router.clone().oneshot(request).await.unwrap().status().as_u16()
    }

    /// A request whose status must be `status`; a job behind a 202 must be COMPLETE at the first poll.
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
            if let (202, Some(job)) = (status, answer.headers.get(header::LOCATION)) {
                let job = job.to_str().unwrap().trim_start_matches("http://api.test").to_owned();
                let job = self.send("GET", &job, Value::Null).await.body;
                assert_eq!(job["state"], "COMPLETE", "{at}: {job}");
            }
            answer
        }
    }

    #[track_caller]
    pub fn get<'a>(&'a self, path: &'a str) -> impl Future<Output = Value> + 'a {
        let call = self.call("GET", path, Value::Null, 200);
        async move { call.await.body }
    }

    #[track_caller]
    pub fn post<'a>(&'a self, path: &'a str, body: Value, status: u16) -> impl Future<Output = Answer> + 'a {
        self.call("POST", path, body, status)
    }

    /// A request that must be refused with `status` and this one detail.
    #[track_caller]
    pub fn refused<'a>(
        &'a self,
        method: &'a str,
        path: &'a str,
        body: Value,
        status: u16,
        detail: &'a str,
    ) -> impl Future<Output = ()> + 'a {
        let at = std::panic::Location::caller();
        async move {
            let answer = self.send(method, path, body).await;
            assert_eq!((answer.status.as_u16(), answer.details()), (status, vec![detail]), "{at}: {method} {path}");
        }
    }

    /// Names (or another field) of a list.
    #[track_caller]
    pub fn names<'a>(&'a self, path: &'a str, field: &'a str) -> impl Future<Output = Vec<String>> + 'a {
        let get = self.get(path);
        async move {
            let body = get.await;
            let all = body["resources"].as_array().unwrap().iter();
            all.map(|one| one[field].as_str().unwrap_or("null").to_owned()).collect()
        }
    }
}

/// Links of a parent, in short: `{"data": {"guid": …}}`.
pub fn to(guid: &str) -> Value {
    json!({ "data": { "guid": guid } })
}
