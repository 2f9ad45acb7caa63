//! Applications as people have them, not as we would write them: pushed as they lie in `tests/apps/`, and asked.

use std::path::Path;
use tests::{Pitlane, http, repository, text};

/// One application that is to work.
struct App {
    /// Its folder in `tests/apps/`.
    folder: &'static str,
    /// More of the command line.
    options: &'static [&'static str],
    /// What the push says.
    said: &'static [&'static str],
    /// Path, status, and what is in the answer.
    asked: &'static [(&'static str, u16, &'static str)],
}

const PLAIN: App = App { folder: "", options: &[], said: &[], asked: &[] };

fn folder(name: &str) -> std::path::PathBuf {
    repository().join("tests/apps").join(name)
}

fn check(pitlane: &Pitlane, apps: &[App]) {
    for app in apps {
        let pushed = pitlane.run_in(&folder(app.folder), &[&["push", app.folder, "-m", "256M"], app.options].concat());
        let output = text(&pushed);
        assert!(pushed.status.success(), "{}: {output}", app.folder);
        for words in app.said {
            assert!(output.contains(words), "{}: {words:?} in {output}", app.folder);
        }
        for (path, status, words) in app.asked {
            let answer = pitlane.get(app.folder, path);
            assert_eq!(answer.status, *status, "{}{path}: {}\n{output}", app.folder, answer.body);
            assert!(answer.body.contains(words), "{}{path}: {words:?} in {}", app.folder, answer.body);
        }
        pitlane.ok(&["delete", app.folder, "-f", "-r"]);
    }
}

/// Pushes that fail, and the one sentence that helps.
fn refuse(pitlane: &Pitlane, folder: &Path, options: &[&str], words: &str) {
    let pushed = pitlane.run_in(folder, &[&["push", "refused"], options].concat());
    let output = text(&pushed);
    assert!(!pushed.status.success(), "{}: {output}", folder.display());
    assert!(output.contains(words), "{}: {words:?} in {output}", folder.display());
}

#[test]
fn python_applications() {
    let pitlane = Pitlane::start();
    check(
        &pitlane,
        &[
            App {
                folder: "flask-main",
                said: &["No Procfile: app.py is run"],
                asked: &[("/", 200, "Hello, World!")],
                ..PLAIN
            },
            App {
                folder: "flask-plain",
                said: &["**WARNING** served by Flask's development server: add gunicorn"],
                asked: &[("/", 200, "Hello from flask run")],
                ..PLAIN
            },
            App {
                folder: "fastapi",
                said: &["No Procfile: uvicorn serves main:app"],
                asked: &[("/", 200, "{\"message\":\"Hello World\"}"), ("/docs", 200, "swagger")],
                ..PLAIN
            },
            App {
                folder: "django",
                said: &["python manage.py collectstatic", "gunicorn serves mysite.wsgi:application"],
                asked: &[("/", 200, "The install worked"), ("/static/admin/css/base.css", 200, "html")],
                ..PLAIN
            },
            App {
                folder: "requirements",
                said: &["gunicorn serves wsgi:application"],
                asked: &[("/", 200, "2.1.")],
                ..PLAIN
            },
            App { folder: "hashes", asked: &[("/", 200, "2.2.0")], ..PLAIN },
            App {
                folder: "pyproject",
                said: &["Installing from pyproject.toml", "gunicorn serves main:app"],
                asked: &[("/", 200, "pyproject")],
                ..PLAIN
            },
            App { folder: "c-extension", asked: &[("/", 200, "42")], ..PLAIN },
            App { folder: "stdlib", said: &["app.py is run"], asked: &[("/", 200, "stdlib")], ..PLAIN },
        ],
    );
    refuse(
        &pitlane,
        &folder("poetry"),
        &[],
        "pyproject.toml is Poetry's own and makes no package: write a requirements.txt",
    );
}

#[test]
fn node_applications() {
    let pitlane = Pitlane::start();
    check(
        &pitlane,
        &[
            App { folder: "node-main", said: &["No modules to install"], asked: &[("/", 200, "production")], ..PLAIN },
            App { folder: "node-esm", asked: &[("/", 200, "esm 1000")], ..PLAIN },
            App {
                folder: "node-build",
                said: &["npm run build", "Removing the tools for building"],
                asked: &[("/", 200, "built")],
                ..PLAIN
            },
            App {
                folder: "node-postbuild",
                said: &["npm run heroku-prebuild", "npm run heroku-postbuild"],
                asked: &[("/", 200, "made")],
                ..PLAIN
            },
            App {
                folder: "node-yarn",
                said: &["Installing modules (yarn"],
                asked: &[("/", 200, "yarn 1000")],
                ..PLAIN
            },
            App {
                folder: "node-pnpm",
                said: &["Installing modules (pnpm"],
                asked: &[("/", 200, "yarn 1000")],
                ..PLAIN
            },
            App { folder: "node-native", asked: &[("/", 200, "native 42")], ..PLAIN },
        ],
    );
}

#[test]
fn perl_and_php_applications() {
    let pitlane = Pitlane::start();
    check(
        &pitlane,
        &[
            App { folder: "perl-lib", asked: &[("/", 200, "lib")], ..PLAIN },
            App {
                folder: "php-front-controller",
                said: &["Pages in public"],
                asked: &[
                    ("/", 200, "front / - /index.php"),
                    ("/users/1", 200, "front /users/1 - /index.php"),
                    ("/api/v1.0/x.json", 200, "front /api/v1.0/x.json"),
                    ("/index.php/a/b", 200, "/a/b /index.php"),
                    ("/css/a.css", 200, "body{}"),
                    ("/.env", 404, ""),
                    ("/../src/lib.php", 200, "front"),
                ],
                ..PLAIN
            },
            App { folder: "php-webdir", asked: &[("/", 200, "webdir")], ..PLAIN },
        ],
    );
    let words = "missing: Acme::Pitstop::Nowhere (Debian's libacme-pitstop-nowhere-perl, if it exists)";
    refuse(&pitlane, &folder("perl-missing"), &[], words);
}

/// What runs by itself: shell, processes of several kinds, files and names of every kind.
#[test]
fn plain_applications() {
    let pitlane = Pitlane::start();
    let place = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| {
        let path = place.path().join(name);
        std::fs::create_dir_all(path.parent().expect("it has one")).expect("a folder");
        std::fs::write(path, text).expect("a file");
    };
    write("Procfile", "# several\r\nweb: bash run.sh\r\nworker: sleep 1000\r\nrelease: echo released\r\n");
    write(
        "run.sh",
        "echo \"$B in $PWD\" >here; printf 'never a line end'; ls -R >list; exec python3 -m http.server $VCAP_APP_PORT",
    );
    write(".profile", "export B=b$A");
    write(".profile.d/a.sh", "export A=a");
    write("größe ☕/naïve.txt", "x");
    write("data/seed", "x");
    write(".cfignore", "*.log\n!keep.log\n/secret\n");
    write("a.log", "");
    write("keep.log", "");
    write("secret", "");
    for (target, link) in [("seed", "data/link"), ("data", "folder"), ("nowhere", "dangling")] {
        std::os::unix::fs::symlink(target, place.path().join(link)).expect("a link");
    }
    let pushed = pitlane.run_in(place.path(), &["push", "plain", "-m", "64M"]);
    let output = text(&pushed);
    assert!(pushed.status.success(), "{output}");
    assert!(output.contains("no instances: release, worker"), "{output}");
    assert_eq!(pitlane.get("plain", "/here").body, "ba in /home/vcap/app\n");
    let list = pitlane.get("plain", "/list").body;
    for name in ["größe ☕", "naïve.txt", "keep.log", "dangling"] {
        assert!(list.contains(name), "{name} in {list}");
    }
    assert!(!list.contains("a.log") && !list.contains("secret"), "{list}");
    assert_eq!(pitlane.get("plain", "/folder/link").body, "x");
    assert_eq!(pitlane.get("plain", "/gr%C3%B6%C3%9Fe%20%E2%98%95/na%C3%AFve.txt").body, "x");
    // What has no line end is a line when its stream ends.
    pitlane.ok(&["stop", "plain"]);
    tests::eventually(std::time::Duration::from_secs(30), || {
        pitlane.ok(&["logs", "plain", "--recent"]).contains("OUT never a line end")
    });

    let elsewhere =
        "python3 -c 'import http.server; http.server.HTTPServer((\"127.0.0.1\", 5000), None).serve_forever()'";
    write("Procfile", &format!("web: {elsewhere}"));
    let words = "did not open port 8080 within 3 s: it listens on port 5000; the environment variable PORT";
    refuse(&pitlane, place.path(), &["-t", "3"], words);
    write("Procfile", &format!("web: {}", elsewhere.replace("5000", "8080")));
    let words = "it listens on 127.0.0.1:8080, where only itself can reach it; it must listen on 0.0.0.0";
    refuse(&pitlane, place.path(), &["-t", "3"], words);
    write("Procfile", "web: python3 -c 'x = bytearray(200 << 20)'");
    refuse(&pitlane, place.path(), &["-m", "64M"], "out of memory");
}

/// Five thousand files, and one of three hundred megabytes.
#[test]
fn large_applications() {
    let pitlane = Pitlane::start();
    let place = tempfile::tempdir().expect("a folder");
    for number in 0..5000 {
        let folder = place.path().join(format!("d{}", number / 100));
        std::fs::create_dir_all(&folder).expect("a folder");
        std::fs::write(folder.join(format!("{number}.txt")), format!("file {number}")).expect("a file");
    }
    std::fs::write(place.path().join("index.html"), "many").expect("a file");
    let pushed = pitlane.run_in(place.path(), &["push", "many", "-m", "64M"]);
    assert!(pushed.status.success(), "{}", text(&pushed));
    assert_eq!(pitlane.get("many", "/d49/4999.txt").body, "file 4999");

    let place = tempfile::tempdir().expect("a folder");
    std::fs::write(place.path().join("index.html"), "huge").expect("a file");
    let block: Vec<u8> = (0..1_000_003u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    std::fs::write(place.path().join("blob"), block.repeat(300)).expect("a file");
    let pushed = pitlane.run_in(place.path(), &["push", "huge", "-m", "64M"]);
    assert!(pushed.status.success(), "{}", text(&pushed));
    let range = http()
        .get(format!("{}/blob", pitlane.url))
        .header("host", "huge.apps.localhost")
        .header("range", "bytes=300000899-")
        .send()
        .expect("an answer");
    assert_eq!(range.status(), 206);
    assert_eq!(range.headers()["content-range"], "bytes 300000899-300000899/300000900");
}
