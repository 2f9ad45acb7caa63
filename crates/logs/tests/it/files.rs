//! Reading by time, limit and filter, from files of any size, while they are written and torn.

use logs::{Line, Query, Stream, Writer, read, read_where};
use proptest::prelude::*;
use std::io::Write;
use std::path::Path;

fn line(at: i64, payload: &str) -> Line {
    Line { at, stream: Stream::Out, source_type: "APP".into(), instance: "0".into(), payload: payload.into() }
}

fn all(descending: bool) -> Query {
    Query { start: i64::MIN, end: i64::MAX, limit: usize::MAX, descending }
}

fn fill(root: &Path, name: &str, times: impl IntoIterator<Item = i64>, width: usize, limit: u64) -> Vec<Line> {
    let mut writer = Writer::open(root, "app", name, limit).unwrap();
    let mut lines = Vec::new();
    for at in times {
        let line = line(at, &format!("{name}-{at}-{}", "x".repeat(width)));
        writer.write(&line).unwrap();
        lines.push(line);
    }
    lines
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn reading_equals_sorting_and_filtering(
        a in proptest::collection::vec(0i64..50, 0..200), b in proptest::collection::vec(0i64..50, 0..200),
        width in prop_oneof![Just(0usize), Just(700), Just(3000)],
        start in 0i64..5000, length in 0i64..5000, limit in 0usize..100, descending in any::<bool>(),
    ) {
        let root = tempfile::tempdir().unwrap();
        let sum = |steps: Vec<i64>| steps.into_iter().scan(0, |at, step| { *at += step; Some(*at) }).collect::<Vec<_>>();
        let mut expected = fill(root.path(), "a", sum(a), width, u64::MAX);
        expected.extend(fill(root.path(), "b", sum(b), width, u64::MAX));
        expected.retain(|line| line.at >= start && line.at < start + length);
        expected.sort_by_key(|line| line.at);
        if descending {
            expected.reverse();
        }
        let read = read(root.path(), "app", &Query { start, end: start + length, limit, descending }).unwrap();
        prop_assert_eq!(read.len(), expected.len().min(limit));
        let times = |lines: &[Line]| lines.iter().take(limit).map(|line| line.at).collect::<Vec<_>>();
        prop_assert_eq!(times(&read), times(&expected));
        // Whatever is answered was written, and no line twice.
        let mut seen = read.clone();
        seen.sort_by(|a, b| a.payload.cmp(&b.payload).then(a.at.cmp(&b.at)));
        let mut pool = expected.clone();
        for line in seen {
            let place = pool.iter().position(|other| *other == line);
            prop_assert!(place.is_some());
            pool.remove(place.unwrap());
        }
    }
}

#[test]
fn descending_is_ascending_turned_round() {
    let root = tempfile::tempdir().unwrap();
    fill(root.path(), "a", [1, 1, 1, 2, 2, 3], 0, u64::MAX);
    fill(root.path(), "b", [1, 2, 2, 3, 3, 3], 0, u64::MAX);
    let mut turned = read(root.path(), "app", &all(true)).unwrap();
    turned.reverse();
    assert_eq!(turned, read(root.path(), "app", &all(false)).unwrap());
    assert_eq!(turned.len(), 12);
}

#[test]
fn rotation_keeps_two_files_and_the_newest_lines() {
    let root = tempfile::tempdir().unwrap();
    fill(root.path(), "a", 0..1000, 80, 10_000);
    let size: u64 =
        std::fs::read_dir(root.path().join("app")).unwrap().map(|e| e.unwrap().metadata().unwrap().len()).sum();
    assert!(size <= 20_000, "{size}");
    let lines = read(root.path(), "app", &all(false)).unwrap();
    assert_eq!(lines.last().unwrap().at, 999);
    assert!(lines.windows(2).all(|pair| pair[1].at == pair[0].at + 1));
}

#[test]
fn the_newest_line_of_a_large_file_costs_one_block() {
    let root = tempfile::tempdir().unwrap();
    fill(root.path(), "a", 0..100_000, 80, u64::MAX);
    let before = std::fs::read_to_string("/proc/self/io").unwrap();
    let query = Query { limit: 1, ..all(true) };
    assert_eq!(read(root.path(), "app", &query).unwrap()[0].at, 99_999);
    let tail = Query { start: 99_990, ..all(false) };
    assert_eq!(read(root.path(), "app", &tail).unwrap().len(), 10);
    let count = |text: &str| text.lines().find_map(|l| l.strip_prefix("rchar: ")?.parse::<u64>().ok()).unwrap();
    let used = count(&std::fs::read_to_string("/proc/self/io").unwrap()) - count(&before);
    // The file has 10 MB. Other tests of this executable may read at the same time under plain `cargo test`.
    assert!(used < 2_000_000, "{used} bytes read");
}

#[test]
fn torn_lines_are_left_out_and_do_not_swallow_the_next() {
    let root = tempfile::tempdir().unwrap();
    fill(root.path(), "a", [1, 2], 0, u64::MAX);
    let path = root.path().join("app/a.log");
    std::fs::OpenOptions::new().append(true).open(&path).unwrap().write_all(b"3 O APP 0 half a li").unwrap();
    assert_eq!(read(root.path(), "app", &all(false)).unwrap().len(), 2);
    assert_eq!(read(root.path(), "app", &all(true)).unwrap().len(), 2);
    fill(root.path(), "a", [4], 0, u64::MAX);
    let times: Vec<i64> = read(root.path(), "app", &all(false)).unwrap().iter().map(|line| line.at).collect();
    // The half line now has an end, and what there is of it can be read.
    assert_eq!(times, [1, 2, 3, 4]);
}

#[test]
fn rubbish_does_not_stop_a_reader() {
    let root = tempfile::tempdir().unwrap();
    fill(root.path(), "a", [1, 2], 0, u64::MAX);
    let mut rubbish = vec![0xff; 300_000];
    rubbish.extend(b"\n\n\0\n");
    std::fs::OpenOptions::new().append(true).open(root.path().join("app/a.log")).unwrap().write_all(&rubbish).unwrap();
    fill(root.path(), "a", [3], 0, u64::MAX);
    for descending in [false, true] {
        assert_eq!(read(root.path(), "app", &all(descending)).unwrap().len(), 3, "descending: {descending}");
    }
}

#[test]
fn a_long_payload_becomes_several_lines_and_a_small_step_back_is_smoothed() {
    let root = tempfile::tempdir().unwrap();
    let mut writer = Writer::open(root.path(), "app", "a", u64::MAX).unwrap();
    let long = "é".repeat(100_000);
    writer.write_all(&[line(50, &long), line(49, "later")]).unwrap();
    let lines = read(root.path(), "app", &all(false)).unwrap();
    assert_eq!(lines.iter().map(|line| line.at).collect::<Vec<_>>(), [50; 5]);
    assert_eq!(lines[..4].iter().map(|line| line.payload.as_str()).collect::<String>(), long);
}

#[test]
fn filters_count_only_what_they_keep() {
    let root = tempfile::tempdir().unwrap();
    let mut writer = Writer::open(root.path(), "app", "a", u64::MAX).unwrap();
    for at in 0..100 {
        let source_type = if at % 10 == 0 { "STG" } else { "APP" }.to_owned();
        writer.write(&Line { source_type, ..line(at, "") }).unwrap();
    }
    let query = Query { limit: 3, ..all(true) };
    let lines = read_where(root.path(), "app", &query, |line| line.source_type == "STG").unwrap();
    assert_eq!(lines.iter().map(|line| line.at).collect::<Vec<_>>(), [90, 80, 70]);
}

#[test]
fn sources_end_with_their_folder_and_lead_nowhere_else() {
    let root = tempfile::tempdir().unwrap();
    std::fs::create_dir(root.path().join("inner")).unwrap();
    let inner = root.path().join("inner");
    fill(root.path(), "a", [1], 0, u64::MAX);
    for source in ["../app", "..", ".", "", "a/b", "/etc", "a\0b"] {
        assert!(read(&inner, source, &all(false)).unwrap().is_empty(), "{source:?}");
        assert!(Writer::open(&inner, source, "a", 1).is_err(), "{source:?}");
        assert!(logs::remove(&inner, source).is_err(), "{source:?}");
    }
    assert_eq!(read(root.path(), "app", &all(false)).unwrap().len(), 1);
    logs::remove(root.path(), "app").unwrap();
    logs::remove(root.path(), "app").unwrap();
    assert!(read(root.path(), "app", &all(false)).unwrap().is_empty());
}

#[test]
fn trimming_spares_what_is_in_use() {
    let root = tempfile::tempdir().unwrap();
    for name in ["old", "older", "new"] {
        fill(root.path(), name, 0..10, 100, u64::MAX);
    }
    for (name, hours) in [("old", 2), ("older", 3)] {
        let file = std::fs::File::options().append(true).open(root.path().join(format!("app/{name}.log"))).unwrap();
        file.set_modified(file.metadata().unwrap().modified().unwrap() - std::time::Duration::from_secs(hours * 3600))
            .unwrap();
    }
    let size = std::fs::metadata(root.path().join("app/new.log")).unwrap().len();
    assert!(logs::trim(root.path(), "app", 2 * size + 50).unwrap() > size);
    assert!(!root.path().join("app/older.log").exists() && root.path().join("app/old.log").exists());
    logs::trim(root.path(), "app", 0).unwrap();
    assert!(!root.path().join("app/old.log").exists() && root.path().join("app/new.log").exists());
}
