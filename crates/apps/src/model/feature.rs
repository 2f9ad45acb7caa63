//! Features of an app that can be switched.
//!
//! A feature that could be switched on but would do nothing cannot be: saying so is better than a switch without a lamp.

/// A feature: name, description, and whether a new app has it.
#[derive(Debug)]
pub struct Feature {
    /// As the API names it.
    pub name: &'static str,
    /// One sentence.
    pub description: &'static str,
    /// Of a new app.
    pub default: bool,
}

/// All of them.
pub const FEATURES: &[Feature] = &[
    Feature { name: "ssh", description: "Enable SSHing into the app.", default: false },
    Feature { name: "revisions", description: "Enable versioning of an application", default: true },
    Feature { name: "service-binding-k8s", description: "Enable k8s service bindings for the app", default: false },
    Feature {
        name: "file-based-vcap-services",
        description: "Enable file-based VCAP service bindings for the app",
        default: false,
    },
];

impl Feature {
    /// Says why it cannot be switched so: a switch that would do nothing is refused.
    pub fn check(&self, enabled: bool) -> Result<(), String> {
        match self.name {
            "ssh" if enabled => Err(SSH.into()),
            "service-binding-k8s" | "file-based-vcap-services" if enabled => {
                Err(format!("Feature '{}' is not available here", self.name))
            }
            _ => Ok(()),
        }
    }
}

/// Why neither an app nor a space can have `ssh`.
pub const SSH: &str = "SSH is not available here: no SSH server runs. Look into an app with its logs, or run a command beside it as a task.";

/// Is there such a feature?
pub fn is_known(name: &str) -> bool {
    FEATURES.iter().any(|feature| feature.name == name)
}
