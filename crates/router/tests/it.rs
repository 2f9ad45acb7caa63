//! Conversations with a running router.

mod it {
    mod house;
    mod routing;
}
