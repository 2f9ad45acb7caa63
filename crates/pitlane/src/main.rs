//! The `pitlane` command line.

mod client;

use clap::Parser;
use std::process::ExitCode;

/// Runs applications, and looks after them.
#[derive(Debug, Parser)]
#[command(name = "pitlane", version, propagate_version = true)]
struct Cli {
    #[command(flatten)]
    global: client::GlobalOptions,
    #[command(subcommand)]
    command: client::ClientCommand,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    client::run(cli.command, cli.global).await
}
