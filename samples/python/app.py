"""A lap counter: each instance counts the requests that it has answered."""
import os
import platform

from flask import Flask, jsonify, request

app = Flask(__name__)
laps = 0
STYLE = "body{font:1.1rem/1.5 system-ui,sans-serif;display:grid;place-items:center;min-height:100vh;margin:0;background:#f4f1ea;color:#22252a}main{text-align:center}b{color:#e4572e}"


@app.get("/")
def lap():
    global laps
    laps += 1
    facts = {"sample": "python", "instance": int(os.environ.get("CF_INSTANCE_INDEX", 0)), "laps": laps, "python": platform.python_version()}
    if request.accept_mimetypes.best_match(["application/json", "text/html"]) == "text/html" and "text/html" in request.headers.get("Accept", ""):
        return f"<!doctype html><title>Python</title><style>{STYLE}</style><main><h1>Lap <b>{laps}</b></h1><p>instance {facts['instance']}, Python {facts['python']}</p></main>"
    return jsonify(facts)
