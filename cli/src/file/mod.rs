//! `baton.toml`: one file for the server's settings, its handlers, and what it declares.
//!
//! Reading order: [`BatonFile`] (what is in it), `mistakes` (how what is wrong is told), `parts` (the tables that serde
//! reads), `declared` (the tables that are messages of the contract), `tree` (places in the file), `check` (the command).

mod check;
mod declared;
mod mistakes;
mod parts;
mod tree;
mod words;

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::Context;
use baton_runner::RunnerConfig;
use baton_server::api::Declarations;
use toml::de::DeTable;

pub(crate) use check::{CheckArgs, check};
use mistakes::{Mistake, Mistakes};

/// Read where nothing else is named, if it is there.
pub(crate) const DEFAULT_FILE: &str = "baton.toml";

/// A file that was read and understood.
#[derive(Debug, Default)]
pub(crate) struct BatonFile {
    /// The server's settings, as TOML.
    pub(crate) server: String,
    /// What does tasks, and how.
    pub(crate) runner: RunnerConfig,
    /// What is to be there; `None` where there is no file, which declares nothing and takes nothing back.
    pub(crate) declared: Option<Declarations>,
}

impl BatonFile {
    /// Reads the file that is named, else the one of this folder, where there is one.
    ///
    /// Errors: it cannot be read, or everything that is wrong with it.
    pub(crate) fn read(named: Option<&Path>) -> anyhow::Result<Self> {
        let path = named.unwrap_or(Path::new(DEFAULT_FILE));
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if named.is_none() && error.kind() == ErrorKind::NotFound => {
                return Ok(Self::default());
            }
            Err(error) => {
                return Err(error).with_context(|| format!("cannot read {}", path.display()));
            }
        };
        Ok(Self::understand(&text).map_err(|found| Mistakes::new(path, &text, found))?)
    }

    fn understand(text: &str) -> Result<Self, Vec<Mistake>> {
        let (root, broken) = DeTable::parse_recoverable(text);
        if !broken.is_empty() {
            return Err(broken.iter().map(Mistake::of_syntax).collect());
        }
        let root = root.into_inner();
        let mut found = Vec::new();
        parts::check(&root, &mut found);
        let declared = declared::read(&root, &mut found);
        if !found.is_empty() {
            return Err(found);
        }
        // Each part of it was read alone; what goes wrong now has no better place than the file.
        let whole = |error: toml::de::Error| vec![Mistake::of_syntax(&error)];
        let runner: RunnerConfig = toml::from_str(text).map_err(whole)?;
        let wrong = runner.mistakes();
        if !wrong.is_empty() {
            let told = wrong.into_iter().map(|mistake| {
                let at = tree::dotted(&root, &mistake.path);
                Mistake::new(at, mistake.path, mistake.message)
            });
            return Err(told.collect());
        }
        let mut server: toml::Table = toml::from_str(text).map_err(whole)?;
        server.retain(|table, _| !parts::is_foreign(table));
        let server = toml::to_string(&server)
            .map_err(|error| vec![Mistake::new(None, String::new(), error.to_string())])?;
        Ok(Self {
            server,
            runner,
            declared: Some(declared),
        })
    }
}

/// The path that messages name.
fn shown(named: Option<&Path>) -> PathBuf {
    named.unwrap_or(Path::new(DEFAULT_FILE)).to_owned()
}

#[cfg(test)]
mod tests;
