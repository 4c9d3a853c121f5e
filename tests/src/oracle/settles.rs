//! What must happen by itself: dependencies settle, children follow their parents, due tasks run.

use std::collections::{BTreeMap, HashMap};

use baton_proto::v1::task_event::Detail;
use baton_proto::v1::{Dependency, TaskEvent, TaskEventType, TaskState};

use super::evidence::{Evidence, Findings, Rule, at};
use super::lifecycle::{LIFECYCLE, short};
use super::log::Stories;
use super::moves::ends_for_children;
use super::story::Ends;

/// Something that Baton still owes: an event of this task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Debt {
    /// Whose event it is.
    pub task: String,
    /// Why it must come.
    pub why: String,
}

/// Checks that nothing is owed, and that what settled did so with the right result.
pub(super) fn check(evidence: &Evidence, (stories, ends): (&Stories, &Ends), findings: &mut Findings) {
    for debt in debts(stories, ends) {
        findings.add(Rule::Settles, format!("task {}: {}", debt.task, debt.why));
    }
    for story in stories.values() {
        results(story, stories, findings);
    }
    for (id, folded) in ends {
        let Some(folded) = folded else { continue };
        let row = evidence.namespaces.get(&folded.task.namespace);
        if row.is_none() {
            findings.add(
                Rule::Row,
                format!("task {id}: is in namespace {}", folded.task.namespace),
            );
        }
    }
}

/// What Baton owes at the end of these stories.
pub(super) fn debts(stories: &Stories, ends: &Ends) -> Vec<Debt> {
    let mut owed = Vec::new();
    let mut children: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (id, folded) in ends {
        let Some(folded) = folded else { continue };
        if !folded.task.parent_id.is_empty() && !LIFECYCLE.is_settled(folded.task.state()) {
            children.entry(&folded.task.parent_id).or_default().push(id);
        }
        if LIFECYCLE.is_final(folded.task.state()) {
            continue; // It never runs again. One that rests may be retried.
        }
        let story = stories.get(id).map(Vec::as_slice).unwrap_or_default();
        let open = folded.task.dependencies.iter();
        for dependency in open.filter(|d| d.result() == TaskState::Unspecified) {
            if let Some(event) = settling(dependency, story, stories) {
                let why = format!("still waits, though {}", at(event));
                owed.push(Debt {
                    task: id.clone(),
                    why,
                });
            }
        }
    }
    for event in stories
        .values()
        .flatten()
        .filter(|event| ends_for_children(event))
    {
        for child in children.get(event.task_id.as_str()).into_iter().flatten() {
            if stayed_open(stories.get(*child), event.position) {
                let why = format!("is open, though its parent ended: {}", at(event));
                owed.push(Debt {
                    task: (*child).to_owned(),
                    why,
                });
            }
        }
    }
    owed
}

/// Whether a task was there and open at a position, and has not settled since. One that rested then, or that failed for
/// another reason before its turn came, and was retried later is not followed.
fn stayed_open(story: Option<&Vec<TaskEvent>>, position: i64) -> bool {
    let settled = |event: &TaskEvent| LIFECYCLE.is_settled(event.to_state());
    let (before, after): (Vec<_>, Vec<_>) = story
        .into_iter()
        .flatten()
        .partition(|event| event.position < position);
    before.last().is_some_and(|event| !settled(event)) && !after.into_iter().any(settled)
}

/// The event by which a task that is waited for settled, after it was begun to be waited for.
fn settling<'a>(
    dependency: &Dependency,
    waiting: &[TaskEvent],
    stories: &'a Stories,
) -> Option<&'a TaskEvent> {
    let since = since(&dependency.task_id, waiting)?;
    let story = stories.get(&dependency.task_id)?;
    story
        .iter()
        .find(|event| event.position > since && settles(event))
}

/// The position of the event that brought this dependency.
fn since(task_id: &str, waiting: &[TaskEvent]) -> Option<i64> {
    let brings = |event: &&TaskEvent| match &event.detail {
        Some(Detail::Created(created)) => {
            let named = created.task.iter().flat_map(|task| &task.dependencies);
            named.into_iter().any(|d| d.task_id == task_id)
        }
        Some(Detail::Dependency(d)) => {
            event.r#type() == TaskEventType::DependencyAdded && d.task_id == task_id
        }
        _ => false,
    };
    waiting.iter().rev().find(brings).map(|event| event.position)
}

fn settles(event: &TaskEvent) -> bool {
    let moved = LIFECYCLE.is_settled(event.to_state()) && !LIFECYCLE.is_settled(event.from_state());
    let deleted = event.r#type() == TaskEventType::Deleted && !LIFECYCLE.is_settled(event.from_state());
    moved || deleted
}

/// A dependency's result is how the task that is waited for first settled; a deleted one counts as CANCELLED.
fn results(story: &[TaskEvent], stories: &Stories, findings: &mut Findings) {
    let mut known: HashMap<&str, TaskState> = HashMap::new();
    for (index, event) in story.iter().enumerate() {
        let Some(Detail::Dependency(dependency)) = &event.detail else {
            continue;
        };
        if event.r#type() != TaskEventType::DependencySettled || event.sequence <= 2 {
            continue;
        }
        if known.insert(&dependency.task_id, dependency.result()).is_some() {
            findings.add(
                Rule::Settles,
                format!("{}: settles the same dependency again", at(event)),
            );
        }
        let Some(settled) = settling(dependency, &story[..index], stories) else {
            findings.add(Rule::Settles, format!("{}: that task has not settled", at(event)));
            continue;
        };
        let result = match settled.r#type() {
            TaskEventType::Deleted => TaskState::Cancelled,
            _ => settled.to_state(),
        };
        if settled.position > event.position || result != dependency.result() {
            let text = format!(
                "{}: says {}, not {}",
                at(event),
                short(dependency.result()),
                short(result)
            );
            findings.add(Rule::Settles, text);
        }
    }
}
