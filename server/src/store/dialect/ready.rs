//! The texts that look for ready tasks.

use super::Dialect;

const ORDER: &str = " ORDER BY priority DESC, queue_time, id LIMIT $2";

/// Queues, or pairs of queue and type, of a look that begins where ready tasks may stand. The text of a longer one would
/// take longer to plan than it saves.
const PLACES: usize = 16;

impl Dialect {
    /// Ready tasks in the order in which they are given out: by namespace and limit, then, if it [has
    /// floors](Self::has_floors), these for each place and priority, then each of `queues` queues, then each of `types` types,
    /// none for any. The index of each queue, or queue and type, is walked by itself and merged with the
    /// others, so that no more is read than is answered.
    pub(in crate::store) fn find_ready(self, queues: usize, types: usize) -> String {
        self.ready(queues, types, "")
    }

    /// As [`Self::find_ready`] of one queue, with the value of a label as the last column; of tasks whose value is not in a
    /// JSON array, among as many as the limit says. Behind the other parameters: that array, and how many are answered.
    pub(in crate::store) fn find_ready_of_keys(self, types: usize, key: &str) -> String {
        let first = self.ready(1, types, &format!(", {} AS key", self.label(key)));
        let array = self.first_name(1, types) + 1 + types;
        let limit = array + 1;
        let full = match self {
            Self::Sqlite => format!("SELECT value FROM json_each(${array})"),
            Self::Postgres => format!("SELECT json_array_elements_text(${array}::json)"),
        };
        format!(
            "SELECT id, priority, queue_time, queue, type, key FROM ({first}) AS ready \
             WHERE key IS NULL OR key NOT IN ({full}) LIMIT ${limit}"
        )
    }

    /// Whether a look of so many queues and types has parameters for where it begins.
    pub(in crate::store) const fn has_floors(self, queues: usize, types: usize) -> bool {
        let places = if types == 0 { queues } else { queues * types };
        matches!(self, Self::Postgres) && places <= PLACES
    }

    fn ready(self, queues: usize, types: usize, more: &str) -> String {
        let first = self.first_name(queues, types);
        let names: Vec<(usize, Option<usize>)> = (0..queues)
            .flat_map(|queue| {
                let typed = (0..types).map(move |place| (first + queue, Some(first + queues + place)));
                typed.chain((types == 0).then_some((first + queue, None)))
            })
            .collect();
        let place = |(queue, named): &(usize, Option<usize>)| {
            let typed = named.map(|named| format!(" AND type = ${named}"));
            format!(
                "WHERE state = 'QUEUED' AND namespace = $1 AND queue = ${queue}{}",
                typed.unwrap_or_default()
            )
        };
        let columns = format!("SELECT id, priority, queue_time, queue, type{more} FROM task");
        let places: Vec<String> = names.iter().map(place).collect();
        if self.has_floors(queues, types) {
            return above_floors(&columns, &places);
        }
        let (index, open, close) = match self {
            // The name of the index is written out: without it, another one may look as good and have to be read whole.
            Self::Sqlite if types == 0 => (" INDEXED BY task_ready", "", String::new()),
            Self::Sqlite => (" INDEXED BY task_ready_by_type", "", String::new()),
            Self::Postgres => ("", "(", format!("{ORDER})")),
        };
        let walks: Vec<String> = places
            .iter()
            .map(|place| format!("{open}{columns}{index} {place}{close}"))
            .collect();
        let walks = walks.join(" UNION ALL ");
        match self {
            Self::Sqlite => walks + ORDER,
            Self::Postgres => format!("SELECT * FROM ({walks}) AS ready{ORDER}"),
        }
    }

    /// The parameter of the first queue.
    const fn first_name(self, queues: usize, types: usize) -> usize {
        if self.has_floors(queues, types) { 4 } else { 3 }
    }

    /// The ready task that waits longest: one seek for each queue, type and priority. By namespace; then of SQLite a JSON array
    /// of queues and, where typed, one of types; of PostgreSQL one of [queue, type, priority, floor].
    pub(in crate::store) fn find_oldest_ready(self, is_typed: bool) -> String {
        let (index, of_type) = if is_typed {
            ("task_ready_by_type", " AND r.type = y.value")
        } else {
            ("task_ready", "")
        };
        let typed = |types| if is_typed { types } else { "" };
        match self {
            Self::Sqlite => format!(
                "SELECT t.id, t.priority, t.queue_time, t.queue, t.type FROM json_each($2) AS q{} \
                 CROSS JOIN json_each('[1,2,3,4,5]') AS p CROSS JOIN task AS t WHERE t.id = \
                 (SELECT r.id FROM task AS r INDEXED BY {index} WHERE r.state = 'QUEUED' AND r.namespace = $1 \
                  AND r.queue = q.value{of_type} AND r.priority = p.value ORDER BY r.queue_time, r.id LIMIT 1) \
                 ORDER BY t.queue_time, t.id LIMIT 1",
                typed(" CROSS JOIN json_each($3) AS y")
            ),
            Self::Postgres => {
                let of_type = typed(" AND r.type = f.v->>1");
                format!(
                    "SELECT t.id, t.priority, t.queue_time, t.queue, t.type \
                     FROM jsonb_array_elements($2::jsonb) AS f(v) \
                     CROSS JOIN LATERAL (SELECT r.id, r.priority, r.queue_time, r.queue, r.type FROM task AS r \
                      WHERE r.state = 'QUEUED' AND r.namespace = $1 AND r.queue = f.v->>0{of_type} \
                      AND r.priority = (f.v->>2)::int AND r.queue_time >= (f.v->>3)::bigint \
                      ORDER BY r.queue_time, r.id LIMIT 1) AS t \
                     ORDER BY t.queue_time, t.id LIMIT 1"
                )
            }
        }
    }
}

/// The walks of each priority by themselves: an index gives them from a time on. Those of one are merged, so that no more is
/// read than is answered.
fn above_floors(columns: &str, places: &[String]) -> String {
    let of_priority = |number: usize| {
        let walks: Vec<String> = places
            .iter()
            .enumerate()
            .map(|(at, place)| {
                let floor = at * 5 + number;
                format!(
                    "({columns} {place} AND priority = {number} \
                     AND queue_time >= (string_to_array($3, ',')::bigint[])[{floor}] ORDER BY queue_time, id LIMIT $2)"
                )
            })
            .collect();
        let walks = walks.join(" UNION ALL ");
        format!("(SELECT * FROM ({walks}) AS p{number} ORDER BY queue_time, id LIMIT $2)")
    };
    let all: Vec<String> = (1..=5).rev().map(of_priority).collect();
    format!("SELECT * FROM ({}) AS ready{ORDER}", all.join(" UNION ALL "))
}
