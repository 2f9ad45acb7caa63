//! Plays the `cf` command line (8.18, its requests as the reference has them): the same paths, query strings, headers and
//! body shapes. Every answer is looked at as a strict client decodes it: JSON everywhere, whole numbers as numbers, times
//! to the second, absolute links, lists that are lists, pages whose links keep the query.

mod admin;
mod app;
mod client;
mod logs;
mod mini;
mod older;
mod places;
mod push;
mod pushes;
mod route;
mod shape;
mod sidecar;
mod system;
mod task;
