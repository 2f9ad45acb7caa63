//! The style sheet: contrast as WCAG 2.2 AA asks for it, in light and dark.

use std::collections::HashMap;

const SHEET: &str = include_str!("../../static/identity.css");

/// The custom properties that are colours, of the n-th `:root`.
fn colours(index: usize) -> HashMap<&'static str, [f64; 3]> {
    let block = SHEET.split(":root {").nth(index).unwrap().split('}').next().unwrap();
    let declarations = block.split(';').filter_map(|line| line.trim().split_once(": #"));
    declarations
        .map(|(name, hex)| {
            let channel = |at: usize| f64::from(u8::from_str_radix(&hex[at..at + 2], 16).unwrap()) / 255.0;
            (name.trim().trim_start_matches("--"), [channel(0), channel(2), channel(4)])
        })
        .collect()
}

fn luminance(colour: [f64; 3]) -> f64 {
    let linear = colour.map(|value| if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) });
    0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
}

#[test]
fn text_and_controls_stand_out() {
    for (index, theme) in [(1, "light"), (2, "dark")] {
        let colours = colours(index);
        let pairs = [
            (&["text", "text-quiet", "accent", "bad", "ok"][..], &["surface-0", "surface-1"][..], 4.5),
            (&["text"], &["note"], 4.5),
            (&["on-accent"], &["accent"], 4.5),
            (&["edge"], &["surface-0", "surface-1"], 3.0),
        ];
        for (above, below, least) in pairs {
            for (above, below) in above.iter().flat_map(|above| below.iter().map(move |below| (above, below))) {
                let (a, b) = (luminance(colours[above]), luminance(colours[below]));
                let contrast = (a.max(b) + 0.05) / (a.min(b) + 0.05);
                assert!(contrast >= least, "{theme}: --{above} on --{below} has {contrast:.2}:1, {least}:1 is needed");
            }
        }
    }
    assert!(!SHEET.contains("url(") && !SHEET.contains("@import"), "nothing comes from elsewhere");
}
