//! What every handler holds.

use crate::JobsError;
use crate::metrics::Metrics;
use crate::model::manifest::Rules;
use crate::model::token::Signer;
use crate::repo::deployment::{Deployment, Secrets as Sealed};
use crate::repo::setting;
use crate::run::{Rooms, Runtime};
use engine::{Handle, Source};
use identity::Identity;
use sea_query::{Expr, ExprTrait, Query};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use store::{Blobs, Db, Row, Secret, SecretError, Secrets, StoreError};

/// What secrets of a deployment are sealed for.
pub(crate) const SECRETS: &str = "job_deployment.secrets";
/// What a deployment's token is sealed for.
pub(crate) const TOKEN: &str = "job_deployment.token";

/// The face's handle. Cheap to clone.
#[derive(Clone)]
pub struct Jobs {
    /// The one database.
    pub db: Db,
    /// Root of the logs.
    pub logs: PathBuf,
    /// What was built, and what clients sent to be built.
    pub blobs: Blobs,
    /// Seals what must be readable again.
    pub secrets: Secrets,
    /// Who people are.
    pub identity: Identity,
    /// What the server was started with.
    pub config: Arc<Config>,
    /// Makes tokens.
    pub signer: Signer,
    /// Who follows logs by the `racetrack` command.
    pub sessions: Arc<crate::api::socket_io::Sessions>,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// What makes it all run.
    pub run: Runtime,
}

/// Settings of the face.
#[derive(Debug, Clone)]
pub struct Config {
    /// The platform's address for people: scheme, host and port, without a slash at its end.
    pub url: String,
    /// The same as running jobs reach it.
    pub inside_url: String,
    /// The root file system that jobs run on.
    pub stack: String,
    /// A folder for what is fetched, on the data folder's disk.
    pub work: PathBuf,
    /// Where the front door tells what it has counted.
    pub router_socket: PathBuf,
    /// May repositories be on this machine or come without TLS?
    pub insecure_git: bool,
    /// Fetching a repository may take so long.
    pub git_timeout: Duration,
    /// From the start of an instance to its first answer.
    pub alive_limit: Duration,
    /// From then on until calls are accepted.
    pub ready_limit: Duration,
    /// Bytes of files that a client may send.
    pub context_bytes: u64,
    /// Most bytes of memory that a job may ask for.
    pub memory_limit: u64,
}

impl Config {
    /// The bounds of the reference (section 20).
    pub fn new(url: String, inside_url: String, stack: String, work: PathBuf, router_socket: PathBuf) -> Self {
        Self {
            url,
            inside_url,
            stack,
            work,
            router_socket,
            insecure_git: false,
            git_timeout: Duration::from_secs(300),
            alive_limit: Duration::from_secs(900),
            ready_limit: Duration::from_secs(600),
            context_bytes: 256 << 20,
            memory_limit: 8 << 30,
        }
    }

    /// How manifests are judged.
    pub fn rules(&self) -> Rules {
        Rules { insecure_git: self.insecure_git }
    }
}

impl Jobs {
    /// The face over its rooms. Nothing runs before [`Jobs::start_background`].
    pub async fn open(
        config: Config,
        db: Db,
        blobs: Blobs,
        secrets: Secrets,
        identity: Identity,
        logs: PathBuf,
        rooms: Rooms,
    ) -> Result<Self, JobsError> {
        let signer = Signer::new(auth_key(&db, &secrets).await?);
        let run = Runtime::new(rooms);
        let (config, sessions, metrics) = (Arc::new(config), Arc::default(), Arc::default());
        Ok(Self { db, logs, blobs, secrets, identity, config, signer, sessions, metrics, run })
    }

    /// Which jobs should run, and who hears of them: for the reconciler.
    pub fn source(&self) -> Source {
        crate::run::source(self)
    }

    /// Starts what follows the ledger from `position` on, which was its head before `reconciler` began to read. Answers once
    /// the gateway's table has been published. Call it once, inside the runtime.
    pub async fn start_background(&self, reconciler: &Handle, position: i64) -> Result<(), StoreError> {
        crate::run::start(self, reconciler, position).await
    }

    /// Stops what [`Jobs::start_background`] started. Jobs go on; deployments are taken up at the next start.
    pub async fn shutdown(&self) {
        self.run.shutdown().await;
    }

    pub(crate) fn seal_secrets(&self, id: &str, secrets: &Sealed) -> String {
        let plain = serde_json::to_string(secrets).expect("maps of texts are JSON");
        self.secrets.seal(SECRETS, id, &Secret::new(plain))
    }

    pub(crate) fn open_secrets(&self, deployment: &Deployment) -> Result<Sealed, JobsError> {
        let Some(sealed) = &deployment.secrets else { return Ok(Sealed::default()) };
        let plain = self.secrets.open_sealed(SECRETS, &deployment.id, sealed).map_err(JobsError::internal)?;
        serde_json::from_str(plain.expose()).map_err(JobsError::internal)
    }

    pub(crate) fn open_token(&self, deployment: &Deployment) -> Result<Option<String>, JobsError> {
        let Some(sealed) = &deployment.token else { return Ok(None) };
        let plain = self.secrets.open_sealed(TOKEN, &deployment.id, sealed).map_err(JobsError::internal)?;
        Ok(Some(plain.expose().to_owned()))
    }
}

/// The key that signs tokens, made at first start; whoever stores it first wins.
async fn auth_key(db: &Db, secrets: &Secrets) -> Result<Secret, JobsError> {
    let fresh = Secret::new(hex::encode(rand::random::<[u8; 32]>()));
    let sealed = secrets.seal(setting::AUTH_KEY, "1", &fresh);
    let kept = db
        .write::<_, StoreError, _>(move |tx| match setting::text(tx, setting::AUTH_KEY)? {
            Some(kept) => Ok(kept),
            None => setting::put(tx, setting::AUTH_KEY, &sealed).map(|()| sealed.clone()),
        })
        .await?;
    secrets.open_sealed(setting::AUTH_KEY, "1", &kept).map_err(JobsError::internal)
}

/// A row could not be sealed anew.
#[derive(Debug, thiserror::Error)]
pub enum ResealError {
    /// It does not open with the keys at hand.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Seals every row of this face anew that is sealed with an old master key. Repeatable.
pub async fn reseal(db: &Db, secrets: &Secrets) -> Result<(), ResealError> {
    for (table, key, column, purpose) in [
        ("job_deployment", "id", "secrets", SECRETS),
        ("job_deployment", "id", "token", TOKEN),
        ("job_setting", "name", "value", setting::AUTH_KEY),
    ] {
        let rows: Vec<Row> = db
            .read::<_, StoreError, _>(move |tx| {
                let mut select = Query::select();
                select.columns([key, column]).from(table).and_where(Expr::col(column).is_not_null());
                if table == "job_setting" {
                    select.and_where(Expr::col(key).eq(setting::AUTH_KEY));
                }
                tx.rows(&select)
            })
            .await?;
        for row in rows {
            let (id, old): (String, String) = (row.get(key)?, row.get(column)?);
            let sealed_as = if table == "job_setting" { "1" } else { id.as_str() };
            let Some(new) = secrets.reseal(purpose, sealed_as, &old)? else { continue };
            db.write::<_, StoreError, _>(move |tx| {
                tx.exec(
                    Query::update()
                        .table(table)
                        .value(column, new.clone())
                        .and_where(Expr::col(key).eq(id.clone()))
                        .and_where(Expr::col(column).eq(old.clone())),
                )
            })
            .await?;
        }
    }
    Ok(())
}
