//! Query strings: each list declares what it understands; everything else is refused, so that a typo does not silently
//! widen an answer.

use crate::ApiError;
use std::str::FromStr;

/// The parameters of a request, in their order.
#[derive(Debug, Clone)]
pub struct Params(Vec<(String, String)>);

impl Params {
    /// Parses a query string that may have `known` parameters.
    pub fn parse(query: Option<&str>, known: &[&'static str]) -> Result<Self, ApiError> {
        let pairs: Vec<(String, String)> =
            form_urlencoded::parse(query.unwrap_or_default().as_bytes()).into_owned().collect();
        match pairs.iter().find(|(name, _)| !known.contains(&name.as_str())) {
            None => Ok(Self(pairs)),
            Some((name, _)) => Err(ApiError::bad(
                "query",
                format!("There is no parameter {name:?} here; there are {}.", known.join(", ")),
            )),
        }
    }

    /// The last value of `name`, unless it is empty.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .rev()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.trim())
            .filter(|value| !value.is_empty())
    }

    /// Every value of `name`, also where several stand between commas.
    pub fn texts(&self, name: &str) -> Vec<String> {
        let values = self.0.iter().filter(|(key, _)| key == name).flat_map(|(_, value)| value.split(','));
        values.map(str::trim).filter(|value| !value.is_empty()).map(str::to_owned).collect()
    }

    /// The words of `name`, between blanks.
    pub fn words(&self, name: &str) -> Vec<String> {
        self.text(name).unwrap_or_default().split_whitespace().map(str::to_owned).collect()
    }

    /// Which page (`page`, from 1) of how many (`per_page`, at most `most`).
    pub fn page(&self, per_page: u64, most: u64) -> Result<(u64, u64), ApiError> {
        let page = self.get("page", "a page from 1 on")?.unwrap_or(1);
        if !(1..=1_000_000).contains(&page) {
            return Err(ApiError::bad("page", "page: pages begin with 1."));
        }
        let per_page = self.get("per_page", "a number of lines")?.unwrap_or(per_page);
        if !(1..=most).contains(&per_page) {
            return Err(ApiError::bad("per_page", format!("per_page: from 1 to {most} are possible.")));
        }
        Ok((page, per_page))
    }

    /// A value of `name` that is understood as `T`; `words` says what would be.
    pub fn get<T: FromStr>(&self, name: &'static str, words: &str) -> Result<Option<T>, ApiError> {
        self.text(name)
            .map(|text| text.parse().map_err(|_| ApiError::bad(name, format!("{name}: {text:?} is not {words}."))))
            .transpose()
    }
}
