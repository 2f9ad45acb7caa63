#!/bin/bash
# Drives buildpacks from source to droplet, inside the staging container.
#
# In:  /pitlane/in/app             the source, read-only
#      /pitlane/in/plan            a line for each buildpack: place, name, key, kind, source, branch (tab-separated, "-" is empty)
#      /pitlane/in/mode            "detect" or "explicit"
#      /pitlane/cache/cache.tar    what the last good staging of this app kept, if anything
# Out: two named pipes, so that nothing on the host is written from in here: one tar of the droplet with its result, one of the
#      cache. Exit status: 0 well, 222 no buildpack detected, 223 compile failed, 224 release failed, 225 anything else.
# The host trusts none of it.
set -u
umask 022
exec </dev/null

IN=/pitlane/in
BUILD=/tmp/app
# Beside what is built, so that a buildpack may link between the two.
CACHE=/home/vcap/cache
DEPS=/home/vcap/deps
PROFILE_D=/home/vcap/profile.d
RESULT=/tmp/result

fail() { # STATUS SENTENCE
  echo "$2" >&2
  exit "$1"
}

for tool in cp mkdir rm tar; do
  command -v "$tool" >/dev/null || fail 225 "this stack has no $tool: import a stack with coreutils and tar"
done

# Who ends TLS on the way out may be known to the host alone: its certificates count for every client.
bundle=/etc/ssl/certs/ca-certificates.crt
if [ -r "$bundle" ]; then
  for name in SSL_CERT_FILE PIP_CERT REQUESTS_CA_BUNDLE NODE_EXTRA_CA_CERTS CURL_CA_BUNDLE GIT_SSL_CAINFO; do
    [ -n "${!name:-}" ] || export "$name=$bundle"
  done
fi
export GIT_TERMINAL_PROMPT=0

# The environment is that of a running instance, whose folders are not here yet.
[ -d "${HOME:-}" ] || export HOME=/home/vcap
[ -d "${TMPDIR:-}" ] || export TMPDIR=/tmp

mkdir -p "$CACHE" "$DEPS" "$PROFILE_D" "$RESULT" || fail 225 "the container has no room to work in"
cp -dR "$IN/app" "$BUILD" || fail 225 "the source does not fit into the disk limit of staging"
if [ -f /pitlane/cache/cache.tar ] && ! tar -xf /pitlane/cache/cache.tar -C /home/vcap cache 2>/dev/null; then
  echo "       The cache could not be read; staging goes on without it"
  rm -rf "$CACHE" && mkdir "$CACHE"
fi

# One line for all that lies in the cache; nothing where the stack lacks what tells it.
cache_mark() {
  command -v find >/dev/null && command -v sort >/dev/null && command -v cksum >/dev/null || return
  find "$CACHE" -printf '%P %y %s %T@ %i\n' | sort | cksum
}
MARK=$(cache_mark)

NAMES=() KEYS=() KINDS=() SOURCES=() BRANCHES=()
while IFS=$'\t' read -r _ name key kind source branch; do
  NAMES+=("$name") KEYS+=("$key") KINDS+=("$kind") SOURCES+=("$source") BRANCHES+=("$branch")
done <"$IN/plan"
COUNT=${#NAMES[@]}

# Sets DIR to the folder of buildpack number $1, fetching it if it lies elsewhere.
locate() {
  local url=${SOURCES[$1]} into=/tmp/buildpacks/$1 branch=()
  DIR=$into
  case ${KINDS[$1]} in
    folder)
      DIR=$url
      return
      ;;
    git)
      command -v git >/dev/null || fail 225 "this stack has no git to fetch ${NAMES[$1]}: install Debian's git on the host, or choose another stack"
      mkdir -p /tmp/buildpacks
      local -x GIT_ALLOW_PROTOCOL=https:http:git
      [ "${BRANCHES[$1]}" = - ] || branch=(--branch "${BRANCHES[$1]}")
      echo "-----> Cloning ${NAMES[$1]}"
      # Not every server gives a part of a history, and not every name is one of a branch or tag: then all of it is fetched.
      git clone --quiet --depth 1 --recursive "${branch[@]}" -- "$url" "$into" 2>/tmp/clone.err ||
        { rm -rf "$into" && git clone --quiet --recursive -- "$url" "$into" &&
          { [ "${BRANCHES[$1]}" = - ] || git -C "$into" checkout --quiet --recurse-submodules "${BRANCHES[$1]}" --; }; } ||
        fail 225 "the buildpack ${NAMES[$1]} could not be cloned"
      ;;
    zip)
      mkdir -p "$into"
      echo "-----> Downloading ${NAMES[$1]}"
      if command -v curl >/dev/null; then
        curl --fail --silent --show-error --location --output "$into.zip" -- "$url"
      elif command -v wget >/dev/null; then
        wget --quiet --output-document="$into.zip" -- "$url"
      else
        fail 225 "this stack has neither curl nor wget: install Debian's curl on the host, or choose another stack"
      fi || fail 225 "the buildpack ${NAMES[$1]} could not be downloaded"
      if command -v unzip >/dev/null; then
        unzip -q "$into.zip" -d "$into"
      elif command -v python3 >/dev/null; then
        python3 -m zipfile -e "$into.zip" "$into"
      else
        fail 225 "this stack has neither unzip nor python3: install Debian's unzip on the host, or choose another stack"
      fi || fail 225 "the buildpack ${NAMES[$1]} is no readable zip"
      rm -f "$into.zip"
      ;;
  esac
  local inside=("$into"/*)
  if [ ! -d "$into/bin" ] && [ ${#inside[@]} = 1 ] && [ -d "${inside[0]}/bin" ]; then
    DIR=${inside[0]}
  fi
  [ -d "$DIR/bin" ] || fail 225 "${NAMES[$1]} is no buildpack: it has no folder bin"
  chmod -R a+rX "$DIR" && chmod a+x "$DIR"/bin/* 2>/dev/null
}

FINAL=-1
if [ "$(cat "$IN/mode")" = detect ]; then
  for ((i = 0; i < COUNT; i++)); do
    locate "$i"
    [ -f "$DIR/bin/detect" ] || continue
    if output=$("$DIR/bin/detect" "$BUILD"); then
      FINAL=$i
      printf '%s' "${output:0:1000}" >"$RESULT/detect_output"
      break
    fi
  done
  [ "$FINAL" -ge 0 ] || fail 222 "None of the buildpacks detected a compatible application"
  SUPPLY=() WIDTH=1
else
  FINAL=$((COUNT - 1))
  SUPPLY=() WIDTH=1
  [ "$COUNT" -lt 11 ] || WIDTH=2
  for ((i = 0; i < FINAL; i++)); do SUPPLY+=("$i"); done
  locate "$FINAL"
fi
FINAL_DIR=$DIR
printf '%s' "$FINAL" >"$RESULT/final"

# What other buildpacks left in the cache is of no use to these.
KEEP=" final final.key "
for i in "${SUPPLY[@]}"; do KEEP+="${KEYS[$i]} "; done
for entry in "$CACHE"/*; do
  [[ $KEEP == *" ${entry##*/} "* ]] || rm -rf "$entry"
done
if [ "$(cat "$CACHE/final.key" 2>/dev/null)" != "${KEYS[$FINAL]}" ]; then
  rm -rf "$CACHE/final"
  printf '%s' "${KEYS[$FINAL]}" >"$CACHE/final.key"
fi
mkdir -p "$CACHE/final"

place=0
for i in "${SUPPLY[@]}"; do
  locate "$i"
  [ -f "$DIR/bin/supply" ] ||
    fail 225 "${NAMES[$i]} cannot supply dependencies to others (it has no bin/supply): name it last"
  printf -v index "%0${WIDTH}d" "$place"
  mkdir -p "$DEPS/$index" "$CACHE/${KEYS[$i]}"
  "$DIR/bin/supply" "$BUILD" "$CACHE/${KEYS[$i]}" "$DEPS" "$index" || fail 225 "Failed to run all supply scripts: ${NAMES[$i]}"
  place=$((place + 1))
done

printf -v index "%0${WIDTH}d" "$place"
mkdir -p "$DEPS/$index"
if [ -f "$FINAL_DIR/bin/finalize" ]; then
  if [ -f "$FINAL_DIR/bin/supply" ]; then
    "$FINAL_DIR/bin/supply" "$BUILD" "$CACHE/final" "$DEPS" "$index" || fail 223 "Failed to compile droplet: ${NAMES[$FINAL]} (supply)"
  fi
  "$FINAL_DIR/bin/finalize" "$BUILD" "$CACHE/final" "$DEPS" "$index" "$PROFILE_D" || fail 223 "Failed to compile droplet: ${NAMES[$FINAL]} (finalize)"
elif [ -f "$FINAL_DIR/bin/compile" ]; then
  rm -rf "${DEPS:?}/$index"
  [ "$place" = 0 ] || echo "**WARNING** ${NAMES[$FINAL]} has no bin/finalize: it makes no use of what the buildpacks before it supplied"
  "$FINAL_DIR/bin/compile" "$BUILD" "$CACHE/final" || fail 223 "Failed to compile droplet: ${NAMES[$FINAL]}"
else
  fail 223 "${NAMES[$FINAL]} has neither bin/finalize nor bin/compile"
fi
"$FINAL_DIR/bin/release" "$BUILD" >"$RESULT/release.yml" || fail 224 "Failed to build droplet release: ${NAMES[$FINAL]}"

# GNU tar says 1 when a file changed while it was read; the host judges what arrives.
tar -cf - -C /tmp app result -C /home/vcap deps profile.d >"$IN/droplet.pipe"
[ $? -le 1 ] || fail 225 "the droplet could not be handed out"
if [ -n "$MARK" ] && [ "$(cache_mark)" = "$MARK" ] && [ -f /pitlane/cache/cache.tar ]; then
  # As it was: what the host has is good for the next time, too.
  exit 0
fi
if ! tar -cf - -C /home/vcap cache >"$IN/cache.pipe"; then
  echo "       The cache could not be kept; the next staging begins without it"
fi
exit 0
