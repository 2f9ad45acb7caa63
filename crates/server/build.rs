//! The pages are embedded: built anew, they are embedded anew.

fn main() {
    println!("cargo::rerun-if-changed=../../ui/dist");
}
