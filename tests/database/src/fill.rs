//! Makes a database large: copies of a task with its events and runs, by statements that write many rows at once.

use crate::Shell;

/// Copies of one statement: a transaction of bounded size.
const AT_ONCE: u64 = 100_000;

/// What stands in the place of a column.
type Column<'a> = (&'a str, String);

impl Shell {
    /// Adds `copies` of the task with that id (32 hexadecimal digits), each with its events, runs and count, behind the end of
    /// its log. Nobody else writes.
    pub async fn fill(&mut self, template: &str, copies: u64) {
        let mut left = copies;
        while left > 0 {
            let some = left.min(AT_ONCE);
            self.fill_some(template, some).await;
            left -= some;
        }
    }

    async fn fill_some(&mut self, template: &str, copies: u64) {
        let id = self.id(template);
        let ask = format!("SELECT CAST(number / 1099511627776 AS text) FROM task WHERE id = {id}");
        let namespace: i64 = self.a_number(&ask).await;
        let last = "max(position + CASE WHEN next_kind IS NULL THEN 0 ELSE 1 END)";
        let ask = format!("SELECT CAST(min(position) AS text) FROM event WHERE task_id = {id}");
        let first: i64 = self.a_number(&ask).await;
        let ask = format!("SELECT CAST({last} AS text) FROM event WHERE task_id = {id}");
        let span = self.a_number(&ask).await - first + 1;
        let key = namespace << 40;
        let ask = format!(
            "SELECT CAST(position + 1 AS text) FROM event WHERE id >= {key} AND id < {key} + 1099511627776 ORDER BY id DESC LIMIT 1"
        );
        let head: i64 = self.a_number(&ask).await;
        let position = format!("{head} + (g.n - 1) * {span} + 1");
        let copy = self.copied_id(head);
        self.copy(
            "task",
            ("id", &id, copies),
            &[("number", format!("{key} + {position}")), ("id", copy.clone())],
        )
        .await;
        let at = format!("{position} + t.position - {first}");
        self.copy(
            "event",
            ("task_id", &id, copies),
            &[
                ("id", format!("{key} + {at}")),
                ("position", at.clone()),
                ("task_id", copy.clone()),
            ],
        )
        .await;
        self.copy(
            "run",
            ("task_id", &id, copies),
            &[("id", String::new()), ("task_id", copy)],
        )
        .await;
        let count = format!(
            "UPDATE task_count SET count = count + {copies} WHERE (namespace, state, queue, type) = \
             (SELECT namespace, state, queue, type FROM task WHERE id = {id})"
        );
        self.run(&count).await;
    }

    async fn copy(&mut self, table: &str, (key, id, copies): (&str, &str, u64), changed: &[Column<'_>]) {
        let names = match self {
            Self::Sqlite(_) => format!("SELECT name FROM pragma_table_info('{table}')"),
            Self::Postgres(_) => format!(
                "SELECT column_name::text FROM information_schema.columns WHERE table_schema = current_schema() \
                 AND table_name = '{table}' ORDER BY ordinal_position"
            ),
        };
        let given: Vec<(String, String)> = self
            .texts(&names)
            .await
            .into_iter()
            .map(|name| {
                let found = changed.iter().find(|(changed, _)| *changed == name);
                let value = found.map_or_else(|| format!("t.{name}"), |(_, value)| value.clone());
                (name, value)
            })
            // The database draws it.
            .filter(|(_, value)| !value.is_empty())
            .collect();
        let (names, values): (Vec<_>, Vec<_>) = given.into_iter().unzip();
        let numbers = match self {
            Self::Sqlite(_) => format!(
                "(WITH RECURSIVE g(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM g WHERE n < {copies}) SELECT n FROM g) AS g"
            ),
            Self::Postgres(_) => format!("generate_series(1, {copies}::bigint) AS g(n)"),
        };
        let text = format!(
            "INSERT INTO {table} ({}) SELECT {} FROM {numbers} CROSS JOIN (SELECT * FROM {table} WHERE {key} = {id}) AS t \
             ORDER BY {}",
            names.join(", "),
            values.join(", "),
            if table == "task" {
                "g.n"
            } else if table == "event" {
                "g.n, t.sequence"
            } else {
                "g.n, t.number"
            },
        );
        self.run(&text).await;
    }

    async fn a_number(&mut self, text: &str) -> i64 {
        let answer = self.texts(text).await;
        let number = answer.first().and_then(|text| text.parse().ok());
        number.unwrap_or_else(|| panic!("{text}: {answer:?}"))
    }

    fn id(&self, hex: &str) -> String {
        match self {
            Self::Sqlite(_) => format!("unhex('{hex}')"),
            Self::Postgres(_) => format!("'{hex}'::uuid"),
        }
    }

    /// Ids that rise, as those of version 7 do.
    fn copied_id(&self, head: i64) -> String {
        match self {
            Self::Sqlite(_) => format!("unhex(printf('0193c000000070008000%012x', {head} + g.n))"),
            Self::Postgres(_) => {
                format!("('0193c000000070008000' || lpad(to_hex({head} + g.n), 12, '0'))::uuid")
            }
        }
    }
}
