//! How a droplet's process is started.

/// Sourced are the droplet's `profile.d`, the application's `.profile.d` and `.profile`, in this order; then the command takes the
/// process's place. The command arrives as an argument and is never part of the script.
const SCRIPT: &str = include_str!("launcher.sh");

/// Program and arguments that start `command` in a container whose `/home/vcap` is an unpacked droplet. The working folder is
/// to be `/home/vcap/app`.
pub fn launch_argv(command: &str) -> Vec<String> {
    ["/bin/bash", "-c", SCRIPT, "launcher", command].map(str::to_owned).to_vec()
}
