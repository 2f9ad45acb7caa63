# For the built-in buildpacks; laid out beside each of them.

step() { echo "-----> $*"; }
note() { echo "       $*"; }
# A sentence that says what to do, and the end.
fail() {
  echo "       **ERROR** $*" >&2
  exit 1
}
# Output of other programs, set off from ours. Its status is the program's.
indented() {
  "$@" 2>&1 | sed -u 's/^/       /'
  return "${PIPESTATUS[0]}"
}

# config OUT NAME VERSION
config() { printf 'name: %s\nversion: "%s"\n' "$2" "$3" >"$1/config.yml"; }

# launch OUT COMMAND: the web process. Single quotes are YAML's own.
launch() { printf "processes:\n- type: web\n  command: '%s'\n" "${2//\'/\'\'}" >"$1/launch.yml"; }

# profile DEPS PROFILE_D: what every dependency folder offers is found at run time.
profile() {
  local folder index script
  for folder in "$1"/*/; do
    index=$(basename "$folder")
    {
      if [ -d "$folder/bin" ]; then echo "export PATH=/home/vcap/deps/$index/bin:\$PATH"; fi
      if [ -d "$folder/lib" ]; then echo "export LD_LIBRARY_PATH=/home/vcap/deps/$index/lib\${LD_LIBRARY_PATH:+:\$LD_LIBRARY_PATH}"; fi
      for script in "$folder"/env/*; do
        if [ -f "$script" ]; then printf 'export %s=%q\n' "$(basename "$script")" "$(<"$script")"; fi
      done
    } >"$2/${index}_paths.sh"
    for script in "$folder"/profile.d/*; do
      if [ -f "$script" ]; then cp "$script" "$2/${index}_$(basename "$script")"; fi
    done
  done
}
