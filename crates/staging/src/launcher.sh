cd "${HOME:=/home/vcap/app}" && export HOME || exit 1
export DEPS_DIR="${DEPS_DIR:-/home/vcap/deps}" TMPDIR="${TMPDIR:-/home/vcap/tmp}"
echo "Invoking pre-start scripts."
for script in /home/vcap/profile.d/* "$HOME"/.profile.d/* "$HOME/.profile"; do
  if [ -f "$script" ]; then
    . "$script"
  fi
done
unset script
echo "Invoking start command."
exec /bin/bash -c "$1"
