//! What watchers received against what they should have: every matching event once, in order, and nothing else.

use std::collections::{BTreeMap, HashMap};

use baton_proto::v1::task_event::Detail;
use baton_proto::v1::{Task, TaskEvent, TaskEventType};
use prost::Message as _;

use super::evidence::{Call, Evidence, Facets, Findings, Message, Outcome, Rule, Scope, Start, Watch, at};

/// The largest message, in bytes of its events, unless it holds a single one.
const MESSAGE_BYTES: usize = 256 * 1024;

/// Checks every stream; one that goes on from another is judged together with what came before.
pub(super) fn check(evidence: &Evidence, findings: &mut Findings) {
    for (index, watch) in evidence.watches.iter().enumerate() {
        let mut told = Findings::default();
        one_stream(evidence, watch, &mut told);
        for finding in told.0 {
            findings.add(finding.rule, format!("watch {index}: {}", finding.text));
        }
    }
}

fn one_stream(evidence: &Evidence, watch: &Watch, findings: &mut Findings) {
    shape(watch, findings);
    let Some((start, messages)) = chain(evidence, watch) else {
        findings.add(Rule::Token, "goes on from a message that was never received");
        return;
    };
    let feed = feed_of(evidence, watch);
    let delivered: Vec<_> = messages.iter().flat_map(|message| &message.events).collect();
    faithful(&delivered, feed, findings);
    let expected = expected(feed, &watch.scope);
    let rule = match watch.start {
        Start::Resume { .. } => Rule::Token,
        Start::Now | Start::Oldest | Start::Snapshot => Rule::Watch,
    };
    let Some(from) = first_position((start, &messages), &delivered, (feed, &evidence.calls), findings) else {
        return;
    };
    let newest = delivered.last().map_or(from - 1, |event| event.position);
    let to = if watch.caught_up { i64::MAX } else { newest };
    complete(&delivered, &expected, (from, to), (rule, findings));
    if start == Start::Snapshot {
        snapshot((&messages, from), (feed, &watch.scope), findings);
    }
}

/// What holds of every message by itself.
fn shape(watch: &Watch, findings: &mut Findings) {
    let snapshot = watch.start == Start::Snapshot;
    let mut in_snapshot = snapshot;
    for (index, message) in watch.messages.iter().enumerate() {
        if message.token.is_empty() {
            findings.add(Rule::Token, format!("message {index} has no resume_token"));
        }
        if in_snapshot && !message.events.is_empty() && !message.snapshot_complete {
            findings.add(
                Rule::Watch,
                format!("message {index} has events before the snapshot's end"),
            );
        }
        let resumed = matches!(watch.start, Start::Resume { .. });
        if !in_snapshot && !resumed && (!message.tasks.is_empty() || message.snapshot_complete) {
            findings.add(
                Rule::Watch,
                format!("message {index} has tasks outside of a snapshot"),
            );
        }
        in_snapshot &= !message.snapshot_complete;
        let bytes: usize = message.events.iter().map(TaskEvent::encoded_len).sum();
        if message.events.len() > 1 && bytes > MESSAGE_BYTES {
            findings.add(
                Rule::Watch,
                format!("message {index} has {bytes} bytes of events"),
            );
        }
    }
}

/// All messages that stand before the end of this stream, and how the first one of them began.
fn chain<'a>(evidence: &'a Evidence, watch: &'a Watch) -> Option<(Start, Vec<&'a Message>)> {
    let mut parts = vec![&watch.messages[..]];
    let mut start = watch.start;
    while let Start::Resume { watch, message } = start {
        let before = evidence.watches.get(watch)?;
        parts.push(before.messages.get(..=message)?);
        start = before.start;
    }
    Some((start, parts.into_iter().rev().flatten().collect()))
}

fn feed_of<'a>(evidence: &'a Evidence, watch: &Watch) -> &'a [TaskEvent] {
    let by_name = evidence.namespaces.get(&watch.namespace);
    let by_task = || {
        let id = watch.scope.task.as_deref()?;
        let mut all = evidence.namespaces.values();
        all.find(|namespace| namespace.feed.iter().any(|event| event.task_id == id))
    };
    by_name.or_else(by_task).map_or(&[], |namespace| &namespace.feed)
}

/// Every delivered event is that of the log, and they come in its order.
fn faithful(delivered: &[&TaskEvent], feed: &[TaskEvent], findings: &mut Findings) {
    let by_position: HashMap<i64, &TaskEvent> = feed.iter().map(|event| (event.position, event)).collect();
    let horizon = feed.first().map_or(i64::MAX, |event| event.position);
    for event in delivered {
        match by_position.get(&event.position) {
            None if event.position < horizon => {}
            None => findings.add(Rule::Watch, format!("{}: is not in the log", at(event))),
            Some(standing) if bare(standing) != bare(event) => {
                findings.add(Rule::Watch, format!("{}: is another one in the log", at(event)));
            }
            Some(_) => {}
        }
    }
    for pair in delivered.windows(2) {
        if pair[1].position <= pair[0].position {
            let text = format!("{}: comes after position {}", at(pair[1]), pair[0].position);
            findings.add(Rule::Watch, text);
        }
    }
}

/// The event as far as views and watchers do not change it.
fn bare(event: &TaskEvent) -> TaskEvent {
    let mut event = event.clone();
    event.left = false;
    match &mut event.detail {
        Some(Detail::Created(created)) => strip(&mut created.input),
        Some(Detail::Updated(updated)) => strip(&mut updated.input),
        Some(Detail::Result(result)) => strip(&mut result.output),
        Some(Detail::Retried(retried)) => strip(&mut retried.input),
        Some(Detail::Checkpoint(checkpoint)) => checkpoint.payload = None,
        Some(Detail::Input(request)) => {
            request.answer = None;
            request.default_input = None;
        }
        Some(
            Detail::Assigned(_)
            | Detail::Progress(_)
            | Detail::Failure(_)
            | Detail::Scheduled(_)
            | Detail::Dependency(_)
            | Detail::Output(_)
            | Detail::Started(_),
        )
        | None => {}
    }
    event
}

fn strip(named: &mut Option<baton_proto::v1::PayloadRef>) {
    if let Some(named) = named {
        named.payload = None;
    }
}

/// An event that a watcher should get.
struct Due<'a> {
    event: &'a TaskEvent,
    left: bool,
}

/// What a watcher of this scope should get of the whole feed.
fn expected<'a>(feed: &'a [TaskEvent], scope: &Scope) -> Vec<Due<'a>> {
    let mut newest: HashMap<&str, &TaskEvent> = HashMap::new();
    let mut expected = Vec::new();
    for event in feed {
        let before = newest.insert(&event.task_id, event);
        let was = before.is_some_and(|before| scope.holds(Facets::after(before)));
        let is = event.r#type() != TaskEventType::Deleted && scope.holds(Facets::after(event));
        let left = was && !is;
        let asked = scope.event_types.is_empty()
            || scope.event_types.contains(&event.r#type())
            || event.r#type() == TaskEventType::Deleted
            || left;
        if (was || is) && asked {
            expected.push(Due { event, left });
        }
    }
    expected
}

/// From which position on everything must have come; `None` where nothing can be said.
fn first_position(
    (start, messages): (Start, &[&Message]),
    delivered: &[&TaskEvent],
    (feed, calls): (&[TaskEvent], &[Call]),
    findings: &mut Findings,
) -> Option<i64> {
    let horizon = feed.first().map_or(1, |event| event.position);
    let first = delivered.first().map(|event| event.position.max(horizon));
    match start {
        Start::Oldest => Some(horizon),
        Start::Snapshot => {
            let end = messages.iter().find(|message| message.snapshot_complete)?;
            first
                .or_else(|| made_after(end.tick, feed, calls))
                .or(Some(i64::MAX))
        }
        Start::Now => {
            let opened = messages.first()?;
            let made = made_after(opened.tick, feed, calls);
            match (first, made) {
                (Some(first), Some(made)) => Some(first.min(made)),
                (first, made) => first.or(made).or(Some(i64::MAX)),
            }
        }
        Start::Resume { .. } => {
            findings.add(Rule::Token, "its chain has no beginning");
            None
        }
    }
}

/// The first position of a change whose call began after that tick.
fn made_after(tick: u64, feed: &[TaskEvent], calls: &[Call]) -> Option<i64> {
    let mut made = BTreeMap::new();
    for call in calls.iter().filter(|call| call.begun > tick) {
        if let Outcome::Changed {
            tasks,
            replayed: false,
        } = &call.outcome
        {
            made.extend(tasks.iter().map(|task| ((task.id.as_str(), task.revision), ())));
        }
    }
    let own = feed
        .iter()
        .find(|event| made.contains_key(&(event.task_id.as_str(), event.sequence)));
    own.map(|event| event.position)
}

/// Between two positions exactly the expected events came, each saying rightly whether the task left.
fn complete(
    delivered: &[&TaskEvent],
    expected: &[Due<'_>],
    (from, to): (i64, i64),
    (rule, findings): (Rule, &mut Findings),
) {
    let got: HashMap<i64, &TaskEvent> = delivered.iter().map(|event| (event.position, *event)).collect();
    let mut due: HashMap<i64, &Due<'_>> = HashMap::new();
    for one in expected
        .iter()
        .filter(|one| (from..=to).contains(&one.event.position))
    {
        due.insert(one.event.position, one);
        if !got.contains_key(&one.event.position) {
            findings.add(rule, format!("{}: never came", at(one.event)));
        }
    }
    for event in delivered.iter().filter(|event| event.position >= from) {
        match due.get(&event.position) {
            None => findings.add(rule, format!("{}: does not match", at(event))),
            Some(one) if one.left != event.left => {
                findings.add(rule, format!("{}: says left = {}", at(event), event.left));
            }
            Some(_) => {}
        }
    }
}

/// The snapshot holds what was in view, so that the events that follow go on from it.
fn snapshot(
    (messages, from): (&[&Message], i64),
    (feed, scope): (&[TaskEvent], &Scope),
    findings: &mut Findings,
) {
    let mut held: HashMap<&str, &Task> = HashMap::new();
    for task in messages.iter().flat_map(|message| &message.tasks) {
        if !scope.holds(Facets::of(task)) {
            findings.add(
                Rule::Watch,
                format!("task {}: is in the snapshot, but does not match", task.id),
            );
        }
        held.insert(&task.id, task);
    }
    let mut in_view: HashMap<&str, &TaskEvent> = HashMap::new();
    for event in feed.iter().take_while(|event| event.position < from) {
        let gone = event.r#type() == TaskEventType::Deleted || !scope.holds(Facets::after(event));
        if gone {
            in_view.remove(event.task_id.as_str());
        } else {
            in_view.insert(&event.task_id, event);
        }
    }
    let goes_later = |id: &str| {
        let after = feed
            .iter()
            .filter(|event| event.position >= from && event.task_id == id);
        after
            .into_iter()
            .any(|event| event.r#type() == TaskEventType::Deleted || !scope.holds(Facets::after(event)))
    };
    for (id, event) in in_view {
        // One that left while the snapshot was read is told of by its events.
        let fits = match held.get(id) {
            Some(task) => task.revision >= event.sequence || !scope.event_types.is_empty(),
            None => goes_later(id),
        };
        if !fits {
            let shown = held.get(id).map_or(0, |task| task.revision);
            let text = format!("{}: the snapshot holds revision {shown} of it", at(event));
            findings.add(Rule::Watch, text);
        }
    }
}
