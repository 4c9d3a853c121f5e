//! ReportTasks.

use std::collections::HashSet;

use baton_domain::{Action, TaskId, Timestamp};
use baton_proto::raw::v1 as raw;
use baton_proto::raw::v1::task_report::Result as Told;

use crate::api::check;
use crate::api::convert::time::Start;
use crate::api::convert::{Draw, failure, payload, policy, receipt};
use crate::api::violations::{Path, Rule, Violations};

/// Reports of one call.
const REPORTS: usize = 500;

/// What a report says, but for its token, which is read where the keys are.
#[derive(Clone, Debug)]
pub(in crate::api) struct Report {
    pub(in crate::api) id: TaskId,
    pub(in crate::api) action: Action,
    pub(in crate::api) start_time: Option<Timestamp>,
}

/// Reads what all reports of a call have in common: there are some, not too many, and no task comes twice.
pub(in crate::api) fn read_all(
    v: &mut Violations,
    request: raw::ReportTasksRequest,
) -> Option<Vec<raw::TaskReport>> {
    let raw::ReportTasksRequest { reports } = request;
    let at = Path::REQUEST.field("reports");
    if reports.is_empty() {
        v.add(&at, "must have at least one entry");
    }
    if reports.len() > REPORTS {
        let what = format!("must have at most {REPORTS} entries, it has {}", reports.len());
        v.add_rule(&at, what, Rule::BatchSize);
        return None;
    }
    let mut seen = HashSet::with_capacity(reports.len());
    for (index, report) in reports.iter().enumerate() {
        let at = at.index(index);
        let id = check::task_id(v, &at.field("id"), &report.id);
        if id.is_some_and(|id| !seen.insert(id)) {
            v.add(&at.field("id"), "must not name a task that stands here already");
        }
    }
    Some(reports)
}

/// Reads one report. `at`: where it stands.
pub(in crate::api) fn read(
    v: &mut Violations,
    at: &Path<'_>,
    report: raw::TaskReport,
    draw: &Draw<'_>,
) -> Option<Report> {
    let raw::TaskReport {
        id,
        lease_token,
        start_time,
        result,
    } = report;
    let id = check::task_id(v, &at.field("id"), &id);
    if lease_token.is_empty() {
        v.add(&at.field("lease_token"), "must be given");
    }
    let start_time = match start_time {
        Some(time) => check::moment(v, &at.field("start_time"), time).map(Some),
        None => Some(None),
    };
    if result.is_none() {
        v.add(at, "must have one of complete, fail, release and snooze");
    }
    let id = id?;
    let action = read_told(v, at, (result?, id), draw);
    Some(Report {
        id,
        action: action?,
        start_time: start_time?,
    })
}

fn read_told(
    v: &mut Violations,
    at: &Path<'_>,
    (told, id): (Told, TaskId),
    draw: &Draw<'_>,
) -> Option<Action> {
    let jitter = draw.jitter();
    match told {
        Told::Complete(raw::ReportedCompletion { output, receipt }) => {
            let at = at.field("complete");
            let output = payload::read_optional(v, &at.field("output"), output);
            let receipt = receipt::read_optional(v, &at.field("receipt"), receipt);
            let (output, receipt) = (output?, receipt?);
            let receipt = receipt.or_else(|| receipt::in_text(output.as_ref(), id));
            Some(Action::Complete {
                output,
                receipt,
                jitter,
            })
        }
        Told::Fail(raw::ReportedFailure { error, outcome }) => {
            let at = at.field("fail");
            let error_at = at.field("error");
            let given = check::present(v, &error_at, error);
            let error = given.and_then(|given| failure::read(v, &error_at, given));
            let outcome = policy::read_failure(v, &at.field("outcome"), outcome);
            Some(Action::Fail {
                error: error?,
                outcome: outcome?,
                jitter,
            })
        }
        Told::Release(raw::ReportedRelease {}) => Some(Action::Release),
        Told::Snooze(raw::ReportedSnooze { schedule_time, delay }) => {
            let at = at.field("snooze");
            let start = Start { schedule_time, delay };
            let paths = [&at.field("schedule_time"), &at.field("delay")];
            start.read_required(v, paths).map(Action::Snooze)
        }
    }
}
