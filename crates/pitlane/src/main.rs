//! The binary: command lines and start-up wiring. No rule of the platform lives here.

mod admin;
mod admin_socket;
mod client;
mod control;
mod found;
mod front;
mod ledger;
mod process;
mod serve;
mod settings;
mod stop;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser, Subcommand};
use std::io::Write;
use std::process::ExitCode;

/// One program on which a company runs its applications, serves its jobs and plans its work
///
/// Start a server with `pitlane serve`; use one from anywhere with `pitlane login URL` and `pitlane push`.
#[derive(Debug, Parser)]
#[command(name = "pitlane", version, arg_required_else_help = true, max_term_width = 100)]
struct Cli {
    #[command(flatten)]
    global: client::GlobalOptions,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start a server on this machine
    ///
    /// Everything it keeps is in one folder; applications, the APIs and the pages are on one address. Ctrl-C stops the
    /// server; applications go on running and are found again by the next start.
    Serve {
        #[command(flatten)]
        settings: settings::Settings,
        /// Replace a running server on the same folder without refusing a connection (an upgrade)
        #[arg(long)]
        take_over: bool,
    },
    #[command(subcommand)]
    Admin(admin::Admin),
    #[command(subcommand)]
    Ledger(ledger::Ledger),
    /// Print a script that completes commands and options in a shell
    ///
    /// Examples:
    ///   source <(pitlane completion bash)                                     for this shell
    ///   pitlane completion bash > /etc/bash_completion.d/pitlane              for everybody's
    ///   pitlane completion zsh > "${fpath[1]}/_pitlane"
    ///   pitlane completion fish > ~/.config/fish/completions/pitlane.fish
    #[command(verbatim_doc_comment)]
    Completion {
        /// Which shell
        #[arg(value_parser = clap::builder::EnumValueParser::<clap_complete::Shell>::new())]
        shell: clap_complete::Shell,
    },
    /// The front door; started by `pitlane serve`
    #[command(hide = true)]
    Router {
        #[command(flatten)]
        settings: settings::Settings,
        #[arg(long)]
        listener: i32,
    },
    /// APIs, store and engine; started by `pitlane serve`
    #[command(hide = true)]
    Control {
        #[command(flatten)]
        settings: settings::Settings,
    },
    #[command(flatten)]
    Client(client::ClientCommand),
}

fn main() -> ExitCode {
    // Before anything else: a keeper must stay small and single-threaded.
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next().is_some_and(|first| first == "keeper") {
        return engine_local::keeper::main(arguments.filter_map(|argument| argument.into_string().ok()));
    }
    let cli = Cli::parse();
    if cli.global.json && !matches!(cli.command, Command::Client(_) | Command::Ledger(_)) {
        Cli::command().error(ErrorKind::ArgumentConflict, "--json does nothing for this command").exit();
    }
    let mut output = std::io::stdout();
    let result = match cli.command {
        Command::Serve { settings, take_over } => {
            trace("warn");
            block_on(1, serve::run(settings, take_over, &mut output))
        }
        Command::Client(client::ClientCommand::Stop(client::Stop { data: Some(data), apps, .. })) => {
            block_on(2, stop::run(&data, apps, &mut output))
        }
        Command::Ledger(ledger) => block_on(1, ledger::run(ledger, cli.global.json, &mut output)),
        Command::Admin(admin) => block_on(1, admin::run(admin, &mut output)),
        Command::Completion { shell } => {
            // Made whole first: whoever reads may have read enough.
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "pitlane", &mut script);
            drop(output.write_all(&script));
            Ok(())
        }
        Command::Router { settings, listener } => {
            trace("info");
            front::run(&settings, listener)
        }
        Command::Control { settings } => {
            trace("info");
            block_on(2, control::run(settings))
        }
        Command::Client(command) => {
            return match block_on(1, async { Ok(client::run(command, cli.global).await) }) {
                Ok(code) => code,
                Err(error) => fail(&error),
            };
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error),
    }
}

/// Runs on a runtime with `threads` workers; 1 stays on this thread.
fn block_on<T>(threads: usize, work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let mut builder = match threads {
        1 => tokio::runtime::Builder::new_current_thread(),
        _ => tokio::runtime::Builder::new_multi_thread(),
    };
    let runtime = builder.worker_threads(threads).enable_all().build()?;
    let result = runtime.block_on(work);
    // A blocking read of the terminal must not hold up the end.
    runtime.shutdown_background();
    result
}

/// Log lines of the platform's own processes; `PITLANE_LOG` overrides the level.
fn trace(level: &str) {
    let filter = tracing_subscriber::EnvFilter::try_from_env("PITLANE_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(level));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(false).init();
}

#[expect(clippy::print_stderr, reason = "the last words of the process")]
fn fail(error: &anyhow::Error) -> ExitCode {
    eprintln!("pitlane: {error:#}");
    ExitCode::FAILURE
}
