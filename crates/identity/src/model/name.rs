//! User names and e-mail addresses.

use crate::IdentityError;

/// Longest user name and address, in characters: what a portable unique key holds.
const MAX: usize = 191;

/// Checks a user name: 1 to 191 visible characters, no blanks at the ends; one that is an address must be a good one.
pub(crate) fn check_user_name(name: &str) -> Result<(), IdentityError> {
    let bad = |problem: String| Err(IdentityError::invalid("user name", problem));
    if name.is_empty() {
        return bad("it is empty: give a name such as kim or kim@example.com".into());
    }
    if name.chars().count() > MAX {
        return bad(format!("it is longer than {MAX} characters: choose a shorter one"));
    }
    if name.trim() != name || name.chars().any(char::is_control) {
        return bad("it begins or ends with a blank, or has a control character: remove that".into());
    }
    if name.contains('@') {
        return address(name).or_else(bad);
    }
    Ok(())
}

/// Checks an e-mail address: one `@`, a local part, and a domain with a dot.
pub(crate) fn check_email(email: &str) -> Result<(), IdentityError> {
    address(email).map_err(|problem| IdentityError::invalid("email", problem))
}

/// As unique keys hold it.
pub(crate) fn key(name: &str) -> String {
    name.to_lowercase()
}

fn address(address: &str) -> Result<(), String> {
    if address.chars().count() > MAX {
        return Err(format!("it is longer than {MAX} characters: choose a shorter one"));
    }
    if let Some(bad) = address.chars().find(|char| char.is_whitespace() || char.is_control()) {
        return Err(format!("{address:?} has the character {bad:?}, which no address can have: remove it"));
    }
    let Some((local, domain)) = address.rsplit_once('@') else {
        return Err(format!("{address:?} is no e-mail address: it has no @; write it like kim@example.com"));
    };
    if local.is_empty() || local.contains('@') {
        return Err(format!("{address:?} needs one @ with something before it: write it like kim@example.com"));
    }
    let labels: Vec<&str> = domain.split('.').collect();
    if labels.len() < 2 {
        return Err(format!(
            "{address:?} has no domain with a dot after the @: write it with the full domain, like {local}@{}.example.com",
            if domain.is_empty() { "mail" } else { domain }
        ));
    }
    let good = |label: &&str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|char| char.is_alphanumeric() || char == '-')
    };
    match labels.iter().find(|label| !good(label)) {
        None => Ok(()),
        Some(label) => Err(format!(
            "{address:?}: {label:?} is no part of a domain name: letters, digits and inner hyphens, dots between"
        )),
    }
}
