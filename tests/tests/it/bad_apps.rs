//! Applications that misbehave: each is told from the others in words, and none harms the host or a neighbour.

use std::path::PathBuf;
use std::time::Duration;
use tests::{Pitlane, eventually, text};

/// A folder with a Python program that the binary buildpack runs as `web`.
fn script(pitlane: &Pitlane, name: &str, program: &str) -> PathBuf {
    let folder = pitlane.folder.path().join(name);
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::write(folder.join("app.py"), program).expect("written");
    std::fs::write(folder.join("Procfile"), "web: exec python3 -u app.py\n").expect("written");
    folder
}

const SERVER: &str = r#"
import http.server, os, socketserver
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        status, body = answer(self.path)
        self.send_response(status); self.end_headers(); self.wfile.write(body.encode())
    def log_message(self, *arguments): pass
class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    def server_bind(self): socketserver.TCPServer.server_bind(self)
Server(("0.0.0.0", int(os.environ["PORT"])), Handler).serve_forever()
"#;

/// A small server whose answers `answer(path)` gives.
fn server(pitlane: &Pitlane, name: &str, answer: &str) -> PathBuf {
    script(pitlane, name, &format!("{answer}\n{SERVER}"))
}

#[test]
fn each_way_of_failing_at_start_is_told_in_words() {
    let pitlane = Pitlane::start();
    for (name, program, options, words) in [
        ("quits", "import sys; print('no config'); sys.exit(3)", &[][..], "exited with status 3"),
        ("deaf", "import time; time.sleep(1000)", &["-t", "3"][..], "did not open port 8080 within 3 s"),
        ("greedy", "b = bytearray(1 << 30); b[::4096] = b'x' * len(b[::4096])", &["-m", "64M"][..], "out of memory"),
        ("dies", "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", &[][..], "signal 11"),
    ] {
        let folder = script(&pitlane, name, program);
        let mut arguments = vec!["push", name, "-b", "binary_buildpack"];
        arguments.extend(options);
        let output = pitlane.run_in(&folder, &arguments);
        assert_eq!(output.status.code(), Some(1), "{name}: {}", text(&output));
        assert!(text(&output).contains(words), "{name} lacks {words:?}: {}", text(&output));
        pitlane.ok(&["delete", name, "-f"]);
    }
}

#[test]
fn a_fork_bomb_a_full_disk_and_a_memory_hog_harm_nobody_else() {
    let pitlane = Pitlane::start();
    let good = server(&pitlane, "good", "def answer(path): return 200, 'well'");
    assert!(pitlane.run_in(&good, &["push", "good", "-b", "binary_buildpack"]).status.success());
    let bad = server(
        &pitlane,
        "bad",
        r#"
import os, errno, time
def answer(path):
    if path == "/fork":
        try:
            for _ in range(100000):
                if os.fork() == 0:
                    time.sleep(60); os._exit(0)
        except OSError as error:
            return 200, errno.errorcode[error.errno]
    if path == "/fill":
        try:
            with open(os.environ["TMPDIR"] + "/big", "wb") as file:
                while True: file.write(b"x" * (1 << 20)); file.flush()
        except OSError as error:
            return 200, errno.errorcode[error.errno]
    return 200, "up"
"#,
    );
    assert!(pitlane.run_in(&bad, &["push", "bad", "-b", "binary_buildpack", "-k", "64M"]).status.success());
    assert_eq!(pitlane.get("bad", "/fork").body, "EAGAIN");
    assert_eq!(pitlane.get("good", "/").body, "well");
    pitlane.ok(&["restart", "bad"]);
    assert_eq!(pitlane.get_until_ok("bad", "/"), "up");
    assert_eq!(pitlane.get("bad", "/fill").body, "ENOSPC");
    assert_eq!(pitlane.get("good", "/").body, "well");
    pitlane.ok(&["push", "good", "-p", good.to_str().expect("text"), "-b", "binary_buildpack"]);
}

#[test]
fn an_app_sees_neither_host_nor_store_nor_neighbour() {
    let pitlane = Pitlane::start();
    let neighbour = server(&pitlane, "neighbour", "def answer(path): return 200, 'private'");
    assert!(pitlane.run_in(&neighbour, &["push", "neighbour", "-b", "binary_buildpack"]).status.success());
    let spy = server(
        &pitlane,
        "spy",
        r#"
import os, socket, urllib.request, urllib.parse
def answer(path):
    what, _, where = urllib.parse.unquote(path[1:]).partition("=")
    try:
        if what == "read": return 200, "got " + str(len(open(where, "rb").read()))
        if what == "list": return 200, "got " + " ".join(os.listdir(where))
        if what == "connect":
            host, port = where.rsplit(":", 1)
            with socket.create_connection((host, int(port)), 2): return 200, "got a connection"
        if what == "write":
            with open(where, "w") as file: return 200, "got to write"
        if what == "address":
            return 200, socket.gethostbyname(socket.gethostname())
        if what == "uid": return 200, str(os.getuid())
    except OSError as error:
        return 200, "refused " + str(error)
    return 200, "up"
"#,
    );
    assert!(pitlane.run_in(&spy, &["push", "spy", "-b", "binary_buildpack"]).status.success());
    let port = pitlane.url.rsplit(':').next().expect("a port").to_owned();
    let data = pitlane.data();
    let data = data.to_str().expect("text");
    let environment = pitlane.get("neighbour", "/").body;
    assert_eq!(environment, "private");
    let stats = pitlane.json(&["app", "neighbour"]).to_string();
    let address =
        stats.split('"').find(|part| part.starts_with("10.") && part.matches('.').count() == 3).map(str::to_owned);
    let mut attempts = vec![
        "read=/etc/shadow".to_owned(),
        format!("read={data}/pitlane.db"),
        format!("read={data}/master.key"),
        format!("list={data}"),
        "write=/usr/evil".into(),
        "write=/etc/evil".into(),
        format!("connect=127.0.0.1:{port}"),
    ];
    attempts.extend(address.map(|address| format!("connect={address}:8080")));
    for attempt in attempts {
        let answer = pitlane.get("spy", &format!("/{}", attempt.replace('/', "%2F"))).body;
        assert!(answer.starts_with("refused"), "{attempt}: {answer}");
    }
    assert_eq!(pitlane.get("spy", "/list=%2Froot").body, "got ", "an empty folder stands where the host's is");
    assert_ne!(pitlane.get("spy", "/uid=").body, "0");
}

#[test]
fn what_ignores_sigterm_is_killed_after_its_grace() {
    let pitlane = Pitlane::start();
    let folder = server(
        &pitlane,
        "stubborn",
        "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\ndef answer(path): return 200, 'here'",
    );
    assert!(pitlane.run_in(&folder, &["push", "stubborn", "-b", "binary_buildpack"]).status.success());
    assert_eq!(pitlane.get_until_ok("stubborn", "/"), "here");
    pitlane.ok(&["stop", "stubborn"]);
    eventually(Duration::from_secs(20), || pitlane.get("stubborn", "/").status == 503);
}
