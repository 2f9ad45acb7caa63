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
    let port = free_port();
    let id = start(&yard, &droplet, "web", port).await;
    for _ in 0..2 {
        http(port, &get("/", "")).await;
    }
    let answer = http(port, &get("/", "Accept: application/json\r\n")).await;
    container_ends(&yard, &id).await;
    for word in words {
        assert!(answer.contains(word), "{name}: {answer:?} should hold {word:?}\n{}", yard.output());
    }
    let output = yard.output();
    let (pre, start) = (output.find("Invoking pre-start scripts."), output.find("Invoking start command."));
    assert!(pre.is_some() && pre < start, "{output}");
}

#[tokio::test]
async fn sample_static() {
    check_sample("static", "staticfile_buildpack", &["HTTP/1.1 200 OK", "<h1>Pit stop</h1>", "ETag: "]).await;
}

#[tokio::test]
async fn sample_python() {
    check_sample("python", "python_buildpack", &["HTTP/1.1 200 OK", "\"laps\":3"]).await;
}

#[tokio::test]
async fn sample_node() {
    check_sample("node", "nodejs_buildpack", &["HTTP/1.1 200 OK", "\"laps\":3"]).await;
}

#[tokio::test]
async fn sample_perl() {
    check_sample("perl", "perl_buildpack", &[" 200 OK", "\"laps\":3"]).await;
}

#[tokio::test]
async fn sample_php() {
    check_sample("php", "php_buildpack", &["HTTP/1.1 200 OK", "\"laps\":3"]).await;
}

#[tokio::test]
async fn sample_websocket() {
    check_sample("websocket", "nodejs_buildpack", &["HTTP/1.1 200 OK", "radio"]).await;
}
