//! Each sample is detected, built, started and asked.

use super::yard::*;

/// Each sample: which buildpack detects it, what web (or worker) answers.
async fn check_sample(name: &str, buildpack: &str, words: &[&str]) {
    let Some(yard) = yard() else { return };
    let begun = std::time::Instant::now();
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
    let output = yard.output();
    let (pre, start) = (output.find("Invoking pre-start scripts."), output.find("Invoking start command."));
    assert!(pre.is_some() && pre < start, "{output}");
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
