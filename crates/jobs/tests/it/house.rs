//! A face whose engine and stager do nothing, with a job and everybody who may come to it.

use axum::Router;
use axum::body::Body;
use engine::{Engine, EngineError, Exit, Facts, InstanceId, InstanceSpec, Layers, Observed, Usage, Well};
use futures_util::future::BoxFuture;
use futures_util::{FutureExt, StreamExt};
use http::{Request, Response, StatusCode};
use identity::{Caller, Identity, NewPerson, PersonState, Place, Subject};
use jobs::model::scope::Scope;
use jobs::model::token::kind;
use jobs::repo::consumer::Consumer;
use jobs::repo::deployment::{DEPLOY, DONE, Deployment};
use jobs::repo::family::Family;
use jobs::repo::job::{Job, RUNNING};
use jobs::repo::record::{self, Json};
use jobs::repo::token::Token;
use jobs::repo::{grant, new_id};
use jobs::run::Rooms;
use jobs::{Config, Jobs};
use serde_json::json;
use staging::{Stage, StagedDroplet, StagingError, StagingRequest};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use store::{Blobs, Db, DbUrl, Secrets, StoreError};
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

pub struct House {
    pub jobs: Jobs,
    router: Router,
    _folder: tempfile::TempDir,
}

pub async fn house() -> House {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let migrations = [ledger::MIGRATIONS, identity::MIGRATIONS, jobs::MIGRATIONS].concat();
    let db = Db::open(&DbUrl::Sqlite(path.join("pitlane.db")), &migrations).await.unwrap();
    let secrets = Secrets::open(&path.join("master.key")).unwrap();
    let blobs = Blobs::open(None, path).await.unwrap();
    let identity = Identity::open(db.clone(), &secrets, Default::default()).await.unwrap();
    let rooms = Rooms {
        engine: Arc::new(Idle),
        layers: Arc::new(Idle),
        stager: Arc::new(Idle),
        publisher: router::Publisher::new(),
        journal: logs::Journal::new(path.join("logs")),
    };
    let url = "http://pitlane.test".to_owned();
    let config = Config::new(url.clone(), url, "host".into(), path.join("work"), path.join("router.sock"));
    let jobs = Jobs::open(config, db, blobs, secrets, identity, path.join("logs"), rooms).await.unwrap();
    tokio::spawn(follow(jobs.run.rooms().publisher.clone()));
    House { router: jobs::api::router(jobs.clone()), jobs, _folder: folder }
}

/// A gateway that has applied whatever it is told.
async fn follow(publisher: router::Publisher) {
    let mut changes = std::pin::pin!(publisher.changes(Some("test")));
    while changes.next().await.is_some() {
        let revision = publisher.revision();
        publisher.report(router::Report { follower: "test".into(), revision, ..Default::default() });
    }
}

impl House {
    /// A job `name 1.0.0` that nobody runs.
    pub async fn job(&self, name: &str) -> Family {
        let (name, system) = (name.to_owned(), Caller::system().actor());
        let manifest = json!({
            "name": name, "version": "1.0.0", "owner_email": "kim@example.com", "jobtype": "python3:latest",
            "git": { "remote": "https://git.example.com/x" }, "jobtype_extra": { "entrypoint_path": "main.py" },
        });
        let deployment = Deployment {
            id: new_id(),
            kind: DEPLOY.into(),
            status: DONE.into(),
            create_time: 1,
            update_time: 1,
            manifest: Json(manifest.clone()),
            manifest_yaml: String::new(),
            error: None,
            job_name: name.clone(),
            job_version: "1.0.0".into(),
            deployed_by: None,
            deployed_by_id: None,
            phase: None,
            image_name: None,
            infrastructure_target: Some("local".into()),
            warnings: None,
            job_type_version: "python3:1.18.0".into(),
            forced: false,
            fresh: false,
            context: None,
            layers: Some("a,b".into()),
            secrets: None,
            token: None,
            stamp: 1,
            attempts: 1,
            source_version: None,
        };
        let work = move |tx: &mut store::Tx<'_>| {
            let family = Family::ensure(tx, &system, &name)?;
            record::insert(tx, &deployment)?;
            let job = Job {
                id: new_id(),
                family_id: family.id.clone(),
                version: "1.0.0".into(),
                status: RUNNING.into(),
                create_time: 1,
                update_time: 1,
                manifest: Json(manifest.clone()),
                manifest_yaml: String::new(),
                error: None,
                notice: None,
                image_tag: None,
                deployed_by: None,
                last_call_time: None,
                infrastructure_target: Some("local".into()),
                job_type_version: "python3:1.18.0".into(),
                deployment_id: Some(deployment.id.clone()),
            };
            record::insert(tx, &job)?;
            Ok::<_, StoreError>(family)
        };
        self.jobs.db.write(work).await.unwrap()
    }

    pub async fn person(&self, name: &str, state: PersonState, admin: bool) -> Subject {
        let (name, system) = (name.to_owned(), Caller::system().actor());
        let work = move |tx: &mut store::Tx<'_>| {
            let new =
                NewPerson { user_name: name.clone(), email: None, display_name: String::new(), state, password: None };
            let person = identity::person_create(tx, &system, &new)?;
            if admin {
                identity::administrator_add(tx, &system, &person)?;
            }
            Ok::<_, identity::IdentityError>(Subject::Person(person.id))
        };
        self.jobs.db.write(work).await.unwrap()
    }

    pub async fn consumer(&self, name: &str) -> Subject {
        let consumer = Consumer { id: new_id(), name: name.into(), created_at: 1 };
        let subject = Subject::Consumer(consumer.id.clone());
        self.jobs.db.write(move |tx| record::insert(tx, &consumer)).await.unwrap();
        subject
    }

    pub async fn allow(&self, subject: &Subject, scopes: &[Scope], family: &Family) {
        let (subject, scopes, place) = (subject.clone(), scopes.to_owned(), Place::new("family", &family.id));
        let system = Caller::system().actor();
        let work = move |tx: &mut store::Tx<'_>| {
            scopes.iter().try_for_each(|scope| grant::allow(tx, &system, &subject, *scope, &place, Vec::new()))
        };
        self.jobs.db.write::<_, StoreError, _>(work).await.unwrap();
    }

    pub async fn token(&self, subject: &Subject) -> String {
        let text = self.jobs.signer.mint(subject, kind(subject)).unwrap();
        let (subject, made) = (subject.clone(), text.clone());
        let work = move |tx: &mut store::Tx<'_>| Token::add(tx, &subject, &made, "login", 1, None).map(drop);
        self.jobs.db.write::<_, StoreError, _>(work).await.unwrap();
        text
    }

    /// Status and, of a refusal, the words.
    pub async fn ask(&self, method: &str, path: &str, token: Option<&str>) -> (StatusCode, String) {
        self.send(method, path, token, None).await
    }

    /// One request as it is, and its whole answer.
    pub async fn raw(&self, request: Request<Body>) -> Response<Body> {
        self.router.clone().oneshot(request).await.unwrap()
    }

    /// The same with a JSON body.
    pub async fn send(
        &self,
        method: &str,
        path: &str,
        token: Option<&str>,
        body: Option<serde_json::Value>,
    ) -> (StatusCode, String) {
        let mut request = Request::builder().method(method).uri(path).header("host", "pitlane.test");
        if let Some(token) = token {
            request = request.header("x-racetrack-auth", token);
        }
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        let answer = self.router.clone().oneshot(request.body(body).unwrap()).await.unwrap();
        let status = answer.status();
        // A stream that was let in has no end.
        let body = if status.is_success() {
            Default::default()
        } else {
            axum::body::to_bytes(answer.into_body(), 1 << 20).await.unwrap()
        };
        (status, String::from_utf8(body.to_vec()).unwrap())
    }
}

struct Idle;

fn idle<T: Send + 'static>() -> BoxFuture<'static, Result<T, EngineError>> {
    async { Err(EngineError::Host("nothing runs here".into())) }.boxed()
}

impl Engine for Idle {
    fn start<'a>(&'a self, _: &'a InstanceSpec) -> BoxFuture<'a, Result<Observed, EngineError>> {
        idle()
    }
    fn stop<'a>(&'a self, _: &'a InstanceId) -> BoxFuture<'a, Result<(), EngineError>> {
        idle()
    }
    fn kill<'a>(&'a self, _: &'a InstanceId) -> BoxFuture<'a, Result<(), EngineError>> {
        idle()
    }
    fn list(&self) -> BoxFuture<'_, Result<Vec<Observed>, EngineError>> {
        idle()
    }
    fn wait<'a>(&'a self, _: &'a InstanceId) -> BoxFuture<'a, Result<Exit, EngineError>> {
        idle()
    }
    fn forget<'a>(&'a self, _: &'a InstanceId) -> BoxFuture<'a, Result<(), EngineError>> {
        idle()
    }
    fn note_well<'a>(&'a self, _: &'a InstanceId, _: Option<Well>) -> BoxFuture<'a, Result<(), EngineError>> {
        idle()
    }
    fn usage<'a>(&'a self, _: &'a InstanceId) -> BoxFuture<'a, Result<Usage, EngineError>> {
        idle()
    }
    fn changes(&self) -> broadcast::Receiver<InstanceId> {
        broadcast::channel(1).1
    }
    fn facts(&self) -> Facts {
        let (engine, cgroups, disk_limit) = ("none".into(), String::new(), String::new());
        Facts { engine, isolated: false, cgroups, disk_limit, problems: Vec::new() }
    }
    fn root(&self) -> &Path {
        Path::new("/nowhere")
    }
}

impl Layers for Idle {
    fn layer<'a>(&'a self, _: &'a str, _: &'a Path) -> BoxFuture<'a, Result<PathBuf, String>> {
        async { Err("nothing runs here".into()) }.boxed()
    }
}

impl Stage for Idle {
    fn stage<'a>(
        &'a self,
        _: StagingRequest,
        _: &'a CancellationToken,
    ) -> BoxFuture<'a, Result<StagedDroplet, StagingError>> {
        async { Err(StagingError::Cancelled) }.boxed()
    }
    fn forget_app(&self, _: &str) -> std::io::Result<()> {
        Ok(())
    }
}
