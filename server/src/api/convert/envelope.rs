//! What every call on one task carries beside its own fields.

use baton_domain::{Actor, TaskId};
use baton_proto::raw::v1 as raw;
use uuid::Uuid;

use super::actor;
use crate::api::check;
use crate::api::violations::{Path, Violations};

/// The common fields of a request, as they came.
pub(crate) struct RawEnvelope {
    pub(crate) id: String,
    pub(crate) request_id: String,
    /// Empty where the call takes none.
    pub(crate) etag: String,
    /// Empty where the call is not a holder's.
    pub(crate) lease_token: String,
    pub(crate) actor: Option<raw::Actor>,
}

/// The common fields of a request.
#[derive(Clone, Debug)]
pub(crate) struct Envelope {
    /// Which task.
    pub(crate) id: TaskId,
    /// Makes the call repeatable.
    pub(crate) request_id: Option<Uuid>,
    /// Must be the task's.
    pub(crate) etag: Option<String>,
    /// Shown by whoever holds the task by lease; what it says is not read yet.
    pub(crate) lease_token: Option<String>,
    /// Who acts, where the request says so.
    pub(crate) actor: Option<Actor>,
}

impl RawEnvelope {
    /// Reads them. `at`: where `id` and `etag` stand; the others stand on the request.
    pub(crate) fn read(self, v: &mut Violations, at: &Path<'_>) -> Option<Envelope> {
        let id = check::task_id(v, &at.field("id"), &self.id);
        let request_id = check::optional_uuid(v, &Path::REQUEST.field("request_id"), &self.request_id);
        let actor = actor::read_optional(v, &Path::REQUEST.field("actor"), self.actor);
        Some(Envelope {
            id: id?,
            request_id: request_id?,
            etag: Some(self.etag).filter(|etag| !etag.is_empty()),
            lease_token: Some(self.lease_token).filter(|token| !token.is_empty()),
            actor: actor?,
        })
    }
}
