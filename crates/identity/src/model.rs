//! Pure rules: names, addresses, passwords, filters, origins. No I/O.

pub(crate) mod name;
pub(crate) mod origin;
pub(crate) mod password;
pub(crate) mod scim;
pub(crate) mod sign_up;
