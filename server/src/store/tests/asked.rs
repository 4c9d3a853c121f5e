//! What the tests ask whose subject is the plan of the answer: on either database the same.

use baton_domain::TaskId;
use baton_domain::filter::{Filter, Schema};
use uuid::Uuid;

use crate::store::bulk::{Mask, Table};
use crate::store::{ListField, ListOrder, ListQuery, SCAN_ROWS, SortKey};

pub(super) fn id() -> TaskId {
    TaskId(Uuid::from_u128(1))
}

/// Every column of a table.
pub(super) fn all(table: &Table) -> Mask {
    (1 << table.columns().count()) - 1
}

/// A page of a list, the first or a later one.
pub(super) fn list(filter: &str, field: ListField, after: bool) -> ListQuery {
    let value = matches!(field, ListField::Priority | ListField::ScheduleTime).then_some(5);
    ListQuery {
        namespace: "default".to_owned(),
        filter: Filter::parse(filter, Schema::TASKS).unwrap(),
        order: ListOrder {
            field,
            descending: true,
        },
        after: after.then_some(SortKey {
            value,
            number: 7,
            id: id(),
        }),
        limit: 50,
        scan_limit: SCAN_ROWS,
        payloads: false,
    }
}
