//! The project's own commands: what `cargo xtask` runs, and the tool finder that tests share with it.

pub mod buf;
pub mod check;
pub mod faults;
pub mod fuzz;
pub mod run;
pub mod sim;
pub mod test;
pub mod tidy;
pub mod tools;

use std::path::PathBuf;

/// The root folder of the checkout, found from the package that cargo runs or else from the working folder.
///
/// Not fixed when this crate is compiled: cargo does not compile again when a checkout moves or shares a target folder,
/// and the rules would then be held against another checkout.
pub fn root() -> PathBuf {
    let start = std::env::var_os("CARGO_MANIFEST_DIR")
        .map(PathBuf::from)
        .or_else(|| std::env::current_dir().ok());
    let start = start.expect("cargo names its package's folder");
    let root = start
        .ancestors()
        .find(|folder| folder.join("xtask/Cargo.toml").is_file());
    root.expect("the working folder lies in a checkout of Baton")
        .to_path_buf()
}

/// The folder cargo builds into.
pub fn target_dir() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(dir) => root().join(dir),
        None => root().join("target"),
    }
}
