//! Identity from outside: through its router, on a real database.

#[path = "it/house.rs"]
mod house;
#[path = "it/uaa.rs"]
mod uaa;
