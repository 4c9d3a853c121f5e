//! `baton task runs`.

use baton_client::View;
use clap::Args;

use super::exit::{Exit, Failure};
use super::filter::{all_of, equal, one_of};
use super::names::RunOutcome;
use super::options::Session;
use super::pages;

/// Which runs; all that is said must be true of a run.
#[derive(Args)]
#[command(after_help = "\
Filters compare fields (task_id, queue, type, assignee.id, outcome, attempt, start_time, end_time) as those of \
`baton task list` do:
  baton task runs --type my-task --limit 20
  baton task runs --filter 'outcome != OK AND start_time > \"2026-11-22T00:00:00Z\"'")]
pub(crate) struct RunsArgs {
    /// Of this task
    #[arg(long, value_name = "ID")]
    task: Option<String>,
    /// Of tasks of this type
    #[arg(long = "type", value_name = "TYPE")]
    task_type: Option<String>,
    /// In this queue
    #[arg(long)]
    queue: Option<String>,
    /// By whom, as the id of a worker or a person
    #[arg(long, value_name = "ID")]
    assignee: Option<String>,
    /// Ended like this, or one of these
    #[arg(long = "outcome", value_name = "OUTCOME")]
    outcomes: Vec<RunOutcome>,
    /// Anything else, in the language below
    #[arg(long, value_name = "FILTER")]
    filter: Option<String>,
    /// How many runs to show; 0 shows all
    #[arg(long, value_name = "COUNT", default_value_t = 20)]
    limit: usize,
    /// With what they made
    #[arg(long)]
    full: bool,
}

impl RunsArgs {
    fn filter(&self) -> String {
        let fields = [
            ("task_id", &self.task),
            ("type", &self.task_type),
            ("queue", &self.queue),
            ("assignee.id", &self.assignee),
        ];
        let said = fields
            .into_iter()
            .filter_map(|(field, value)| Some(equal(field, value.as_deref()?)));
        let outcomes = self
            .outcomes
            .iter()
            .map(|RunOutcome(outcome)| outcome.as_str_name());
        let outcomes = one_of("outcome", outcomes);
        let parts: Vec<_> = said.chain(outcomes).chain(self.filter.clone()).collect();
        all_of(&parts)
    }
}

pub(super) async fn runs(session: &Session, args: RunsArgs) -> Result<Exit, Failure> {
    let mut call = session.client.list_task_runs().filter(args.filter());
    if args.full {
        call = call.view(View::Full);
    }
    let all = call.page_size(pages::page_size(args.limit)).all();
    pages::show(session, args.limit, all, |screen, runs| screen.runs(runs)).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: RunsArgs,
    }

    #[test]
    fn what_is_said_in_flags_becomes_one_filter() {
        let filter = |arguments: &[&str]| {
            let line = std::iter::once("runs").chain(arguments.iter().copied());
            Line::try_parse_from(line).unwrap().args.filter()
        };
        assert_eq!(filter(&[]), "");
        assert_eq!(filter(&["--type", "my-task"]), "type = \"my-task\"");
        assert_eq!(
            filter(&[
                "--task",
                "1",
                "--assignee",
                "w",
                "--outcome",
                "error",
                "--outcome",
                "lease-expired",
                "--filter",
                "attempt > 1"
            ]),
            "(task_id = \"1\") AND (assignee.id = \"w\") AND \
             (outcome = ATTEMPT_OUTCOME_ERROR OR outcome = ATTEMPT_OUTCOME_LEASE_EXPIRED) AND (attempt > 1)"
        );
    }
}
