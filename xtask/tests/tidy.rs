//! The checkout keeps the project's own rules.

#[test]
fn the_checkout_is_tidy() {
    xtask::tidy::run().unwrap();
}
