-- The tables of the SQLite step of the same name, in PostgreSQL's types. Conventions: times and spans are microseconds
-- (times since 1970, UTC); enums are the names or the numbers of the proto enums; bytea columns without another word hold
-- the server's own stored messages. Texts compare by their bytes, as they do in SQLite and in Rust.

-- Raised by each turn in which a replica writes, so that the next one knows whether what it has in memory still stands; the
-- second where task types or webhooks changed. A sequence leaves no dead versions behind. The first value is taken here:
-- before it is, a sequence says that it stands at its first.
CREATE SEQUENCE turn AS bigint;
CREATE SEQUENCE definition AS bigint;
SELECT nextval('turn'), nextval('definition');

-- What there is one of: the epoch of the log (random, made with the database) and later settings of that kind.
CREATE TABLE store_meta (
    key text COLLATE "C" NOT NULL PRIMARY KEY,
    value bytea NOT NULL
);

-- Keys that sign tokens. The highest id signs, all of them verify.
CREATE TABLE token_key (
    id integer NOT NULL PRIMARY KEY,
    secret bytea NOT NULL CHECK (length(secret) = 32)
);

CREATE TABLE namespace (
    name text COLLATE "C" NOT NULL PRIMARY KEY,
    -- What the keys of its events begin with. Never given twice.
    number bigint NOT NULL UNIQUE CHECK (number BETWEEN 1 AND 4194303),
    -- The feed answers from here on; events below belong to the history of their tasks alone.
    oldest_position bigint NOT NULL DEFAULT 1 CHECK (oldest_position >= 1),
    -- No position up to this one is ever given again, also where its event is gone. A floor, not the head.
    last_position bigint NOT NULL DEFAULT 0,
    -- The time that belongs to last_position.
    last_time bigint NOT NULL DEFAULT 0
);

-- A default here is what the server leaves out of an insert.
CREATE TABLE task (
    -- The number of the namespace times 2^40, and the position of the CREATED event: the order in which tasks were created.
    number bigint NOT NULL PRIMARY KEY,
    id uuid NOT NULL UNIQUE,
    namespace text COLLATE "C" NOT NULL,
    creator_kind integer NOT NULL,
    creator_id text COLLATE "C" NOT NULL,
    creator_name text COLLATE "C" NOT NULL DEFAULT '',
    create_time bigint NOT NULL,
    update_time bigint NOT NULL,
    revision bigint NOT NULL CHECK (revision >= 1),
    state text COLLATE "C" NOT NULL CHECK (state IN ('PENDING', 'SCHEDULED', 'QUEUED', 'ASSIGNED', 'IN_PROGRESS', 'BLOCKED',
        'PAUSED', 'INPUT_REQUIRED', 'REVIEW', 'COMPLETED', 'FAILED', 'DEAD', 'CANCELLED')),
    state_reason text COLLATE "C" NOT NULL,
    edit_revision bigint NOT NULL CHECK (edit_revision BETWEEN 1 AND revision),
    queue_time bigint,
    state_message text COLLATE "C" NOT NULL DEFAULT '',
    attempt integer NOT NULL DEFAULT 1,
    fence bigint NOT NULL DEFAULT 0,
    execution_count integer NOT NULL DEFAULT 0,
    run_count integer NOT NULL DEFAULT 0,
    start_time bigint,
    end_time bigint,
    schedule_time bigint,
    -- When the task must move by itself, if nothing else happens; the end of a lease stands with the lease.
    wake_time bigint,
    paused_from text COLLATE "C",
    -- From when time limits count, where that differs from the update and the create time.
    timers bytea,
    queue text COLLATE "C" NOT NULL,
    type text COLLATE "C" NOT NULL,
    priority integer NOT NULL CHECK (priority BETWEEN 1 AND 5),
    title text COLLATE "C" NOT NULL,
    -- A JSON object of strings.
    labels text COLLATE "C" NOT NULL,
    -- Description, function, retry policy, time limits, verification, metadata, the key that tells the task from others
    -- and the hash of the request that created it.
    spec bytea NOT NULL,
    parent_id uuid,
    assignee_kind integer,
    assignee_id text COLLATE "C",
    assignee_name text COLLATE "C",
    -- The assignee holds or held the task by lease. The row of a live lease is in `lease`.
    leased boolean NOT NULL DEFAULT false,
    progress bytea,
    error bytea,
    dependencies bytea,
    input_requests bytea,
    -- Kind, media type, version, size and hash; the bytes stand beside it.
    input bytea,
    input_body bytea,
    output bytea,
    output_body bytea,
    checkpoint bytea,
    checkpoint_body bytea,
    -- That of the last checkpoint, be it cleared since.
    checkpoint_version integer NOT NULL DEFAULT 0,
    receipt bytea,
    -- Tells a repeat of the last call by token from another call, and of the last one by which a live lease ended.
    last_call bigint,
    handover_call bigint,
    -- Chunks of output of the run under way.
    output_count integer NOT NULL DEFAULT 0,
    retry_count integer NOT NULL DEFAULT 0,
    -- The version of the input that was last cleared.
    cleared_input integer NOT NULL DEFAULT 0,
    has_dependants boolean NOT NULL DEFAULT false,
    has_children boolean NOT NULL DEFAULT false,
    CHECK ((end_time IS NOT NULL) = (state IN ('COMPLETED', 'FAILED', 'DEAD', 'CANCELLED'))),
    CHECK ((assignee_kind IS NULL) = (assignee_id IS NULL) AND (assignee_id IS NULL) = (assignee_name IS NULL)),
    CHECK ((input IS NULL) = (input_body IS NULL) AND (output IS NULL) = (output_body IS NULL)),
    CHECK ((checkpoint IS NULL) = (checkpoint_body IS NULL))
);

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

-- Live leases. Apart from the task, so that a renewal rewrites neither the wide row nor its
-- indexes.
CREATE TABLE lease (
    task_id uuid NOT NULL PRIMARY KEY,
    duration bigint NOT NULL,
    expire_time bigint NOT NULL
);
CREATE INDEX lease_due ON lease (expire_time);

-- Every time that somebody worked on a task. Rows come in the order in which the work was told of, and so do their ids.
CREATE TABLE run (
    id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    task_id uuid NOT NULL,
    -- 1, 2, 3 ... within the task.
    number integer NOT NULL CHECK (number >= 1),
    attempt integer NOT NULL,
    fence bigint NOT NULL,
    namespace text COLLATE "C" NOT NULL,
    -- These two as they were when it began.
    queue text COLLATE "C" NOT NULL,
    type text COLLATE "C" NOT NULL,
    assignee_kind integer,
    assignee_id text COLLATE "C",
    assignee_name text COLLATE "C",
    start_time bigint NOT NULL,
    end_time bigint,
    outcome text COLLATE "C",
    error bytea,
    -- Kind, media type, version, size and hash; the bytes stand with the task or among the payloads.
    output bytea,
    CHECK ((end_time IS NULL) = (outcome IS NULL)),
    CHECK ((assignee_kind IS NULL) = (assignee_id IS NULL) AND (assignee_id IS NULL) = (assignee_name IS NULL))
);
CREATE UNIQUE INDEX run_by_task ON run (task_id, number);
-- The last runs of a type.
CREATE INDEX run_by_type ON run (namespace, type, id);

-- Keys that tell tasks from others, and who holds them. One without an expire time goes when its task settles.
CREATE TABLE dedup (
    namespace text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,
    task_id uuid NOT NULL,
    expire_time bigint,
    PRIMARY KEY (namespace, key)
);
CREATE INDEX dedup_due ON dedup (expire_time) WHERE expire_time IS NOT NULL;

-- How many tasks there are; kept with every batch, so that counting costs nothing.
CREATE TABLE task_count (
    namespace text COLLATE "C" NOT NULL,
    state text COLLATE "C" NOT NULL,
    queue text COLLATE "C" NOT NULL,
    type text COLLATE "C" NOT NULL,
    count bigint NOT NULL,
    PRIMARY KEY (namespace, state, queue, type)
);

-- The log. Rows are only added; those of a deleted task go once the feed's horizon has passed its DELETED event.
CREATE TABLE event (
    -- The number of the namespace times 2^40, and the position.
    id bigint NOT NULL PRIMARY KEY,
    namespace text COLLATE "C" NOT NULL,
    position bigint NOT NULL CHECK (position >= 1),
    task_id uuid NOT NULL,
    sequence bigint NOT NULL CHECK (sequence >= 1),
    kind integer NOT NULL,
    time bigint NOT NULL,
    actor_kind integer NOT NULL,
    actor_id text COLLATE "C" NOT NULL,
    actor_name text COLLATE "C" NOT NULL DEFAULT '',
    from_state text COLLATE "C",
    to_state text COLLATE "C" NOT NULL,
    state_reason text COLLATE "C" NOT NULL,
    message text COLLATE "C" NOT NULL DEFAULT '',
    attempt integer NOT NULL DEFAULT 1,
    fence bigint NOT NULL DEFAULT 0,
    queue text COLLATE "C" NOT NULL,
    type text COLLATE "C" NOT NULL,
    labels text COLLATE "C" NOT NULL,
    detail bytea,
    -- Which form of the stored message `detail` has.
    detail_version integer NOT NULL DEFAULT 1,
    -- A second event of the same change, with the next position and the next sequence, no message and no detail: a task
    -- that is created takes its place at once. In all else it is as the first.
    next_kind integer,
    next_to_state text COLLATE "C",
    next_state_reason text COLLATE "C",
    CHECK (id % 1099511627776 = position),
    CHECK ((next_kind IS NULL) = (next_to_state IS NULL) AND (next_kind IS NULL) = (next_state_reason IS NULL))
);
CREATE UNIQUE INDEX event_by_task ON event (task_id, sequence);

-- Deleted tasks whose events are still in the log. `position` is that of the DELETED event.
CREATE TABLE deleted_task (
    namespace text COLLATE "C" NOT NULL,
    position bigint NOT NULL,
    task_id uuid NOT NULL,
    PRIMARY KEY (namespace, position)
);

-- Payloads that another took the place of; the current ones stand on the task.
CREATE TABLE payload (
    task_id uuid NOT NULL,
    role integer NOT NULL,
    version integer NOT NULL,
    header bytea NOT NULL,
    body bytea NOT NULL,
    PRIMARY KEY (task_id, role, version)
);

-- Successes remembered for their request id.
CREATE TABLE request (
    request_id uuid NOT NULL,
    namespace text COLLATE "C" NOT NULL,
    method text COLLATE "C" NOT NULL,
    hash bytea NOT NULL CHECK (length(hash) = 32),
    -- 16 bytes each.
    task_ids bytea NOT NULL,
    revision bigint NOT NULL,
    expire_time bigint NOT NULL,
    PRIMARY KEY (request_id, namespace)
);
CREATE INDEX request_due ON request (expire_time);

-- Open dependencies of open tasks.
CREATE TABLE edge (
    depends_on uuid NOT NULL,
    task_id uuid NOT NULL,
    -- That of the task waited for when the edge was made.
    revision bigint NOT NULL,
    PRIMARY KEY (depends_on, task_id)
);

-- What a settled or deleted task still has to bring about. Ids are never used again.
CREATE TABLE follow_up (
    id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    namespace text COLLATE "C" NOT NULL,
    kind text COLLATE "C" NOT NULL CHECK (kind IN ('DEPENDENCY_SETTLED', 'PARENT_GONE')),
    task_id uuid NOT NULL,
    result text COLLATE "C" NOT NULL,
    revision bigint NOT NULL
);

-- Tasks that come into being by themselves, again and again. A tick writes the first group alone.
CREATE TABLE schedule (
    id uuid NOT NULL PRIMARY KEY,
    -- Rises by one with every write of the row.
    revision bigint NOT NULL CHECK (revision >= 1),
    -- When the next tick is acted on; absent while it is paused and after the last one.
    next_time bigint,
    -- Ticks that wait for an open task, and may go on once that settles.
    waiting bigint NOT NULL,
    -- What it has come to: the next tick, those that wait, what became of the last ones.
    progress bytea NOT NULL,
    namespace text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    -- When it acts, and how.
    spec bytea NOT NULL,
    -- What it makes.
    template bytea NOT NULL
);
CREATE UNIQUE INDEX schedule_by_name ON schedule (namespace, name);
CREATE INDEX schedule_due ON schedule (next_time) WHERE next_time IS NOT NULL;
CREATE INDEX schedule_waiting ON schedule (id) WHERE waiting > 0;

-- What is known of tasks by their type.
CREATE TABLE task_type (
    id uuid NOT NULL PRIMARY KEY,
    -- Rises with every edit.
    revision bigint NOT NULL CHECK (revision >= 1),
    namespace text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    -- Description, schemas, exposure, defaults, who registered it and when.
    spec bytea NOT NULL
);
CREATE UNIQUE INDEX task_type_by_name ON task_type (namespace, name);

-- Queues that were created: what is said of them, and what is in use of their limits. Tasks may name any other queue too.
-- Who gives out or takes back a task of a queue writes the first group in the transaction that does so.
CREATE TABLE queue (
    id uuid NOT NULL PRIMARY KEY,
    -- Rows of `lease` whose tasks name it.
    leased bigint NOT NULL CHECK (leased >= 0),
    -- When the bucket of its rate limit is full again.
    bucket bigint NOT NULL,
    namespace text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    -- What is said of it.
    spec bytea NOT NULL
);
CREATE UNIQUE INDEX queue_by_name ON queue (namespace, name);

-- As `queue.leased`, of the tasks that share a key, where the queue has a limit by key. A key of which none is has no row.
CREATE TABLE queue_key (
    queue_id uuid NOT NULL,
    key text COLLATE "C" NOT NULL,
    leased bigint NOT NULL CHECK (leased > 0),
    PRIMARY KEY (queue_id, key)
);

-- Where events are posted to. What it holds signs messages: whoever reads the table can sign them too.
CREATE TABLE webhook (
    id uuid NOT NULL PRIMARY KEY,
    -- Rises with every edit, pause and resume.
    revision bigint NOT NULL CHECK (revision >= 1),
    namespace text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    -- Description, URL, filter, event types, format, secrets, whether it is paused, who created it and when.
    spec bytea NOT NULL,
    -- The position in the log up to which nothing is left to deliver, counts, and what went wrong last.
    progress bytea NOT NULL
);
CREATE UNIQUE INDEX webhook_by_name ON webhook (namespace, name);

-- Tables whose rows are written again and again: their dead rows are cleared early, before claims walk over them. The log
-- only grows: what is added to it is marked as seen by all, so that reading it needs no look at the rows.
ALTER TABLE task SET (fillfactor = 90, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);
ALTER TABLE lease SET (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.0, autovacuum_vacuum_threshold = 1000,
    autovacuum_vacuum_cost_delay = 0);
ALTER TABLE task_count SET (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.0, autovacuum_vacuum_threshold = 500,
    autovacuum_vacuum_cost_delay = 0);
ALTER TABLE queue SET (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.0, autovacuum_vacuum_threshold = 500,
    autovacuum_vacuum_cost_delay = 0);
ALTER TABLE follow_up SET (autovacuum_vacuum_scale_factor = 0.0, autovacuum_vacuum_threshold = 1000,
    autovacuum_vacuum_cost_delay = 0);
ALTER TABLE event SET (autovacuum_vacuum_insert_scale_factor = 0.05);
