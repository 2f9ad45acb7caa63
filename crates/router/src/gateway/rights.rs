//! What somebody may call.

use serde::{Deserialize, Serialize};

/// One permission to call. Each part that is set narrows it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Right {
    /// Id of the only family.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub family: Option<String>,
    /// Id of the only job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<String>,
    /// The only path below the job, as [`endpoint_of`] writes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
}

/// All that somebody may call.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rights {
    /// Everything, now and later.
    pub all: bool,
    /// Else what any of these allows.
    pub some: Vec<Right>,
}

impl Rights {
    /// May this be called? `job` is `None` where the version does not exist: then only what holds for a whole family or for
    /// everything counts. `family` is `None` where the family does not. Without an `endpoint` any path's right suffices.
    pub fn allow(&self, family: Option<&str>, job: Option<&str>, endpoint: Option<&str>) -> bool {
        let fits = |wanted: &Option<String>, has: Option<&str>| wanted.is_none() || wanted.as_deref() == has;
        self.all
            || self.some.iter().any(|right| {
                fits(&right.family, family)
                    && fits(&right.job, job)
                    && (endpoint.is_none() || fits(&right.endpoint, endpoint))
            })
    }
}

/// A path below a job as permissions write it: with a `/` in front and none at its end.
pub fn endpoint_of(path: &str) -> String {
    let path = path.strip_suffix('/').unwrap_or(path);
    if path.starts_with('/') { path.to_owned() } else { format!("/{path}") }
}

#[cfg(test)]
mod tests {
    use super::{Right, Rights, endpoint_of};

    #[test]
    fn a_right_holds_where_all_its_parts_agree() {
        let text = |value: &str| Some(value.to_owned());
        let one = |family, job, endpoint| Rights { all: false, some: vec![Right { family, job, endpoint }] };
        assert!(!Rights::default().allow(Some("f"), Some("j"), Some("/p")));
        assert!(Rights { all: true, some: vec![] }.allow(None, None, None));
        assert!(one(None, None, None).allow(None, None, Some("/p")));
        assert!(
            one(text("f"), None, None).allow(Some("f"), None, Some("/p")),
            "a family's right holds for later versions"
        );
        assert!(!one(text("f"), None, None).allow(Some("g"), Some("j"), Some("/p")));
        assert!(!one(None, text("j"), None).allow(Some("f"), None, Some("/p")), "a job's does not");
        assert!(one(None, text("j"), None).allow(Some("f"), Some("j"), Some("/p")));
        assert!(!one(None, text("j"), text("/q")).allow(Some("f"), Some("j"), Some("/p")));
        assert_eq!([endpoint_of("a/"), endpoint_of("/a"), endpoint_of("/"), endpoint_of("")], ["/a", "/a", "/", "/"]);
    }
}
