//! `startup`: each start of a worker leaves a task that says what it takes.

use baton_client::{Client, Context, Error, Failure, IntoOutcome as _, NewTask, Outcome, Reason};
use serde_json::{Value, json};

/// What a worker that starts says of itself.
#[derive(Clone, Debug)]
pub(crate) struct Start {
    pub(crate) worker: String,
    pub(crate) queue: String,
    pub(crate) types: Vec<String>,
}

impl Start {
    /// Makes the task, unless one of the start before is still open: then that one tells it. Where the type is internal,
    /// a schedule of its name makes it.
    pub(crate) async fn tell(&self, client: &Client, task_type: &str) -> Result<(), Error> {
        let task = NewTask::new(task_type)
            .queue(&self.queue)
            .input_json(&json!({ "worker": self.worker }))
            .dedup_key(format!("startup/{task_type}/{}", self.worker));
        match client.create(task).await {
            Err(error) if error.reason() == Some(&Reason::TypeInternal) => {
                client.trigger_schedule(task_type).await.map(drop)
            }
            created => created.map(drop),
        }
    }

    pub(crate) fn output(&self, _context: &Context) -> Result<Outcome, Failure> {
        let output: Value = json!({
            "worker": self.worker,
            "version": env!("CARGO_PKG_VERSION"),
            "types": self.types,
        });
        output.into_outcome()
    }
}
