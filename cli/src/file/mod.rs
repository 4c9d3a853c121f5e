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
use std::ops::Range;
use std::path::{Path, PathBuf};

use anyhow::Context;
use baton_runner::RunnerConfig;
use baton_server::Config;
use baton_server::api::{Declarations, DeclaredTypes, judge_webhook};
use baton_server::config::UnknownTypes;
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
    /// The file itself, and where it is.
    text: String,
    path: PathBuf,
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
        let file = Self::understand(&text).map_err(|found| Mistakes::new(path, &text, found))?;
        Ok(Self {
            path: path.to_owned(),
            ..file
        })
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
            text: text.to_owned(),
            path: PathBuf::new(),
        })
    }

    /// Judges what the file declares by the settings, which may stand elsewhere too.
    ///
    /// Errors: everything that they do not allow.
    pub(crate) fn judge(&self, config: &Config) -> Result<(), Mistakes> {
        let declared = self.declared.iter().flat_map(|declared| &declared.webhooks);
        let found = declared.filter_map(|declared| {
            let refusal = judge_webhook(config.webhook_rules, &declared.webhook).err()?;
            let path = format!("webhooks.{}.url", declared.webhook.name);
            let what = refusal
                .violations()
                .next()
                .map_or(refusal.message(), |(_, what)| what);
            Some(Mistake::new(self.place(&path), path, what))
        });
        self.refuse(found.collect())
    }

    /// Says which settings of the file cannot be used. Others are not its business.
    ///
    /// Errors: all of them.
    pub(crate) fn judge_settings(&self, config: &Config) -> Result<(), Mistakes> {
        let violations = config.validate().err().map(|error| error.violations);
        let found = violations.into_iter().flatten().filter_map(|violation| {
            let at = self.place(violation.setting)?;
            Some(Mistake::new(Some(at), violation.setting, violation.message))
        });
        self.refuse(found.collect())
    }

    fn refuse(&self, found: Vec<Mistake>) -> Result<(), Mistakes> {
        if found.is_empty() {
            return Ok(());
        }
        Err(self.told(found))
    }

    /// These mistakes, with their lines.
    fn told(&self, found: Vec<Mistake>) -> Mistakes {
        Mistakes::new(&self.path, &self.text, found)
    }

    /// What only the server that starts can know: whether calls have registered the types that schedules name and the file
    /// does not declare, where no others are allowed.
    fn doubts(&self, config: &Config) -> Vec<Mistake> {
        let Some(Declarations {
            task_types,
            schedules,
            ..
        }) = &self.declared
        else {
            return Vec::new();
        };
        if config.unknown_types == UnknownTypes::Allow {
            return Vec::new();
        }
        let known = DeclaredTypes::read(task_types);
        let doubtful = schedules.iter().map(|declared| &declared.schedule);
        let doubtful = doubtful.filter(|schedule| !known.know(schedule));
        let doubt = |schedule: &baton_client::proto::Schedule| {
            let path = format!("schedules.{}.task.type", schedule.name);
            let what = "is not declared here, and unknown_types is refuse: the server starts if it is registered already";
            Mistake::new(self.place(&path), path, what)
        };
        doubtful.map(doubt).collect()
    }

    /// Where a path of names leads.
    fn place(&self, path: &str) -> Option<Range<usize>> {
        let root = DeTable::parse(&self.text).ok()?;
        tree::dotted(root.get_ref(), path)
    }
}

#[cfg(test)]
mod tests;
