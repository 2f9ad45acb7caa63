//! How an app becomes a droplet: buildpacks and stack, as requests give them and answers show them.

use crate::api::body::present;
use crate::error::Kind;
use crate::repo::app::App;
use crate::repo::record::Json as Stored;
use crate::repo::setting::stack_judge;
use crate::run::buildpack;
use crate::{ApiError, Apps};
use serde::Deserialize;
use serde_json::{Value, json};
use store::Tx;

/// A lifecycle as requests give it. Null members are as absent ones.
#[derive(Deserialize, Clone, Debug)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct LifecycleChange {
    #[serde(rename = "type")]
    pub(in crate::api) kind: Option<String>,
    pub(in crate::api) data: Option<LifecycleData>,
}

#[derive(Deserialize, Clone, Debug, Default)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct LifecycleData {
    pub(in crate::api) buildpacks: Option<Vec<String>>,
    #[serde(default, deserialize_with = "present")]
    pub(in crate::api) stack: Option<Option<String>>,
    pub(in crate::api) credentials: Option<Value>,
}

pub(in crate::api) fn show_lifecycle(kind: &str, buildpacks: &[String], stack: Option<&str>) -> Value {
    match kind {
        "docker" => json!({"type": "docker", "data": {}}),
        kind => json!({"type": kind, "data": {"buildpacks": buildpacks, "stack": stack}}),
    }
}

/// Takes over what a request says of the lifecycle; answers warnings, 422 for what cannot be.
pub(in crate::api) fn change_lifecycle(
    apps: &Apps,
    tx: &mut Tx<'_>,
    app: &mut App,
    change: Option<&LifecycleChange>,
) -> Result<Vec<String>, ApiError> {
    let mut warnings = Vec::new();
    let Some(change) = change else { return Ok(warnings) };
    match change.kind.as_deref() {
        None | Some("buildpack") => {}
        Some(kind @ ("docker" | "cnb")) => return Err(lifecycle_disabled(kind)),
        Some(kind) => {
            return Err(ApiError::unprocessable(format!(
                "Lifecycle type '{kind}' is not a valid type, use 'buildpack'"
            )));
        }
    }
    let data = change.data.clone().unwrap_or_default();
    if data.credentials.is_some() {
        return Err(ApiError::unprocessable("Lifecycle credentials are only for lifecycle 'cnb'"));
    }
    if let Some(stack) = data.stack {
        let wanted = match &stack {
            Some(stack) => check_stack(apps, stack)?,
            None => apps.default_stack(),
        };
        if let Some(asked) = stack.filter(|asked| *asked != wanted) {
            warnings.push(format!("The stack '{asked}' is not installed here: '{wanted}' is used in its place."));
        }
        if app.stack.as_deref() != Some(wanted.as_str()) {
            warnings.extend(stack_judge(tx, &wanted, true)?);
            app.stack = Some(wanted);
        }
    }
    if let Some(buildpacks) = data.buildpacks {
        check_buildpacks(tx, &buildpacks, app.stack.as_deref().unwrap_or_default())?;
        app.buildpacks = Stored(buildpacks);
    }
    Ok(warnings)
}

/// Images and cloud native buildpacks are not run here, whoever asks: their feature flags cannot be switched on.
pub(in crate::api) fn lifecycle_disabled(kind: &str) -> ApiError {
    match kind {
        "docker" => ApiError::new(Kind::DOCKER_DISABLED, "Docker support has not been enabled."),
        _ => ApiError::new(Kind::FEATURE_DISABLED, "Feature Disabled: diego_cnb"),
    }
}

/// 422 unless each is the name of a buildpack for the stack, or an address of one.
fn check_buildpacks(tx: &mut Tx<'_>, buildpacks: &[String], stack: &str) -> Result<(), ApiError> {
    for name in buildpacks {
        if !buildpack::is_known(tx, name, stack)? {
            return Err(ApiError::unprocessable(format!(
                "Buildpack \"{name}\" must be an existing admin buildpack or a valid git URI"
            )));
        }
    }
    Ok(())
}

/// 422 unless there is such a stack.
fn check_stack(apps: &Apps, stack: &str) -> Result<String, ApiError> {
    // What other platforms call their one stack is our default: pushes written for them go on working.
    if apps.config.stacks.iter().any(|have| have.name == stack) {
        Ok(stack.into())
    } else if matches!(stack, "cflinuxfs3" | "cflinuxfs4" | "cflinuxfs5") {
        Ok(apps.default_stack())
    } else {
        let have: Vec<&str> = apps.config.stacks.iter().map(|have| have.name.as_str()).collect();
        Err(ApiError::unprocessable(format!("Stack must be an existing stack: {}", have.join(", "))))
    }
}
