//! What others wrote to the logs, asked over the connection that writes: a turn is under way, and each way to the database and
//! back holds up everybody who waits for one.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use baton_domain::{Event, Timestamp};
use sqlx::postgres::PgRow;
use sqlx::{ColumnIndex as _, Decode, Postgres, Row as _, Type};

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
    /// The logs whose events are told without their details.
    pub brief: HashSet<String>,
}

impl Writer {
    /// Where each log begins and ends, and its events behind those of `known`, with their details where it `is_read`. `None` where there are more of them than are read at
    /// once, where nobody else writes, and while it is not sure how the last transaction ended: that is found out at the next turn.
    ///
    /// # Errors
    /// What the database may do.
    pub async fn news(
        &mut self,
        known: &Heads,
        is_read: impl Fn(&str) -> bool,
    ) -> Result<Option<News>, StoreError> {
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
        read(rows, known, is_read)
    }
}

fn read(rows: Vec<PgRow>, known: &Heads, is_read: impl Fn(&str) -> bool) -> Result<Option<News>, StoreError> {
    let mut heads = Heads::default();
    let mut read: HashMap<String, i64> = HashMap::new();
    let mut brief = HashSet::new();
    let mut events = Vec::new();
    for row in rows {
        let mut cells = Cells { row: &row, place: 0 };
        let name: String = cells.next("log")?;
        let oldest: i64 = cells.next("oldest_position")?;
        let floor = (cells.next("last_position")?, cells.next("last_time")?);
        heads.begin(&name, oldest, known, floor);
        let Some(id) = cells.next("id")? else {
            continue;
        };
        let count = read.entry(name).or_insert_with_key(|name| {
            if !is_read(name) {
                brief.insert(name.clone());
            }
            0
        });
        *count += 1;
        if *count == ROWS {
            return Ok(None);
        }
        let mut model = cells.event(id)?;
        if brief.contains(&model.namespace) {
            model.detail = None;
        }
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
    Ok(Some(News { heads, events, brief }))
}

/// What is left of a row of [`NEWS`]: it is read by places, as each turn reads many.
struct Cells<'r> {
    row: &'r PgRow,
    place: usize,
}

impl<'r> Cells<'r> {
    fn next<T: Decode<'r, Postgres> + Type<Postgres>>(&mut self, name: &str) -> Result<T, sqlx::Error> {
        debug_assert_eq!(name.index(self.row).ok(), Some(self.place), "{name}");
        self.place += 1;
        self.row.try_get(self.place - 1)
    }

    /// The columns of [`EVENT`] behind its id.
    fn event(&mut self, id: i64) -> Result<event::Model, sqlx::Error> {
        Ok(event::Model {
            id,
            namespace: self.next("namespace")?,
            position: self.next("position")?,
            task_id: self.next("task_id")?,
            sequence: self.next("sequence")?,
            kind: self.next("kind")?,
            time: self.next("time")?,
            actor_kind: self.next("actor_kind")?,
            actor_id: self.next("actor_id")?,
            from_state: self.next("from_state")?,
            to_state: self.next("to_state")?,
            state_reason: self.next("state_reason")?,
            queue: self.next("queue")?,
            r#type: self.next("type")?,
            labels: self.next("labels")?,
            detail: self.next("detail")?,
            detail_version: self.next("detail_version")?,
            actor_name: self.next("actor_name")?,
            message: self.next("message")?,
            attempt: self.next("attempt")?,
            fence: self.next("fence")?,
            next_kind: self.next("next_kind")?,
            next_to_state: self.next("next_to_state")?,
            next_state_reason: self.next("next_state_reason")?,
            imported: self.next("imported")?,
        })
    }
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
