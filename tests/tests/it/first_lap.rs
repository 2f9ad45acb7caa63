//! From an empty machine to an application that answers.

use tests::{Pitlane, text};

#[test]
fn a_static_page_is_pushed_and_answers() {
    let pitlane = Pitlane::start();
    let output = pitlane.run_in(&pitlane.sample("static"), &["push", "hello"]);
    assert!(output.status.success(), "{}", text(&output));
    assert!(text(&output).contains("hello.apps.localhost"), "{}", text(&output));
    assert!(pitlane.get_until_ok("hello", "/").contains("<html"));
}
