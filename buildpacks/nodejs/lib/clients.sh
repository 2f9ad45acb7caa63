# The clients of the package registry: npm, and those that npm fetches where a lock file asks for them. What they download is cached.
# install DEV, prune, run SCRIPT, rebuild: by the client that CLIENT names; PACKAGE is where another than npm comes from.

export npm_config_cache=$cache/npm npm_config_audit=false npm_config_fund=false npm_config_update_notifier=false npm_config_loglevel=warn
export YARN_CACHE_FOLDER=$cache/yarn YARN_ENABLE_GLOBAL_CACHE=false YARN_ENABLE_TELEMETRY=0 YARN_NODE_LINKER=node-modules
# Headers for modules that are compiled: those of the stack, or they would be downloaded from elsewhere.
if [ -f /usr/include/node/node.h ]; then
  export npm_config_nodedir=/usr
elif [ -f /usr/include/nodejs/src/node.h ]; then
  export npm_config_nodedir=/usr/include/nodejs
fi

npm_() {
  command -v npm >/dev/null || fail "this stack has no npm: install Debian's npm on the host, or choose another stack"
  logged npm "$@"
}
# Output is shown as it comes and kept for the reason of a failure.
logged() {
  indented "$@" | tee "$log"
  return "${PIPESTATUS[0]}"
}
# other ARGUMENTS...: the client of PACKAGE.
other() {
  local name=${CLIENT/berry/yarn}
  if [ "$CLIENT" != berry ] && command -v "$name" >/dev/null && [[ $("$name" --version 2>/dev/null) == "${PACKAGE##*@}"* ]]; then
    logged "$name" "$@"
  else
    npm_ exec --yes --package="$PACKAGE" -- "$name" "$@"
  fi
}

install() {
  local dev=$1
  case $CLIENT in
    npm)
      if [ -f package-lock.json ] || [ -f npm-shrinkwrap.json ]; then
        npm_ ci --prefer-offline ${dev:+--include=dev}
      else
        npm_ install --prefer-offline --no-package-lock ${dev:+--include=dev}
      fi
      ;;
    yarn) other install --frozen-lockfile --prefer-offline --non-interactive --no-progress --production="$([ "$dev" ] && echo false || echo true)" ;;
    berry) if [ "$dev" ]; then other install --immutable; else other workspaces focus --all --production; fi ;;
    pnpm) other install --frozen-lockfile --prefer-offline --reporter=append-only --store-dir="$cache/pnpm" --prod="$([ "$dev" ] && echo false || echo true)" ;;
  esac
}

prune() {
  case $CLIENT in
    npm) npm_ prune --omit=dev ;;
    yarn) other install --frozen-lockfile --prefer-offline --non-interactive --no-progress --ignore-scripts --production=true ;;
    berry) other workspaces focus --all --production ;;
    pnpm) other prune --prod --ignore-scripts ;;
  esac
}

# failed WHAT: the end, with what a module that could not be compiled was missing.
failed() {
  local lacks=() tool
  if grep -q 'gyp ERR!' "$log"; then
    for tool in make:make g++:g++ python3:python3; do
      command -v "${tool%:*}" >/dev/null || lacks+=("${tool#*:}")
    done
    [ -n "${npm_config_nodedir:-}" ] || lacks+=(libnode-dev)
    [ ${#lacks[@]} = 0 ] ||
      fail "a module is compiled and this stack lacks what that needs: install Debian's ${lacks[*]} on the host, or choose another stack"
  fi
  fail "$1 failed; the lines above say why"
}
