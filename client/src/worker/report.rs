//! Telling how the work ended: whatever ends while one report is under way goes into the next.

use std::convert::Infallible;
use std::time::Duration;

use baton_proto::v1::task_report::Result as Told;
use baton_proto::v1::{AttemptOutcome, BulkTaskResult};
use prost::Message;
use tokio::time::{Instant, sleep};
use tonic::Code;

use super::Failure;
use super::shared::{Report, Shared};
use crate::error::Refusal;
use crate::{Error, Reason};

/// Reports of one call, as the server has it.
const REPORTS_MAX_COUNT: usize = 500;

/// Bytes of one call, encoded: below what the server reads.
const REPORTS_BYTES: usize = 3 << 20;

/// The code of a failure that is told in place of what the server refused.
const REFUSED: &str = "REPORT_REFUSED";

/// What becomes of a report that was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// The server could not be asked, or is too busy: it is told again.
    Again,
    /// The server failed on it: it is told again, but not for ever.
    Failing,
    /// Its content is wrong: a plain failure is told in its place, once.
    Unfit,
    /// Nothing changes it: the lease is gone, or what the handler did itself stands.
    Over,
}

/// Delivers reports for as long as it runs.
pub(super) async fn deliver(shared: &Shared) -> Infallible {
    let mut backoff = shared.backoff();
    let mut most = REPORTS_MAX_COUNT;
    loop {
        let batch = next_batch(shared, most).await;
        let told = batch.iter().map(|report| report.told.clone());
        match shared.client.report_tasks(told).await {
            Ok(results) => {
                most = (most * 2).min(REPORTS_MAX_COUNT);
                if sort(shared, batch, results) {
                    backoff = shared.backoff();
                } else {
                    sleep(backoff.next()).await;
                }
            }
            Err(error) => {
                tracing::debug!(%error, "reports could not be delivered");
                let fate = error.refusal().map_or(Fate::Again, fate);
                let are_many = batch.len() > 1;
                if are_many && matches!(fate, Fate::Unfit | Fate::Failing) {
                    // One of them is to blame: alone it is known.
                    most = 1;
                    again(shared, batch);
                } else if fate == Fate::Again {
                    again(shared, batch);
                } else {
                    for report in batch {
                        refused(shared, report, fate, &error.to_string());
                    }
                }
                if matches!(fate, Fate::Again | Fate::Failing) {
                    backoff.wait(&error).await;
                }
            }
        }
    }
}

/// Waits for reports; what nobody waits for any more is left out.
async fn next_batch(shared: &Shared, most: usize) -> Vec<Report> {
    loop {
        let batch = take_batch(shared, most);
        if !batch.is_empty() {
            return batch;
        }
        shared.to_report.notified().await;
    }
}

fn take_batch(shared: &Shared, most: usize) -> Vec<Report> {
    let mut batch = Vec::new();
    let mut bytes = 0;
    loop {
        let mut reports = shared.reports();
        let Some(report) = reports.front() else { break };
        bytes += report.told.encoded_len();
        let is_full = batch.len() >= most || bytes > REPORTS_BYTES;
        if is_full && !batch.is_empty() {
            break;
        }
        let Some(report) = reports.pop_front() else { break };
        drop(reports);
        if is_wanted(shared, &report) {
            batch.push(report);
        }
    }
    batch
}

/// Whether the lease may still live. A server that was away leaves leases half of their time after its return, so a
/// worker that is not about to stop goes on for a while.
fn is_wanted(shared: &Shared, report: &Report) -> bool {
    let end = shared.table().get(&report.lease).map(|held| held.end);
    let more = if shared.draining.is_cancelled() {
        Duration::ZERO
    } else {
        shared.settings.lease_duration
    };
    let is_wanted = end.is_some_and(|end| Instant::now() < end + more);
    if !is_wanted {
        if end.is_some() {
            tracing::warn!(
                task = report.lease.task,
                "its end could not be reported while its lease lasted"
            );
        }
        shared.settle(&report.lease);
    }
    is_wanted
}

/// These are told again before others.
fn again(shared: &Shared, batch: Vec<Report>) {
    let mut reports = shared.reports();
    for report in batch.into_iter().rev() {
        reports.push_front(report);
    }
    drop(reports);
    shared.to_report.notify_one();
}

/// The server failed on this report. It is told again behind all others, for as long as a lease lasts without renewal;
/// then the lease is left to run out, and the attempt counts as that.
fn later(shared: &Shared, mut report: Report, words: &str) {
    let now = Instant::now();
    let since = *report.failing_since.get_or_insert(now);
    if now < since + shared.settings.lease_duration {
        shared.reports().push_back(report);
        shared.to_report.notify_one();
        return;
    }
    tracing::warn!(
        task = report.lease.task,
        words,
        "the server fails on a report; its task is left to the end of its lease"
    );
    shared.lose(&report.lease);
}

/// Sorts the answer; false where some are to be told again.
fn sort(shared: &Shared, batch: Vec<Report>, results: Vec<BulkTaskResult>) -> bool {
    let mut put_off = Vec::new();
    let mut are_all_told = true;
    let mut results = results.into_iter();
    for report in batch {
        let error = results.next().and_then(|result| result.error);
        let Some(error) = error else {
            shared.settle(&report.lease);
            continue;
        };
        let refusal = Refusal::from(&error);
        let fate = fate(&refusal);
        are_all_told &= !matches!(fate, Fate::Again | Fate::Failing);
        match fate {
            Fate::Again => put_off.push(report),
            Fate::Failing | Fate::Unfit | Fate::Over => {
                refused(shared, report, fate, &refusal.to_string());
            }
        }
    }
    again(shared, put_off);
    are_all_told
}

fn refused(shared: &Shared, mut report: Report, fate: Fate, words: &str) {
    if fate == Fate::Failing {
        return later(shared, report, words);
    }
    if fate == Fate::Unfit && !report.is_stand_in {
        report.told.result = Some(stand_in(report.told.result.take(), words));
        report.is_stand_in = true;
        again(shared, vec![report]);
        return;
    }
    tracing::warn!(task = report.lease.task, words, "a report was refused");
    shared.lose(&report.lease);
}

/// What is told in place of a report whose content was refused. A failure stays what it is to the retry policy, as far
/// as it can: left unsaid, it would be retried once the lease ran out, whatever it was.
fn stand_in(refused: Option<Told>, words: &str) -> Told {
    let Some(Told::Fail(failed)) = refused else {
        let failure = Failure::new(format!("its end could not be reported: {words}"));
        return failure.code(REFUSED).non_retryable().told();
    };
    let outcome = failed.outcome();
    let error = failed.error.unwrap_or_default();
    let message = format!("{} (not all of it could be reported: {words})", error.message);
    let is_plain = !error.code.is_empty() && error.code.bytes().all(|byte| byte.is_ascii_graphic());
    let code = if is_plain { error.code.as_str() } else { REFUSED };
    let mut failure = Failure::new(message.replace('\0', "")).code(code);
    if is_of_a_holder(outcome) {
        failure = failure.outcome(outcome);
    }
    if error.non_retryable {
        failure = failure.non_retryable();
    }
    failure.told()
}

/// Whether the one who does the work can say that it failed so.
fn is_of_a_holder(outcome: AttemptOutcome) -> bool {
    use AttemptOutcome::{Deleted, Killed, Reset, Timeout};
    matches!(outcome, Timeout | Killed | Reset | Deleted)
}

/// Whether the content of a call is to blame.
pub(super) fn is_unfit(error: &Error) -> bool {
    error
        .refusal()
        .is_some_and(|refusal| fate(refusal) == Fate::Unfit)
}

fn fate(refusal: &Refusal) -> Fate {
    match refusal.code {
        Code::InvalidArgument | Code::OutOfRange => Fate::Unfit,
        Code::ResourceExhausted if refusal.reason == Reason::MessageTooLarge => Fate::Unfit,
        Code::ResourceExhausted if refusal.reason == Reason::EventLimit => Fate::Over,
        Code::FailedPrecondition | Code::NotFound | Code::AlreadyExists | Code::PermissionDenied => {
            Fate::Over
        }
        Code::Unknown | Code::Aborted | Code::Unimplemented | Code::Internal | Code::DataLoss => {
            Fate::Failing
        }
        Code::Ok
        | Code::Cancelled
        | Code::DeadlineExceeded
        | Code::ResourceExhausted
        | Code::Unavailable
        | Code::Unauthenticated => Fate::Again,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use baton_proto::v1::TaskReport;

    use super::*;
    use crate::worker::held::{Held, LeaseId};
    use crate::worker::shared::Settings;
    use crate::{Client, actor};

    const LEASE: Duration = Duration::from_secs(30);

    #[tokio::test]
    async fn a_report_that_the_server_fails_on_is_told_for_as_long_as_a_lease_lasts() {
        let client = Client::builder().endpoint("http://127.0.0.1:1").build().unwrap();
        let settings = Settings {
            namespace: String::new(),
            actor: actor::service("w"),
            queues: Vec::new(),
            concurrency: 1,
            lease_duration: LEASE,
            grace: LEASE,
        };
        let shared = Shared::new(client, settings, BTreeMap::new());
        shared
            .table()
            .insert("a".to_owned(), Held::new(1, "t".to_owned()));
        let lease = LeaseId {
            task: "a".to_owned(),
            fence: 1,
        };
        let report = Report {
            lease,
            told: TaskReport::default(),
            is_stand_in: false,
            failing_since: None,
        };
        later(&shared, report, "a bug");
        let mut report = shared.reports().pop_front().expect("it is told again");
        assert_eq!(shared.table().len(), 1, "its lease is kept meanwhile");
        let since = report.failing_since.expect("it failed");
        report.failing_since = since.checked_sub(LEASE);
        later(&shared, report, "a bug");
        assert!(shared.reports().is_empty());
        assert_eq!(shared.table().len(), 0, "nobody keeps its lease any more");
    }
}
