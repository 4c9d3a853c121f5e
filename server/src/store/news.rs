//! What others wrote to the logs, asked over the connection that writes: a turn is under way, and each way to the database and
//! back holds up everybody who waits for one.

use std::collections::HashMap;
use std::sync::LazyLock;

use baton_domain::{Event, Timestamp};
use sea_orm::{FromQueryResult as _, QueryResult};
use sqlx::Row as _;
use sqlx::postgres::PgRow;

use super::dialect::postgres;
use super::entity::event;
use super::heads::Heads;
use super::rows::{EVENT, read_events};
use super::writer::Link;
use super::{StoreError, Writer};

/// The same text each turn.
pub(super) static NEWS: LazyLock<String> =
    LazyLock::new(|| postgres::news(EVENT.columns().map(|column| column.name)));

/// Rows of one log that are read at once. Each has an event or two.
const ROWS: i64 = 500;
/// Rows of all logs that are read at once, beside one for each that is known.
const ROWS_OF_ALL: i64 = 2_000;

/// What is new in the logs.
#[derive(Debug)]
pub struct News {
    /// Where they begin and end.
    pub heads: Heads,
    /// Those that were not known, log by log, in order.
    pub events: Vec<Event>,
}

impl Writer {
    /// Where each log begins and ends, and its events behind those of `known`. `None` where there are more of them than are read at
    /// once, where nobody else writes, and while it is not sure how the last transaction ended: that is found out at the next turn.
    ///
    /// # Errors
    /// What the database may do.
    pub async fn news(&mut self, known: &Heads) -> Result<Option<News>, StoreError> {
        let Link::Postgres(link) = &mut self.link else {
            return Ok(None);
        };
        if !link.can_be_asked() {
            return Ok(None);
        }
        let positions: HashMap<&str, i64> = known
            .namespaces()
            .map(|name| (name, known.position(name)))
            .collect();
        let positions = serde_json::to_string(&positions).unwrap_or_default();
        let most = ROWS_OF_ALL + i64::try_from(known.namespaces().count()).unwrap_or(0);
        let query = sqlx::query(NEWS.as_str()).bind(positions).bind(ROWS).bind(most);
        let rows = link
            .asked(async |connection| query.fetch_all(connection).await)
            .await?;
        if i64::try_from(rows.len()).is_ok_and(|rows| rows >= most) {
            return Ok(None);
        }
        read(rows, known)
    }
}

fn read(rows: Vec<PgRow>, known: &Heads) -> Result<Option<News>, StoreError> {
    let mut heads = Heads::default();
    let mut read: HashMap<String, i64> = HashMap::new();
    let mut events = Vec::new();
    for row in rows {
        let name: String = row.try_get("log")?;
        let oldest: i64 = row.try_get("oldest_position")?;
        let floor = (row.try_get("last_position")?, row.try_get("last_time")?);
        heads.begin(&name, oldest, known, floor);
        if row.try_get::<Option<i64>, _>("id")?.is_none() {
            continue;
        }
        let count = read.entry(name).or_default();
        *count += 1;
        if *count == ROWS {
            return Ok(None);
        }
        let model = event::Model::from_query_result(&QueryResult::from(row), "")?;
        events.extend(read_events(vec![model])?);
    }
    events.retain(|event| event.position > known.position(&event.namespace));
    // They come in order, though nothing promises it.
    events.sort_by(|a, b| (&a.namespace, a.position).cmp(&(&b.namespace, b.position)));
    for event in &events {
        heads.skip_to(
            &event.namespace,
            event.position,
            event.time.max(heads.time(&event.namespace)),
        );
    }
    Ok(Some(News { heads, events }))
}

impl Heads {
    /// Takes in a log of which nothing is read yet: it ends where it did, or where the events that are gone did.
    fn begin(&mut self, name: &str, oldest: i64, known: &Self, (floor, floor_time): (i64, i64)) {
        if self.position(name) > 0 {
            return;
        }
        let position = known.position(name).max(floor);
        let time = known.time(name).max(Timestamp::from_micros(floor_time));
        self.insert(name.to_owned(), (position, oldest), time);
    }
}
