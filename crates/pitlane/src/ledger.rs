//! `pitlane ledger …`: the order of all changes, looked at on the server's own shell.

use anyhow::Context;
use std::path::PathBuf;

/// The record of every change
#[derive(Debug, clap::Subcommand)]
pub enum Ledger {
    /// Check that no entry was altered, removed or moved
    ///
    /// Reads the whole ledger and follows its chain of hashes; works beside a running server. Keep the printed head
    /// somewhere else: a later check that passes with an older head among its entries proves that nothing before it changed.
    Verify {
        /// The server's data folder
        #[arg(long, env = "PITLANE_DATA", default_value = "./data")]
        data: PathBuf,
        /// The server's external database, if it has one
        #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
        database_url: Option<String>,
    },
}

/// Runs it.
pub async fn run(ledger: Ledger, json: bool, printer: &mut dyn std::io::Write) -> anyhow::Result<()> {
    let Ledger::Verify { data, database_url } = ledger;
    let data = std::fs::canonicalize(&data).with_context(|| format!("no data folder {}", data.display()))?;
    let verified = server::verify_ledger(&data, database_url.as_deref()).await?;
    match json {
        true => writeln!(printer, "{}", serde_json::json!({ "entries": verified.entries, "head": verified.head }))?,
        false => writeln!(
            printer,
            "{} entries, none altered, missing or out of order; head {}",
            verified.entries, verified.head
        )?,
    }
    Ok(())
}
