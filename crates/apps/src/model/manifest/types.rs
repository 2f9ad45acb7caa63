//! What a manifest wants. `None` everywhere means: not mentioned, leave as it is.

/// A document.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Manifest {
    /// In its order; at least one; names differ.
    pub applications: Vec<Application>,
}

/// How an application becomes a droplet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lifecycle {
    /// By buildpacks.
    Buildpack,
    /// From an image.
    Docker,
    /// By cloud native buildpacks.
    Cnb,
}

/// One application.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Application {
    /// Its name.
    pub name: String,
    /// Where it stands.
    pub line: u64,
    /// Named, or implied by `docker`.
    pub lifecycle: Option<Lifecycle>,
    /// Empty: detect.
    pub buildpacks: Option<Vec<String>>,
    /// Stack by name.
    pub stack: Option<String>,
    /// Image of a docker application.
    pub docker_image: Option<String>,
    /// To be merged into what is set; scalars as text.
    pub env: Vec<(String, String)>,
    /// Features by name.
    pub features: Vec<(String, bool)>,
    /// Routes to be created and mapped.
    pub routes: Option<Vec<Route>>,
    /// Unmap everything; wins.
    pub no_route: bool,
    /// A made-up host, if there is no route yet.
    pub random_route: bool,
    /// The application's name as host, if there is no route yet and none is named.
    pub default_route: bool,
    /// To be bound.
    pub services: Vec<Service>,
    /// By name.
    pub sidecars: Vec<Sidecar>,
    /// By type; the application's own process keys are in `web`.
    pub processes: Vec<Process>,
    /// Labels; `None` removes one.
    pub labels: Vec<(String, Option<String>)>,
    /// Annotations; `None` removes one.
    pub annotations: Vec<(String, Option<String>)>,
}

/// A route to be mapped.
#[derive(Debug, Clone, PartialEq)]
pub struct Route {
    /// `host.domain/path` or `domain:port`, as written.
    pub route: String,
    /// `http1`, `http2` or `tcp`.
    pub protocol: Option<String>,
    /// Balancing and hashing options.
    pub options: Option<serde_json::Value>,
}

/// A service instance to be bound.
#[derive(Debug, Clone, PartialEq)]
pub struct Service {
    /// Instance name.
    pub name: String,
    /// Name of the binding.
    pub binding_name: Option<String>,
    /// For the broker.
    pub parameters: Option<serde_json::Value>,
}

/// A companion of processes.
#[derive(Debug, Clone, PartialEq)]
pub struct Sidecar {
    /// Unique in its application.
    pub name: String,
    /// What runs.
    pub command: String,
    /// Beside which process types.
    pub process_types: Vec<String>,
    /// Megabytes.
    pub memory_mb: Option<u64>,
}

/// A process.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Process {
    /// Its type.
    pub kind: String,
    /// `Some(None)`: back to what staging detected.
    pub command: Option<Option<String>>,
    /// User inside the container.
    pub user: Option<String>,
    /// How many.
    pub instances: Option<u32>,
    /// Megabytes.
    pub memory_mb: Option<u64>,
    /// Megabytes.
    pub disk_mb: Option<u64>,
    /// Bytes a second; -1 for no limit.
    pub log_rate: Option<i64>,
    /// Seconds until it must be well.
    pub timeout: Option<u64>,
    /// `port`, `http`, `process`.
    pub health_type: Option<String>,
    /// Path for `http`.
    pub health_endpoint: Option<String>,
    /// Seconds one probe may take.
    pub health_invocation_timeout: Option<u64>,
    /// Seconds between probes.
    pub health_interval: Option<u64>,
    /// As `health_type`.
    pub readiness_type: Option<String>,
    /// As `health_endpoint`.
    pub readiness_endpoint: Option<String>,
    /// As `health_invocation_timeout`.
    pub readiness_invocation_timeout: Option<u64>,
    /// As `health_interval`.
    pub readiness_interval: Option<u64>,
}

impl Process {
    /// One of which nothing but the type is said.
    pub fn named(kind: &str) -> Self {
        Self { kind: kind.into(), ..Self::default() }
    }

    /// Itself, and where it says nothing, `base`.
    pub fn over(self, base: Self) -> Self {
        Self {
            kind: self.kind,
            command: self.command.or(base.command),
            user: self.user.or(base.user),
            instances: self.instances.or(base.instances),
            memory_mb: self.memory_mb.or(base.memory_mb),
            disk_mb: self.disk_mb.or(base.disk_mb),
            log_rate: self.log_rate.or(base.log_rate),
            timeout: self.timeout.or(base.timeout),
            health_type: self.health_type.or(base.health_type),
            health_endpoint: self.health_endpoint.or(base.health_endpoint),
            health_invocation_timeout: self.health_invocation_timeout.or(base.health_invocation_timeout),
            health_interval: self.health_interval.or(base.health_interval),
            readiness_type: self.readiness_type.or(base.readiness_type),
            readiness_endpoint: self.readiness_endpoint.or(base.readiness_endpoint),
            readiness_invocation_timeout: self.readiness_invocation_timeout.or(base.readiness_invocation_timeout),
            readiness_interval: self.readiness_interval.or(base.readiness_interval),
        }
    }
}
