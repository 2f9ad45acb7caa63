//! Identity from outside: through its router, on a real database.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "it/account.rs"]
mod account;
#[path = "it/house.rs"]
mod house;
#[path = "it/links.rs"]
mod links;
#[path = "it/look.rs"]
mod look;
#[path = "it/may.rs"]
mod may;
#[path = "it/pages.rs"]
mod pages;
#[path = "it/people.rs"]
mod people;
#[path = "it/uaa.rs"]
mod uaa;
#[path = "it/users.rs"]
mod users;
#[path = "it/walk.rs"]
mod walk;
