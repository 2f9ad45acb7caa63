//! Links the binary without position independence: each keeper is this program, and the pages that a loader relocates would
//! be its private memory (3 MB instead of well under one). The price: the main image is not placed at random.

fn main() {
    println!("cargo::rustc-link-arg-bins=-no-pie");
    println!("cargo::rerun-if-changed=build.rs");
}
