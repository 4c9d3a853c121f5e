//! Handlers: functions of a context and an input, with their types taken off.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use baton_proto::v1::Payload;
use futures::FutureExt;
use futures::future::{BoxFuture, ready};
use serde::de::DeserializeOwned;

use super::{Context, Failure, IntoOutcome, Outcome};
use crate::value;

type Work = BoxFuture<'static, Result<Outcome, Failure>>;

/// Does the work on tasks of one type.
pub(super) type Handler = Arc<dyn Fn(Context, Option<Payload>) -> Work + Send + Sync>;

/// A handler that gets its input read. A task without input has `null`.
pub(super) fn typed<I, O, W>(handler: impl Fn(Context, I) -> W + Send + Sync + 'static) -> Handler
where
    I: DeserializeOwned,
    O: IntoOutcome,
    W: Future<Output = Result<O, Failure>> + Send + 'static,
{
    Arc::new(move |context, input| match read(input) {
        Ok(input) => told(handler(context, input)),
        Err(failure) => ready(Err(failure)).boxed(),
    })
}

/// A handler that gets its input as it is.
pub(super) fn raw<O, W>(handler: impl Fn(Context, Option<Payload>) -> W + Send + Sync + 'static) -> Handler
where
    O: IntoOutcome,
    W: Future<Output = Result<O, Failure>> + Send + 'static,
{
    Arc::new(move |context, input| told(handler(context, input)))
}

fn told<O: IntoOutcome>(work: impl Future<Output = Result<O, Failure>> + Send + 'static) -> Work {
    let outcome = work.map(|done| done.and_then(IntoOutcome::into_outcome));
    outcome.boxed()
}

/// Another attempt would read the same.
fn read<I: DeserializeOwned>(input: Option<Payload>) -> Result<I, Failure> {
    let input = input.unwrap_or_else(|| value::json_text("null"));
    value::read_json(&input).map_err(|error| {
        let why = Failure::from(error);
        Failure::new(format!("the input does not fit: {}", why.message()))
            .code("INVALID_INPUT")
            .non_retryable()
    })
}

/// Runs a handler; a panic is a failure like others.
pub(super) async fn run(
    handler: Handler,
    context: Context,
    input: Option<Payload>,
) -> Result<Outcome, Failure> {
    // What the panic left half done is the handler's own: nothing of the runtime is in its hands.
    let work = AssertUnwindSafe(async move { handler(context, input).await });
    work.catch_unwind().await.unwrap_or_else(|panic| {
        let failure = Failure::new(format!("the handler panicked: {}", words(&*panic)));
        Err(failure.code("PANIC"))
    })
}

fn words(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("without words")
}
