//! UpdateTask.

use baton_domain::Action;
use baton_proto::raw::v1 as raw;

use super::moves::{Asked, Move};
use crate::api::check;
use crate::api::convert::envelope::RawEnvelope;
use crate::api::convert::task::Shown;
use crate::api::convert::{Draw, edit};
use crate::api::violations::{Path, Violations};

impl Move for raw::UpdateTaskRequest {
    fn read(self, v: &mut Violations, _: &Draw<'_>) -> Option<Asked> {
        let Self {
            task,
            request_id,
            actor,
            update_mask,
        } = self;
        let at = Path::REQUEST.field("task");
        let task = check::present(v, &at, task);
        // Read without a task too: what else is wrong is told at the same time.
        let (id, etag) = task
            .as_ref()
            .map(|task| (task.id.clone(), task.etag.clone()))
            .unwrap_or_default();
        let envelope = RawEnvelope {
            lease_token: String::new(),
            id,
            request_id,
            etag,
            actor,
        }
        .read(v, &at);
        let edit = edit::read(v, *task?, update_mask)?;
        let shown = Shown {
            input: edit.input.is_some(),
            ..Shown::BASIC
        };
        Some(Asked::new(envelope, Some(Action::Update(Box::new(edit))))?.showing(shown))
    }
}
