//! Identity from outside: through its router, on a real database.

#[path = "it/account.rs"]
mod account;
#[path = "it/house.rs"]
mod house;
#[path = "it/may.rs"]
mod may;
#[path = "it/pages.rs"]
mod pages;
#[path = "it/people.rs"]
mod people;
#[path = "it/uaa.rs"]
mod uaa;
