//! `pitlane admin …`: what the machine's owner does on a shell, beside a running server or without one.

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};
use std::io::{BufRead, IsTerminal};
use std::path::PathBuf;

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
}

/// Where a new password comes from, and which server it is for.
#[derive(Debug, clap::Args)]
pub struct Password {
    /// Read the password from standard input, one line, instead of asking twice
    #[arg(long)]
    password_stdin: bool,
    /// The server's data folder
    #[arg(long, env = "PITLANE_DATA", default_value = "./data")]
    data: PathBuf,
    /// The server's external database, if it has one and is not running
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    database_url: Option<String>,
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

#[derive(Debug, Deserialize, Serialize)]
struct Done {
    done: String,
}

/// Runs it.
pub async fn run(admin: Admin, printer: &mut dyn std::io::Write) -> anyhow::Result<()> {
    let (path, options, request) = match &admin {
        Admin::Createsuperuser { name, email, password } => (
            "/superuser",
            password,
            server::PersonRequest { name: name.clone(), email: Some(email.clone()), password: password.read()? },
        ),
        Admin::Changepassword { name, password } => (
            "/password",
            password,
            server::PersonRequest { name: name.clone(), email: None, password: password.read()? },
        ),
    };
    if let Some(Done { done }) = crate::admin_socket::call(&options.data, "POST", path, &request).await? {
        writeln!(printer, "{done}")?;
        return Ok(());
    }
    let data = std::fs::canonicalize(&options.data)
        .or_else(|_| std::fs::create_dir_all(&options.data).and_then(|()| std::fs::canonicalize(&options.data)))
        .with_context(|| format!("cannot open the data folder {}", options.data.display()))?;
    let done = server::person_offline(&data, options.database_url.as_deref(), path, request).await?;
    writeln!(printer, "{done}")?;
    Ok(())
}
