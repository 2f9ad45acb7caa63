//! Values from strangers that reach programs or paths: each type can hold only what is harmless there.

use std::fmt;

/// A job's name: part of addresses and of file names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobName(String);

impl JobName {
    /// Lower-case letters, digits and inner dashes, 63 at most (a label of RFC 1035 with a prefix of ours).
    pub fn parse(text: &str) -> Result<Self, String> {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if text.is_empty()
            || text.len() > 63
            || !text.bytes().all(plain)
            || text.starts_with('-')
            || text.ends_with('-')
        {
            return Err(format!(
                "{text:?} cannot name a job: use lower-case letters, digits and inner dashes, 63 characters at most, such as \"price-model\""
            ));
        }
        Ok(Self(text.to_owned()))
    }
}

/// Where a repository is: an argument of git.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GitRemote(String);

impl GitRemote {
    /// `https://…`; with `insecure` also `http://…` and `file://…`, for platforms that nobody else uses.
    pub fn parse(text: &str, insecure: bool) -> Result<Self, String> {
        let schemes: &[&str] = if insecure { &["https://", "http://", "file:///"] } else { &["https://"] };
        let Some(rest) = schemes.iter().find_map(|scheme| text.strip_prefix(scheme)) else {
            return Err(format!("'{text}' does not match '^https://': give the repository's https address"));
        };
        if text.len() > 2000 || text.bytes().any(|byte| byte <= b' ' || byte >= 0x7f || b"\"'\\`$".contains(&byte)) {
            return Err(
                "it is too long, or has a blank, a quote or a character outside ASCII: percent-encode it".into()
            );
        }
        let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
        if host.contains('@') {
            return Err("it holds credentials, which would be seen by everybody: remove them, and use \"racetrack set credentials\"".into());
        }
        if (host.is_empty() && !text.starts_with("file:")) || host.starts_with('-') {
            return Err(format!("'{text}' names no host"));
        }
        Ok(Self(text.to_owned()))
    }

    /// Scheme, host and path up to the last `/`: what credentials are for.
    pub fn scope(&self) -> &str {
        self.0.split(['?', '#']).next().unwrap_or_default()
    }
}

/// A branch or tag: an argument of git.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GitRef(String);

impl GitRef {
    /// What git itself allows in names, and nothing that begins like an option.
    pub fn parse(text: &str) -> Result<Self, String> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._/-+@#=".contains(&byte);
        let bad = text.is_empty()
            || text.len() > 200
            || text.starts_with(['-', '/', '.'])
            || text.ends_with(['/', '.'])
            || ["..", "//", "@{", "/.", ".lock/"].iter().any(|part| text.contains(part))
            || text.ends_with(".lock")
            || !text.bytes().all(plain);
        if bad { Err(format!("{text:?} is no name of a branch or tag")) } else { Ok(Self(text.to_owned())) }
    }
}

/// A path inside a job's files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InnerPath(String);

impl InnerPath {
    /// Relative, and never upwards. `.` is the files' root.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() || text.len() > 1000 || text.contains(['\0', '\n', '\r', '\\', ':']) || text.starts_with('-')
        {
            return Err(format!("{text:?} is no path: write it relative to the job's folder"));
        }
        if text.starts_with('/') {
            return Err(format!("{text:?} is absolute: write it relative to the job's folder"));
        }
        let parts: Vec<&str> = text.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
        if parts.contains(&"..") {
            return Err(format!("{text:?} leads out of the job's folder: remove the \"..\""));
        }
        Ok(Self(if parts.is_empty() { ".".into() } else { parts.join("/") }))
    }

    /// Is it the root itself?
    pub fn is_root(&self) -> bool {
        self.0 == "."
    }
}

macro_rules! text_of {
    ($($name:ident),*) => {$(
        impl $name {
            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.0)
            }
        }
    )*};
}
text_of!(JobName, GitRemote, GitRef, InnerPath);

#[cfg(test)]
mod tests {
    use super::{GitRef, GitRemote, InnerPath, JobName};

    #[test]
    fn only_harmless_values_are_taken() {
        for good in ["adder", "a", "price-model-2", "0x"] {
            assert!(JobName::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "-a", "a-", "A", "a_b", "a.b", "a/b", "ä", &"a".repeat(64)] {
            assert!(JobName::parse(bad).is_err(), "{bad}");
        }
        for good in ["https://git.example.com/a/b.git", "https://git.example.com:8443/a?x=1"] {
            assert!(GitRemote::parse(good, false).is_ok(), "{good}");
        }
        for bad in [
            "git@host:a",
            "ssh://host/a",
            "http://host/a",
            "file:///etc",
            "https://",
            "https://u:p@host/a",
            "https://host/a b",
            "--upload-pack=x",
            "https://-x/",
        ] {
            assert!(GitRemote::parse(bad, false).is_err(), "{bad}");
        }
        assert!(GitRemote::parse("file:///srv/a.git", true).is_ok());
        for good in ["main", "feature/x-1", "v1.2.3", "user@topic"] {
            assert!(GitRef::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "-b", "a..b", "a b", "a;b", "$(x)", "a.lock", "/a", "a/", "@{u}", "a~1"] {
            assert!(GitRef::parse(bad).is_err(), "{bad}");
        }
        assert_eq!(InnerPath::parse("./a//b/.").unwrap().as_str(), "a/b");
        assert!(InnerPath::parse(".").unwrap().is_root());
        for bad in ["", "/a", "../a", "a/../..", "-a", "a\0"] {
            assert!(InnerPath::parse(bad).is_err(), "{bad:?}");
        }
    }
}
