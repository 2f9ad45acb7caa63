//! `pitlane passwd`.

use crate::client::Context;
use crate::client::failure::{Failure, Result, Told};
use crate::client::http::expect_success;
use crate::client::uaa;
use serde_json::json;
use std::io::{BufRead, IsTerminal};

pub(in crate::client) const EXAMPLES: &str = "\
Examples:
  pitlane passwd                                   asks for the old and the new password
  printf 'old\\nnew\\n' | pitlane passwd             for scripts: two lines on standard input";

#[derive(Debug, clap::Args)]
pub struct Passwd {}

impl Passwd {
    pub(in crate::client) async fn run(self, context: &Context) -> Result<()> {
        let api = context.api()?;
        let token = api.token().await?;
        let person = uaa::claim(&token, "user_id").ok_or_else(|| Failure::new("only people have passwords"))?;
        let (old, new) = passwords()?;
        let url = format!("{}/Users/{person}/password", api.target.uaa);
        let body = json!({"oldPassword": old, "password": new});
        let response = api.http.send(false, |client| client.put(&url).bearer_auth(&token).json(&body)).await?;
        if matches!(response.status().as_u16(), 400 | 401 | 422) {
            let status = response.status();
            let body: serde_json::Value = response.json().await.unwrap_or_default();
            let why = ["error_description", "message"].into_iter().find_map(|key| body[key].as_str());
            return Err(Failure::new(why.map_or_else(|| format!("the server refused it ({status})"), str::to_owned)));
        }
        expect_success(response).await?;
        if context.printer.json() {
            context.printer.value(&json!({"user": api.target.user, "changed": true}));
        }
        context.printer.talk("Your password is changed. Run `pitlane login` again when you are asked to.");
        Ok(())
    }
}

fn passwords() -> Result<(String, String)> {
    if std::io::stdin().is_terminal() {
        let ask = |prompt: &str| rpassword::prompt_password(prompt).told(|| "cannot read the password".to_owned());
        let (old, new) = (ask("Old password: ")?, ask("New password: ")?);
        if ask("New password again: ")? != new {
            return Err(Failure::new("the two new passwords differ; nothing was changed"));
        }
        return Ok((old, new));
    }
    let mut lines = std::io::stdin().lock().lines().map_while(std::result::Result::ok);
    match (lines.next(), lines.next()) {
        (Some(old), Some(new)) if !new.is_empty() => Ok((old, new)),
        _ => Err(Failure::usage("two lines are wanted on standard input: the old and the new password")),
    }
}
