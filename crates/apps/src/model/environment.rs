//! The environment an instance gets: what people set, below what the platform sets.
//!
//! Precedence: environment group < app < platform. What differs between instances of one process (index, guid, address)
//! is added at each start by [`instance`].

use serde_json::{Value as Json, json};
use std::collections::BTreeMap;

/// Where HTTP is spoken inside a container.
pub const PORT: u16 = 8080;

/// Open files an instance may have.
pub const FILES: u64 = 16384;

/// What is known of an app when an environment is made.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// Address of the API, with scheme.
    pub api: String,
    /// App guid.
    pub app: String,
    /// App name.
    pub app_name: String,
    /// Changes with each restart.
    pub version: String,
    /// Space guid.
    pub space: String,
    /// Space name.
    pub space_name: String,
    /// Organization guid.
    pub organization: String,
    /// Organization name.
    pub organization_name: String,
    /// Its routes without scheme.
    pub uris: Vec<String>,
    /// Guid and type; tasks and builds have none.
    pub process: Option<(String, String)>,
    /// Megabytes.
    pub memory_mb: u64,
    /// Megabytes.
    pub disk_mb: u64,
}

/// Says why people may not set a variable of this name.
pub fn check_name(name: &str) -> Result<(), String> {
    let upper = name.to_ascii_uppercase();
    if name.is_empty() {
        return Err("env must not hold an empty name".into());
    }
    if name.contains(['=', '\0']) {
        return Err(format!("env name '{name}' must not hold '=' or a NUL"));
    }
    if upper == "PORT" {
        return Err("env cannot set PORT".into());
    }
    for prefix in ["VCAP_", "VMC"] {
        if upper.starts_with(prefix) {
            return Err(format!("env cannot start with {prefix}"));
        }
    }
    Ok(())
}

/// `VCAP_APPLICATION` as staging, tasks and the API show it.
pub fn vcap_application(facts: &Facts) -> Json {
    let mut vcap = json!({
        "cf_api": facts.api,
        "limits": {"fds": FILES, "mem": facts.memory_mb, "disk": facts.disk_mb},
        "application_name": facts.app_name,
        "application_uris": facts.uris,
        "name": facts.app_name,
        "space_name": facts.space_name,
        "space_id": facts.space,
        "organization_id": facts.organization,
        "organization_name": facts.organization_name,
        "uris": facts.uris,
        "application_id": facts.app,
        "version": facts.version,
        "application_version": facts.version,
    });
    if let Some((guid, kind)) = &facts.process {
        vcap["process_id"] = json!(guid);
        vcap["process_type"] = json!(kind);
    }
    vcap
}

/// For a process; what [`instance`] adds comes on top.
pub fn process(
    facts: &Facts,
    group: &BTreeMap<String, String>,
    app: &BTreeMap<String, String>,
) -> Vec<(String, String)> {
    let mut env = common(facts, group, app);
    env.insert("PORT".into(), PORT.to_string());
    env.insert("VCAP_APP_PORT".into(), PORT.to_string());
    env.insert("VCAP_APP_HOST".into(), "0.0.0.0".into());
    env.insert("DEPS_DIR".into(), "/home/vcap/deps".into());
    env.into_iter().collect()
}

/// For a task: no port, no index.
pub fn task(facts: &Facts, group: &BTreeMap<String, String>, app: &BTreeMap<String, String>) -> Vec<(String, String)> {
    let mut env = common(facts, group, app);
    env.insert("DEPS_DIR".into(), "/home/vcap/deps".into());
    env.into_iter().collect()
}

/// For a build.
pub fn staging(
    facts: &Facts,
    group: &BTreeMap<String, String>,
    app: &BTreeMap<String, String>,
    stack: &str,
) -> Vec<(String, String)> {
    let mut env = common(facts, group, app);
    env.insert("CF_STACK".into(), stack.into());
    env.into_iter().collect()
}

/// Adds what one instance alone knows: its guid, and for processes its index.
pub fn instance(env: &mut Vec<(String, String)>, guid: &str, index: Option<u32>) {
    let mut own = vec![("CF_INSTANCE_GUID", guid.to_owned()), ("INSTANCE_GUID", guid.to_owned())];
    if let Some(index) = index {
        own.push(("CF_INSTANCE_INDEX", index.to_string()));
        own.push(("INSTANCE_INDEX", index.to_string()));
        if let Some((_, text)) = env.iter_mut().find(|(name, _)| name == "VCAP_APPLICATION")
            && let Ok(mut vcap) = serde_json::from_str::<Json>(text)
        {
            vcap["host"] = json!("0.0.0.0");
            vcap["port"] = json!(PORT);
            vcap["instance_id"] = json!(guid);
            vcap["instance_index"] = json!(index);
            *text = vcap.to_string();
        }
    }
    env.retain(|(name, _)| !own.iter().any(|(mine, _)| mine == name));
    env.extend(own.into_iter().map(|(name, value)| (name.to_owned(), value)));
}

fn common(facts: &Facts, group: &BTreeMap<String, String>, app: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let mut env = group.clone();
    env.extend(app.clone());
    for (name, value) in
        [("HOME", "/home/vcap/app"), ("USER", "vcap"), ("PWD", "/home/vcap/app"), ("TMPDIR", "/home/vcap/tmp")]
    {
        env.insert(name.into(), value.into());
    }
    // Useful defaults that people may set otherwise.
    for (name, value) in [("LANG", "en_US.UTF-8"), ("PATH", "/usr/local/bin:/usr/bin:/bin")] {
        env.entry(name.into()).or_insert_with(|| value.into());
    }
    env.insert("MEMORY_LIMIT".into(), format!("{}m", facts.memory_mb));
    env.insert("VCAP_APPLICATION".into(), vcap_application(facts).to_string());
    env.insert("VCAP_SERVICES".into(), "{}".into());
    env
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_platform_wins_over_the_app_and_the_app_over_the_group() {
        let group = BTreeMap::from([("A".into(), "group".into()), ("B".into(), "group".into())]);
        let app =
            BTreeMap::from([("A".into(), "app".into()), ("HOME".into(), "/".into()), ("LANG".into(), "C".into())]);
        let facts = Facts { process: Some(("p".into(), "web".into())), memory_mb: 64, ..Facts::default() };
        let mut env = process(&facts, &group, &app);
        instance(&mut env, "i-1", Some(2));
        let get = |name: &str| {
            let all: Vec<_> = env.iter().filter(|(have, _)| have == name).collect();
            assert_eq!(all.len(), 1, "{name}");
            all[0].1.as_str()
        };
        for (name, want) in [
            ("A", "app"),
            ("B", "group"),
            ("HOME", "/home/vcap/app"),
            ("LANG", "C"),
            ("PORT", "8080"),
            ("MEMORY_LIMIT", "64m"),
            ("CF_INSTANCE_INDEX", "2"),
            ("CF_INSTANCE_GUID", "i-1"),
            ("VCAP_SERVICES", "{}"),
        ] {
            assert_eq!(get(name), want, "{name}");
        }
        let vcap: Json = serde_json::from_str(get("VCAP_APPLICATION")).unwrap();
        assert_eq!(
            (&vcap["process_type"], &vcap["instance_index"], &vcap["port"]),
            (&json!("web"), &json!(2), &json!(8080))
        );
    }

    #[test]
    fn reserved_names() {
        for name in ["", "PORT", "port", "VCAP_SERVICES", "VMC_X", "A=B"] {
            assert!(check_name(name).is_err(), "{name}");
        }
        assert!(check_name("PORTAL").is_ok());
    }
}
