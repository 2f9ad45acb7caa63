//! The client's command line: pushes and looks after apps through the Cloud Foundry API v3, like any other client.
//!
//! Results go to standard output (`--json`: machine-readable), talk to standard error. Exit status 0: done; 1: not
//! done, with the reason and the next step; 2: the command line makes no sense; 130: Ctrl-C. `run` exits with its task's status.
//!
//! Negative: it knows nothing of the server but its public API.

mod api;
mod commands;
mod config;
mod failure;
mod http;
mod logs;
mod mask;
mod printer;
mod push;
mod shapes;
mod start;
mod summary;
mod table;
mod uaa;
mod words;

use commands::{
    app, apps, create_org, create_space, delete, env, events, login, logout, map, orgs, passwd, push as push_command,
    rename, restart, routes, run as run_command, scale, set_env, spaces, start as start_command, stop, target, tasks,
    unmap, unset_env,
};
use failure::{Failure, Result};
use printer::Printer;
use std::process::ExitCode;

pub use commands::stop::Stop;

/// Options that every client command takes.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Options of every command")]
pub struct GlobalOptions {
    /// Print the result as JSON on standard output; talk stays on standard error
    #[arg(long, global = true, display_order = 1000)]
    pub json: bool,
    /// The server, instead of the one last logged in to
    #[arg(long = "at", env = "PITLANE_TARGET", global = true, value_name = "URL", display_order = 1001)]
    pub target: Option<String>,
    /// Trust the server's certificate whatever it is
    #[arg(long, global = true, display_order = 1002)]
    pub skip_ssl_validation: bool,
}

/// The client's commands.
#[derive(Debug, clap::Subcommand)]
pub enum ClientCommand {
    /// Log in to a server and choose where to work
    #[command(after_help = login::EXAMPLES)]
    Login(login::Login),
    /// Forget the log-in
    #[command(after_help = logout::EXAMPLES)]
    Logout(logout::Logout),
    /// Show or choose the organization and space to work in
    #[command(after_help = target::EXAMPLES)]
    Target(target::Target),
    /// Upload an app, build it and start it
    #[command(after_help = push_command::EXAMPLES)]
    Push(Box<push_command::Push>),
    /// List the apps of the space
    #[command(after_help = apps::EXAMPLES)]
    Apps(apps::Apps),
    /// Show how an app stands
    #[command(after_help = app::EXAMPLES)]
    App(app::App),
    /// Show or follow what an app says
    #[command(after_help = commands::logs::EXAMPLES)]
    Logs(commands::logs::Logs),
    /// Change an app's number of instances, memory or disk
    #[command(after_help = scale::EXAMPLES)]
    Scale(scale::Scale),
    /// Start an app
    #[command(after_help = start_command::EXAMPLES)]
    Start(start_command::Start),
    /// Stop an app
    #[command(after_help = stop::EXAMPLES)]
    Stop(stop::Stop),
    /// Stop an app and start it again
    #[command(after_help = restart::EXAMPLES)]
    Restart(restart::Restart),
    /// Show an app's environment
    #[command(after_help = env::EXAMPLES)]
    Env(env::Env),
    /// Set variables of an app's environment
    #[command(after_help = set_env::EXAMPLES)]
    SetEnv(set_env::SetEnv),
    /// Remove variables from an app's environment
    #[command(after_help = unset_env::EXAMPLES)]
    UnsetEnv(unset_env::UnsetEnv),
    /// Let an app answer on an address
    #[command(after_help = map::EXAMPLES)]
    Map(map::Map),
    /// Let an app answer on an address no longer
    #[command(after_help = unmap::EXAMPLES)]
    Unmap(unmap::Unmap),
    /// List the addresses of the space
    #[command(after_help = routes::EXAMPLES)]
    Routes(routes::Routes),
    /// Run a command once in an app's surroundings
    #[command(after_help = run_command::EXAMPLES)]
    Run(run_command::Run),
    /// List what was run once
    #[command(after_help = tasks::EXAMPLES)]
    Tasks(tasks::Tasks),
    /// List what happened to an app
    #[command(after_help = events::EXAMPLES)]
    Events(events::Events),
    /// Delete an app
    #[command(after_help = delete::EXAMPLES)]
    Delete(delete::Delete),
    /// Give an app another name
    #[command(after_help = rename::EXAMPLES)]
    Rename(rename::Rename),
    /// List the organizations
    #[command(after_help = orgs::EXAMPLES)]
    Orgs(orgs::Orgs),
    /// List the spaces of the organization
    #[command(after_help = spaces::EXAMPLES)]
    Spaces(spaces::Spaces),
    /// Create an organization
    #[command(after_help = create_org::EXAMPLES)]
    CreateOrg(create_org::CreateOrg),
    /// Create a space
    #[command(after_help = create_space::EXAMPLES)]
    CreateSpace(create_space::CreateSpace),
    /// Change your password
    #[command(after_help = passwd::EXAMPLES)]
    Passwd(passwd::Passwd),
}

/// Carries out a command.
pub async fn run(command: ClientCommand, global: GlobalOptions) -> ExitCode {
    let printer = Printer::new(global.json);
    let result = match Context::new(global, printer.clone()) {
        Ok(context) => dispatch(command, &context).await,
        Err(failure) => Err(failure),
    };
    match result {
        Ok(status) => ExitCode::from(status),
        Err(failure) => {
            printer.failure(&failure);
            ExitCode::from(failure.exit)
        }
    }
}

async fn dispatch(command: ClientCommand, context: &Context) -> Result<u8> {
    match command {
        ClientCommand::Login(command) => command.run(context).await,
        ClientCommand::Logout(command) => command.run(context).await,
        ClientCommand::Target(command) => command.run(context).await,
        ClientCommand::Push(command) => command.run(context).await,
        ClientCommand::Apps(command) => command.run(context).await,
        ClientCommand::App(command) => command.run(context).await,
        ClientCommand::Logs(command) => command.run(context).await,
        ClientCommand::Scale(command) => command.run(context).await,
        ClientCommand::Start(command) => command.run(context).await,
        ClientCommand::Stop(command) => command.run(context).await,
        ClientCommand::Restart(command) => command.run(context).await,
        ClientCommand::Env(command) => command.run(context).await,
        ClientCommand::SetEnv(command) => command.run(context).await,
        ClientCommand::UnsetEnv(command) => command.run(context).await,
        ClientCommand::Map(command) => command.run(context).await,
        ClientCommand::Unmap(command) => command.run(context).await,
        ClientCommand::Routes(command) => command.run(context).await,
        ClientCommand::Run(command) => return command.run(context).await,
        ClientCommand::Tasks(command) => command.run(context).await,
        ClientCommand::Events(command) => command.run(context).await,
        ClientCommand::Delete(command) => command.run(context).await,
        ClientCommand::Rename(command) => command.run(context).await,
        ClientCommand::Orgs(command) => command.run(context).await,
        ClientCommand::Spaces(command) => command.run(context).await,
        ClientCommand::CreateOrg(command) => command.run(context).await,
        ClientCommand::CreateSpace(command) => command.run(context).await,
        ClientCommand::Passwd(command) => command.run(context).await,
    }
    .map(|()| 0)
}

/// What every command gets.
struct Context {
    printer: Printer,
    global: GlobalOptions,
    store: config::Store,
}

impl Context {
    fn new(global: GlobalOptions, printer: Printer) -> Result<Self> {
        Ok(Self { printer, global, store: config::Store::from_environment()? })
    }

    /// The server that is meant.
    fn url(&self) -> Result<String> {
        if let Some(url) = self.global.target.as_ref().filter(|url| !url.is_empty()) {
            return config::normalize(url);
        }
        self.store.load()?.current.ok_or_else(|| {
            Failure::new("you are not logged in to any server")
                .hint("run `pitlane login URL`, for example `pitlane login http://127.0.0.1:7080`")
        })
    }

    /// That server, with somebody logged in.
    fn api(&self) -> Result<api::Api> {
        let url = self.url()?;
        let target = self.store.load()?.targets.remove(&url).ok_or_else(|| api::not_logged_in(&url))?;
        api::Api::new(&url, target, self.store.clone(), self.printer.clone(), self.global.skip_ssl_validation)
    }
}
