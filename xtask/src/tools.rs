//! External tools: where they are, and how to get them.
//!
//! Nothing here is needed to build or run Baton. A test that wants a tool skips where it is missing, but never in CI.

use std::path::{Path, PathBuf};

use anyhow::bail;

use crate::run;

/// A program that checks and tests use if it is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tool {
    /// Lints, formats and compares the proto files.
    Buf,
    /// Checks licences and duplicates among the dependencies.
    CargoDeny,
    /// Drives the fuzz targets.
    CargoFuzz,
    /// Calls a gRPC server from the command line, as our users do.
    Grpcurl,
}

impl Tool {
    /// All of them.
    pub const ALL: [Tool; 4] = [Tool::Buf, Tool::CargoDeny, Tool::CargoFuzz, Tool::Grpcurl];

    /// The file name of the program.
    pub fn program(self) -> &'static str {
        match self {
            Tool::Buf => "buf",
            Tool::CargoDeny => "cargo-deny",
            Tool::CargoFuzz => "cargo-fuzz",
            Tool::Grpcurl => "grpcurl",
        }
    }

    /// The environment variable that names the program's path and comes before all other places.
    pub fn variable(self) -> &'static str {
        match self {
            Tool::Buf => "BATON_BUF",
            Tool::CargoDeny => "BATON_CARGO_DENY",
            Tool::CargoFuzz => "BATON_CARGO_FUZZ",
            Tool::Grpcurl => "BATON_GRPCURL",
        }
    }
}

/// Finds `tool`: in its environment variable, among what `cargo xtask tools` installed, on the PATH, in this order.
pub fn find(tool: Tool) -> Option<PathBuf> {
    if let Some(path) = std::env::var_os(tool.variable()) {
        return Some(path.into());
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::iter::once(venv().join("bin")).chain(std::env::split_paths(&path));
    folders
        .map(|folder| folder.join(tool.program()))
        .find(|file| file.is_file())
}

/// Like [`find`], for a test or check that can do without: says loudly that it is skipped and answers `None`.
///
/// Errors: the tool is missing and `CI` is `true`, where nothing may be skipped.
pub fn find_or_skip(tool: Tool) -> anyhow::Result<Option<PathBuf>> {
    let found = find(tool);
    if found.is_none() {
        let program = tool.program();
        if std::env::var_os("CI").is_some_and(|ci| ci == "true") {
            bail!("{program} is missing; in CI nothing may be skipped. `cargo xtask tools` installs it");
        }
        eprintln!("!!! SKIPPED: {program} is missing; `cargo xtask tools` installs it");
    }
    Ok(found)
}

/// Installs the tools pinned in `xtask/tools.txt`, unless they are there already. Needs Python 3.
pub fn install() -> anyhow::Result<()> {
    let wanted = crate::root().join("xtask/tools.txt");
    let venv = venv();
    let installed = venv.join("installed.txt");
    if read(&installed) != read(&wanted) {
        run::command(run::in_root("python3").args(["-m", "venv", "--clear"]).arg(&venv))?;
        run::command(
            run::in_root(venv.join("bin/python"))
                .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
                .args(["--no-deps", "--require-hashes", "--requirement"])
                .arg(&wanted),
        )?;
        std::fs::copy(&wanted, &installed)?;
    }
    for tool in Tool::ALL {
        match find(tool) {
            Some(path) => eprintln!("    {:<10} {}", tool.program(), path.display()),
            None => eprintln!(
                "!!! {:<10} is not packaged for this machine: install it by hand",
                tool.program()
            ),
        }
    }
    Ok(())
}

fn venv() -> PathBuf {
    crate::target_dir().join("tools")
}

fn read(file: &Path) -> Option<Vec<u8>> {
    std::fs::read(file).ok()
}
