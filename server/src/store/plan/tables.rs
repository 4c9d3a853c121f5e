//! Tables of which a batch writes whole rows and nothing else.

use crate::store::bulk::{Column, Default, Table, id, int, text};

pub(super) const NAMESPACE: Table = one_group(
    "namespace",
    &[&[text("name", Default::None), int("number", Default::None)]],
);
pub(super) const DELETED_TASK: Table = one_group(
    "deleted_task",
    &[&[
        text("namespace", Default::None),
        int("position", Default::None),
        id("task_id", Default::None),
    ]],
);
pub(super) const TASK_COUNT: Table = one_group(
    "task_count",
    &[&[
        text("namespace", Default::None),
        text("state", Default::None),
        text("queue", Default::None),
        text("type", Default::None),
        int("count", Default::None),
    ]],
);

const fn one_group(name: &'static str, groups: &'static [&'static [Column]]) -> Table {
    Table { name, groups }
}
