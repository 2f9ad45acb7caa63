//! The engine's keeper as a program of its own, for this crate's tests.

fn main() -> std::process::ExitCode {
    engine_local::keeper::main(std::env::args().skip(2))
}
