//! Clients that do as little as can be: a thread and a kept connection each.

use std::fmt;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// One call, ready to be sent.
pub struct Call {
    address: String,
    bytes: Vec<u8>,
}

impl Call {
    pub fn new(address: &str, path: &str, token: &str) -> Self {
        let body = r#"{"numbers":[40,2]}"#;
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: {address}\r\nX-Racetrack-Auth: {token}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        Self { address: address.to_owned(), bytes: head.into_bytes() }
    }
}

/// Microseconds.
#[derive(Debug, Clone, Copy)]
pub struct Times {
    pub p50: f64,
    pub p99: f64,
    pub calls: usize,
}

impl fmt::Display for Times {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "p50 {:>6.1} µs  p99 {:>7.1} µs  ({:>5} calls)", self.p50, self.p99, self.calls)
    }
}

/// So many clients call for so long, each with `pace` from one call's begin to the next's.
pub fn run(call: &Call, clients: u32, pace: Duration, length: Duration) -> Times {
    let start = Instant::now();
    let mut times: Vec<f64> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..clients)
            .map(|client| scope.spawn(move || one(call, pace * client / clients, pace, start + length)))
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("calls are answered")).collect()
    });
    times.sort_by(f64::total_cmp);
    let at = |part: f64| times[((times.len() - 1) as f64 * part) as usize];
    Times { p50: at(0.5), p99: at(0.99), calls: times.len() }
}

fn one(call: &Call, offset: Duration, pace: Duration, until: Instant) -> Vec<f64> {
    let mut stream = TcpStream::connect(&call.address).expect("it listens");
    stream.set_nodelay(true).expect("set");
    let (mut times, mut answer) = (Vec::new(), vec![0; 8192]);
    let mut next = Instant::now() + offset;
    while Instant::now() < until {
        std::thread::sleep(next.saturating_duration_since(Instant::now()));
        next += pace;
        let begun = Instant::now();
        stream.write_all(&call.bytes).expect("written");
        let mut read = 0;
        while !is_whole(&answer[..read]) {
            let more = stream.read(&mut answer[read..]).expect("an answer");
            assert!(more > 0, "the connection was closed: {}", String::from_utf8_lossy(&answer[..read]));
            read += more;
        }
        times.push(begun.elapsed().as_secs_f64() * 1e6);
        assert!(answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer[..read]));
    }
    times
}

/// The job's answer is its last bytes, whatever the head says.
fn is_whole(answer: &[u8]) -> bool {
    answer.ends_with(super::job::BODY.as_bytes())
}
