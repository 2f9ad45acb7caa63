//! Archives made to do harm: refused in words, nothing is changed and nothing is written where it should not be.

use serde_json::{Value, json};
use std::io::{Cursor, Write};
use std::path::Path;
use tests::{Answer, Pitlane, http, text};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

fn zipped(fill: impl FnOnce(&mut ZipWriter<Cursor<Vec<u8>>>)) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    fill(&mut zip);
    zip.finish().expect("zipped").into_inner()
}

/// A zip with one file whose name is written into it as it is.
fn named(name: &str) -> Vec<u8> {
    // The writer tidies names up, so the name is put in afterwards, of the same length.
    let plain = "n".repeat(name.len());
    let mut bytes = zipped(|zip| {
        zip.start_file(&*plain, SimpleFileOptions::default()).expect("begun");
        zip.write_all(b"evil").expect("written");
    });
    let places: Vec<usize> =
        (0..bytes.len() - plain.len()).filter(|at| bytes[*at..].starts_with(plain.as_bytes())).collect();
    assert_eq!(places.len(), 2, "in the local header and in the directory");
    for at in places {
        bytes[at..at + name.len()].copy_from_slice(name.as_bytes());
    }
    bytes
}

fn link(target: &str) -> Vec<u8> {
    zipped(|zip| zip.add_symlink("link", target, SimpleFileOptions::default()).expect("linked"))
}

/// A whole zip of a million empty files (PKWARE's APPNOTE 4.3), put together by hand because that is quicker.
fn million() -> Vec<u8> {
    const ENTRIES: u64 = 1_000_000;
    let (mut bytes, mut directory) = (Vec::new(), Vec::new());
    for number in 0..ENTRIES {
        let name = format!("{number:08x}");
        // Version, flags, method, time, date, checksum, two sizes, the name's length, that of extra fields.
        let common = [&[20, 0][..], &[0; 20], &[8, 0, 0, 0]].concat();
        directory.extend_from_slice(b"PK\x01\x02\x14\x00");
        directory.extend_from_slice(&common);
        // Comment, disk, attributes.
        directory.extend_from_slice(&[0; 10]);
        directory.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
        directory.extend_from_slice(name.as_bytes());
        bytes.extend_from_slice(b"PK\x03\x04");
        bytes.extend_from_slice(&common);
        bytes.extend_from_slice(name.as_bytes());
    }
    let (at, size) = (bytes.len() as u64, directory.len() as u64);
    bytes.append(&mut directory);
    let end = bytes.len() as u64;
    let words = |words: &[u64]| words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<u8>>();
    bytes.extend(
        [b"PK\x06\x06".to_vec(), words(&[44]), vec![45, 0, 45, 0], vec![0; 8], words(&[ENTRIES, ENTRIES, size, at])]
            .concat(),
    );
    bytes.extend([b"PK\x06\x07".to_vec(), vec![0; 4], words(&[end]), vec![1, 0, 0, 0]].concat());
    bytes.extend([b"PK\x05\x06".to_vec(), vec![0; 4], vec![0xff; 12], vec![0; 2]].concat());
    bytes
}

fn bomb() -> Vec<u8> {
    zipped(|zip| {
        let nothing = vec![0; 1 << 20];
        zip.start_file("bomb", SimpleFileOptions::default().large_file(true)).expect("begun");
        (0..128).for_each(|_| zip.write_all(&nothing).expect("written"));
    })
}

fn truncated() -> Vec<u8> {
    let whole = zipped(|zip| {
        zip.start_file("index.html", SimpleFileOptions::default()).expect("begun");
        zip.write_all("<html>".repeat(1000).as_bytes()).expect("written");
    });
    whole[..whole.len() - 30].to_vec()
}

fn packages() -> Vec<(&'static str, Vec<u8>, &'static str)> {
    vec![
        ("parent", named("../../../../../../tmp/pitlane-evil"), "must lie inside the folder"),
        ("absolute", named("/tmp/pitlane-evil"), "must lie inside the folder"),
        ("backslash", named("..\\..\\tmp\\pitlane-evil"), "must lie inside the folder"),
        ("link out", link("/etc/passwd"), "leads out of the folder"),
        ("link up", link("../../etc/passwd"), "leads out of the folder"),
        ("entries", million(), "1000000 where 100000 are allowed"),
        ("bomb", bomb(), "decompression bomb"),
        ("truncated", truncated(), "no readable zip"),
        ("text", b"this is no archive".to_vec(), "no readable zip"),
        ("empty", Vec::new(), "no readable zip"),
    ]
}

fn tarred(name: &str, kind: tar::EntryType, target: &str) -> Vec<u8> {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(kind);
    // Past the writer, which would refuse it.
    header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
    header.as_old_mut().linkname[..target.len()].copy_from_slice(target.as_bytes());
    header.set_mode(0o777);
    header.set_size(0);
    header.set_cksum();
    let mut tar = tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()));
    tar.append(&header, std::io::empty()).expect("added");
    tar.into_inner().expect("ended").finish().expect("packed")
}

fn droplets() -> Vec<(&'static str, Vec<u8>)> {
    let nothing = vec![0; 1 << 20];
    let mut bomb = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    let mut header = tar::Header::new_gnu();
    header.set_path("bomb").expect("a path");
    header.set_size(256 << 20);
    header.set_cksum();
    bomb.write_all(header.as_bytes()).expect("written");
    (0..256).for_each(|_| bomb.write_all(&nothing).expect("written"));
    vec![
        ("parent", tarred("../../../../tmp/pitlane-evil", tar::EntryType::Regular, "")),
        ("absolute", tarred("/tmp/pitlane-evil", tar::EntryType::Regular, "")),
        ("device", tarred("app/null", tar::EntryType::Char, "")),
        ("hard link", tarred("app/shadow", tar::EntryType::Link, "/etc/shadow")),
        ("bomb", bomb.finish().expect("packed")),
        ("text", b"this is no archive".to_vec()),
        ("empty", Vec::new()),
    ]
}

fn post(pitlane: &Pitlane, path: &str, body: &Value) -> Value {
    let request = http().post(format!("{}{path}", pitlane.url)).bearer_auth(pitlane.token());
    let answer = Answer::of(request.json(body).send().expect("an answer"));
    assert_eq!(answer.status, 201, "{path}: {}", answer.body);
    serde_json::from_str(&answer.body).expect("JSON")
}

fn upload(pitlane: &Pitlane, path: &str, bits: Vec<u8>) -> Answer {
    let form = reqwest::blocking::multipart::Form::new()
        .part("bits", reqwest::blocking::multipart::Part::bytes(bits).file_name("bits"));
    let request = http().post(format!("{}{path}", pitlane.url)).bearer_auth(pitlane.token());
    Answer::of(request.multipart(form).send().expect("an answer"))
}

fn get(pitlane: &Pitlane, path: &str) -> Value {
    let request = http().get(format!("{}{path}", pitlane.url)).bearer_auth(pitlane.token());
    serde_json::from_str(&Answer::of(request.send().expect("an answer")).body).expect("JSON")
}

#[test]
fn evil_archives_are_refused_in_words_and_change_nothing() {
    let pitlane = Pitlane::start();
    let space = get(&pitlane, "/v3/spaces")["resources"][0]["guid"].clone();
    let app = post(&pitlane, "/v3/apps", &json!({"name": "a", "relationships": {"space": {"data": {"guid": space}}}}));
    let of_app = json!({"app": {"data": {"guid": app["guid"]}}});
    for (name, bits, words) in packages() {
        let package = post(&pitlane, "/v3/packages", &json!({"type": "bits", "relationships": of_app}));
        let path = format!("/v3/packages/{}", package["guid"].as_str().expect("a guid"));
        let answer = upload(&pitlane, &format!("{path}/upload"), bits);
        assert_eq!(answer.status, 400, "{name}: {}", answer.body);
        assert!(answer.body.contains(words), "{name}: {}", answer.body);
        assert_eq!(get(&pitlane, &path)["state"], "AWAITING_UPLOAD", "{name}");
    }
    for (name, bits) in droplets() {
        let droplet =
            post(&pitlane, "/v3/droplets", &json!({"process_types": {"web": "true"}, "relationships": of_app}));
        let path = format!("/v3/droplets/{}", droplet["guid"].as_str().expect("a guid"));
        let answer = upload(&pitlane, &format!("{path}/upload"), bits);
        assert_eq!(answer.status, 400, "{name}: {}", answer.body);
        assert!(answer.body.contains("The app upload is invalid: "), "{name}: {}", answer.body);
        assert_eq!(get(&pitlane, &path)["state"], "AWAITING_UPLOAD", "{name}");
    }
    assert!(!Path::new("/tmp/pitlane-evil").exists());
}

#[test]
fn pushing_an_evil_archive_leaves_the_app_as_it_was() {
    let pitlane = Pitlane::start();
    assert!(pitlane.run_in(&pitlane.sample("static"), &["push", "hello"]).status.success());
    let before = pitlane.get_until_ok("hello", "/");
    for (name, bits, words) in packages() {
        let file = pitlane.folder.path().join("evil.zip");
        std::fs::write(&file, bits).expect("written");
        let output = pitlane.run(&["push", "hello", "-p", file.to_str().expect("text")]);
        assert_eq!(output.status.code(), Some(1), "{name}: {}", text(&output));
        assert!(text(&output).contains(words), "{name}: {}", text(&output));
        assert_eq!(pitlane.get("hello", "/").body, before, "{name}");
    }
    assert!(!Path::new("/tmp/pitlane-evil").exists());
}
