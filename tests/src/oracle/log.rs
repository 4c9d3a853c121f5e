//! The log by itself: one order of positions, one order of each task, one story in both places that tell it.

use std::collections::{BTreeMap, HashMap};

use baton_proto::v1::task_event::Detail;
use baton_proto::v1::{PayloadRef, TaskEvent};

use super::evidence::{Evidence, Findings, Rule, at};
use super::fold::micros;

/// Every event that is known of each task, in order.
pub(super) type Stories = BTreeMap<String, Vec<TaskEvent>>;

/// Checks the feeds and the histories, and joins them.
pub(super) fn check(evidence: &Evidence, findings: &mut Findings) -> Stories {
    let mut stories = Stories::new();
    for (name, namespace) in &evidence.namespaces {
        one_order(name, &namespace.feed, findings);
        for event in &namespace.feed {
            stories
                .entry(event.task_id.clone())
                .or_default()
                .push(event.clone());
        }
    }
    for (id, history) in &evidence.histories {
        let told = stories.remove(id).unwrap_or_default();
        let namespace = history.first().map_or("", |event| event.namespace.as_str());
        let horizon = evidence.namespaces.get(namespace).and_then(|n| n.feed.first());
        let horizon = horizon.map_or(i64::MAX, |event| event.position);
        same_story(id, (&told, history), horizon, findings);
        stories.insert(id.clone(), history.clone());
    }
    for (id, story) in &stories {
        sequences(id, story, evidence, findings);
    }
    stories
}

/// Positions are contiguous, times never fall.
fn one_order(name: &str, feed: &[TaskEvent], findings: &mut Findings) {
    let mut newest: HashMap<&str, i64> = HashMap::new();
    for pair in feed.windows(2) {
        let (one, next) = (&pair[0], &pair[1]);
        if next.position != one.position + 1 {
            let text = format!("{name}: position {} comes after {}", next.position, one.position);
            findings.add(Rule::Position, text);
        }
        if next.time.map(micros) < one.time.map(micros) {
            findings.add(
                Rule::Position,
                format!("{}: its time is before that of the one before", at(next)),
            );
        }
    }
    for event in feed {
        if event.namespace != name {
            findings.add(Rule::Position, format!("{}: is in the feed of {name}", at(event)));
        }
        let last = newest.insert(&event.task_id, event.sequence);
        if last.is_some_and(|last| last >= event.sequence) {
            findings.add(
                Rule::Order,
                format!("{}: comes after sequence {last:?}", at(event)),
            );
        }
    }
}

/// What the feed tells of a task is the end of what ListTaskEvents tells.
fn same_story(
    id: &str,
    (feed, history): (&[TaskEvent], &[TaskEvent]),
    horizon: i64,
    findings: &mut Findings,
) {
    let above: Vec<_> = history.iter().filter(|event| event.position >= horizon).collect();
    if above.len() != feed.len() {
        let text = format!(
            "task {id}: the feed has {} events, ListTaskEvents {} above the horizon",
            feed.len(),
            above.len()
        );
        findings.add(Rule::History, text);
    }
    for (one, other) in feed.iter().zip(above) {
        if one != other {
            findings.add(
                Rule::History,
                format!("{}: ListTaskEvents tells it differently", at(one)),
            );
        }
    }
}

/// Sequences are 1, 2, 3. The story of a deleted task may begin above the horizon's edge.
fn sequences(id: &str, story: &[TaskEvent], evidence: &Evidence, findings: &mut Findings) {
    let Some(first) = story.first() else {
        findings.add(Rule::Sequence, format!("task {id}: has no events"));
        return;
    };
    let feed = evidence.namespaces.get(&first.namespace).map(|n| &n.feed);
    let trimmed = feed
        .and_then(|feed| feed.first())
        .is_some_and(|event| event.position > 1);
    let cut = trimmed && !evidence.histories.contains_key(id);
    if first.sequence != 1 && !cut {
        findings.add(
            Rule::Sequence,
            format!("{}: is the first that is there", at(first)),
        );
    }
    for pair in story.windows(2) {
        if pair[1].sequence != pair[0].sequence + 1 {
            let text = format!("{}: comes after sequence {}", at(&pair[1]), pair[0].sequence);
            findings.add(Rule::Sequence, text);
        }
    }
}

/// The payloads that an event names.
pub(super) fn references(event: &TaskEvent) -> Vec<&PayloadRef> {
    let named = match &event.detail {
        Some(Detail::Created(created)) => created.input.as_ref(),
        Some(Detail::Updated(updated)) => updated.input.as_ref(),
        Some(Detail::Result(result)) => result.output.as_ref(),
        Some(Detail::Retried(retried)) => retried.input.as_ref(),
        Some(Detail::Checkpoint(checkpoint)) => Some(checkpoint),
        Some(
            Detail::Assigned(_)
            | Detail::Progress(_)
            | Detail::Failure(_)
            | Detail::Scheduled(_)
            | Detail::Input(_)
            | Detail::Dependency(_)
            | Detail::Output(_)
            | Detail::Started(_),
        )
        | None => None,
    };
    named.into_iter().collect()
}
