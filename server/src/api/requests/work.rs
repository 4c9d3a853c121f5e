//! Calls of whoever holds a task.

use baton_domain::Action;
use baton_proto::raw::v1 as raw;

use super::moves::{Asked, Move, envelope};
use crate::api::check;
use crate::api::convert::envelope::RawEnvelope;
use crate::api::convert::task::Shown;
use crate::api::convert::time::Start;
use crate::api::convert::{Draw, actor, failure, input_request, lease, payload, policy, progress, receipt};
use crate::api::violations::{Path, Violations};

impl Move for raw::ReleaseTaskRequest {
    fn read(self, v: &mut Violations, _: &Draw<'_>) -> Option<Asked> {
        let Self {
            id,
            request_id,
            etag,
            lease_token,
            actor,
        } = self;
        let envelope = envelope!(v, id, request_id, etag, actor, lease_token);
        Asked::new(envelope, Some(Action::Release))
    }
}

impl Move for raw::StartTaskRequest {
    fn read(self, v: &mut Violations, _: &Draw<'_>) -> Option<Asked> {
        let Self {
            id,
            request_id,
            etag,
            lease_token,
            actor,
            assignee,
            lease_duration,
        } = self;
        let envelope = envelope!(v, id, request_id, etag, actor, lease_token);
        let at = Path::REQUEST.field("assignee");
        let assignee = actor::read_optional(v, &at, assignee);
        let duration = lease::read_duration(v, &Path::REQUEST.field("lease_duration"), lease_duration);
        let (envelope, assignee, duration) = (envelope?, assignee?, duration?);
        if let (Some(_), Some(holder)) = (duration, assignee.as_ref().or(envelope.actor.as_ref())) {
            lease::check_holder(v, &at, holder)?;
        }
        let action = Action::Start {
            assignee,
            lease: duration.map(lease::terms),
            start_time: None,
        };
        Some(Asked::new(Some(envelope), Some(action))?.showing(Shown::FULL))
    }
}

impl Move for raw::UpdateProgressRequest {
    fn read(self, v: &mut Violations, _: &Draw<'_>) -> Option<Asked> {
        let Self {
            id,
            request_id,
            etag,
            lease_token,
            actor,
            progress,
        } = self;
        let envelope = envelope!(v, id, request_id, etag, actor, lease_token);
        let at = Path::REQUEST.field("progress");
        let given = check::present(v, &at, progress);
        let progress = given.and_then(|given| progress::read(v, &at, given));
        Asked::new(envelope, progress.map(Action::Progress))
    }
}

/// Declares the requests that hand in work.
macro_rules! handing_in {
    ($($request:ident => $action:ident;)+) => { $(
        impl Move for raw::$request {
            fn read(self, v: &mut Violations, draw: &Draw<'_>) -> Option<Asked> {
                let Self { id, request_id, etag, lease_token, actor, output, receipt } = self;
                let envelope = envelope!(v, id, request_id, etag, actor, lease_token);
                let output = payload::read_optional(v, &Path::REQUEST.field("output"), output);
                let receipt = receipt::read_optional(v, &Path::REQUEST.field("receipt"), receipt);
                let (envelope, output, receipt) = (envelope?, output?, receipt?);
                let receipt = receipt.or_else(|| receipt::in_text(output.as_ref(), envelope.id));
                let shown = Shown { output: output.is_some(), ..Shown::BASIC };
                let action = Action::$action { output, receipt, jitter: draw.jitter() };
                let envelope = Some(envelope);
                Some(Asked::new(envelope, Some(action))?.showing(shown))
            }
        }
    )+ };
}

handing_in! {
    CompleteTaskRequest => Complete;
    SubmitForReviewRequest => Submit;
}

impl Move for raw::FailTaskRequest {
    fn read(self, v: &mut Violations, draw: &Draw<'_>) -> Option<Asked> {
        let Self {
            id,
            request_id,
            etag,
            lease_token,
            actor,
            error,
            outcome,
        } = self;
        let envelope = envelope!(v, id, request_id, etag, actor, lease_token);
        let at = Path::REQUEST.field("error");
        let given = check::present(v, &at, error);
        let error = given.and_then(|given| failure::read(v, &at, given));
        let outcome = policy::read_failure(v, &Path::REQUEST.field("outcome"), outcome);
        let action = Action::Fail {
            error: error?,
            outcome: outcome?,
            jitter: draw.jitter(),
        };
        Asked::new(envelope, Some(action))
    }
}

impl Move for raw::SnoozeTaskRequest {
    fn read(self, v: &mut Violations, _: &Draw<'_>) -> Option<Asked> {
        let Self {
            id,
            request_id,
            etag,
            lease_token,
            actor,
            schedule_time,
            delay,
        } = self;
        let envelope = envelope!(v, id, request_id, etag, actor, lease_token);
        let start = Start { schedule_time, delay };
        let paths = [
            &Path::REQUEST.field("schedule_time"),
            &Path::REQUEST.field("delay"),
        ];
        Asked::new(envelope, start.read_required(v, paths).map(Action::Snooze))
    }
}

impl Move for raw::RequestInputRequest {
    fn read(self, v: &mut Violations, draw: &Draw<'_>) -> Option<Asked> {
        let Self {
            id,
            request_id,
            etag,
            lease_token,
            actor,
            input_request,
        } = self;
        let envelope = envelope!(v, id, request_id, etag, actor, lease_token);
        let at = Path::REQUEST.field("input_request");
        let given = check::present(v, &at, input_request);
        let request = given.and_then(|given| input_request::read(v, &at, given, draw));
        Asked::new(
            envelope,
            request.map(|request| Action::RequestInput(Box::new(request))),
        )
    }
}

impl Move for raw::SaveCheckpointRequest {
    fn read(self, v: &mut Violations, _: &Draw<'_>) -> Option<Asked> {
        let Self {
            id,
            request_id,
            etag,
            lease_token,
            actor,
            checkpoint,
        } = self;
        let envelope = envelope!(v, id, request_id, etag, actor, lease_token);
        let at = Path::REQUEST.field("checkpoint");
        let given = check::present(v, &at, checkpoint);
        let checkpoint = given.and_then(|given| payload::read(v, &at, given));
        let save = checkpoint.map(|checkpoint| Action::SaveCheckpoint { checkpoint });
        Asked::new(envelope, save)
    }
}

impl Move for raw::AppendOutputRequest {
    fn read(self, v: &mut Violations, _: &Draw<'_>) -> Option<Asked> {
        let Self {
            id,
            request_id,
            etag,
            lease_token,
            actor,
            chunk,
            index,
        } = self;
        let envelope = envelope!(v, id, request_id, etag, actor, lease_token);
        let at = Path::REQUEST.field("chunk");
        let given = check::present(v, &at, chunk);
        let chunk = given.and_then(|given| payload::read_chunk(v, &at, given));
        let index_at = Path::REQUEST.field("index");
        let index = match index {
            Some(index) => check::within(v, &index_at, index, 0..=i32::MAX).map(Some),
            None => Some(None),
        };
        let (index, chunk) = (index?, chunk?);
        Asked::new(envelope, Some(Action::AppendOutput { index, chunk }))
    }
}
