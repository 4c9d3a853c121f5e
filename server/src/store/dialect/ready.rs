//! The texts that look for ready tasks.

use super::{Dialect, push};

impl Dialect {
    /// Ready tasks in the order in which they are given out: by namespace and limit, then each of `queues` queues, then each
    /// of `types` types, none for any. The index of each queue, or queue and type, is walked by itself and merged with the
    /// others, so that no more is read than is answered.
    pub(in crate::store) fn find_ready(self, queues: usize, types: usize) -> String {
        self.ready(queues, types, "")
    }

    /// As [`Self::find_ready`] of one queue, with the value of a label as the last column; of tasks whose value is not in a
    /// JSON array, among as many as the limit says. Behind the other parameters: that array, and how many are answered.
    pub(in crate::store) fn find_ready_of_keys(self, types: usize, key: &str) -> String {
        let first = self.ready(1, types, &format!(", {} AS key", self.label(key)));
        let (array, limit) = (4 + types, 5 + types);
        let full = match self {
            Self::Sqlite => format!("SELECT value FROM json_each(${array})"),
            Self::Postgres => format!("SELECT json_array_elements_text(${array}::json)"),
        };
        format!(
            "SELECT id, priority, queue_time, queue, type, key FROM ({first}) AS ready \
             WHERE key IS NULL OR key NOT IN ({full}) LIMIT ${limit}"
        )
    }

    fn ready(self, queues: usize, types: usize, more: &str) -> String {
        const ORDER: &str = " ORDER BY priority DESC, queue_time, id LIMIT $2";
        let mut text = String::new();
        for queue in 0..queues {
            for place in 0..types.max(1) {
                let (index, open, close) = match self {
                    // The name of the index is written out: without it, another one may look as good and have to be read whole.
                    Self::Sqlite if types == 0 => (" INDEXED BY task_ready", "", ""),
                    Self::Sqlite => (" INDEXED BY task_ready_by_type", "", ""),
                    Self::Postgres => ("", "(", ORDER),
                };
                let union = if text.is_empty() { "" } else { " UNION ALL " };
                let queue = queue + 3;
                push(
                    &mut text,
                    format_args!(
                        "{union}{open}SELECT id, priority, queue_time, queue, type{more} FROM task{index} \
                         WHERE state = 'QUEUED' AND namespace = $1 AND queue = ${queue}"
                    ),
                );
                if types > 0 {
                    push(&mut text, format_args!(" AND type = ${}", 3 + queues + place));
                }
                text.push_str(close);
                if !close.is_empty() {
                    text.push(')');
                }
            }
        }
        match self {
            Self::Sqlite => text + ORDER,
            Self::Postgres => format!("SELECT * FROM ({text}) AS ready{ORDER}"),
        }
    }

    /// The ready task that waits longest, by namespace, a JSON array of queues and, where typed, one of types: one seek for
    /// each queue, type and priority.
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
            Self::Postgres => format!(
                "SELECT t.id, t.priority, t.queue_time, t.queue, t.type \
                 FROM json_array_elements_text($2::json) AS q(value){} CROSS JOIN generate_series(1, 5) AS p(value) \
                 CROSS JOIN LATERAL (SELECT r.id, r.priority, r.queue_time, r.queue, r.type FROM task AS r \
                  WHERE r.state = 'QUEUED' AND r.namespace = $1 AND r.queue = q.value{of_type} \
                  AND r.priority = p.value ORDER BY r.queue_time, r.id LIMIT 1) AS t \
                 ORDER BY t.queue_time, t.id LIMIT 1",
                typed(" CROSS JOIN json_array_elements_text($3::json) AS y(value)")
            ),
        }
    }
}
