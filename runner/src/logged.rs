//! What the log tells of every task, so that it can be filtered by type.

use baton_client::{Context, Failure, Outcome};
use jiff::Timestamp;
use tokio::time::Instant;

/// Does the work, and tells when it began and how it ended.
pub(crate) async fn logged(
    context: Context,
    work: impl Future<Output = Result<Outcome, Failure>>,
) -> Result<Outcome, Failure> {
    let task_type = context.task().r#type.clone();
    let task_id = context.id();
    let now = Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S%.3fZ");
    tracing::info!(
        task_id,
        attempt = context.attempt(),
        "[{task_type}] Starting at {now}"
    );
    let started = Instant::now();
    let done = work.await;
    let duration_ms = started.elapsed().as_millis();
    match &done {
        Ok(_) => tracing::info!(task_id, "[{task_type}] Completed in {duration_ms}ms"),
        Err(failure) => {
            let error = failure.message();
            tracing::warn!(task_id, error, "[{task_type}] Failed in {duration_ms}ms");
        }
    }
    done
}

/// Tells how much was done, where a task is made of many things.
pub(crate) fn processed(context: &Context, count: usize) {
    let task_type = &context.task().r#type;
    tracing::info!(task_id = context.id(), "[{task_type}] Processed {count} items");
}
