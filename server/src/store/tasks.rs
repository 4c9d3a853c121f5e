//! Tasks by their ids: whole rows in one statement, and single tasks that wait together in one statement too.
//!
//! A call to the database is hops between threads, and for one row they cost more than the row. So readers of single
//! tasks leave their ids with a [`TaskReader`], which reads all that wait at once. Nobody waits for company: where a
//! lane is free, one id is read alone. A statement begins after the ids it reads were asked for, so whoever was told of
//! a write finds it.

use std::collections::HashMap;
use std::sync::Arc;

use baton_domain::{Task, TaskId};
use sea_orm::{ConnectionTrait, Iterable as _, Statement};
use tokio::sync::{Mutex, mpsc, oneshot};

use super::StoreError;
use super::dialect::Dialect;
use super::entity::task::Column;
use super::read::id_list;
use super::readers::Readers;
use super::rows::{TaskRow, read_row, read_task};

/// Statements of single tasks under way at once.
const LANES: usize = 2;
/// Tasks of one statement: with payloads they may have megabytes each.
const TASKS_READ: usize = 32;
/// Ids that wait before their callers have to.
const IDS_WAITING: usize = 1_024;

/// The rows with those ids and their leases, in no particular order. Without `payloads` these have no bodies.
pub(super) async fn rows(
    database: &impl ConnectionTrait,
    dialect: Dialect,
    (ids, payloads): (&[TaskId], bool),
) -> Result<Vec<TaskRow>, StoreError> {
    let text = dialect.tasks(Column::iter(), payloads);
    let asked = Statement::from_sql_and_values(dialect.backend(), text, [id_list(ids).into()]);
    let rows = database.query_all_raw(asked).await?;
    Ok(rows.iter().map(read_row).collect::<Result<_, _>>()?)
}

type Answer = Result<Option<Task>, StoreError>;
type Wanted = (TaskId, oneshot::Sender<Answer>);

/// Reads single tasks.
#[derive(Debug)]
pub(super) struct TaskReader {
    wanted: mpsc::Sender<Wanted>,
}

impl TaskReader {
    /// Starts the lanes; they end with the reader.
    pub(super) fn start(database: &Readers, dialect: Dialect) -> Self {
        let (wanted, waiting) = mpsc::channel(IDS_WAITING);
        let waiting = Arc::new(Mutex::new(waiting));
        for _ in 0..LANES {
            let (database, waiting) = (database.clone(), Arc::clone(&waiting));
            tokio::spawn(async move {
                loop {
                    let mut together = Vec::new();
                    waiting.lock().await.recv_many(&mut together, TASKS_READ).await;
                    if together.is_empty() {
                        return;
                    }
                    answer(&database, dialect, together).await;
                }
            });
        }
        Self { wanted }
    }

    /// The task with that id, with its payloads.
    pub(super) async fn task(&self, id: TaskId) -> Answer {
        let (reply, answer) = oneshot::channel();
        let gone = || StoreError::Unavailable(Arc::new(LanesGone));
        self.wanted.send((id, reply)).await.map_err(|_| gone())?;
        answer.await.unwrap_or_else(|_| Err(gone()))
    }
}

/// Only a panic ends a lane.
#[derive(Debug, thiserror::Error)]
#[error("the readers of tasks have ended")]
struct LanesGone;

async fn answer(database: &Readers, dialect: Dialect, together: Vec<Wanted>) {
    let mut waiting: HashMap<TaskId, Vec<oneshot::Sender<Answer>>> = HashMap::with_capacity(together.len());
    for (id, reply) in together {
        waiting.entry(id).or_default().push(reply);
    }
    let ids: Vec<TaskId> = waiting.keys().copied().collect();
    let missing = match rows(database, dialect, (&ids, true)).await {
        Ok(found) => {
            for row in found {
                let replies = waiting.remove(&TaskId(row.task.id)).unwrap_or_default();
                reply_all(replies, read_task(row).map(Some));
            }
            Ok(None)
        }
        Err(error) => Err(error),
    };
    for replies in waiting.into_values() {
        reply_all(replies, missing.clone());
    }
}

fn reply_all(mut replies: Vec<oneshot::Sender<Answer>>, answer: Answer) {
    let last = replies.pop();
    for reply in replies {
        // Whoever hung up needs no answer.
        drop(reply.send(answer.clone()));
    }
    if let Some(last) = last {
        drop(last.send(answer));
    }
}
