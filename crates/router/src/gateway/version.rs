//! Versions of jobs and the ways to name one: exactly, `latest`, or with wildcards (`1.x`).

use std::cmp::Ordering;
use std::fmt;

/// `MAJOR.MINOR.PATCH` and what follows, which is its label: `1.2.3-rc1`, leniently `1.2.3.4`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Version {
    numbers: [u64; 3],
    label: String,
}

impl Version {
    /// Reads a version; `None` if it does not begin with three numbers.
    pub fn parse(text: &str) -> Option<Self> {
        let mut rest = text;
        let mut numbers = [0; 3];
        for (place, number) in numbers.iter_mut().enumerate() {
            if place > 0 {
                rest = rest.strip_prefix('.')?;
            }
            let end = rest.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(rest.len());
            *number = rest[..end].parse().ok()?;
            rest = &rest[end..];
        }
        Some(Self { numbers, label: rest.to_owned() })
    }

    /// Has it no label? Only such ones are found by `latest` and by wildcards.
    pub fn is_stable(&self) -> bool {
        self.label.is_empty()
    }
}

impl Ord for Version {
    /// By numbers; then no label above any; labels as plain text.
    fn cmp(&self, other: &Self) -> Ordering {
        let labels = match (self.is_stable(), other.is_stable()) {
            (true, false) => Ordering::Greater,
            (false, true) => Ordering::Less,
            _ => self.label.cmp(&other.label),
        };
        self.numbers.cmp(&other.numbers).then(labels)
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [major, minor, patch] = self.numbers;
        write!(formatter, "{major}.{minor}.{patch}{}", self.label)
    }
}

/// How a caller names a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VersionRef {
    /// `latest`: the highest without a label.
    Latest,
    /// `1.x`: the highest without a label that agrees with the numbers; `None` stands for any.
    Wildcard(Vec<Option<u64>>),
    /// Exactly this text.
    Exact(String),
}

impl VersionRef {
    /// Never fails: what is no alias is an exact version, perhaps one that does not exist.
    pub fn parse(text: &str) -> Self {
        if text == "latest" {
            return Self::Latest;
        }
        let parts: Option<Vec<Option<u64>>> =
            text.split('.').map(|part| if part == "x" { Some(None) } else { part.parse().ok().map(Some) }).collect();
        match parts {
            Some(parts) if parts.iter().any(Option::is_none) => Self::Wildcard(parts),
            _ => Self::Exact(text.to_owned()),
        }
    }

    /// Does it stand for whichever is best, rather than for one?
    pub fn is_alias(&self) -> bool {
        !matches!(self, Self::Exact(_))
    }

    /// Of `(version, may aliases find it?)` pairs, the one that is meant.
    pub fn resolve<'v, T>(&self, all: impl IntoIterator<Item = (&'v str, bool, T)>) -> Option<T> {
        if let Self::Exact(wanted) = self {
            return all.into_iter().find(|(version, _, _)| version == wanted).map(|(_, _, found)| found);
        }
        let fits = |(text, findable, found): (&str, bool, T)| {
            let version = Version::parse(text).filter(|version| findable && self.agrees(version))?;
            Some((version, found))
        };
        all.into_iter().filter_map(fits).max_by(|a, b| a.0.cmp(&b.0)).map(|(_, found)| found)
    }

    fn agrees(&self, version: &Version) -> bool {
        let numbers = match self {
            Self::Wildcard(parts) if parts.len() <= 3 => parts.as_slice(),
            Self::Wildcard(_) | Self::Exact(_) => return false,
            Self::Latest => &[],
        };
        version.is_stable()
            && numbers.iter().zip(version.numbers).all(|(wanted, has)| wanted.is_none_or(|wanted| wanted == has))
    }
}

#[cfg(test)]
mod tests {
    use super::{Version, VersionRef};
    use proptest::prelude::*;

    #[test]
    fn versions_are_ordered_as_the_reference_says() {
        let sorted =
            ["0.0.1", "0.9.9", "1.0.0-alpha", "1.0.0-dev", "1.0.0-rc10", "1.0.0-rc2", "1.0.0", "1.0.1", "1.10.0"];
        let read: Vec<Version> = sorted.iter().map(|text| Version::parse(text).unwrap()).collect();
        assert!(read.is_sorted());
        assert_eq!(read.iter().map(Version::to_string).collect::<Vec<_>>(), sorted);
        for bad in ["", "1", "1.2", "abc", "1.2.x", "-1.2.3", ".1.2.3"] {
            assert_eq!(Version::parse(bad), None, "{bad}");
        }
        assert!(!Version::parse("1.2.3.4").unwrap().is_stable());
    }

    #[test]
    fn aliases_find_the_highest_stable_version_that_agrees() {
        let jobs = [("0.0.1", true), ("1.2.3", true), ("1.2.10", true), ("1.3.0", false), ("2.0.0-rc1", true)];
        let find = |text: &str| VersionRef::parse(text).resolve(jobs.iter().map(|job| (job.0, job.1, job.0)));
        let cases = [
            ("latest", Some("1.2.10")),
            ("x", Some("1.2.10")),
            ("1.x", Some("1.2.10")),
            ("1.2.x", Some("1.2.10")),
            ("1.x.3", Some("1.2.3")),
            ("1.3.x", None),
            ("2.x", None),
            ("1.2.3.x", None),
            ("2.0.0-rc1", Some("2.0.0-rc1")),
            ("1.3.0", Some("1.3.0")),
            ("1.2", None),
            ("", None),
        ];
        for (text, wanted) in cases {
            assert_eq!(find(text), wanted, "{text}");
        }
    }

    proptest! {
        #[test]
        fn the_order_is_total_and_latest_is_its_maximum(texts in prop::collection::vec("[0-3]\\.[0-3]\\.[0-3](-[a-c]{1,2})?", 1..12)) {
            let all: Vec<Version> = texts.iter().filter_map(|text| Version::parse(text)).collect();
            for a in &all { for b in &all {
                prop_assert_eq!(a.cmp(b), b.cmp(a).reverse());
                prop_assert_eq!(a == b, a.cmp(b).is_eq());
            } }
            let latest = VersionRef::Latest.resolve(texts.iter().map(|text| (text.as_str(), true, text.clone())));
            let best = all.iter().filter(|version| version.is_stable()).max();
            prop_assert_eq!(latest, best.map(Version::to_string));
        }
    }
}
