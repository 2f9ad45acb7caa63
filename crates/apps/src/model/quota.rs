//! Quotas: how much an organization or space may have. `None` is no limit.

use serde::{Deserialize, Serialize};

/// Limits of a quota. A limit nobody could reach on this platform (services, ports) is kept as it was given.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Memory of all started instances and running tasks together. Staging runs have a budget of their own.
    pub total_memory_in_mb: Option<u64>,
    /// Memory of one instance.
    pub per_process_memory_in_mb: Option<u64>,
    /// Started instances.
    pub total_instances: Option<u64>,
    /// Running tasks of one app.
    pub per_app_tasks: Option<u64>,
    /// Log output of all started instances and running tasks together; each must have a bound then.
    pub log_rate_limit_in_bytes_per_second: Option<u64>,
    /// May paid plans be used?
    pub paid_services_allowed: bool,
    /// Service instances.
    pub total_service_instances: Option<u64>,
    /// Service keys.
    pub total_service_keys: Option<u64>,
    /// Routes.
    pub total_routes: Option<u64>,
    /// Reserved ports of TCP routes.
    pub total_reserved_ports: Option<u64>,
    /// Private domains; of organizations only.
    pub total_domains: Option<u64>,
}

impl Limits {
    /// No limits.
    pub fn unlimited() -> Self {
        Self { paid_services_allowed: true, ..Self::default() }
    }

    /// What both allow.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        let least = |one: Option<u64>, two: Option<u64>| match (one, two) {
            (Some(one), Some(two)) => Some(one.min(two)),
            (one, two) => one.or(two),
        };
        macro_rules! least {
            ($($field:ident),*) => {
                Self { paid_services_allowed: self.paid_services_allowed && other.paid_services_allowed, $($field: least(self.$field, other.$field)),* }
            };
        }
        least!(
            total_memory_in_mb,
            per_process_memory_in_mb,
            total_instances,
            per_app_tasks,
            log_rate_limit_in_bytes_per_second,
            total_service_instances,
            total_service_keys,
            total_routes,
            total_reserved_ports,
            total_domains
        )
    }
}
