//! The reference of batch creates: the rows that a server wrote, written again by plain multi-row inserts.
//!
//! Same tables, same indexes, same settings of the database, one transaction a batch; no gRPC, no rules, no ids to
//! draw. The rows are in memory before the clock starts.

use std::path::Path;
use std::str::FromStr as _;
use std::time::Instant;

use anyhow::{Context as _, bail};
use sqlx::sqlite::{
    SqliteArguments, SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteRow, SqliteSynchronous,
};
use sqlx::{
    AssertSqlSafe, Column as _, ConnectOptions as _, Connection as _, Row as _, TypeInfo as _, ValueRef as _,
};

/// Tables that a batch create writes; the first has a row a task.
const TABLES: [&str; 2] = ["task", "event"];
/// What one statement may bind; SQLite's own limit is 32,766.
const BINDS_MAX: usize = 32_000;

/// The rows that a server wrote for some tasks.
pub(crate) struct Rows {
    schema: Vec<String>,
    tables: Vec<Table>,
}

struct Table {
    name: &'static str,
    columns: Vec<String>,
    rows: Vec<Vec<Cell>>,
}

#[derive(Clone, Debug, PartialEq)]
enum Cell {
    Null,
    Integer(i64),
    Real(f64),
    Text(String),
    Blob(Vec<u8>),
}

impl Rows {
    /// Reads all that stands in the database file of a server, of which this is the URL.
    ///
    /// Errors: it is no such file.
    pub(crate) async fn read(url: &str) -> anyhow::Result<Self> {
        let options = SqliteConnectOptions::from_str(url)?.read_only(true);
        let mut connection = options.connect().await?;
        let mut schema = Vec::new();
        let mut tables = Vec::new();
        for name in TABLES {
            let text = "SELECT sql FROM sqlite_master WHERE tbl_name = ? AND sql IS NOT NULL ORDER BY type = 'table' DESC";
            let mut statements: Vec<String> = sqlx::query_scalar(text)
                .bind(name)
                .fetch_all(&mut connection)
                .await?;
            schema.append(&mut statements);
            let text = format!("SELECT * FROM {name} ORDER BY rowid");
            let rows = sqlx::query(AssertSqlSafe(text))
                .fetch_all(&mut connection)
                .await?;
            let first = rows.first().with_context(|| format!("table {name} is empty"))?;
            tables.push(Table {
                name,
                columns: first
                    .columns()
                    .iter()
                    .map(|column| column.name().to_owned())
                    .collect(),
                rows: rows.iter().map(cells).collect::<anyhow::Result<_>>()?,
            });
        }
        connection.close().await?;
        Ok(Rows { schema, tables })
    }

    /// How many tasks there are.
    pub(crate) fn tasks(&self) -> usize {
        self.tables[0].rows.len()
    }

    /// Writes all rows into a new file, those of `batch` tasks a transaction. Answers tasks a second.
    ///
    /// Errors: the file cannot be made, or is there already.
    pub(crate) async fn insert(&self, file: &Path, batch: usize) -> anyhow::Result<f64> {
        let options = SqliteConnectOptions::new()
            .filename(file)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .pragma("wal_autocheckpoint", "4000")
            .pragma("cache_size", "-65536");
        let mut connection = options.connect().await?;
        for statement in &self.schema {
            sqlx::raw_sql(AssertSqlSafe(statement.as_str()))
                .execute(&mut connection)
                .await?;
        }
        let batches = self.tasks().div_ceil(batch);
        let started = Instant::now();
        for number in 0..batches {
            let mut transaction = connection.begin().await?;
            for table in &self.tables {
                let size = table.rows.len().div_ceil(batches);
                if let Some(rows) = table.rows.chunks(size).nth(number) {
                    table.insert(rows, &mut transaction).await?;
                }
            }
            transaction.commit().await?;
        }
        let seconds = started.elapsed().as_secs_f64();
        connection.close().await?;
        #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
        Ok(self.tasks() as f64 / seconds)
    }
}

impl Table {
    async fn insert(&self, rows: &[Vec<Cell>], connection: &mut SqliteConnection) -> anyhow::Result<()> {
        for rows in rows.chunks(BINDS_MAX / self.columns.len()) {
            let row = format!("({})", vec!["?"; self.columns.len()].join(","));
            let (columns, values) = (self.columns.join(","), vec![row.as_str(); rows.len()].join(","));
            let text = format!("INSERT INTO {} ({columns}) VALUES {values}", self.name);
            let mut query = sqlx::query(AssertSqlSafe(text));
            for cell in rows.iter().flatten() {
                query = bind(query, cell);
            }
            query.execute(&mut *connection).await?;
        }
        Ok(())
    }
}

type Query<'q> = sqlx::query::Query<'q, sqlx::Sqlite, SqliteArguments>;

fn bind<'q>(query: Query<'q>, cell: &'q Cell) -> Query<'q> {
    match cell {
        Cell::Null => query.bind(None::<i64>),
        Cell::Integer(value) => query.bind(value),
        Cell::Real(value) => query.bind(value),
        Cell::Text(value) => query.bind(value.as_str()),
        Cell::Blob(value) => query.bind(value.as_slice()),
    }
}

fn cells(row: &SqliteRow) -> anyhow::Result<Vec<Cell>> {
    (0..row.len()).map(|at| cell(row, at)).collect()
}

/// A value as it is stored, whatever type its column was declared with.
fn cell(row: &SqliteRow, at: usize) -> anyhow::Result<Cell> {
    let value = row.try_get_raw(at)?;
    if value.is_null() {
        return Ok(Cell::Null);
    }
    let cell = match value.type_info().name() {
        "INTEGER" => Cell::Integer(row.try_get_unchecked(at)?),
        "REAL" => Cell::Real(row.try_get_unchecked(at)?),
        "TEXT" => Cell::Text(row.try_get_unchecked(at)?),
        "BLOB" => Cell::Blob(row.try_get_unchecked(at)?),
        other => bail!("a value of type {other}"),
    };
    Ok(cell)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn rows_are_written_as_they_were_read() {
        let folder = tempfile::tempdir().unwrap();
        let (source, copy) = (folder.path().join("a.db"), folder.path().join("b.db"));
        let options = SqliteConnectOptions::new()
            .filename(&source)
            .create_if_missing(true);
        let mut connection = options.connect().await.unwrap();
        let made = "CREATE TABLE task (id BLOB PRIMARY KEY, t TEXT, n INTEGER);
            CREATE INDEX by_n ON task (n);
            CREATE TABLE event (position INTEGER PRIMARY KEY, x REAL);
            INSERT INTO task VALUES (x'01', 'a', 1), (x'02', NULL, -5), (x'03', '', 9223372036854775807);
            INSERT INTO event VALUES (1, 0.5), (2, 1e300), (3, -1.0), (4, 2.5), (5, 3.5), (6, 4.5);";
        sqlx::raw_sql(made).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();

        let url = |file: &Path| format!("sqlite:{}", file.display());
        let rows = Rows::read(&url(&source)).await.unwrap();
        assert_eq!(rows.tasks(), 3);
        assert!(rows.insert(&copy, 2).await.unwrap() > 0.0);
        let again = Rows::read(&url(&copy)).await.unwrap();
        for (one, other) in rows.tables.iter().zip(&again.tables) {
            assert_eq!((&one.columns, &one.rows), (&other.columns, &other.rows));
        }
        assert_eq!(rows.schema.len(), 3);
        assert_eq!(rows.schema, again.schema);
        assert_eq!(rows.tables[0].rows[1][1], Cell::Null);
    }
}
