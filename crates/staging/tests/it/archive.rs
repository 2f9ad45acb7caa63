//! Archives that strangers made.

use staging::archive::{self, ArchiveError, ArchiveLimits, Resource};
use std::fs;
use std::io::{Cursor, Write};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use zip::write::SimpleFileOptions;

/// One entry of an archive in a test.
#[derive(Clone, Copy)]
enum Entry<'a> {
    File(&'a str, &'a str),
    Mode(&'a str, u32),
    Folder(&'a str),
    Link(&'a str, &'a str),
    Hard(&'a str, &'a str),
    Special(&'a str, tar::EntryType),
}
use Entry::*;

fn zip_of(entries: &[Entry]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default();
    for entry in entries {
        match *entry {
            File(name, text) => {
                zip.start_file(name, options.unix_permissions(0o100_644)).unwrap();
                zip.write_all(text.as_bytes()).unwrap();
            }
            Mode(name, mode) => zip.start_file(name, options.unix_permissions(mode)).unwrap(),
            Folder(name) => zip.add_directory(name, options).unwrap(),
            Link(name, target) => zip.add_symlink(name, target, options).unwrap(),
            Hard(..) | Special(..) => unreachable!("zips have none"),
        }
    }
    zip.finish().unwrap().into_inner()
}

/// Written by hand where the library would refuse to.
fn tar_of(entries: &[Entry]) -> Vec<u8> {
    let mut out = Vec::new();
    for entry in entries {
        let (name, kind, target, data, mode) = match *entry {
            File(name, text) => (name, tar::EntryType::Regular, "", text, 0o644),
            Mode(name, mode) => (name, tar::EntryType::Regular, "", "", mode),
            Folder(name) => (name, tar::EntryType::Directory, "", "", 0o755),
            Link(name, target) => (name, tar::EntryType::Symlink, target, "", 0o777),
            Hard(name, target) => (name, tar::EntryType::Link, target, "", 0o644),
            Special(name, kind) => (name, kind, "", "", 0o644),
        };
        let mut header = tar::Header::new_gnu();
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.as_old_mut().linkname[..target.len()].copy_from_slice(target.as_bytes());
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_size(data.len() as u64);
        header.set_cksum();
        out.extend_from_slice(header.as_bytes());
        out.extend_from_slice(data.as_bytes());
        out.resize(out.len().next_multiple_of(512), 0);
    }
    out.extend_from_slice(&[0; 1024]);
    out
}

fn gzip(data: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    out.write_all(data).unwrap();
    out.finish().unwrap()
}

/// Unpacks; whatever comes of it, nothing lies outside, and after an error nothing lies inside.
fn unpack(bytes: &[u8], limits: &ArchiveLimits) -> (tempfile::TempDir, Result<archive::Contents, ArchiveError>) {
    let place = tempfile::tempdir().unwrap();
    let (file, into) = (place.path().join("archive"), place.path().join("into"));
    fs::write(&file, bytes).unwrap();
    let result = if bytes.starts_with(b"PK") {
        archive::unpack_zip(&file, &into, limits)
    } else {
        archive::unpack_tar_gz(&file, &into, limits)
    };
    let mut names: Vec<_> = fs::read_dir(place.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    if result.is_ok() {
        assert_eq!(names, ["archive", "into"]);
    } else {
        assert_eq!(names, ["archive"], "a refused archive leaves nothing");
    }
    (place, result)
}

#[track_caller]
fn refused(bytes: &[u8], limits: &ArchiveLimits, words: &[&str]) {
    let message = unpack(bytes, limits).1.expect_err("must be refused").to_string();
    for word in words {
        assert!(message.contains(word), "{message:?} should hold {word:?}");
    }
}

#[test]
fn each_attack_is_refused_by_name() {
    let long = "x".repeat(300);
    let deep = "d/".repeat(70) + "file";
    let path = "p/".repeat(600);
    // entries, words of the message; as zip (package) and as tar (droplet) alike
    let both: &[(&[Entry], &[&str])] = &[
        (&[File("../evil", "")], &["\"../evil\"", "climbs out"]),
        (&[File("a/../../evil", "")], &["climbs out"]),
        (&[File("a\\..\\..\\evil", "")], &["climbs out"]),
        (&[File("/etc/passwd", "")], &["\"/etc/passwd\"", "absolute"]),
        (&[File("\\\\host\\share", "")], &["absolute"]),
        (&[File("C:\\evil", "")], &["drive letter"]),
        (&[Link("out", "../outside")], &["\"out\"", "\"../outside\"", "leads out"]),
        (&[Link("a/out", "../../outside")], &["leads out"]),
        (&[Folder("d"), Link("d/up", ".."), Link("out", "d/up/../..")], &["leads out"]),
        (&[Link("here", "."), File("here/../x", "")], &["climbs out"]),
        (&[Link("sub", "."), File("sub/file", "")], &["\"sub/file\"", "no folder"]),
        (&[File("a", ""), File("a/b", "")], &["\"a/b\"", "no folder"]),
        (&[Folder("a"), Link("a/l", "x"), File("a/l/x", "")], &["\"a/l/x\"", "no folder"]),
    ];
    for (entries, words) in both {
        refused(&zip_of(entries), &ArchiveLimits::package(), words);
        refused(&gzip(&tar_of(entries)), &ArchiveLimits::droplet(), words);
    }
    for (entries, words) in [
        (&[Link("abs", "/etc/shadow")][..], &["leads out"][..]),
        (&[File(&long, "")], &["255 bytes"]),
        (&[File(&deep, "")], &["names in one path: 71 where 64"]),
        (&[Folder(&path)], &["bytes in one path: 1200 where 1024"]),
    ] {
        refused(&zip_of(entries), &ArchiveLimits::package(), words);
    }
    for (entries, words) in [
        (&[Hard("h", "/etc/shadow")][..], &["\"h\"", "\"/etc/shadow\"", "leads out"][..]),
        (&[Hard("h", "../x")], &["leads out"]),
        (&[Link("l", "/etc/shadow"), Hard("h", "l")], &["\"h\"", "leads out"]),
        (&[Hard("h", "missing")], &["leads out"]),
        (&[Special("null", tar::EntryType::Char)], &["character device"]),
        (&[Special("disk", tar::EntryType::Block)], &["block device"]),
        (&[Special("pipe", tar::EntryType::Fifo)], &["named pipe"]),
        (&[File("a", ""), Link("a", "b")], &["\"a\"", "twice"]),
        (&[Link("a", "b"), File("a", "")], &["\"a\"", "twice"]),
        (&[Folder("a"), File("a", "")], &["\"a\"", "twice"]),
        (&[Link("a", "b"), Folder("a")], &["\"a\"", "twice"]),
    ] {
        refused(&gzip(&tar_of(entries)), &ArchiveLimits::droplet(), words);
    }
}

#[test]
fn a_million_entries_are_refused_before_the_first_is_read() {
    // Only the end records say so; there is nothing behind them.
    let mut zip = zip_of(&[File("a", "")]);
    let end = zip.len() - 22;
    let mut big = b"PK\x06\x06".to_vec();
    big.extend_from_slice(&44u64.to_le_bytes());
    big.extend_from_slice(&[45, 0, 45, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    for number in [1_000_000u64, 1_000_000, 46_000_000, 0] {
        big.extend_from_slice(&number.to_le_bytes());
    }
    let mut locator = b"PK\x06\x07\0\0\0\0".to_vec();
    locator.extend_from_slice(&(end as u64).to_le_bytes());
    locator.extend_from_slice(&1u32.to_le_bytes());
    zip[end + 8..end + 12].fill(0xFF);
    zip.splice(end..end, big.into_iter().chain(locator));
    refused(&zip, &ArchiveLimits::package(), &["entries 1000000 where 100000 are allowed"]);

    // A real one, whose record claims less than it holds, is not believed either.
    let names: Vec<String> = (0..60).map(|number| format!("f{number}")).collect();
    let entries: Vec<_> = names.iter().map(|name| File(name, "")).collect();
    let limits = ArchiveLimits { entries: 50, ..ArchiveLimits::package() };
    refused(&zip_of(&entries), &limits, &["entries 60 where 50"]);
    refused(&gzip(&tar_of(&entries)), &limits, &["entries 51 where 50", "\"f50\""]);
}

#[test]
fn bombs_are_refused() {
    let zeros = "\0".repeat(4 << 20);
    let limits = ArchiveLimits { ratio_from: 1 << 20, ..ArchiveLimits::package() };
    let zip = zip_of(&[File("bomb", &zeros)]);
    refused(&zip, &limits, &["bomb", "150 times"]);
    refused(&gzip(&tar_of(&[File("bomb", &zeros)])), &limits, &["bomb", "150 times"]);
    refused(&zip, &ArchiveLimits::package().with_total(1 << 20), &["unpacked bytes 4194304 where 1048576", "\"bomb\""]);
    // Declared small, unpacking large: counted while it is written.
    let mut liar = zip_of(&[File("bomb", &zeros)]);
    for at in 0..liar.len() - 4 {
        if liar[at..at + 4] == (4u32 << 20).to_le_bytes() {
            liar[at..at + 4].copy_from_slice(&10u32.to_le_bytes());
        }
    }
    refused(&liar, &limits, &[]);
    // Long-name records are not held at any length.
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::GNULongName);
    header.set_size(1 << 30);
    header.set_cksum();
    refused(&gzip(header.as_bytes()), &limits, &["long-name record: 1073741824"]);
    // No bytes, but without end: an archive in 1,000 layers of nothing.
    refused(&gzip(&vec![b'x'; 4096]), &limits, &["tar.gz"]);
    refused(b"PK, not at all", &limits, &["zip"]);
    refused(&zip[..zip.len() / 2], &limits, &["zip"]);
    refused(&gzip(&tar_of(&[File("a", &zeros)]))[..2000], &ArchiveLimits::droplet(), &["tar.gz"]);
}

#[test]
fn modes_links_and_names_are_kept_and_set_id_bits_are_not() {
    let entries = [
        File("./index.html", "hello"),
        Mode("bin/run", 0o104_755),
        Mode("secret", 0o100_600),
        Folder("empty"),
        Link("link", "bin/run"),
        Link("bin/up", "../index.html"),
        File("ünïcode/наме", "x"),
    ];
    let mut with_hard = entries.to_vec();
    with_hard.extend([
        Hard("again", "./index.html"),
        Link("python3", "/usr/bin/python3"),
        File("index.html", "second"),
    ]);
    for (bytes, limits, text) in [
        (zip_of(&entries), ArchiveLimits::package(), "hello"),
        (gzip(&tar_of(&with_hard)), ArchiveLimits::droplet(), "second"),
    ] {
        let (place, result) = unpack(&bytes, &limits);
        result.unwrap();
        let into = place.path().join("into");
        let mode = |name: &str| fs::metadata(into.join(name)).unwrap().permissions().mode() & 0o7777;
        assert_eq!(fs::read_to_string(into.join("index.html")).unwrap(), text);
        assert_eq!((mode("bin/run"), mode("secret"), mode("bin"), mode("empty")), (0o755, 0o644, 0o755, 0o755));
        assert_eq!(fs::read_link(into.join("link")).unwrap(), Path::new("bin/run"));
        assert_eq!(fs::read_to_string(into.join("ünïcode/наме")).unwrap(), "x");
        if text == "second" {
            assert_eq!(fs::read_to_string(into.join("again")).unwrap(), "hello");
            assert_eq!(fs::read_link(into.join("python3")).unwrap(), Path::new("/usr/bin/python3"));
        }
    }
}

#[test]
fn equal_folders_pack_to_equal_bytes_and_come_back_whole() {
    let place = tempfile::tempdir().unwrap();
    let long = format!("{}/{}", "a".repeat(90), "b".repeat(120));
    let make = |name: &str, order: &[&str]| {
        let root = place.path().join(name);
        for file in order {
            let path = root.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, format!("contents of {file}")).unwrap();
        }
        symlink("/usr/bin/python3", root.join("python3")).unwrap();
        symlink("z".repeat(150), root.join("long-link")).unwrap();
        fs::set_permissions(root.join("run"), PermissionsExt::from_mode(0o700)).unwrap();
        // A pipe is no part of an application.
        rustix::fs::mkfifoat(rustix::fs::CWD, root.join("pipe"), rustix::fs::Mode::RWXU).unwrap();
        archive::pack_tar_gz(&root, &place.path().join(format!("{name}.tgz"))).unwrap()
    };
    let one = make("one", &["run", "x/y", &long, "b"]);
    let two = make("two", &["b", &long, "x/y", "run"]);
    assert_eq!(one, two);
    let bytes = fs::read(place.path().join("one.tgz")).unwrap();
    let (back, result) = unpack(&bytes, &ArchiveLimits::droplet());
    result.unwrap();
    let root = back.path().join("into");
    assert_eq!(fs::read_to_string(root.join(&long)).unwrap(), format!("contents of {long}"));
    assert_eq!(fs::read_link(root.join("long-link")).unwrap().as_os_str().len(), 150);
    assert_eq!(fs::metadata(root.join("run")).unwrap().permissions().mode() & 0o777, 0o755);
    assert!(!root.join("pipe").exists());
    // Web servers tell versions of a file apart by time and size: other contents, other time.
    fs::write(place.path().join("one/b"), "contents of c").unwrap();
    archive::pack_tar_gz(&place.path().join("one"), &place.path().join("three.tgz")).unwrap();
    let stamp = |name: &str| {
        let file = fs::File::open(place.path().join(name)).unwrap();
        let mut tar = tar::Archive::new(flate2::read::GzDecoder::new(file));
        let stamp = tar.entries().unwrap().find_map(|entry| {
            let entry = entry.unwrap();
            (&*entry.path_bytes() == b"./b").then(|| entry.header().mtime().unwrap())
        });
        stamp.unwrap()
    };
    assert_ne!(stamp("one.tgz"), stamp("three.tgz"));
}

#[test]
fn a_package_is_composed_of_uploaded_and_known_files() {
    let place = tempfile::tempdir().unwrap();
    let at = |name: &str| place.path().join(name);
    fs::write(at("bits.zip"), zip_of(&[File("a", "from bits"), Folder("d"), Link("l", "a")])).unwrap();
    fs::write(at("blob"), "from blob").unwrap();
    let known = |path: &str, mode| Resource { path: path.to_owned(), mode, blob: at("blob") };
    let limits = ArchiveLimits::package();
    let resources = [known("a", 0o644), known("d/run", 0o744)];
    archive::compose_package(Some(&at("bits.zip")), &resources, &at("package.zip"), &limits).unwrap();
    archive::unpack_zip(&at("package.zip"), &at("into"), &limits).unwrap();
    assert_eq!(fs::read_to_string(at("into/a")).unwrap(), "from bits");
    assert_eq!(fs::read_to_string(at("into/d/run")).unwrap(), "from blob");
    assert_eq!(fs::metadata(at("into/d/run")).unwrap().permissions().mode() & 0o777, 0o755);
    assert_eq!(fs::read_link(at("into/l")).unwrap(), Path::new("a"));
    // All matched, nothing uploaded.
    archive::compose_package(None, &resources, &at("known.zip"), &limits).unwrap();
    assert_eq!(archive::check_zip(&at("known.zip"), &limits).unwrap().entries, 2);
    let evil = archive::compose_package(None, &[known("../x", 0)], &at("evil.zip"), &limits).unwrap_err();
    assert!(evil.to_string().contains("climbs out"), "{evil}");
    assert!(!at("evil.zip").exists());
}
