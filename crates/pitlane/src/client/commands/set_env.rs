//! `pitlane set-env`.

use crate::client::Context;
use crate::client::api::Api;
use crate::client::failure::{Failure, Result};
use crate::client::shapes::App;
use crate::client::words::quoted;
use reqwest::Method;
use serde_json::{Map, Value, json};

pub(in crate::client) const EXAMPLES: &str = "\
Examples:
  pitlane set-env shop COLOUR=green CITY=Bern
  pitlane set-env shop COLOUR green
  pitlane restart shop               for the running instances to see it";

#[derive(Debug, clap::Args)]
pub struct SetEnv {
    /// The app
    name: String,
    /// NAME=VALUE, any number of them; or NAME VALUE
    #[arg(required = true, value_name = "NAME=VALUE", allow_negative_numbers = true)]
    variables: Vec<String>,
}

impl SetEnv {
    pub(in crate::client) async fn run(self, context: &Context) -> Result<()> {
        let variables = match self.variables.as_slice() {
            [name, value] if !name.contains('=') => Map::from_iter([(name.clone(), Value::from(value.as_str()))]),
            pairs => pairs
                .iter()
                .map(|pair| match pair.split_once('=') {
                    Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), Value::from(value))),
                    _ => Err(Failure::usage(format!("`{pair}` is no variable")).hint("write NAME=VALUE")),
                })
                .collect::<Result<_>>()?,
        };
        let api = context.api()?;
        let app = api.app(&self.name).await?;
        patch(context, &api, &app, variables).await
    }
}

/// Merges variables; null removes one.
pub(super) async fn patch(context: &Context, api: &Api, app: &App, variables: Map<String, Value>) -> Result<()> {
    let path = format!("/v3/apps/{}/environment_variables", app.guid);
    let response = api.change(Method::PATCH, &path, &json!({"var": variables})).await?;
    let answer: Value = crate::client::api::read(response).await?;
    if context.printer.json() {
        context.printer.value(&answer["var"]);
    }
    if app.is_started() {
        context
            .printer
            .talk(format!("Stored. Running instances see it after `pitlane restart {}`.", quoted(&app.name)));
    } else {
        context.printer.talk("Stored.");
    }
    Ok(())
}
