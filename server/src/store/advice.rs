//! What whoever starts a server reads where its database cannot be opened: the cause in plain words, and what to do about it.

use std::error::Error;
use std::io;

use super::StoreError;
use super::error::{driver, source};

impl StoreError {
    /// The database's own words, without those of the layers between.
    #[must_use]
    pub fn cause(&self) -> Option<String> {
        if let Some(sqlx::Error::Database(answer)) = driver(self) {
            return Some(answer.message().to_owned());
        }
        let mut cause: &dyn Error = source(self)?;
        while let Some(deeper) = cause.source() {
            cause = deeper;
        }
        Some(cause.to_string())
    }

    /// What to do, where that can be told.
    #[must_use]
    pub fn advice(&self) -> Option<&'static str> {
        match driver(self) {
            Some(sqlx::Error::Database(answer)) => by_code(&answer.code()?),
            Some(sqlx::Error::Io(_)) => Some(
                "is a PostgreSQL running at the host and port of the URL, and may this machine reach it? `pg_isready` asks it",
            ),
            Some(sqlx::Error::Tls(_)) => {
                Some("compare sslmode and sslrootcert of the URL with what the server of the database offers")
            }
            Some(sqlx::Error::Protocol(_)) => {
                Some("another program answers at the host and port of the URL: name those of PostgreSQL")
            }
            Some(_) => None,
            None => by_kind(source(self)?.downcast_ref::<io::Error>()?.kind()),
        }
    }
}

/// Of a SQLite file, its folder and its lock.
fn by_kind(kind: io::ErrorKind) -> Option<&'static str> {
    match kind {
        io::ErrorKind::PermissionDenied => Some(
            "the user that runs Baton must be able to write to the file and to its folder; --database names another place",
        ),
        io::ErrorKind::AlreadyExists | io::ErrorKind::NotADirectory => {
            Some("a file is where the path needs a folder; --database names another place")
        }
        _ => None,
    }
}

/// Codes of PostgreSQL have five characters, those of SQLite are numbers.
fn by_code(code: &str) -> Option<&'static str> {
    let advice = match code {
        // invalid_authorization_specification, invalid_password
        "28000" | "28P01" => {
            "make the role (CREATE ROLE ... LOGIN), and give its password by the URL, PGPASSWORD or a .pgpass file"
        }
        // invalid_catalog_name
        "3D000" => "make it: CREATE DATABASE <name> OWNER <user of the URL>",
        // insufficient_privilege
        "42501" => {
            "the user of the URL must be able to make tables: make the database with CREATE DATABASE <name> OWNER <user>"
        }
        // duplicate_table
        "42P07" => "something else keeps its tables there: give Baton a database of its own",
        // too_many_connections
        "53300" => "raise max_connections: docs/operations.md has the arithmetic",
        // SQLITE_READONLY, SQLITE_CANTOPEN
        "8" | "14" => {
            "the path must be that of a file, not of a folder, and the user that runs Baton must be able to write there"
        }
        // SQLITE_CORRUPT
        "11" => "the file is damaged: keep a copy of it, and restore a backup (docs/operations.md)",
        // SQLITE_NOTADB
        "26" => "that file is something else: name another by --database",
        // SQLITE_ERROR: a table that is there already
        "1" => "if something else keeps its tables in that file, name another by --database",
        _ => return None,
    };
    Some(advice)
}
