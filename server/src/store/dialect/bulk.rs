//! The texts that write many rows, which are their parameters: see [`Rows`].
//!
//! [`Rows`]: super::super::bulk::Rows

use super::{Dialect, push};
use crate::store::bulk::{Column, KEY, Kind, Mask, Table};
use crate::store::jsonb;

impl Dialect {
    /// Inserts the columns of `mask` of all rows; the rest are the schema's defaults.
    pub(in crate::store) fn insert(self, table: &Table, mask: Mask, on_conflict: &str) -> String {
        let (mut names, mut values) = (String::new(), String::new());
        for (place, column) in table.chosen(mask).enumerate() {
            if place > 0 {
                names.push(',');
                values.push(',');
            }
            names.push_str(column.name);
            match self {
                Self::Sqlite => values.push_str(&value(place, column)),
                Self::Postgres => push(&mut values, format_args!("r.{}", column.name)),
            }
        }
        let name = table.name;
        match self {
            // WHERE TRUE: or ON CONFLICT would be read as a join's.
            Self::Sqlite => format!(
                "INSERT INTO {name} ({names}) SELECT {values} FROM jsonb_each(?) AS r WHERE TRUE{on_conflict};"
            ),
            Self::Postgres => {
                format!(
                    "INSERT INTO {name} ({names}) SELECT {values} FROM {}{on_conflict}",
                    records(table, mask)
                )
            }
        }
    }

    /// Adds to the counts of tasks, rows of `table`.
    pub(in crate::store) fn add_counts(self, table: &Table) -> String {
        match self {
            Self::Sqlite => self.insert(table, Mask::MAX, ADD_COUNT),
            Self::Postgres => format!("WITH {} {ADD_COUNTED}", counted(table)),
        }
    }

    /// Updates the columns of `mask`, which does not have the key, of all rows; a row is its key and these.
    pub(in crate::store) fn update(self, table: &Table, mask: Mask) -> String {
        self.update_where(table, mask, "")
    }

    /// As [`Self::update`], of rows that stand at the revision before the one that they get.
    pub(in crate::store) fn update_next(self, table: &Table, mask: Mask) -> String {
        let guard = format!(" AND {}.revision=r.revision-1", table.name);
        self.update_where(table, mask, &guard)
    }

    fn update_where(self, table: &Table, mask: Mask, guard: &str) -> String {
        let (mut sets, mut values, mut key) = (String::new(), String::new(), "");
        for (place, column) in table.chosen(mask | KEY).enumerate() {
            if place == 0 {
                key = column.name;
            } else {
                let comma = if place > 1 { "," } else { "" };
                push(&mut sets, format_args!("{comma}{0}=r.{0}", column.name));
            }
            let comma = if place > 0 { "," } else { "" };
            push(
                &mut values,
                format_args!("{comma}{} AS {}", value(place, column), column.name),
            );
        }
        let name = table.name;
        match self {
            Self::Sqlite => format!(
                "UPDATE {name} SET {sets} FROM (SELECT {values} FROM jsonb_each(?) AS r) AS r \
                 WHERE {name}.{key}=r.{key}{guard};"
            ),
            Self::Postgres => {
                format!(
                    "UPDATE {name} SET {sets} FROM {} WHERE {name}.{key}=r.{key}{guard}",
                    records(table, mask | KEY)
                )
            }
        }
    }

    /// Copies the standing payload of a role to the payload table, for each row of [role, version, task id].
    pub(in crate::store) fn retire(self, role: &str) -> String {
        let (role_number, version, id, rows, end) = match self {
            Self::Sqlite => (
                "r.value->>0",
                "r.value->>1",
                "unhex(r.value->>2)",
                ROWS.sqlite,
                " WHERE TRUE",
            ),
            Self::Postgres => (
                "(r.value->>0)::int",
                "(r.value->>1)::int",
                "(r.value->>2)::uuid",
                ROWS.postgres,
                "",
            ),
        };
        format!(
            "INSERT INTO payload (task_id, role, version, header, body) \
             SELECT t.id, {role_number}, {version}, t.{role}, t.{role}_body \
             FROM {rows} JOIN task AS t ON t.id = {id}{end}{REPLACE_PAYLOAD};"
        )
    }

    /// Deletes rows by a list of rows with the values of `columns`, all of them ids.
    pub(in crate::store) fn delete_by_ids(self, table: &str, columns: &[&str]) -> String {
        let value = |place| match self {
            Self::Sqlite => format!("unhex(r.value->>{place})"),
            Self::Postgres => format!("(r.value->>{place})::uuid"),
        };
        let values: Vec<_> = (0..columns.len()).map(value).collect();
        let (columns, values) = (columns.join(","), values.join(","));
        format!(
            "DELETE FROM {table} WHERE ({columns}) IN (SELECT {values} FROM {});",
            ROWS.of(self)
        )
    }
}

/// The rows that are the parameters, an array each for these columns. To read them as JSON, records by the names of their
/// columns, took the database half of what it needs to insert them.
fn records(table: &Table, mask: Mask) -> String {
    let (mut arrays, mut names) = (String::new(), String::new());
    for (place, column) in table.chosen(mask).enumerate() {
        let comma = if place > 0 { "," } else { "" };
        let kind = match column.kind {
            Kind::Int => "bigint",
            Kind::Flag => "boolean",
            Kind::Text => "text",
            Kind::Id => "uuid",
            Kind::Blob => "bytea",
        };
        push(&mut arrays, format_args!("{comma}${}::{kind}[]", place + 1));
        push(&mut names, format_args!("{comma}{}", column.name));
    }
    format!("unnest({arrays}) AS r({names})")
}

/// `jsonb_each`, not `json_each`: that one reads the row's text again for every column.
fn value(place: usize, column: &Column) -> String {
    let path = jsonb::path(place);
    if column.kind.is_bytes() {
        format!("unhex(r.value->>'{path}')")
    } else {
        format!("r.value->>'{path}'")
    }
}

const ROWS: super::Sql = super::Sql {
    sqlite: "jsonb_each(?) AS r",
    postgres: "jsonb_array_elements($1::jsonb) AS r(value)",
};

/// Adds up what is there and what comes.
const ADD_COUNT: &str =
    " ON CONFLICT (namespace, state, queue, type) DO UPDATE SET count = task_count.count + excluded.count";
/// As [`ADD_COUNT`]. For as long as an old snapshot is held, each of these rows leaves a dead version with every commit, and
/// whoever looks for one by its key walks over them, from the oldest on. So it is looked for from the other end, where the
/// newest stands; and where that is, it is updated.
/// These are terms of a WITH, and behind them comes [`ADD_COUNTED`].
pub(in crate::store) fn counted(table: &Table) -> String {
    let rows = records(table, Mask::MAX);
    format!(
        "counted AS (SELECT * FROM {rows}), \
         known AS (UPDATE task_count AS t SET count = t.count + f.count FROM (SELECT r.count, \
           (SELECT CASE WHEN (l.namespace, l.state, l.queue, l.type) = (r.namespace, r.state, r.queue, r.type) THEN l.place END \
            FROM (SELECT c.*, c.ctid AS place FROM task_count AS c \
             WHERE (c.namespace, c.state, c.queue, c.type) <= (r.namespace, r.state, r.queue, r.type) \
             ORDER BY c.namespace DESC, c.state DESC, c.queue DESC, c.type DESC LIMIT 1) AS l) AS place FROM counted AS r) AS f \
          WHERE t.ctid = f.place RETURNING t.namespace, t.state, t.queue, t.type)"
    )
}

/// Adds those of [`counted`] that are not there yet.
pub(in crate::store) const ADD_COUNTED: &str = "INSERT INTO task_count (namespace, state, queue, type, count) \
    SELECT r.namespace, r.state, r.queue, r.type, r.count FROM counted AS r WHERE NOT EXISTS (SELECT 1 FROM known AS k \
     WHERE (k.namespace, k.state, k.queue, k.type) = (r.namespace, r.state, r.queue, r.type))";
/// The newer payload of a version that was given twice wins.
pub(in crate::store) const REPLACE_PAYLOAD: &str =
    " ON CONFLICT (task_id, role, version) DO UPDATE SET header = excluded.header, body = excluded.body";
/// A lease that is granted anew or renewed.
pub(in crate::store) const REPLACE_LEASE: &str =
    " ON CONFLICT (task_id) DO UPDATE SET duration = excluded.duration, expire_time = excluded.expire_time";
/// A key whose hold is over has another holder.
pub(in crate::store) const REPLACE_KEY: &str = " ON CONFLICT (namespace, key) DO UPDATE SET task_id = excluded.task_id, expire_time = excluded.expire_time";

/// What is in use of a key.
pub(in crate::store) const REPLACE_KEY_USE: &str =
    " ON CONFLICT (queue_id, key) DO UPDATE SET leased = excluded.leased";
