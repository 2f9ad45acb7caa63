//! What this process counts, under the names that dashboards of Lifecycle, its image builder and Pub know (reference, 8, 11.8 and
//! 18.4). Calls are counted by the gateway; [`calls`] says them in the same way.
//!
//! Invariant: a name that is here is counted somewhere. What nothing here does (asking another process whether a call is
//! allowed, a cache of its answers, pooled connections to a database) has no name.

pub(crate) mod calls;

use prometheus::proto::{Gauge, LabelPair, Metric, MetricFamily, MetricType};
use prometheus::{CounterVec, register_counter_vec_with_registry};
use prometheus::{
    Histogram, IntCounter, IntCounterVec, Registry, register_histogram_with_registry,
    register_int_counter_vec_with_registry, register_int_counter_with_registry,
};

/// How a job is named.
pub(crate) const JOB: [&str; 2] = ["job_name", "job_version"];
/// Each is registered once, in [`Metrics::new`].
const ONCE: &str = "every name is registered once, and is one";

/// The counters of one process.
#[derive(Debug)]
pub struct Metrics {
    /// Lifecycle's and its image builder's.
    lifecycle: Registry,
    pub(crate) requested: IntCounter,
    pub(crate) done: IntCounter,
    pub(crate) deployed: IntCounter,
    pub(crate) scrapes: IntCounter,
    pub(crate) job_fetch: Histogram,
    pub(crate) listeners_came: IntCounter,
    pub(crate) listeners_left: IntCounter,
    pub(crate) request_errors: IntCounter,
    pub(crate) requests_started: IntCounter,
    pub(crate) requests_done: IntCounter,
    pub(crate) request_duration: Histogram,
    pub(crate) builds_requested: IntCounter,
    pub(crate) builds_done: IntCounter,
    pub(crate) built: IntCounter,
    pub(crate) build_errors: IntCounter,
    pub(crate) build_duration: Histogram,
    pub(crate) phase_duration: CounterVec,
    pub(crate) phase_done: IntCounterVec,
    /// What of Pub's is done here.
    gateway: Registry,
    pub(crate) health_requests: IntCounter,
    pub(crate) async_started: IntCounterVec,
    pub(crate) async_done: IntCounterVec,
    pub(crate) async_errors: IntCounter,
    pub(crate) async_retried: IntCounter,
    pub(crate) async_crashed: IntCounter,
    pub(crate) async_missing: IntCounter,
}

impl Metrics {
    /// All at zero.
    pub fn new() -> Self {
        let (lifecycle, gateway) = (Registry::new(), Registry::new());
        let count = |name: &str, help: &str| register_int_counter_with_registry!(name, help, lifecycle).expect(ONCE);
        let time = |name: &str, help: &str| register_histogram_with_registry!(name, help, lifecycle).expect(ONCE);
        let of_calls = |name: &str, help: &str| register_int_counter_with_registry!(name, help, gateway).expect(ONCE);
        let of_jobs =
            |name: &str, help: &str| register_int_counter_vec_with_registry!(name, help, &JOB, gateway).expect(ONCE);
        let phase = [JOB[0], JOB[1], "phase"];
        let took = "Seconds that phases of building a job's image took";
        let phase_duration =
            register_counter_vec_with_registry!("image_building_phase_duration", took, &phase, lifecycle);
        let ended = "Phases of building a job's image that are over";
        let phase_done = register_int_counter_vec_with_registry!("image_building_phase_done", ended, &phase, lifecycle);
        Self {
            requested: count("requested_job_deployments_total", "Deployments that were begun"),
            done: count("done_job_deployments_total", "Deployments that are over, however they ended"),
            deployed: count("deployed_job_total", "Deployments that brought a job to run"),
            scrapes: count("metrics_scrapes_total", "How often these figures were asked for"),
            job_fetch: time("lifecycle_job_model_fetch_duration", "Seconds that reading all jobs took"),
            listeners_came: count("lifecycle_event_stream_client_connected", "Listeners to changes that came"),
            listeners_left: count("lifecycle_event_stream_client_disconnected", "Listeners to changes that left"),
            request_errors: count("commons_internal_server_errors_total", "Requests that failed by our fault"),
            requests_started: count("commons_requests_started_total", "Requests that came"),
            requests_done: count("commons_requests_done_total", "Requests that are over"),
            request_duration: time("commons_request_duration", "Seconds until a request was answered"),
            builds_requested: count("image_building_requests", "Builds that were begun"),
            builds_done: count("image_building_done_requests", "Builds that are over, however they ended"),
            built: count("images_built", "Builds that ended well"),
            build_errors: count("images_buidling_errors", "Builds that failed"),
            build_duration: time("image_building_request_duration_seconds", "Seconds that a build took"),
            phase_duration: phase_duration.expect(ONCE),
            phase_done: phase_done.expect(ONCE),
            health_requests: of_calls("pub_health_requests", "How often the gateway was asked how it is"),
            async_started: of_jobs("pub_async_job_calls_started", "Asynchronous calls that were begun"),
            async_done: of_jobs("pub_async_job_calls_done", "Asynchronous calls that are over, however they ended"),
            async_errors: of_calls("pub_async_job_calls_errors", "Asynchronous calls that failed"),
            async_retried: of_calls("pub_async_retried_task", "Asynchronous calls that were made once more"),
            async_crashed: of_calls("pub_async_crashed_task", "Asynchronous calls that an earlier process left"),
            async_missing: of_calls("pub_async_missing_task", "Asynchronous calls that were asked for in vain"),
            lifecycle,
            gateway,
        }
    }

    /// Lifecycle's and its image builder's, as they stand.
    pub(crate) fn of_lifecycle(&self) -> Vec<MetricFamily> {
        self.lifecycle.gather()
    }

    /// What of Pub's is done here, as it stands.
    pub(crate) fn of_gateway(&self) -> Vec<MetricFamily> {
        self.gateway.gather()
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

/// A family of figures that were counted elsewhere.
pub(crate) fn family(kind: MetricType, name: &str, help: &str, metrics: Vec<Metric>) -> MetricFamily {
    let mut family = MetricFamily::default();
    family.set_name(name.to_owned());
    family.set_help(help.to_owned());
    family.set_field_type(kind);
    family.set_metric(metrics);
    family
}

/// One figure of a family, without its value.
pub(crate) fn metric(labels: &[(&str, &str)]) -> Metric {
    let pairs = labels.iter().map(|(name, value)| {
        let mut pair = LabelPair::default();
        pair.set_name((*name).to_owned());
        pair.set_value((*value).to_owned());
        pair
    });
    Metric::from_label(pairs.collect())
}

/// How something stands, without labels.
pub(crate) fn gauge(name: &str, help: &str, value: f64) -> MetricFamily {
    family(MetricType::GAUGE, name, help, vec![level(&[], value)])
}

/// How something of these labels stands.
pub(crate) fn level(labels: &[(&str, &str)], value: f64) -> Metric {
    let (mut metric, mut gauge) = (metric(labels), Gauge::default());
    gauge.set_value(value);
    metric.set_gauge(gauge);
    metric
}
