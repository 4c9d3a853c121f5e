//! Reads an archive: as the batches that write it.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _};
use std::sync::Arc;

use baton_domain::limits::NAME_CHARS;
use baton_domain::webhook::WebhookSecret;
use baton_domain::{EventType, Payload, PayloadRole, Task, Timestamp};
use bytes::Bytes;
use prost::Message as _;
use sha2::{Digest as _, Sha256};

use super::ledger::Ledger;
use super::{ArchiveCounts, FORMAT, RECORD_BYTES};
use crate::store::KeptPayload;
use crate::store::batch::WriteBatch;
use crate::store::rows::archive as records;
use crate::store::rows::stored::archive::{Header, Record, RecordKind};

/// One batch of an import writes no more rows than that, or one task's.
const BATCH_RECORDS: usize = 1_000;
/// And no more bytes of records.
const BATCH_BYTES: usize = 4 * 1024 * 1024;

/// Why an archive cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("record {record}, at byte {offset}: {what}")]
pub struct Fault {
    /// Which record, the header being 1.
    pub record: u64,
    /// Where it begins.
    pub offset: u64,
    /// What is wrong with it.
    pub what: String,
    /// A newer version wrote it.
    pub is_newer: bool,
}

/// What an archive is to become.
#[derive(Clone)]
pub struct Target {
    /// Where it goes; empty: the namespace it is from.
    pub namespace: String,
    /// No event may be of a later time.
    pub now: Timestamp,
    /// Draws what signs the messages of a webhook that comes without.
    pub secret: Arc<dyn Fn() -> WebhookSecret + Send + Sync>,
}

/// The batches of an archive.
pub struct Batches<'a> {
    file: BufReader<&'a File>,
    pub(super) target: Target,
    digest: Sha256,
    pub(super) counts: ArchiveCounts,
    record: u64,
    offset: u64,
    next_offset: u64,
    position: i64,
    last_position: i64,
    /// Where the log will end, as far as that is known.
    pub(super) end: i64,
    /// A task and its payloads, until its CREATED event comes.
    begun: Option<Task>,
    /// What a record says that belongs to the next batch.
    is_over: bool,
}

impl<'a> Batches<'a> {
    pub(super) fn open(file: &'a File, target: Target) -> Result<Self, Fault> {
        let mut batches = Self {
            file: BufReader::with_capacity(64 * 1024, file),
            target,
            digest: Sha256::new(),
            counts: ArchiveCounts::default(),
            record: 0,
            offset: 0,
            next_offset: 0,
            position: 0,
            last_position: 0,
            end: 0,
            begun: None,
            is_over: false,
        };
        if let Err(error) = batches.file.rewind() {
            return Err(batches.fault(error.to_string()));
        }
        let (kind, _) = batches.next_record()?;
        let RecordKind::Header(Header {
            format, namespace, ..
        }) = kind
        else {
            return Err(batches.fault("the first record is no header".to_owned()));
        };
        if format != FORMAT {
            let what = format!("the archive has format {format}, and this server reads format {FORMAT} only");
            let is_newer = format > FORMAT;
            return Err(Fault {
                is_newer,
                ..batches.fault(what)
            });
        }
        let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-".contains(&b);
        if namespace.is_empty() || namespace.len() > NAME_CHARS || !namespace.bytes().all(allowed) {
            let what = format!("{namespace:?} is no name of a namespace");
            return Err(batches.fault(what));
        }
        if batches.target.namespace.is_empty() {
            batches.target.namespace = namespace;
        }
        Ok(batches)
    }

    /// The next batch; none behind the last one.
    ///
    /// # Errors
    /// What is wrong with the next records.
    pub fn next_batch(&mut self) -> Result<Option<WriteBatch>, Fault> {
        self.judged(None)
    }

    pub(super) fn judged(&mut self, mut ledger: Option<&mut Ledger>) -> Result<Option<WriteBatch>, Fault> {
        let mut batch = WriteBatch::default();
        let (mut records, mut bytes) = (0, 0);
        while !self.is_over && (self.begun.is_some() || (records < BATCH_RECORDS && bytes < BATCH_BYTES)) {
            let (kind, size) = self.next_record()?;
            records += 1;
            bytes += size;
            let added = self.add(&mut batch, kind, ledger.as_deref_mut());
            added.map_err(|what| self.fault(what))?;
        }
        Ok((records > 0).then_some(batch))
    }

    /// Says that the record read last is wrong.
    pub(in crate::store) fn fault(&self, what: String) -> Fault {
        Fault {
            record: self.record,
            offset: self.offset,
            what,
            is_newer: false,
        }
    }

    fn next_record(&mut self) -> Result<(RecordKind, usize), Fault> {
        self.record += 1;
        self.offset = self.next_offset;
        let read = self.read_record();
        read.map_err(|what| self.fault(what))
    }

    fn read_record(&mut self) -> Result<(RecordKind, usize), String> {
        let prefix = self.read_length()?;
        let length = prost::decode_length_delimiter(&prefix[..]).map_err(|error| error.to_string())?;
        if length > RECORD_BYTES {
            return Err(format!(
                "the record has {length} bytes, and none has more than {RECORD_BYTES}: this is no archive, or it is damaged"
            ));
        }
        let mut bytes = vec![0; length];
        self.file
            .read_exact(&mut bytes)
            .map_err(|error| cut_off(&error))?;
        self.next_offset = self.offset + (prefix.len() + length) as u64;
        let bytes = Bytes::from(bytes);
        let record = Record::decode(bytes.clone());
        let record = record.map_err(|error| format!("this is no record: {error}"))?;
        let kind = record
            .kind
            .ok_or("the record is of a kind that this version does not know")?;
        if let RecordKind::End(end) = &kind {
            self.check_end(end)?;
        } else {
            self.digest.update(&prefix);
            self.digest.update(&bytes);
            self.counts.add(&kind);
        }
        Ok((kind, length))
    }

    /// A varint, of at most four bytes.
    fn read_length(&mut self) -> Result<Vec<u8>, String> {
        let mut prefix = Vec::with_capacity(4);
        loop {
            let mut byte = [0];
            self.file.read_exact(&mut byte).map_err(|error| cut_off(&error))?;
            prefix.push(byte[0]);
            if byte[0] < 0x80 {
                return Ok(prefix);
            }
            if prefix.len() == 4 {
                return Err(
                    "the length of the record is none: this is no archive, or it is damaged".to_owned(),
                );
            }
        }
    }

    fn check_end(&mut self, end: &crate::store::rows::stored::archive::End) -> Result<(), String> {
        self.is_over = true;
        if self.begun.is_some() {
            return Err("the last task has no CREATED event".to_owned());
        }
        if end.sha256 != self.digest.clone().finalize()[..] {
            return Err("the checksum does not match: the archive is damaged, or was changed".to_owned());
        }
        if end.counts != Some(self.counts.stored()) {
            return Err("the counts of the last record are not those of the archive".to_owned());
        }
        let more = self.file.fill_buf().map_err(|error| error.to_string())?;
        if !more.is_empty() {
            return Err("something follows the last record".to_owned());
        }
        Ok(())
    }

    fn add(
        &mut self,
        batch: &mut WriteBatch,
        kind: RecordKind,
        ledger: Option<&mut Ledger>,
    ) -> Result<(), String> {
        let namespace = &self.target.namespace;
        if self.begun.is_some() && !matches!(kind, RecordKind::Payload(_) | RecordKind::Event(_)) {
            return Err("a task has to be followed by its payloads and its CREATED event".to_owned());
        }
        match kind {
            RecordKind::Header(_) => return Err("a second header".to_owned()),
            RecordKind::Queue(record) => {
                let queue = records::read_queue_record(record, namespace)?;
                batch.queues_added.push(queue);
            }
            RecordKind::QueueKey(record) => {
                batch.keys_used.push(records::read_queue_key_record(record)?);
            }
            RecordKind::TaskType(record) => {
                let task_type = records::read_task_type_record(record, namespace)?;
                batch.task_types_added.push(Arc::new(task_type));
            }
            RecordKind::Schedule(record) => {
                let schedule = records::read_schedule_record(record, namespace)?;
                batch.schedules_added.push(Arc::new(schedule));
            }
            RecordKind::Webhook(record) => {
                let mut webhook = records::read_webhook_record(record, namespace)?;
                webhook.spec.secrets = vec![(self.target.secret)()];
                // Of what happened before, its receiver was told.
                webhook.progress.position = self.end;
                batch.webhooks_added.push(Arc::new(webhook));
            }
            RecordKind::Task(record) => {
                let task = records::read_task_record(*record, namespace)?;
                if let Some(ledger) = ledger {
                    ledger.task(&task)?;
                }
                self.begun = Some(task);
            }
            RecordKind::Payload(record) => {
                let kept = records::read_payload_record(record)?;
                let task = self.begun.as_mut().filter(|task| task.id == kept.task_id);
                let task = task.ok_or("a payload of a task that it does not follow")?;
                batch.payloads_kept.extend(placed(task, kept));
            }
            RecordKind::Event(record) => {
                self.event(batch, record, ledger)?;
            }
            RecordKind::Dependency(record) => batch.edges_added.push(records::read_edge_record(&record)?),
            RecordKind::Run(record) => batch
                .runs_begun
                .push(records::read_run_record(record, namespace)?),
            RecordKind::Key(record) => batch
                .keys_taken
                .push(records::read_key_record(record, namespace)?),
            RecordKind::Request(record) => {
                batch
                    .requests
                    .push(records::read_request_record(record, namespace)?);
            }
            RecordKind::FollowUp(record) => {
                let follow_up = records::read_follow_up_record(&record, namespace)?;
                batch.follow_ups_added.push(follow_up);
            }
            RecordKind::End(_) => {}
        }
        Ok(())
    }

    fn event(
        &mut self,
        batch: &mut WriteBatch,
        record: crate::store::rows::stored::archive::Event,
        ledger: Option<&mut Ledger>,
    ) -> Result<(), String> {
        if record.position() <= self.last_position {
            return Err("the positions of events do not rise".to_owned());
        }
        self.last_position = record.position();
        self.position += 1;
        let at = (self.target.namespace.as_str(), self.position);
        let event = records::read_event_record(record, at)?;
        if let Some(ledger) = ledger {
            ledger.event(&event, self.target.now)?;
        }
        if let Some(task) = self.begun.take() {
            if event.kind != EventType::Created || event.task_id != task.id {
                return Err(format!("task {} is not followed by its CREATED event", task.id));
            }
            check_payloads(&task)?;
            batch.inserted.push(Arc::new(task));
        }
        batch.events.push(Arc::new(event));
        Ok(())
    }
}

/// Puts a payload on its task where it stands there; gives it back where it does not.
fn placed(task: &mut Task, kept: KeptPayload) -> Option<KeptPayload> {
    let standing = match kept.role {
        PayloadRole::Input => &mut task.input,
        PayloadRole::Output => &mut task.output,
        PayloadRole::Checkpoint => &mut task.checkpoint,
        PayloadRole::Answer => return Some(kept),
    };
    let here = standing
        .as_mut()
        .filter(|payload| payload.version == kept.payload.version && payload.body.is_none());
    match here {
        Some(payload) => {
            *payload = kept.payload;
            None
        }
        None => Some(kept),
    }
}

fn check_payloads(task: &Task) -> Result<(), String> {
    let standing = [&task.input, &task.output, &task.checkpoint];
    let bare = |payload: &&Payload| payload.body.is_none();
    if standing.into_iter().flatten().any(|payload| bare(&payload)) {
        return Err(format!("a payload of task {} is not in the archive", task.id));
    }
    Ok(())
}

fn cut_off(error: &io::Error) -> String {
    if error.kind() == io::ErrorKind::UnexpectedEof {
        "the file ends here, without the last record of an archive: it is cut off, or is none".to_owned()
    } else {
        format!("the file cannot be read: {error}")
    }
}
