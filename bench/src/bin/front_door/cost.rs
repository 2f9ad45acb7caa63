//! The steady measure: instructions of user space per request, counted by valgrind, for the router and for nginx. Says
//! nothing of the kernel's part and of caches, but is the same on a busy machine.

use crate::HOST;
use crate::parts::{self, Parts};
use std::error::Error;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::Child;
use std::time::{Duration, Instant};

/// Clients that ask at the same time, as behind one wake-up of a busy proxy.
const CLIENTS: usize = 16;
/// Requests of each client in the short and in the long run; their difference is what is counted.
const SHORT: usize = 100;
const LONG: usize = 600;

/// Prints the instructions of both. `keep`: where to leave callgrind's output of the router's long run, to look into.
pub fn print(keep: Option<&Path>) -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let application = parts::free_addresses::<1>()?[0].clone();
    let this = std::env::current_exe()?.to_string_lossy().into_owned();
    let mut app = parts::child(&this, &["application", &application])?;
    let result = compare(folder.path(), &this, &application, keep);
    app.kill()?;
    app.wait()?;
    result
}

fn compare(folder: &Path, this: &str, application: &str, keep: Option<&Path>) -> Result<(), Box<dyn Error>> {
    for name in ["nginx", "router"] {
        let mut counts = Vec::new();
        for requests in [SHORT, LONG] {
            let listen = parts::free_addresses::<1>()?[0].clone();
            let path = folder.join(format!("{name}{requests}"));
            std::fs::create_dir(&path)?;
            let text = path.to_string_lossy().into_owned();
            let out = path.join("callgrind");
            let mut words = vec!["--tool=callgrind".to_owned(), format!("--callgrind-out-file={}", out.display())];
            let own: Vec<&str> = if name == "nginx" {
                let config = format!("master_process off;\n{}", Parts::config(&path, &listen, application, 1));
                std::fs::write(path.join("nginx.conf"), config)?;
                vec!["nginx", "-p", &text, "-c", "nginx.conf", "-e", "error.log"]
            } else {
                vec![this, "router", &listen, &text, application, "1"]
            };
            words.extend(own.iter().map(|word| (*word).to_owned()));
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            let mut proxy = parts::child("valgrind", &words)?;
            let driven = drive(&listen, requests);
            end(&mut proxy)?;
            driven?;
            counts.push(total(&out)?);
            if let (Some(keep), "router", LONG) = (keep, name, requests) {
                std::fs::copy(&out, keep)?;
            }
        }
        let each = (counts[1] - counts[0]) / ((LONG - SHORT) * CLIENTS) as u64;
        println!("{name:<7} {each:>7} instructions of user space per request");
    }
    Ok(())
}

/// All clients say their request, then all read their answer, again and again.
fn drive(address: &str, requests: usize) -> Result<(), Box<dyn Error>> {
    parts::wait_for(address, Duration::from_secs(60))?;
    let mut clients = (0..CLIENTS).map(|_| TcpStream::connect(address)).collect::<Result<Vec<_>, _>>()?;
    let request = format!("GET /hello HTTP/1.1\r\nHost: {HOST}\r\nUser-Agent: cost\r\nAccept: */*\r\n\r\n");
    let mut answer = [0; 4096];
    for _ in 0..requests {
        clients.iter_mut().try_for_each(|client| client.write_all(request.as_bytes()))?;
        for client in &mut clients {
            client.set_read_timeout(Some(Duration::from_secs(30)))?;
            let mut read = 0;
            while !answer[..read].ends_with(b"Hello, World\n") {
                match client.read(&mut answer[read..])? {
                    0 => return Err("the proxy closed a connection".into()),
                    more => read += more,
                }
            }
            if !answer.starts_with(b"HTTP/1.1 200 ") {
                return Err("an answer other than 200".into());
            }
        }
    }
    Ok(())
}

/// SIGTERM, and the end.
fn end(child: &mut Child) -> Result<(), Box<dyn Error>> {
    let id = i32::try_from(child.id())?;
    let id = rustix::process::Pid::from_raw(id).ok_or("no process")?;
    rustix::process::kill_process(id, rustix::process::Signal::TERM)?;
    let start = Instant::now();
    while child.try_wait()?.is_none() {
        if start.elapsed() > Duration::from_secs(60) {
            child.kill()?;
            return Err("it did not end within a minute".into());
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}

/// The instructions that callgrind counted.
fn total(out: &Path) -> Result<u64, Box<dyn Error>> {
    let text = std::fs::read_to_string(out)?;
    let line = text.lines().find_map(|line| line.strip_prefix("summary: ").or_else(|| line.strip_prefix("totals: ")));
    Ok(line.ok_or("callgrind says no sum")?.trim().parse()?)
}
