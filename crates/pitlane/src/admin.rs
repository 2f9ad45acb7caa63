//! `pitlane admin …`: what the machine's owner does on a shell, beside a running server or without one.

use anyhow::bail;
use serde::{Deserialize, Serialize};
use server::PersonRequest;
use std::io::{BufRead, IsTerminal};
use std::path::PathBuf;
use std::time::Duration;

/// Administration from the server's own shell (needs no sign-in, only the data folder)
#[derive(Debug, clap::Subcommand)]
pub enum Admin {
    /// Make an administrator, or make an existing person one, with a new password
    Createsuperuser {
        /// User name
        name: String,
        /// E-mail address
        #[arg(long)]
        email: String,
        #[command(flatten)]
        password: Password,
    },
    /// Set somebody's password; every session of theirs ends
    Changepassword {
        /// User name or e-mail address
        name: String,
        #[command(flatten)]
        password: Password,
    },
    /// Make a new master key and seal every stored secret anew with it, without interruption
    RotateKey {
        #[command(flatten)]
        place: Place,
    },
}

/// Which server it is for.
#[derive(Debug, clap::Args)]
pub struct Place {
    /// The server's data folder
    #[arg(long, env = "PITLANE_DATA", default_value = "./data")]
    data: PathBuf,
    /// The server's external database, if it has one and is not running
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    database_url: Option<String>,
}

/// Where a new password comes from, and which server it is for.
#[derive(Debug, clap::Args)]
pub struct Password {
    /// Read the password from standard input, one line, instead of asking twice
    #[arg(long)]
    password_stdin: bool,
    #[command(flatten)]
    place: Place,
}

impl Password {
    fn read(&self) -> anyhow::Result<String> {
        if self.password_stdin {
            let mut line = String::new();
            std::io::stdin().lock().read_line(&mut line)?;
            return Ok(line.trim_end_matches(['\r', '\n']).to_owned());
        }
        if !std::io::stdin().is_terminal() {
            bail!("there is no terminal to ask for the password: give --password-stdin");
        }
        let first = rpassword::prompt_password("New password: ")?;
        if rpassword::prompt_password("Again: ")? != first {
            bail!("the two do not match; nothing was changed");
        }
        Ok(first)
    }
}

/// So long a server may take to start or to end.
const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Debug, Deserialize, Serialize)]
struct Done {
    done: String,
}

/// Runs it.
pub async fn run(admin: Admin, printer: &mut dyn std::io::Write) -> anyhow::Result<()> {
    let (path, place, request) = match &admin {
        Admin::Createsuperuser { name, email, password } => {
            let request = PersonRequest { name: name.clone(), email: Some(email.clone()), password: password.read()? };
            ("/superuser", &password.place, Some(request))
        }
        Admin::Changepassword { name, password } => {
            let request = PersonRequest { name: name.clone(), email: None, password: password.read()? };
            ("/password", &password.place, Some(request))
        }
        Admin::RotateKey { place } => ("/rotate-key", place, None),
    };
    // A server that is just starting or ending has the folder and no socket: it is waited for.
    let begun = std::time::Instant::now();
    let (data, _held) = loop {
        if let Some(Done { done }) = crate::admin_socket::call(&place.data, "POST", path, &request).await? {
            writeln!(printer, "{done}")?;
            return Ok(());
        }
        let data = crate::settings::make_folder(&place.data)?;
        std::fs::create_dir_all(crate::settings::run_folder(&data))?;
        // A server that starts meanwhile would have read a key that is replaced.
        if let Ok(held) = crate::found::hold(&data, "control", None)? {
            break (data, held);
        }
        if begun.elapsed() > PATIENCE {
            bail!("the server on {} neither starts nor ends; nothing was done: see its control.log", data.display());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    let done = server::offline(&data, place.database_url.as_deref(), path, request).await?;
    writeln!(printer, "{done}")?;
    Ok(())
}
