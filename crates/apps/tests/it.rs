//! The face from outside: conversations over its router.

mod it {
    mod access;
    mod fake;
    mod house;
    mod lists;
    mod logs;
    mod places;
    mod routes;
    mod settings;
}
