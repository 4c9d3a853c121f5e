//! The memory of calls that move many tasks, each by a command of its own.
//!
//! Which tasks such a call moves is remembered before the first of them is moved. So a repeat moves the rest of the
//! same tasks and no others, whatever its filter finds by then, and wherever the first call was cut off.

use baton_domain::TaskId;

use super::job::Work;
use super::{Class, Engine, Error, RequestKey};

impl Engine {
    /// The tasks that the call with this key moves; `None` where it has not been made.
    ///
    /// # Errors
    /// [`Error::RequestIdReused`], and what the store may do.
    pub async fn recall(&self, key: &RequestKey) -> Result<Option<Vec<TaskId>>, Error> {
        let records = self.store().requests(&[key.id]).await.map_err(Error::Store)?;
        if records.is_empty() {
            return Ok(None);
        }
        let same = records
            .into_iter()
            .find(|r| r.method == key.method && r.hash == key.hash);
        same.map(|record| Some(record.task_ids))
            .ok_or(Error::RequestIdReused)
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
        Ok(self.recall(&key).await?.unwrap_or(ids))
    }
}
