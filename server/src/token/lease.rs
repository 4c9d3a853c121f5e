//! The token of a lease.

use baton_domain::{Actor, ActorType, TaskId};
use prost::Message;
use uuid::Uuid;

use super::{Claims, Purpose};

/// Bytes of a holder's id: with all else that it says, the token stays below [`super::MAX_TOKEN_CHARS`].
pub const HOLDER_ID_BYTES: usize = 512;

/// Who may speak for a task, and by which grant. What it is worth is judged where the task is: a grant may have been
/// revoked since.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeaseToken {
    /// The task.
    pub task_id: TaskId,
    /// Of the grant.
    pub fence: i64,
    /// The holder, without its name; its id has at most [`HOLDER_ID_BYTES`].
    pub holder: Actor,
}

#[derive(Message)]
struct LeaseWire {
    #[prost(bytes = "vec", tag = "1")]
    task_id: Vec<u8>,
    #[prost(int64, tag = "2")]
    fence: i64,
    #[prost(int32, tag = "3")]
    holder_kind: i32,
    #[prost(string, tag = "4")]
    holder_id: String,
}

impl Claims for LeaseToken {
    const PURPOSE: Purpose = Purpose::Lease;

    fn to_bytes(&self) -> Vec<u8> {
        let Self {
            task_id,
            fence,
            holder,
        } = self;
        LeaseWire {
            task_id: task_id.0.as_bytes().to_vec(),
            fence: *fence,
            holder_kind: holder.kind.number(),
            holder_id: holder.id.clone(),
        }
        .encode_to_vec()
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let LeaseWire {
            task_id,
            fence,
            holder_kind,
            holder_id,
        } = LeaseWire::decode(bytes).ok()?;
        Some(Self {
            task_id: TaskId(Uuid::from_slice(&task_id).ok()?),
            fence,
            holder: Actor {
                kind: ActorType::from_number(holder_kind)?,
                id: holder_id,
                name: String::new(),
            },
        })
    }
}
