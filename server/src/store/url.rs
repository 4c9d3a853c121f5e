//! Which database: a file, or a PostgreSQL by its URL.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use super::StoreError;
use super::dialect::postgres;

/// Where the tasks are kept.
#[derive(Clone, PartialEq, Eq)]
pub enum DatabaseUrl {
    /// `sqlite:<path>`: one file, and beside it `-wal`, `-shm` and `.lock`.
    Sqlite(PathBuf),
    /// `postgres://...`, as libpq takes it: a database that any number of processes share. May hold a password.
    Postgres(String),
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => f.debug_tuple("Sqlite").field(path).finish(),
            Self::Postgres(_) => f.write_str("Postgres(..)"),
        }
    }
}

impl FromStr for DatabaseUrl {
    type Err = StoreError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once(':') {
            Some(("sqlite", path)) if !path.is_empty() && !path.contains(":memory:") => Ok(Self::Sqlite(
                PathBuf::from(path.strip_prefix("//").unwrap_or(path)),
            )),
            Some(("postgres" | "postgresql", _)) => {
                // The text may hold a password: it is not repeated.
                let wrong = |error| StoreError::Url(format!("it is not a URL of PostgreSQL: {error}"));
                check_parameters(text)?;
                postgres::options(text).map_err(wrong)?;
                Ok(Self::Postgres(text.to_owned()))
            }
            Some((kind, _)) => Err(StoreError::Url(format!(
                "{kind:?} is no kind of database; give sqlite:<path of a file> or postgres://<user>@<host>/<database>"
            ))),
            None => Err(StoreError::Url(format!(
                "{text:?} is neither sqlite:<path of a file> nor postgres://<user>@<host>/<database>"
            ))),
        }
    }
}

/// Refuses parameters that the driver does not know and would pass over: a `sslmode` that is spelled in another way protects
/// nothing. What they say is not repeated: it may be a password.
fn check_parameters(url: &str) -> Result<(), StoreError> {
    let query = url.split_once('?').map_or("", |(_, query)| query);
    let query = query.split_once('#').map_or(query, |(query, _)| query);
    let names = query.split('&').filter(|pair| !pair.is_empty());
    for name in names.map(|pair| pair.split_once('=').map_or(pair, |(name, _)| name)) {
        if !postgres::PARAMETERS.contains(&name) && !name.starts_with("options[") {
            let known = postgres::PARAMETERS.join(", ");
            return Err(StoreError::Url(format!(
                "the URL has the parameter {name:?}, which is not known: allowed are {known}"
            )));
        }
    }
    Ok(())
}
