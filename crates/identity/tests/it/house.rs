//! A whole identity with its routers, and a client that speaks to them.

use axum::body::Body;
use axum::extract::Request;
use axum::middleware::from_fn_with_state;
use axum::response::Response;
use axum::routing::any;
use axum::{Extension, Router};
use http::{HeaderMap, Method, StatusCode};
use http_body_util::BodyExt;
use identity::{
    Authentication, Caller, Clock, Identity, IdentityConfig, NewPerson, Password, Person, PersonState, hash_password,
};
use serde_json::Value;
use store::{Db, DbUrl, Migration, Secrets};
use tower::ServiceExt;

pub const HOST: &str = "api.test:7080";
pub const PASSWORD: &str = "correct horse";

pub struct House {
    pub identity: Identity,
    pub db: Db,
    pub clock: Clock,
    pub folder: tempfile::TempDir,
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

    /// `status error: description`, as OAuth errors say it.
    #[track_caller]
    pub fn error(&self) -> String {
        let body = self.json();
        format!(
            "{} {}: {}",
            self.status.as_u16(),
            body["error"].as_str().unwrap(),
            body["error_description"].as_str().unwrap()
        )
    }

    /// The cookie that was set, as it is sent back.
    #[track_caller]
    pub fn cookie(&self) -> String {
        self.header("set-cookie").split(';').next().unwrap().to_owned()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// A house on SQLite.
pub async fn house() -> House {
    let folder = tempfile::tempdir().unwrap();
    let db = Db::open(&DbUrl::Sqlite(folder.path().join("pitlane.db")), &migrations()).await.unwrap();
    build(db, folder).await
}

/// The same test in a house on each database.
pub async fn each_house<Fut: Future<Output = ()>>(test: impl Fn(House) -> Fut) {
    store::testing::on_each_database(&migrations(), |db| async {
        test(build(db, tempfile::tempdir().unwrap()).await).await
    })
    .await;
}

pub fn migrations() -> Vec<Migration> {
    [ledger::MIGRATIONS, identity::MIGRATIONS].concat()
}

async fn build(db: Db, folder: tempfile::TempDir) -> House {
    let secrets = Secrets::open(&folder.path().join("master.key")).unwrap();
    let clock = Clock::default();
    let config = IdentityConfig { clock: clock.clone(), ..IdentityConfig::default() };
    let identity = Identity::open(db.clone(), &secrets, config).await.unwrap();
    let app = Router::new()
        .nest("/uaa", identity::http::uaa(identity.clone()))
        .merge(identity::http::pages(identity.clone()))
        .route("/whoami", any(whoami))
        .layer(from_fn_with_state(identity.clone(), identity::http::authenticate));
    House { identity, db, clock, folder, app }
}

/// What a face sees of its caller.
async fn whoami(Extension(authentication): Extension<Authentication>) -> String {
    match authentication {
        Authentication::Anonymous => "anonymous".into(),
        Authentication::Refused(reason) => format!("refused: {reason}"),
        Authentication::Caller(caller) => format!("{}{}", caller.name, if caller.admin { " (admin)" } else { "" }),
    }
}

impl House {
    pub async fn send(&self, request: Request) -> Answer {
        let response: Response = self.app.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let text = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
        Answer { status: parts.status, headers: parts.headers, text }
    }

    pub async fn call(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let mut request = Request::builder().method(Method::from_bytes(method.as_bytes()).unwrap()).uri(path);
        if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
            request = request.header("host", HOST);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(Body::from(body.to_owned())).unwrap()).await
    }

    /// As a browser sends a form from one of our own pages.
    pub async fn submit(&self, path: &str, cookie: &str, form: &str) -> Answer {
        let origin = format!("http://{HOST}");
        let headers = [("origin", origin.as_str()), ("cookie", cookie), ("accept", "text/html")];
        self.call("POST", path, &headers, form).await
    }

    /// Signs in by the page; answers the cookie to send.
    pub async fn sign_in(&self, name: &str) -> String {
        let answer = self.submit("/signin", "", &format!("user_name={name}&password=correct+horse")).await;
        assert_eq!(answer.status, 303, "{}", answer.text);
        answer.cookie()
    }

    pub async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.call("GET", path, headers, "").await
    }

    /// As the command line asks for a token.
    pub async fn token(&self, form: &str) -> Answer {
        let headers = [("authorization", "Basic Y2Y6"), ("content-type", "application/x-www-form-urlencoded")];
        self.call("POST", "/uaa/oauth/token", &headers, form).await
    }

    pub async fn log_in(&self, name: &str) -> Value {
        let answer = self.token(&format!("grant_type=password&username={name}&password=correct+horse")).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json()
    }

    pub async fn whoami(&self, token: &str) -> String {
        self.get("/whoami", &[("authorization", &format!("bearer {token}"))]).await.text
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
        let name = name.to_owned();
        let email = format!("{name}@example.com");
        self.db
            .write(move |tx| identity::createsuperuser(tx, &Caller::system().actor(), &name, Some(&email), &hash))
            .await
            .unwrap()
    }

    /// The ledger's rows as they lie in the table, sealed or not.
    pub async fn ledger(&self) -> Vec<store::Row> {
        let columns = ["action", "actor_name", "object_kind", "object_id", "object_name", "data"];
        self.db.read(move |tx| tx.rows(sea_query::Query::select().columns(columns).from("ledger"))).await.unwrap()
    }
}

pub fn field<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name].as_str().unwrap_or_else(|| panic!("no {name} in {value}"))
}
