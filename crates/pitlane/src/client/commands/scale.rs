//! `pitlane scale`.

use crate::client::Context;
use crate::client::failure::{Failure, Result};
use crate::client::shapes::Process;
use crate::client::start;
use crate::client::summary::Summary;
use crate::client::words::quoted;
use reqwest::Method;
use serde_json::{Map, Value};

pub(in crate::client) const EXAMPLES: &str = "\
Examples:
  pitlane scale shop                 shows how it is scaled
  pitlane scale shop -i 3            three instances, at once
  pitlane scale shop -m 512M         more memory; restarts it
  pitlane scale shop --process worker -i 2";

#[derive(Debug, clap::Args)]
pub struct Scale {
    /// The app
    name: String,
    /// Number of instances
    #[arg(short, long)]
    instances: Option<u32>,
    /// Memory of each instance, for example 256M or 1G
    #[arg(short, long)]
    memory: Option<String>,
    /// Disk of each instance, for example 1G
    #[arg(short = 'k', long)]
    disk: Option<String>,
    /// Which of its processes
    #[arg(long, default_value = "web", value_name = "TYPE")]
    process: String,
}

impl Scale {
    pub(in crate::client) async fn run(self, context: &Context) -> Result<()> {
        let mut body = Map::new();
        body.extend(self.instances.map(|number| ("instances".to_owned(), number.into())));
        for (key, text) in [("memory_in_mb", &self.memory), ("disk_in_mb", &self.disk)] {
            if let Some(text) = text {
                body.insert(key.to_owned(), megabytes(text)?.into());
            }
        }
        let api = context.api()?;
        let mut app = api.app(&self.name).await?;
        if !body.is_empty() {
            let path = format!("/v3/apps/{}/processes/{}/actions/scale", app.guid, self.process);
            let restart = body.len() > usize::from(self.instances.is_some());
            let answer = api.change(Method::POST, &path, &Value::Object(body)).await.map_err(|failure| {
                if failure.is_not_found() {
                    Failure::new(format!("`{}` has no process `{}`", self.name, self.process))
                        .hint(format!("`pitlane app {}` shows its processes", quoted(&self.name)))
                } else {
                    failure
                }
            })?;
            let _: Process = crate::client::api::read(answer).await?;
            if restart && app.is_started() {
                context.printer.step(format!("Restarting `{}` with its new limits", self.name));
                start::act(&api, &app, "restart").await?;
            }
            if app.is_started() {
                start::wait(&api, &app).await?;
            }
            app = api.app(&self.name).await?;
        }
        Summary::read(&api, &app).await?.show(&context.printer);
        Ok(())
    }
}

/// `256M`, `1.5G`, `1024MB`: whole megabytes.
pub(super) fn megabytes(text: &str) -> Result<u64> {
    let wrong =
        || Failure::usage(format!("`{text}` is no size")).hint("write it with its unit, for example 256M or 1G");
    let digits = text.find(|letter: char| !letter.is_ascii_digit() && letter != '.').ok_or_else(wrong)?;
    let number: f64 = text[..digits].parse().map_err(|_| wrong())?;
    let factor = match text[digits..].trim().to_uppercase().as_str() {
        "K" | "KB" => 1.0 / 1024.0,
        "M" | "MB" => 1.0,
        "G" | "GB" => 1024.0,
        "T" | "TB" => 1024.0 * 1024.0,
        _ => return Err(wrong()),
    };
    let megabytes = number * factor;
    if megabytes < 1.0 || megabytes.fract() != 0.0 {
        return Err(Failure::usage(format!("`{text}` is no whole number of megabytes")));
    }
    Ok(megabytes as u64)
}
