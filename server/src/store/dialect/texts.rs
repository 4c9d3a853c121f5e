//! The texts that neither SeaORM nor a list of columns makes. Those of [`Sql`] stand in SQLite's form first.

use super::Sql;

pub(in crate::store) const VERSION: Sql = Sql {
    sqlite: "SELECT sqlite_version()",
    postgres: "SELECT current_setting('server_version')",
};

/// Removes keys of which nothing is in use, for each row of [queue id, key, 0].
pub(in crate::store) const FREE_QUEUE_KEYS: Sql = Sql {
    sqlite: "DELETE FROM queue_key WHERE (queue_id, key) IN \
        (SELECT unhex(r.value->>0), r.value->>1 FROM jsonb_each(?) AS r);",
    postgres: "DELETE FROM queue_key WHERE (queue_id, key) IN \
        (SELECT (r.value->>0)::uuid, r.value->>1 FROM jsonb_array_elements($1::jsonb) AS r(value))",
};
pub(in crate::store) const DELETE_FOLLOW_UPS: Sql = Sql {
    sqlite: "DELETE FROM follow_up WHERE id IN (SELECT r.value->>0 FROM jsonb_each(?) AS r);",
    postgres: "DELETE FROM follow_up WHERE id IN \
        (SELECT (r.value->>0)::bigint FROM jsonb_array_elements($1::jsonb) AS r(value))",
};
/// Sets how runs ended, for each row of [task id, number, end time, outcome, error, output].
pub(in crate::store) const END_RUNS: Sql = Sql {
    sqlite: "UPDATE run SET end_time=v.end_time,outcome=v.outcome,error=v.error,output=v.output \
        FROM (SELECT unhex(r.value->>0) AS task_id,r.value->>1 AS number,r.value->>2 AS end_time,\
        r.value->>3 AS outcome,unhex(r.value->>4) AS error,unhex(r.value->>5) AS output \
        FROM jsonb_each(?) AS r) AS v WHERE run.task_id=v.task_id AND run.number=v.number;",
    postgres: "UPDATE run SET end_time=v.end_time,outcome=v.outcome,error=v.error,output=v.output \
        FROM (SELECT (r.value->>0)::uuid AS task_id,(r.value->>1)::int AS number,\
        (r.value->>2)::bigint AS end_time,r.value->>3 AS outcome,\
        (r.value->>4)::bytea AS error,(r.value->>5)::bytea AS output \
        FROM jsonb_array_elements($1::jsonb) AS r(value)) AS v \
        WHERE run.task_id=v.task_id AND run.number=v.number",
};
/// Gives up the keys of settled tasks, for each row of a held key. One that is held for a time stays.
pub(in crate::store) const RELEASE_KEYS: Sql = Sql {
    sqlite: "DELETE FROM dedup WHERE (namespace,key,task_id) IN \
        (SELECT r.value->>0,r.value->>1,unhex(r.value->>2) FROM jsonb_each(?) AS r) AND expire_time IS NULL;",
    postgres: "DELETE FROM dedup WHERE (namespace,key,task_id) IN \
        (SELECT r.value->>0,r.value->>1,(r.value->>2)::uuid FROM jsonb_array_elements($1::jsonb) AS r(value)) \
        AND expire_time IS NULL",
};

/// The condition that `id` is one of a JSON array of ids.
pub(in crate::store) const ID_IN: Sql = Sql {
    sqlite: "id IN (SELECT unhex(value) FROM json_each(?))",
    // An array: or the planner may take the list for a table worth walking all tasks for.
    postgres: "id = ANY(ARRAY(SELECT v::uuid FROM json_array_elements_text(?::json) AS v))",
};
/// As [`ID_IN`], of request ids.
pub(in crate::store) const REQUEST_ID_IN: Sql = Sql {
    sqlite: "request_id IN (SELECT unhex(value) FROM json_each(?))",
    postgres: "request_id = ANY(ARRAY(SELECT v::uuid FROM json_array_elements_text(?::json) AS v))",
};
/// Of a JSON array of ids: those that no task has, and the log knows.
pub(in crate::store) const FIND_DELETED: Sql = Sql {
    sqlite: "SELECT task_id FROM event WHERE sequence = 1 \
        AND task_id IN (SELECT unhex(value) FROM json_each(?)) \
        AND NOT EXISTS (SELECT 1 FROM task WHERE id = event.task_id)",
    postgres: "SELECT task_id FROM event WHERE sequence = 1 \
        AND task_id = ANY(ARRAY(SELECT v::uuid FROM json_array_elements_text($1::json) AS v)) \
        AND NOT EXISTS (SELECT 1 FROM task WHERE id = event.task_id)",
};
/// The rows of keys by a JSON array of [namespace, key].
pub(in crate::store) const FIND_KEYS: Sql = Sql {
    sqlite: "SELECT d.namespace, d.key, d.task_id, d.expire_time FROM json_each(?) AS r CROSS JOIN dedup AS d \
        ON d.namespace = r.value->>0 AND d.key = r.value->>1",
    // Named, not `*`: a column that a newer server adds would fail the text of one that has it prepared.
    postgres: "SELECT d.namespace, d.key, d.task_id, d.expire_time FROM jsonb_array_elements($1::jsonb) AS r(value) JOIN dedup AS d \
        ON d.namespace = r.value->>0 AND d.key = r.value->>1",
};

/// Of rows of [task id]: the first that a task has, or the log for a task that was deleted.
pub(in crate::store) const FIND_TASK: Sql = Sql {
    sqlite: "SELECT 1 FROM jsonb_each(?) AS r WHERE EXISTS \
        (SELECT 1 FROM task WHERE id = unhex(r.value->>0)) OR EXISTS \
        (SELECT 1 FROM event WHERE task_id = unhex(r.value->>0) AND sequence = 1) LIMIT 1",
    postgres: "SELECT 1 FROM jsonb_array_elements($1::jsonb) AS r(value) WHERE EXISTS \
        (SELECT 1 FROM task WHERE id = (r.value->>0)::uuid) OR EXISTS \
        (SELECT 1 FROM event WHERE task_id = (r.value->>0)::uuid AND sequence = 1) LIMIT 1",
};
/// Of rows of [request id, namespace]: the first that is remembered.
pub(in crate::store) const FIND_REQUEST: Sql = Sql {
    sqlite: "SELECT 1 FROM jsonb_each(?) AS r WHERE EXISTS \
        (SELECT 1 FROM request WHERE request_id = unhex(r.value->>0) AND namespace = r.value->>1) LIMIT 1",
    postgres: "SELECT 1 FROM jsonb_array_elements($1::jsonb) AS r(value) WHERE EXISTS \
        (SELECT 1 FROM request WHERE request_id = (r.value->>0)::uuid AND namespace = r.value->>1) LIMIT 1",
};
/// Of rows of [task id]: the first that no task has.
pub(in crate::store) const FIND_MISSING: Sql = Sql {
    sqlite: "SELECT r.value->>0 FROM jsonb_each(?) AS r WHERE NOT EXISTS \
        (SELECT 1 FROM task WHERE id = unhex(r.value->>0)) LIMIT 1",
    postgres: "SELECT r.value->>0 FROM jsonb_array_elements($1::jsonb) AS r(value) WHERE NOT EXISTS \
        (SELECT 1 FROM task WHERE id = (r.value->>0)::uuid) LIMIT 1",
};
/// Whether an event stands where a batch would have put it: namespace, position, task id, sequence.
pub(in crate::store) const FIND_EVENT: &str = "SELECT 1 FROM event WHERE namespace = $1 AND task_id = $3 \
     AND sequence IN ($4, $4 - 1) AND position - sequence = $2 - $4 AND (sequence = $4 OR next_kind IS NOT NULL)";

/// The numbers of namespaces.
pub(in crate::store) const FIND_NUMBERS: &str = "SELECT name, number FROM namespace";
/// Where the logs end and begin: name, oldest position, the floor of positions and its time, then position and time
/// of the last event.
pub(in crate::store) const FIND_HEADS: Sql = Sql {
    sqlite: "SELECT n.name, n.oldest_position, n.last_position, n.last_time, \
        e.position + (e.next_kind IS NOT NULL), e.time FROM namespace AS n LEFT JOIN event AS e ON e.id = \
        (SELECT max(l.id) FROM event AS l WHERE l.id >= n.number * 1099511627776 \
         AND l.id < (n.number + 1) * 1099511627776)",
    postgres: "SELECT n.name, n.oldest_position, n.last_position, n.last_time, \
        e.position + CASE WHEN e.next_kind IS NULL THEN 0 ELSE 1 END, e.time \
        FROM namespace AS n LEFT JOIN LATERAL (SELECT l.position, l.next_kind, l.time FROM event AS l \
         WHERE l.id >= n.number * 1099511627776 AND l.id < (n.number + 1) * 1099511627776 \
         ORDER BY l.id DESC LIMIT 1) AS e ON true",
};
/// The oldest position that the feed of a namespace answers.
pub(in crate::store) const FIND_OLDEST: &str = "SELECT oldest_position FROM namespace WHERE name = $1";
/// The events of a namespace from a position on: namespace, position, namespace.
pub(in crate::store) const EVENTS_FROM: &str = "id >= (SELECT number FROM namespace WHERE name = ?) * 1099511627776 + ? \
     AND id < (SELECT number + 1 FROM namespace WHERE name = ?) * 1099511627776";
/// The tasks of a namespace in the order of the table: the name twice.
pub(in crate::store) const CREATED_IN: &str = "number >= (SELECT number FROM namespace WHERE name = ?) * 1099511627776 \
     AND number < (SELECT number + 1 FROM namespace WHERE name = ?) * 1099511627776";
/// The tasks whose priority is not the usual one. The text must be that of the index.
pub(in crate::store) const PRIORITY_UNUSUAL: &str = "priority <> 2";
/// The key of the last event of a task.
pub(in crate::store) const LAST_EVENT: &str =
    "(SELECT e.id FROM event AS e WHERE e.task_id = task.id ORDER BY e.sequence DESC LIMIT 1)";
/// The id of the task that a row `r` of a list stands for.
pub(in crate::store) const ID_OF_ROW: &str = "(SELECT t.id FROM task AS t WHERE t.number = r.sort_number)";
/// The last sequence of a row.
pub(in crate::store) const LAST_SEQUENCE: &str = "sequence + CASE WHEN next_kind IS NULL THEN 0 ELSE 1 END";
/// The last position of a row.
pub(in crate::store) const LAST_POSITION: &str = "position + CASE WHEN next_kind IS NULL THEN 0 ELSE 1 END";

/// Raises a horizon, and the floor under the positions: namespace, oldest position.
pub(in crate::store) const RAISE_HORIZON: Sql = Sql {
    sqlite: "UPDATE namespace SET oldest_position = max(oldest_position, ?2), \
        last_position = max(last_position, e.position), last_time = max(last_time, e.time) \
        FROM (SELECT coalesce(max(position), 0) AS position, coalesce(max(time), 0) AS time FROM \
          (SELECT position + (next_kind IS NOT NULL) AS position, time FROM event WHERE id < \
            (SELECT number + 1 FROM namespace WHERE name = ?1) * 1099511627776 AND id >= \
            (SELECT number FROM namespace WHERE name = ?1) * 1099511627776 ORDER BY id DESC LIMIT 1)) AS e \
        WHERE name = ?1;",
    postgres: "UPDATE namespace SET oldest_position = greatest(oldest_position, $2), \
        last_position = greatest(last_position, e.position), last_time = greatest(last_time, e.time) \
        FROM (SELECT coalesce(max(l.position), 0) AS position, coalesce(max(l.time), 0) AS time FROM \
          (SELECT position + CASE WHEN next_kind IS NULL THEN 0 ELSE 1 END AS position, time FROM event WHERE id < \
            (SELECT number + 1 FROM namespace WHERE name = $1) * 1099511627776 AND id >= \
            (SELECT number FROM namespace WHERE name = $1) * 1099511627776 ORDER BY id DESC LIMIT 1) AS l) AS e \
        WHERE name = $1",
};
/// Removes events of tasks deleted long ago: namespace, oldest position, limit.
pub(in crate::store) const TRIM_EVENTS: Sql = Sql {
    sqlite: "DELETE FROM event WHERE id IN (SELECT e.id FROM deleted_task AS d \
         JOIN event AS e ON e.task_id = d.task_id WHERE d.namespace = $1 AND d.position < $2 ORDER BY d.position LIMIT $3);",
    // An array, here and below: of a limit that it does not know the planner believes that it is a tenth of the table, and
    // would read the whole of it for each turn.
    postgres: "DELETE FROM event WHERE id = ANY(ARRAY(SELECT e.id FROM deleted_task AS d \
         JOIN event AS e ON e.task_id = d.task_id WHERE d.namespace = $1 AND d.position < $2 ORDER BY d.position LIMIT $3))",
};
/// Forgets deleted tasks whose events are all gone: namespace, oldest position, limit.
pub(in crate::store) const TRIM_DELETED: Sql = Sql {
    sqlite: "DELETE FROM deleted_task WHERE (namespace, position) IN \
         (SELECT d.namespace, d.position FROM deleted_task AS d WHERE d.namespace = $1 AND d.position < $2 \
          ORDER BY d.position LIMIT $3) \
         AND NOT EXISTS (SELECT 1 FROM event AS e WHERE e.task_id = deleted_task.task_id);",
    postgres: "DELETE FROM deleted_task WHERE namespace = $1 AND position = ANY(ARRAY \
         (SELECT d.position FROM deleted_task AS d WHERE d.namespace = $1 AND d.position < $2 ORDER BY d.position LIMIT $3)) \
         AND NOT EXISTS (SELECT 1 FROM event AS e WHERE e.task_id = deleted_task.task_id)",
};
/// Removes the oldest requests, as far as they have expired: limit, time.
pub(in crate::store) const EXPIRE_REQUESTS: Sql = Sql {
    // Rows stand in the order of their expiry.
    sqlite: "DELETE FROM request WHERE rowid IN (SELECT rowid FROM request ORDER BY rowid LIMIT ?1) \
        AND expire_time <= ?2;",
    // A row stays where it is: nobody else writes meanwhile.
    postgres: "DELETE FROM request WHERE ctid = ANY(ARRAY(SELECT ctid FROM request \
        WHERE expire_time <= $2 ORDER BY expire_time LIMIT $1))",
};
/// Removes keys whose time is over: time, limit.
pub(in crate::store) const EXPIRE_KEYS: Sql = Sql {
    sqlite: "DELETE FROM dedup WHERE (namespace,key) IN \
         (SELECT namespace,key FROM dedup WHERE expire_time <= $1 LIMIT $2);",
    postgres: "DELETE FROM dedup WHERE ctid = ANY(ARRAY \
         (SELECT ctid FROM dedup WHERE expire_time <= $1 ORDER BY expire_time LIMIT $2))",
};
pub(in crate::store) const DROP_EMPTY_COUNTS: &str = "DELETE FROM task_count WHERE count = 0;";

/// Draws the identity of a new database and leaves that of an old one: the epoch.
pub(in crate::store) const MAKE_EPOCH: &str =
    "INSERT INTO store_meta (key, value) VALUES ('epoch', $1) ON CONFLICT DO NOTHING";
/// Notes that a step of the schema was taken: its name.
pub(in crate::store) const NOTE_STEP: Sql = Sql {
    sqlite: "INSERT INTO seaql_migrations (version, applied_at) VALUES ($1, unixepoch())",
    postgres: "INSERT INTO seaql_migrations (version, applied_at) VALUES ($1, extract(epoch FROM now())::bigint)",
};
/// Sets the oldest version of the schema that a server must know to use this one.
pub(in crate::store) const SET_READABLE_FROM: &str = "INSERT INTO store_meta (key, value) VALUES ('readable_from', $1) \
     ON CONFLICT (key) DO UPDATE SET value = excluded.value";
/// The next who opens the database draws a new one.
pub(in crate::store) const DROP_EPOCH: &str = "DELETE FROM store_meta WHERE key = 'epoch'";
/// As [`MAKE_EPOCH`]: the first key.
pub(in crate::store) const MAKE_KEY: &str =
    "INSERT INTO token_key (id, secret) SELECT 1, $1 WHERE NOT EXISTS (SELECT 1 FROM token_key)";

/// Beside a row of `task_count`: since when the oldest task of a QUEUED group is ready. One seek in
/// `task_ready_by_type` for each priority.
pub(in crate::store) const OLDEST_READY: Sql = Sql {
    sqlite: "CASE WHEN task_count.state = 'QUEUED' THEN \
        (SELECT min((SELECT t.queue_time FROM task AS t WHERE t.state = 'QUEUED' AND t.namespace = task_count.namespace \
         AND t.queue = task_count.queue AND t.type = task_count.type AND t.priority = p.value \
         ORDER BY t.queue_time LIMIT 1)) FROM json_each('[1,2,3,4,5]') AS p) END",
    postgres: "CASE WHEN task_count.state = 'QUEUED' THEN \
        (SELECT min((SELECT t.queue_time FROM task AS t WHERE t.state = 'QUEUED' AND t.namespace = task_count.namespace \
         AND t.queue = task_count.queue AND t.type = task_count.type AND t.priority = p.value \
         ORDER BY t.queue_time LIMIT 1)) FROM generate_series(1, 5) AS p(value)) END",
};

/// Every live lease with its holder.
pub(in crate::store) const FIND_LEASES: Sql = Sql {
    // CROSS JOIN: or the tasks, which are many, may be walked for the leases.
    sqlite: "SELECT l.task_id, t.namespace, t.fence, t.assignee_kind, t.assignee_id, \
        t.assignee_name, l.expire_time FROM lease AS l CROSS JOIN task AS t ON t.id = l.task_id \
        WHERE t.assignee_kind IS NOT NULL",
    postgres: "SELECT l.task_id, t.namespace, t.fence, t.assignee_kind, t.assignee_id, \
        t.assignee_name, l.expire_time FROM lease AS l JOIN task AS t ON t.id = l.task_id \
        WHERE t.assignee_kind IS NOT NULL",
};

/// Where a look at settled tasks stops: namespace, state, the number of the last that was looked at, rows to pass over.
pub(in crate::store) const SETTLED_STOP: Sql = Sql {
    sqlite: "SELECT number, create_time FROM task INDEXED BY task_by_state \
        WHERE namespace = ? AND state = ? AND number > ? ORDER BY number LIMIT 1 OFFSET ?",
    // A range of one state, in its order: asked for the state and the order of numbers alone, the planner walks all tasks
    // that there are in that order, for a state that one in a million has.
    postgres: "SELECT number, create_time FROM task WHERE namespace = $1 AND (state, number) > ($2, $3) AND state <= $2 \
        ORDER BY state, number LIMIT 1 OFFSET $4",
};
/// Tasks of a queue that settled long ago: namespace, state, behind this number, to this one, queue, end, limit.
pub(in crate::store) const SETTLED: Sql = Sql {
    sqlite: "SELECT number, id FROM task INDEXED BY task_by_state \
        WHERE namespace = ? AND state = ? AND number > ? AND number <= ? AND queue = ? AND end_time <= ? \
        ORDER BY number LIMIT ?",
    postgres: "SELECT number, id FROM task \
        WHERE namespace = $1 AND (state, number) > ($2, $3) AND (state, number) <= ($2, $4) AND queue = $5 AND end_time <= $6 \
        ORDER BY state, number LIMIT $7",
};

/// Moves the ends of leases to half of their duration from a moment, where they are sooner; of those that were not
/// started to no more than a span from it: moment, span.
pub(in crate::store) const SPARE_LEASES: Sql = Sql {
    sqlite: "UPDATE lease SET expire_time = max(expire_time, ?1 + CASE \
        (SELECT t.state FROM task AS t WHERE t.id = lease.task_id) \
        WHEN 'ASSIGNED' THEN min(duration / 2, ?2) ELSE duration / 2 END) WHERE expire_time < ?1 + duration / 2;",
    postgres: "UPDATE lease SET expire_time = greatest(expire_time, $1 + CASE \
        (SELECT t.state FROM task AS t WHERE t.id = lease.task_id) \
        WHEN 'ASSIGNED' THEN least(duration / 2, $2) ELSE duration / 2 END) WHERE expire_time < $1 + duration / 2",
};

/// That the text of the labels holds a text.
pub(in crate::store) const LABELS_HAVE: Sql = Sql {
    sqlite: "instr(labels, ?) > 0",
    postgres: "strpos(labels, ?) > 0",
};

/// The names of the indexes of labels.
pub(in crate::store) const LABEL_INDEXES: Sql = Sql {
    sqlite: "SELECT name FROM sqlite_schema WHERE type = 'index' AND name LIKE 'task\\_label\\_%' ESCAPE '\\'",
    postgres: "SELECT indexname::text FROM pg_indexes WHERE schemaname = current_schema() AND tablename = 'task' \
        AND indexname LIKE 'task\\_label\\_%'",
};

/// What a namespace may have that an import would meet, and how it is found.
pub(in crate::store) const FIND_USE: [(&str, &str); 6] = [
    ("tasks", "SELECT 1 FROM task WHERE namespace = $1 LIMIT 1"),
    (
        "events",
        "SELECT 1 FROM namespace WHERE name = $1 AND (last_position > 0 OR EXISTS \
        (SELECT 1 FROM event WHERE event.id > namespace.number * 1099511627776 \
        AND event.id < (namespace.number + 1) * 1099511627776))",
    ),
    ("queues", "SELECT 1 FROM queue WHERE namespace = $1 LIMIT 1"),
    (
        "task types",
        "SELECT 1 FROM task_type WHERE namespace = $1 LIMIT 1",
    ),
    ("schedules", "SELECT 1 FROM schedule WHERE namespace = $1 LIMIT 1"),
    ("webhooks", "SELECT 1 FROM webhook WHERE namespace = $1 LIMIT 1"),
];
