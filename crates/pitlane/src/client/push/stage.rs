//! From an archive to a droplet: upload, build, with its output as it comes.

use super::archive::Archive;
use crate::client::api::{Api, read};
use crate::client::failure::{Failure, Result};
use crate::client::logs::Tail;
use crate::client::shapes::{App, Build, Package};
use crate::client::words::quoted;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use reqwest::Body;
use reqwest::multipart::{Form, Part};
use serde_json::json;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::time::Duration;

/// Archives above this show a bar.
const WITH_BAR: u64 = 1 << 20;
const BLOCK: usize = 64 * 1024;

/// A package of `app` that waits for its bits.
pub(crate) async fn package(api: &Api, app: &App) -> Result<Package> {
    let relationships = json!({"app": {"data": {"guid": app.guid}}});
    api.post("/v3/packages", &json!({"type": "bits", "relationships": relationships})).await
}

/// Uploads an archive into a package, ready to be staged.
pub(crate) async fn upload(api: &Api, app: &App, package: &Package, archive: Archive) -> Result<Package> {
    let bar = ProgressBar::with_draw_target(Some(archive.size), ProgressDrawTarget::hidden());
    if api.printer.is_watched() && archive.size > WITH_BAR {
        bar.set_draw_target(ProgressDrawTarget::stderr());
        let style = ProgressStyle::with_template("  uploading {bar:30} {bytes} of {total_bytes}, {bytes_per_sec}");
        bar.set_style(style.expect("the template is a constant"));
    }
    let url = api.url(&format!("/v3/packages/{}/upload", package.guid));
    let response = api
        .send_with(|client, token| {
            bar.set_position(0);
            let bits = archive.file.try_clone().map(|file| body(file, bar.clone()));
            let bits =
                bits.unwrap_or_else(|error| Body::wrap_stream(futures_util::stream::iter([Err::<Vec<u8>, _>(error)])));
            let part = Part::stream_with_length(bits, archive.size).file_name("package.zip");
            let part = part.mime_str("application/octet-stream").expect("the type is a constant");
            client.post(&url).bearer_auth(token).multipart(Form::new().text("resources", "[]").part("bits", part))
        })
        .await;
    bar.finish_and_clear();
    let mut package: Package = read(response?).await?;
    let mut pause = Duration::from_millis(50);
    while !matches!(package.state.as_str(), "READY" | "FAILED" | "EXPIRED") {
        tokio::time::sleep(pause).await;
        pause = (pause * 3 / 2).min(Duration::from_millis(500));
        package = api.get(&format!("/v3/packages/{}", package.guid), &[]).await?;
    }
    if package.state != "READY" {
        let why = package.data.get("error").and_then(|error| error.as_str()).unwrap_or("the server does not say why");
        return Err(Failure::new(format!("the upload of `{}` was refused: {why}", app.name)));
    }
    Ok(package)
}

/// The file from its beginning, a block at a time.
fn body(mut file: File, bar: ProgressBar) -> Body {
    let mut begun = false;
    let blocks = std::iter::from_fn(move || {
        if !std::mem::replace(&mut begun, true)
            && let Err(error) = file.seek(SeekFrom::Start(0))
        {
            return Some(Err(error));
        }
        let mut block = vec![0; BLOCK];
        match file.read(&mut block) {
            Ok(0) => None,
            Ok(size) => {
                block.truncate(size);
                bar.inc(size as u64);
                Some(Ok(block))
            }
            Err(error) => Some(Err(error)),
        }
    });
    Body::wrap_stream(futures_util::stream::iter(blocks))
}

/// Stages a package and shows what the staging says. Answers the droplet's guid.
pub(crate) async fn stage(api: &Api, app: &App, package: &Package, mut tail: Tail) -> Result<String> {
    let mut build: Build = api.post("/v3/builds", &json!({"package": {"guid": package.guid}})).await?;
    let path = format!("/v3/builds/{}", build.guid);
    let mut pause = Duration::from_millis(50);
    while build.state == "STAGING" {
        tokio::time::sleep(pause).await;
        pause = (pause * 3 / 2).min(Duration::from_millis(150));
        let (state, shown) = tokio::join!(api.get(&path, &[]), show(api, &mut tail));
        // Output that cannot be read is no reason to give up the push.
        let _ = shown;
        build = state?;
    }
    // What it said last.
    let _ = show(api, &mut tail).await;
    match (build.state.as_str(), build.droplet) {
        ("STAGED", Some(droplet)) => Ok(droplet.guid),
        _ => {
            let why = build.error.unwrap_or_else(|| "the server does not say why".to_owned());
            let failure = Failure::new(format!("staging of `{}` failed: {why}", app.name));
            Err(failure.hint(match why.contains("NoAppDetected") {
                true => "push the folder that holds the application's files. What runs by itself needs a Procfile (`web: ./server`), or `-b binary_buildpack -c ./server`".to_owned(),
                false => format!("its output is above, and in `pitlane logs {} --recent`", quoted(&app.name)),
            }))
        }
    }
}

async fn show(api: &Api, tail: &mut Tail) -> Result<()> {
    for line in tail.poll(api).await? {
        if line.source_type.starts_with("STG") {
            api.printer.talk(format!("   {}", line.payload));
        }
    }
    Ok(())
}

/// Makes a droplet the app's.
pub(crate) async fn assign(api: &Api, app: &App, droplet: &str) -> Result<()> {
    let path = format!("/v3/apps/{}/relationships/current_droplet", app.guid);
    let body = json!({"data": {"guid": droplet}});
    api.change(reqwest::Method::PATCH, &path, &body).await.map(|_| ())
}
