//! The project's own commands: what `cargo xtask` runs, and the tool finder that tests share with it.

pub mod buf;
pub mod check;
pub mod fuzz;
pub mod run;
pub mod test;
pub mod tidy;
pub mod tools;

use std::path::{Path, PathBuf};

/// The root folder of the checkout this crate was compiled in.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("this crate has a folder of its own in the workspace")
}

/// The folder cargo builds into.
pub fn target_dir() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(dir) => root().join(dir),
        None => root().join("target"),
    }
}
