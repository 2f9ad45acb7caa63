//! A line survives its file.

use logs::{Line, Stream};
use proptest::prelude::*;

proptest! {
    #[test]
    fn what_is_written_is_read(at in any::<i64>(), out in any::<bool>(), source in "[A-Z/]{1,12}", instance in "[0-9]{1,4}", payload in "[^\r\n]{0,200}") {
        let stream = if out { Stream::Out } else { Stream::Err };
        let line = Line { at, stream, source_type: source, instance, payload };
        let mut text = Vec::new();
        line.encode(&mut text);
        prop_assert_eq!(text.pop(), Some(b'\n'));
        prop_assert!(!text.contains(&b'\n'));
        prop_assert_eq!(Line::decode(std::str::from_utf8(&text).unwrap()), Some(line));
    }

    #[test]
    fn one_line_stays_one_line(source in ".{0,12}", instance in ".{0,4}", payload in "(?s).{0,200}") {
        let line = Line { at: 1, stream: Stream::Out, source_type: source, instance, payload };
        let mut text = Vec::new();
        line.encode(&mut text);
        prop_assert_eq!(text.iter().filter(|byte| **byte == b'\n').count(), 1);
        let read = Line::decode(std::str::from_utf8(&text[..text.len() - 1]).unwrap()).unwrap();
        prop_assert_eq!(read.payload, line.payload.replace(['\r', '\n'], " "));
    }
}

#[test]
fn torn_and_foreign_lines_are_none() {
    for text in ["", "1", "1 O", "1 O APP 0", "x O APP 0 hello", "1 X APP 0 hello"] {
        assert_eq!(Line::decode(text), None, "{text:?}");
    }
}
