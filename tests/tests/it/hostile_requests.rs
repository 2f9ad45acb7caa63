//! Requests that mean harm or make no sense: refused in words, never with a 500, and nobody else notices.

use serde_json::Value;
use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::LazyLock;
use std::time::{Duration, Instant};
use tests::{ADMIN, Answer, PASSWORD, Pitlane, eventually, http};

/// One for all requests of a test: connections are kept, as clients do.
static CLIENT: LazyLock<reqwest::blocking::Client> = LazyLock::new(http);

/// A request with the administrator's token.
fn ask(pitlane: &Pitlane, token: &str, method: &str, path: &str, body: &[u8]) -> Answer {
    let kind = if path.contains("manifest") { "application/x-yaml" } else { "application/json" };
    let method = method.parse().expect("a method");
    let request = CLIENT.request(method, format!("{}{path}", pitlane.url)).bearer_auth(token);
    let request = request.header("content-type", kind).body(body.to_vec());
    Answer::of(request.send().unwrap_or_else(|error| panic!("{path:.200}: {error}")))
}

/// Refusals are below 500 (501 tells of what is not offered) and in the envelope that clients of that API read.
fn sane(answer: &Answer, what: &str) {
    assert!(answer.status < 500 || answer.status == 501, "{what:.300}: {} {}", answer.status, answer.body);
    if answer.status >= 400 {
        let body: Value = serde_json::from_str(&answer.body).unwrap_or_default();
        let words = if what.contains(" /networking/") { &body["error"] } else { &body["errors"][0]["detail"] };
        assert!(words.is_string(), "{what:.300}: {} {}", answer.status, answer.body);
    }
}

/// The path with every `{…}` replaced.
fn filled(template: &str, value: &str) -> String {
    template.split('/').map(|part| if part.starts_with('{') { value } else { part }).collect::<Vec<_>>().join("/")
}

#[test]
fn no_endpoint_answers_500_whatever_path_query_and_body_are() {
    let pitlane = Pitlane::start();
    let token = pitlane.token();
    let long = "a".repeat(5000);
    let values =
        ["nope", "%00", "%ff%fe", "..%2f..%2fetc", "'%20OR%201=1--", &long, "%F0%9F%92%A9", "%0d%0aX:b", "%25"];
    let many = format!("guids={}", ["x"; 3000].join(","));
    let queries = [
        "page=0",
        "page=99999999999999999999",
        "page=1000000000&per_page=5000",
        "order_by=%00",
        "order_by=created_at;drop",
        "guids=%00",
        &many,
        "label_selector=((%00",
        "created_ats[gt]=99999999999999-01-01T00:00:00Z",
        "created_ats[xx]=0000-00-00",
        "fields[=",
        "%00=%00",
        "names=%F0%9F%92%A9&names=",
        "start_time=-9223372036854775808&end_time=9223372036854775807&limit=-1",
        "&&&==%",
    ];
    let deep = "[".repeat(100_000);
    let nested = "{\"a\":".repeat(2000);
    let aliases = format!("a: &a [x]\nb: &b [{}]\napplications: [{}]", ["*a"; 500].join(","), ["*b"; 500].join(","));
    let long_name = format!(r#"{{"name":"{}"}}"#, "a".repeat(100_000));
    let bodies: Vec<&[u8]> = vec![
        b"",
        b"null",
        b"[]",
        b"{",
        b"\xff\xfe",
        br#"{"name":null}"#,
        br#"{"name":"\u0000"}"#,
        br#"{"name":"\ud800"}"#,
        br#"{"nope":1}"#,
        br#"{"relationships":null}"#,
        br#"{"relationships":{"app":null,"space":null,"organization":{"data":null}}}"#,
        br#"{"metadata":{"labels":{"":""},"annotations":{"\u0000":"\u0000"}}}"#,
        br#"{"data":{"guid":"\u0000"}}"#,
        br#"{"data":[{"guid":null}]}"#,
        br#"{"instances":99999999999999999999,"memory_in_mb":1e400}"#,
        br#"{"instances":2147483648,"memory_in_mb":9223372036854775807}"#,
        br#"{"destinations":[{"app":{"guid":"x"},"weight":-1,"port":99999}]}"#,
        long_name.as_bytes(),
        deep.as_bytes(),
        nested.as_bytes(),
        aliases.as_bytes(),
    ];
    let mut known = BTreeSet::new();
    for (method, template) in apps::api::routes().list() {
        let method = method.as_str();
        for value in values.iter().filter(|_| template.contains('{')) {
            let path = filled(template, value);
            let answer = ask(&pitlane, &token, method, &path, if method == "GET" { b"" } else { b"{}" });
            sane(&answer, &format!("{method} {path}"));
        }
        // The first of its kind, where there is one, so that the handler gets further than "not found".
        let list = template.split("/{").next().unwrap_or_default();
        let first: Value = serde_json::from_str(&ask(&pitlane, &token, "GET", list, b"").body).unwrap_or_default();
        let first = first["resources"][0]["guid"].as_str().unwrap_or("nope").to_owned();
        let path = filled(template, &first);
        if method == "GET" {
            for query in queries {
                sane(&ask(&pitlane, &token, method, &format!("{path}?{query}"), b""), &format!("GET {path}?{query}"));
            }
        } else if method != "DELETE" {
            // The administrator stays one: later requests are still theirs.
            for body in &bodies {
                let answer = ask(&pitlane, &token, method, &path, body);
                sane(&answer, &format!("{method} {path} {:?}", String::from_utf8_lossy(body)));
            }
        }
        known.insert(first);
    }
    assert!(known.len() > 5, "real resources were met: {known:?}");
    let log = std::fs::read_to_string(pitlane.data().join("log/control.log")).expect("a log");
    assert!(!log.contains("panicked") && !log.contains("overflowed"), "{log}");
}

#[test]
fn bodies_too_large_are_refused_with_the_limit() {
    let pitlane = Pitlane::start();
    let token = pitlane.token();
    let large = vec![b'a'; 3 << 20];
    for path in ["/v3/organizations", "/v3/apps", "/v3/roles"] {
        let answer = ask(&pitlane, &token, "POST", path, &large);
        assert_eq!(answer.status, 413, "{path}: {}", answer.body);
        assert!(answer.body.contains("larger than 1048576 bytes"), "{}", answer.body);
    }
    let answer = http().post(format!("{}/uaa/oauth/token", pitlane.url)).body(large.clone()).send().expect("an answer");
    assert_eq!(answer.status().as_u16(), 413);
    let answer = http().get(&pitlane.url).header("x-large", "a".repeat(100_000)).send().expect("an answer");
    assert_eq!(answer.status().as_u16(), 431);
}

#[test]
fn a_hundred_people_create_one_name_and_one_succeeds() {
    let pitlane = Pitlane::start();
    let token = pitlane.token();
    let made: Vec<u16> = std::thread::scope(|scope| {
        let (pitlane, token) = (&pitlane, &token);
        let all: Vec<_> = (0..100)
            .map(|_| {
                scope.spawn(move || ask(pitlane, token, "POST", "/v3/organizations", br#"{"name":"once"}"#).status)
            })
            .collect();
        all.into_iter().map(|one| one.join().expect("joined")).collect()
    });
    assert_eq!(made.iter().filter(|status| **status == 201).count(), 1, "{made:?}");
    assert_eq!(made.iter().filter(|status| **status == 422).count(), 99, "{made:?}");
    let found = ask(&pitlane, &token, "GET", "/v3/organizations?names=once", b"");
    let found: Value = serde_json::from_str(&found.body).expect("JSON");
    assert_eq!(found["pagination"]["total_results"], 1);
}

/// Connects and sends `start`, and nothing more.
fn begin(pitlane: &Pitlane, start: &str) -> TcpStream {
    let mut stream = TcpStream::connect(pitlane.url.trim_start_matches("http://")).expect("connected");
    stream.write_all(start.as_bytes()).expect("sent");
    stream
}

#[test]
fn a_thousand_slow_clients_hold_up_nobody_and_are_sent_away() {
    let pitlane = Pitlane::start();
    assert!(pitlane.run_in(&pitlane.sample("static"), &["push", "hello"]).status.success());
    pitlane.get_until_ok("hello", "/");
    let starts =
        ["", "GET / HT", "GET / HTTP/1.1\r\nhost: hello.apps.localhost\r\nx-", "POST /v3/apps HTTP/1.1\r\nhost: x\r\n"];
    let mut slow: Vec<_> = (0..1000).map(|number| begin(&pitlane, starts[number % 4])).collect();
    let client = http();
    for host in ["hello.apps.localhost", "localhost"] {
        for _ in 0..20 {
            let begun = Instant::now();
            let path = if host == "localhost" { "/v3" } else { "/" };
            let answer = client.get(format!("{}{path}", pitlane.url)).header("host", host).send().expect("an answer");
            assert_eq!(answer.status().as_u16(), 200);
            assert!(begun.elapsed() < Duration::from_secs(2), "{host}: {:?}", begun.elapsed());
        }
    }
    // The head's deadline is 15 s, whether or not bytes trickle in.
    let begun = Instant::now();
    for stream in &mut slow {
        stream.set_read_timeout(Some(Duration::from_secs(40))).expect("set");
        let mut rest = Vec::new();
        let ended = stream.read_to_end(&mut rest);
        assert!(!ended.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock), "still open");
    }
    assert!(begun.elapsed() < Duration::from_secs(40));
}

#[test]
fn a_body_that_stops_coming_is_ended_and_holds_up_nobody() {
    let pitlane = Pitlane::start();
    let token = pitlane.token();
    let head = |path: &str| {
        format!(
            "POST {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: bearer {token}\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n{{"
        )
    };
    // JSON bodies have 30 s as a whole, so one that trickles is answered as well; what still trickles after the answer is
    // ended as a head would be that does not come.
    let mut trickling = begin(&pitlane, &head("/v3/organizations"));
    trickling.set_read_timeout(Some(Duration::from_millis(500))).expect("set");
    let mut answer = Vec::new();
    let begun = Instant::now();
    eventually(Duration::from_secs(120), || {
        let _ = trickling.write_all(b" ");
        let mut piece = [0; 1024];
        match trickling.read(&mut piece) {
            Ok(0) => true,
            Ok(length) => {
                answer.extend_from_slice(&piece[..length]);
                false
            }
            Err(error) => error.kind() == std::io::ErrorKind::ConnectionReset,
        }
    });
    let answer = String::from_utf8_lossy(&answer);
    assert!(answer.contains("408") && answer.contains("did not arrive within 30 seconds"), "{answer}");
    assert!(begun.elapsed() > Duration::from_secs(20));
    assert_eq!(pitlane.get("", "/v3").status, 200);
}

#[test]
fn whose_token_is_not_good_is_told_so() {
    let pitlane = Pitlane::start();
    let other = Pitlane::start();
    let sign_in = |name: &str, password: &str| {
        let form = [("grant_type", "password"), ("username", name), ("password", password)];
        let request = http().post(format!("{}/uaa/oauth/token", pitlane.url)).header("authorization", "Basic Y2Y6");
        Answer::of(request.form(&form).send().expect("an answer"))
    };
    for (name, password) in [(ADMIN, "wrong"), ("nobody", PASSWORD), (ADMIN, ""), ("\0", "\0")] {
        let answer = sign_in(name, password);
        assert_eq!(answer.status, 401, "{name:?}: {}", answer.body);
        assert!(answer.body.contains("unauthorized"), "{}", answer.body);
    }
    let with = |token: &str| ask(&pitlane, token, "GET", "/v3/organizations", b"");
    let token = pitlane.token();
    assert_eq!(with(&token).status, 200);
    // Signed by another house, altered, unsigned, or nothing of the kind.
    let parts: Vec<&str> = token.split('.').collect();
    let foreign = other.token();
    let mixed = format!("{}.{}.{}", parts[0], foreign.split('.').nth(1).expect("claims"), parts[2]);
    // {"alg":"none","typ":"JWT"}
    let unsigned = format!("eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.{}.", parts[1]);
    let long = "a".repeat(20_000);
    for bad in [foreign.as_str(), &mixed, &unsigned, "garbage", "a.b.c", "..", &long] {
        let answer = with(bad);
        assert_eq!(answer.status, 401, "{bad:.60}: {}", answer.body);
        assert!(answer.body.contains("CF-InvalidAuthToken"), "{bad:.60}: {}", answer.body);
    }
    let anonymous = Answer::of(http().get(format!("{}/v3/organizations", pitlane.url)).send().expect("an answer"));
    assert_eq!(anonymous.status, 401);
    assert!(anonymous.body.contains("CF-NotAuthenticated"), "{}", anonymous.body);

    // A person whose token was revoked, who was deleted, or who is suspended.
    let users = format!("{}/uaa/Users", pitlane.url);
    let new = serde_json::json!({"userName": "eve", "password": PASSWORD, "emails": [{"value": "eve@example.com"}]});
    let made = http().post(&users).bearer_auth(&token).json(&new).send().expect("an answer");
    assert_eq!(made.status().as_u16(), 201);
    let made: Value = serde_json::from_str(&made.text().expect("text")).expect("JSON");
    let id = made["id"].as_str().expect("an id").to_owned();
    let token_of = |answer: &Answer| {
        let body: Value = serde_json::from_str(&answer.body).expect("JSON");
        body["access_token"].as_str().unwrap_or_else(|| panic!("{}", answer.body)).to_owned()
    };
    let hers = token_of(&sign_in("eve", PASSWORD));
    assert_eq!(with(&hers).status, 200);
    let revoke = http().delete(format!("{}/uaa/oauth/token/revoke/{}", pitlane.url, jti(&hers))).bearer_auth(&hers);
    assert_eq!(revoke.send().expect("an answer").status().as_u16(), 200);
    assert_eq!(with(&hers).status, 401, "revoked");
    let hers = token_of(&sign_in("eve", PASSWORD));
    assert_eq!(with(&hers).status, 200);
    let answer = http().delete(format!("{users}/{id}")).bearer_auth(&token).send().expect("an answer");
    assert_eq!(answer.status().as_u16(), 200);
    assert_eq!(with(&hers).status, 401, "deleted");
    assert_eq!(sign_in("eve", PASSWORD).status, 401, "deleted");
    let mut suspended = new;
    (suspended["userName"], suspended["active"]) = ("sue".into(), false.into());
    suspended["emails"][0]["value"] = "sue@example.com".into();
    let made = http().post(&users).bearer_auth(&token).json(&suspended).send().expect("an answer");
    assert_eq!(made.status().as_u16(), 201);
    assert_eq!(sign_in("sue", PASSWORD).status, 403, "suspended");
}

/// The token's id, as its claims tell.
fn jti(token: &str) -> String {
    let claims = token.split('.').nth(1).expect("claims");
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut bits = 0u32;
    let mut held = 0;
    let mut bytes = Vec::new();
    for letter in claims.bytes() {
        let value = LETTERS.iter().position(|known| *known == letter).expect("base64url");
        bits = bits << 6 | value as u32;
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push((bits >> held) as u8);
        }
    }
    let claims: Value = serde_json::from_slice(&bytes).expect("claims are JSON");
    claims["jti"].as_str().expect("a jti").to_owned()
}
