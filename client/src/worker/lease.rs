//! Taking tasks: polls that wait, for as many tasks as there is room, and a handler for each.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use baton_proto::v1::{LeaseTasksRequest, LeasedTask};
use tokio::task::JoinSet;
use tokio::time::sleep;
use tonic::Code;

use super::context::Grant;
use super::held::{Held, LeaseId};
use super::shared::{Place, Shared};
use super::{Context, Outcome, handler, renew};
use crate::Error;
use crate::value::span;

/// How long a poll waits.
const POLL: Duration = Duration::from_secs(20);

/// Leases of one poll at most, as the server has it.
const TASKS_MAX_COUNT: usize = 256;

/// Leases that are kept at once, those whose end is not told yet included: what one renewal can name.
pub(super) const HELD_MAX_COUNT: usize = 1_000;

/// Takes tasks until the worker is to take no more.
///
/// Errors: a refusal that no repeat changes.
pub(super) async fn take(shared: &Arc<Shared>, handlers: &mut JoinSet<()>) -> Result<(), Error> {
    let mut backoff = shared.backoff();
    // Whoever starts a worker with a wrong address reads so once, and not every few seconds.
    let mut is_cut_off = false;
    while !shared.draining.is_cancelled() {
        while handlers.try_join_next().is_some() {}
        let room = until_room(shared).await;
        match shared.client.call(request(shared, room)).await {
            Ok(answer) => {
                backoff = shared.backoff();
                if std::mem::take(&mut is_cut_off) {
                    tracing::info!("the server gives out tasks again");
                }
                shared.hear(answer.updates, None);
                // It is how a worker hears of a drain that holds nothing.
                if answer.poll_after.is_some() {
                    shared.draining.cancel();
                }
                for leased in answer.leased_tasks {
                    begin(shared, leased, handlers);
                }
                shared.to_renew.notify_one();
                let pause = answer.poll_after.and_then(|after| Duration::try_from(after).ok());
                sleep(pause.unwrap_or_default()).await;
            }
            Err(error) if is_final(&error) => return Err(error),
            Err(error) => {
                if std::mem::replace(&mut is_cut_off, true) {
                    tracing::debug!(%error, "a poll failed");
                } else {
                    let cause = std::error::Error::source(&error).map(ToString::to_string);
                    tracing::warn!(%error, cause, "no task can be taken; it is tried again until the server answers");
                }
                backoff.wait(&error).await;
            }
        }
    }
    Ok(())
}

fn request(shared: &Shared, room: usize) -> LeaseTasksRequest {
    let settings = &shared.settings;
    LeaseTasksRequest {
        namespace: settings.namespace.clone(),
        worker: Some(settings.actor.clone()),
        queues: settings.queues.clone(),
        types: shared.handlers.keys().cloned().collect(),
        max_tasks: i32::try_from(room.min(TASKS_MAX_COUNT)).unwrap_or(1),
        lease_duration: Some(span(settings.lease_duration)),
        wait_timeout: Some(span(POLL)),
        ..LeaseTasksRequest::default()
    }
}

/// Nobody is let in, or nobody understands: asking again does not help.
fn is_final(error: &Error) -> bool {
    matches!(
        error.code(),
        Some(Code::InvalidArgument | Code::Unauthenticated | Code::PermissionDenied | Code::Unimplemented)
    )
}

/// Waits until a handler can run; answers how many.
async fn until_room(shared: &Shared) -> usize {
    let concurrency = shared.settings.concurrency;
    // A report may be under way while the next task is worked on.
    let most_held = (2 * concurrency).min(HELD_MAX_COUNT);
    loop {
        let places = concurrency.saturating_sub(shared.running());
        let room = places.min(most_held.saturating_sub(shared.table().len()));
        if room > 0 {
            return room;
        }
        shared.has_room.notified().await;
    }
}

fn begin(shared: &Arc<Shared>, leased: LeasedTask, handlers: &mut JoinSet<()>) {
    let LeasedTask {
        task,
        lease_token,
        fence,
        attempt,
        checkpoint,
        ..
    } = leased;
    let Some(task) = task else { return };
    let lease = LeaseId {
        task: task.id.clone(),
        fence,
    };
    let held = Held::new(fence, lease_token.clone());
    let stop = held.stop.clone();
    shared.table().insert(task.id.clone(), held);
    let context = Context::new(
        Arc::clone(shared),
        Grant {
            task,
            lease,
            token: lease_token,
            attempt,
            checkpoint,
            stop,
        },
    );
    handlers.spawn(work(Place::take(shared), Arc::clone(shared), context));
}

/// The fence of a task that nobody held before.
const FIRST_FENCE: i64 = 1;

/// Runs the handler of a task to its end, or as long as somebody wants what it does.
async fn work(_place: Place, shared: Arc<Shared>, context: Context) {
    // A task that was held before may have brought its worker down, and before that could say that it began: then no
    // attempt counts, and none would ever be the last. From the second time on the server knows before the work begins.
    let began = SystemTime::now();
    if context.fence() > FIRST_FENCE {
        let is_wanted = tokio::select! {
            biased;
            is_wanted = renew::start(&shared, &context) => is_wanted,
            // The server may be away for longer than the worker waits.
            () = shared.give_up.cancelled() => {
                return shared.finish(context.lease().clone(), began, Ok(Outcome::release()));
            }
        };
        if !is_wanted {
            return;
        }
    }
    let began = SystemTime::now();
    let Some(handler) = shared.handlers.get(&context.task().r#type).cloned() else {
        // Nobody asked for it.
        return shared.finish(context.lease().clone(), began, Ok(Outcome::release()));
    };
    let input = context.task().input.clone();
    let unwanted = async {
        context.cancelled().await;
        sleep(shared.settings.grace).await;
    };
    let mut run = Box::pin(handler::run(handler, context.clone(), input));
    let ended = tokio::select! {
        biased;
        ended = &mut run => Some(ended),
        () = unwanted => None,
        () = shared.give_up.cancelled() => Some(Ok(Outcome::release())),
    };
    // What the handler leaves behind may panic as it goes; its task is to be given back all the same.
    if catch_unwind(AssertUnwindSafe(|| drop(run))).is_err() {
        tracing::warn!(task = context.id(), "a handler panicked as it was dropped");
    }
    match ended {
        Some(ended) => shared.finish(context.lease().clone(), began, ended),
        None => tracing::warn!(task = context.id(), "a handler did not stop; it was dropped"),
    }
}
