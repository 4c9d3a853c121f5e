//! What is wrong with a file, each with its line and column.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mistake {
    /// Bytes of the file.
    at: Option<Range<usize>>,
    /// Which setting: `schedules.nightly.cron`. Empty for the file itself.
    path: String,
    what: String,
}

impl Mistake {
    pub(super) fn new(at: Option<Range<usize>>, path: impl Into<String>, what: impl Into<String>) -> Self {
        Self {
            at,
            path: path.into(),
            what: what.into(),
        }
    }

    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// The file is no TOML.
    pub(super) fn of_syntax(error: &toml::de::Error) -> Self {
        Self::new(error.span(), "", error.message())
    }
}

/// All that is wrong with one file.
#[derive(Clone, Debug)]
pub(crate) struct Mistakes {
    path: PathBuf,
    /// With lines and columns from 1, in the order of the file.
    told: Vec<(Option<(usize, usize)>, Mistake)>,
}

impl Mistakes {
    pub(super) fn new(path: &Path, text: &str, mut found: Vec<Mistake>) -> Self {
        found.sort_by_key(|mistake| mistake.at.as_ref().map_or(usize::MAX, |at| at.start));
        found.dedup();
        let told = found.into_iter().map(|mistake| {
            let place = mistake.at.as_ref().map(|at| place(text, at.start));
            (place, mistake)
        });
        Self {
            path: path.to_owned(),
            told: told.collect(),
        }
    }
}

/// Line and column of a byte, both from 1; columns count characters.
fn place(text: &str, byte: usize) -> (usize, usize) {
    let before = text.get(..byte).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, |rest| rest.chars().count()) + 1;
    (line, column)
}

impl std::error::Error for Mistakes {}

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = self.path.display();
        for (index, (place, Mistake { path, what, .. })) in self.told.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            match place {
                Some((line, column)) => write!(f, "{file}:{line}:{column}: ")?,
                None => write!(f, "{file}: ")?,
            }
            if !path.is_empty() {
                write!(f, "{path}: ")?;
            }
            f.write_str(what)?;
        }
        Ok(())
    }
}
