//! Names of domains, hosts and paths of routes.

/// A domain name in lower case, or what is wrong with it.
pub fn check_domain(name: &str) -> Result<String, String> {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    if !name.contains('.') {
        return Err("Name must contain at least one \".\"".into());
    }
    let good = |label: &str| {
        let bytes = label.as_bytes();
        (1..=63).contains(&bytes.len())
            && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-')
            && bytes[0] != b'-'
            && bytes[bytes.len() - 1] != b'-'
    };
    // A last label of digits would be an address.
    let address = name.rsplit('.').next().is_some_and(|last| last.bytes().all(|byte| byte.is_ascii_digit()));
    if name.len() > 191 || address || !name.split('.').all(good) {
        return Err("Name does not comply with RFC 1035 standards".into());
    }
    Ok(name)
}

/// A host in lower case: empty, `*`, or one label.
pub fn check_host(host: &str) -> Result<String, String> {
    let host = host.to_ascii_lowercase();
    let good = |label: &str| {
        !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    if host.len() > 63 {
        return Err("Host is too long (maximum is 63 characters)".into());
    }
    if host.is_empty() || host == "*" || good(&host) {
        return Ok(host);
    }
    Err("Host must be either \"*\" or contain only alphanumeric characters, \"_\", or \"-\"".into())
}

/// A path without a slash at its end: empty, or `/prefix`.
pub fn check_path(path: &str) -> Result<String, String> {
    if path.is_empty() {
        return Ok(String::new());
    }
    if path.len() > 128 {
        return Err("Path is too long (maximum is 128 characters)".into());
    }
    if !path.starts_with('/') {
        return Err("Path must begin with \"/\"".into());
    }
    if path == "/" {
        return Err("Path cannot be exactly '/'".into());
    }
    if path.contains('?') {
        return Err("Path cannot contain '?'".into());
    }
    let plain = path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#' && byte != b'\\');
    if !plain || path.split('/').skip(1).any(|part| part == "." || part == "..") {
        return Err("Path is not a valid URI path".into());
    }
    Ok(path.trim_end_matches('/').to_owned())
}
