//! Paths of calls.

/// `/pub/job/NAME/VERSION/REST`, without `/pub` too, and with the word that jobs had before: `fatman`.
#[derive(Debug)]
pub struct CallPath<'p> {
    /// The family's name.
    pub name: &'p str,
    /// The version, which may be an alias.
    pub version: &'p str,
    /// Empty, or with a `/` in front; as it came.
    pub rest: &'p str,
}

impl<'p> CallPath<'p> {
    /// `None` for what is no call.
    pub fn of(path: &'p str) -> Option<Self> {
        let path = path.strip_prefix("/pub").filter(|rest| rest.starts_with('/')).unwrap_or(path);
        let path = path.strip_prefix("/job/").or_else(|| path.strip_prefix("/fatman/"))?;
        let (name, path) = path.split_once('/')?;
        let (version, rest) = path.split_at(path.find('/').unwrap_or(path.len()));
        (!name.is_empty() && !version.is_empty()).then_some(Self { name, version, rest })
    }

    /// The rest as jobs get it: `%2F` is a `/`, several in a row are one. `None` if a segment would lead upwards: what one
    /// side reads as one path the other could read as another.
    pub fn plain_rest(&self) -> Option<String> {
        let mut plain = String::with_capacity(self.rest.len());
        let mut rest = self.rest;
        while let Some(letter) = rest.chars().next() {
            let slash = match letter {
                '/' => Some(1),
                '%' if rest.len() >= 3 && rest.as_bytes()[1..3].eq_ignore_ascii_case(b"2f") => Some(3),
                _ => None,
            };
            match slash {
                Some(length) => {
                    if !plain.ends_with('/') {
                        plain.push('/');
                    }
                    rest = &rest[length..];
                }
                None => {
                    plain.push(letter);
                    rest = &rest[letter.len_utf8()..];
                }
            }
        }
        plain.split('/').all(|segment| !is_dots(segment)).then_some(plain)
    }
}

/// Is it `.` or `..`, however written?
fn is_dots(segment: &str) -> bool {
    let dots = segment.replace("%2e", ".").replace("%2E", ".");
    dots == "." || dots == ".."
}

#[cfg(test)]
mod tests {
    use super::CallPath;

    #[test]
    fn paths_are_split_and_made_plain() {
        let split = |path| CallPath::of(path).map(|call: CallPath<'_>| (call.name, call.version, call.rest));
        assert_eq!(split("/pub/job/adder/latest/api/v1/perform"), Some(("adder", "latest", "/api/v1/perform")));
        assert_eq!(split("/job/adder/1.x"), Some(("adder", "1.x", "")));
        assert_eq!(split("/pub/fatman/adder/1.0.0/"), Some(("adder", "1.0.0", "/")));
        for other in [
            "/pub",
            "/pub/job",
            "/pub/job/adder",
            "/pub/job//1/x",
            "/jobs/adder/1",
            "/public/job/a/1",
            "/pub/async/new/job/a/1/x",
        ] {
            assert_eq!(split(other), None, "{other}");
        }
        let plain = |path| CallPath::of(path).unwrap().plain_rest();
        assert_eq!(plain("/job/a/1//api%2Fv1%2fperform"), Some("/api/v1/perform".into()));
        assert_eq!(plain("/job/a/1/%70erform/%"), Some("/%70erform/%".into()));
        for up in ["/job/a/1/public/../api", "/job/a/1/public%2F%2e%2E/api", "/job/a/1/./x"] {
            assert_eq!(plain(up), None, "{up}");
        }
    }
}
