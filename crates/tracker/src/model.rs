//! Rules without I/O: what states a story may have, how points are scaled, in which order stories stand, which iteration
//! each falls into, what a search means. Nothing here knows a table or a request; the same input gives the same answer.

pub mod calendar;
pub mod commit;
pub mod cycle;
pub mod fields;
pub mod person;
pub mod plan;
pub mod points;
pub mod rank;
pub mod role;
pub mod search;
pub mod settings;
pub mod story;
pub mod time;
pub mod velocity;
