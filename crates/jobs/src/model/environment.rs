//! The environment of a running job (reference, section 6).

use std::collections::BTreeMap;

/// Where the runner and the job's packages are, inside. `deps/0` as in every droplet.
pub const RUNNER: &str = "/home/vcap/deps/0/venv";
/// Packages that the job asked for.
pub const PACKAGES: &str = "/home/vcap/deps/0/site";
/// Where a job listens.
pub const PORT: u16 = 7000;
/// Names a call in all logs.
pub const TRACING_HEADER: &str = "X-Request-Tracing-Id";
/// Says who calls.
pub const CALLER_HEADER: &str = "X-Caller-Name";

/// What the platform tells a job.
#[derive(Debug, Clone)]
pub struct Facts<'f> {
    /// The gateway, as seen from inside, ending in `/pub`.
    pub pub_url: &'f str,
    /// The family's name.
    pub name: &'f str,
    /// The version.
    pub version: &'f str,
    /// The manifest as text.
    pub manifest_yaml: &'f str,
    /// What it calls other jobs with.
    pub token: &'f str,
    /// The deployment's time stamp, seconds.
    pub stamp: i64,
    /// `python3:1.18.0`.
    pub job_type: &'f str,
    /// Which files it was made of: their commit, or `tar`. Empty if it was built before this was kept.
    pub source: &'f str,
    /// This platform's version.
    pub platform: &'f str,
}

/// Variables of the build, the job's own (secret ones win), and the platform's, which nothing can replace. Variables of the
/// build that the job does not name are empty at run time, so that what was secret then is hidden.
pub fn running(
    facts: &Facts<'_>,
    build: &BTreeMap<String, String>,
    own: &BTreeMap<String, String>,
    secret: &BTreeMap<String, String>,
) -> Vec<(String, String)> {
    let mut all: BTreeMap<String, String> = build.keys().map(|name| (name.clone(), String::new())).collect();
    all.extend(own.iter().chain(secret).map(|(name, value)| (name.clone(), value.clone())));
    let stamp = facts.stamp.to_string();
    let fixed = [
        ("PUB_URL", facts.pub_url),
        ("JOB_NAME", facts.name),
        ("JOB_VERSION", facts.version),
        ("JOB_MANIFEST_YAML", facts.manifest_yaml),
        ("AUTH_TOKEN", facts.token),
        ("JOB_DEPLOYMENT_TIMESTAMP", stamp.as_str()),
        ("JOB_TYPE_VERSION", facts.job_type),
        ("DEPLOYED_BY_RACETRACK_VERSION", facts.platform),
        ("REQUEST_TRACING_HEADER", TRACING_HEADER),
        ("CALLER_NAME_HEADER", CALLER_HEADER),
        ("VENV_PACKAGES_PATH", PACKAGES),
    ];
    all.extend(fixed.map(|(name, value)| (name.to_owned(), value.to_owned())));
    let usual = [
        // What a job tells of itself; jobs that have it from elsewhere go on to.
        ("GIT_VERSION", facts.source.to_owned()),
        ("PATH", format!("{RUNNER}/bin:/usr/local/bin:/usr/bin:/bin")),
        ("HOME", "/home/vcap".to_owned()),
        ("USER", "vcap".to_owned()),
        ("LANG", "C.UTF-8".to_owned()),
        ("TMPDIR", "/tmp".to_owned()),
        ("PYTHONUNBUFFERED", "1".to_owned()),
        ("PYTHONDONTWRITEBYTECODE", "1".to_owned()),
    ];
    for (name, value) in usual {
        all.entry(name.to_owned()).or_insert(value);
    }
    all.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::{Facts, running};
    use std::collections::BTreeMap;

    #[test]
    fn r18_what_was_for_the_build_is_hidden_and_nothing_replaces_the_platforms_words() {
        let map = |pairs: &[(&str, &str)]| {
            pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect::<BTreeMap<_, _>>()
        };
        let facts = Facts {
            pub_url: "http://x/pub",
            name: "a",
            version: "1.0.0",
            manifest_yaml: "name: a",
            token: "t",
            stamp: 7,
            job_type: "python3:1",
            source: "1f2e3d4",
            platform: "0.1.0",
        };
        let all = running(
            &facts,
            &map(&[("INDEX_PASSWORD", "p"), ("BOTH", "build")]),
            &map(&[("BOTH", "own"), ("LEVEL", "plain"), ("AUTH_TOKEN", "mine"), ("LANG", "de")]),
            &map(&[("LEVEL", "secret")]),
        );
        let get = |name: &str| all.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        assert_eq!((get("INDEX_PASSWORD"), get("BOTH"), get("LEVEL")), (Some(""), Some("own"), Some("secret")));
        assert_eq!((get("GIT_VERSION"), get("DEPLOYED_BY_RACETRACK_VERSION")), (Some("1f2e3d4"), Some("0.1.0")));
        assert_eq!(
            (get("AUTH_TOKEN"), get("JOB_DEPLOYMENT_TIMESTAMP"), get("LANG")),
            (Some("t"), Some("7"), Some("de"))
        );
    }
}
