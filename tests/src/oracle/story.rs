//! The story of each task: its events fold, move by move, and whoever was shown the task saw it as it was.

use std::collections::{BTreeMap, HashMap};

use baton_proto::v1::{PayloadRole, Task, TaskEvent, TaskEventType, TaskState};

use super::compare::{Shown, differences, is_that};
use super::evidence::{Evidence, Findings, Outcome, Rule, at};
use super::fold::{Folded, micros};
use super::lifecycle::{LIFECYCLE, short};
use super::log::{Stories, references};
use super::moves::{World, judge, judge_first};

/// A task as somebody was shown it.
struct Sighting<'a> {
    task: &'a Task,
    shown: Shown,
    rule: Rule,
    by: String,
}

type Sightings<'a> = HashMap<&'a str, BTreeMap<i64, Vec<Sighting<'a>>>>;

/// Where each task ended: what its row must be.
pub(super) type Ends = BTreeMap<String, Option<Folded>>;

/// Folds every story, and compares it with all that was seen of its task.
pub(super) fn check(evidence: &Evidence, stories: &Stories, findings: &mut Findings) -> Ends {
    let mut sightings = gather(evidence);
    let world = world(evidence, stories);
    let mut ends = Ends::new();
    for (id, story) in stories {
        let seen = sightings.remove(id.as_str()).unwrap_or_default();
        let end = one_story(story, (seen, &world), findings);
        ends.insert(id.clone(), end);
    }
    for (id, seen) in sightings {
        for sighting in seen.values().flatten() {
            findings.add(
                sighting.rule,
                format!("task {id}: {} saw it, but no event is of it", sighting.by),
            );
        }
    }
    rows(evidence, &ends, findings);
    ends
}

fn world(evidence: &Evidence, stories: &Stories) -> World {
    let mut world = World::default();
    for queue in &evidence.queues {
        let named = (queue.namespace.clone(), queue.name.clone());
        let policy = queue.retry_policy.clone();
        world.policies.extend(policy.map(|policy| (named, policy)));
    }
    for event in stories.values().flatten() {
        let open = !LIFECYCLE.is_settled(event.from_state());
        let deleted = event.r#type() == TaskEventType::Deleted && open;
        if deleted || event.to_state() == TaskState::Cancelled {
            world.ended.entry(event.task_id.clone()).or_insert(event.position);
        }
    }
    world
}

fn gather(evidence: &Evidence) -> Sightings<'_> {
    let mut seen = Vec::new();
    for task in evidence.namespaces.values().flat_map(|namespace| &namespace.rows) {
        seen.push(Sighting {
            task,
            shown: Shown::Whole,
            rule: Rule::Row,
            by: "its row".to_owned(),
        });
    }
    for call in &evidence.calls {
        let (Outcome::Read(tasks) | Outcome::Changed { tasks, .. }) = &call.outcome else {
            continue;
        };
        seen.extend(tasks.iter().map(|task| Sighting {
            task,
            shown: Shown::Some,
            rule: Rule::Answer,
            by: format!("{} #{}", call.method, call.ended),
        }));
    }
    for (index, watch) in evidence.watches.iter().enumerate() {
        let tasks = watch.messages.iter().flat_map(|message| &message.tasks);
        seen.extend(tasks.map(|task| Sighting {
            task,
            shown: Shown::Some,
            rule: Rule::Watch,
            by: format!("the snapshot of watch {index}"),
        }));
    }
    let mut sightings = Sightings::new();
    for sighting in seen.into_iter().filter(|seen| !is_forgotten(evidence, seen.task)) {
        let of_task = sightings.entry(sighting.task.id.as_str()).or_default();
        of_task.entry(sighting.task.revision).or_default().push(sighting);
    }
    sightings
}

/// Whether a task was deleted so long ago that the log may have forgotten it; its id may then have been used again.
pub(super) fn is_forgotten(evidence: &Evidence, task: &Task) -> bool {
    let Some(namespace) = evidence.namespaces.get(&task.namespace) else {
        return false;
    };
    let horizon = namespace.feed.first();
    let old = horizon
        .is_some_and(|first| first.position > 1 && task.update_time.map(micros) < first.time.map(micros));
    let same = |row: &&Task| row.id == task.id && row.create_time == task.create_time;
    old && !namespace.rows.iter().any(|row| same(&row))
}

fn one_story(
    story: &[TaskEvent],
    (mut seen, world): (BTreeMap<i64, Vec<Sighting<'_>>>, &World),
    findings: &mut Findings,
) -> Option<Folded> {
    let mut events = story.iter();
    let first = events.next()?;
    let Some(mut folded) = Folded::created(first) else {
        if first.sequence == 1 {
            findings.add(Rule::Move, format!("{}: a task begins with CREATED", at(first)));
        }
        return None;
    };
    if let Err(why) = judge_first(first, &folded) {
        findings.add(Rule::Move, format!("{}: {why}", at(first)));
    }
    let mut etags = Etags::default();
    let mut versions = Versions::default();
    versions.check(first, findings);
    compare(&folded, seen.remove(&folded.task.revision), &mut etags, findings);
    for event in events {
        let before = folded.task.state();
        if event.from_state() != event.to_state() && stays(before, event) {
            let text = format!(
                "{}: leaves {} for {}",
                at(event),
                short(before),
                short(event.to_state())
            );
            findings.add(Rule::Final, text);
        }
        folded = judge(&folded, event, world).unwrap_or_else(|why| {
            findings.add(Rule::Move, format!("{}: {why}", at(event)));
            folded.after(event, None)
        });
        versions.check(event, findings);
        if event.r#type() == TaskEventType::Deleted {
            break;
        }
        compare(&folded, seen.remove(&folded.task.revision), &mut etags, findings);
    }
    for sighting in seen.values().flatten() {
        let text = format!(
            "task {}: {} saw revision {}, which the log does not have",
            sighting.task.id, sighting.by, sighting.task.revision
        );
        findings.add(sighting.rule, text);
    }
    let deleted = story
        .last()
        .is_some_and(|event| event.r#type() == TaskEventType::Deleted);
    (!deleted).then_some(folded)
}

/// Final states are never left; resting ones only by retry and discard.
fn stays(before: TaskState, event: &TaskEvent) -> bool {
    let leaves_rest = matches!(event.r#type(), TaskEventType::Retried | TaskEventType::Discarded);
    LIFECYCLE.is_final(before) || (LIFECYCLE.is_settled(before) && !leaves_rest)
}

fn compare(folded: &Folded, seen: Option<Vec<Sighting<'_>>>, etags: &mut Etags, findings: &mut Findings) {
    for sighting in seen.into_iter().flatten() {
        for difference in differences(sighting.task, folded, sighting.shown) {
            let Task { id, revision, .. } = sighting.task;
            let text = format!("task {id} revision {revision}, {}: {difference}", sighting.by);
            findings.add(sighting.rule, text);
        }
        if let Some(text) = etags.check(sighting.task, folded.edited) {
            findings.add(sighting.rule, text);
        }
    }
}

/// The etag is the same as long as nothing but progress and comments happens, and another one after anything else.
#[derive(Default)]
struct Etags {
    by_edit: BTreeMap<i64, String>,
}

impl Etags {
    fn check(&mut self, task: &Task, edited: i64) -> Option<String> {
        let Task {
            id, revision, etag, ..
        } = task;
        if etag.is_empty() {
            return Some(format!("task {id} revision {revision}: has no etag"));
        }
        match self.by_edit.get(&edited) {
            Some(standing) if standing == etag => None,
            Some(standing) => Some(format!(
                "task {id} revision {revision}: etag {etag} where it stood at {standing}"
            )),
            None => {
                let taken = self.by_edit.values().any(|other| other == etag);
                self.by_edit.insert(edited, etag.clone());
                taken.then(|| format!("task {id} revision {revision}: etag {etag} was that of an older edit"))
            }
        }
    }
}

/// The versions of each payload of a task are 1, 2, 3, and each is what its reference says.
#[derive(Default)]
struct Versions {
    newest: HashMap<i32, i32>,
}

impl Versions {
    fn check(&mut self, event: &TaskEvent, findings: &mut Findings) {
        for named in references(event) {
            let newest = self.newest.entry(named.role).or_default();
            *newest += 1;
            if named.version != *newest {
                let role = PayloadRole::try_from(named.role)
                    .unwrap_or_default()
                    .as_str_name();
                let text = format!("{}: {role} version {}, not {newest}", at(event), named.version);
                findings.add(Rule::Move, text);
            }
            if let Some(Err(why)) = named.payload.as_ref().map(|payload| is_that(payload, named)) {
                findings.add(Rule::Move, format!("{}: its payload {why}", at(event)));
            }
        }
    }
}

/// A task has a row exactly while it is not deleted, and no row is without events.
fn rows(evidence: &Evidence, ends: &Ends, findings: &mut Findings) {
    let mut rows: HashMap<&str, &Task> = HashMap::new();
    for row in evidence.namespaces.values().flat_map(|namespace| &namespace.rows) {
        if rows.insert(&row.id, row).is_some() {
            findings.add(Rule::Row, format!("task {}: has two rows", row.id));
        }
    }
    for (id, end) in ends {
        match (end, rows.get(id.as_str())) {
            (Some(folded), None) => {
                let text = format!(
                    "task {id}: has no row, but its events end at {}",
                    folded.task.revision
                );
                findings.add(Rule::Row, text);
            }
            (Some(folded), Some(row)) if row.revision != folded.task.revision => {
                let text = format!(
                    "task {id}: the row is at revision {}, the events end at {}",
                    row.revision, folded.task.revision
                );
                findings.add(Rule::Row, text);
            }
            (_, _) => {}
        }
    }
}
