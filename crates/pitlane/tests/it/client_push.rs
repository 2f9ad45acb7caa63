//! Pushing: what is uploaded, what is asked for, what is said.

use super::cloud::Cloud;
use super::program::{Person, said};
use serde_json::{Value, json};
use std::fs::{create_dir_all, write};
use std::io::Read;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::time::Duration;

fn site() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path().join("index.html"), "hello").unwrap();
    folder
}

/// Name, unix mode and content of what was uploaded.
fn uploaded(cloud: &Cloud) -> Vec<(String, u32, String)> {
    let form = cloud.bend(|inner| inner.package.clone());
    let begin = form.windows(4).position(|bytes| bytes == b"PK\x03\x04").unwrap();
    let end = form.windows(4).rposition(|bytes| bytes == b"PK\x05\x06").unwrap() + 22;
    let mut zip = zip::ZipArchive::new(std::io::Cursor::new(form[begin..end].to_vec())).unwrap();
    (0..zip.len())
        .map(|place| {
            let mut file = zip.by_index(place).unwrap();
            let (name, mode) = (file.name().unwrap().into_owned(), file.unix_mode().unwrap());
            let mut text = String::new();
            file.read_to_string(&mut text).unwrap();
            (name, mode, text)
        })
        .collect()
}

fn manifest(cloud: &Cloud) -> Value {
    serde_json::from_str(&cloud.bend(|inner| inner.manifest.clone())).unwrap()
}

#[tokio::test]
async fn a_folder_becomes_a_running_app() {
    let (cloud, folder) = (Cloud::start().await, site());
    cloud.log("STG", "OUT", "of an earlier build");
    let person = Person::logged_in(&cloud.url).await.at(folder.path());
    cloud.bend(|inner| {
        inner.requests.clear();
        inner.builds.insert(0, json!({"state": "STAGING", "error": null, "droplet": null}));
        inner.stats.insert(0, json!([{"index": 0, "state": "DOWN"}]));
    });
    let pushing = tokio::spawn({
        let cloud = cloud.clone();
        async move {
            while !cloud.bend(|inner| inner.requests.iter().any(|what| what == "POST /v3/builds")) {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            cloud.log("STG", "OUT", "Found a static page");
            cloud.log("RTR", "OUT", "not of the build");
        }
    });
    let told = person.runs(&["push", "shop"]).await;
    pushing.await.unwrap();
    insta::assert_snapshot!(format!("{}\n\n{}", told.shown(&cloud.url), cloud.asked()));
    assert_eq!(
        told.out.lines().last().unwrap(),
        format!("http://shop.apps.localhost:{}", cloud.url.rsplit(':').next().unwrap())
    );
}

#[tokio::test]
async fn modes_links_and_ignored_files() {
    let (cloud, folder) = (Cloud::start().await, site());
    let path = |name: &str| folder.path().join(name);
    for name in [
        ".git/HEAD",
        "manifest.yml",
        "sub/manifest.yml",
        "sub/deep/x.log",
        "sub/keep.log",
        "node_modules/a",
        ".hidden",
        ".cfignore",
        ".gitignore",
    ] {
        create_dir_all(path(name).parent().unwrap()).unwrap();
        write(path(name), "x").unwrap();
    }
    write(path("manifest.yml"), "applications: [{name: shop}]").unwrap();
    write(path(".cfignore"), "node_modules/\n*.log\n!keep.log\n").unwrap();
    write(path(".gitignore"), ".hidden\n").unwrap();
    write(path("run.sh"), "#!").unwrap();
    std::fs::set_permissions(path("run.sh"), PermissionsExt::from_mode(0o755)).unwrap();
    symlink("../index.html", path("sub/link")).unwrap();
    let person = Person::logged_in(&cloud.url).await.at(folder.path());
    assert_eq!(person.runs(&["push"]).await.status, 0);
    let entries = uploaded(&cloud);
    let names: Vec<&str> = entries.iter().map(|(name, ..)| name.as_str()).collect();
    assert_eq!(
        names,
        [".hidden", "index.html", "run.sh", "sub/", "sub/deep/", "sub/keep.log", "sub/link", "sub/manifest.yml"]
    );
    let find = |name: &str| entries.iter().find(|entry| entry.0 == name).unwrap();
    assert_eq!((find("run.sh").1 & 0o7777, find("index.html").2.as_str()), (0o755, "hello"));
    assert_eq!((find("sub/link").1 & 0o170_000, find("sub/link").2.as_str()), (0o120_000, "../index.html"));
    symlink("/etc/passwd", path("out")).unwrap();
    let said = person.runs(&["push"]).await;
    assert!(said.status == 1 && said.err.contains("leads to /etc/passwd, which is outside"), "{said:?}");
}

#[tokio::test]
async fn archives_go_as_they_are_and_other_files_not_at_all() {
    let (cloud, folder) = (Cloud::start().await, site());
    let person = Person::logged_in(&cloud.url).await.at(folder.path());
    write(folder.path().join("a.jar"), b"PK\x03\x04 whatever").unwrap();
    assert_eq!(person.runs(&["push", "-p", "a.jar"]).await.status, 0);
    assert_eq!(manifest(&cloud)["applications"][0]["name"], "a");
    let form = String::from_utf8_lossy(&cloud.bend(|inner| inner.package.clone())).into_owned();
    assert!(form.contains("PK\x03\x04 whatever") && form.contains("filename=\"package.zip\""));
    for path in ["index.html", "missing", "/dev/null"] {
        assert_ne!(person.runs(&["push", "x", "-p", path]).await.status, 0, "{path}");
    }
    create_dir_all(folder.path().join("empty")).unwrap();
    assert!(person.runs(&["push", "x", "-p", "empty"]).await.err.contains("nothing to push"));
}

async fn sent(text: &str, arguments: &[&str]) -> Result<Value, String> {
    let (cloud, folder) = (Cloud::start().await, site());
    write(folder.path().join("manifest.yml"), text).unwrap();
    write(folder.path().join("vars.yml"), "number: 3\nname: fromfile\n").unwrap();
    let person = Person::logged_in(&cloud.url).await.at(folder.path());
    let said = person.runs(&[&["push"], arguments].concat()).await;
    let answer =
        if said.status == 0 { Ok(manifest(&cloud)) } else { Err(format!("exit {}\n{}", said.status, said.err)) };
    let folder = folder.path().to_str().unwrap().to_owned();
    answer.map_err(|text| text.replace(&folder, "FOLDER"))
}

#[tokio::test]
async fn manifests_with_anchors_variables_and_flags() {
    let anchors = "x-common: &common {memory: 64M, env: {A: 1, B: ((number)), C: v-((name))}}\n\
        applications:\n- name: one\n  <<: *common\n- name: two\n  <<: *common\n  no-route: true\n";
    let value = sent(anchors, &["--vars-file", "vars.yml", "--var", "name=x"]).await.unwrap();
    let common = json!({"memory": "64M", "env": {"A": 1, "B": 3, "C": "v-x"}});
    let mut one = common.clone();
    let mut two = common;
    (one["name"], one["default-route"]) = ("one".into(), true.into());
    (two["name"], two["no-route"]) = ("two".into(), true.into());
    assert_eq!(value, json!({"applications": [one, two]}));

    let flags = "applications:\n- name: shop\n  disk_quota: 1G\n  buildpack: old\n  processes: [{type: web, memory: 1G}, {type: worker, memory: 1G}]\n";
    let value = sent(
        flags,
        &[
            "other",
            "-m",
            "128M",
            "-k",
            "2G",
            "-b",
            "python",
            "-c",
            "null",
            "-i",
            "2",
            "-t",
            "9",
            "-u",
            "http",
            "--endpoint",
            "/h",
            "--random-route",
        ],
    )
    .await;
    assert_eq!(
        value.unwrap()["applications"][0],
        json!({"name": "other", "disk-quota": "2G", "memory": "128M", "buildpacks": ["python"],
        "command": null, "instances": 2, "timeout": 9, "health-check-type": "http", "health-check-http-endpoint": "/h", "random-route": true,
        "processes": [{"type": "web"}, {"type": "worker", "memory": "1G"}]})
    );
    let value = sent("applications:\n- name: a\n- name: b\n", &["b", "--task"]).await.unwrap();
    assert_eq!(value, json!({"applications": [{"name": "b", "no-route": true}]}));
}

#[tokio::test]
async fn faults_in_manifests_are_named_with_their_place() {
    let mut text = String::new();
    for (manifest, arguments) in [
        (
            "applications:\n- name: a\n  memroy: 1G\n  instance: 2\n  processes:\n  - type: web\n    comand: x\n",
            &[][..],
        ),
        ("applications:\n- name: a\n   memory: 1G\n", &[]),
        ("applications: []\n", &[]),
        ("name: a\n", &[]),
        ("applications:\n- name: ((who))\n  memory: ((much))\n", &["--var", "who=x"]),
        ("applications:\n- memory: 1G\n", &[]),
        ("applications:\n- name: a\n- name: b\n", &["c"]),
        ("applications:\n- name: a\n- name: b\n", &["-i", "2"]),
        ("applications:\n- name: a\n", &["-f", "missing.yml"]),
        ("applications:\n- name: a\n", &["--var", "novalue"]),
        ("applications:\n- name: a\n  path: missing\n", &[]),
        (
            "a: &a [x, x, x, x, x, x, x, x, x]\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a]\nc: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b]\n\
          d: &d [*c, *c, *c, *c, *c, *c, *c, *c, *c]\ne: &e [*d, *d, *d, *d, *d, *d, *d, *d, *d]\nf: &f [*e, *e, *e, *e, *e, *e, *e, *e, *e]\n\
          g: &g [*f, *f, *f, *f, *f, *f, *f, *f, *f]\napplications: [{name: a, env: {X: *g}}]\n",
            &[],
        ),
    ] {
        text += &sent(manifest, arguments).await.unwrap_err();
        text += "\n";
    }
    insta::assert_snapshot!(text);
}

#[tokio::test]
async fn a_crash_at_start_says_why_and_shows_the_last_lines() {
    let (cloud, folder) = (Cloud::start().await, site());
    let person = Person::logged_in(&cloud.url).await.at(folder.path());
    cloud.log("APP/PROC/WEB", "ERR", "ModuleNotFoundError: flask");
    cloud.bend(|inner| {
        inner.stats = vec![
            json!([{"index": 0, "state": "STARTING"}]),
            json!([{"index": 0, "state": "CRASHED", "details": "exited with status 1"}]),
        ]
    });
    insta::assert_snapshot!("crash", person.runs(&["push", "shop"]).await.shown(&cloud.url));
    cloud.bend(|inner| inner.builds = vec![json!({"state": "FAILED", "error": "NoAppDetectedError - An app was not successfully detected by any available buildpack", "droplet": null})]);
    insta::assert_snapshot!("no_app", person.runs(&["push", "shop"]).await.shown(&cloud.url));
    cloud.bend(|inner| {
        inner.job =
            Some(json!({"state": "FAILED", "errors": [{"code": 10008, "title": "x", "detail": "The route is taken"}]}))
    });
    let said = person.runs(&["push", "shop"]).await;
    assert!(said.status == 1 && said.err.ends_with("error: The route is taken\n"), "{said:?}");
}

#[tokio::test]
async fn ctrl_c_says_what_goes_on() {
    for (builds, stats, expected) in [(
        json!({"state": "STAGED", "error": null, "droplet": {"guid": "d"}}),
        json!([{"index": 0, "state": "STARTING"}]),
        "the server goes on starting `shop`",
    )] {
        let (cloud, folder) = (Cloud::start().await, site());
        cloud.bend(|inner| (inner.builds, inner.stats) = (vec![builds], vec![stats]));
        let person = Person::logged_in(&cloud.url).await.at(Path::new(folder.path()));
        let child = person.command(&["push", "shop"]).spawn().unwrap();
        let begun = |what: &str| cloud.bend(|inner| inner.requests.iter().any(|request| request.starts_with(what)));
        let wanted =
            if expected.contains("building") { "POST /v3/builds" } else { "GET /v3/apps/guid-of-shop/processes" };
        while !begun(wanted) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let pid = rustix::process::Pid::from_raw(child.id().unwrap().cast_signed()).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
        let told = said(child.wait_with_output().await.unwrap());
        assert!(told.status == 130 && told.err.contains(expected) && told.err.contains("hint:"), "{told:?}");
    }
}

#[tokio::test]
async fn ctrl_c_calls_the_build_off() {
    let cloud = Cloud::start().await;
    cloud.bend(|inner| inner.builds = vec![json!({"state": "STAGING", "error": null, "droplet": null})]);
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("index.html"), "x").unwrap();
    let person = Person::logged_in(&cloud.url).await.at(folder.path());
    let child = person.command(&["push", "shop"]).spawn().unwrap();
    while !cloud.asked().contains("POST /v3/builds") {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let pid = rustix::process::Pid::from_raw(child.id().unwrap().cast_signed()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    let said = super::program::said(child.wait_with_output().await.unwrap());
    assert_eq!(said.status, 130, "{said:?}");
    assert!(said.err.contains("error: interrupted; the build of `shop` is called off"), "{said:?}");
    assert!(cloud.asked().contains("DELETE /v3/packages/package"), "{}", cloud.asked());
}
