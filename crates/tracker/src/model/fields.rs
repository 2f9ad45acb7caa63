//! `fields=`: which fields an answer has (reference, section 8). `:default,epics(:default,label(name))`.

use serde_json::Value;
use std::collections::BTreeMap;

/// How deep selections may nest; nothing the API offers is deeper than five.
const DEEP: usize = 8;

/// A selection of fields.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fields {
    /// `:default`.
    pub default: bool,
    /// By name, with what is selected of it.
    pub named: BTreeMap<String, Option<Fields>>,
}

/// The fields that a kind of resource has.
#[derive(Debug)]
pub struct Shape {
    /// Always answered: `id`, or what takes its place.
    pub keys: &'static [&'static str],
    /// Answered if nothing is selected, or `:default`.
    pub default: &'static [&'static str],
    /// Answered if named.
    pub extra: &'static [&'static str],
}

/// One field of an answer.
#[derive(Debug, Clone, Copy)]
pub struct Chosen<'f> {
    /// Its name.
    pub name: &'static str,
    /// What is selected of it.
    pub inner: Option<&'f Fields>,
}

impl Fields {
    /// What is answered if nothing is asked for.
    pub fn all_default() -> Self {
        Self { default: true, named: BTreeMap::new() }
    }

    /// Reads a list; the error says where.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut rest = text.chars().peekable();
        let fields = list(&mut rest, 0)?;
        match rest.next() {
            None => Ok(fields),
            Some(char) => Err(format!("unexpected '{char}'")),
        }
    }

    /// The fields of `shape` that are selected, keys first. The error is a name that it does not have.
    pub fn choose(&self, shape: &Shape) -> Result<Vec<Chosen<'_>>, String> {
        let mut chosen: Vec<Chosen<'_>> = Vec::new();
        let default = if self.default { shape.default } else { &[] };
        for name in shape.keys.iter().chain(default).copied() {
            if !chosen.iter().any(|field| field.name == name) {
                chosen.push(Chosen { name, inner: None });
            }
        }
        for (wanted, inner) in &self.named {
            let inner = inner.as_ref();
            if let Some(field) = chosen.iter_mut().find(|field| field.name == wanted) {
                field.inner = inner;
                continue;
            }
            let mut known = shape.keys.iter().chain(shape.default).chain(shape.extra);
            match known.find(|name| *name == wanted) {
                Some(name) => chosen.push(Chosen { name, inner }),
                // Every answer says its kind, if asked.
                None if wanted == "kind" => chosen.push(Chosen { name: "kind", inner: None }),
                None => return Err(wanted.clone()),
            }
        }
        Ok(chosen)
    }

    /// Takes from a value of whatever shape what is not selected; its `id` stays.
    pub fn prune(&self, value: &mut Value) {
        match value {
            Value::Array(all) => all.iter_mut().for_each(|one| self.prune(one)),
            Value::Object(map) => {
                map.retain(|name, _| self.default || name == "id" || self.named.contains_key(name));
                for (name, inner) in &self.named {
                    if let (Some(value), Some(inner)) = (map.get_mut(name), inner) {
                        inner.prune(value);
                    }
                }
            }
            _ => {}
        }
    }

    /// Is `name` selected of `shape`, and what of it?
    pub fn wants(&self, shape: &Shape, name: &str) -> bool {
        self.named.contains_key(name) || (self.default && shape.default.contains(&name)) || shape.keys.contains(&name)
    }
}

impl Chosen<'_> {
    /// What is selected of this field; everything usual if nothing is said.
    pub fn selection(&self) -> Fields {
        self.inner.cloned().unwrap_or_else(Fields::all_default)
    }

    /// A value of this field, as far as it is selected.
    pub fn of(&self, mut value: Value) -> Value {
        if let Some(inner) = self.inner {
            inner.prune(&mut value);
        }
        value
    }
}

fn list(rest: &mut std::iter::Peekable<std::str::Chars<'_>>, depth: usize) -> Result<Fields, String> {
    if depth > DEEP {
        return Err("nested too deeply".into());
    }
    let mut fields = Fields::default();
    loop {
        let mut name = String::new();
        while let Some(&char) = rest.peek() {
            match char {
                ',' | '(' | ')' => break,
                ' ' => {}
                'a'..='z' | 'A'..='Z' | '0'..='9' | '_' | ':' => name.push(char),
                other => return Err(format!("unexpected '{other}'")),
            }
            rest.next();
        }
        let inner = match rest.next_if_eq(&'(') {
            None => None,
            Some(_) => {
                let inner = list(rest, depth + 1)?;
                rest.next_if_eq(&')').ok_or("a ')' is missing")?;
                Some(inner)
            }
        };
        match name.as_str() {
            "" if inner.is_some() => return Err("a name is missing before '('".into()),
            "" => {}
            ":default" => fields.default = true,
            _ => {
                fields.named.insert(name, inner);
            }
        }
        if rest.next_if_eq(&',').is_none() {
            return Ok(fields);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nested_lists() {
        let fields = Fields::parse(":default,epics(:default,label(name)), comments ( person , text )").unwrap();
        assert!(fields.default);
        let epics = fields.named["epics"].as_ref().unwrap();
        assert!(epics.default && epics.named["label"].as_ref().unwrap().named.contains_key("name"));
        assert_eq!(fields.named["comments"].as_ref().unwrap().named.len(), 2);
        for bad in ["a(b", "(b)", "a)b", "a;b", &"a(".repeat(20)] {
            assert!(Fields::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn keys_are_always_there() {
        let shape = Shape { keys: &["id"], default: &["kind", "name"], extra: &["owners"] };
        let names = |text: &str| {
            let fields = Fields::parse(text).unwrap();
            fields.choose(&shape).map(|chosen| chosen.iter().map(|field| field.name).collect::<Vec<_>>())
        };
        assert_eq!(names("name"), Ok(vec!["id", "name"]));
        assert_eq!(names(":default,owners"), Ok(vec!["id", "kind", "name", "owners"]));
        assert_eq!(names("nose"), Err("nose".into()));
    }
}
