# For the job types: which Python, and how pip serves an environment that has none of its own.

# choose_python ASKED: sets PYTHON; ASKED is 3.11 or the like, or empty for the stack's own.
choose_python() {
  local have
  have=$(for each in /usr/bin/python3.[0-9]* /usr/local/bin/python3.[0-9]*; do [ -x "$each" ] && basename "$each"; done |
    grep -xE 'python3\.[0-9]+' | sort -uV | sed 's/^python//' | paste -sd ' ') || have=
  PYTHON=$(command -v "python${1:-3}") ||
    fail "Python ${1:-3} is not on this stack (it has: ${have:-none}): set jobtype_extra.python_version to one of these, or install Debian's python${1:-3}, python3-venv and python3-pip on the host"
  "$PYTHON" -m pip --version >/dev/null 2>&1 ||
    fail "this stack's Python has no pip: install Debian's python3-pip and python3-venv on the host, or choose another stack"
  step "$("$PYTHON" --version)"
}

# pip_into ENVIRONMENT CACHE ARGUMENTS…: what pip says is kept for pip_failed, too.
pip_into() {
  local environment=$1 cache=$2
  shift 2
  PIP_LOG=$(mktemp)
  "$PYTHON" -m pip --python "$environment/bin/python" install --no-input --disable-pip-version-check --no-compile \
    --progress-bar off --cache-dir "$cache/pip" --no-warn-script-location "$@" 2>&1 | tee "$PIP_LOG" | sed -u 's/^/       /'
  return "${PIPESTATUS[0]}"
}

# pip_failed WHAT: the end, with the last that pip itself called an error; whoever deploys reads no more than this sentence.
pip_failed() {
  local said
  said=$(sed -nE 's/^ *ERROR: *//p' "$PIP_LOG" | tail -n 2 | cut -c1-400 | paste -sd ' ')
  fail "$1: ${said:-the lines above say why}"
}

# Compiled once and for all: time stamps do not survive packing, so compiled files must not depend on them.
compiled() { "$PYTHON" -m compileall -q -j 0 --invalidation-mode unchecked-hash "$1" >/dev/null 2>&1 || true; }
