//! `pitlane login`.

use super::target::{choose, remember, show};
use crate::client::Context;
use crate::client::api::{Api, read};
use crate::client::config::{Target, normalize};
use crate::client::failure::{Failure, Result, Told};
use crate::client::http::{Http, expect_success};
use crate::client::shapes::{Root, Token};
use crate::client::uaa;
use std::io::{BufRead, IsTerminal, Write};

pub(in crate::client) const EXAMPLES: &str = "\
Examples:
  pitlane login http://127.0.0.1:7080              asks for name and password
  pitlane login https://api.example.org -u ada -o acme -s dev
  pitlane login -u ada --password-stdin < secret   for scripts; the server last used";

/// A person is asked so often.
const ATTEMPTS: usize = 3;

#[derive(Debug, clap::Args)]
pub struct Login {
    /// The server, for example http://127.0.0.1:7080; default: the one last used
    url: Option<String>,
    /// Who you are; asked for if it is missing
    #[arg(short, long, value_name = "NAME")]
    user: Option<String>,
    /// Your password; visible to others on this machine, so rather let it be asked for
    #[arg(short, long, conflicts_with = "password_stdin")]
    password: Option<String>,
    /// Read the password from standard input
    #[arg(long)]
    password_stdin: bool,
    /// The organization to work in
    #[arg(short, long)]
    org: Option<String>,
    /// The space to work in
    #[arg(short, long)]
    space: Option<String>,
}

impl Login {
    pub(in crate::client) async fn run(self, context: &Context) -> Result<()> {
        let url = match &self.url {
            Some(url) => normalize(url)?,
            None => context.url().map_err(|failure| Failure { exit: 2, ..failure })?,
        };
        let http = Http::new(&url, context.global.skip_ssl_validation, context.printer.clone())?;
        let mut target = discover(&http).await?;
        target.skip_ssl_validation = context.global.skip_ssl_validation;
        let (user, token) = self.authenticate(context, &http, &target).await?;
        target.expires_at = uaa::ends(&token);
        target.user = uaa::claim(&token.access_token, "user_name").or(Some(user));
        target.access_token = Some(token.access_token);
        target.refresh_token = token.refresh_token;
        let known = context.store.change(|config| {
            let old = config.targets.insert(url.clone(), target.clone());
            config.current = Some(url.clone());
            old.filter(|old| old.user == target.user)
        })?;
        let mut api = Api::new(&url, target, context.store.clone(), context.printer.clone(), false)?;
        // Where this person worked last is where they work now, if it is still there.
        let org = self.org.clone().or_else(|| known.as_ref()?.org.as_ref().map(|org| org.name.clone()));
        let space = self.space.clone().or_else(|| known.as_ref()?.space.as_ref().map(|space| space.name.clone()));
        let result = choose(&mut api, org.as_deref(), space.as_deref()).await;
        if self.org.is_some() || self.space.is_some() {
            result?;
        } else if result.is_err() {
            choose(&mut api, None, None).await?;
        }
        remember(context, &url, &api.target)?;
        show(context, &url, &api.target);
        Ok(())
    }

    async fn authenticate(&self, context: &Context, http: &Http, target: &Target) -> Result<(String, Token)> {
        let terminal = std::io::stdin().is_terminal();
        let user = match &self.user {
            Some(user) => user.clone(),
            None if terminal => ask("Name or email: ")?,
            None => return Err(Failure::usage("who are you?").hint("add -u NAME")),
        };
        let wrong = || {
            Failure::new(format!("name or password is wrong for `{user}`"))
                .hint("passwords and names are case-sensitive; an administrator can set a new one")
        };
        if let Some(password) = self.given_password()? {
            let token = uaa::password(http, &target.login, &user, &password).await?;
            return token.map(|token| (user.clone(), token)).ok_or_else(wrong);
        }
        if !terminal {
            return Err(Failure::usage("there is no terminal to ask for the password on")
                .hint("add --password-stdin and give it on standard input"));
        }
        for _ in 0..ATTEMPTS {
            let password = rpassword::prompt_password("Password: ").told(|| "cannot read the password".to_owned())?;
            match uaa::password(http, &target.login, &user, &password).await? {
                Some(token) => return Ok((user, token)),
                None => context.printer.talk("Name or password is wrong."),
            }
        }
        Err(wrong())
    }

    fn given_password(&self) -> Result<Option<String>> {
        if !self.password_stdin {
            return Ok(self.password.clone());
        }
        let mut line = String::new();
        std::io::stdin().lock().read_line(&mut line).told(|| "cannot read the password".to_owned())?;
        Ok(Some(line.trim_end_matches(['\r', '\n']).to_owned()))
    }
}

/// Reads the root document.
async fn discover(http: &Http) -> Result<Target> {
    let url = format!("{}/", http.target());
    let response = http.send(true, |client| client.get(&url).header("Accept", "application/json")).await?;
    let other = |why: String| {
        Failure::new(format!("{} answers, but not as a Cloud Foundry API: {why}", http.target()))
            .hint("give the address of the API, for example http://127.0.0.1:7080")
    };
    let response = expect_success(response).await.map_err(|failure| other(failure.message))?;
    let root: Root = read(response).await.map_err(|_| other("there is no root document at /".to_owned()))?;
    let links = root.links;
    if links.cloud_controller_v3.is_none() {
        return Err(other("it does not offer version 3".to_owned()));
    }
    let href = |link: Option<crate::client::shapes::Link>| link.map(|link| link.href.trim_end_matches('/').to_owned());
    let uaa = href(links.uaa);
    let login = href(links.login).or_else(|| uaa.clone()).ok_or_else(|| other("it names no log-in".to_owned()))?;
    Ok(Target {
        uaa: uaa.unwrap_or_else(|| login.clone()),
        login,
        log_cache: href(links.log_cache).unwrap_or_else(|| http.target().to_owned()),
        ..Target::default()
    })
}

fn ask(prompt: &str) -> Result<String> {
    let mut err = std::io::stderr().lock();
    let _ = write!(err, "{prompt}").and_then(|()| err.flush());
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).told(|| "cannot read your answer".to_owned())?;
    Ok(line.trim().to_owned())
}
