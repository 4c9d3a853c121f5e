//! The texts that look for ready tasks.

use super::push;

/// Ready tasks in the order in which they are given out: by namespace and limit, then each of `queues` queues, then each
/// of `types` types, none for any. The index of each queue, or queue and type, is walked by itself and merged with the
/// others, so that no more is read than is answered. The name of the index is written out: without it, another one may
/// look as good and have to be read whole.
pub(in crate::store) fn find_ready(queues: usize, types: usize) -> String {
    ready(queues, types, "")
}

/// As [`find_ready`] of one queue, with the value of a label as the last column; of tasks whose value is not in a JSON
/// array, among as many as the limit says. Behind the other parameters: that array, and how many are answered.
pub(in crate::store) fn find_ready_of_keys(types: usize, key: &str) -> String {
    let first = ready(1, types, &format!(", {} AS key", super::label(key)));
    let (array, limit) = (4 + types, 5 + types);
    format!(
        "SELECT id, priority, queue_time, queue, type, key FROM ({first}) \
         WHERE key IS NULL OR key NOT IN (SELECT value FROM json_each(?{array})) LIMIT ?{limit}"
    )
}

fn ready(queues: usize, types: usize, more: &str) -> String {
    let mut text = String::new();
    for queue in 0..queues {
        for place in 0..types.max(1) {
            let index = if types == 0 {
                "task_ready"
            } else {
                "task_ready_by_type"
            };
            let union = if text.is_empty() { "" } else { " UNION ALL " };
            let queue = queue + 3;
            push(
                &mut text,
                format_args!(
                    "{union}SELECT id, priority, queue_time, queue, type{more} FROM task INDEXED BY {index} \
                     WHERE state = 'QUEUED' AND namespace = ?1 AND queue = ?{queue}"
                ),
            );
            if types > 0 {
                push(&mut text, format_args!(" AND type = ?{}", 3 + queues + place));
            }
        }
    }
    text + " ORDER BY priority DESC, queue_time, id LIMIT ?2"
}

/// The ready task that waits longest, by namespace, a JSON array of queues and, where typed, one of types: one seek for
/// each queue, type and priority.
pub(in crate::store) fn find_oldest_ready(is_typed: bool) -> String {
    let (types, index, of_type) = if is_typed {
        (
            " CROSS JOIN json_each(?3) AS y",
            "task_ready_by_type",
            " AND r.type = y.value",
        )
    } else {
        ("", "task_ready", "")
    };
    format!(
        "SELECT t.id, t.priority, t.queue_time, t.queue, t.type FROM json_each(?2) AS q{types} \
         CROSS JOIN json_each('[1,2,3,4,5]') AS p CROSS JOIN task AS t WHERE t.id = \
         (SELECT r.id FROM task AS r INDEXED BY {index} WHERE r.state = 'QUEUED' AND r.namespace = ?1 \
          AND r.queue = q.value{of_type} AND r.priority = p.value ORDER BY r.queue_time, r.id LIMIT 1) \
         ORDER BY t.queue_time, t.id LIMIT 1"
    )
}
