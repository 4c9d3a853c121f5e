//! What callers were told: every change has its own event, every event its call, and time does not run backwards.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use baton_proto::v1::{Task, TaskEvent, TaskEventType};

use super::evidence::{Call, Evidence, Findings, Outcome, Rule, at};
use super::fold::micros;
use super::lifecycle::{LIFECYCLE, event_name};
use super::log::Stories;
use super::moves::{is_system, same_actor};
use super::story::is_forgotten;

/// The events that an acknowledged call made.
#[derive(Default)]
struct Covered<'a> {
    /// Answered as such.
    told: BTreeSet<(&'a str, i64)>,
    /// May have come with one that was: the first of two events of one call.
    beside: BTreeSet<(&'a str, i64)>,
}

/// Checks the calls against the log.
pub(super) fn check(evidence: &Evidence, stories: &Stories, findings: &mut Findings) {
    let mut covered = Covered::default();
    for call in &evidence.calls {
        acknowledged(call, (evidence, stories), &mut covered, findings);
    }
    back_in_time(&evidence.calls, findings);
    if evidence.every_call {
        unexplained(evidence, stories, &covered, findings);
    }
}

fn acknowledged<'a>(
    call: &'a Call,
    (evidence, stories): (&Evidence, &'a Stories),
    covered: &mut Covered<'a>,
    findings: &mut Findings,
) {
    match &call.outcome {
        Outcome::Changed { tasks, replayed } if !replayed => {
            for task in tasks.iter().filter(|task| !is_forgotten(evidence, task)) {
                change(call, (task, stories), covered, findings);
            }
        }
        Outcome::Deleted { .. } => {
            for id in &call.named {
                let last = stories.get(id).and_then(|story| story.last());
                match last {
                    Some(event) if event.r#type() == TaskEventType::Deleted => {
                        covered.told.insert((id, event.sequence));
                    }
                    _ if is_trimmed(evidence) => {}
                    _ => findings.add(
                        Rule::Answer,
                        format!("task {id}: was deleted, but no event says so"),
                    ),
                }
            }
        }
        Outcome::Changed { .. } | Outcome::Read(_) | Outcome::Refused(..) | Outcome::Unknown => {}
    }
}

/// Whether the log has forgotten its beginning.
fn is_trimmed(evidence: &Evidence) -> bool {
    let mut firsts = evidence
        .namespaces
        .values()
        .filter_map(|namespace| namespace.feed.first());
    firsts.any(|first| first.position > 1)
}

/// The answered revision is the sequence of an event of the call's kind, by the call's actor, and of nobody else.
fn change<'a>(
    call: &Call,
    (task, stories): (&'a Task, &'a Stories),
    covered: &mut Covered<'a>,
    findings: &mut Findings,
) {
    let Some(story) = stories.get(&task.id) else {
        return; // Told already: somebody saw a task without events.
    };
    let creates = matches!(call.method, "CreateTask" | "BatchCreateTasks");
    if creates {
        // By its task_id a create repeats: then it answers the task as it is, which the fold has checked.
        let own = story
            .iter()
            .take_while(|event| event.sequence <= task.revision.min(2));
        covered.beside.extend(
            own.filter(|e| made_by_create(e, story))
                .map(|e| (e.task_id.as_str(), e.sequence)),
        );
        return;
    }
    let Some(event) = story.iter().find(|event| event.sequence == task.revision) else {
        return; // Told already: the answer shows a revision that is not in the log.
    };
    let fitting = LIFECYCLE
        .calls
        .get(call.method)
        .map(Vec::as_slice)
        .unwrap_or_default();
    if !fitting.contains(&event.r#type()) {
        findings.add(
            Rule::Answer,
            format!("{}: answered {} #{}", at(event), call.method, call.ended),
        );
    }
    if let (Some(asked), Some(told)) = (&call.actor, &event.actor)
        && !same_actor(asked, told)
    {
        findings.add(
            Rule::Answer,
            format!("{}: is by another actor than {}", at(event), call.method),
        );
    }
    if !covered.told.insert((&event.task_id, event.sequence)) {
        let text = format!(
            "{}: answered {} #{} and a call before",
            at(event),
            call.method,
            call.ended
        );
        findings.add(Rule::Trace, text);
    }
    if event.r#type() == TaskEventType::Started {
        let assigned = story.iter().find(|other| other.sequence + 1 == event.sequence);
        let together = assigned.filter(|a| {
            a.r#type() == TaskEventType::Assigned && a.position + 1 == event.position && a.time == event.time
        });
        covered
            .beside
            .extend(together.map(|event| (event.task_id.as_str(), event.sequence)));
    }
}

/// CREATED, and the event of the first place if it came with it.
fn made_by_create(event: &TaskEvent, story: &[TaskEvent]) -> bool {
    event.sequence == 1
        || story.first().is_some_and(|first| {
            first.position + 1 == event.position && first.time == event.time && first.actor == event.actor
        })
}

/// Whoever has had an answer never gets an older one.
fn back_in_time(calls: &[Call], findings: &mut Findings) {
    // An id that is used again, long after its task was deleted, is another task.
    let mut shown: HashMap<_, Vec<(u64, u64, &Task, &str)>> = HashMap::new();
    for call in calls {
        let (Outcome::Read(tasks) | Outcome::Changed { tasks, .. }) = &call.outcome else {
            continue;
        };
        for task in tasks {
            let created = task.create_time.map(micros);
            let of_task = shown.entry((&task.id, created)).or_default();
            of_task.push((call.begun, call.ended, task, call.method));
        }
    }
    for sightings in shown.values_mut() {
        let mut by_end = sightings.clone();
        by_end.sort_by_key(|(_, ended, ..)| *ended);
        sightings.sort_by_key(|(begun, ..)| *begun);
        let mut ended_before = by_end.iter().peekable();
        let mut newest = 0;
        for (begun, _, task, method) in sightings.iter() {
            while let Some((_, _, earlier, _)) = ended_before.next_if(|(_, ended, ..)| ended < begun) {
                newest = newest.max(earlier.revision);
            }
            if task.revision < newest {
                let text = format!(
                    "task {}: {method} showed revision {} to one who had seen {newest}",
                    task.id, task.revision
                );
                findings.add(Rule::BackInTime, text);
            }
        }
    }
}

/// Events that no call made: not Baton's own, and not of a call whose answer was lost.
fn unexplained(evidence: &Evidence, stories: &Stories, covered: &Covered<'_>, findings: &mut Findings) {
    let mut lost: BTreeMap<&str, Vec<&Call>> = BTreeMap::new();
    let mut anywhere: Vec<&Call> = Vec::new();
    for call in evidence
        .calls
        .iter()
        .filter(|call| matches!(call.outcome, Outcome::Unknown))
    {
        for id in &call.named {
            lost.entry(id).or_default().push(call);
        }
        if call.named.is_empty() {
            anywhere.push(call);
        }
    }
    for event in stories.values().flatten() {
        if event.actor.as_ref().is_some_and(is_system) {
            continue;
        }
        let place = (event.task_id.as_str(), event.sequence);
        if covered.told.contains(&place) || covered.beside.contains(&place) {
            continue;
        }
        let may_be = |call: &&Call| {
            let events = LIFECYCLE
                .calls
                .get(call.method)
                .map(Vec::as_slice)
                .unwrap_or_default();
            let starts = call.method == "StartTask" && event.r#type() == TaskEventType::Assigned;
            starts || events.contains(&event.r#type())
        };
        let own = lost.get(event.task_id.as_str()).into_iter().flatten();
        let explained = own.chain(&anywhere).any(may_be);
        if !explained {
            let name = event_name(event.r#type());
            findings.add(
                Rule::Trace,
                format!("{}: no call asked for this {name}", at(event)),
            );
        }
    }
}
