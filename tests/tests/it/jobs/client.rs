//! The real `racetrack` client from PyPI, in a pseudo-terminal.

use super::house::{ADDER, GitServer, House};

#[test]
fn r19_the_real_client_deploys_from_git_calls_and_looks() {
    let server = GitServer::start();
    server.repository("adder", &[("main.py", ADDER)]);
    server.house().converse("lap", &server.url);
}

#[test]
fn r19_the_real_client_deploys_versions_from_a_folder_and_deletes() {
    House::new().converse("versions", "");
}

#[test]
fn r19_the_real_client_is_told_what_is_wrong() {
    House::new().converse("bad_arguments", "");
}
