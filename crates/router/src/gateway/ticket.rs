//! Tickets: what a job's page calls its own job by.
//!
//! Such a page is in an origin of its own (see [`super::answer`]), for which browsers send no cookie. So when somebody opens
//! one by the cookie, the job is told a version with a ticket in it, `1.0.0~TICKET`, and the addresses that it makes from the
//! one it was asked by (as the runner's Swagger page does) lead back with it.
//!
//! Invariant: a ticket is worth less than the token it was made by: it is good for one job, from one address, for an hour,
//! and no longer than the token; it is known to nobody's table, and the next router takes none of this one's.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

/// What parts it from the version; no version has one.
pub(super) const MARK: char = '~';
/// Seconds.
const GOOD_FOR: i64 = 3600;
/// Bytes of the seal that are kept.
const SEAL: usize = 16;

/// Makes and reads them.
pub(crate) struct Tickets {
    key: [u8; 32],
}

/// Whom and what one is for.
#[derive(Clone, Copy)]
pub(crate) struct Bearer<'b> {
    pub(crate) job: &'b str,
    /// The client's address.
    pub(crate) address: &'b [u8],
}

impl Tickets {
    pub(crate) fn new() -> Self {
        Self { key: rand::random() }
    }

    /// `token`: the SHA-256 of the one that the bearer has; `at`: microseconds since 1970 UTC.
    pub(super) fn make(&self, bearer: Bearer<'_>, token: &[u8; 32], at: i64) -> String {
        let until = u32::try_from(at / 1_000_000 + GOOD_FOR).unwrap_or(u32::MAX).to_be_bytes();
        let seal = self.seal(bearer, token, until).finalize().into_bytes();
        hex::encode([&until[..], token, &seal[..SEAL]].concat())
    }

    /// The token's hash, if the ticket is good.
    pub(super) fn read(&self, ticket: &str, bearer: Bearer<'_>, at: i64) -> Option<[u8; 32]> {
        let mut bytes = [0; 4 + 32 + SEAL];
        hex::decode_to_slice(ticket, &mut bytes).ok()?;
        let until: [u8; 4] = bytes[..4].try_into().ok()?;
        let token: [u8; 32] = bytes[4..36].try_into().ok()?;
        self.seal(bearer, &token, until).verify_truncated_left(&bytes[36..]).ok()?;
        (at / 1_000_000 < i64::from(u32::from_be_bytes(until))).then_some(token)
    }

    fn seal(&self, bearer: Bearer<'_>, token: &[u8; 32], until: [u8; 4]) -> Hmac<Sha256> {
        let mut seal = Hmac::<Sha256>::new_from_slice(&self.key).expect("every length is one");
        seal.update(&until);
        seal.update(token);
        // The address alone has no fixed length, and stands last.
        seal.update(&Sha256::digest(bearer.job));
        seal.update(bearer.address);
        seal
    }
}

#[cfg(test)]
mod tests {
    use super::{Bearer, Tickets};

    #[test]
    fn a_ticket_is_good_for_one_job_from_one_address_for_an_hour() {
        let (tickets, token) = (Tickets::new(), [7; 32]);
        let bearer = Bearer { job: "a", address: b"127.0.0.1" };
        let ticket = tickets.make(bearer, &token, 0);
        assert_eq!(tickets.read(&ticket, bearer, 3_599_000_000), Some(token));
        assert_eq!(tickets.read(&ticket, bearer, 3_600_000_000), None);
        assert_eq!(tickets.read(&ticket, Bearer { job: "b", ..bearer }, 0), None);
        assert_eq!(tickets.read(&ticket, Bearer { address: b"127.0.0.2", ..bearer }, 0), None);
        assert_eq!(Tickets::new().read(&ticket, bearer, 0), None);
        let other = format!("{}0", &ticket[..ticket.len() - 1]);
        assert!(other == ticket || tickets.read(&other, bearer, 0).is_none());
        for bad in ["", "nonsense", &ticket[2..]] {
            assert_eq!(tickets.read(bad, bearer, 0), None, "{bad}");
        }
    }
}
