//! What the tokens say, and how that is encoded.

use baton_domain::TaskId;
use prost::Message;
use uuid::Uuid;

use super::{Claims, Digest, Purpose};

/// Where the next page of a list begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageToken {
    /// The RPC that gave it, e.g. `ListTasks`.
    pub method: String,
    /// The namespace, or another scope of the list such as a task id.
    pub namespace: String,
    /// Of the filter's canonical text.
    pub filter_hash: Digest,
    /// Of the order's canonical text.
    pub order_hash: Digest,
    /// The sort key of the last row given, encoded by the store; at most 256 bytes.
    pub last_key: Vec<u8>,
}

/// Where a watch goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResumeToken {
    /// The life of the database that numbered `position`.
    pub epoch: Uuid,
    /// The namespace whose log is read.
    pub namespace: String,
    /// Everything that matches up to this position has been delivered, the snapshot's rest excepted.
    pub position: i64,
    /// Of the filter's canonical text.
    pub filter_hash: Digest,
    /// Present while a snapshot is under way.
    pub snapshot: Option<SnapshotCursor>,
}

/// How far a snapshot has come; it gives the tasks in the order of their ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SnapshotCursor {
    /// The last task given.
    pub last_task: TaskId,
    /// The log's position when the snapshot began; events after it follow the snapshot.
    pub position: i64,
}

#[derive(Message)]
struct PageWire {
    #[prost(string, tag = "1")]
    method: String,
    #[prost(string, tag = "2")]
    namespace: String,
    #[prost(bytes = "vec", tag = "3")]
    filter_hash: Vec<u8>,
    #[prost(bytes = "vec", tag = "4")]
    order_hash: Vec<u8>,
    #[prost(bytes = "vec", tag = "5")]
    last_key: Vec<u8>,
}

#[derive(Message)]
struct ResumeWire {
    #[prost(bytes = "vec", tag = "1")]
    epoch: Vec<u8>,
    #[prost(string, tag = "2")]
    namespace: String,
    #[prost(int64, tag = "3")]
    position: i64,
    #[prost(bytes = "vec", tag = "4")]
    filter_hash: Vec<u8>,
    #[prost(message, optional, tag = "5")]
    snapshot: Option<SnapshotWire>,
}

#[derive(Message)]
struct SnapshotWire {
    #[prost(bytes = "vec", tag = "1")]
    last_task: Vec<u8>,
    #[prost(int64, tag = "2")]
    position: i64,
}

impl Claims for PageToken {
    const PURPOSE: Purpose = Purpose::Page;

    fn to_bytes(&self) -> Vec<u8> {
        let Self {
            method,
            namespace,
            filter_hash,
            order_hash,
            last_key,
        } = self.clone();
        let (filter_hash, order_hash) = (filter_hash.0.to_vec(), order_hash.0.to_vec());
        PageWire {
            method,
            namespace,
            filter_hash,
            order_hash,
            last_key,
        }
        .encode_to_vec()
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let PageWire {
            method,
            namespace,
            filter_hash,
            order_hash,
            last_key,
        } = PageWire::decode(bytes).ok()?;
        let (filter_hash, order_hash) = (digest(&filter_hash)?, digest(&order_hash)?);
        Some(Self {
            method,
            namespace,
            filter_hash,
            order_hash,
            last_key,
        })
    }
}

impl Claims for ResumeToken {
    const PURPOSE: Purpose = Purpose::Resume;

    fn to_bytes(&self) -> Vec<u8> {
        let Self {
            epoch,
            namespace,
            position,
            filter_hash,
            snapshot,
        } = self.clone();
        let (epoch, filter_hash) = (epoch.as_bytes().to_vec(), filter_hash.0.to_vec());
        let snapshot = snapshot.map(|SnapshotCursor { last_task, position }| SnapshotWire {
            last_task: last_task.0.as_bytes().to_vec(),
            position,
        });
        ResumeWire {
            epoch,
            namespace,
            position,
            filter_hash,
            snapshot,
        }
        .encode_to_vec()
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let ResumeWire {
            epoch,
            namespace,
            position,
            filter_hash,
            snapshot,
        } = ResumeWire::decode(bytes).ok()?;
        let snapshot = match snapshot {
            Some(SnapshotWire { last_task, position }) => {
                let last_task = TaskId(Uuid::from_slice(&last_task).ok()?);
                Some(SnapshotCursor { last_task, position })
            }
            None => None,
        };
        let (epoch, filter_hash) = (Uuid::from_slice(&epoch).ok()?, digest(&filter_hash)?);
        Some(Self {
            epoch,
            namespace,
            position,
            filter_hash,
            snapshot,
        })
    }
}

fn digest(bytes: &[u8]) -> Option<Digest> {
    bytes.try_into().ok().map(Digest)
}
