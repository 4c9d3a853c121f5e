//! `cleanup`: deletes settled tasks that are old, with their payloads, events and runs.

use baton_client::proto::Task;
use baton_client::{Client, Code, Context, Error, Failure, IntoOutcome as _, Outcome, View};
use futures::stream::{StreamExt as _, iter};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::config::CleanupConfig;
use crate::logged;

/// One step: so many tasks are listed and deleted, then it is written down how far the work is.
const STEP_COUNT: i32 = 200;

/// So many deletes are under way at once; the server commits them together.
const TOGETHER_COUNT: usize = 16;

/// Retained tasks are counted up to here.
const COUNTED_MAX_COUNT: usize = 100_000;

const DAY_SECS: i64 = 86_400;

/// How far the work is. What was deleted is not found again, so that is all there is to know.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Done {
    /// Tasks that ended before this are deleted, in seconds since 1970: the same in every attempt.
    before: i64,
    removed: usize,
}

pub(crate) async fn clean_up(context: &Context, config: &CleanupConfig) -> Result<Outcome, Failure> {
    let client = context.client();
    let mut done = match context.checkpoint()? {
        Some(done) => done,
        None => Done {
            before: server_time(client).await? - i64::from(config.older_than_days) * DAY_SECS,
            removed: 0,
        },
    };
    let cutoff = Timestamp::from_second(done.before)?;
    // A task is made before it ends: said twice, the list need not look at younger ones.
    let old = filter(config, &format!("create_time < {cutoff} AND end_time < {cutoff}"));
    let mut page = String::new();
    loop {
        let room = config.max_count.saturating_sub(done.removed);
        let size = STEP_COUNT.min(i32::try_from(room).unwrap_or(STEP_COUNT));
        if size == 0 || context.is_cancelled() || context.draining().is_cancelled() {
            break;
        }
        let list = client
            .list()
            .filter(&old)
            .order_by("create_time")
            .view(View::Basic)
            .page_size(size)
            .page_token(&page);
        let found = list.await?;
        done.removed += delete(client, found.tasks).await?;
        context.save_checkpoint(&done).await?;
        context.progress(50, format!("{} removed", done.removed));
        page = found.next_page_token;
        if page.is_empty() {
            break;
        }
    }
    if context.draining().is_cancelled() {
        // Whoever takes the task next goes on at the checkpoint.
        return Ok(Outcome::release());
    }
    logged::processed(context, done.removed);
    context.progress(100, format!("{} removed", done.removed));
    let (retained, is_all) = count(client, &filter(config, &format!("end_time >= {cutoff}"))).await?;
    let output = json!({
        "tasksRemoved": done.removed,
        "tasksRetained": retained,
        "tasksRetainedIsExact": is_all,
        "before": cutoff.to_string(),
    });
    output.into_outcome()
}

/// The server's clock said when tasks ended, so it says too how long ago that is.
async fn server_time(client: &Client) -> Result<i64, Failure> {
    let time = client.server_info().await?.time;
    time.map(|time| time.seconds)
        .ok_or_else(|| Failure::new("the server does not say what time it is"))
}

fn filter(config: &CleanupConfig, age: &str) -> String {
    let mut parts = vec![
        "(state = COMPLETED OR state = CANCELLED OR state = FAILED OR state = DEAD)".to_owned(),
        age.to_owned(),
    ];
    if !config.types.is_empty() {
        let types: Vec<_> = config
            .types
            .iter()
            .map(|name| format!("type = {}", quoted(name)))
            .collect();
        parts.push(format!("({})", types.join(" OR ")));
    }
    if !config.filter.trim().is_empty() {
        parts.push(format!("({})", config.filter));
    }
    parts.join(" AND ")
}

/// A text as filters write it.
pub(crate) fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// Answers how many are gone by this. What was revived or deleted since it was listed is left alone.
async fn delete(client: &Client, tasks: Vec<Task>) -> Result<usize, Error> {
    let deletes = iter(tasks).map(|task| async move {
        let gone = client.delete(task.id).etag(task.etag).await;
        match gone {
            Ok(_) => Ok(1),
            Err(error) if is_left(&error) => Ok(0),
            Err(error) => Err(error),
        }
    });
    let counts: Vec<Result<usize, Error>> = deletes.buffer_unordered(TOGETHER_COUNT).collect().await;
    counts.into_iter().sum()
}

/// Somebody else was there in between, or needs it still.
fn is_left(error: &Error) -> bool {
    let code = error.refusal().map(|refusal| refusal.code);
    matches!(
        code,
        Some(Code::NotFound | Code::Aborted | Code::FailedPrecondition)
    )
}

async fn count(client: &Client, filter: &str) -> Result<(usize, bool), Error> {
    let mut page = String::new();
    let mut count = 0;
    while count < COUNTED_MAX_COUNT {
        let list = client.list().filter(filter).page_size(1_000).page_token(&page);
        let found = list.view(View::Basic).await?;
        count += found.tasks.len();
        page = found.next_page_token;
        if page.is_empty() {
            return Ok((count, true));
        }
    }
    Ok((count, false))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_operator_narrows_stays_in_its_own_brackets() {
        let config = CleanupConfig {
            types: vec!["a".to_owned(), "b\"c\\".to_owned()],
            filter: "queue = x OR queue = y".to_owned(),
            ..CleanupConfig::default()
        };
        assert_eq!(
            filter(&config, "end_time < T"),
            "(state = COMPLETED OR state = CANCELLED OR state = FAILED OR state = DEAD) AND end_time < T \
             AND (type = \"a\" OR type = \"b\\\"c\\\\\") AND (queue = x OR queue = y)"
        );
    }
}
