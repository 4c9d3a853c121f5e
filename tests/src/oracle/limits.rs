//! The limits of queues: at no position are more leases open than may be, and in no period more were granted.
//!
//! Told by the log alone: a lease opens with its ASSIGNED event and ends with the event that leads the task elsewhere.

use std::collections::BTreeMap;

use baton_proto::v1::task_event::Detail;
use baton_proto::v1::{Queue, TaskEvent, TaskEventType, TaskState};

use super::evidence::{Evidence, Findings, Rule, at};
use super::fold::{micros, span_micros};

/// Checks each queue whose limits are known.
pub(super) fn check(evidence: &Evidence, findings: &mut Findings) {
    for queue in &evidence.queues {
        let Some(namespace) = evidence.namespaces.get(&queue.namespace) else {
            continue;
        };
        let mut open = Open {
            queue,
            leased: BTreeMap::new(),
            granted: Vec::new(),
        };
        for event in &namespace.feed {
            open.hear(event, findings);
        }
    }
}

/// What is open of one queue.
struct Open<'a> {
    queue: &'a Queue,
    /// Each leased task with its key.
    leased: BTreeMap<&'a str, Option<&'a str>>,
    /// When each lease was granted.
    granted: Vec<i64>,
}

impl<'a> Open<'a> {
    fn hear(&mut self, event: &'a TaskEvent, findings: &mut Findings) {
        let held = matches!(event.to_state(), TaskState::Assigned | TaskState::InProgress);
        if !held || event.r#type() == TaskEventType::Deleted || event.queue != self.queue.name {
            self.leased.remove(event.task_id.as_str());
            return;
        }
        let key = event.labels.get(&self.queue.key_label).map(String::as_str);
        let by_lease = matches!(&event.detail, Some(Detail::Assigned(a)) if a.lease_expire_time.is_some());
        if by_lease {
            self.leased.insert(&event.task_id, key);
            self.granted.push(event.time.map(micros).unwrap_or_default());
            self.judge(event, key, findings);
        } else if let Some(known) = self.leased.get_mut(event.task_id.as_str()) {
            *known = key;
        }
    }

    fn judge(&self, event: &TaskEvent, key: Option<&str>, findings: &mut Findings) {
        let name = &self.queue.name;
        let limit = |limit: Option<i32>| limit.and_then(|limit| usize::try_from(limit).ok());
        let open = self.leased.len();
        if limit(self.queue.concurrency_limit).is_some_and(|limit| open > limit) {
            findings.add(
                Rule::Limit,
                format!("{}: queue {name} has {open} leases", at(event)),
            );
        }
        let same = self
            .leased
            .values()
            .filter(|known| key.is_some() && **known == key)
            .count();
        if limit(self.queue.key_concurrency_limit).is_some_and(|limit| same > limit) {
            let text = format!("{}: queue {name} has {same} leases of {key:?}", at(event));
            findings.add(Rule::Limit, text);
        }
        let Some(rate) = &self.queue.rate_limit else {
            return;
        };
        let period = rate.period.map(span_micros).unwrap_or_default();
        let end = self.granted.last().copied().unwrap_or_default();
        let within = self
            .granted
            .iter()
            .rev()
            .take_while(|time| **time > end - period)
            .count();
        let most = rate.count + rate.burst.max(1) - 1;
        if limit(Some(most)).is_some_and(|most| within > most) {
            let text = format!("{}: queue {name} gave out {within} in a period", at(event));
            findings.add(Rule::Limit, text);
        }
    }
}

#[cfg(test)]
mod tests {
    use baton_proto::v1::{RateLimit, TaskAssigned};
    use prost_types::Timestamp;

    use super::*;
    use crate::oracle::Namespace;

    fn event(task: &str, second: i64, state: TaskState) -> TaskEvent {
        let leased = state == TaskState::Assigned;
        let mut event = TaskEvent {
            task_id: task.to_owned(),
            queue: "steps".to_owned(),
            time: Some(Timestamp {
                seconds: second,
                nanos: 0,
            }),
            detail: leased.then(|| {
                Detail::Assigned(TaskAssigned {
                    lease_expire_time: Some(Timestamp::default()),
                    ..TaskAssigned::default()
                })
            }),
            ..TaskEvent::default()
        };
        event.set_to_state(state);
        event.labels.insert("tenant".to_owned(), "a".to_owned());
        event
    }

    fn found(queue: Queue, feed: Vec<TaskEvent>) -> usize {
        let evidence = Evidence {
            namespaces: BTreeMap::from([(
                "default".to_owned(),
                Namespace {
                    feed,
                    ..Namespace::default()
                },
            )]),
            queues: vec![Queue {
                namespace: "default".to_owned(),
                name: "steps".to_owned(),
                ..queue
            }],
            ..Evidence::default()
        };
        let mut findings = Findings::default();
        check(&evidence, &mut findings);
        assert!(findings.0.iter().all(|finding| finding.rule == Rule::Limit));
        findings.0.len()
    }

    #[test]
    fn one_lease_too_many_is_found() {
        use TaskState::{Assigned, Completed, InProgress};
        let fine = [
            ("1", Assigned),
            ("1", InProgress),
            ("1", Completed),
            ("2", Assigned),
        ];
        let broken = [
            ("1", Assigned),
            ("1", InProgress),
            ("2", Assigned),
            ("1", Completed),
        ];
        let feed = |moves: [(&str, TaskState); 4]| {
            let events = (0..).zip(moves).map(|(n, (task, state))| event(task, n, state));
            events.collect::<Vec<_>>()
        };
        let by_place = || Queue {
            concurrency_limit: Some(1),
            ..Queue::default()
        };
        let by_key = || Queue {
            key_label: "tenant".to_owned(),
            key_concurrency_limit: Some(1),
            ..Queue::default()
        };
        for queue in [by_place, by_key] {
            assert_eq!((found(queue(), feed(fine)), found(queue(), feed(broken))), (0, 1));
        }
    }

    #[test]
    fn one_grant_too_many_in_a_period_is_found() {
        let rate = |seconds| Queue {
            rate_limit: Some(RateLimit {
                count: 2,
                period: Some(prost_types::Duration { seconds, nanos: 0 }),
                burst: 0,
            }),
            ..Queue::default()
        };
        let feed = || {
            (0..4)
                .map(|n| event(&n.to_string(), n, TaskState::Assigned))
                .collect()
        };
        assert_eq!((found(rate(2), feed()), found(rate(3), feed())), (0, 2));
    }
}
