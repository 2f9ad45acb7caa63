//! A client in the same process: sends requests to the router as a given caller.

use super::fake::World;
use apps::{Apps, Config, StackInfo};
use axum::Router;
use axum::body::Body;
use http::{Request, StatusCode, header};
use http_body_util::BodyExt;
use identity::{Authentication, Caller, Subject};
use serde_json::Value;
use std::io::{Cursor, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use store::{Blobs, Db, DbUrl, Secrets};
use tower::ServiceExt;

pub struct Client {
    pub world: Arc<World>,
    pub apps: Apps,
    reconciler: engine::Handle,
    router: Router,
    caller: Caller,
    url: DbUrl,
    folder: PathBuf,
}

/// What was answered.
pub struct Answer {
    pub status: StatusCode,
    pub headers: http::HeaderMap,
    pub body: Value,
}

impl Client {
    /// On each database once: a fresh platform with its background running; the caller is an administrator.
    pub async fn on_each<Fut: Future<Output = ()>>(test: impl Fn(Self) -> Fut) {
        store::testing::on_each_url(|url, folder| {
            let test = &test;
            async move { test(Self::open(url, folder, World::new()).await).await }
        })
        .await;
    }

    async fn open(url: DbUrl, folder: PathBuf, world: Arc<World>) -> Self {
        let path = folder.as_path();
        let migrations = [ledger::MIGRATIONS, identity::MIGRATIONS, apps::MIGRATIONS].concat();
        let db = Db::open(&url, &migrations).await.unwrap();
        let config = config();
        let of = config.clone();
        db.write(move |tx| apps::bootstrap(tx, &of)).await.unwrap();
        let blobs = Blobs::open(None, path).await.unwrap();
        let secrets = Secrets::open(&path.join("master.key")).unwrap();
        let apps = Apps::new(config, db, blobs, secrets, path.join("logs"), world.rooms(path.join("logs")));
        let ledger = ledger::Ledger::new(apps.db.clone());
        tokio::spawn(async move { ledger.run_sealer(std::future::pending()).await });
        let reconciler = world.start(&apps).await;
        let caller = Caller {
            subject: Subject::Person("admin-guid".into()),
            name: "admin".into(),
            email: Some("admin@example.com".into()),
            admin: true,
            scopes: vec!["cloud_controller.admin".into()],
        };
        Self { world, reconciler, router: apps::api::router(apps.clone()), apps, caller, url, folder }
    }

    /// The same platform after its control process was killed and started again.
    pub async fn reborn(self) -> Self {
        self.reconciler.stop().await;
        self.apps.shutdown().await;
        Self::open(self.url.clone(), self.folder.clone(), self.world.clone()).await
    }

    pub async fn send(&self, method: &str, path: &str, content_type: &str, body: impl Into<Body>) -> Answer {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, "api.test")
            .header(header::CONTENT_TYPE, content_type)
            .body(body.into())
            .unwrap();
        request.extensions_mut().insert(Authentication::Caller(self.caller.clone()));
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let body =
            serde_json::from_slice(&bytes).unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&bytes).into()));
        Answer { status: parts.status, headers: parts.headers, body }
    }

    /// A GET that must be 200.
    #[track_caller]
    pub fn get<'a>(&'a self, path: &'a str) -> impl Future<Output = Value> + 'a {
        let at = std::panic::Location::caller();
        async move {
            let answer = self.send("GET", path, "application/json", "").await;
            assert_eq!(answer.status, 200, "{at}: GET {path}: {}", answer.body);
            answer.body
        }
    }

    /// A request with JSON whose status must be `status`.
    #[track_caller]
    pub fn call<'a>(
        &'a self,
        method: &'a str,
        path: &'a str,
        body: Value,
        status: u16,
    ) -> impl Future<Output = Value> + 'a {
        let at = std::panic::Location::caller();
        async move {
            let body = if body.is_null() { String::new() } else { body.to_string() };
            let answer = self.send(method, path, "application/json", body).await;
            assert_eq!(answer.status, status, "{at}: {method} {path}: {}", answer.body);
            if let (202, Some(job)) = (status, answer.headers.get(header::LOCATION)) {
                let job = job.to_str().unwrap().trim_start_matches("http://api.test").to_owned();
                let job = self.send("GET", &job, "application/json", "").await.body;
                assert_eq!(job["state"], "COMPLETE", "{at}: {job}");
            }
            answer.body
        }
    }

    /// Space of the very first start.
    pub async fn space(&self) -> String {
        self.get("/v3/spaces").await["resources"][0]["guid"].as_str().unwrap().to_owned()
    }

    /// Uploads `files` as a package's bits.
    pub async fn upload(&self, package: &str, files: &[(&str, &str)]) -> Answer {
        let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for (name, text) in files {
            zip.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
            zip.write_all(text.as_bytes()).unwrap();
        }
        let bytes = zip.finish().unwrap().into_inner();
        self.upload_bytes(&format!("/v3/packages/{package}/upload"), &bytes).await
    }

    pub async fn upload_bytes(&self, path: &str, bytes: &[u8]) -> Answer {
        let mut form = b"--X\r\nContent-Disposition: form-data; name=\"resources\"\r\n\r\n[]\r\n--X\r\nContent-Disposition: form-data; name=\"bits\"; filename=\"package.zip\"\r\nContent-Type: application/octet-stream\r\n\r\n".to_vec();
        form.extend_from_slice(bytes);
        form.extend_from_slice(b"\r\n--X--\r\n");
        self.send("POST", path, "multipart/form-data; boundary=X", form).await
    }

    /// Asks until `good` says so; panics with the last answer after five seconds.
    #[track_caller]
    pub fn until<'a>(&'a self, path: &'a str, good: impl Fn(&Value) -> bool + 'a) -> impl Future<Output = Value> + 'a {
        let at = std::panic::Location::caller();
        async move {
            let end = tokio::time::Instant::now() + Duration::from_secs(5);
            loop {
                let body = self.get(path).await;
                if good(&body) {
                    return body;
                }
                assert!(tokio::time::Instant::now() < end, "{at}: {path} stays {body:#}");
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
    }

    /// Log lines of an app: `source type payload`.
    pub fn log(&self, app: &str) -> Vec<String> {
        let query = logs::Query { start: 0, end: i64::MAX, limit: 1000, descending: false };
        let lines = logs::read(&self.folder.join("logs"), app, &query).unwrap();
        lines.into_iter().map(|line| format!("{} {}", line.source_type, line.payload)).collect()
    }
}

fn config() -> Config {
    Config {
        domain: "apps.test".into(),
        url: "http://api.test".into(),
        hosts: vec!["api.test".into()],
        stacks: vec![StackInfo { name: "host".into(), description: "this machine".into(), default: true }],
        buildpacks: staging::builtin().iter().map(|one| one.name.to_owned()).collect(),
    }
}
