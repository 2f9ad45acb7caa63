//! The host a request is for.

use http::{Version, header, request::Parts};
use std::borrow::Cow;
use std::ops::Deref;

/// A host name as the table has it: lower case, no port, no dot at its end.
#[derive(Default)]
pub(crate) struct Host<'h>(Cow<'h, str>);

impl Deref for Host<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl<'h> Host<'h> {
    /// From the request line's authority (HTTP/2, absolute form), which RFC 9112 3.2.2 puts first, else from `Host`.
    /// None, two, or one that is no host is refused: two parties could read it differently. HTTP/1.0 may have none.
    pub(crate) fn of(head: &'h Parts) -> Result<Self, &'static str> {
        let mut lines = head.headers.get_all(header::HOST).iter();
        let (first, second) = (lines.next(), lines.next());
        if second.is_some() {
            return Err("more than one Host header");
        }
        let text = match (head.uri.authority(), first) {
            (Some(authority), _) => authority.as_str(),
            (None, Some(value)) => value.to_str().map_err(|_| "the Host header is no host name")?,
            (None, None) if head.version == Version::HTTP_10 => "",
            (None, None) => return Err("no Host header"),
        };
        Self::parse(text).ok_or("the Host header is no host name")
    }

    fn parse(text: &'h str) -> Option<Self> {
        let name = match text.strip_prefix('[') {
            // An IPv6 address keeps its brackets: it belongs to no app.
            Some(rest) => &text[..rest.find(']')? + 2],
            None => text.split_once(':').map_or(text, |(name, _)| name),
        };
        let port = &text[name.len()..];
        let port_ok =
            port.is_empty() || port.strip_prefix(':').is_some_and(|port| port.bytes().all(|b| b.is_ascii_digit()));
        let name = name.strip_suffix('.').unwrap_or(name);
        let letter = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+,;=[]:".contains(&byte);
        (port_ok && name.bytes().all(letter)).then(|| {
            let lower = !name.bytes().any(|byte| byte.is_ascii_uppercase());
            Self(if lower { name.into() } else { name.to_ascii_lowercase().into() })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Host;

    #[test]
    fn hosts_are_brought_to_one_form_or_refused() {
        let cases = [
            ("Shop.Apps.Localhost", Some("shop.apps.localhost")),
            ("shop:8080", Some("shop")),
            ("shop.:8080", Some("shop")),
            ("[::1]:80", Some("[::1]")),
            ("", Some("")),
            ("[::1", None),
            ("[::1]x", None),
            ("a b", None),
            ("a@b", None),
            ("a/b", None),
            ("shop:80a", None),
        ];
        for (text, wanted) in cases {
            assert_eq!(Host::parse(text).as_deref(), wanted, "{text}");
        }
    }
}
