//! Bugs to plant into evidence that is good: the oracle must find each of them.

use baton_proto::v1::{AttemptOutcome, TaskEvent, TaskEventType, TaskState};

use super::evidence::{Evidence, Namespace, Outcome, Rule};

/// A bug, and the rules of which at least one must tell it.
#[derive(Clone, Copy, Debug)]
pub struct Bug {
    /// What went wrong.
    pub name: &'static str,
    /// Any of these finds it.
    pub found_by: &'static [Rule],
    /// Makes it happen; false where the evidence has no place for it.
    pub plant: fn(&mut Evidence) -> bool,
}

/// The nine bugs that a server like ours could have.
pub const BUGS: &[Bug] = &[
    Bug {
        name: "an event was lost",
        found_by: &[Rule::Sequence, Rule::Position],
        plant: lose_an_event,
    },
    Bug {
        name: "an event came twice",
        found_by: &[Rule::Order, Rule::Position],
        plant: double_an_event,
    },
    Bug {
        name: "two events of a task changed places",
        found_by: &[Rule::Order],
        plant: swap_two_events,
    },
    Bug {
        name: "a row moved without an event",
        found_by: &[Rule::Row],
        plant: move_a_row,
    },
    Bug {
        name: "an event is no legal move",
        found_by: &[Rule::Move, Rule::Final],
        plant: reopen_a_task,
    },
    Bug {
        name: "an answer has a wrong revision",
        found_by: &[Rule::Answer],
        plant: answer_a_wrong_revision,
    },
    Bug {
        name: "a watcher skipped an event",
        found_by: &[Rule::Watch],
        plant: skip_an_event,
    },
    Bug {
        name: "an answer came for what was not committed",
        found_by: &[Rule::Answer],
        plant: answer_without_commit,
    },
    Bug {
        name: "a run ended otherwise than its task says",
        found_by: &[Rule::Run],
        plant: end_a_run_otherwise,
    },
];

fn end_a_run_otherwise(evidence: &mut Evidence) -> bool {
    let runs = largest(evidence).and_then(|namespace| namespace.runs.as_mut());
    let ended = runs.and_then(|runs| runs.iter_mut().find(|run| run.end_time.is_some()));
    ended.is_some_and(|run| {
        run.set_outcome(AttemptOutcome::Killed);
        true
    })
}

/// The namespace with the longest feed.
fn largest(evidence: &mut Evidence) -> Option<&mut Namespace> {
    evidence
        .namespaces
        .values_mut()
        .max_by_key(|namespace| namespace.feed.len())
}

/// The place of an event in the middle of its task's story, of a task that is still there.
fn a_middle(namespace: &Namespace) -> Option<usize> {
    namespace.feed.iter().position(|event| {
        let row = namespace.rows.iter().find(|row| row.id == event.task_id);
        event.sequence > 1 && row.is_some_and(|row| row.revision > event.sequence)
    })
}

fn forget_history(evidence: &mut Evidence, task_id: &str) {
    // A server that loses an event loses it everywhere.
    evidence.histories.remove(task_id);
}

fn lose_an_event(evidence: &mut Evidence) -> bool {
    let Some(namespace) = largest(evidence) else {
        return false;
    };
    let Some(place) = a_middle(namespace) else {
        return false;
    };
    let lost = namespace.feed.remove(place);
    forget_history(evidence, &lost.task_id);
    true
}

fn double_an_event(evidence: &mut Evidence) -> bool {
    let Some(namespace) = largest(evidence) else {
        return false;
    };
    let Some(place) = a_middle(namespace) else {
        return false;
    };
    let doubled = namespace.feed[place].clone();
    let task_id = doubled.task_id.clone();
    namespace.feed.insert(place + 1, doubled);
    // With a position of its own, so that only the repeat is wrong.
    for (event, position) in namespace.feed.iter_mut().zip(1..) {
        event.position = position;
    }
    forget_history(evidence, &task_id);
    true
}

fn swap_two_events(evidence: &mut Evidence) -> bool {
    let Some(namespace) = largest(evidence) else {
        return false;
    };
    let Some(one) = a_middle(namespace) else {
        return false;
    };
    let task_id = namespace.feed[one].task_id.clone();
    let next = namespace.feed[one + 1..]
        .iter()
        .position(|event| event.task_id == task_id);
    let Some(other) = next.map(|offset| one + 1 + offset) else {
        return false;
    };
    let (first, second) = (namespace.feed[one].position, namespace.feed[other].position);
    namespace.feed.swap(one, other);
    namespace.feed[one].position = first;
    namespace.feed[other].position = second;
    forget_history(evidence, &task_id);
    true
}

fn move_a_row(evidence: &mut Evidence) -> bool {
    let Some(namespace) = largest(evidence) else {
        return false;
    };
    let Some(row) = namespace.rows.first_mut() else {
        return false;
    };
    let other = match row.state() {
        TaskState::Queued => TaskState::Assigned,
        _ => TaskState::Queued,
    };
    row.set_state(other);
    true
}

/// One more event, consistent in all but the move: a completed task runs again.
pub(super) fn reopen_a_task(evidence: &mut Evidence) -> bool {
    let Some(namespace) = largest(evidence) else {
        return false;
    };
    let done = namespace
        .rows
        .iter_mut()
        .find(|row| row.state() == TaskState::Completed);
    let (Some(row), Some(end)) = (done, namespace.feed.last()) else {
        return false;
    };
    row.revision += 1;
    row.set_state(TaskState::InProgress);
    row.state_reason = "started".to_owned();
    let event = TaskEvent {
        task_id: row.id.clone(),
        sequence: row.revision,
        position: end.position + 1,
        r#type: TaskEventType::Started.into(),
        from_state: TaskState::Completed.into(),
        to_state: TaskState::InProgress.into(),
        state_reason: row.state_reason.clone(),
        attempt: row.attempt,
        detail: None,
        ..end.clone()
    };
    let task_id = row.id.clone();
    namespace.feed.push(event);
    forget_history(evidence, &task_id);
    true
}

fn answer_a_wrong_revision(evidence: &mut Evidence) -> bool {
    let changes = evidence
        .calls
        .iter_mut()
        .filter_map(|call| match &mut call.outcome {
            Outcome::Changed { tasks, .. } => tasks.first_mut(),
            Outcome::Read(_) | Outcome::Deleted { .. } | Outcome::Refused(..) | Outcome::Unknown => None,
        });
    let moved = changes.into_iter().find(|task| task.revision > 2);
    moved.map(|task| task.revision -= 1).is_some()
}

/// The second one: of a watch that begins with what happens next, nobody can say which is the first.
fn skip_an_event(evidence: &mut Evidence) -> bool {
    for watch in &mut evidence.watches {
        let mut events = 0;
        let total: usize = watch.messages.iter().map(|message| message.events.len()).sum();
        for message in watch.messages.iter_mut().filter(|_| total > 2) {
            if events < 2 && events + message.events.len() >= 2 {
                message.events.remove(1 - events);
                return true;
            }
            events += message.events.len();
        }
    }
    false
}

/// The last change of a task was answered, but neither its event nor its row was kept.
fn answer_without_commit(evidence: &mut Evidence) -> bool {
    let answered = evidence.calls.iter().rev().find_map(|call| match &call.outcome {
        Outcome::Changed {
            tasks,
            replayed: false,
        } => tasks.first().cloned(),
        _ => None,
    });
    let Some(task) = answered else { return false };
    let lost = |event: &TaskEvent| event.task_id == task.id && event.sequence >= task.revision;
    for namespace in evidence.namespaces.values_mut() {
        namespace.feed.retain(|event| !lost(event));
        namespace
            .rows
            .retain(|row| row.id != task.id || row.revision < task.revision);
    }
    for watch in &mut evidence.watches {
        for message in &mut watch.messages {
            message.events.retain(|event| !lost(event));
        }
    }
    forget_history(evidence, &task.id);
    true
}
