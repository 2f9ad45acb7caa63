//! The style sheet has no values of its own: those of all pages are checked for contrast where they are.

const SHEET: &str = include_str!("../../static/identity.css");

#[test]
fn the_look_is_that_of_all_pages() {
    assert!(!SHEET.contains('#') && !SHEET.contains("rgb"), "a colour stands in values.css only");
    assert!(!SHEET.contains("url(") && !SHEET.contains("@import"), "nothing comes from elsewhere");
}
