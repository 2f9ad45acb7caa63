//! Health and readiness checks, as stored and as shown.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// A check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// `port`, `http`, `process`.
    pub kind: String,
    /// Seconds until the first success; health only.
    #[serde(default)]
    pub timeout: Option<u64>,
    /// Seconds one probe may take.
    #[serde(default)]
    pub invocation_timeout: Option<u64>,
    /// Seconds between probes.
    #[serde(default)]
    pub interval: Option<u64>,
    /// Path, for `http`.
    #[serde(default)]
    pub endpoint: Option<String>,
}

/// Seconds an app may take to become well when it does not say (reference, 12.3).
pub const TIMEOUT: u64 = 60;
/// Seconds it may ask for at most.
pub const MAX_TIMEOUT: u64 = 180;

impl Check {
    /// One with nothing said but its kind.
    pub fn of_kind(kind: &str) -> Self {
        Self { kind: kind.into(), timeout: None, invocation_timeout: None, interval: None, endpoint: None }
    }

    /// As a health check is shown.
    pub fn show_health(&self) -> Value {
        let mut data =
            json!({"timeout": self.timeout, "invocation_timeout": self.invocation_timeout, "interval": self.interval});
        self.show(&mut data)
    }

    /// As a readiness check is shown.
    pub fn show_readiness(&self) -> Value {
        if self.kind == "process" {
            return json!({"type": "process", "data": {"invocation_timeout": null, "interval": null}});
        }
        let mut data = json!({"invocation_timeout": self.invocation_timeout, "interval": self.interval});
        self.show(&mut data)
    }

    fn show(&self, data: &mut Value) -> Value {
        if self.kind == "http" {
            data["endpoint"] = json!(self.endpoint.as_deref().unwrap_or("/"));
        }
        json!({"type": self.kind, "data": data})
    }

    /// Takes over what a request says; `None` of a field leaves it. Says what is wrong with it.
    pub fn change(&mut self, change: &CheckChange) -> Result<(), String> {
        let kind = match change.kind.as_deref() {
            None => self.kind.clone(),
            Some("none") => "process".into(),
            Some(kind @ ("port" | "http" | "process")) => kind.into(),
            Some(_) => return Err("type must be \"port\", \"process\", or \"http\"".into()),
        };
        let data = change.data.clone().unwrap_or_default();
        if let Some(endpoint) = &data.endpoint {
            if kind != "http" {
                return Err("type must be \"http\" to set a health check HTTP endpoint".into());
            }
            if !endpoint.starts_with('/') || endpoint.contains(char::is_whitespace) {
                return Err("endpoint must be a valid URI path".into());
            }
        }
        for (name, value) in
            [("timeout", data.timeout), ("invocation_timeout", data.invocation_timeout), ("interval", data.interval)]
        {
            if value == Some(0) {
                return Err(format!("{name} must be greater than or equal to 1"));
            }
        }
        if data.timeout.is_some_and(|timeout| timeout > MAX_TIMEOUT) {
            return Err(format!("timeout exceeds the maximum of {MAX_TIMEOUT} seconds"));
        }
        if kind != self.kind {
            self.endpoint = (kind == "http").then(|| "/".into());
            self.kind = kind;
        }
        self.timeout = data.timeout.or(self.timeout);
        self.invocation_timeout = data.invocation_timeout.or(self.invocation_timeout);
        self.interval = data.interval.or(self.interval);
        self.endpoint = data.endpoint.or(self.endpoint.take());
        Ok(())
    }

    /// As the engine wants it.
    pub fn for_engine(&self) -> engine::HealthCheck {
        let seconds = |value: Option<u64>, default| std::time::Duration::from_secs(value.unwrap_or(default));
        engine::HealthCheck {
            kind: match self.kind.as_str() {
                "port" => engine::HealthKind::Port,
                "http" => engine::HealthKind::Http { endpoint: self.endpoint.clone().unwrap_or_else(|| "/".into()) },
                _ => engine::HealthKind::Process,
            },
            timeout: seconds(self.timeout, TIMEOUT),
            invocation_timeout: seconds(self.invocation_timeout, 1),
            interval: seconds(self.interval, 30),
        }
    }
}

/// What a request wants of a check.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckChange {
    /// New kind.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// Its numbers.
    pub data: Option<CheckData>,
}

/// Numbers of a check; null and absent are one.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckData {
    /// Seconds.
    pub timeout: Option<u64>,
    /// Seconds.
    pub invocation_timeout: Option<u64>,
    /// Seconds.
    pub interval: Option<u64>,
    /// Path.
    pub endpoint: Option<String>,
}
