//! The job: answers each call with a few bytes, and does as little as can be. A thread a connection.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

pub const BODY: &str = "{\"sum\":42}";

/// Serves until killed.
pub fn serve(address: &str) {
    let stamp = std::env::var("JOB_DEPLOYMENT_TIMESTAMP").unwrap_or_default();
    let listener = TcpListener::bind(address).expect("the port is free");
    for stream in listener.incoming().flatten() {
        let stamp = stamp.clone();
        // Whoever goes away ends only their own thread.
        std::thread::spawn(move || answer(stream, &stamp));
    }
}

fn answer(mut stream: TcpStream, stamp: &str) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let usual = response(BODY);
    let live = response(&format!("{{\"live\":true,\"deployment_timestamp\":\"{stamp}\"}}"));
    let (mut bytes, mut piece) = (Vec::with_capacity(4096), [0; 4096]);
    loop {
        let read = stream.read(&mut piece)?;
        if read == 0 {
            return Ok(());
        }
        bytes.extend_from_slice(&piece[..read]);
        while let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
            let whole = end + 4 + length.unwrap_or(0);
            if bytes.len() < whole {
                break;
            }
            let asks_for_life =
                head.lines().next().is_some_and(|line| line.contains("/live ") || line.contains("/ready "));
            stream.write_all(if asks_for_life { live.as_bytes() } else { usual.as_bytes() })?;
            bytes.drain(..whole);
        }
    }
}

fn response(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}
