//! The real `racetrack` client from PyPI, in a pseudo-terminal.

use super::house::{ADDER, GitServer, House};

#[test]
fn r19_the_real_client_deploys_calls_and_deletes() {
    let server = GitServer::start();
    server.repository("adder", &[("main.py", ADDER)]);
    server.house().converse("lap", &server.url);
}

#[test]
fn r19_the_real_client_is_told_what_is_wrong() {
    House::new().converse("bad_arguments", "");
}
