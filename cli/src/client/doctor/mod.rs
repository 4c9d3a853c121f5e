//! `baton doctor`: looks at a server and its tasks, and says what is wrong and what to do.

mod findings;

use std::collections::BTreeSet;

use baton_client::State;
use clap::Args;
use futures::{StreamExt as _, TryStreamExt as _};

use super::exit::{EXIT_CODES, Exit, Failure};
use super::options::{Options, Session};
use findings::{Facts, QueueFacts, SILENT_SECONDS};
pub(super) use findings::{Finding, Level};

const EXAMPLES: &str = "\
Examples:
  baton doctor
  baton doctor --output json | jq -r 'select(.level != \"ok\") | .next'
What each finding means: docs/troubleshooting.md";

/// `baton doctor`
#[derive(Args)]
#[command(after_help = format!("{EXAMPLES}\n\n{EXIT_CODES}"))]
pub(crate) struct DoctorArgs {
    #[command(flatten)]
    pub(super) options: Options,
}

/// Of each kind of thing at most so many are looked at.
const LOOKED_AT: usize = 1_000;

pub(super) async fn examine(session: &Session) -> Result<Exit, Failure> {
    let findings = match session.client.server_info().await {
        Err(error) => vec![findings::no_server(&error)],
        Ok(server) => {
            let mut found = vec![findings::server(&server)];
            match facts(session, server.time.unwrap_or_default()).await {
                Ok(facts) => found.extend(facts.findings()),
                Err(error) => found.push(findings::no_database(&error)),
            }
            found
        }
    };
    session.screen.findings(&findings)?;
    let is_wrong = findings.iter().any(|finding| finding.level == Level::Wrong);
    Ok(if is_wrong { Exit::Refused } else { Exit::Done })
}

/// All that is looked at, as of `now`, the server's time.
async fn facts(session: &Session, now: prost_types::Timestamp) -> Result<Facts, baton_client::Error> {
    let client = &session.client;
    let groups = client.stats().await?.groups;
    let workers = client.list_workers().all().take(LOOKED_AT).try_collect().await?;
    let mut queues = Vec::new();
    let ready = groups.iter().filter(|group| group.state() == State::Queued);
    let ready: BTreeSet<&str> = ready.map(|group| group.queue.as_str()).collect();
    for name in ready.into_iter().take(LOOKED_AT) {
        let answer = client.queue_stats(name).await?;
        queues.push(QueueFacts {
            name: name.to_owned(),
            limits: answer.queue,
            stats: answer.stats.unwrap_or_default(),
        });
    }
    let since = prost_types::Timestamp {
        seconds: now.seconds - SILENT_SECONDS,
        nanos: 0,
    };
    let silent = client
        .list()
        .filter(format!("state = IN_PROGRESS AND update_time < \"{since}\""))
        .order_by("update_time asc")
        .page_size(i32::try_from(LOOKED_AT).unwrap_or(i32::MAX))
        .all();
    let silent = silent.take(LOOKED_AT).try_collect().await?;
    let webhooks = client.list_webhooks().all().take(LOOKED_AT).try_collect().await?;
    Ok(Facts {
        now,
        groups,
        workers,
        queues,
        silent,
        webhooks,
    })
}
