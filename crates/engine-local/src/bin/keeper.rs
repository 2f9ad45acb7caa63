//! The keeper alone (`engine-local-keeper keeper …`), for tests and benchmarks of this crate.

fn main() -> std::process::ExitCode {
    engine_local::keeper::main(std::env::args().skip(2))
}
