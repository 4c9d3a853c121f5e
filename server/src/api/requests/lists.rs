//! Calls that read: one task, many, lists, events, counts.

use baton_domain::filter::{Filter, Schema};
use baton_domain::limits::{BATCH_TASKS, NEWEST_EVENTS, PAGE_SIZE, PAGE_SIZE_DEFAULT};
use baton_domain::{EventType, TaskId};
use baton_proto::raw::v1 as raw;

use crate::api::check;
use crate::api::violations::{Path, Rule, Violations};
use crate::store::{ListField, ListOrder};

/// Reads how much of a task is asked for; `unset` where the request does not say. True is FULL.
pub(in crate::api) fn read_view(v: &mut Violations, number: i32, unset: raw::TaskView) -> Option<bool> {
    let known = |number| raw::TaskView::try_from(number).ok();
    let view = check::member(v, &Path::REQUEST.field("view"), number, known, unset)?;
    Some(match view {
        raw::TaskView::Full => true,
        raw::TaskView::Basic | raw::TaskView::Unspecified => false,
    })
}

/// What GetTask asks for.
#[derive(Clone, Debug)]
pub(in crate::api) struct Get {
    pub(in crate::api) id: TaskId,
    pub(in crate::api) full: bool,
    pub(in crate::api) event_limit: u32,
}

pub(in crate::api) fn read_get(v: &mut Violations, request: raw::GetTaskRequest) -> Option<Get> {
    let raw::GetTaskRequest {
        id,
        view,
        event_limit,
    } = request;
    let id = check::task_id(v, &Path::REQUEST.field("id"), &id);
    let full = read_view(v, view, raw::TaskView::Full);
    let event_limit = check::within(
        v,
        &Path::REQUEST.field("event_limit"),
        event_limit,
        0..=NEWEST_EVENTS,
    );
    Some(Get {
        id: id?,
        full: full?,
        event_limit: event_limit?.unsigned_abs(),
    })
}

/// What BatchGetTasks asks for.
#[derive(Clone, Debug)]
pub(in crate::api) struct BatchGet {
    pub(in crate::api) ids: Vec<TaskId>,
    pub(in crate::api) full: bool,
}

pub(in crate::api) fn read_batch_get(
    v: &mut Violations,
    request: raw::BatchGetTasksRequest,
) -> Option<BatchGet> {
    let raw::BatchGetTasksRequest { ids, view } = request;
    let at = Path::REQUEST.field("ids");
    if ids.is_empty() {
        v.add(&at, "must have at least one entry");
    }
    let ids = read_ids(v, &at, &ids, BATCH_TASKS);
    let full = read_view(v, view, raw::TaskView::Basic);
    Some(BatchGet {
        ids: ids?,
        full: full?,
    })
}

/// Reads ids of tasks: at most `max_count`, none twice.
pub(in crate::api) fn read_ids(
    v: &mut Violations,
    at: &Path<'_>,
    ids: &[String],
    max_count: usize,
) -> Option<Vec<TaskId>> {
    if ids.len() > max_count {
        let what = format!("must have at most {max_count} entries, it has {}", ids.len());
        v.add_rule(at, what, Rule::BatchSize);
        return None;
    }
    let mut read = Vec::with_capacity(ids.len());
    let mut seen = std::collections::HashSet::with_capacity(ids.len());
    for (index, id) in ids.iter().enumerate() {
        let at = at.index(index);
        let id = check::task_id(v, &at, id);
        if id.is_some_and(|id| !seen.insert(id)) {
            v.add(&at, "must not name a task that stands here already");
        }
        read.push(id);
    }
    read.into_iter().collect()
}

/// Which page of a list is asked for. Its token is read where the list is known.
#[derive(Clone, Debug)]
pub(in crate::api) struct Page {
    pub(in crate::api) size: usize,
    pub(in crate::api) token: String,
}

/// Reads which page of a list is asked for.
pub(in crate::api) fn read_page(v: &mut Violations, page_size: i32, token: String) -> Option<Page> {
    if page_size < 0 {
        v.add(&Path::REQUEST.field("page_size"), "must not be negative");
        return None;
    }
    let size = if page_size == 0 {
        PAGE_SIZE_DEFAULT
    } else {
        page_size.min(PAGE_SIZE)
    };
    Some(Page {
        size: usize::try_from(size).ok()?,
        token,
    })
}

/// Reads which page of a list of everything in a namespace is asked for.
pub(in crate::api) fn read_page_of(
    v: &mut Violations,
    namespace: String,
    (page_size, token): (i32, String),
) -> Option<(String, Page)> {
    let namespace = check::name(v, &Path::REQUEST.field("namespace"), namespace);
    let page = read_page(v, page_size, token);
    Some((namespace?, page?))
}

/// What ListTasks asks for.
#[derive(Clone, Debug)]
pub(in crate::api) struct List {
    pub(in crate::api) namespace: String,
    pub(in crate::api) page: Page,
    pub(in crate::api) filter: Filter,
    pub(in crate::api) order: ListOrder,
    pub(in crate::api) full: bool,
}

/// Reads a filter over the fields of `schema`.
pub(super) fn read_filter(v: &mut Violations, text: &str, schema: Schema) -> Option<Filter> {
    match Filter::parse(text, schema) {
        Ok(filter) => Some(filter),
        Err(error) => {
            let rule = Rule::Filter {
                position: error.position,
            };
            v.add_rule(&Path::REQUEST.field("filter"), error.message, rule);
            None
        }
    }
}

pub(in crate::api) fn read_list(v: &mut Violations, request: raw::ListTasksRequest) -> Option<List> {
    let raw::ListTasksRequest {
        namespace,
        page_size,
        page_token,
        filter,
        order_by,
        view,
    } = request;
    let namespace = check::name(v, &Path::REQUEST.field("namespace"), namespace);
    let page = read_page(v, page_size, page_token);
    let order = read_order(v, &order_by);
    let full = read_view(v, view, raw::TaskView::Basic);
    let filter = read_filter(v, &filter, Schema::TASKS);
    Some(List {
        namespace: namespace?,
        page: page?,
        filter: filter?,
        order: order?,
        full: full?,
    })
}

/// What lists can be ordered by.
const ORDERS: [(&str, ListField); 4] = [
    ("create_time", ListField::CreateTime),
    ("update_time", ListField::UpdateTime),
    ("priority", ListField::Priority),
    ("schedule_time", ListField::ScheduleTime),
];

fn read_order(v: &mut Violations, text: &str) -> Option<ListOrder> {
    let mut words = text.split_ascii_whitespace();
    let (name, direction) = (words.next(), words.next());
    let ordered = |name: &str, descending| {
        let (_, field) = ORDERS.into_iter().find(|(known, _)| *known == name)?;
        Some(ListOrder { field, descending })
    };
    let order = match (name, direction, words.next()) {
        (None, _, _) => ordered("create_time", true),
        (Some(name), None | Some("asc"), None) => ordered(name, false),
        (Some(name), Some("desc"), None) => ordered(name, true),
        (Some(_), _, _) => None,
    };
    if order.is_none() {
        let names = ORDERS.map(|(name, _)| name).join(", ");
        v.add(
            &Path::REQUEST.field("order_by"),
            format!("must be one of {names}, with asc or desc behind it"),
        );
    }
    order
}

/// What ListTaskRuns asks for.
#[derive(Clone, Debug)]
pub(in crate::api) struct ListRuns {
    pub(in crate::api) namespace: String,
    pub(in crate::api) page: Page,
    pub(in crate::api) filter: Filter,
    pub(in crate::api) full: bool,
}

pub(in crate::api) fn read_list_runs(
    v: &mut Violations,
    request: raw::ListTaskRunsRequest,
) -> Option<ListRuns> {
    let raw::ListTaskRunsRequest {
        namespace,
        page_size,
        page_token,
        filter,
        view,
    } = request;
    let namespace = check::name(v, &Path::REQUEST.field("namespace"), namespace);
    let page = read_page(v, page_size, page_token);
    let filter = read_filter(v, &filter, Schema::RUNS);
    let full = read_view(v, view, raw::TaskView::Basic);
    Some(ListRuns {
        namespace: namespace?,
        page: page?,
        filter: filter?,
        full: full?,
    })
}

/// What ListTaskEvents asks for.
#[derive(Clone, Debug)]
pub(in crate::api) struct ListEvents {
    pub(in crate::api) id: TaskId,
    pub(in crate::api) page: Page,
    pub(in crate::api) full: bool,
    /// Sorted, none twice; empty means all.
    pub(in crate::api) types: Vec<EventType>,
}

pub(in crate::api) fn read_list_events(
    v: &mut Violations,
    request: raw::ListTaskEventsRequest,
) -> Option<ListEvents> {
    let raw::ListTaskEventsRequest {
        id,
        page_size,
        page_token,
        view,
        event_types,
    } = request;
    let id = check::task_id(v, &Path::REQUEST.field("id"), &id);
    let page = read_page(v, page_size, page_token);
    let full = read_view(v, view, raw::TaskView::Basic);
    let types = read_event_types(v, &event_types);
    Some(ListEvents {
        id: id?,
        page: page?,
        full: full?,
        types: types?,
    })
}

/// Reads which types of events are asked for.
pub(in crate::api) fn read_event_types(v: &mut Violations, numbers: &[i32]) -> Option<Vec<EventType>> {
    let at = Path::REQUEST.field("event_types");
    // The domain knows more than the contract has.
    let known = |number| {
        raw::TaskEventType::try_from(number)
            .ok()
            .and_then(|_| EventType::from_number(number))
    };
    let mut types = Vec::new();
    let mut fine = true;
    for (index, number) in numbers.iter().enumerate() {
        match check::required_member(v, &at.index(index), *number, known) {
            Some(kind) => types.push(kind),
            None => fine = false,
        }
    }
    types.sort_unstable();
    types.dedup();
    fine.then_some(types)
}

/// What GetTaskStats asks for.
#[derive(Clone, Debug)]
pub(in crate::api) struct Stats {
    pub(in crate::api) namespace: String,
    pub(in crate::api) filter: Filter,
}

pub(in crate::api) fn read_stats(v: &mut Violations, request: raw::GetTaskStatsRequest) -> Option<Stats> {
    let raw::GetTaskStatsRequest { namespace, filter } = request;
    let namespace = check::name(v, &Path::REQUEST.field("namespace"), namespace);
    let filter = read_filter(v, &filter, Schema::STATS);
    Some(Stats {
        namespace: namespace?,
        filter: filter?,
    })
}
