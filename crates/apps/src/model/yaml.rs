//! YAML from strangers, kept as a tree that knows its lines.
//!
//! Manifests are read through this tree instead of straight into structs, because all their faults are reported at once,
//! each with its line, and because a diff must use the keys as they were written.

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value as Json;
use serde_saphyr::Spanned;
use std::fmt;

/// A value and the line it stands on, from 1; 0 if unknown.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// Line of its first character (of its key, for a value of a map).
    pub line: u64,
    /// What it is.
    pub value: Value,
}

/// What a node holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Nothing, or `null`.
    Null,
    /// `true`, `false`.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// Any other number.
    Float(f64),
    /// Text.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// A map, in the order of the text.
    Map(Vec<(String, Node)>),
}

/// Lists and maps within one another: twice what a manifest can use. Reading is recursive, so this bounds the stack.
const DEPTH: usize = 16;

/// Reads one document; the error says where it breaks.
pub fn parse(text: &str) -> Result<Node, String> {
    let options = serde_saphyr::options! { budget: serde_saphyr::budget! { max_depth: DEPTH } };
    let root: Spanned<Value> = serde_saphyr::from_str_with_options(text, options).map_err(|error| {
        let line = error.location().map(|at| format!(" (line {})", at.line())).unwrap_or_default();
        let message = error.without_snippet().to_string();
        format!("{}{line}", message.lines().next().unwrap_or_default())
    })?;
    Ok(Node::from(root))
}

impl Node {
    /// The entries of a map.
    pub fn map(&self) -> Option<&[(String, Node)]> {
        match &self.value {
            Value::Map(entries) => Some(entries),
            _ => None,
        }
    }

    /// The items of a list.
    pub fn list(&self) -> Option<&[Node]> {
        match &self.value {
            Value::List(items) => Some(items),
            _ => None,
        }
    }

    /// Its text, if it is text.
    pub fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A scalar as text: what `env` values and names become. `None` for null, lists and maps.
    pub fn scalar(&self) -> Option<String> {
        match &self.value {
            Value::Bool(value) => Some(value.to_string()),
            Value::Int(value) => Some(value.to_string()),
            Value::Float(value) => {
                Some(if value.fract() == 0.0 && value.abs() < 1e15 { format!("{value:.1}") } else { value.to_string() })
            }
            Value::Text(text) => Some(text.clone()),
            _ => None,
        }
    }

    /// The value of a map's key, where `-` and `_` are one.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.map()?.iter().find(|(have, _)| same_key(have, key)).map(|(_, node)| node)
    }

    /// As JSON, keys as written.
    pub fn json(&self) -> Json {
        match &self.value {
            Value::Null => Json::Null,
            Value::Bool(value) => Json::Bool(*value),
            Value::Int(value) => Json::from(*value),
            Value::Float(value) => Json::from(*value),
            Value::Text(text) => Json::String(text.clone()),
            Value::List(items) => Json::Array(items.iter().map(Self::json).collect()),
            Value::Map(entries) => Json::Object(entries.iter().map(|(key, node)| (key.clone(), node.json())).collect()),
        }
    }
}

/// Do two keys mean the same? `disk-quota` and `disk_quota` do.
pub fn same_key(one: &str, other: &str) -> bool {
    one.len() == other.len()
        && one.bytes().zip(other.bytes()).all(|(a, b)| a == b || matches!((a, b), (b'-', b'_') | (b'_', b'-')))
}

impl From<Spanned<Value>> for Node {
    fn from(spanned: Spanned<Value>) -> Self {
        Self { line: spanned.referenced.line(), value: spanned.value }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AnyValue;
        impl<'de> Visitor<'de> for AnyValue {
            type Value = Value;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a YAML value")
            }

            fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
                Ok(Value::Bool(value))
            }

            fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
                Ok(Value::Int(value))
            }

            fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
                Ok(i64::try_from(value).map_or(Value::Float(value as f64), Value::Int))
            }

            fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
                Ok(Value::Float(value))
            }

            fn visit_str<E>(self, value: &str) -> Result<Value, E> {
                Ok(Value::Text(value.to_owned()))
            }

            fn visit_unit<E>(self) -> Result<Value, E> {
                Ok(Value::Null)
            }

            fn visit_none<E>(self) -> Result<Value, E> {
                Ok(Value::Null)
            }

            fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
                Value::deserialize(deserializer)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
                let mut list = Vec::new();
                while let Some(item) = items.next_element::<Spanned<Value>>()? {
                    list.push(item.into());
                }
                Ok(Value::List(list))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
                let mut map = Vec::new();
                while let Some(key) = entries.next_key::<Spanned<String>>()? {
                    let mut node = Node::from(entries.next_value::<Spanned<Value>>()?);
                    // A merge (`<<: *base`) gives keys no line of their own.
                    if key.referenced.line() > 0 {
                        node.line = key.referenced.line();
                    }
                    map.push((key.value, node));
                }
                Ok(Value::Map(map))
            }
        }
        deserializer.deserialize_any(AnyValue)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_those_of_the_keys() {
        let node = parse("applications:\n- name: a\n  env:\n    A: 1\n    B: 1.0\n    C: yes\n    D: \"2\"\n").unwrap();
        let app = &node.get("applications").unwrap().list().unwrap()[0];
        let env = app.get("env").unwrap();
        assert_eq!(env.line, 3);
        let seen: Vec<_> =
            env.map().unwrap().iter().map(|(key, node)| (key.as_str(), node.line, node.scalar().unwrap())).collect();
        assert_eq!(
            seen,
            [("A", 4, "1".into()), ("B", 5, "1.0".into()), ("C", 6, "true".into()), ("D", 7, "2".to_owned())]
        );
    }

    #[test]
    fn anchors_and_merges() {
        let node = parse("base: &base\n  memory: 64M\nlist:\n- <<: *base\n  name: a\n").unwrap();
        let item = &node.get("list").unwrap().list().unwrap()[0];
        assert_eq!(item.get("memory").unwrap().text(), Some("64M"));
        assert_eq!(item.get("name").unwrap().text(), Some("a"));
    }

    #[test]
    fn depth_is_bounded() {
        for text in ["{\"a\":".repeat(2000), "[".repeat(2000), "- ".repeat(2000), "? ".repeat(2000)] {
            assert!(parse(&text).is_err());
        }
        assert!(parse(&format!("{}1{}", "[".repeat(16), "]".repeat(16))).is_ok());
        assert!(parse(&format!("{}1{}", "[".repeat(17), "]".repeat(17))).unwrap_err().contains("depth"));
    }

    #[test]
    fn broken_text_names_its_line() {
        let error = parse("applications:\n- name: [a\n").unwrap_err();
        assert!(error.contains("line"), "{error}");
    }
}
