//! A namespace as a file: what [`Store::export`] writes and [`Archive`] reads.
//!
//! The file is a row of records, each a protobuf message behind its length (a varint): see `baton/v1/archive.proto`. A
//! record says nothing of the namespace, whose name stands in the header alone, and nothing of the positions of the
//! database it goes to: a task stands right before its CREATED event, so that one walk through the file knows both.
//!
//! [`Store::export`]: super::Store::export

mod export;
mod ledger;
mod read;
mod whole;

use std::fs::File;
use std::io;
use std::sync::Arc;

use prost::Message as _;
use sha2::{Digest as _, Sha256};

use super::error::StoreError;
use super::rows::stored::archive::{Counts, End, Record, RecordKind};

pub use self::read::{Batches, Fault, Target};
pub use self::whole::Archive;

/// What this version writes, and the newest that it reads.
const FORMAT: i32 = 1;
/// A record is no longer than that: a task's documents, or one payload, and something to spare.
const RECORD_BYTES: usize = 4 * 1024 * 1024;

/// How many records of each kind there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ArchiveCounts {
    /// Tasks that are there.
    pub tasks: i64,
    /// Events, also of tasks that are deleted.
    pub events: i64,
    /// Runs.
    pub runs: i64,
    /// Payloads, standing and replaced.
    pub payloads: i64,
    /// Open dependencies.
    pub dependencies: i64,
    /// Queues.
    pub queues: i64,
    /// Task types.
    pub task_types: i64,
    /// Schedules.
    pub schedules: i64,
    /// Webhooks.
    pub webhooks: i64,
    /// Keys that tell tasks from others.
    pub keys: i64,
    /// Remembered calls.
    pub requests: i64,
    /// Effects of tasks on others that are still to come.
    pub follow_ups: i64,
}

impl ArchiveCounts {
    fn add(&mut self, kind: &RecordKind) {
        let count = match kind {
            RecordKind::Task(_) => &mut self.tasks,
            RecordKind::Event(_) => &mut self.events,
            RecordKind::Run(_) => &mut self.runs,
            RecordKind::Payload(_) => &mut self.payloads,
            RecordKind::Dependency(_) => &mut self.dependencies,
            RecordKind::Queue(_) => &mut self.queues,
            RecordKind::TaskType(_) => &mut self.task_types,
            RecordKind::Schedule(_) => &mut self.schedules,
            RecordKind::Webhook(_) => &mut self.webhooks,
            RecordKind::Key(_) => &mut self.keys,
            RecordKind::Request(_) => &mut self.requests,
            RecordKind::FollowUp(_) => &mut self.follow_ups,
            RecordKind::Header(_) | RecordKind::QueueKey(_) | RecordKind::End(_) => return,
        };
        *count += 1;
    }

    const fn stored(self) -> Counts {
        Counts {
            tasks: self.tasks,
            events: self.events,
            runs: self.runs,
            payloads: self.payloads,
            dependencies: self.dependencies,
            queues: self.queues,
            task_types: self.task_types,
            schedules: self.schedules,
            webhooks: self.webhooks,
            keys: self.keys,
            requests: self.requests,
            follow_ups: self.follow_ups,
        }
    }
}

/// A file without a name, which is gone with the process: where an archive rests between the database and the network,
/// so that neither waits for the other.
///
/// # Errors
/// The folder of temporary files is not there or full.
pub fn spool() -> Result<File, StoreError> {
    tempfile::tempfile().map_err(unavailable)
}

fn unavailable(error: io::Error) -> StoreError {
    StoreError::Unavailable(Arc::new(error))
}

/// Encodes records, and keeps what the last one says of them.
#[derive(Default)]
struct Recorder {
    bytes: Vec<u8>,
    digest: Sha256,
    counts: ArchiveCounts,
}

impl Recorder {
    fn push(&mut self, kind: RecordKind) {
        self.counts.add(&kind);
        let begin = self.bytes.len();
        // Memory is all that it can lack.
        let encoded = Record { kind: Some(kind) }.encode_length_delimited(&mut self.bytes);
        encoded.expect("a vector has room");
        self.digest.update(&self.bytes[begin..]);
    }

    fn end(&mut self) {
        let end = End {
            counts: Some(self.counts.stored()),
            sha256: self.digest.clone().finalize().to_vec().into(),
        };
        self.push(RecordKind::End(end));
    }
}
