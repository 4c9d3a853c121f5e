//! Every write that was acknowledged, to be found again after a crash.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use anyhow::Context as _;
use baton_client::proto::Task;
use baton_client::{Client, Error, Reason, State};
use uuid::Uuid;

/// Ids of one BatchGetTasks.
const PAGE: usize = 1_000;

/// What a server said it had written.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    entries: Mutex<Vec<(Uuid, Acknowledged)>>,
}

/// A task as an answer showed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Acknowledged {
    revision: i64,
    state: State,
}

/// How a check came out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Check {
    /// Tasks that had been acknowledged.
    pub(crate) tasks: usize,
    /// Those that are gone, are older than they were said to be, or stand otherwise at the same revision.
    pub(crate) lost: Vec<String>,
}

impl Ledger {
    /// Notes an answer.
    ///
    /// Errors: its id is no UUID.
    pub(crate) fn note(&self, task: &Task) -> anyhow::Result<()> {
        let id = Uuid::try_parse(&task.id).context("a task whose id is no UUID")?;
        let acknowledged = Acknowledged {
            revision: task.revision,
            state: task.state(),
        };
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.push((id, acknowledged));
        Ok(())
    }

    /// Looks every task up.
    ///
    /// Errors: the server refuses, beyond saying that a task is not there.
    pub(crate) async fn check(&self, client: &Client) -> anyhow::Result<Check> {
        let newest = self.newest();
        let mut check = Check {
            tasks: newest.len(),
            lost: Vec::new(),
        };
        let ids: Vec<Uuid> = newest.keys().copied().collect();
        for page in ids.chunks(PAGE) {
            let found = fetch(client, page).await?;
            for id in page {
                let expected = newest[id];
                let missing = found.get(id).is_none_or(|task| !is_kept(expected, task));
                check.lost.extend(missing.then(|| id.to_string()));
            }
        }
        Ok(check)
    }

    /// The last word on each task.
    fn newest(&self) -> HashMap<Uuid, Acknowledged> {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let mut newest: HashMap<Uuid, Acknowledged> = HashMap::with_capacity(entries.len());
        for (id, acknowledged) in entries.iter() {
            let kept = newest.entry(*id).or_insert(*acknowledged);
            if acknowledged.revision > kept.revision {
                *kept = *acknowledged;
            }
        }
        newest
    }
}

/// A write that was not acknowledged may stand too, so a task may be further than was said.
fn is_kept(expected: Acknowledged, task: &Task) -> bool {
    task.revision > expected.revision
        || (task.revision == expected.revision && task.state() == expected.state)
}

async fn fetch(client: &Client, ids: &[Uuid]) -> anyhow::Result<HashMap<Uuid, Task>> {
    let all = client.batch_get(ids.iter().map(Uuid::to_string)).await;
    let tasks = match all {
        Ok(tasks) => tasks,
        Err(error) if is_missing(&error) => fetch_one_by_one(client, ids).await?,
        Err(error) => return Err(error.into()),
    };
    let by_id = |task: Task| Ok((Uuid::try_parse(&task.id)?, task));
    tasks.into_iter().map(by_id).collect()
}

/// BatchGetTasks answers all or nothing: this tells which are there.
async fn fetch_one_by_one(client: &Client, ids: &[Uuid]) -> anyhow::Result<Vec<Task>> {
    let mut tasks = Vec::new();
    for id in ids {
        match client.get(id.to_string()).await {
            Ok(fetched) => tasks.push(fetched.task),
            Err(error) if is_missing(&error) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(tasks)
}

fn is_missing(error: &Error) -> bool {
    error.reason() == Some(&Reason::TaskNotFound)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(id: u128, revision: i64, state: State) -> Task {
        Task {
            id: Uuid::from_u128(id).to_string(),
            revision,
            state: state.into(),
            ..Task::default()
        }
    }

    #[test]
    fn the_last_word_on_a_task_counts_in_whatever_order_it_came() {
        let ledger = Ledger::default();
        for (id, revision) in [(1, 2), (1, 4), (1, 3), (2, 1)] {
            ledger.note(&task(id, revision, State::Queued)).unwrap();
        }
        let newest = ledger.newest();
        let revision = |id| newest[&Uuid::from_u128(id)].revision;
        assert_eq!((newest.len(), revision(1), revision(2)), (2, 4, 1));
        assert!(ledger.note(&Task::default()).is_err());
    }

    #[test]
    fn a_task_may_be_further_than_was_acknowledged_but_not_behind() {
        let said = Acknowledged {
            revision: 3,
            state: State::InProgress,
        };
        assert!(is_kept(said, &task(1, 3, State::InProgress)));
        assert!(is_kept(said, &task(1, 4, State::Completed)));
        assert!(!is_kept(said, &task(1, 2, State::Queued)));
        assert!(!is_kept(said, &task(1, 3, State::Queued)));
    }
}
