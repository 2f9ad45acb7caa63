//! A whole face with identity beside it, and clients that speak to it.

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::middleware::from_fn_with_state;
use axum::response::Response;
use http::{HeaderMap, Method, StatusCode};
use http_body_util::BodyExt;
use identity::{
    Caller, Clock, Grant, Identity, IdentityConfig, NewPerson, Password, Person, PersonState, Place, Subject,
    hash_password,
};
use ledger::{Entry, Ledger, Object};
use operations::{Config, Operations};
use sea_query::{Expr, ExprTrait, Query};
use serde_json::{Value, json};
use store::{Db, DbUrl, Migration, Secrets};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

pub const HOST: &str = "pitlane.test:7080";
pub const PASSWORD: &str = "correct horse";

pub struct House {
    pub db: Db,
    pub clock: Clock,
    pub ledger: Ledger,
    pub stop: CancellationToken,
    _folder: tempfile::TempDir,
    app: Router,
}

pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answer {
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    /// `status error: description`.
    #[track_caller]
    pub fn error(&self) -> String {
        let body = self.json();
        format!("{} {}: {}", self.status.as_u16(), text(&body, "error"), text(&body, "error_description"))
    }

    #[track_caller]
    pub fn ok(&self) -> Value {
        assert!(self.status.is_success(), "{} {}", self.status, self.text);
        if self.text.is_empty() { Value::Null } else { self.json() }
    }
}

#[track_caller]
pub fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name].as_str().unwrap_or_else(|| panic!("no {name} in {value}"))
}

pub fn migrations() -> Vec<Migration> {
    [ledger::MIGRATIONS, identity::MIGRATIONS].concat()
}

/// A house on SQLite.
pub async fn house() -> House {
    house_with(&Config::default()).await
}

/// The same with settings.
pub async fn house_with(config: &Config) -> House {
    let folder = tempfile::tempdir().unwrap();
    let db = Db::open(&DbUrl::Sqlite(folder.path().join("pitlane.db")), &migrations()).await.unwrap();
    build(db, folder, config).await
}

/// The same test in a house on each database.
pub async fn each_house<Fut: Future<Output = ()>>(test: impl Fn(House) -> Fut) {
    store::testing::on_each_database(&migrations(), |db| async {
        test(build(db, tempfile::tempdir().unwrap(), &Config::default()).await).await
    })
    .await;
}

async fn build(db: Db, folder: tempfile::TempDir, config: &Config) -> House {
    let secrets = Secrets::open(&folder.path().join("master.key")).unwrap();
    let clock = Clock::default();
    let lifetimes = IdentityConfig { clock: clock.clone(), ..IdentityConfig::default() };
    let identity = Identity::open(db.clone(), &secrets, lifetimes).await.unwrap();
    let (ledger, stop) = (Ledger::new(db.clone()), CancellationToken::new());
    let sealer = ledger.clone();
    tokio::spawn(async move { sealer.run_sealer(std::future::pending()).await });
    let operations = Operations::new(identity.clone(), ledger.clone(), config.clone(), stop.clone());
    let app = Router::new()
        .nest("/uaa", identity::http::uaa(identity.clone()))
        .merge(identity::http::pages(identity.clone()))
        .merge(operations::router(operations))
        .layer(from_fn_with_state(identity, identity::http::authenticate));
    House { db, clock, ledger, stop, _folder: folder, app }
}

impl House {
    pub async fn respond(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Response {
        let mut request = Request::builder().method(Method::from_bytes(method.as_bytes()).unwrap()).uri(path);
        request = request.header("host", HOST).header("origin", format!("http://{HOST}"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.app.clone().oneshot(request.body(Body::from(body.to_owned())).unwrap()).await.unwrap()
    }

    pub async fn call(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let (parts, body) = self.respond(method, path, headers, body).await.into_parts();
        let text = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
        Answer { status: parts.status, headers: parts.headers, text }
    }

    /// As somebody with this bearer token.
    pub async fn ask(&self, token: &str, method: &str, path: &str, body: Value) -> Answer {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.call(method, path, &[("authorization", &format!("Bearer {token}"))], &body).await
    }

    pub async fn get(&self, token: &str, path: &str) -> Answer {
        self.ask(token, "GET", path, Value::Null).await
    }

    /// An access token of a command line.
    pub async fn log_in(&self, name: &str) -> String {
        let headers = [("authorization", "Basic Y2Y6")];
        let form = format!("grant_type=password&username={name}&password=correct+horse");
        let answer = self.call("POST", "/uaa/oauth/token", &headers, &form).await.ok();
        self.settle().await;
        text(&answer, "access_token").to_owned()
    }

    /// Waits until every entry has its position.
    pub async fn settle(&self) {
        let open = Query::select().column("id").from("ledger").and_where(Expr::col("position").is_null()).to_owned();
        while self.db.glance(&open).await.unwrap().is_some() {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    }

    /// Signs in by the page; answers the cookie to send.
    pub async fn sign_in(&self, name: &str) -> String {
        let form = format!("user_name={name}&password=correct+horse");
        let answer = self.call("POST", "/signin", &[("accept", "text/html")], &form).await;
        assert_eq!(answer.status, 303, "{}", answer.text);
        answer.headers["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned()
    }

    pub async fn person(&self, name: &str) -> Person {
        let password = Some(hash_password(Password::new(PASSWORD)).await.unwrap());
        let new = NewPerson {
            user_name: name.into(),
            email: Some(format!("{name}@example.com")),
            display_name: String::new(),
            state: PersonState::Active,
            password,
        };
        self.db.write(move |tx| identity::person_create(tx, &Caller::system().actor(), &new)).await.unwrap()
    }

    pub async fn admin(&self, name: &str) -> Person {
        let hash = hash_password(Password::new(PASSWORD)).await.unwrap();
        let (name, email) = (name.to_owned(), format!("{name}@example.com"));
        self.db
            .write(move |tx| identity::createsuperuser(tx, &Caller::system().actor(), &name, Some(&email), &hash))
            .await
            .unwrap()
    }

    /// Gives a role, as a face does: with an entry of its own.
    pub async fn grant(&self, person: &Person, role: &str, kind: &str, id: &str) -> String {
        let grant = Grant {
            id: uuid(),
            subject: Subject::Person(person.id.clone()),
            role: role.into(),
            place: Place::new(kind, id),
            created_at: jiff::Timestamp::now().as_microsecond(),
        };
        let id = grant.id.clone();
        self.db
            .write(move |tx| {
                identity::grant_add(tx, &grant)?;
                ledger::append(tx, &entry("membership.create", "membership", &grant.id, &[]))
            })
            .await
            .unwrap();
        id
    }

    pub async fn take_back(&self, grant: &str) {
        let grant = grant.to_owned();
        self.db
            .write(move |tx| {
                identity::grant_remove(tx, &grant)?;
                ledger::append(tx, &entry("membership.delete", "membership", &grant, &[]))
            })
            .await
            .unwrap();
    }

    /// Appends an entry; answers its position, for which it waits.
    pub async fn append(&self, entry: Entry) -> i64 {
        let id = self.db.write(move |tx| ledger::append(tx, &entry)).await.unwrap().id;
        loop {
            let filter = ledger::Filter { limit: 50, descending: true, ..ledger::Filter::default() };
            let last = self.db.read(move |tx| ledger::page(tx, &filter)).await.unwrap();
            if let Some(found) = last.iter().find(|record| record.id == id) {
                return found.position;
            }
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    }
}

fn uuid() -> String {
    std::fs::read_to_string("/proc/sys/kernel/random/uuid").unwrap().trim().to_owned()
}

/// An entry of the platform's on an object named like its id.
pub fn entry(action: &str, kind: &str, id: &str, scope: &[&str]) -> Entry {
    Entry {
        actor: Caller::system().actor(),
        action: action.into(),
        object: Object::new(kind, id, id),
        scope: scope.iter().map(|scope| (*scope).to_owned()).collect(),
        data: json!({}),
    }
}
