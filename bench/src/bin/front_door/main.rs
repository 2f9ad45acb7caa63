//! The front door beside nginx: both proxy the same small application, with an access log, on the same cores as the
//! application and the load generator. Prints requests per second and the 99th percentile of each round, and the ratios
//! of the medians.
//!
//! `front_door [--seconds N] [--rounds N] [--connections N]`; needs `wrk` and `nginx` (Debian's packages).

#![expect(clippy::print_stdout, reason = "figures are this program's output")]

mod application;
mod parts;
mod wrk;

use parts::Parts;
use std::error::Error;
use wrk::Figures;

/// Application host name in the table and in every request.
const HOST: &str = "bench.apps.localhost";

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        // The children are this program, too, so that one build measures one thing.
        ["application", address] => application::serve(address),
        ["router", listen, folder, backend] => parts::route(listen, folder.as_ref(), backend),
        options => compare(options),
    }
}

fn option(options: &[&str], name: &str, default: u32) -> Result<u32, Box<dyn Error>> {
    match options.iter().position(|option| *option == name) {
        Some(at) => Ok(options.get(at + 1).ok_or_else(|| format!("{name} needs a number"))?.parse()?),
        None => Ok(default),
    }
}

fn compare(options: &[&str]) -> Result<(), Box<dyn Error>> {
    let (seconds, rounds) = (option(options, "--seconds", 8)?, option(options, "--rounds", 5)?);
    let connections = option(options, "--connections", 64)?;
    let parts = Parts::start()?;
    let mut nginx = Vec::new();
    let mut router = Vec::new();
    // Warm both, unmeasured.
    wrk::run(&parts.nginx, connections, 2)?;
    wrk::run(&parts.router, connections, 2)?;
    println!(
        "{connections} connections, {rounds} rounds of {seconds} s, {} cores",
        std::thread::available_parallelism()?
    );
    for round in 1..=rounds {
        // Side by side in time, and each first in turn, so that a disturbance meets both.
        for first in [true, false] {
            let ours = first == (round % 2 == 0);
            let (name, address, figures) =
                if ours { ("router", &parts.router, &mut router) } else { ("nginx", &parts.nginx, &mut nginx) };
            let measured = wrk::run(address, connections, seconds)?;
            println!("round {round}  {name:<7} {measured}");
            figures.push(measured);
        }
    }
    let (nginx, router) = (Figures::median(nginx), Figures::median(router));
    println!("median   nginx   {nginx}\nmedian   router  {router}");
    println!("router's resident memory under load: {} KiB", parts.router_memory()?);
    println!(
        "router / nginx: requests/s {:.2} (to reach: at least 0.90), p99 {:.2}",
        router.requests / nginx.requests,
        router.p99_ms / nginx.p99_ms
    );
    Ok(())
}
