//! CreateTask and BatchCreateTasks.

use std::collections::HashMap;

use baton_domain::limits::BATCH_TASKS;
use baton_domain::{Actor, TaskId};
use baton_proto::raw::v1 as raw;
use uuid::Uuid;

use crate::api::check;
use crate::api::convert::dependency::Siblings;
use crate::api::convert::new_task::{self, Creation, Setting};
use crate::api::convert::{Draw, actor};
use crate::api::repeat::spec_hash;
use crate::api::violations::{Path, Rule, Violations};

/// A task to create, and whether its id was the caller's choice.
#[derive(Clone, Debug)]
pub(in crate::api) struct Member {
    pub(in crate::api) creation: Creation,
    pub(in crate::api) chosen_id: bool,
}

/// Tasks to create together.
#[derive(Clone, Debug)]
pub(in crate::api) struct Batch {
    pub(in crate::api) members: Vec<Member>,
    /// What the caller calls each of them: its ref, else its chosen id, else its place.
    pub(in crate::api) names: Vec<String>,
    pub(in crate::api) request_id: Option<Uuid>,
}

/// Reads a create that stands alone.
pub(in crate::api) fn read(
    v: &mut Violations,
    request: raw::CreateTaskRequest,
    draw: &Draw<'_>,
) -> Option<Member> {
    let at = Path::REQUEST;
    let setting = Setting {
        id: read_id(v, &at, &request, draw),
        creator: None,
        siblings: None,
    };
    read_member(v, &at, request, &setting)
}

/// Reads a batch. Its members may name each other in any order, so their ids and refs are read first.
pub(in crate::api) fn read_batch(
    v: &mut Violations,
    batch: raw::BatchCreateTasksRequest,
    draw: &Draw<'_>,
) -> Option<Batch> {
    let raw::BatchCreateTasksRequest {
        requests,
        request_id,
        actor,
    } = batch;
    let request_id = check::optional_uuid(v, &Path::REQUEST.field("request_id"), &request_id);
    let creator = actor::read_or(v, &Path::REQUEST.field("actor"), actor, Actor::anonymous);
    let at = Path::REQUEST.field("requests");
    if requests.is_empty() {
        v.add(&at, "must have at least one entry");
    }
    if requests.len() > BATCH_TASKS {
        let what = format!(
            "must have at most {BATCH_TASKS} entries, it has {}",
            requests.len()
        );
        v.add_rule(&at, what, Rule::BatchSize);
        return None;
    }
    let ids = requests.iter().enumerate();
    let ids: Vec<_> = ids
        .map(|(index, request)| read_id(v, &at.index(index), request, draw))
        .collect();
    check_ids(v, &at, &ids);
    let siblings = read_refs(v, &at, &requests, &ids);
    let names = requests
        .iter()
        .enumerate()
        .map(|(index, request)| name(index, request))
        .collect();
    check_namespaces(v, &at, &requests);
    // Members without an actor act for the batch's; where that one is broken the batch is refused anyway.
    let mut members = Vec::with_capacity(requests.len());
    for (index, (request, id)) in requests.into_iter().zip(ids).enumerate() {
        let setting = Setting {
            id,
            creator: creator.as_ref(),
            siblings: Some(&siblings),
        };
        members.push(read_member(v, &at.index(index), request, &setting));
    }
    let members = members.into_iter().collect::<Option<Vec<_>>>();
    creator?;
    Some(Batch {
        members: members?,
        names,
        request_id: request_id?,
    })
}

fn read_id(
    v: &mut Violations,
    at: &Path<'_>,
    request: &raw::CreateTaskRequest,
    draw: &Draw<'_>,
) -> Option<TaskId> {
    let chosen = check::optional_uuid(v, &at.field("task_id"), &request.task_id)?;
    Some(chosen.map_or_else(|| draw.task_id(), TaskId))
}

fn read_member(
    v: &mut Violations,
    at: &Path<'_>,
    mut request: raw::CreateTaskRequest,
    setting: &Setting<'_>,
) -> Option<Member> {
    let chosen_id = !request.task_id.is_empty();
    let spec_hash = chosen_id.then(|| spec_hash(&mut request));
    let mut creation = new_task::read(v, at, request, setting)?;
    if let Some(hash) = spec_hash {
        creation.new.spec_hash = hash;
    }
    Some(Member { creation, chosen_id })
}

/// No two members have one id.
fn check_ids(v: &mut Violations, at: &Path<'_>, ids: &[Option<TaskId>]) {
    let mut first: HashMap<TaskId, usize> = HashMap::with_capacity(ids.len());
    for (index, id) in ids.iter().enumerate() {
        let Some(id) = id else { continue };
        if let Some(first) = first.get(id) {
            v.add(
                &at.index(index).field("task_id"),
                format!("must not be that of requests[{first}]"),
            );
        } else {
            first.insert(*id, index);
        }
    }
}

fn read_refs(
    v: &mut Violations,
    at: &Path<'_>,
    requests: &[raw::CreateTaskRequest],
    ids: &[Option<TaskId>],
) -> Siblings {
    let mut siblings = Siblings::new();
    for (index, (request, id)) in requests.iter().zip(ids).enumerate() {
        let at = at.index(index);
        if request.r#ref.is_empty() {
            continue;
        }
        let Some(name) = new_task::read_ref(v, &at, request.r#ref.clone()) else {
            continue;
        };
        // A broken id is told already; the nil one stands in, so that refs to it are not called unknown.
        if siblings.insert(name, id.unwrap_or(TaskId(Uuid::nil()))).is_some() {
            v.add(&at.field("ref"), "must not be that of a sibling before");
        }
    }
    siblings
}

fn name(index: usize, request: &raw::CreateTaskRequest) -> String {
    if !request.r#ref.is_empty() {
        request.r#ref.clone()
    } else if !request.task_id.is_empty() {
        request.task_id.clone()
    } else {
        format!("requests[{index}]")
    }
}

/// All members live in the namespace of the first.
fn check_namespaces(v: &mut Violations, at: &Path<'_>, requests: &[raw::CreateTaskRequest]) {
    let namespace = |request: &raw::CreateTaskRequest| match &request.task {
        Some(task) if !task.namespace.is_empty() => task.namespace.clone(),
        Some(_) | None => check::DEFAULT_NAME.to_owned(),
    };
    let Some(first) = requests.first().map(namespace) else {
        return;
    };
    for (index, request) in requests.iter().enumerate().skip(1) {
        if namespace(request) != first {
            let at = at.index(index);
            v.add(
                &at.field("task").field("namespace"),
                "must be the namespace of requests[0]: a batch lives in one",
            );
        }
    }
}
