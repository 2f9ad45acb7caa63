//! The store from outside.

mod it {
    mod blobs;
    mod secrets;
}
