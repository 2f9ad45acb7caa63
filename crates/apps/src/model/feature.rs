//! Features of an app that can be switched.

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
    Feature { name: "ssh", description: "Enable SSHing into the app.", default: true },
    Feature { name: "revisions", description: "Enable versioning of an application", default: false },
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
            "service-binding-k8s" | "file-based-vcap-services" | "revisions" if enabled => {
                Err(format!("Feature '{}' is not available here", self.name))
            }
            _ => Ok(()),
        }
    }
}

/// Is there such a feature?
pub fn is_known(name: &str) -> bool {
    FEATURES.iter().any(|feature| feature.name == name)
}
