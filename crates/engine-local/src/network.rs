//! One bridge a data folder, one veth pair an instance.
//!
//! Who may talk to whom: the host to instances; an instance to the outside when it has been allowed. Not: an instance to the
//! host (any of its addresses, but for the front door), to another instance, or out without permission. Kept three times over: bridge ports are
//! isolated from each other, an nftables table drops what comes from the bridge, and an instance that may not go out has
//! no route. The upper half of the subnet is for those; the table knows them by their address, which they cannot change.

mod netlink;

pub(crate) use netlink::{Netlink, index};

use crate::error::host;
use crate::instance::Link;
use engine::EngineError;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::HashSet;
use std::io::Write;
use std::net::Ipv4Addr;
use std::path::Path;
use std::process::Stdio;

const PREFIX: u8 = 20;
const SIZE: u32 = 1 << (32 - PREFIX);

/// The network of one data folder, as kept in `network.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Plan {
    pub subnet: Ipv4Addr,
    pub bridge: String,
}

impl Plan {
    /// Takes `wanted`, or what was chosen before, or a free subnet of 10.128.0.0/9 without an address that this host itself
    /// needs. `tag` is unique to the data folder.
    pub fn choose(file: &Path, tag: &str, wanted: Option<Ipv4Addr>) -> Result<Self, EngineError> {
        let kept: Option<Self> = std::fs::read(file).ok().and_then(|text| serde_json::from_slice(&text).ok());
        let plan = match (kept, wanted) {
            (Some(kept), None) => return Ok(kept),
            (Some(kept), Some(wanted)) if kept.subnet == wanted => return Ok(kept),
            (_, wanted) => {
                Self { subnet: wanted.map_or_else(|| free_subnet(tag), Ok)?, bridge: format!("pitlane{tag}") }
            }
        };
        if u32::from(plan.subnet) % SIZE != 0 {
            return Err(EngineError::Refused(format!(
                "the subnet {}/{PREFIX} does not begin at a multiple of {SIZE}",
                plan.subnet
            )));
        }
        std::fs::write(file, serde_json::to_vec(&plan).map_err(host("writing network.json"))?)
            .map_err(host("writing network.json"))?;
        Ok(plan)
    }

    /// The host's own address on the bridge.
    pub fn gateway(&self) -> Ipv4Addr {
        Ipv4Addr::from(u32::from(self.subnet) + 1)
    }

    fn table(&self) -> String {
        self.bridge.replacen("pitlane", "pitlane_", 1)
    }

    /// A resolver of the host's that instances cannot reach, because its address is one of theirs: an administrator chose
    /// the subnet, or the host's resolver later.
    pub fn hidden_resolver(&self) -> Option<Ipv4Addr> {
        let ours = |address: &Ipv4Addr| u32::from(*address) & !(SIZE - 1) == u32::from(self.subnet);
        nameservers().into_iter().find(ours)
    }

    /// The bridge's own link address, for ever the same. A bridge without one takes that of one of its ports and another when
    /// that port goes; an instance that has learned the first sends into the void until it asks again.
    fn mac(&self) -> [u8; 6] {
        let tag = Sha256::digest(self.bridge.as_bytes());
        // Locally administered, of one station.
        [0x02, b'p', tag[0], tag[1], tag[2], tag[3]]
    }

    /// Is the bridge there?
    pub fn is_there(&self) -> bool {
        index(&self.bridge).is_ok()
    }

    /// Makes bridge, table and forwarding. Safe to repeat. `loopback`: those of `doors` that listen on 127.0.0.1 alone.
    pub fn set_up(&self, doors: &[u16], loopback: &[u16]) -> Result<(), EngineError> {
        let doing = |what: &str| {
            format!("setting up the network of instances ({}, {}/{PREFIX}): {what}", self.bridge, self.subnet)
        };
        let netlink = Netlink::open().map_err(host(doing("routing socket")))?;
        if index(&self.bridge).is_err() {
            netlink.add_bridge(&self.bridge, self.mac()).map_err(host(doing("bridge")))?;
            let bridge = index(&self.bridge).map_err(host(doing("bridge")))?;
            netlink.add_address(bridge, self.gateway(), PREFIX).map_err(host(doing("address")))?;
        }
        nft(&self.rules(doors, loopback)).map_err(host(doing("nftables")))?;
        if !loopback.is_empty() {
            // Only what the rules lead there gets there: the input chain drops all else that comes from the bridge.
            let path = format!("/proc/sys/net/ipv4/conf/{}/route_localnet", self.bridge);
            std::fs::write(&path, "1").map_err(host(doing("turning route_localnet on")))?;
        }
        let forward = "/proc/sys/net/ipv4/ip_forward";
        if std::fs::read_to_string(forward).is_ok_and(|text| text.trim() != "1") {
            tracing::info!("turning {forward} on, for instances that may go out");
            std::fs::write(forward, "1").map_err(host(doing("turning ip_forward on")))?;
        }
        Ok(())
    }

    fn rules(&self, doors: &[u16], loopback: &[u16]) -> String {
        let (table, bridge) = (self.table(), &self.bridge);
        let kept = format!("{}/{}", Ipv4Addr::from(u32::from(self.subnet) + SIZE / 2), PREFIX + 1);
        let door = |port: &u16| format!("iifname \"{bridge}\" ip saddr != {kept} tcp dport {port} accept\n");
        let doors: String = doors.iter().map(door).collect();
        let gateway = self.gateway();
        let lead =
            |port: &u16| format!("iifname \"{bridge}\" ip daddr {gateway} tcp dport {port} dnat ip to 127.0.0.1\n");
        let leads: String = loopback.iter().map(lead).collect();
        // Deleted first, so that a repeated set-up ends with exactly these rules; one transaction, so never with none.
        format!(
            "add table inet {table}\ndelete table inet {table}\ntable inet {table} {{\n\
             chain input {{ type filter hook input priority -10; policy accept;\n\
             iifname \"{bridge}\" ct state established,related accept\n{doors}iifname \"{bridge}\" drop\n}}\n\
             chain forward {{ type filter hook forward priority -10; policy accept;\n\
             iifname \"{bridge}\" oifname \"{bridge}\" drop\n\
             iifname \"{bridge}\" meta nfproto ipv6 drop\n\
             iifname \"{bridge}\" ip saddr {kept} drop\n\
             oifname \"{bridge}\" ct state established,related accept\noifname \"{bridge}\" drop\n}}\n\
             chain doors {{ type nat hook prerouting priority -100; policy accept;\n{leads}}}\n\
             chain nat {{ type nat hook postrouting priority 100; policy accept;\n\
             ip saddr {subnet}/{PREFIX} oifname != \"{bridge}\" masquerade\n}}\n}}\n",
            subnet = self.subnet,
        )
    }

    /// Removes bridge and table.
    pub fn tear_down(&self) -> Result<(), EngineError> {
        let netlink = Netlink::open().map_err(host("routing socket"))?;
        netlink.remove(&self.bridge).map_err(host(format!("removing {}", self.bridge)))?;
        let table = self.table();
        nft(&format!("add table inet {table}\ndelete table inet {table}\n"))
            .map(drop)
            .map_err(host("removing the nftables table"))
    }

    /// A place for one more instance beside those in use. Addresses are not used again soon: whoever still routes to
    /// an ended instance must meet nobody.
    pub fn place(&self, egress: bool, turn: u32, used: &HashSet<Ipv4Addr>) -> Result<Link, EngineError> {
        let half = SIZE / 2;
        let (from, count) = if egress { (2, half - 2) } else { (half, half - 1) };
        let base = u32::from(self.subnet) + from;
        let address = (0..count)
            .map(|step| Ipv4Addr::from(base + turn.wrapping_add(step) % count))
            .find(|one| !used.contains(one));
        let Some(address) = address else {
            return Err(EngineError::Host(format!(
                "all {count} addresses of this kind in {}/{PREFIX} are in use",
                self.subnet
            )));
        };
        let tag = self.bridge.trim_start_matches("pitlane");
        Ok(Link {
            bridge: self.bridge.clone(),
            veth: format!("pl{tag}{:04x}", u32::from(address) & 0xffff),
            address,
            prefix: PREFIX,
            gateway: egress.then(|| self.gateway()),
            resolver: if egress { resolver().unwrap_or_else(no_resolver) } else { no_resolver() },
        })
    }
}

/// Where the host's resolvers are named; the second where the first has a stub of its own.
const RESOLVERS: [&str; 2] = ["/etc/resolv.conf", "/run/systemd/resolve/resolv.conf"];

/// Nobody listens there: look-ups fail at once instead of waiting for an answer that cannot come.
fn no_resolver() -> String {
    "nameserver 127.0.0.1\noptions attempts:1 timeout:1\n".to_owned()
}

/// The host's resolvers, if an instance can reach one (a loopback address is the host's own).
pub(crate) fn resolver() -> Option<String> {
    RESOLVERS.into_iter().find_map(|path| {
        let text = std::fs::read_to_string(path).ok()?;
        let reachable = |line: &&str| match line.strip_prefix("nameserver") {
            Some(rest) => rest.trim().parse::<Ipv4Addr>().is_ok_and(|address| !address.is_loopback()),
            None => line.starts_with("search") || line.starts_with("options"),
        };
        let lines: Vec<_> = text.lines().filter(reachable).collect();
        lines.iter().any(|line| line.starts_with("nameserver")).then(|| lines.join("\n") + "\n")
    })
}

/// All of the host's resolvers.
fn nameservers() -> Vec<Ipv4Addr> {
    let texts = RESOLVERS.into_iter().filter_map(|path| std::fs::read_to_string(path).ok());
    let of = |text: String| {
        let lines = text.lines().filter_map(|line| line.strip_prefix("nameserver")?.trim().parse().ok());
        lines.collect::<Vec<_>>()
    };
    texts.flat_map(of).collect()
}

/// A chain of somebody else's that drops what is forwarded unless a rule of its own allows it, as Docker sets it up:
/// "table ip filter, chain FORWARD". Instances that may go out do not get there then, for each chain must agree. `None` as soon
/// as some rule speaks of our bridges: somebody has seen to it.
pub(crate) fn dropping_chain() -> Option<String> {
    dropping(&nft("list ruleset\n").ok()?)
}

fn dropping(listed: &str) -> Option<String> {
    if listed.contains("\"pitlane*\"") {
        return None;
    }
    let (mut table, mut chain) = ("", "");
    for line in listed.lines().map(str::trim) {
        if let Some(name) = line.strip_suffix('{') {
            *(if name.starts_with("table ") { &mut table } else { &mut chain }) = name.trim();
        } else if line.contains("hook forward") && line.contains("policy drop") && !table.starts_with("table ip6 ") {
            return Some(format!("{table}, {chain}"));
        }
    }
    None
}

fn free_subnet(tag: &str) -> Result<Ipv4Addr, EngineError> {
    let routes = Netlink::open().and_then(|netlink| netlink.routes()).map_err(host("reading this host's routes"))?;
    let start = u32::from_str_radix(tag, 16).unwrap_or(0);
    // A resolver behind the default route has no route of its own, and is needed all the same.
    let resolvers = nameservers().into_iter().map(|address| (address, 32));
    pick(start, &routes.into_iter().chain(resolvers).collect::<Vec<_>>()).ok_or_else(|| {
        EngineError::Host("this host needs all of 10.128.0.0/9 itself; name a free /20 for instances".to_owned())
    })
}

/// The first subnet of 10.128.0.0/9, from the `start`-th on, that overlaps nothing `taken`.
fn pick(start: u32, taken: &[(Ipv4Addr, u8)]) -> Option<Ipv4Addr> {
    let count = 1 << 11;
    let mut all = (0..count).map(|step| (10 << 24 | 1 << 23) + (start.wrapping_add(step) % count) * SIZE);
    let subnet = all.find(|subnet| {
        // A default route overlaps everything and means nothing here.
        taken.iter().filter(|(_, prefix)| *prefix > 0).all(|(network, prefix)| {
            let shift = 32 - u32::from((*prefix).min(PREFIX));
            u32::from(*network) >> shift != subnet >> shift
        })
    });
    subnet.map(Ipv4Addr::from)
}

/// Runs one nftables transaction; answers what it lists.
fn nft(rules: &str) -> std::io::Result<String> {
    #[expect(clippy::disallowed_methods, reason = "nft by argv; the rules hold names and addresses of our own making")]
    let mut child = std::process::Command::new("nft")
        .args(["-f", "-"])
        .env("PATH", "/usr/sbin:/sbin:/usr/bin:/bin")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    child.stdin.take().expect("stdin was asked for").write_all(rules.as_bytes())?;
    let output = child.wait_with_output()?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Err(std::io::Error::other(String::from_utf8_lossy(&output.stderr).trim().to_owned()))
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_subnet_is_free_of_routes_and_resolvers() {
        let taken = [("0.0.0.0", 0), ("10.255.255.53", 32), ("10.128.0.0", 16), ("10.129.0.0", 24), ("192.0.2.0", 24)];
        let taken = taken.map(|(address, prefix): (&str, u8)| (address.parse().unwrap(), prefix));
        let pick = |start, taken: &[_]| super::pick(start, taken).map(|subnet| subnet.to_string());
        assert_eq!(pick(5, &[]).as_deref(), Some("10.128.80.0"));
        // The last one holds the resolver, the first sixteen and the one after them a network each.
        assert_eq!(pick(2047, &taken).as_deref(), Some("10.129.16.0"));
        assert_eq!(pick(0, &[("10.0.0.0".parse().unwrap(), 8)]), None);
    }

    #[test]
    fn a_policy_that_drops_is_found() {
        let listed = |policy: &str| {
            format!(
                "table inet pitlane_0 {{\n\tchain forward {{\n\t\ttype filter hook forward priority -10; policy accept;\n\t}}\n}}\n\
                 table ip filter {{\n\tchain INPUT {{\n\t\ttype filter hook input priority filter; policy drop;\n\t}}\n\
                 \tchain DOCKER-USER {{\n\t}}\n\tchain FORWARD {{\n\t\ttype filter hook forward priority filter; policy {policy};\n\t}}\n}}\n"
            )
        };
        assert_eq!(super::dropping(&listed("drop")).as_deref(), Some("table ip filter, chain FORWARD"));
        assert_eq!(super::dropping(&listed("accept")), None);
        assert_eq!(super::dropping(&listed("drop").replace("table ip ", "table ip6 ")), None);
        let allowed = "DOCKER-USER {\n\t\tiifname \"pitlane*\" counter packets 0 bytes 0 accept";
        assert_eq!(super::dropping(&listed("drop").replace("DOCKER-USER {", allowed)), None);
    }
}
