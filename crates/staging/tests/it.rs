//! Everything of this crate, from its outside.
mod it {
    mod archive;
}
