//! How PostgreSQL is reached, and what its errors mean.

use std::future::Future;
use std::io;
use std::str::FromStr as _;
use std::time::Duration;

use sqlx::error::DatabaseError;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions as _, Error};

use crate::store::error::Class;

/// The first version with the setting that lets go of a frozen replica's session: `idle_session_timeout`.
pub(in crate::store) const OLDEST_VERSION: &str = "14.0";

/// Names the lock that a replica holds while it takes its turn to write, and what else there is one of: "baton" and a
/// number. Advisory locks belong to the database, so that each Baton has its own.
pub(in crate::store) const TURN_LOCK: i64 = 0x0062_6174_6f6e_0001;
/// Held while the schema is migrated.
pub(in crate::store) const MIGRATION_LOCK: i64 = 0x0062_6174_6f6e_0002;
/// Held by the replica that does what only one needs to do.
pub(in crate::store) const LEADER_LOCK: i64 = 0x0062_6174_6f6e_0003;

/// The first half of a lock that every server shares for as long as it is connected; the second is the version of the
/// schema that it knows: "bats".
const PRESENCE_LOCK: i32 = 0x6261_7473;

/// Waits for a lock that long: as long as a few replicas that freeze one after the other hold the turn.
const LOCK_TIMEOUT: &str = "10s";
/// A statement that takes longer is given up.
const STATEMENT_TIMEOUT: &str = "60s";
/// A replica that freezes within its turn holds up the others for so long.
pub(in crate::store) const TURN_TIMEOUT: &str = "2s";
/// What is in force of it.
pub(in crate::store) const TURN_LIMIT: &str = "SELECT current_setting('idle_in_transaction_session_timeout')";
/// What is not answered for longer than any lock is waited for will never be: the way to the database is broken and nobody
/// says so, as with a firewall that forgot the connection, or a machine that is gone.
pub(in crate::store) const ANSWER_TIMEOUT: Duration = Duration::from_secs(15);
/// As [`ANSWER_TIMEOUT`], of a statement that takes as long as the database lets it.
pub(in crate::store) const LONG_ANSWER_TIMEOUT: Duration = Duration::from_secs(65);
/// As [`ANSWER_TIMEOUT`], of what waits for no lock.
pub(in crate::store) const WORD_TIMEOUT: Duration = Duration::from_secs(5);
/// The leader that freezes is followed by another after so long.
const LEADER_TIMEOUT: &str = "2s";
/// Texts a connection keeps prepared; the least recently used one goes.
const STATEMENTS: usize = 256;

/// What the planner is told on every connection. No statement takes so long that compiling it pays, and what it believes of a
/// limit that it does not know would have some compiled each time. All joins are of few rows, by their keys, with a table
/// that may be large: it takes a list of rows for a hundred, and would rather read tens of thousands of leases or runs whole
/// than seek for so many. What it knows of the tables is a minute old and more, and of a new database nothing: it would read
/// through a table that it takes for small, again at each batch.
pub(in crate::store) const PLANNER: [(&str, &str); 4] = [
    ("jit", "off"),
    ("enable_hashjoin", "off"),
    ("enable_mergejoin", "off"),
    ("enable_seqscan", "off"),
];

/// What a URL may say behind its question mark.
pub(in crate::store) const PARAMETERS: [&str; 17] = [
    "sslmode",
    "ssl-mode",
    "sslrootcert",
    "ssl-root-cert",
    "ssl-ca",
    "sslcert",
    "ssl-cert",
    "sslkey",
    "ssl-key",
    "statement-cache-capacity",
    "host",
    "hostaddr",
    "port",
    "dbname",
    "user",
    "password",
    "options",
];

/// How the database of `url` is reached.
///
/// Errors: the text is no such URL.
pub(in crate::store) fn options(url: &str) -> Result<PgConnectOptions, Error> {
    let options = PgConnectOptions::from_str(url)?
        .application_name("baton")
        // "already exists, skipping", at every start, says nothing to anybody.
        .options([("client_min_messages", "warning")])
        .options(PLANNER)
        .statement_cache_capacity(STATEMENTS)
        .disable_statement_logging();
    Ok(options)
}

/// How the writer reaches it.
pub(in crate::store) fn writer_options(options: &PgConnectOptions, durable: bool) -> PgConnectOptions {
    let commit = if durable { "on" } else { "off" };
    options.clone().options([
        ("idle_in_transaction_session_timeout", TURN_TIMEOUT),
        ("lock_timeout", LOCK_TIMEOUT),
        ("statement_timeout", STATEMENT_TIMEOUT),
        ("synchronous_commit", commit),
        // Arrays of ten rows and of a hundred are written alike: a text that is prepared is planned once.
        ("plan_cache_mode", "force_generic_plan"),
    ])
}

/// How a reader reaches it.
pub(in crate::store) fn reader_options(options: &PgConnectOptions) -> PgConnectOptions {
    options.clone().options([
        ("default_transaction_read_only", "on"),
        ("idle_in_transaction_session_timeout", LOCK_TIMEOUT),
        ("statement_timeout", STATEMENT_TIMEOUT),
    ])
}

/// How whoever wants to lead reaches it.
pub(in crate::store) fn leader_options(options: &PgConnectOptions) -> PgConnectOptions {
    options
        .clone()
        .options([("idle_session_timeout", LEADER_TIMEOUT)])
}

/// What `work` answers within that time. Where it does not, the connection is of no more use: its answer may come yet, and be
/// taken for that of the next statement.
pub(in crate::store) async fn answered<T>(
    within: Duration,
    work: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    let answer = tokio::time::timeout(within, work).await;
    answer.unwrap_or_else(|_| {
        let silent = io::Error::new(io::ErrorKind::TimedOut, "the database does not answer");
        Err(Error::Io(silent))
    })
}

/// deadlock_detected
const DEADLOCK: &str = "40P01";

/// What an error means, by its code. Source: <https://www.postgresql.org/docs/current/errcodes-appendix.html>
pub(in crate::store) fn classify(error: &Error) -> Class {
    let Error::Database(error) = error else {
        return match error {
            Error::PoolTimedOut => Class::Busy,
            Error::Io(_)
            | Error::Tls(_)
            | Error::Protocol(_)
            | Error::WorkerCrashed
            | Error::PoolClosed
            | Error::Configuration(_) => Class::Unavailable,
            _ => Class::Statement,
        };
    };
    error.code().map_or(Class::Statement, |code| by_code(&code))
}

/// Whether the database ended a statement because it and another waited for each other.
pub(in crate::store) fn is_deadlock(error: &Error) -> bool {
    let code = error.as_database_error().and_then(DatabaseError::code);
    code.as_deref() == Some(DEADLOCK)
}

fn by_code(code: &str) -> Class {
    match code {
        "23505" => Class::Unique,
        // lock_not_available, query_canceled, serialization_failure
        DEADLOCK | "55P03" | "57014" | "40001" => Class::Busy,
        // invalid_authorization, invalid_catalog_name, read_only_sql_transaction, idle_in_transaction_session_timeout
        "28000" | "28P01" | "3D000" | "25006" | "25P03" => Class::Unavailable,
        code => match code.get(..2) {
            // Constraints, and values that do not fit.
            Some("23" | "22" | "54") => Class::Refused,
            // Connection, resources, an administrator, the system: disk full, input/output, shutdown.
            Some("08" | "53" | "57" | "58") => Class::Unavailable,
            _ => Class::Statement,
        },
    }
}

/// Waits until no other replica migrates; the session keeps the lock.
pub(in crate::store) fn lock_schema() -> String {
    // An administrator's migration may take its time; the others wait for it.
    format!("SET lock_timeout = 0; SET statement_timeout = 0; SELECT pg_advisory_lock({MIGRATION_LOCK})")
}

pub(in crate::store) fn unlock_schema() -> String {
    format!(
        "SELECT pg_advisory_unlock({MIGRATION_LOCK}); SET lock_timeout = '{LOCK_TIMEOUT}'; \
         SET statement_timeout = '{STATEMENT_TIMEOUT}'"
    )
}

/// Waits until no turn is under way, and lets none begin before the transaction ends.
pub(in crate::store) fn lock_turn() -> String {
    format!("SELECT pg_advisory_xact_lock({TURN_LOCK})")
}

/// Says for the life of the session that a server is here which knows that version of the schema. Waits while a step is
/// taken that shuts it out.
pub(in crate::store) fn attend(version: u32) -> String {
    format!("SELECT pg_advisory_lock_shared({PRESENCE_LOCK}, {version})")
}

/// The oldest version that may use the schema.
pub(in crate::store) const READABLE_FROM: &str = "SELECT value FROM store_meta WHERE key = 'readable_from'";

/// Shuts out servers that do not know the version `needs`, until the transaction ends; answers those that are here.
pub(in crate::store) fn shut_out(needs: u32) -> String {
    format!(
        "WITH here AS MATERIALIZED (SELECT v FROM generate_series(1, {needs} - 1) AS v \
           WHERE NOT pg_try_advisory_xact_lock({PRESENCE_LOCK}, v)) \
         SELECT 'the one at ' || coalesce(host(a.client_addr), 'this machine') || ', which knows version ' || here.v \
         FROM here LEFT JOIN pg_locks AS l ON l.objid = here.v AND l.classid = {PRESENCE_LOCK} AND l.locktype = 'advisory' \
           AND l.granted AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()) \
         LEFT JOIN pg_stat_activity AS a ON a.pid = l.pid"
    )
}

/// Names the server and its history: the id that its data folder was made with, and the timeline, which changes when a
/// standby takes over or a backup is brought forward. Read from the log's position: the control file learns of a new
/// timeline at its first checkpoint only.
pub(in crate::store) const HISTORY: &str = "SELECT system_identifier || ' ' || left(pg_walfile_name(pg_current_wal_lsn()), 8) FROM pg_control_system()";

/// Begins a turn: one text, one way to the database and back. The last statement is computed once the lock is held. Whatever the
/// default is here, each statement of a turn sees what stands by then, and not what stood before the lock was waited for.
pub(in crate::store) fn begin() -> String {
    format!("BEGIN ISOLATION LEVEL READ COMMITTED; SELECT pg_advisory_xact_lock({TURN_LOCK}); {STANDING}")
}

/// How many turns there were, how many of them changed definitions, and the time.
pub(in crate::store) const STANDING: &str = "SELECT turn.last_value, definition.last_value, \
     (extract(epoch FROM clock_timestamp()) * 1000000)::bigint FROM turn, definition";

/// Where the logs begin and end, and their rows behind the positions that the first parameter knows of each; of each log, as many
/// as the second says at most, and of all, as the third says. A row may hold the event after its own.
///
/// `columns` are those of an event, by name: a step of the schema may add others (docs/adr/0019).
pub(in crate::store) fn news(columns: impl Iterator<Item = &'static str>) -> String {
    let columns: Vec<String> = columns.map(|name| format!("e.{name}")).collect();
    format!(
        "WITH k AS MATERIALIZED (SELECT $1::jsonb AS positions) \
         SELECT n.name AS log, n.oldest_position, n.last_position, n.last_time, {} FROM namespace AS n \
         CROSS JOIN LATERAL (SELECT coalesce(((SELECT positions FROM k) ->> n.name)::bigint, 0) AS position) AS known \
         LEFT JOIN LATERAL (SELECT l.* FROM event AS l WHERE l.id >= n.number * 1099511627776 + known.position \
             AND l.id < (n.number + 1) * 1099511627776 \
             AND l.position + CASE WHEN l.next_kind IS NULL THEN 0 ELSE 1 END > known.position ORDER BY l.id LIMIT $2) AS e ON true \
         LIMIT $3",
        columns.join(", ")
    )
}

/// The terms with which a statement that is a turn begins: the lock, and the number that the turn before it took, which is read once
/// the lock is held. It is not waited for: the statement has locked its tables by then, and a step of the schema takes the
/// turn first and tables then. Without it there is no number.
pub(in crate::store) fn took_turn() -> String {
    format!(
        "held AS MATERIALIZED (SELECT pg_try_advisory_xact_lock({TURN_LOCK}) AS is_held), \
         before AS MATERIALIZED (SELECT (SELECT last_value FROM turn WHERE held.is_held) AS turn FROM held)"
    )
}
pub(in crate::store) const TAKE_NUMBER: &str = "nextval('turn')";
/// These fail, and say to who reads the database's log what they are about: what was not planned for is written another way.
pub(in crate::store) const OTHERS_WROTE: &str = "('baton: another server has the turn or had one, this will be tried again; turn ' || coalesce(before.turn, 0))::bigint";
pub(in crate::store) const OTHER_ROWS: &str =
    "('baton: other rows than were read, this will be tried again; turn ' || before.turn)::bigint";

/// Ends a turn in which something was written. Numbers of turns may be passed over, and are never given twice.
pub(in crate::store) const COMMIT: &str = "SELECT nextval('turn'); COMMIT";
/// As [`COMMIT`], where what others keep in memory was changed: task types, webhooks, which queues there are.
pub(in crate::store) const COMMIT_DEFINITIONS: &str = "SELECT nextval('turn'), nextval('definition'); COMMIT";
pub(in crate::store) const ROLLBACK: &str = "ROLLBACK";
/// Wakes the other replicas. Never within a transaction: there it would make all commits wait for one another.
pub(in crate::store) const NOTIFY: &str = "SELECT pg_notify('baton', $1)";
pub(in crate::store) const CHANNEL: &str = "baton";

/// Takes the lead unless another session has it.
pub(in crate::store) fn try_to_lead() -> String {
    format!("SELECT pg_try_advisory_lock({LEADER_LOCK})")
}

/// Whether any session leads. The lock's two halves stand in two columns.
pub(in crate::store) fn is_led() -> String {
    let (high, low) = (LEADER_LOCK >> 32, LEADER_LOCK & 0xffff_ffff);
    format!(
        "SELECT EXISTS (SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND granted \
         AND classid = {high} AND objid = {low} \
         AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))"
    )
}
