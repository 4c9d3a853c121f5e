//! What the facts mean. Nothing here asks anybody.

mod server;
mod webhooks;

use std::collections::{BTreeMap, BTreeSet};

use baton_client::State;
use baton_client::proto::{Queue, QueueStats, Task, TaskStatsGroup, Webhook, Worker};
use prost_types::Timestamp;

use crate::client::show::text::{clean, span};

/// A task that waits so long should have been taken: the bound behind which the server itself lets age count.
const LONG_SECONDS: i64 = 300;
/// Whoever starts a server, a worker and a task in this order has had time.
const SOON_SECONDS: i64 = 60;
/// A worker that waits for tasks is heard of every minute at least.
const ABSENT_SECONDS: i64 = 150;
/// Somebody who works on a task and holds no lease says something now and then.
pub(super) const SILENT_SECONDS: i64 = 3_600;
/// Names that one line lists.
const NAMES: usize = 5;

pub(super) use server::{no_database, no_server, server};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::client) enum Level {
    Ok,
    /// Somebody should look.
    Look,
    /// Something does not happen that should.
    Wrong,
}

impl Level {
    pub(in crate::client) const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Look => "look",
            Self::Wrong => "wrong",
        }
    }
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::client) struct Finding {
    /// What was looked at: the headings of docs/troubleshooting.md.
    pub(in crate::client) check: &'static str,
    pub(in crate::client) level: Level,
    pub(in crate::client) message: String,
    /// What to do.
    pub(in crate::client) next: Option<String>,
}

fn fine(check: &'static str, message: String) -> Finding {
    Finding {
        check,
        level: Level::Ok,
        message,
        next: None,
    }
}

fn found(check: &'static str, level: Level, message: String, next: impl Into<String>) -> Finding {
    Finding {
        check,
        level,
        message,
        next: Some(next.into()),
    }
}

/// A queue with tasks that are ready.
pub(super) struct QueueFacts {
    pub(super) name: String,
    /// Where it was created.
    pub(super) limits: Option<Queue>,
    pub(super) stats: QueueStats,
}

/// What was looked at.
pub(super) struct Facts {
    /// The server's time.
    pub(super) now: Timestamp,
    pub(super) groups: Vec<TaskStatsGroup>,
    pub(super) workers: Vec<Worker>,
    pub(super) queues: Vec<QueueFacts>,
    /// Tasks in progress that were not heard of for long, the longest first.
    pub(super) silent: Vec<Task>,
    pub(super) webhooks: Vec<Webhook>,
}

impl Facts {
    /// What they mean; at least one finding for each check.
    pub(super) fn findings(&self) -> Vec<Finding> {
        let total: i64 = self.groups.iter().map(|group| group.count).sum();
        let mut all = vec![fine("database", format!("answers; {} in it", tasks(total)))];
        let limits: Vec<Finding> = self.queues.iter().filter_map(|queue| self.limit(queue)).collect();
        let waiting = self.waiting();
        if limits.is_empty() && waiting.is_empty() {
            all.push(fine("queues", "no task waits longer than it should".to_owned()));
        }
        all.extend(limits);
        all.extend(waiting);
        all.push(self.workers());
        all.push(self.dead());
        all.extend(self.people());
        all.extend(self.silent());
        all.extend(self.webhooks.iter().filter_map(webhooks::webhook));
        all
    }

    fn age(&self, time: Option<Timestamp>) -> i64 {
        time.map_or(0, |time| (self.now.seconds - time.seconds).max(0))
    }

    /// What holds up the tasks of a queue, if that is the queue itself.
    fn limit(&self, queue: &QueueFacts) -> Option<Finding> {
        let QueueFacts { name, limits, stats } = queue;
        let limits = limits.as_ref()?;
        let name = clean(name);
        let ready = wait(stats.ready_count);
        if limits.paused {
            let next = format!("`baton queue resume {name}`");
            return Some(found(
                "queues",
                Level::Look,
                format!("`{name}` is paused; {ready} in it"),
                next,
            ));
        }
        let is_full = limits
            .concurrency_limit
            .filter(|limit| stats.leased_count >= i64::from(*limit));
        if let Some(limit) = is_full {
            let message = format!("`{name}` is full: all {limit} places are taken, and {ready}");
            let next = format!("wait, or raise it: `baton queue update {name} --concurrency N`");
            return Some(found("queues", Level::Look, message, next));
        }
        stats.rate_next_time?;
        let message = format!("`{name}` gives out no more for now by its rate limit; {ready}");
        let next = format!("wait, or raise it: `baton queue update {name} --rate COUNT/TIME`");
        Some(found("queues", Level::Look, message, next))
    }

    /// Ready tasks that nobody takes, or that are taken too slowly.
    fn waiting(&self) -> Vec<Finding> {
        let ready = self.groups.iter().filter(|group| group.state() == State::Queued);
        let mut untaken: BTreeMap<&str, Untaken<'_>> = BTreeMap::new();
        let mut findings = Vec::new();
        for group in ready {
            let age = self.age(group.oldest_ready_time);
            let takers: Vec<&Worker> = self
                .workers
                .iter()
                .filter(|worker| takes(worker, group))
                .collect();
            if takers
                .iter()
                .any(|worker| !worker.draining && self.is_there(worker))
            {
                if age > LONG_SECONDS && !self.is_limited(&group.queue) {
                    findings.push(slow(group, age));
                }
                continue;
            }
            let untaken = untaken.entry(&group.queue).or_default();
            untaken.count += group.count;
            untaken.age = untaken.age.max(age);
            untaken.types.insert(&group.r#type);
            untaken
                .drained
                .extend(takers.iter().filter(|w| w.draining).map(|w| w.id.as_str()));
        }
        findings.extend(untaken.into_iter().map(|(queue, untaken)| untaken.finding(queue)));
        findings
    }

    fn is_there(&self, worker: &Worker) -> bool {
        worker.lease_count > 0 || self.age(worker.last_seen_time) < ABSENT_SECONDS
    }

    fn is_limited(&self, name: &str) -> bool {
        let mut named = self.queues.iter().filter(|queue| queue.name == name);
        named.any(|queue| self.limit(queue).is_some())
    }

    fn workers(&self) -> Finding {
        let there = self.workers.iter().filter(|worker| self.is_there(worker));
        let held: i64 = self
            .workers
            .iter()
            .map(|worker| i64::from(worker.lease_count))
            .sum();
        let message = match there.count() {
            1 => format!("1 is there and holds {}", tasks(held)),
            count => format!("{count} are there and hold {}", tasks(held)),
        };
        fine("workers", message)
    }

    fn count(&self, state: State) -> i64 {
        let groups = self.groups.iter().filter(|group| group.state() == state);
        groups.map(|group| group.count).sum()
    }

    fn dead(&self) -> Finding {
        match self.count(State::Dead) {
            0 => fine("dead tasks", "none".to_owned()),
            count => {
                let next = "`baton dead list` shows why; `baton dead redrive` brings them back, `baton dead discard` gives them up";
                found(
                    "dead tasks",
                    Level::Look,
                    format!("{}: their attempts are spent", tasks(count)),
                    next,
                )
            }
        }
    }

    /// What waits for a person.
    fn people(&self) -> Vec<Finding> {
        let waits = [
            (
                State::InputRequired,
                "for an answer",
                "`baton task list --state input-required`, then `baton task provide-input`",
            ),
            (
                State::Review,
                "for somebody to approve",
                "`baton task list --state review`, then `baton task approve` or `rework`",
            ),
        ];
        let waits = waits.into_iter().filter_map(|(state, what, next)| {
            let count = self.count(state);
            (count > 0).then(|| found("people", Level::Look, format!("{} {what}", wait(count)), next))
        });
        waits.collect()
    }

    /// Work that may have been forgotten.
    fn silent(&self) -> Option<Finding> {
        let first = self.silent.first()?;
        let age = prost_types::Duration {
            seconds: self.age(first.update_time),
            nanos: 0,
        };
        let count = i64::try_from(self.silent.len()).unwrap_or(i64::MAX);
        let message = format!(
            "{} in progress say nothing, the longest for {}",
            tasks(count),
            span(&age)
        );
        let next = format!("`baton task explain {}` says who works on it", clean(&first.id));
        Some(found("progress", Level::Look, message, next))
    }
}

/// Whether a worker asks for such tasks.
fn takes(worker: &Worker, group: &TaskStatsGroup) -> bool {
    worker.queues.contains(&group.queue) && (worker.any_type || worker.types.contains(&group.r#type))
}

fn slow(group: &TaskStatsGroup, age: i64) -> Finding {
    let age = prost_types::Duration {
        seconds: age,
        nanos: 0,
    };
    let message = format!(
        "{} of {} wait in `{}`, the oldest for {}: its workers do not keep up",
        tasks(group.count),
        type_name(&group.r#type),
        clean(&group.queue),
        span(&age)
    );
    let next =
        "start more workers, or give them more --concurrency; `baton worker list` shows what they hold";
    found("queues", Level::Look, message, next)
}

/// Ready tasks of a queue that no worker asks for.
#[derive(Default)]
struct Untaken<'a> {
    count: i64,
    age: i64,
    types: BTreeSet<&'a str>,
    drained: BTreeSet<&'a str>,
}

impl Untaken<'_> {
    fn finding(self, queue: &str) -> Finding {
        let age = prost_types::Duration {
            seconds: self.age,
            nanos: 0,
        };
        let queue = clean(queue);
        let types = listed(self.types.iter().map(|name| type_name(name)));
        let message = format!(
            "no worker asks for {types} in `{queue}`; {}, the oldest for {}",
            wait(self.count),
            span(&age)
        );
        let next = match self.drained.first() {
            Some(worker) => format!(
                "those who would are draining: `baton worker drain {} --resume`",
                clean(worker)
            ),
            None => format!(
                "start a worker for queue {queue}: `baton worker --queue {queue}` with a handler of that type, or your own program"
            ),
        };
        let level = if self.age > SOON_SECONDS {
            Level::Wrong
        } else {
            Level::Look
        };
        found("queues", level, message, next)
    }
}

fn type_name(name: &str) -> String {
    match name {
        "" => "tasks without a type".to_owned(),
        name => format!("`{}`", clean(name)),
    }
}

fn listed(names: impl ExactSizeIterator<Item = String>) -> String {
    let rest = names.len().saturating_sub(NAMES);
    let mut text = names.take(NAMES).collect::<Vec<_>>().join(", ");
    if rest > 0 {
        text.push_str(&format!(" and {rest} more"));
    }
    text
}

fn wait(count: i64) -> String {
    let verb = if count == 1 { "waits" } else { "wait" };
    format!("{} {verb}", tasks(count))
}

fn tasks(count: i64) -> String {
    match count {
        1 => "1 task".to_owned(),
        count => format!("{count} tasks"),
    }
}

#[cfg(test)]
mod tests;
