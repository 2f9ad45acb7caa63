//! Each sample is detected, built, started and asked.

use super::yard::*;
use std::time::{Duration, Instant};

/// Each sample: which buildpack detects it, what web (or worker) answers.
async fn check_sample(name: &str, buildpack: &str, words: &[&str]) {
    let Some(yard) = yard() else { return };
    let begun = Instant::now();
    let droplet = yard.droplet(&sample(name), detect()).await;
    eprintln!("{name} staged in {:?}", begun.elapsed());
    assert_eq!(droplet.buildpacks.len(), 1);
    assert_eq!(droplet.buildpacks[0].name, buildpack);
    assert!(droplet.start_command.is_some(), "{:?}", droplet.process_types);
    let at = start(&yard, &droplet, "web", &[]).await;
    for _ in 0..2 {
        http(&yard, &at, &get("/", "")).await;
    }
    let answer = http(&yard, &at, &get("/", "Accept: application/json\r\n")).await;
    for word in words {
        assert!(answer.contains(word), "{name}: {answer:?} should hold {word:?}\n{}", yard.output());
    }
    // What an instance says arrives by itself; it answered already, so it is on its way.
    let said = || {
        let output = yard.output();
        (output.find("Invoking pre-start scripts."), output.find("Invoking start command."))
    };
    let end = Instant::now() + Duration::from_secs(10);
    while said().1.is_none() && Instant::now() < end {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let (pre, start) = said();
    assert!(pre.is_some() && pre < start, "{}", yard.output());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sample_static() {
    check_sample("static", "staticfile_buildpack", &["HTTP/1.1 200 OK", "<h1>Pit stop</h1>", "ETag: "]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sample_python() {
    check_sample("python", "python_buildpack", &["HTTP/1.1 200 OK", "\"laps\":3"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sample_node() {
    check_sample("node", "nodejs_buildpack", &["HTTP/1.1 200 OK", "\"laps\":3"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sample_perl() {
    check_sample("perl", "perl_buildpack", &[" 200 OK", "\"laps\":3"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sample_php() {
    check_sample("php", "php_buildpack", &["HTTP/1.1 200 OK", "\"laps\":3"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sample_websocket() {
    check_sample("websocket", "nodejs_buildpack", &["HTTP/1.1 200 OK", "radio"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_has_no_web() {
    let Some(yard) = yard() else { return };
    let droplet = yard.droplet(&sample("worker"), detect()).await;
    assert_eq!(droplet.buildpacks[0].name, "binary_buildpack");
    assert_eq!(droplet.start_command, None);
    start(&yard, &droplet, "worker", &[("LAP_SECONDS", "0.1")]).await;
    while !yard.output().contains("instance 0: lap 3") {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

/// What a static application answers, by nginx and by the small server alike.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn static_servers_agree() {
    let Some(yard) = yard() else { return };
    let source = folder(
        yard.place.path(),
        "site",
        &[
            ("Staticfile", "root: site\n"),
            ("site/index.html", "home"),
            ("site/404.html", "lost"),
            ("site/a b.txt", "0123456789"),
            ("site/sub/index.html", "sub"),
            ("site/bare/file.css", "b{}"),
            ("site/.secret", "hidden"),
            ("outside", "outside"),
        ],
    );
    let droplet = yard.droplet(&source, detect()).await;
    for server in ["nginx", "perl"] {
        let at = start(&yard, &droplet, "web", &[("STATIC_SERVER", server)]).await;
        let home = http(&yard, &at, &get("/", "")).await;
        let header = |name: &str| {
            let line =
                home.lines().find_map(|line| line.split_once(": ").filter(|(key, _)| key.eq_ignore_ascii_case(name)));
            line.unwrap_or_else(|| panic!("{server}: no {name} in {home}")).1.to_owned()
        };
        let tag = format!("If-None-Match: {}\r\n", header("ETag"));
        let since = format!("If-Modified-Since: {}\r\n", header("Last-Modified"));
        assert_eq!(header("Cache-Control"), "no-cache");
        for (request, status, words) in [
            (get("/", ""), "200", "\r\n\r\nhome"),
            (get("/?x=1", ""), "200", "text/html; charset=utf-8"),
            (get("/", &tag), "304", ""),
            (get("/", &since), "304", ""),
            (get("/a%20b.txt", ""), "200", "0123456789"),
            (get("/a%20b.txt", "Range: bytes=2-4\r\n"), "206", "\r\n\r\n234"),
            (get("/a%20b.txt", "Range: bytes=-3\r\n"), "206", "\r\n\r\n789"),
            (get("/a%20b.txt", "Range: bytes=90-\r\n"), "416", ""),
            (get("/sub", ""), "301", "ocation: /sub/\r\n"),
            (get("/sub/", ""), "200", "\r\n\r\nsub"),
            (get("/bare/file.css", ""), "200", "text/css"),
            (get("/bare/", ""), "40", ""),
            (get("/nothing", ""), "404", "lost"),
            (get("/.secret", ""), "404", ""),
            (get("/Staticfile", ""), "404", ""),
            (get("/../outside", ""), "400", ""),
            (get("/%2e%2e/outside", ""), "400", ""),
            (get("/", "").replace("GET", "HEAD"), "200", "\r\n\r\n"),
            (get("/", "").replace("GET", "DELETE"), "405", ""),
            ("rubbish\r\n\r\n".to_owned(), "400", ""),
        ] {
            let answer = http(&yard, &at, &request).await;
            let head = answer.lines().next().unwrap_or_default();
            assert!(head.contains(&format!(" {status}")), "{server}: {request:?} should be {status}: {answer}");
            assert!(answer.contains(words), "{server}: {request:?} should hold {words:?}: {answer}");
            assert!(!answer.contains("outside") && !answer.contains("hidden"), "{server}: {answer}");
            assert!(!request.starts_with("HEAD") || answer.ends_with("\r\n\r\n"), "{server}: {answer}");
        }
    }
}

/// Each line of a Staticfile acts, by both servers.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn static_settings_act() {
    let Some(yard) = yard() else { return };
    let large: String = (0..3000).map(|number| format!("line {number}\n")).collect();
    let site = folder(
        yard.place.path(),
        "site",
        &[
            (
                "Staticfile",
                "---\n# ours\nroot: \"pages\"   # here\r\ndirectory: visible\nhttp_strict_transport_security: true\n\
                http_strict_transport_security_include_subdomains: true\nstatus_codes:\n  404: /lost.html\n",
            ),
            // ada:lovelace by Apache's MD5, bob:builder by SHA-1, eve:apple by bcrypt.
            (
                "Staticfile.auth",
                "ada:$apr1$abcdefgh$prTPVrJcZSUV5JTgFyzIZ/\nbob:{SHA}9SMYoF5RilWWASry7TjeaKwmpGg=\n\
                eve:$2y$05$abcdefghijklmnopqrstuuPYQxSKPJH.D07Cu1TeU6DK/NHGbZbeG\n",
            ),
            ("pages/lost.html", "lost and found"),
            ("pages/large.txt", &large),
            ("pages/files/a & <b>.txt", "x"),
            ("pages/files/ünï#?.txt", "unicode"),
            ("pages/files/.hidden", "no"),
        ],
    );
    let droplet = yard.droplet(&site, detect()).await;
    let public = folder(yard.place.path(), "bare", &[("public/index.html", "public")]);
    let secure = folder(
        yard.place.path(),
        "secure",
        &[("Staticfile", "force_https: true\npushstate: enabled\n"), ("index.html", "home")],
    );
    let (public, secure) = (yard.droplet(&public, detect()).await, yard.droplet(&secure, detect()).await);
    for server in ["nginx", "perl"] {
        let at = start(&yard, &droplet, "web", &[("STATIC_SERVER", server)]).await;
        // Those three with their passwords, ada with another, and nobody.
        for (who, status) in [
            ("YWRhOmxvdmVsYWNl", "200"),
            ("Ym9iOmJ1aWxkZXI=", "200"),
            ("ZXZlOmFwcGxl", "200"),
            ("YWRhOng=", "401"),
            ("eDo=", "401"),
            ("", "401"),
        ] {
            let answer = http(&yard, &at, &get("/large.txt", &format!("Authorization: Basic {who}\r\n"))).await;
            assert!(answer.contains(&format!(" {status} ")), "{server}: {who}: {answer}");
            assert!(
                answer.contains("Strict-Transport-Security: max-age=31536000; includeSubDomains\r\n"),
                "{server}: {answer}"
            );
        }
        let known = "Authorization: Basic YWRhOmxvdmVsYWNl\r\n";
        for (path, more, words) in [
            ("/files/", "", "%20%3Cb%3E.txt\">"),
            ("/files/%C3%BCn%C3%AF%23%3F.txt", "", "unicode"),
            ("/nothing", "", " 404 Not Found\r\n"),
            ("/nothing", "", "lost and found"),
            ("/large.txt", "Accept-Encoding: gzip\r\n", "Content-Encoding: gzip\r\n"),
            ("/large.txt", "", "line 2999\n"),
            ("/Staticfile.auth", "", " 404 Not Found\r\n"),
        ] {
            let answer = http(&yard, &at, &get(path, &format!("{known}{more}"))).await;
            assert!(answer.contains(words), "{server}: {path} should hold {words:?}: {answer}");
            assert!(!answer.contains("hidden") && !answer.contains("<b>"), "{server}: {answer}");
        }
        let at = start(&yard, &public, "web", &[("STATIC_SERVER", server)]).await;
        assert!(http(&yard, &at, &get("/", "")).await.ends_with("\r\n\r\npublic"));
        let at = start(&yard, &secure, "web", &[("STATIC_SERVER", server)]).await;
        let answer = http(&yard, &at, &get("/a?b", "X-Forwarded-Proto: http\r\n")).await;
        assert!(answer.contains(" 301 ") && answer.contains("ocation: https://x/a?b\r\n"), "{server}: {answer}");
        assert!(http(&yard, &at, &get("/any/where", "X-Forwarded-Proto: https\r\n")).await.ends_with("home"));
    }
    for (line, words) in [
        ("ssi: enabled\n", "ssi is not offered"),
        ("pushstat: enabled\n", "\"pushstat: enabled\" is not understood"),
        ("pushstate: perhaps\n", "neither enabled nor disabled"),
        ("root: ../x\n", "leads out of the application"),
        ("root: no\n", "there is no folder no"),
    ] {
        let place = tempfile::tempdir().unwrap();
        let source = folder(place.path(), "source", &[("Staticfile", line), ("index.html", "")]);
        assert!(yard.stage(&source, detect()).await.is_err(), "{line}");
        assert!(yard.output().contains(words), "{words:?} in\n{}", yard.output());
    }
}

/// Readers that come and never go do not keep others waiting.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_small_server_waits_for_nobody() {
    let Some(yard) = yard() else { return };
    let large = "x".repeat(8 << 20);
    let site = folder(yard.place.path(), "site", &[("index.html", "home"), ("large.bin", &large)]);
    let droplet = yard.droplet(&site, detect()).await;
    let at = start(&yard, &droplet, "web", &[("STATIC_SERVER", "perl")]).await;
    http(&yard, &at, &get("/", "")).await;
    let mut idle = Vec::new();
    for number in 0..200 {
        use tokio::io::AsyncWriteExt;
        let mut stream = tokio::net::TcpStream::connect((at.address.unwrap(), 8080)).await.unwrap();
        let words: &[&[u8]] =
            &[b"", b"GET / HT", b"GET /large.bin HTTP/1.1\r\nHost: x\r\n\r\n", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"];
        stream.write_all(words[number % words.len()]).await.unwrap();
        idle.push(stream);
    }
    for _ in 0..20 {
        assert!(http(&yard, &at, &get("/", "")).await.ends_with("home"));
    }
    let whole = http(&yard, &at, &get("/large.bin", "")).await;
    assert_eq!(whole.split_once("\r\n\r\n").unwrap().1.len(), large.len());
}
