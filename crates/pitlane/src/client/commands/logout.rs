//! `pitlane logout`.

use crate::client::Context;
use crate::client::failure::Result;
use crate::client::uaa;

pub(in crate::client) const EXAMPLES: &str = "\
Examples:
  pitlane logout
  pitlane logout --at https://api.example.org      another server than the one last used";

#[derive(Debug, clap::Args)]
pub struct Logout {}

impl Logout {
    pub(in crate::client) async fn run(self, context: &Context) -> Result<()> {
        let url = context.url()?;
        // Revoking is a kindness: a server that is away must not keep anybody logged in here.
        if let Ok(api) = context.api()
            && let Ok(token) = api.token().await
            && let Some(id) = uaa::claim(&token, "jti")
        {
            let path = format!("{}/oauth/token/revoke/{id}", api.target.login);
            let _ = api.http.send(false, |client| client.delete(&path).bearer_auth(&token)).await;
        }
        context.store.change(|config| {
            if let Some(target) = config.targets.get_mut(&url) {
                target.access_token = None;
                target.refresh_token = None;
            }
        })?;
        context.printer.talk(format!("Logged out of {url}."));
        if context.printer.json() {
            context.printer.value(&serde_json::json!({"target": url, "user": null}));
        }
        Ok(())
    }
}
