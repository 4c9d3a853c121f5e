//! slack-notify: tells a channel which of the last runs failed.

use baton_client::proto::TaskRun;
use baton_client::{Context, Failure};
use serde_json::{Value, json};

use crate::webhook;

/// Runs that are looked at.
const LAST: i32 = 5;

/// Looks at the last five runs, and posts those that failed to a webhook that takes `{"text": ...}`, as Slack's do.
pub(crate) async fn digest(context: Context, webhook: Option<String>) -> Result<Value, Failure> {
    let runs = context.client().list_task_runs();
    // Not its own: it is one of them.
    let runs = runs
        .filter("type != \"slack-notify\"")
        .page_size(LAST)
        .await?
        .runs;
    let errors: Vec<_> = runs.into_iter().filter(|run| run.error.is_some()).collect();
    if errors.is_empty() {
        return Ok(json!({ "notificationsSent": 0, "reason": "no errors" }));
    }
    let Some(url) = webhook else {
        return Ok(json!({ "notificationsSent": 0, "reason": "no webhook", "errorCount": errors.len() }));
    };
    if !context.is_leased() {
        return Err(Failure::new("somebody else may be posting this by now"));
    }
    let status = webhook::post(&url, &json!({ "text": message(&errors) })).await?;
    if !status.is_success() {
        let failure = Failure::new(format!("Slack API error: {}", status.as_u16()));
        return Err(failure.code("WEBHOOK_REFUSED"));
    }
    Ok(json!({ "notificationsSent": 1, "errorCount": errors.len() }))
}

/// A heading with the count, and a line for each error.
pub(crate) fn message(errors: &[TaskRun]) -> String {
    let mut text = format!("🚨 Baton errors ({})", errors.len());
    for run in errors {
        let error = run.error.as_ref().map_or("", |error| error.message.as_str());
        text += &format!("\n• {}: {error}", run.r#type);
    }
    text
}
