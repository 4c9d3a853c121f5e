-- Conventions: ids are UUIDs of 16 bytes; times and spans are microseconds (times since 1970, UTC); enums are the names
-- or the numbers of the proto enums; BLOB columns without another word hold the server's own stored messages.

-- What there is one of: the epoch of the log (random, made with the database) and later settings of that kind.
CREATE TABLE store_meta (
    key TEXT NOT NULL PRIMARY KEY,
    value BLOB NOT NULL
) STRICT;

-- Keys that sign tokens. The highest id signs, all of them verify.
CREATE TABLE token_key (
    id INTEGER NOT NULL PRIMARY KEY,
    secret BLOB NOT NULL CHECK (length(secret) = 32)
) STRICT;

CREATE TABLE namespace (
    name TEXT NOT NULL PRIMARY KEY,
    -- What the keys of its events begin with. Never given twice.
    number INTEGER NOT NULL UNIQUE CHECK (number BETWEEN 1 AND 4194303),
    -- The feed answers from here on; events below belong to the history of their tasks alone.
    oldest_position INTEGER NOT NULL DEFAULT 1 CHECK (oldest_position >= 1),
    -- No position up to this one is ever given again, also where its event is gone. A floor, not the head.
    last_position INTEGER NOT NULL DEFAULT 0,
    -- The time that belongs to last_position.
    last_time INTEGER NOT NULL DEFAULT 0
) STRICT;

-- A default here is what the server leaves out of an insert.
CREATE TABLE task (
    -- The number of the namespace times 2^40, and the position of the CREATED event: the table itself is in the order in
    -- which tasks were created, so no list asks for an index of that.
    number INTEGER NOT NULL PRIMARY KEY,
    id BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
    namespace TEXT NOT NULL,
    creator_kind INTEGER NOT NULL,
    creator_id TEXT NOT NULL,
    creator_name TEXT NOT NULL DEFAULT '',
    create_time INTEGER NOT NULL,
    update_time INTEGER NOT NULL,
    revision INTEGER NOT NULL CHECK (revision >= 1),
    state TEXT NOT NULL CHECK (state IN ('PENDING', 'SCHEDULED', 'QUEUED', 'ASSIGNED', 'IN_PROGRESS', 'BLOCKED',
        'PAUSED', 'INPUT_REQUIRED', 'REVIEW', 'COMPLETED', 'FAILED', 'DEAD', 'CANCELLED')),
    state_reason TEXT NOT NULL,
    edit_revision INTEGER NOT NULL CHECK (edit_revision BETWEEN 1 AND revision),
    queue_time INTEGER,
    state_message TEXT NOT NULL DEFAULT '',
    attempt INTEGER NOT NULL DEFAULT 1,
    fence INTEGER NOT NULL DEFAULT 0,
    execution_count INTEGER NOT NULL DEFAULT 0,
    run_count INTEGER NOT NULL DEFAULT 0,
    start_time INTEGER,
    end_time INTEGER,
    schedule_time INTEGER,
    -- When the task must move by itself, if nothing else happens; the end of a lease stands with the lease.
    wake_time INTEGER,
    paused_from TEXT,
    -- From when time limits count, where that differs from the update and the create time.
    timers BLOB,
    queue TEXT NOT NULL,
    type TEXT NOT NULL,
    priority INTEGER NOT NULL CHECK (priority BETWEEN 1 AND 5),
    title TEXT NOT NULL,
    -- A JSON object of strings.
    labels TEXT NOT NULL,
    -- Description, function, retry policy, time limits, verification, metadata, the key that tells the task from others
    -- and the hash of the request that created it.
    spec BLOB NOT NULL,
    parent_id BLOB CHECK (length(parent_id) = 16),
    assignee_kind INTEGER,
    assignee_id TEXT,
    assignee_name TEXT,
    -- The assignee holds or held the task by lease. The row of a live lease is in `lease`.
    leased INTEGER NOT NULL DEFAULT 0 CHECK (leased IN (0, 1)),
    progress BLOB,
    error BLOB,
    dependencies BLOB,
    input_requests BLOB,
    -- Kind, media type, version, size and hash; the bytes stand beside it.
    input BLOB,
    input_body BLOB,
    output BLOB,
    output_body BLOB,
    checkpoint BLOB,
    checkpoint_body BLOB,
    -- That of the last checkpoint, be it cleared since.
    checkpoint_version INTEGER NOT NULL DEFAULT 0,
    receipt BLOB,
    -- Tells a repeat of the last call by token from another call, and of the last one by which a live lease ended.
    last_call INTEGER,
    handover_call INTEGER,
    -- Chunks of output of the run under way.
    output_count INTEGER NOT NULL DEFAULT 0,
    retry_count INTEGER NOT NULL DEFAULT 0,
    -- The version of the input that was last cleared.
    cleared_input INTEGER NOT NULL DEFAULT 0,
    has_dependants INTEGER NOT NULL DEFAULT 0 CHECK (has_dependants IN (0, 1)),
    has_children INTEGER NOT NULL DEFAULT 0 CHECK (has_children IN (0, 1)),
    CHECK ((end_time IS NOT NULL) = (state IN ('COMPLETED', 'FAILED', 'DEAD', 'CANCELLED'))),
    CHECK ((assignee_kind IS NULL) = (assignee_id IS NULL) AND (assignee_id IS NULL) = (assignee_name IS NULL)),
    CHECK ((input IS NULL) = (input_body IS NULL) AND (output IS NULL) = (output_body IS NULL)),
    CHECK ((checkpoint IS NULL) = (checkpoint_body IS NULL))
) STRICT;

-- Lists. The number makes each order total; type and queue are there so that a filter on them reads the index alone.
-- The order of updates is that of the log. Most tasks have priority NORMAL and are no part of an index of priorities.
CREATE INDEX task_by_state ON task (namespace, state, number, type, queue);
CREATE INDEX task_by_priority ON task (namespace, priority, number) WHERE priority <> 2;
CREATE INDEX task_by_schedule_time ON task (namespace, schedule_time, number) WHERE schedule_time IS NOT NULL;
CREATE INDEX task_by_parent ON task (parent_id, number) WHERE parent_id IS NOT NULL;
-- Children that a cancelled parent takes with it.
CREATE INDEX task_open_child ON task (parent_id) WHERE parent_id IS NOT NULL AND end_time IS NULL;
-- Ready tasks in the order in which workers get them: of each queue, and of each queue and type. Both, for a claim of
-- any type must not look at each type, nor one of some types at the tasks of all others.
CREATE INDEX task_ready ON task (namespace, queue, priority DESC, queue_time, id, type) WHERE state = 'QUEUED';
CREATE INDEX task_ready_by_type ON task (namespace, queue, type, priority DESC, queue_time, id) WHERE state = 'QUEUED';
CREATE INDEX task_due ON task (wake_time) WHERE wake_time IS NOT NULL;

-- Live leases. Apart from the task, so that a renewal rewrites neither the wide row nor its indexes.
CREATE TABLE lease (
    task_id BLOB NOT NULL PRIMARY KEY CHECK (length(task_id) = 16),
    duration INTEGER NOT NULL,
    expire_time INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX lease_due ON lease (expire_time);

-- Every time that somebody worked on a task. Rows come in the order in which the work was told of, and so do their ids.
CREATE TABLE run (
    id INTEGER NOT NULL PRIMARY KEY,
    task_id BLOB NOT NULL CHECK (length(task_id) = 16),
    -- 1, 2, 3 ... within the task.
    number INTEGER NOT NULL CHECK (number >= 1),
    attempt INTEGER NOT NULL,
    fence INTEGER NOT NULL,
    namespace TEXT NOT NULL,
    -- These two as they were when it began.
    queue TEXT NOT NULL,
    type TEXT NOT NULL,
    assignee_kind INTEGER,
    assignee_id TEXT,
    assignee_name TEXT,
    start_time INTEGER NOT NULL,
    end_time INTEGER,
    outcome TEXT,
    error BLOB,
    -- Kind, media type, version, size and hash; the bytes stand with the task or among the payloads.
    output BLOB,
    CHECK ((end_time IS NULL) = (outcome IS NULL)),
    CHECK ((assignee_kind IS NULL) = (assignee_id IS NULL) AND (assignee_id IS NULL) = (assignee_name IS NULL))
) STRICT;
CREATE UNIQUE INDEX run_by_task ON run (task_id, number);
-- The last runs of a type: the id, which every index ends with, gives their order.
CREATE INDEX run_by_type ON run (namespace, type);

-- Keys that tell tasks from others, and who holds them. One without an expire time goes when its task settles.
CREATE TABLE dedup (
    namespace TEXT NOT NULL,
    key TEXT NOT NULL,
    task_id BLOB NOT NULL CHECK (length(task_id) = 16),
    expire_time INTEGER,
    PRIMARY KEY (namespace, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX dedup_due ON dedup (expire_time) WHERE expire_time IS NOT NULL;

-- How many tasks there are; kept with every batch, so that counting costs nothing.
CREATE TABLE task_count (
    namespace TEXT NOT NULL,
    state TEXT NOT NULL,
    queue TEXT NOT NULL,
    type TEXT NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (namespace, state, queue, type)
) STRICT, WITHOUT ROWID;

-- The log. Rows are only added; those of a deleted task go once the feed's horizon has passed its DELETED event.
CREATE TABLE event (
    -- The number of the namespace times 2^40, and the position: the table itself is in the order of the log. An index by
    -- position would cost more than the row, for what is added at its end is not added to a table's end.
    id INTEGER NOT NULL PRIMARY KEY,
    namespace TEXT NOT NULL,
    position INTEGER NOT NULL CHECK (position >= 1),
    task_id BLOB NOT NULL CHECK (length(task_id) = 16),
    sequence INTEGER NOT NULL CHECK (sequence >= 1),
    kind INTEGER NOT NULL,
    time INTEGER NOT NULL,
    actor_kind INTEGER NOT NULL,
    actor_id TEXT NOT NULL,
    actor_name TEXT NOT NULL DEFAULT '',
    from_state TEXT,
    to_state TEXT NOT NULL,
    state_reason TEXT NOT NULL,
    message TEXT NOT NULL DEFAULT '',
    attempt INTEGER NOT NULL DEFAULT 1,
    fence INTEGER NOT NULL DEFAULT 0,
    queue TEXT NOT NULL,
    type TEXT NOT NULL,
    labels TEXT NOT NULL,
    detail BLOB,
    -- Which form of the stored message `detail` has.
    detail_version INTEGER NOT NULL DEFAULT 1,
    -- A second event of the same change, with the next position and the next sequence, no message and no detail: a task
    -- that is created takes its place at once. In all else it is as the first.
    next_kind INTEGER,
    next_to_state TEXT,
    next_state_reason TEXT,
    CHECK (id % 1099511627776 = position),
    CHECK ((next_kind IS NULL) = (next_to_state IS NULL) AND (next_kind IS NULL) = (next_state_reason IS NULL))
) STRICT;
CREATE UNIQUE INDEX event_by_task ON event (task_id, sequence);

-- Deleted tasks whose events are still in the log. `position` is that of the DELETED event.
CREATE TABLE deleted_task (
    namespace TEXT NOT NULL,
    position INTEGER NOT NULL,
    task_id BLOB NOT NULL,
    PRIMARY KEY (namespace, position)
) STRICT, WITHOUT ROWID;

-- Payloads that another took the place of; the current ones stand on the task.
CREATE TABLE payload (
    task_id BLOB NOT NULL,
    role INTEGER NOT NULL,
    version INTEGER NOT NULL,
    header BLOB NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (task_id, role, version)
) STRICT;

-- Successes remembered for their request id. Rows are added in the order in which they expire.
CREATE TABLE request (
    request_id BLOB NOT NULL CHECK (length(request_id) = 16),
    namespace TEXT NOT NULL,
    method TEXT NOT NULL,
    hash BLOB NOT NULL CHECK (length(hash) = 32),
    -- 16 bytes each.
    task_ids BLOB NOT NULL,
    revision INTEGER NOT NULL,
    expire_time INTEGER NOT NULL,
    PRIMARY KEY (request_id, namespace)
) STRICT;

-- Open dependencies of open tasks.
CREATE TABLE edge (
    depends_on BLOB NOT NULL CHECK (length(depends_on) = 16),
    task_id BLOB NOT NULL CHECK (length(task_id) = 16),
    -- That of the task waited for when the edge was made.
    revision INTEGER NOT NULL,
    PRIMARY KEY (depends_on, task_id)
) STRICT, WITHOUT ROWID;

-- What a settled or deleted task still has to bring about. Ids are never used again.
CREATE TABLE follow_up (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    namespace TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('DEPENDENCY_SETTLED', 'PARENT_GONE')),
    task_id BLOB NOT NULL CHECK (length(task_id) = 16),
    result TEXT NOT NULL,
    revision INTEGER NOT NULL
) STRICT;

-- Tasks that come into being by themselves, again and again. A tick writes the first group alone.
CREATE TABLE schedule (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    -- Rises by one with every write of the row.
    revision INTEGER NOT NULL CHECK (revision >= 1),
    -- When the next tick is acted on; absent while it is paused and after the last one.
    next_time INTEGER,
    -- Ticks that wait for an open task, and may go on once that settles.
    waiting INTEGER NOT NULL,
    -- What it has come to: the next tick, those that wait, what became of the last ones.
    progress BLOB NOT NULL,
    namespace TEXT NOT NULL,
    name TEXT NOT NULL,
    -- When it acts, and how.
    spec BLOB NOT NULL,
    -- What it makes.
    template BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX schedule_by_name ON schedule (namespace, name);
CREATE INDEX schedule_due ON schedule (next_time) WHERE next_time IS NOT NULL;
CREATE INDEX schedule_waiting ON schedule (id) WHERE waiting > 0;

-- What is known of tasks by their type.
CREATE TABLE task_type (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    -- Rises with every edit.
    revision INTEGER NOT NULL CHECK (revision >= 1),
    namespace TEXT NOT NULL,
    name TEXT NOT NULL,
    -- Description, schemas, exposure, defaults, who registered it and when.
    spec BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX task_type_by_name ON task_type (namespace, name);

-- Queues that were created: what is said of them, and what is in use of their limits. Tasks may name any other queue too.
-- Who gives out or takes back a task of a queue writes the first group in the transaction that does so.
CREATE TABLE queue (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    -- Rows of `lease` whose tasks name it.
    leased INTEGER NOT NULL CHECK (leased >= 0),
    -- When the bucket of its rate limit is full again.
    bucket INTEGER NOT NULL,
    namespace TEXT NOT NULL,
    name TEXT NOT NULL,
    -- What is said of it.
    spec BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX queue_by_name ON queue (namespace, name);

-- As `queue.leased`, of the tasks that share a key, where the queue has a limit by key. A key of which none is has no row.
CREATE TABLE queue_key (
    queue_id BLOB NOT NULL CHECK (length(queue_id) = 16),
    key TEXT NOT NULL,
    leased INTEGER NOT NULL CHECK (leased > 0),
    PRIMARY KEY (queue_id, key)
) STRICT, WITHOUT ROWID;

-- Where events are posted to. What it holds signs messages: whoever reads the file can sign them too.
CREATE TABLE webhook (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    -- Rises with every edit, pause and resume.
    revision INTEGER NOT NULL CHECK (revision >= 1),
    namespace TEXT NOT NULL,
    name TEXT NOT NULL,
    -- Description, URL, filter, event types, format, secrets, whether it is paused, who created it and when.
    spec BLOB NOT NULL,
    -- The position in the log up to which nothing is left to deliver, counts, and what went wrong last.
    progress BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX webhook_by_name ON webhook (namespace, name);
