//! Requests: the client, its retries, and errors in words.

use super::failure::{Failure, Result};
use super::printer::Printer;
use super::shapes::ApiErrors;
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::time::Instant;

/// A server that has answered before is waited for so long: it may be restarting.
const PATIENCE: Duration = Duration::from_secs(20);
/// One that has not, only so long.
const FIRST_PATIENCE: Duration = Duration::from_millis(400);

/// Sends requests to one server.
#[derive(Clone)]
pub(crate) struct Http {
    client: Client,
    target: String,
    printer: Printer,
    has_answered: Arc<AtomicBool>,
}

impl Http {
    /// For the server at `target`.
    pub(crate) fn new(target: &str, skip_ssl_validation: bool, printer: Printer) -> Result<Self> {
        // Fails only if one is installed already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = Client::builder()
            .user_agent(concat!("pitlane/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(Duration::from_secs(10))
            .read_timeout(Duration::from_secs(120))
            .redirect(reqwest::redirect::Policy::none());
        if skip_ssl_validation {
            builder = builder.tls_danger_accept_invalid_certs(true);
        }
        if let Some((host, port)) = local_name(target) {
            builder = builder.resolve(&host, SocketAddr::from((Ipv4Addr::LOCALHOST, port))).no_proxy();
        }
        let client = builder.build().map_err(|error| Failure::new(format!("no HTTPS on this machine: {error}")))?;
        Ok(Self { client, target: target.to_owned(), printer, has_answered: Arc::default() })
    }

    /// The server's URL.
    pub(crate) fn target(&self) -> &str {
        &self.target
    }

    /// Sends what `build` makes. Reading is repeated while the server restarts; anything else only if it cannot have
    /// arrived.
    pub(crate) async fn send(&self, read: bool, build: impl Fn(&Client) -> RequestBuilder) -> Result<Response> {
        let begun = Instant::now();
        let mut pause = Duration::from_millis(100);
        let mut told = false;
        loop {
            let result = build(&self.client).send().await;
            let again = match &result {
                Ok(response) => read && matches!(response.status().as_u16(), 502..=504),
                Err(error) => error.is_connect() || (read && error.is_request()),
            };
            // A front door that answers 503 is there; what is behind it will be.
            let answered = self.has_answered.fetch_or(result.is_ok(), Ordering::Relaxed) || result.is_ok();
            let patience = if answered { PATIENCE } else { FIRST_PATIENCE };
            if !again || begun.elapsed() + pause > patience {
                return result.map_err(|error| self.unreachable(&error));
            }
            if answered && !std::mem::replace(&mut told, begun.elapsed() > Duration::from_secs(1)) && told {
                self.printer.step(format!("{} does not answer at the moment; trying again", self.target));
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_secs(1));
        }
    }

    /// What a failed connection means.
    pub(crate) fn unreachable(&self, error: &reqwest::Error) -> Failure {
        let mut cause: &dyn std::error::Error = error;
        while let Some(source) = cause.source() {
            cause = source;
        }
        let cause = cause.to_string();
        let target = &self.target;
        let failure = Failure::new(format!("cannot reach {target}: {cause}"));
        let lower = cause.to_lowercase();
        if lower.contains("certificate") || lower.contains("unknownissuer") || lower.contains("cert") {
            failure.hint("if you trust this server nevertheless, add --skip-ssl-validation")
        } else if error.is_timeout() {
            failure.hint("the server or the network is slow; try again")
        } else if target.starts_with("https://") && lower.contains("corrupt message") {
            failure.hint(format!("it does not speak HTTPS; try {}", target.replacen("https", "http", 1)))
        } else {
            failure.hint("check that the server runs (`pitlane serve` starts one here) and that the URL is right; `pitlane login URL` changes it")
        }
    }
}

/// `x.localhost` is this machine, whether or not its resolver knows; proxies are not for this machine.
fn local_name(target: &str) -> Option<(String, u16)> {
    let url = reqwest::Url::parse(target).ok()?;
    let host = url.host_str()?;
    let local = host == "localhost" || host.ends_with(".localhost") || host.starts_with("127.");
    local.then(|| (host.to_owned(), url.port_or_known_default().unwrap_or(80)))
}

/// The response, or the API's errors in words.
pub(crate) async fn expect_success(response: Response) -> Result<Response> {
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    let request_id = response.headers().get("X-Vcap-Request-Id").and_then(|id| id.to_str().ok()).map(str::to_owned);
    let text = response.text().await.unwrap_or_default();
    let errors = serde_json::from_str::<ApiErrors>(&text).unwrap_or_default().errors;
    let code = errors.first().map_or(0, |error| error.code);
    let details: Vec<&str> = errors.iter().map(|error| error.detail.trim()).filter(|text| !text.is_empty()).collect();
    let message = match details.as_slice() {
        [] if text.trim().is_empty() || text.len() > 500 || text.contains(['<', '{']) => {
            format!("the server answered {status} without saying why")
        }
        [] => format!("the server answered {status}: {}", text.trim()),
        [one] => (*one).to_owned(),
        several => several.iter().map(|detail| format!("- {detail}")).collect::<Vec<_>>().join("\n"),
    };
    let message = if details.len() > 1 { format!("{} things are wrong:\n{message}", details.len()) } else { message };
    let mut failure = Failure { api: Some((status.as_u16(), code)), ..Failure::new(message) };
    failure.hint = hint(status, code, request_id);
    Err(failure)
}

fn hint(status: StatusCode, code: i64, request_id: Option<String>) -> Option<String> {
    match (status.as_u16(), code) {
        (401, _) => Some("your log-in has ended; run `pitlane login`".to_owned()),
        (403, 10003) => Some("ask a manager of the organization or space for the role it needs".to_owned()),
        (403, 10017 | 10019) => Some("an administrator can lift the suspension".to_owned()),
        (404, 10000) => Some("this server does not know that request; is it older than this command?".to_owned()),
        (422, 170_017) => {
            Some("wait for the staging that is under way, or follow it with `pitlane logs NAME --follow`".to_owned())
        }
        (429, _) => Some("too many requests at once; wait a moment and try again".to_owned()),
        (500.., _) => request_id.map(|id| format!("the server's log tells more; look for request {id}")),
        _ => None,
    }
}
