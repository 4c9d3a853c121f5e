//! The memory of calls that move many tasks, each by a command of its own.
//!
//! Which tasks such a call moves is remembered before the first of them is moved. So a repeat moves the rest of the
//! same tasks and no others, whatever its filter finds by then, and wherever the first call was cut off.

use baton_domain::TaskId;

use super::job::Work;
use super::{Class, Engine, Error, RequestKey};

impl Engine {
    /// The tasks that the call with this key moves in `namespace`; `None` where it has not been made.
    ///
    /// # Errors
    /// [`Error::RequestIdReused`], and what the store may do.
    pub async fn recall(&self, namespace: &str, key: &RequestKey) -> Result<Option<Vec<TaskId>>, Error> {
        let records = self.store().requests(&[key.id]).await.map_err(Error::Store)?;
        match records.into_iter().find(|record| record.namespace == namespace) {
            None => Ok(None),
            Some(record) if key.is_of(&record) => Ok(Some(record.task_ids)),
            Some(_) => Err(Error::RequestIdReused),
        }
    }

    /// Remembers that the call with this key moves `ids`, unless it was made before; answers the tasks it moves.
    ///
    /// # Errors
    /// [`Error::RequestIdReused`], and what the queue and the store may do.
    pub async fn remember(
        &self,
        namespace: &str,
        key: RequestKey,
        ids: Vec<TaskId>,
    ) -> Result<Vec<TaskId>, Error> {
        let work = Work::Remember {
            namespace: namespace.to_owned(),
            ids: ids.clone(),
        };
        self.submit(Class::Create, work, Some(key.clone())).await?;
        // Where two of the same call raced, what was written first counts.
        Ok(self.recall(namespace, &key).await?.unwrap_or(ids))
    }
}
