//! What the driver alone knows of where an instance runs, as its environment has it: addresses, and a locale that is there.

use engine::{InstanceSpec, Purpose};
use std::net::Ipv4Addr;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// What Cloud Foundry sets; a stack without it makes programs complain at each start.
const USUAL: &str = "en_US.UTF-8";
/// Part of every C library.
const PLAIN: &str = "C.UTF-8";

/// Adds `CF_INSTANCE_*` (over whatever has been set under these names), and gives way on `LANG` where the stack lacks the
/// usual locale. An instance is reached on its own address, so host and internal port are the same; without a port the
/// address ends with a colon. Bare processes have the host's loopback address.
pub(super) fn add(spec: &mut InstanceSpec, address: Option<Ipv4Addr>, stacks: &Path) {
    let ip = address.unwrap_or(Ipv4Addr::LOCALHOST).to_string();
    // Only processes are reached from outside.
    let ports: &[u16] = if spec.purpose == Purpose::Process { &spec.ports } else { &[] };
    let port = ports.first().map(u16::to_string).unwrap_or_default();
    let pairs: Vec<_> = ports.iter().map(|port| serde_json::json!({ "external": port, "internal": port })).collect();
    let own = [
        ("CF_INSTANCE_ADDR", format!("{ip}:{port}")),
        ("CF_INSTANCE_IP", ip.clone()),
        ("CF_INSTANCE_INTERNAL_IP", ip),
        ("CF_INSTANCE_PORT", port),
        ("CF_INSTANCE_PORTS", serde_json::Value::from(pairs).to_string()),
    ];
    spec.env.retain(|(name, _)| !own.iter().any(|(mine, _)| mine == name));
    spec.env.extend(own.map(|(name, value)| (name.to_owned(), value)));
    for (_, value) in spec.env.iter_mut().filter(|(name, value)| name == "LANG" && value == USUAL) {
        if !has_usual_locale(&spec.root.stack, stacks) {
            PLAIN.clone_into(value);
        }
    }
}

fn has_usual_locale(stack: &str, stacks: &Path) -> bool {
    let root = if stack == "host" { Path::new("/").to_owned() } else { stacks.join(stack) };
    let locales = root.join("usr/lib/locale");
    locales.join("en_US.utf8").is_dir() || archive_names(&locales.join("locale-archive")).is_some_and(named)
}

fn named(names: Vec<u8>) -> bool {
    names.split(|byte| *byte == 0).any(|name| name == b"en_US.utf8")
}

/// The table of names in glibc's archive of locales: bounded, and of no use if it is none.
fn archive_names(path: &Path) -> Option<Vec<u8>> {
    let file = std::fs::File::open(path).ok()?;
    let mut header = [0; 28];
    file.read_exact_at(&mut header, 0).ok()?;
    let number = |at: usize| header[at..at + 4].try_into().map(u32::from_ne_bytes).ok();
    // Offset and used bytes of the strings are its sixth and seventh numbers.
    let mut names = vec![0; usize::try_from(number(24)?.min(1 << 20)).ok()?];
    file.read_exact_at(&mut names, u64::from(number(20)?)).ok()?;
    Some(names)
}
