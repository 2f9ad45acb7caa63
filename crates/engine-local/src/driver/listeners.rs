//! Where an instance listens, read from the kernel's tables of its network namespace.

use crate::instance::{Folder, Keeper};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// `TCP_LISTEN` as the tables write it.
const LISTEN: &str = "0A";
/// More rows than this are not looked at.
const ROWS: usize = 10_000;

/// The TCP listeners; `None` when it has ended or nothing can be read.
pub(super) fn of(folder: &Folder) -> Option<Vec<SocketAddr>> {
    // The keeper lives in the network namespace that its container shares.
    let Some(Keeper::Pid(pid)) = folder.keeper() else { return None };
    let read = |name: &str| std::fs::read_to_string(format!("/proc/{pid}/net/{name}"));
    let mut all = table(&read("tcp").ok()?);
    all.extend(table(&read("tcp6").unwrap_or_default()));
    all.sort();
    all.dedup();
    Some(all)
}

fn table(text: &str) -> Vec<SocketAddr> {
    text.lines().skip(1).take(ROWS).filter_map(row).collect()
}

/// `0: 0100007F:1F90 00000000:0000 0A …`
fn row(line: &str) -> Option<SocketAddr> {
    let mut words = line.split_ascii_whitespace().skip(1);
    let (local, _, state) = (words.next()?, words.next()?, words.next()?);
    if state != LISTEN {
        return None;
    }
    let (address, port) = local.split_once(':')?;
    // Words of four bytes, each written as a number of this machine.
    let bytes = hex::decode(address).ok()?;
    let network: Vec<u8> = bytes
        .chunks_exact(4)
        .flat_map(|word| u32::from_be_bytes([word[0], word[1], word[2], word[3]]).to_ne_bytes())
        .collect();
    let address = match network.len() {
        4 => IpAddr::from(Ipv4Addr::from(<[u8; 4]>::try_from(network).ok()?)),
        16 => IpAddr::from(Ipv6Addr::from(<[u8; 16]>::try_from(network).ok()?)),
        _ => return None,
    };
    Some(SocketAddr::new(address, u16::from_str_radix(port, 16).ok()?))
}

#[cfg(test)]
mod tests {
    use super::table;

    #[test]
    fn only_listeners_are_found() {
        let text = "  sl  local_address rem_address   st\n\
            0: 0100007F:1388 00000000:0000 0A 00000000:00000000\n\
            1: 00000000:1F90 00000000:0000 0A 00000000:00000000\n\
            2: 0100007F:1388 0100007F:C350 01 00000000:00000000\n\
            3: 00000000000000000000000001000000:0050 00000000000000000000000000000000:0000 0A 0\n\
            nonsense";
        if cfg!(target_endian = "little") {
            let found: Vec<String> = table(text).iter().map(ToString::to_string).collect();
            assert_eq!(found, ["127.0.0.1:5000", "0.0.0.0:8080", "[::1]:80"]);
        }
    }
}
