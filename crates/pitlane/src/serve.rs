//! `pitlane serve`: the supervisor. It binds the listener, starts control and router, and starts them again when they end.
//!
//! Invariants: the listening socket is never closed between two routers, so no connection is refused; a router that runs
//! already goes on until control serves again and the next router has its table; instances are nobody's children here and
//! go on whatever ends. Negative: no database, no HTTP of its own.

use crate::admin_socket;
use crate::found::{self, Note};
use crate::process::{self, Role};
use crate::settings::Settings;
use anyhow::{Context, bail};
use rustix::process::Signal;
use std::net::TcpListener;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};
use tokio::process::Child;
use tokio::signal::unix::{SignalKind, signal};

/// How long a router may take to finish running requests.
const DRAIN: Duration = Duration::from_secs(20);
/// How long control may take to finish what it writes.
const CONTROL_STOP: Duration = Duration::from_secs(10);

/// Runs until told to stop (SIGTERM, SIGINT).
pub async fn run(settings: Settings, take_over: bool, printer: &mut dyn std::io::Write) -> anyhow::Result<()> {
    let settings = settings.prepare()?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hand_over = signal(SignalKind::user_defined2())?;

    let _held = hold(&settings, take_over).await?;
    let before = found::living(&settings.data, Role::Router.name());
    let listener = listener(&settings, before.as_ref())?;

    // An earlier control must have let go of the store before the next one opens it.
    if let Some(old) = found::living(&settings.data, Role::Control.name()) {
        end(&old, CONTROL_STOP).await?;
    }
    let mut control = Nursling::start(Role::Control, &settings, &listener)?;
    if before.is_some() {
        tokio::select! {
            ready = admin_socket::wait_ready(&settings.data, false) => drop(ready?),
            // The former router, which nobody has ended, answers for the applications still.
            status = control.child.wait() => bail!("{}", last_words(&settings, Role::Control, status?)),
            _ = terminate.recv() => return control.stop(CONTROL_STOP).await,
            _ = interrupt.recv() => return control.stop(CONTROL_STOP).await,
        }
    }
    let mut router = Nursling::start(Role::Router, &settings, &listener)?;
    if let Some(old) = before {
        tokio::spawn(async move { end(&old, DRAIN).await });
    }

    tokio::select! {
        greeting = greeting(&settings) => write!(printer, "{}", greeting?).and_then(|()| printer.flush())?,
        // It says why in its last words.
        status = control.child.wait() => {
            let words = last_words(&settings, Role::Control, status?);
            router.stop(DRAIN).await?;
            bail!("{words}");
        }
        _ = terminate.recv() => { stop(&mut control, &mut router).await?; return Ok(()) }
        _ = interrupt.recv() => { stop(&mut control, &mut router).await?; return Ok(()) }
    }
    loop {
        tokio::select! {
            status = control.child.wait() => { tracing::warn!(status = %status?, "control ended"); control.again(&settings, &listener).await? }
            status = router.child.wait() => { tracing::warn!(status = %status?, "router ended"); router.again(&settings, &listener).await? }
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
            // A newer supervisor takes the children over; they go on.
            _ = hand_over.recv() => return Ok(()),
        }
    }
    stop(&mut control, &mut router).await
}

async fn hold(settings: &Settings, take_over: bool) -> anyhow::Result<found::Held> {
    match found::hold(&settings.data, "serve", None)? {
        Ok(held) => return Ok(held),
        Err(other) if !take_over => bail!(
            "pitlane serve runs already on {} (pid {}); stop it with `pitlane stop --data {}`, or replace it without \
             interruption with `pitlane serve --take-over`",
            settings.data.display(),
            other.pid,
            settings.data.display()
        ),
        Err(other) => anyhow::ensure!(
            found::end(&other, Signal::USR2, Duration::from_secs(10)).await?,
            "the running supervisor (pid {}) does not let go",
            other.pid
        ),
    }
    found::hold(&settings.data, "serve", None)?.map_err(|other| anyhow::anyhow!("pid {} was faster", other.pid))
}

/// The socket of the router that runs already, or a new one.
fn listener(settings: &Settings, running: Option<&Note>) -> anyhow::Result<TcpListener> {
    if let Some(note) = running {
        match found::listener_of(note) {
            Ok(Some(listener)) if listener.local_addr().ok() == Some(settings.listen) => return Ok(listener),
            Ok(_) => tracing::info!("the address changed: a new listener is opened"),
            Err(error) => tracing::warn!(%error, "the running router's socket cannot be taken over"),
        }
    }
    let domain = rustix::net::AddressFamily::from_raw(if settings.listen.is_ipv4() { 2 } else { 10 });
    let socket =
        rustix::net::socket_with(domain, rustix::net::SocketType::STREAM, rustix::net::SocketFlags::CLOEXEC, None)?;
    rustix::net::sockopt::set_socket_reuseaddr(&socket, true)?;
    rustix::net::bind(&socket, &settings.listen)
        .with_context(|| format!("cannot listen on {}: choose another address with --listen", settings.listen))?;
    rustix::net::listen(&socket, 4096)?;
    Ok(TcpListener::from(socket))
}

/// A child that is started again when it ends.
struct Nursling {
    role: Role,
    child: Child,
    started: Instant,
    pause: Duration,
}

impl Nursling {
    fn start(role: Role, settings: &Settings, listener: &TcpListener) -> anyhow::Result<Self> {
        let child = process::spawn(role, settings, listener.as_fd())
            .with_context(|| format!("cannot start `pitlane {}`", role.name()))?;
        Ok(Self { role, child, started: Instant::now(), pause: Duration::ZERO })
    }

    async fn stop(&mut self, limit: Duration) -> anyhow::Result<()> {
        terminate(&mut self.child, limit).await
    }

    /// At once the first time, then ever more slowly while it keeps ending early.
    async fn again(&mut self, settings: &Settings, listener: &TcpListener) -> anyhow::Result<()> {
        let early = self.started.elapsed() < Duration::from_secs(30);
        self.pause = if early {
            (self.pause * 2).clamp(Duration::from_millis(50), Duration::from_secs(10))
        } else {
            Duration::ZERO
        };
        tokio::time::sleep(self.pause).await;
        let pause = self.pause;
        *self = Self::start(self.role, settings, listener)?;
        self.pause = pause;
        Ok(())
    }
}

async fn stop(control: &mut Nursling, router: &mut Nursling) -> anyhow::Result<()> {
    // The router drains while control still answers what is running through it.
    terminate(&mut router.child, DRAIN).await?;
    terminate(&mut control.child, CONTROL_STOP).await
}

async fn terminate(child: &mut Child, limit: Duration) -> anyhow::Result<()> {
    if let Some(pid) = child.id().and_then(|pid| rustix::process::Pid::from_raw(pid.cast_signed())) {
        let _ = rustix::process::kill_process(pid, Signal::TERM);
    }
    if tokio::time::timeout(limit, child.wait()).await.is_err() {
        child.kill().await?;
    }
    Ok(())
}

async fn end(note: &Note, limit: Duration) -> anyhow::Result<()> {
    if !found::end(note, Signal::TERM, limit).await? {
        found::end(note, Signal::KILL, Duration::from_secs(5)).await?;
    }
    Ok(())
}

/// What is printed once everything answers.
async fn greeting(settings: &Settings) -> anyhow::Result<String> {
    use std::fmt::Write;
    let status = admin_socket::wait_ready(&settings.data, true).await?;
    let url = settings.url();
    let mut text = format!("pitlane is ready at {url}\n");
    for problem in &status.problems {
        writeln!(text, "  note: {problem}")?;
    }
    match &status.setup {
        Some(token) => writeln!(
            text,
            "\nFirst, make the administrator (this link works once):\n  {url}/setup?token={token}\n\nThen:\n  \
             pitlane login {url}\n  pitlane push hello -p samples/static\n  pitlane apps"
        )?,
        None => {
            writeln!(text, "\nNext:\n  pitlane login {url}\n  pitlane push hello -p samples/static\n  pitlane apps")?
        }
    }
    Ok(text)
}

fn last_words(settings: &Settings, role: Role, status: std::process::ExitStatus) -> String {
    let path = settings.data.join("log").join(format!("{}.log", role.name()));
    let text = std::fs::read_to_string(&path).unwrap_or_default();
    let words = text.lines().rev().find_map(|line| line.strip_prefix("pitlane: "));
    match words {
        Some(words) => words.to_owned(),
        None => format!("{} ended ({status}); its log is {}", role.name(), path.display()),
    }
}
