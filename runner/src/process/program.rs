//! A program that may be run: found once, when the worker starts.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::config::{PayloadBy, ProgramConfig, ProgramLimits};

/// A program, where it is, and how it is called.
#[derive(Debug)]
pub(crate) struct Program {
    /// From the root: what PATH says later changes nothing.
    pub(crate) path: PathBuf,
    pub(crate) arguments: Vec<String>,
    pub(crate) folder: Option<PathBuf>,
    pub(crate) payload: PayloadBy,
    /// All the variables that it gets, beside those that name the task.
    pub(crate) variables: BTreeMap<String, OsString>,
    pub(crate) limits: ProgramLimits,
}

impl Program {
    /// Finds the program.
    ///
    /// Errors: it is not there or cannot be run; a folder that is none.
    pub(crate) fn find(config: &ProgramConfig) -> Result<Self, String> {
        let (name, arguments) = config.command.split_first().ok_or("names no program")?;
        let folder = config.folder.as_deref().map(existing_folder).transpose()?;
        let passed = config.environment.iter().filter_map(|name| {
            let value = std::env::var_os(name)?;
            Some((name.clone(), value))
        });
        let given = config.variables.iter();
        let given = given.map(|(name, value)| (name.clone(), OsString::from(value)));
        Ok(Program {
            path: locate(name)?,
            arguments: arguments.to_vec(),
            folder,
            payload: config.payload,
            variables: passed.chain(given).collect(),
            limits: config.limits.clone(),
        })
    }
}

fn locate(name: &str) -> Result<PathBuf, String> {
    let found = if name.contains('/') {
        // Not resolved further: a program may look at the name by which it was called.
        std::path::absolute(name).ok().filter(|path| is_program(path))
    } else {
        let folders = std::env::var_os("PATH").unwrap_or_default();
        let paths = std::env::split_paths(&folders).map(|folder| folder.join(name));
        paths
            .filter(|path| path.is_absolute())
            .find(|path| is_program(path))
    };
    found.ok_or_else(|| format!("there is no program {name}"))
}

fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    path.metadata()
        .is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

fn existing_folder(path: &Path) -> Result<PathBuf, String> {
    path.canonicalize()
        .ok()
        .filter(|path| path.is_dir())
        .ok_or_else(|| format!("there is no folder {}", path.display()))
}
