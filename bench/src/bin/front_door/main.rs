//! The front door beside nginx: both proxy the same small application, with as many workers, kept connections on both sides
//! and an access log of the same words, on the same cores as the application and the load generator.
//!
//! Short runs take turns, each first in every other pair, so that what disturbs one disturbs the other; what counts is the
//! median of the pairs' ratios.
//!
//! `front_door [--seconds N] [--pairs N] [--connections N]`; needs `wrk` and `nginx` (Debian's packages).
//! `front_door cost [FILE]` counts instructions instead, with `valgrind`; callgrind's output goes to the file.

#![expect(clippy::print_stdout, reason = "figures are this program's output")]

mod application;
mod cost;
mod parts;
mod wrk;

use bench::{median, row};
use parts::Parts;
use std::error::Error;
use std::time::Duration;
use wrk::Figures;

/// Application host name in the table and in every request.
const HOST: &str = "bench.apps.localhost";

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        // The children are this program, too, so that one build measures one thing.
        ["application", address] => application::serve(address),
        ["router", listen, folder, backend, workers] => {
            parts::route(listen, folder.as_ref(), backend, workers.parse()?)
        }
        ["cost"] => cost::print(None),
        ["cost", file] => cost::print(Some(file.as_ref())),
        options => compare(options),
    }
}

fn option(options: &[&str], name: &str, default: u32) -> Result<u32, Box<dyn Error>> {
    match options.iter().position(|option| *option == name) {
        Some(at) => Ok(options.get(at + 1).ok_or_else(|| format!("{name} needs a number"))?.parse()?),
        None => Ok(default),
    }
}

/// nginx, the router, and what a request cost each in processor time, µs.
type Pair = (Figures, Figures, (f64, f64));

fn compare(options: &[&str]) -> Result<(), Box<dyn Error>> {
    let (seconds, pairs) = (option(options, "--seconds", 3)?, option(options, "--pairs", 15)?);
    let connections = option(options, "--connections", 64)?;
    let cores = std::thread::available_parallelism()?.get();
    let parts = Parts::start(cores)?;
    // Warm both, unmeasured.
    wrk::run(&parts.nginx, connections, 2)?;
    wrk::run(&parts.router, connections, 2)?;
    println!("{connections} connections, {pairs} pairs of runs of {seconds} s, {cores} workers each");
    let mut measured = Vec::new();
    for pair in 0..pairs {
        let run = |address| wrk::run(address, connections, seconds);
        let before = parts.processor_time()?;
        let (nginx, router) = if pair % 2 == 0 {
            let nginx = run(&parts.nginx)?;
            (nginx, run(&parts.router)?)
        } else {
            let router = run(&parts.router)?;
            (run(&parts.nginx)?, router)
        };
        let after = parts.processor_time()?;
        let cost = |time: Duration, run: &Figures| time.as_secs_f64() * 1e6 / (run.requests * f64::from(seconds));
        let costs = (cost(after.0 - before.0, &nginx), cost(after.1 - before.1, &router));
        let ratio = router.requests / nginx.requests;
        println!(
            "pair {:>2}  nginx {nginx} {:>4.1} µs   router {router} {:>4.1} µs   router / nginx {ratio:.2}",
            pair + 1,
            costs.0,
            costs.1
        );
        measured.push((nginx, router, costs));
    }
    let of = |pick: &dyn Fn(&Pair) -> f64| median(measured.iter().map(pick).collect());
    let (nginx, router) = (of(&|pair| pair.0.requests), of(&|pair| pair.1.requests));
    let (nginx_p99, router_p99) = (of(&|pair| pair.0.p99_ms), of(&|pair| pair.1.p99_ms));
    let requests = of(&|pair| pair.1.requests / pair.0.requests);
    let p99 = of(&|pair| pair.1.p99_ms / pair.0.p99_ms);
    println!("router's resident memory under load: {} KiB", parts.router_memory()?);
    row(
        "front door, requests/s to a small app (median of pairs)",
        &format!("nginx, same app: {nginx:.0}/s"),
        &format!("{router:.0}/s, {requests:.2} ×"),
        "≥ 0.9 ×",
    );
    row("front door, p99", &format!("nginx: {nginx_p99:.1} ms"), &format!("{router_p99:.1} ms, {p99:.2} ×"), "–");
    let (nginx, router) = (of(&|pair| pair.2.0), of(&|pair| pair.2.1));
    row(
        "front door, processor time a request",
        &format!("nginx: {nginx:.1} µs"),
        &format!("{router:.1} µs, {:.2} ×", of(&|pair| pair.2.1 / pair.2.0)),
        "–",
    );
    Ok(())
}
