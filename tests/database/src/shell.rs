//! A connection beside the server: looks at rows, spoils them, and stands in the way.

use std::path::Path;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, SqliteConnection};

/// A connection to a test's database. Statements are SQL that both databases know; bytes are written `x'00ff'`.
#[derive(Debug)]
pub enum Shell {
    /// To a file.
    Sqlite(SqliteConnection),
    /// To a database of PostgreSQL.
    Postgres(PgConnection),
}

/// Does the same over either connection.
macro_rules! over {
    ($shell:expr, $connection:ident => $work:expr) => {
        match $shell {
            Shell::Sqlite($connection) => $work,
            Shell::Postgres($connection) => $work,
        }
    };
}

impl Shell {
    /// To a file, which is made to `create`.
    pub async fn of_file(file: &Path, create: bool) -> Self {
        let options = SqliteConnectOptions::new()
            .filename(file)
            .create_if_missing(create);
        let connection = SqliteConnection::connect_with(&options).await;
        Self::Sqlite(connection.expect("the file opens"))
    }

    /// To the database of that URL.
    pub async fn of_postgres(url: &str) -> Self {
        let connection = PgConnection::connect(url).await;
        Self::Postgres(connection.expect("PostgreSQL answers"))
    }

    /// Runs statements; answers how many rows they changed.
    pub async fn run(&mut self, text: &str) -> u64 {
        let text = self.spelled(text);
        let query = sqlx::raw_sql(AssertSqlSafe(text.clone()));
        let done =
            over!(self, connection => query.execute(connection).await.map(|done| done.rows_affected()));
        done.unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    /// As [`Self::run`], of one statement in which `?` stands for `bytes`.
    pub async fn write(&mut self, text: &str, bytes: &[u8]) -> u64 {
        let text = self.spelled(text);
        let done = match self {
            Self::Sqlite(connection) => {
                let query = sqlx::query(AssertSqlSafe(text.clone())).bind(bytes);
                query.execute(connection).await.map(|done| done.rows_affected())
            }
            Self::Postgres(connection) => {
                let query = sqlx::query(AssertSqlSafe(text.replace('?', "$1"))).bind(bytes);
                query.execute(connection).await.map(|done| done.rows_affected())
            }
        };
        done.unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    /// The one number that a query answers.
    pub async fn number(&mut self, text: &'static str) -> i64 {
        let answer = over!(self, connection => sqlx::query_scalar(text).fetch_one(connection).await);
        answer.unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    /// The text that a query answers.
    pub async fn text(&mut self, text: &'static str) -> String {
        let answer = over!(self, connection => sqlx::query_scalar(text).fetch_one(connection).await);
        answer.unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    /// Every text that a query answers.
    pub async fn texts(&mut self, text: &str) -> Vec<String> {
        let safe = AssertSqlSafe(text.to_owned());
        let answer = over!(self, connection => sqlx::query_scalar(safe).fetch_all(connection).await);
        answer.unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    /// Runs statements of the database's own kind, as they stand.
    pub async fn load(&mut self, text: &str) {
        let query = sqlx::raw_sql(AssertSqlSafe(text.to_owned()));
        let done = over!(self, connection => query.execute(connection).await.map(drop));
        done.expect("the statements are the database's own");
    }

    /// The bytes in the one row that a query answers.
    pub async fn bytes(&mut self, text: &'static str) -> Option<Vec<u8>> {
        let answer = over!(self, connection => sqlx::query_scalar(text).fetch_one(connection).await);
        answer.unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    /// From now on nobody else can write, whatever it is. Reads go on.
    pub async fn hold(&mut self) {
        let text = match self {
            Self::Sqlite(_) => "BEGIN IMMEDIATE",
            Self::Postgres(_) => {
                "BEGIN; \
                 DO $$ BEGIN EXECUTE (SELECT 'LOCK TABLE ' || string_agg(quote_ident(tablename), ', ') || ' IN EXCLUSIVE MODE' \
                 FROM pg_tables WHERE schemaname = current_schema()); END $$"
            }
        };
        self.run(text).await;
    }

    /// Ends [`Self::hold`]; nothing was changed.
    pub async fn let_go(&mut self) {
        self.run("ROLLBACK").await;
    }

    /// Makes every such write to `table` fail, as one that breaks a rule of the schema: `moment` is such as
    /// `BEFORE INSERT`, `when` what is asked of the row: `NEW.title = 'poison'`.
    pub async fn poison(&mut self, moment: &str, table: &str, when: Option<&str>) {
        let when = when.map(|when| format!("WHEN ({when})")).unwrap_or_default();
        let text = match self {
            Self::Sqlite(_) => format!(
                "CREATE TRIGGER poison_{table} {moment} ON {table} {when} BEGIN SELECT RAISE(ABORT, 'poison'); END"
            ),
            Self::Postgres(_) => format!(
                "CREATE OR REPLACE FUNCTION poison() RETURNS trigger LANGUAGE plpgsql AS \
                 $$ BEGIN RAISE EXCEPTION 'poison' USING ERRCODE = 'check_violation'; END $$; \
                 CREATE TRIGGER poison_{table} {moment} ON {table} FOR EACH ROW {when} EXECUTE FUNCTION poison()"
            ),
        };
        self.run(&text).await;
    }

    /// Takes [`Self::poison`] out of `table`.
    pub async fn cure(&mut self, table: &str) {
        let text = match self {
            Self::Sqlite(_) => format!("DROP TRIGGER poison_{table}"),
            Self::Postgres(_) => format!("DROP TRIGGER poison_{table} ON {table}"),
        };
        self.run(&text).await;
    }

    /// Ends the connection and waits until it is gone: the next who opens the file finds it alone.
    pub async fn close(self) {
        let closed = over!(self, connection => connection.close().await);
        closed.expect("the connection ends in order");
    }

    fn spelled(&self, text: &str) -> String {
        match self {
            Self::Sqlite(_) => text.to_owned(),
            Self::Postgres(_) => text.replace(" x'", " '\\x"),
        }
    }
}
