//! What the one who works on a task does: starting, telling how far it is, finishing, giving back.

use std::time::Duration;

use baton_proto::v1::{
    Actor, AttemptOutcome, CompleteTaskRequest, FailTaskRequest, InputRequest, Payload, Progress,
    ReleaseTaskRequest, RequestInputRequest, SnoozeTaskRequest, StartTaskRequest, SubmitForReviewRequest,
    TaskError, UpdateProgressRequest,
};

use crate::Client;
use crate::call::Call;
use crate::moves::When;
use crate::value::{json_text, span, to_struct};

impl Client {
    /// ASSIGNED or QUEUED to IN_PROGRESS. Answers with the task's payloads.
    pub fn start(&self, id: impl Into<String>) -> Call<StartTaskRequest> {
        self.call(StartTaskRequest {
            id: id.into(),
            ..Default::default()
        })
    }

    /// Tells how far an IN_PROGRESS task is: percent, step, message and time left, as the methods of the call say.
    pub fn progress(&self, id: impl Into<String>) -> Call<UpdateProgressRequest> {
        let progress = Some(Progress::default());
        self.call(UpdateProgressRequest {
            id: id.into(),
            progress,
            ..Default::default()
        })
    }

    /// IN_PROGRESS to COMPLETED, or to REVIEW where the task needs approval.
    pub fn complete(&self, id: impl Into<String>) -> Call<CompleteTaskRequest> {
        self.call(CompleteTaskRequest {
            id: id.into(),
            ..Default::default()
        })
    }

    /// ASSIGNED or IN_PROGRESS to SCHEDULED, FAILED or DEAD, as the retry policy says. `message` is for people.
    pub fn fail(&self, id: impl Into<String>, message: impl Into<String>) -> Call<FailTaskRequest> {
        let error = Some(TaskError {
            message: message.into(),
            ..Default::default()
        });
        self.call(FailTaskRequest {
            id: id.into(),
            error,
            ..Default::default()
        })
    }

    /// ASSIGNED or IN_PROGRESS to QUEUED: given back; the attempt does not count.
    pub fn release(&self, id: impl Into<String>) -> Call<ReleaseTaskRequest> {
        self.call(ReleaseTaskRequest {
            id: id.into(),
            ..Default::default()
        })
    }

    /// IN_PROGRESS to SCHEDULED: put off; the attempt does not count.
    pub fn snooze(&self, id: impl Into<String>, when: impl Into<When>) -> Call<SnoozeTaskRequest> {
        let (schedule_time, delay) = when.into().parts();
        self.call(SnoozeTaskRequest {
            id: id.into(),
            schedule_time,
            delay,
            ..Default::default()
        })
    }

    /// IN_PROGRESS to INPUT_REQUIRED: the work cannot go on without an answer to `prompt`.
    pub fn request_input(
        &self,
        id: impl Into<String>,
        prompt: impl Into<String>,
    ) -> Call<RequestInputRequest> {
        let question = InputRequest {
            prompt: prompt.into(),
            ..Default::default()
        };
        self.call(RequestInputRequest {
            id: id.into(),
            input_request: Some(question),
            ..Default::default()
        })
    }

    /// IN_PROGRESS to REVIEW.
    pub fn submit(&self, id: impl Into<String>) -> Call<SubmitForReviewRequest> {
        self.call(SubmitForReviewRequest {
            id: id.into(),
            ..Default::default()
        })
    }
}

impl Call<StartTaskRequest> {
    /// Who starts. Default the assignee, and where there is none the actor.
    pub fn assignee(self, assignee: Actor) -> Self {
        self.with(|request| request.assignee = Some(assignee))
    }
}

impl Call<UpdateProgressRequest> {
    /// How much is done, 0 to 100.
    pub fn percent(self, percent: i32) -> Self {
        self.told(|progress| progress.percent = Some(percent))
    }

    /// What is being done, as a short name.
    pub fn step(self, step: impl Into<String>) -> Self {
        self.told(|progress| progress.current_step = step.into())
    }

    /// What is being done, as a sentence.
    pub fn message(self, message: impl Into<String>) -> Self {
        self.told(|progress| progress.message = message.into())
    }

    /// How long the rest will take.
    pub fn time_remaining(self, guess: Duration) -> Self {
        self.told(|progress| progress.estimated_time_remaining = Some(span(guess)))
    }

    fn told(self, change: impl FnOnce(&mut Progress)) -> Self {
        self.with(|request| change(request.progress.get_or_insert_default()))
    }
}

/// `output`: what the work made.
macro_rules! with_output {
    ($($request:ident)+) => {$(
        impl Call<$request> {
            /// What the work made, as a JSON value.
            pub fn output_json(self, output: &serde_json::Value) -> Self {
                self.output(json_text(output.to_string()))
            }

            /// What the work made.
            pub fn output(self, output: Payload) -> Self {
                self.with(|request| request.output = Some(output))
            }
        }
    )+};
}

with_output!(CompleteTaskRequest SubmitForReviewRequest);

impl Call<FailTaskRequest> {
    /// A stable word that programs switch on, for example `rate_limited`.
    pub fn code(self, code: impl Into<String>) -> Self {
        self.error(|error| error.code = code.into())
    }

    /// More about it, as a JSON object.
    pub fn details(self, details: serde_json::Map<String, serde_json::Value>) -> Self {
        self.error(|error| error.details = Some(to_struct(details)))
    }

    /// The earliest time after which another attempt makes sense.
    pub fn retry_after(self, wait: Duration) -> Self {
        self.error(|error| error.retry_after = Some(span(wait)))
    }

    /// No further attempt, whatever the retry policy says.
    pub fn non_retryable(self) -> Self {
        self.error(|error| error.non_retryable = true)
    }

    /// How the attempt ended. Default ERROR.
    pub fn outcome(self, outcome: AttemptOutcome) -> Self {
        self.with(|request| request.set_outcome(outcome))
    }

    fn error(self, change: impl FnOnce(&mut TaskError)) -> Self {
        self.with(|request| change(request.error.get_or_insert_default()))
    }
}

impl Call<RequestInputRequest> {
    /// The name of the question, unique in the task. Default: the server draws one.
    pub fn key(self, key: impl Into<String>) -> Self {
        self.question(|question| question.key = key.into())
    }

    /// The answers to choose from. Default any.
    pub fn choices(self, choices: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.question(|question| question.choices = choices.into_iter().map(Into::into).collect())
    }

    fn question(self, change: impl FnOnce(&mut InputRequest)) -> Self {
        self.with(|request| change(request.input_request.get_or_insert_default()))
    }
}
