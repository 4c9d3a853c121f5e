//! Every text and setting that is SQLite's own. What PostgreSQL says instead will stand beside it.

mod ready;

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use sea_orm::IdenStatic as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Error};

pub(super) use self::ready::{find_oldest_ready, find_ready, find_ready_of_keys};
use super::bulk::{Column, KEY, Mask, Table};
use super::entity::task;
use super::error::Class;

/// The first release without the WAL-reset corruption of 3.7.0 to 3.51.2. It also has `jsonb_each`.
pub(super) const OLDEST_VERSION: &str = "3.51.3";
pub(super) const VERSION: &str = "SELECT sqlite_version()";

/// How long a statement waits for a lock of another process: a backup, or somebody with a shell.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Pages in the log before it is copied back: few checkpoints under load, 16 MiB at rest.
const CHECKPOINT_PAGES: &str = "4000";
/// Page cache of each connection, in KiB (negative says KiB). Small on purpose: once it has moved an index page, SQLite
/// walks the whole cache at every commit; with 64 MiB that made a batch of 16 a third dearer. The system's own cache
/// stands behind it.
const CACHE: &str = "-8192";
/// Texts a connection keeps prepared; the least recently used one goes.
const STATEMENTS: usize = 256;
/// Rows that may wait between the database's thread and ours.
const ROW_BUFFER: usize = 512;

/// How the writer opens the file.
pub(super) fn writer_options(file: &Path, durable: bool) -> SqliteConnectOptions {
    options(file, durable)
        .create_if_missing(true)
        .pragma("cache_size", CACHE)
}

/// How a reader opens the file.
pub(super) fn reader_options(file: &Path) -> SqliteConnectOptions {
    options(file, true).read_only(true).pragma("cache_size", CACHE)
}

fn options(file: &Path, durable: bool) -> SqliteConnectOptions {
    let synchronous = if durable {
        SqliteSynchronous::Full
    } else {
        SqliteSynchronous::Off
    };
    SqliteConnectOptions::new()
        .filename(file)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(synchronous)
        .busy_timeout(BUSY_TIMEOUT)
        .pragma("wal_autocheckpoint", CHECKPOINT_PAGES)
        .statement_cache_capacity(STATEMENTS)
        .row_buffer_size(ROW_BUFFER)
        .disable_statement_logging()
}

/// Tells whether `found`, as in `3.51.3`, is [`OLDEST_VERSION`] or newer.
pub(super) fn is_new_enough(found: &str) -> bool {
    let parts = |text: &str| -> Vec<u32> { text.split('.').map(|part| part.parse().unwrap_or(0)).collect() };
    parts(found) >= parts(OLDEST_VERSION)
}

/// What an error means, by its code. Source: <https://www.sqlite.org/rescode.html>
pub(super) fn classify(error: &Error) -> Class {
    match error {
        Error::Database(error) => error
            .code()
            .and_then(|code| code.parse().ok())
            .map_or(Class::Statement, by_code),
        Error::PoolTimedOut => Class::Busy,
        Error::Io(_) | Error::WorkerCrashed | Error::PoolClosed | Error::Configuration(_) => {
            Class::Unavailable
        }
        _ => Class::Statement,
    }
}

/// Whether a commit that failed so may come to light after a crash: its frames are in the log file, only the flush
/// failed. The next commit writes over them, but a crash before it would read them as committed.
pub(super) fn leaves_doubt(error: &Error) -> bool {
    const IOERR: u32 = 10;
    let Error::Database(error) = error else {
        return false;
    };
    let code = error.code().and_then(|code| code.parse::<u32>().ok());
    code.is_some_and(|code| code & 0xff == IOERR)
}

fn by_code(code: u32) -> Class {
    const UNIQUE: u32 = 2067;
    const PRIMARY_KEY: u32 = 1555;
    const ROWID: u32 = 2579;
    if matches!(code, UNIQUE | PRIMARY_KEY | ROWID) {
        return Class::Unique;
    }
    // The low byte is the primary code.
    match code & 0xff {
        // BUSY, LOCKED
        5 | 6 => Class::Busy,
        // TOOBIG, CONSTRAINT, MISMATCH
        18..=20 => Class::Refused,
        // PERM, NOMEM, READONLY, INTERRUPT, IOERR, CORRUPT, FULL, CANTOPEN, PROTOCOL, NOLFS, AUTH, NOTADB
        3 | 7 | 8 | 9 | 10 | 11 | 13 | 14 | 15 | 22 | 23 | 26 => Class::Unavailable,
        _ => Class::Statement,
    }
}

pub(super) const BEGIN: &str = "BEGIN IMMEDIATE;";
pub(super) const COMMIT: &str = "COMMIT;";
pub(super) const ROLLBACK: &str = "ROLLBACK";

/// Fails the transaction unless the statement before changed as many rows as the parameter says: UPDATE and DELETE
/// pass over a missing row in silence. What it calls depends on the rows, or it would be computed while preparing.
pub(super) const GUARD: &str = "SELECT CASE WHEN changes() <> ? THEN json('not ' || changes()) END;";

/// Inserts the columns of `mask` of all rows; the rest are the schema's defaults. One parameter.
pub(super) fn insert(table: &Table, mask: Mask, on_conflict: &str) -> String {
    let mut names = String::new();
    let mut values = String::new();
    for (place, column) in table.chosen(mask).enumerate() {
        if place > 0 {
            names.push(',');
            values.push(',');
        }
        push(&mut names, format_args!("{}", column.name));
        push(&mut values, format_args!("{}", value(place, column)));
    }
    // WHERE TRUE: or ON CONFLICT would be read as a join's.
    format!(
        "INSERT INTO {} ({names}) SELECT {values} FROM jsonb_each(?) AS r WHERE TRUE{on_conflict};",
        table.name
    )
}

/// Updates the columns of `mask`, which does not have the key, of all rows; a row is its key and these. One parameter.
pub(super) fn update(table: &Table, mask: Mask) -> String {
    update_where(table, mask, "")
}

/// As [`update`], of rows that stand at the revision before the one that they get.
pub(super) fn update_next(table: &Table, mask: Mask) -> String {
    let guard = format!(" AND {}.revision=v.revision-1", table.name);
    update_where(table, mask, &guard)
}

fn update_where(table: &Table, mask: Mask, guard: &str) -> String {
    let mut sets = String::new();
    let mut values = String::new();
    let mut key = "";
    for (place, column) in table.chosen(mask | KEY).enumerate() {
        if place == 0 {
            key = column.name;
        } else {
            let comma = if place > 1 { "," } else { "" };
            push(&mut sets, format_args!("{comma}{0}=v.{0}", column.name));
        }
        let comma = if place > 0 { "," } else { "" };
        push(
            &mut values,
            format_args!("{comma}{} AS {}", value(place, column), column.name),
        );
    }
    let name = table.name;
    format!(
        "UPDATE {name} SET {sets} FROM (SELECT {values} FROM jsonb_each(?) AS r) AS v WHERE {name}.{key}=v.{key}{guard};"
    )
}

/// `jsonb_each`, not `json_each`: that one reads the row's text again for every column.
fn value(place: usize, column: &Column) -> String {
    if column.is_blob {
        format!("unhex(r.value->>{place})")
    } else {
        format!("r.value->>{place}")
    }
}

fn push(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    // A String takes all that is written to it.
    text.write_fmt(arguments).expect("writing to a string");
}

/// Adds up what is there and what comes.
pub(super) const ADD_COUNT: &str =
    " ON CONFLICT (namespace, state, queue, type) DO UPDATE SET count = count + excluded.count";
/// The newer payload of a version that was given twice wins.
pub(super) const REPLACE_PAYLOAD: &str =
    " ON CONFLICT (task_id, role, version) DO UPDATE SET header = excluded.header, body = excluded.body";
/// A lease that is granted anew or renewed.
pub(super) const REPLACE_LEASE: &str =
    " ON CONFLICT (task_id) DO UPDATE SET duration = excluded.duration, expire_time = excluded.expire_time";
/// A key whose hold is over has another holder.
pub(super) const REPLACE_KEY: &str = " ON CONFLICT (namespace, key) DO UPDATE SET task_id = excluded.task_id, expire_time = excluded.expire_time";

/// What is in use of a key.
pub(super) const REPLACE_KEY_USE: &str =
    " ON CONFLICT (queue_id, key) DO UPDATE SET leased = excluded.leased";
/// Removes keys of which nothing is in use, for each row of [queue id, key, 0].
pub(super) const FREE_QUEUE_KEYS: &str = "DELETE FROM queue_key WHERE (queue_id, key) IN \
     (SELECT unhex(r.value->>0), r.value->>1 FROM jsonb_each(?) AS r);";

/// Copies the standing payload of a role to the payload table, for each row of [role, version, task id].
pub(super) fn retire(role: &str) -> String {
    format!(
        "INSERT INTO payload (task_id, role, version, header, body) \
         SELECT t.id, r.value->>0, r.value->>1, t.{role}, t.{role}_body \
         FROM jsonb_each(?) AS r JOIN task AS t ON t.id = unhex(r.value->>2) WHERE TRUE{REPLACE_PAYLOAD};"
    )
}

/// Deletes rows by a list of rows with the values of `columns`, all of them ids.
pub(super) fn delete_by_ids(table: &str, columns: &[&str]) -> String {
    let values: Vec<_> = (0..columns.len())
        .map(|place| format!("unhex(r.value->>{place})"))
        .collect();
    let (columns, values) = (columns.join(","), values.join(","));
    format!("DELETE FROM {table} WHERE ({columns}) IN (SELECT {values} FROM jsonb_each(?) AS r);")
}

pub(super) const DELETE_FOLLOW_UPS: &str =
    "DELETE FROM follow_up WHERE id IN (SELECT r.value->>0 FROM jsonb_each(?) AS r);";

/// Sets how runs ended, for each row of [task id, number, end time, outcome, error, output].
pub(super) const END_RUNS: &str = "UPDATE run SET end_time=v.end_time,outcome=v.outcome,error=v.error,output=v.output \
     FROM (SELECT unhex(r.value->>0) AS task_id,r.value->>1 AS number,r.value->>2 AS end_time,\
        r.value->>3 AS outcome,unhex(r.value->>4) AS error,unhex(r.value->>5) AS output \
        FROM jsonb_each(?) AS r) AS v WHERE run.task_id=v.task_id AND run.number=v.number;";
/// Gives up the keys of settled tasks, for each row of a held key. One that is held for a time stays.
pub(super) const RELEASE_KEYS: &str = "DELETE FROM dedup WHERE (namespace,key,task_id) IN \
     (SELECT r.value->>0,r.value->>1,unhex(r.value->>2) FROM jsonb_each(?) AS r) AND expire_time IS NULL;";

/// The rows of tasks by a JSON array of hexadecimal ids, each with the duration and the expire time of its lease.
/// Without `payloads`, these have no bodies.
pub(super) fn tasks(columns: impl Iterator<Item = task::Column>, payloads: bool) -> String {
    let name = |column: task::Column| match column {
        task::Column::InputBody | task::Column::OutputBody | task::Column::CheckpointBody if !payloads => {
            "NULL"
        }
        column => column.as_str(),
    };
    let columns: Vec<_> = columns.map(name).collect();
    format!(
        "SELECT {}, lease.duration, lease.expire_time FROM task LEFT JOIN lease ON lease.task_id = task.id WHERE {ID_IN}",
        columns.join(",")
    )
}

/// The condition that `id` is one of a JSON array of hexadecimal ids.
pub(super) const ID_IN: &str = "id IN (SELECT unhex(value) FROM json_each(?))";
/// Of a JSON array of hexadecimal ids: those that no task has, and the log knows.
pub(super) const FIND_DELETED: &str = "SELECT task_id FROM event WHERE sequence = 1 \
     AND task_id IN (SELECT unhex(value) FROM json_each(?)) \
     AND NOT EXISTS (SELECT 1 FROM task WHERE id = event.task_id)";
/// As [`ID_IN`], of request ids.
pub(super) const REQUEST_ID_IN: &str = "request_id IN (SELECT unhex(value) FROM json_each(?))";

/// The rows of keys by a JSON array of [namespace, key].
pub(super) const FIND_KEYS: &str = "SELECT d.* FROM json_each(?) AS r CROSS JOIN dedup AS d \
     ON d.namespace = r.value->>0 AND d.key = r.value->>1";

/// Of rows of [task id]: the first that a task has, or the log for a task that was deleted.
pub(super) const FIND_TASK: &str = "SELECT 1 FROM jsonb_each(?) AS r WHERE EXISTS \
     (SELECT 1 FROM task WHERE id = unhex(r.value->>0)) OR EXISTS \
     (SELECT 1 FROM event WHERE task_id = unhex(r.value->>0) AND sequence = 1) LIMIT 1";
/// Of rows of [request id, namespace]: the first that is remembered.
pub(super) const FIND_REQUEST: &str = "SELECT 1 FROM jsonb_each(?) AS r WHERE EXISTS \
     (SELECT 1 FROM request WHERE request_id = unhex(r.value->>0) AND namespace = r.value->>1) LIMIT 1";
/// Of rows of [task id]: the first that no task has, as hexadecimal digits.
pub(super) const FIND_MISSING: &str = "SELECT r.value->>0 FROM jsonb_each(?) AS r WHERE NOT EXISTS \
     (SELECT 1 FROM task WHERE id = unhex(r.value->>0)) LIMIT 1";
/// Whether an event stands where a batch would have put it: namespace, position, task id, sequence.
pub(super) const FIND_EVENT: &str = "SELECT 1 FROM event WHERE namespace = ?1 AND task_id = ?3 \
     AND sequence IN (?4, ?4 - 1) AND position - sequence = ?2 - ?4 AND (sequence = ?4 OR next_kind IS NOT NULL)";

/// The numbers of namespaces.
pub(super) const FIND_NUMBERS: &str = "SELECT name, number FROM namespace";
/// The events of a namespace from a position on: namespace, position, namespace.
pub(super) const EVENTS_FROM: &str = "id >= (SELECT number FROM namespace WHERE name = ?) * 1099511627776 + ? \
     AND id < (SELECT number + 1 FROM namespace WHERE name = ?) * 1099511627776";
/// The tasks of a namespace in the order of the table: the name twice.
pub(super) const CREATED_IN: &str = "number >= (SELECT number FROM namespace WHERE name = ?) * 1099511627776 \
     AND number < (SELECT number + 1 FROM namespace WHERE name = ?) * 1099511627776";
/// The tasks whose priority is not the usual one. The text must be that of the index.
pub(super) const PRIORITY_UNUSUAL: &str = "priority <> 2";
/// The key of the last event of a task.
pub(super) const LAST_EVENT: &str =
    "(SELECT e.id FROM event AS e WHERE e.task_id = task.id ORDER BY e.sequence DESC LIMIT 1)";
/// The id of the task that a row `r` of a list stands for.
pub(super) const ID_OF_ROW: &str = "(SELECT t.id FROM task AS t WHERE t.number = r.sort_number)";
/// The last sequence of a row.
pub(super) const LAST_SEQUENCE: &str = "sequence + (next_kind IS NOT NULL)";
/// The last position of a row.
pub(super) const LAST_POSITION: &str = "position + (next_kind IS NOT NULL)";

/// Rows that the last statement changed.
pub(super) const CHANGES: &str = "SELECT changes()";

/// Raises a horizon, and the floor under the positions: oldest position, then the namespace three times.
pub(super) const RAISE_HORIZON: &str = "UPDATE namespace SET oldest_position = max(oldest_position, ?), \
     last_position = max(last_position, e.position), last_time = max(last_time, e.time) \
     FROM (SELECT coalesce(max(position), 0) AS position, coalesce(max(time), 0) AS time FROM \
        (SELECT position + (next_kind IS NOT NULL) AS position, time FROM event WHERE id < \
          (SELECT number + 1 FROM namespace WHERE name = ?) * 1099511627776 AND id >= \
          (SELECT number FROM namespace WHERE name = ?) * 1099511627776 ORDER BY id DESC LIMIT 1)) AS e \
     WHERE name = ?;";
/// Removes events of tasks deleted long ago: namespace, oldest position, limit.
pub(super) const TRIM_EVENTS: &str = "DELETE FROM event WHERE rowid IN (SELECT e.rowid FROM deleted_task AS d \
     JOIN event AS e ON e.task_id = d.task_id WHERE d.namespace = ? AND d.position < ? ORDER BY d.position LIMIT ?);";
/// Forgets deleted tasks whose events are all gone: namespace, oldest position, limit.
pub(super) const TRIM_DELETED: &str = "DELETE FROM deleted_task WHERE (namespace, position) IN \
     (SELECT d.namespace, d.position FROM deleted_task AS d WHERE d.namespace = ? AND d.position < ? \
      ORDER BY d.position LIMIT ?) \
     AND NOT EXISTS (SELECT 1 FROM event AS e WHERE e.task_id = deleted_task.task_id);";
/// Removes the oldest requests, as far as they have expired: limit, time. Rows stand in the order of their expiry.
pub(super) const EXPIRE_REQUESTS: &str = "DELETE FROM request WHERE rowid IN (SELECT rowid FROM request ORDER BY rowid LIMIT ?) AND expire_time <= ?;";
/// Removes keys whose time is over: time, limit.
pub(super) const EXPIRE_KEYS: &str = "DELETE FROM dedup WHERE (namespace,key) IN \
     (SELECT namespace,key FROM dedup WHERE expire_time <= ? LIMIT ?);";
pub(super) const DROP_EMPTY_COUNTS: &str = "DELETE FROM task_count WHERE count = 0;";

/// Draws the identity of a new database and leaves that of an old one: key, epoch, secret.
pub(super) const MAKE_IDENTITY: &str = "BEGIN IMMEDIATE; \
     INSERT INTO store_meta (key, value) VALUES (?, ?) ON CONFLICT DO NOTHING; \
     INSERT INTO token_key (id, secret) SELECT 1, ? WHERE NOT EXISTS (SELECT 1 FROM token_key); COMMIT;";

/// Beside a row of `task_count`: since when the oldest task of a QUEUED group is ready. One seek in
/// `task_ready_by_type` for each priority.
pub(super) const OLDEST_READY: &str = "CASE WHEN task_count.state = 'QUEUED' THEN \
     (SELECT min((SELECT t.queue_time FROM task AS t WHERE t.state = 'QUEUED' AND t.namespace = task_count.namespace \
      AND t.queue = task_count.queue AND t.type = task_count.type AND t.priority = p.value \
      ORDER BY t.queue_time LIMIT 1)) FROM json_each('[1,2,3,4,5]') AS p) END";

/// Every live lease with its holder. CROSS JOIN: or the tasks, which are many, may be walked for the leases.
pub(super) const FIND_LEASES: &str = "SELECT l.task_id, t.namespace, t.fence, t.assignee_kind, t.assignee_id, \
     t.assignee_name, l.expire_time FROM lease AS l CROSS JOIN task AS t ON t.id = l.task_id \
     WHERE t.assignee_kind IS NOT NULL";
/// The live leases of the tasks of a queue: namespace, name. `label`: of the key that is answered too, if any.
pub(super) fn find_leased(of_key: Option<&str>) -> String {
    let key = of_key.map_or_else(|| "NULL".to_owned(), |key| format!("t.{}", label(key)));
    format!(
        "SELECT t.id, {key}, l.expire_time FROM lease AS l CROSS JOIN task AS t ON t.id = l.task_id \
         WHERE t.namespace = ? AND t.queue = ?"
    )
}

/// Where a look at settled tasks stops: namespace, state, the number of the last that was looked at, rows to pass over.
pub(super) const SETTLED_STOP: &str = "SELECT number, create_time FROM task INDEXED BY task_by_state \
     WHERE namespace = ? AND state = ? AND number > ? ORDER BY number LIMIT 1 OFFSET ?";
/// Tasks of a queue that settled long ago: namespace, state, behind this number, to this one, queue, end, limit.
pub(super) const SETTLED: &str = "SELECT number, id FROM task INDEXED BY task_by_state \
     WHERE namespace = ? AND state = ? AND number > ? AND number <= ? AND queue = ? AND end_time <= ? \
     ORDER BY number LIMIT ?";

/// Moves the ends of leases to half of their duration from a moment, where they are sooner; of those that were not
/// started to no more than a span from it: moment, span.
pub(super) const SPARE_LEASES: &str = "UPDATE lease SET expire_time = max(expire_time, ?1 + CASE \
     (SELECT t.state FROM task AS t WHERE t.id = lease.task_id) \
     WHEN 'ASSIGNED' THEN min(duration / 2, ?2) ELSE duration / 2 END) WHERE expire_time < ?1 + duration / 2;";

/// The value of a label. The text must be the same wherever it stands: an index on it serves no other text.
pub(super) fn label(key: &str) -> String {
    format!("labels->>'$.\"{}\"'", key.replace('\'', "''"))
}

/// That the text of the labels holds a text.
pub(super) const LABELS_HAVE: &str = "instr(labels, ?) > 0";

/// The name of the index of a label; such names are the store's own.
pub(super) fn label_index(key: &str) -> String {
    let hex: String = key.bytes().map(|byte| format!("{byte:02x}")).collect();
    format!("{LABEL_INDEX}{hex}")
}

const LABEL_INDEX: &str = "task_label_";

/// Makes the index of a label.
pub(super) fn make_label_index(key: &str) -> String {
    let (name, label) = (label_index(key), label(key));
    format!(
        "CREATE INDEX IF NOT EXISTS {name} ON task (namespace, ({label}), number) WHERE {label} IS NOT NULL"
    )
}

pub(super) fn drop_index(name: &str) -> String {
    format!("DROP INDEX {name}")
}

/// The names of the indexes of labels.
pub(super) const LABEL_INDEXES: &str =
    "SELECT name FROM sqlite_schema WHERE type = 'index' AND name LIKE 'task\\_label\\_%' ESCAPE '\\'";
