"""The real `racetrack` client in a pseudo-terminal: one conversation a function, named on the command line.

usage: racetrack.py URL USER PASSWORD FOLDER CONVERSATION GIT_URL
"""

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request

URL, USER, PASSWORD, FOLDER, CONVERSATION, GIT = sys.argv[1:7]
REMOTE = f"{URL}/lifecycle"
RACETRACK = os.path.join(os.path.dirname(sys.executable), "racetrack")
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def racetrack(*arguments, answers=(), cwd=FOLDER, status=0, limit=150, until=None):
    """Runs it on a terminal; gives each answer when its prompt comes. Returns what it said, without colours.
    until: words at which it is interrupted, and what is done before they are waited for. As at a keyboard, once more when it
    has not heard: Python loses a Ctrl-C that comes between its last look and its waiting for another thread."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(cwd)
        environment = {"HOME": FOLDER, "PATH": "/usr/bin:/bin", "TERM": "xterm", "COLUMNS": "300", "LANG": "C.UTF-8"}
        os.execve(RACETRACK, [RACETRACK, *arguments], environment)
    said, answers, end, again = b"", list(answers), time.monotonic() + limit, None
    while True:
        assert time.monotonic() < end, f"racetrack {arguments} goes on: {said.decode(errors='replace')}"
        if select.select([terminal], [], [], 0.5)[0]:
            try:
                piece = os.read(terminal, 65536)
            except OSError:
                break
            if not piece:
                break
            said += piece
        if answers and answers[0][0].encode() in said:
            os.write(terminal, answers.pop(0)[1].encode() + b"\n")
        if until and until[0][0].encode() in said:
            words, then = until.pop(0)
            if then:
                then()
            else:
                again = time.monotonic()
        if again and time.monotonic() >= again:
            os.kill(pid, signal.SIGINT)
            again = time.monotonic() + 5
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    text = COLOUR.sub("", said.decode()).replace("\r\n", "\n")
    assert code == status, f"racetrack {arguments}: status {code}, not {status}: {text}"
    return text


def has(text, *wanted):
    for part in wanted:
        assert part in text, f"{part!r} is not in: {text}"
    return text


def call(path, token=None, body=None, method=None, headers=()):
    """One request; answers status, headers and text."""
    data = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    request = urllib.request.Request(URL + path, data=data, method=method)
    request.add_header("Content-Type", "application/json")
    if token:
        request.add_header("X-Racetrack-Auth", token)
    for name, value in headers:
        request.add_header(name, value)
    try:
        with urllib.request.urlopen(request, timeout=120) as answer:
            return answer.status, answer.headers, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read().decode()


def login():
    racetrack("set", "remote", REMOTE)
    prompt = (f"Enter your password for user {USER}: ", PASSWORD)
    return has(racetrack("login", "--username", USER, answers=[prompt]), f"Logged as user {USER} to Racetrack: {REMOTE}")


def write_job(name, manifest, files):
    folder = os.path.join(FOLDER, name)
    os.makedirs(folder, exist_ok=True)
    files = {**files, "job.yaml": manifest}
    for file, content in files.items():
        with open(os.path.join(folder, file), "w") as out:
            out.write(content)
    return folder


def manifest(name, version="0.0.1", remote="https://git.example.com/x", extra="", more=""):
    return (
        f"name: {name}\nowner_email: kim@example.com\nversion: {version}\njobtype: python3:latest\n"
        f"git:\n  remote: {remote}\njobtype_extra:\n  entrypoint_path: main.py\n{extra}{more}"
    )


ADDER = "class Adder:\n    def perform(self, numbers):\n        print('adding', numbers)\n        return sum(numbers)\n"


def lap():
    """set remote, login by password and by token, deploy from git, list, call, logs, build-logs; the contract of what runs."""
    has(racetrack("version"), "racetrack-client version 2.35.1")
    login()
    has(racetrack("get", "remote"), f'Current remote is "{REMOTE}"')
    has(racetrack("list"), f"No jobs deployed at {REMOTE}.")
    token = racetrack("get", "auth-token").strip().splitlines()[-1].split()[-1]

    # From git, over TLS, by the manifest beside the terminal.
    folder = write_job("adder", manifest("adder", remote=f"{GIT}/adder.git"), {})
    said = racetrack("deploy", cwd=folder)
    has(said, "job deployment requested: ", "deployment in progress: ", 'Job "adder" has been deployed. Check out ')
    has(said, f"{URL}/pub/job/adder/0.0.1 to access your Job")
    said = has(racetrack("call", "adder", "/api/v1/perform", '{"numbers": [40, 2]}'), "Response:", "42")
    has(racetrack("call", "adder", "/api/v1/perform", "{}", "--curl"), "curl -X 'POST'")
    has(racetrack("list"), "NAME    VERSION   STATUS", "adder   0.0.1     RUNNING")
    has(racetrack("list", "-c", "all"), "JOB TYPE", "INFRASTRUCTURE", "DEPLOYED BY", "UPDATED AT", "LAST CALL AT", "python3:1.18.0", "local", USER, f"{URL}/pub/job/adder/0.0.1")
    has(racetrack("logs", "adder", "--tail", "50"), "adding [40, 2]")
    has(racetrack("build-logs", "adder"), "The source is commit", "-----> Python 3")

    # Followed: what was said before, then what is said meanwhile, until the user has seen enough.
    then = lambda: call("/pub/job/adder/latest/api/v1/perform", token, {"numbers": [7, 8]})
    said = racetrack("logs", "adder", "-f", "--tail", "50", until=[("adding [40, 2]", then), ("adding [7, 8]", None)])
    assert said.index("adding [40, 2]") < said.index("adding [7, 8]"), said

    # Contract of a running job, through the gateway.
    base = "/pub/job/adder/latest"
    assert call(f"{base}/api/v1/perform", token, {"numbers": [1, 2]})[::2] == (200, "3")
    status, headers, _ = call(f"{base}/api/v1/perform", None, {"numbers": [1]}, headers=[("X-Request-Tracing-Id", "t-1")])
    assert status == 401 and headers["X-Request-Tracing-Id"] == "t-1"
    assert call(f"{base}/api/v1/perform", "nonsense", {"numbers": [1]})[0] == 401
    assert json.loads(call(f"{base}/live")[2])["live"] is True and call(f"{base}/ready")[0] == 200
    assert call(f"{base}/metrics")[0] == 401
    has(call(f"{base}/metrics", token)[2], "last_call_timestamp")
    has(call(f"{base}/", token)[2], "swagger")
    assert call(f"{base}/api/v1/parameters", token)[0] == 200
    assert call(f"{base}/api/v1/perform", token, {"wrong": 1})[0] == 400
    assert call(f"{base}/api/v1/perform", token, b"no json")[0] == 422

    # A token of one's own; a wrong one; none.
    has(racetrack("login", token), f"Logged as user {USER}")
    has(racetrack("login", token + "x", status=70), "authentication error: Invalid Auth Token")
    has(racetrack("logout"), "Logged out from Racetrack")
    has(racetrack("list", status=70), "authentication error: missing auth token for")


def versions():
    """The same version again, the next beside it, one that is deleted and cannot be claimed again."""
    login()
    folder = write_job("adder", manifest("adder"), {"main.py": ADDER})
    local = ["deploy", "--build-context", "local"]
    has(racetrack(*local, cwd=folder), 'Job "adder" has been deployed')
    has(racetrack(*local, cwd=folder, status=70), "is already deployed. Try deploying next version or use --force flag")
    folder = write_job("adder2", manifest("adder", "0.0.2"), {"main.py": ADDER.replace("sum(", "10 * sum(")})
    has(racetrack(*local, cwd=folder), 'Job "adder" has been deployed')
    has(racetrack("call", "adder", "api/v1/perform", "numbers: [40, 2]"), "420")
    has(racetrack("call", "adder", "api/v1/perform", "numbers: [40, 2]", "--version", "0.0.1"), "42")
    has(racetrack(*local, "--force", "--no-cache", cwd=folder), "has been deployed")
    has(racetrack("move", "adder", "--version", "0.0.2", "--infrastructure", "local", status=70), "has to be different from the current one")
    has(racetrack("delete", "adder", "--version", "0.0.1"), 'Job "adder" v0.0.1 has been deleted')
    has(racetrack("delete", "adder", "--version", "0.0.1", status=70), "Job record not found for given name, version")
    assert call("/pub/job/adder/0.0.1/live")[0] == 401
    folder = write_job("adder", manifest("adder"), {"main.py": ADDER})
    has(racetrack(*local, cwd=folder, status=70), "has already been deployed and deleted")
    # The remote's address has digits and dots, too.
    assert "adder   0.0.1 " not in has(racetrack("list"), "adder   0.0.2     RUNNING")


def bad_arguments():
    """What users mistype, and what they are told; the client's status is 70 for whatever the server refuses."""
    racetrack("set", "remote", REMOTE)
    prompt = (f"Enter your password for user {USER}: ", "wrong")
    has(racetrack("login", "--username", USER, answers=[prompt], status=70), "Incorrect username or password")
    login()
    for arguments in (["logs", "nobody"], ["build-logs", "nobody"], ["call", "nobody", "/x", "{}"]):
        has(racetrack(*arguments, status=70), "Not Found: No job named nobody")
    has(racetrack("delete", "nobody", "--version", "1.0.0", status=70), "No job named nobody")
    has(racetrack("move", "nobody", "--version", "1.0.0", "--infrastructure", "moon", status=70), "No job named nobody")
    has(racetrack("deploy", os.path.join(FOLDER, "nowhere"), status=70), "doesn't exist")
    has(racetrack("call", "nobody", "/x", "[1]", status=70), "No job named nobody")
    folder = write_job("bad", manifest("bad"), {"main.py": ADDER})
    local = ["deploy", "--build-context", "local"]
    has(racetrack(*local, "-e", "jobtype=golang:latest", cwd=folder, status=70), "language golang is not supported")
    has(racetrack(*local, "-e", "infrastructure_target=moon", cwd=folder, status=70), 'infrastructure target "moon" is unavailable')
    has(racetrack(*local, "-e", "name=Bad_Name", cwd=folder, status=70), "cannot name a job")
    has(racetrack("plugin", "list", "--job-types"), "python3:1.18.0")
    has(racetrack("plugin", "list"), "python3-job-type==", "local-infrastructure==")
    for name in ("x.zip", "x.txt"):
        with open(os.path.join(FOLDER, name), "w") as out:
            out.write("no plugin")
    has(racetrack("plugin", "install", "x.zip", status=70), "plugins cannot be installed here: job types (")
    has(racetrack("plugin", "install", "x.txt", status=70), ".zip plugins are only supported")
    has(racetrack("plugin", "uninstall", "x", "--version", "1.0", status=70), 'plugin named "x" 1.0 was not found')
    has(racetrack("plugin", "download", "x", "1.0"), "Failed to download installed plugin")

    # What the client judges by itself, in its own words.
    has(racetrack("validate", folder), f'Manifest file "{folder}" is valid', "entrypoint_path: main.py")
    has(racetrack(*local, "-e", "a=b=c", cwd=folder, status=70), 'cannot unpack key-value from "a=b=c"')
    has(racetrack(*local, "-e", "replicas=51", cwd=folder, status=70), "51 is greater than the maximum of 50")
    has(racetrack(*local, "-e", "git.remote=git@host:x", cwd=folder, status=70), "does not match '^https://'")
    has(racetrack(*local, "-e", "nmae=x", cwd=folder, status=70), "Extra inputs are not permitted")
    has(racetrack(*local, "-e", "version=1.0", cwd=folder, status=70), "1.0")
    # And what it leaves to the server.
    has(racetrack(*local, "-e", "replicas=0", cwd=folder, status=70), "replicas: 0 is less than the minimum of 1")
    has(racetrack(*local, "-e", "system_dependencies=[no-such-debian-package]", cwd=folder, status=70), "deployment error: ", "no-such-debian-package")

    # Aliases, credentials and what the client keeps; other remotes are none of ours.
    has(racetrack("set", "alias", "here", REMOTE), "here")
    has(racetrack("list", "--remote", "here"), f"No jobs deployed at {REMOTE}.")
    racetrack("set", "credentials", "https://git.example.com", "kim", "secret")
    has(racetrack("get", "config"), "git_credentials:", "username: kim", f"here: {REMOTE}", f"lifecycle_url: {REMOTE}")
    has(racetrack("list", "--remote", "http://127.0.0.1:1/lifecycle", status=70), "http://127.0.0.1:1/lifecycle")
    has(racetrack("get", "pub", "-q"), f"{URL}/pub")
    assert json.loads(call("/lifecycle/api/v1/deploy")[2])["error"] == "auth token not found in a header X-Racetrack-Auth"


if __name__ == "__main__":
    try:
        globals()[CONVERSATION]()
    except subprocess.CalledProcessError as error:
        sys.exit(f"{error}: {error.output}")
    print("done")
