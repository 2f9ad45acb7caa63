//! The pages as a browser gets them. What they do is tested in a browser; here is what the server does with them.

use tests::{ADMIN, Answer, PASSWORD, Pitlane, http, repository};

/// A browser: it wants HTML, and names the page that it is on.
struct Browser<'p> {
    pitlane: &'p Pitlane,
    cookie: Option<String>,
}

impl Browser<'_> {
    fn get(&self, path: &str) -> Answer {
        let mut request = http().get(format!("{}{path}", self.pitlane.url)).header("accept", "text/html,*/*;q=0.8");
        if let Some(cookie) = &self.cookie {
            request = request.header("cookie", cookie);
        }
        Answer::of(request.send().expect("an answer"))
    }

    fn sign_in(&mut self, next: &str) -> Answer {
        let form = [("user_name", ADMIN), ("password", PASSWORD), ("next", next)];
        let request =
            http().post(format!("{}/signin", self.pitlane.url)).header("origin", &self.pitlane.url).form(&form);
        let answer = Answer::of(request.send().expect("an answer"));
        self.cookie = Some(header(&answer, "set-cookie").split(';').next().expect("a cookie").to_owned());
        answer
    }
}

fn header<'a>(answer: &'a Answer, name: &str) -> &'a str {
    answer.headers.get(name).map_or("", |value| value.to_str().expect("text"))
}

const PATHS: [&str; 9] = [
    "/",
    "/apps",
    "/apps/1b2c/logs?q=a",
    "/jobs",
    "/n/projects/7",
    "/projects",
    "/audit",
    "/admin/people",
    "/story/show/1",
];

#[test]
fn pages_are_for_browsers_that_are_signed_in() {
    assert!(repository().join("ui/dist/index.html").exists(), "the pages are built: ui/build");
    let pitlane = Pitlane::start();
    let mut browser = Browser { pitlane: &pitlane, cookie: None };
    for path in PATHS {
        let away = browser.get(path);
        assert_eq!(away.status, 303, "{path}");
        let next = path.replace('/', "%2F").replace('?', "%3F").replace('=', "%3D");
        assert_eq!(header(&away, "location"), format!("/signin?next={next}"), "{path}");
        assert_eq!(browser.get(header(&away, "location")).status, 200);
    }
    let back = browser.sign_in("/apps/1b2c/logs?q=a");
    assert_eq!((back.status, header(&back, "location")), (303, "/apps/1b2c/logs?q=a"));
    let index = browser.get("/");
    for path in PATHS {
        let page = browser.get(path);
        assert_eq!((page.status, &page.body), (200, &index.body), "{path}");
        let policy = header(&page, "content-security-policy");
        for part in [
            "default-src 'none'",
            "script-src 'self';",
            "connect-src 'self';",
            "style-src 'self';",
            "font-src 'self';",
            "img-src 'self' data:;",
            "frame-ancestors 'none'",
        ] {
            assert!(policy.contains(part), "{path}: {policy}");
        }
        assert!(!policy.contains("unsafe") && !policy.contains("http"), "{policy}");
        assert_eq!(header(&page, "cache-control"), "private, no-cache");
    }
    let known = http().get(format!("{}/apps", pitlane.url)).header("accept", "text/html");
    let known = known
        .header("cookie", browser.cookie.as_deref().expect("signed in"))
        .header("if-none-match", header(&index, "etag"));
    assert_eq!(known.send().expect("an answer").status(), 304);

    // Programs see what they always saw, on the same addresses.
    assert!(pitlane.get("", "/").body.contains("cloud_controller_v3"));
    assert!(pitlane.get("", "/apps").body.contains("CF-NotFound"));
    // What people know from the guides leads to where it is done today.
    for (known, page) in [
        ("/dashboard", "/projects"),
        ("/profile", "/account/sessions"),
        ("/dashboard/ui/activity", "/audit"),
        ("/lifecycle/admin/", "/admin/people"),
        ("/lifecycle/admin/auth/user/7/change/", "/admin/people"),
        ("/lifecycle/admin/registry/authtoken/", "/admin/tokens"),
    ] {
        let away = browser.get(known);
        assert_eq!((away.status, header(&away, "location")), (303, page), "{known}");
    }
    // Nothing at all, in words; an API's address stays an API's.
    let nothing = browser.get("/nothing/<here>");
    assert_eq!(nothing.status, 404);
    assert!(nothing.body.contains("<h1>Not found</h1>") && !nothing.body.contains("<here>"), "{}", nothing.body);
    assert!(browser.get("/v3/nothing").body.contains("CF-NotFound"));
}

#[test]
fn assets_are_kept_for_ever_and_sent_compressed() {
    let pitlane = Pitlane::start();
    let mut browser = Browser { pitlane: &pitlane, cookie: None };
    browser.sign_in("/");
    let index = browser.get("/").body;
    let assets: Vec<&str> = index.split('"').filter(|part| part.starts_with("/assets/")).collect();
    assert!(assets.iter().any(|asset| asset.ends_with(".js")) && assets.iter().any(|asset| asset.ends_with(".css")));
    for asset in assets {
        // For anybody: without a cookie, and as a program.
        let get = |encoding: &str, tag: &str| {
            let request = http().get(format!("{}{asset}", pitlane.url));
            request.header("accept-encoding", encoding).header("if-none-match", tag).send().expect("an answer")
        };
        let plain = get("identity", "\"other\"");
        assert_eq!(plain.headers()["cache-control"], "public, max-age=31536000, immutable");
        assert!(plain.headers().get("content-encoding").is_none());
        let kind = plain.headers()["content-type"].to_str().expect("text").to_owned();
        let expected = match asset.rsplit('.').next() {
            Some("js") => "text/javascript; charset=utf-8",
            Some("css") => "text/css; charset=utf-8",
            _ => "image/svg+xml",
        };
        assert_eq!(kind, expected);
        let whole = plain.bytes().expect("a body");
        let packed = get("br, gzip", "\"other\"");
        let tag = packed.headers()["etag"].to_str().expect("text").to_owned();
        if packed.headers().get("content-encoding").is_some_and(|encoding| encoding == "gzip") {
            let packed = packed.bytes().expect("a body");
            let mut unpacked = Vec::new();
            std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(&packed[..]), &mut unpacked).expect("gzip");
            assert!(packed.len() < whole.len() && unpacked == whole);
        }
        assert_eq!(get("br, gzip", &tag).status(), 304);
        assert_eq!(get("gzip;q=0", &tag).headers().get("content-encoding"), None);
    }
    assert_eq!(pitlane.get("", "/assets/../index.html").status, 404);
    assert_eq!(pitlane.get("", "/assets/none.js").status, 404);
}
