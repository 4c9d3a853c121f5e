//! The project's own rules, the ones that no other tool knows: who may name what, how long a file may be, what is never
//! committed, which links must lead somewhere, which names must exist.

mod deploy;
mod faults;
mod files;
mod layering;
mod markdown;
mod rust;
mod source;

use std::fmt;
use std::path::Path;

use anyhow::bail;

pub use files::File;

/// A place that breaks a rule.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Violation {
    /// Path from the root, with slashes.
    pub path: String,
    /// Counted from 1; 0 where the whole file is meant.
    pub line: usize,
    /// What is wrong and what to do instead.
    pub message: String,
}

impl Violation {
    fn new(file: &File, line: usize, message: impl Into<String>) -> Self {
        Violation {
            path: file.path.clone(),
            line,
            message: message.into(),
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Violation { path, line, message } = self;
        match line {
            0 => write!(f, "{path}: {message}"),
            line => write!(f, "{path}:{line}: {message}"),
        }
    }
}

/// Prints what breaks a rule in the checkout, and fails if anything does. Files that come near the size limit are only named.
pub fn run() -> anyhow::Result<()> {
    let root = crate::root();
    let files = files::read(&root)?;
    for file in files.iter().filter(|file| files::is_long(file)) {
        eprintln!(
            "    note: {}: {} lines; the aim is {}",
            file.path,
            file.lines(),
            files::AIM_LINES
        );
    }
    let violations = examine(&root, &files)?;
    for violation in &violations {
        eprintln!("    {violation}");
    }
    if !violations.is_empty() {
        bail!("{} places break the project's rules", violations.len());
    }
    Ok(())
}

/// All violations in `files`, in the order of their places. `root` answers whether a link leads to something.
pub fn examine(root: &Path, files: &[File]) -> anyhow::Result<Vec<Violation>> {
    let mut violations = files::check(files);
    violations.extend(markdown::check(root, files));
    violations.extend(deploy::check(files));
    violations.extend(faults::check(files));
    for file in files.iter().filter(|file| file.is_rust()) {
        let source = source::Source::parse(file)?;
        violations.extend(rust::check(file, &source));
        violations.extend(layering::check(file, &source));
    }
    violations.sort();
    Ok(violations)
}
