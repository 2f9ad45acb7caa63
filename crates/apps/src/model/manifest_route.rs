//! Routes as manifests write them: `host.domain/path` or `domain:port`.

/// A route taken apart along the longest domain that fits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parts<'d> {
    /// Which of the domains given.
    pub domain: &'d str,
    /// Empty for the domain itself.
    pub host: String,
    /// Empty, or `/prefix`.
    pub path: String,
    /// Of TCP routes.
    pub port: Option<u16>,
}

/// Says what is wrong with a route's text, whatever the domains.
pub fn check(route: &str) -> Result<(), String> {
    let (host, path, port) = cut(route)?;
    if host.is_empty() || host.len() > 253 {
        return Err("it has no host name".into());
    }
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    let mut labels = host.split('.').enumerate();
    if let Some((_, bad)) = labels.find(|(index, part)| !(label(part) || (*index == 0 && *part == "*"))) {
        return Err(format!("'{bad}' is no part of a host name"));
    }
    if port.is_some() && !path.is_empty() {
        return Err("a route with a port has no path".into());
    }
    if path.contains(['?', '#']) || path.contains(char::is_whitespace) || path.len() > 128 {
        return Err("its path may hold neither '?', '#' nor blanks, and 128 characters at most".into());
    }
    Ok(())
}

/// Takes a route apart by the longest of `domains` that ends its host name; `None` if none does, or the text is wrong.
pub fn split<'d>(route: &str, domains: impl Iterator<Item = &'d str>) -> Option<Parts<'d>> {
    check(route).ok()?;
    let (name, path, port) = cut(route).ok()?;
    let domain = domains
        .filter(|domain| {
            name.strip_suffix(&domain.to_ascii_lowercase()).is_some_and(|host| host.is_empty() || host.ends_with('.'))
        })
        .max_by_key(|domain| domain.len())?;
    let host = name[..name.len() - domain.len()].trim_end_matches('.').to_owned();
    Some(Parts { domain, host, path: path.to_owned(), port })
}

/// Host name in lower case, path, port.
fn cut(route: &str) -> Result<(String, &str, Option<u16>), String> {
    let route = route.strip_prefix("https://").or_else(|| route.strip_prefix("http://")).unwrap_or(route);
    let (authority, path) = route.find('/').map_or((route, ""), |slash| route.split_at(slash));
    let path = path.trim_end_matches('/');
    let (host, port) = match authority.split_once(':') {
        Some((host, port)) => match port.parse::<u16>() {
            Ok(port) if port > 0 => (host, Some(port)),
            _ => return Err(format!("'{port}' is no port")),
        },
        None => (authority, None),
    };
    Ok((host.to_ascii_lowercase(), path, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_domain_wins() {
        let domains = ["example.com", "apps.example.com", "tcp.example.com"];
        for (route, want) in [
            ("www.apps.example.com", Some(("apps.example.com", "www", "", None))),
            ("WWW.Example.com/a/b/", Some(("example.com", "www", "/a/b", None))),
            ("apps.example.com", Some(("apps.example.com", "", "", None))),
            ("a.b.example.com", Some(("example.com", "a.b", "", None))),
            ("*.apps.example.com", Some(("apps.example.com", "*", "", None))),
            ("tcp.example.com:1024", Some(("tcp.example.com", "", "", Some(1024)))),
            ("badexample.com", None),
            ("a b.example.com", None),
            ("a..example.com", None),
            ("x.example.com:0", None),
            ("", None),
        ] {
            let parts = split(route, domains.into_iter());
            let seen = parts.as_ref().map(|parts| (parts.domain, parts.host.as_str(), parts.path.as_str(), parts.port));
            assert_eq!(seen, want, "{route}");
        }
    }
}
