//! Running something once: tasks and staging runs.

use crate::{Engine, Exit, ExitKind, InstanceId, InstanceSpec};
use tokio_util::sync::CancellationToken;

/// Starts `spec`, unless an instance of that id is there already (started before this process was), and waits for its end.
/// When `cancel` fires it is stopped, with its grace. The instance is not forgotten: the caller forgets it
/// ([`Engine::forget`]) once its result is stored, so that after a crash in between the result is found again.
pub async fn run_once(engine: &dyn Engine, spec: &InstanceSpec, cancel: &CancellationToken) -> Exit {
    if let Some(exit) = attach(engine, &spec.id, cancel).await {
        return exit;
    }
    if cancel.is_cancelled() {
        return exit(ExitKind::Stopped);
    }
    match engine.start(spec).await {
        Ok(_) => watch(engine, &spec.id, cancel).await,
        Err(error) => exit(ExitKind::NotStarted { reason: error.to_string() }),
    }
}

/// As [`run_once`] for what has been started before; `None` if the driver knows no instance of that id.
pub async fn attach(engine: &dyn Engine, id: &InstanceId, cancel: &CancellationToken) -> Option<Exit> {
    let listed = match engine.list().await {
        Ok(listed) => listed,
        Err(error) => return Some(exit(ExitKind::NotStarted { reason: error.to_string() })),
    };
    match listed.into_iter().find(|observed| observed.id == *id)?.exit {
        Some(exit) => Some(exit),
        None => Some(watch(engine, id, cancel).await),
    }
}

async fn watch(engine: &dyn Engine, id: &InstanceId, cancel: &CancellationToken) -> Exit {
    let ended = engine.wait(id);
    tokio::pin!(ended);
    let result = tokio::select! {
        result = &mut ended => result,
        () = cancel.cancelled() => {
            if let Err(error) = engine.stop(id).await {
                tracing::warn!(instance = %id.0, %error, "a task or staging run could not be stopped");
            }
            ended.await
        }
    };
    result.unwrap_or_else(|error| {
        tracing::warn!(instance = %id.0, %error, "how a task or staging run ended is not known");
        exit(ExitKind::Lost)
    })
}

fn exit(kind: ExitKind) -> Exit {
    Exit { kind, at: jiff::Timestamp::now().as_microsecond() }
}
