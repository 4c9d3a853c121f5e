//! A digest of the errors among the last runs.

use baton_client::proto::TaskRun;
use baton_client::{Context, Error};

use crate::cleanup::quoted;

/// So much of an error stands in a digest, in characters: all of them must fit into one message.
const ERROR_MAX: usize = 300;

/// Those of the last runs that failed, the last first. Its own type's are left out: it would tell of itself.
pub(crate) async fn errors(context: &Context, last: i32) -> Result<Vec<TaskRun>, Error> {
    let own = quoted(&context.task().r#type);
    let runs = context.client().list_task_runs();
    let runs = runs.filter(format!("type != {own}")).page_size(last).await?.runs;
    Ok(runs.into_iter().filter(|run| run.error.is_some()).collect())
}

/// A heading with the count, and a line for each error.
pub(crate) fn text(errors: &[TaskRun]) -> String {
    let mut text = format!("🚨 Baton errors ({})", errors.len());
    for run in errors {
        let error = run.error.as_ref().map_or("", |error| error.message.as_str());
        text += &format!("\n• {}: {}", plain(&run.r#type), plain(error));
    }
    text
}

/// On one line, and without what Slack reads as a command: `<!channel>` in somebody's error calls nobody.
fn plain(text: &str) -> String {
    let mut plain = String::new();
    for (count, c) in text.chars().enumerate() {
        if count == ERROR_MAX {
            plain.push('…');
            break;
        }
        match c {
            '&' => plain.push_str("&amp;"),
            '<' => plain.push_str("&lt;"),
            '>' => plain.push_str("&gt;"),
            c if c.is_control() => plain.push(' '),
            c => plain.push(c),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use baton_client::proto::TaskError;

    use super::*;

    fn run(task_type: &str, message: &str) -> TaskRun {
        TaskRun {
            r#type: task_type.to_owned(),
            error: Some(TaskError {
                message: message.to_owned(),
                ..TaskError::default()
            }),
            ..TaskRun::default()
        }
    }

    #[test]
    fn a_heading_and_a_line_for_each() {
        let errors = [run("doc-sync", "no such folder"), run("rss-sweep", "timed\nout")];
        assert_eq!(
            text(&errors),
            "🚨 Baton errors (2)\n• doc-sync: no such folder\n• rss-sweep: timed out"
        );
    }

    #[test]
    fn what_a_task_says_calls_nobody_and_does_not_fill_the_message() {
        let told = text(&[run("a<b>", &format!("<!channel> {}", "x".repeat(9_000)))]);
        assert!(told.contains("• a&lt;b&gt;: &lt;!channel&gt; xxx"), "{told}");
        assert!(told.chars().count() < 400);
    }
}
