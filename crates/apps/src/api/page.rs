//! List queries: pagination, order, filters, label selectors, `include`, `fields`, `embed`; and the envelope of a page.
//!
//! A list declares what it understands as a [`Spec`]; everything else in a query is 400 with what would be valid. Links
//! repeat the whole query, so that a client which follows them sees the same list.

use crate::ApiError;
use crate::api::links::Base;
use crate::model::label::{Requirement, parse_selector};
use crate::model::time;
use axum::extract::FromRequestParts;
use http::request::Parts;
use percent_encoding::percent_decode_str;
use sea_query::Order;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What a list understands beyond `page`, `per_page`, `order_by`, `guids`, `created_ats`, `updated_ats`.
#[derive(Debug, Clone, Copy)]
pub struct Spec {
    /// Filters of its own, and plain parameters (`unmapped`, `embed`).
    pub filters: &'static [&'static str],
    /// Fields besides `created_at` and `updated_at` that `order_by` may name; each is a column.
    pub order: &'static [&'static str],
    /// The order when none is asked for.
    pub default_order: &'static str,
    /// Does `label_selector` work?
    pub labels: bool,
    /// Values of `include`.
    pub include: &'static [&'static str],
    /// Resources of `fields[…]` with their fields.
    pub fields: &'static [(&'static str, &'static [&'static str])],
}

impl Spec {
    /// A labelled list with `filters`, ordered by creation.
    pub const fn new(filters: &'static [&'static str]) -> Self {
        Self { filters, order: &[], default_order: "created_at", labels: true, include: &[], fields: &[] }
    }

    fn valid(&self) -> Vec<String> {
        let common = ["page", "per_page", "order_by", "guids", "created_ats", "updated_ats"];
        let mut names: Vec<String> = common.iter().chain(self.filters).map(|&name| name.to_owned()).collect();
        names.extend(self.labels.then(|| "label_selector".to_owned()));
        names.extend((!self.include.is_empty()).then(|| "include".to_owned()));
        names.extend(self.fields.iter().map(|(name, _)| format!("fields[{name}]")));
        names
    }
}

/// A bound on a time column.
#[derive(Debug, Clone)]
pub struct Bound {
    /// `created_at` or `updated_at`.
    pub column: &'static str,
    /// `gt`, `gte`, `lt`, `lte`.
    pub operator: String,
    /// Microseconds.
    pub at: i64,
}

/// Path and query of a request, decoded once.
#[derive(Debug, Clone)]
pub struct Params {
    path: String,
    pairs: Vec<(String, String)>,
}

impl Params {
    /// The last value of a parameter, for endpoints that are no lists.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.pairs.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// All pairs, in order.
    pub fn pairs(&self) -> &[(String, String)] {
        &self.pairs
    }

    /// 400 unless all parameters are among `valid`; for endpoints that are no lists.
    pub fn only(&self, valid: &[&str]) -> Result<(), ApiError> {
        let valid: Vec<String> = valid.iter().map(|&name| name.to_owned()).collect();
        let known = |key: &str| valid.iter().any(|name| name == key);
        refuse_unknown(self.pairs.iter().filter(|(key, _)| !known(key)).map(|(key, _)| key.as_str()), &valid)
    }

    /// The values of a comma list, for endpoints that are no lists; `include` of a single resource with 400 for others.
    pub fn include(&self, valid: &[&str]) -> Result<Vec<String>, ApiError> {
        let values = self.get("include").map(comma_list).unwrap_or_default();
        check_include(&values, valid)?;
        Ok(values)
    }
}

impl<S: Sync> FromRequestParts<S> for Params {
    type Rejection = ApiError;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let query = parts.uri.query().unwrap_or("");
        Ok(Self {
            path: parts.uri.path().to_owned(),
            pairs: form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
        })
    }
}

/// A list query that has been understood.
#[derive(Debug, Clone)]
pub struct Page {
    /// From 1.
    pub page: u64,
    /// 1…5000.
    pub per_page: u64,
    /// Bounds on times.
    pub times: Vec<Bound>,
    /// Requirements of `label_selector`.
    pub labels: Vec<Requirement>,
    /// Values of `include`.
    pub include: Vec<String>,
    /// Fields asked for, by resource.
    pub fields: BTreeMap<String, Vec<String>>,
    descending: bool,
    order: String,
    filters: BTreeMap<String, Vec<String>>,
    moments: BTreeMap<&'static str, Vec<i64>>,
    params: Params,
}

const MAX_PAGE: u64 = 1_000_000_000;

impl Page {
    /// Reads `params` by `spec`; 400 for what it does not understand.
    pub fn parse(params: Params, spec: &Spec) -> Result<Self, ApiError> {
        let mut page = Self {
            page: 1,
            per_page: 50,
            times: Vec::new(),
            labels: Vec::new(),
            include: Vec::new(),
            fields: BTreeMap::new(),
            descending: false,
            order: spec.default_order.into(),
            filters: BTreeMap::new(),
            moments: BTreeMap::new(),
            params: Params { path: String::new(), pairs: Vec::new() },
        };
        let mut unknown = Vec::new();
        for (key, value) in &params.pairs {
            if !page.take(key, value, spec)? {
                unknown.push(key.as_str());
            }
        }
        refuse_unknown(unknown.into_iter(), &spec.valid())?;
        page.params = params;
        Ok(page)
    }

    /// Understands one parameter; answers whether it is one.
    fn take(&mut self, key: &str, value: &str, spec: &Spec) -> Result<bool, ApiError> {
        match key {
            "page" => {
                let number = value.parse().ok().filter(|number| (1..=MAX_PAGE).contains(number));
                self.page = number.ok_or_else(|| ApiError::bad_query("Page must be a positive integer"))?;
            }
            "per_page" => {
                let number = value.parse().ok().filter(|number| (1..=5000).contains(number));
                self.per_page = number.ok_or_else(|| ApiError::bad_query("Per page must be between 1 and 5000"))?;
            }
            "order_by" => (self.order, self.descending) = order(value, spec)?,
            "label_selector" if spec.labels => {
                let labels = parse_selector(value);
                self.labels = labels.ok_or_else(|| ApiError::bad_query("Invalid label_selector value"))?;
            }
            "include" if !spec.include.is_empty() => {
                self.include = comma_list(value);
                check_include(&self.include, spec.include)?;
            }
            "created_ats" => drop(self.moments.insert("created_at", moments(value, "Created ats")?)),
            "updated_ats" => drop(self.moments.insert("updated_at", moments(value, "Updated ats")?)),
            _ if key.starts_with("fields[") => return self.take_fields(key, value, spec),
            _ if key.starts_with("created_ats[") || key.starts_with("updated_ats[") => {
                return self.take_bound(key, value);
            }
            "guids" => drop(self.filters.insert(key.into(), comma_list(value))),
            _ if spec.filters.contains(&key) => drop(self.filters.insert(key.into(), comma_list(value))),
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn take_fields(&mut self, key: &str, value: &str, spec: &Spec) -> Result<bool, ApiError> {
        let name = key.trim_start_matches("fields[").trim_end_matches(']');
        let Some((_, valid)) = spec.fields.iter().find(|(resource, _)| *resource == name) else { return Ok(false) };
        let values = comma_list(value);
        if values.iter().any(|field| !valid.contains(&field.as_str())) {
            let valid = quoted(valid.iter());
            return Err(ApiError::bad_query(format!("Fields {name} can only include: {valid}")));
        }
        self.fields.insert(name.into(), values);
        Ok(true)
    }

    fn take_bound(&mut self, key: &str, value: &str) -> Result<bool, ApiError> {
        let (column, words) =
            if key.starts_with("created") { ("created_at", "Created ats") } else { ("updated_at", "Updated ats") };
        let operator = key.split_once('[').map_or("", |(_, rest)| rest.trim_end_matches(']')).to_owned();
        if !matches!(operator.as_str(), "gt" | "gte" | "lt" | "lte") {
            return Err(ApiError::bad_query(format!("{words} has an invalid operator: valid are gt, gte, lt, lte")));
        }
        let [at] = moments(value, words)?[..] else {
            return Err(ApiError::bad_query(format!("{words} takes one time with an operator")));
        };
        self.times.push(Bound { column, operator, at });
        Ok(true)
    }

    /// The values of a filter, if it is there; an empty parameter is one empty value.
    pub fn filter(&self, name: &str) -> Option<&[String]> {
        self.filters.get(name).map(Vec::as_slice)
    }

    /// Values of `created_ats` or `updated_ats` without operator, by column.
    pub fn moments(&self, column: &str) -> Option<&[i64]> {
        self.moments.get(column).map(Vec::as_slice)
    }

    /// Column and direction.
    pub fn order(&self) -> (&str, Order) {
        (&self.order, if self.descending { Order::Desc } else { Order::Asc })
    }

    /// Is `include` asked for this?
    pub fn includes(&self, name: &str) -> bool {
        self.include.iter().any(|have| have == name)
    }

    /// The envelope of this page.
    pub fn envelope(&self, base: &Base, total: u64, resources: Vec<Value>) -> Value {
        let last = total.div_ceil(self.per_page).max(1);
        let link = |page: u64| json!({ "href": self.href(base, page) });
        json!({
            "pagination": {
                "total_results": total,
                "total_pages": last,
                "first": link(1),
                "last": link(last),
                "next": if self.page < last { link(self.page + 1) } else { Value::Null },
                "previous": if self.page > 1 { link(self.page - 1) } else { Value::Null },
            },
            "resources": resources,
        })
    }

    /// Do `guids`, `created_ats` and `updated_ats` keep this one? For lists that are at hand as a whole.
    pub fn keeps(&self, guid: &str, created_at: i64, updated_at: i64) -> bool {
        let value = |column: &str| if column == "created_at" { created_at } else { updated_at };
        let second = |at: i64| at..at + 1_000_000;
        let bound = |bound: &Bound| match (bound.operator.as_str(), value(bound.column)) {
            ("gt", at) => at >= bound.at + 1_000_000,
            ("gte", at) => at >= bound.at,
            ("lt", at) => at < bound.at,
            (_, at) => at < bound.at + 1_000_000,
        };
        self.filter("guids").is_none_or(|guids| guids.iter().any(|one| one == guid))
            && self.times.iter().all(bound)
            && self.moments.iter().all(|(column, ats)| ats.iter().any(|at| second(*at).contains(&value(column))))
    }

    /// Keeps of a list that is at hand as a whole what meets the label selector.
    pub fn keep_labelled<T>(
        &self,
        tx: &mut store::Tx<'_>,
        all: &mut Vec<T>,
        guid: impl Fn(&T) -> &String,
    ) -> Result<(), ApiError> {
        if self.labels.is_empty() {
            return Ok(());
        }
        let metadata = crate::repo::metadata::of_many(tx, all.iter().map(|one| guid(one).clone()))?;
        let none = crate::model::label::Metadata::default();
        all.retain(|one| {
            let labels = &metadata.get(guid(one)).unwrap_or(&none).labels;
            self.labels.iter().all(|requirement| requirement.met_by(labels))
        });
        Ok(())
    }

    /// This page of a list that is at hand as a whole, in its order.
    pub fn slice<T>(&self, all: Vec<T>) -> Vec<T> {
        let skip = usize::try_from((self.page - 1) * self.per_page).unwrap_or(usize::MAX);
        all.into_iter().skip(skip).take(usize::try_from(self.per_page).unwrap_or(usize::MAX)).collect()
    }

    /// Was a descending order asked for?
    pub fn descending(&self) -> bool {
        self.descending
    }

    /// The same with `included`, which is there only if something was asked to be included.
    pub fn envelope_with(&self, base: &Base, total: u64, resources: Vec<Value>, included: Value) -> Value {
        let mut envelope = self.envelope(base, total, resources);
        if !self.include.is_empty() || !self.fields.is_empty() {
            envelope["included"] = included;
        }
        envelope
    }

    fn href(&self, base: &Base, page: u64) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        for (key, value) in &self.params.pairs {
            if key != "page" && key != "per_page" {
                query.append_pair(key, value);
            }
        }
        query.append_pair("page", &page.to_string()).append_pair("per_page", &self.per_page.to_string());
        format!("{}?{}", base.url(&self.params.path), query.finish())
    }
}

/// Values between commas; a comma inside a value arrives encoded twice.
pub fn comma_list(value: &str) -> Vec<String> {
    value.split(',').map(|part| percent_decode_str(part).decode_utf8_lossy().into_owned()).collect()
}

fn order(value: &str, spec: &Spec) -> Result<(String, bool), ApiError> {
    let (field, descending) = match value.as_bytes().first() {
        Some(b'-') => (&value[1..], true),
        // A plus sign that was not encoded has become a blank.
        Some(b'+' | b' ') => (&value[1..], false),
        _ => (value, false),
    };
    let valid: Vec<&str> = ["created_at", "updated_at"].into_iter().chain(spec.order.iter().copied()).collect();
    if valid.contains(&field) {
        Ok((field.into(), descending))
    } else {
        Err(ApiError::bad_query(format!("Order by can only be: {}", quoted(valid.iter()))))
    }
}

fn moments(value: &str, words: &str) -> Result<Vec<i64>, ApiError> {
    let bad = || {
        ApiError::bad_query(format!(
            "{words} has an invalid timestamp format. Timestamps should be formatted as 'YYYY-MM-DDThh:mm:ssZ'"
        ))
    };
    value.split(',').map(|part| time::parse(part).ok_or_else(bad)).collect()
}

fn check_include(values: &[String], valid: &[&str]) -> Result<(), ApiError> {
    match values.iter().find(|value| !valid.contains(&value.as_str())) {
        Some(bad) => Err(ApiError::bad_query(format!(
            "Invalid included resource: '{bad}'. Valid included resources are: {}",
            quoted(valid.iter())
        ))),
        None => Ok(()),
    }
}

fn refuse_unknown<'u>(unknown: impl Iterator<Item = &'u str>, valid: &[String]) -> Result<(), ApiError> {
    let unknown: Vec<&str> = unknown.collect();
    if unknown.is_empty() {
        return Ok(());
    }
    Err(ApiError::bad_query(format!(
        "Unknown query parameter(s): {}. Valid parameters are: {}",
        quoted(unknown.iter()),
        quoted(valid.iter())
    )))
}

fn quoted<T: std::fmt::Display>(names: impl Iterator<Item = T>) -> String {
    names.map(|name| format!("'{name}'")).collect::<Vec<_>>().join(", ")
}
