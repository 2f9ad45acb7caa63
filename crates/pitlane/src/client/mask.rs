//! What of an environment is not for everybody who looks at a screen.
//!
//! A value is masked by its name (`DB_PASSWORD`, `credentials`), and a password in a URL wherever it is. Made for eyes and for
//! logs of build machines, not for keeping secrets: whoever may read the environment may read all of it.

use serde_json::Value;

/// What stands for a value.
const MASK: &str = "********";
/// Words of a name that say its value is secret.
const SECRET: [&str; 9] =
    ["password", "passwd", "passphrase", "secret", "token", "key", "credential", "credentials", "auth"];

/// The value of the variable `name`, fit to be shown.
pub(crate) fn mask(name: &str, value: &Value) -> Value {
    match value {
        _ if is_secret(name) && !is_empty(value) => Value::from(MASK),
        Value::String(text) => match serde_json::from_str::<Value>(text) {
            // JSON in a variable, as VCAP_SERVICES is.
            Ok(inner @ (Value::Object(_) | Value::Array(_))) => Value::from(mask(name, &inner).to_string()),
            _ => Value::from(mask_urls(text)),
        },
        Value::Object(map) => map.iter().map(|(key, value)| (key.clone(), mask(key, value))).collect(),
        Value::Array(list) => list.iter().map(|value| mask("", value)).collect(),
        other => other.clone(),
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Object(map) => map.is_empty(),
        Value::Array(list) => list.is_empty(),
        _ => false,
    }
}

/// Does one of the name's words say so? `MONKEY` holds none, `API_KEY` and `apiKey` do.
fn is_secret(name: &str) -> bool {
    let mut words: Vec<String> = vec![String::new()];
    let mut lower = false;
    for letter in name.chars() {
        if !letter.is_alphanumeric() || (letter.is_uppercase() && lower) {
            words.push(String::new());
        }
        lower = letter.is_lowercase();
        if letter.is_alphanumeric() {
            words.last_mut().expect("there is one from the beginning").extend(letter.to_lowercase());
        }
    }
    words.iter().any(|word| SECRET.iter().any(|secret| word == secret || word.strip_suffix('s') == Some(secret)))
}

/// `postgres://ada:secret@db/x` without the password.
fn mask_urls(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("://") {
        out.push_str(before);
        out.push_str("://");
        let end = after.find(|letter: char| letter.is_whitespace() || "/?#\"'".contains(letter)).unwrap_or(after.len());
        let (authority, tail) = after.split_at(end);
        match authority.rsplit_once('@').map(|(who, host)| (who.split_once(':'), host)) {
            Some((Some((user, password)), host)) if !password.is_empty() => {
                out.push_str(&format!("{user}:{MASK}@{host}"));
            }
            _ => out.push_str(authority),
        }
        rest = tail;
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn secrets_are_masked_by_name_and_in_urls() {
        for (name, value, shown) in [
            ("COLOUR", json!("green"), json!("green")),
            ("DB_PASSWORD", json!("x"), json!(MASK)),
            ("apiKey", json!("x"), json!(MASK)),
            ("API_KEYS", json!("x"), json!(MASK)),
            ("MONKEY", json!("x"), json!("x")),
            ("EMPTY_TOKEN", json!(""), json!("")),
            (
                "DATABASE_URL",
                json!("postgres://ada:p:w@db:5432/x?y=1"),
                json!(format!("postgres://ada:{MASK}@db:5432/x?y=1")),
            ),
            ("URLS", json!("http://a/ http://u:p@b"), json!(format!("http://a/ http://u:{MASK}@b"))),
            ("AT", json!("http://a/x:y@z"), json!("http://a/x:y@z")),
            (
                "VCAP_SERVICES",
                json!({"db": [{"name": "d", "credentials": {"a": 1}, "uri": "redis://:p@h"}]}),
                json!({"db": [{"name": "d", "credentials": MASK, "uri": format!("redis://:{MASK}@h")}]}),
            ),
            ("J", json!("{\"token\":\"x\"}"), json!(format!("{{\"token\":\"{MASK}\"}}"))),
        ] {
            assert_eq!(mask(name, &value), shown, "{name}");
        }
    }
}
