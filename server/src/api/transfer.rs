//! ExportNamespace and ImportNamespace.
//!
//! An archive rests in a file between the database and the network: so a caller that is slow holds no snapshot and no turn
//! to write, and what is written was checked whole before.

use std::fs::File;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use baton_domain::Timestamp;
use baton_domain::webhook::WebhookSecret;
use baton_proto::raw::v1 as raw;
use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _, AsyncWriteExt as _};
use tonic::{Status, Streaming};

use super::admin::AdminApi;
use super::failed::{refuse_error, store_failed};
use super::judge;
use super::requests::admin::read_import;
use super::status::{Reason, Refusal};
use super::watch::Answers;
use crate::engine::Error;
use crate::seams::Ids;
use crate::store::{Archive, ArchiveCounts, Constraint, Fault, ImportError, StoreError, Target, spool};

/// Bytes of one message: few of them, and small beside what a connection buffers.
const PIECE_BYTES: usize = 256 * 1024;
/// Bytes of an archive: whoever may call the server must not fill its disk without a bound.
const ARCHIVE_BYTES: u64 = 64 * 1024 * 1024 * 1024;

impl AdminApi {
    pub(super) async fn export(
        &self,
        namespace: &str,
    ) -> Result<Answers<raw::ExportNamespaceResponse>, Refusal> {
        let turn = Arc::clone(&self.exporting).lock_owned().await;
        // What other servers have acknowledged is in the store; the snapshot sees it.
        let file = spool().map_err(|error| store_failed(&error))?;
        let written = file.try_clone().map_err(|error| unwritten(&error))?;
        let now = Timestamp::from_micros(self.engine.clock().now_micros());
        let (store, name) = (self.engine.store().clone(), namespace.to_owned());
        // In a task of its own: a caller that hangs up leaves no connection within a transaction.
        let export = tokio::spawn(async move {
            let counts = store.export(&name, (written, now)).await;
            drop(turn);
            counts
        });
        let counts = export.await.map_err(|error| Refusal::bug(&error))?;
        let counts = counts.map_err(|error| store_failed(&error))?;
        tracing::info!(
            namespace,
            tasks = counts.tasks,
            events = counts.events,
            "a namespace is exported"
        );
        pieces(file).await.map_err(|error| unwritten(&error))
    }

    pub(super) async fn import(
        &self,
        mut messages: Streaming<raw::ImportNamespaceRequest>,
    ) -> Result<raw::ImportNamespaceResponse, Status> {
        let first = messages.message().await?.unwrap_or_default();
        let (namespace, data) = judge::read(|v| read_import(v, first))?;
        let turn = Arc::clone(&self.importing).lock_owned().await;
        let file = receive(data, &mut messages).await?;
        let target = Target {
            namespace,
            now: Timestamp::from_micros(self.engine.clock().now_micros()),
            secret: secrets(self.engine.ids().clone()),
        };
        let engine = self.engine.clone();
        // What has begun is finished, whoever hangs up.
        let imported = tokio::spawn(async move {
            let checked = tokio::task::spawn_blocking(move || Archive::check(file, target)).await;
            let archive = checked.map_err(|error| Refusal::bug(&error))?;
            let archive = archive.map_err(|fault| invalid(&fault))?;
            let (namespace, counts) = (archive.namespace.clone(), archive.counts);
            let done = engine.import(archive).await;
            drop(turn);
            done.map_err(|error| refuse_import(&error, &namespace))?;
            Ok::<_, Refusal>((namespace, counts))
        });
        let (namespace, counts) = imported.await.map_err(|error| Refusal::bug(&error))??;
        Ok(raw::ImportNamespaceResponse {
            namespace,
            counts: Some(write_counts(counts)),
        })
    }
}

/// Puts an archive into a file.
async fn receive(
    mut data: Bytes,
    messages: &mut Streaming<raw::ImportNamespaceRequest>,
) -> Result<File, Status> {
    let file = spool().map_err(|error| store_failed(&error))?;
    let mut writer = tokio::fs::File::from_std(file);
    let mut total = 0;
    loop {
        total += data.len() as u64;
        if total > ARCHIVE_BYTES {
            let limit = format!("an archive may have {ARCHIVE_BYTES} bytes");
            return Err(Refusal::new(Reason::QuotaExceeded, &limit)
                .quota("archive", limit)
                .into());
        }
        let written = writer.write_all(&data).await;
        written.map_err(|error| unwritten(&error))?;
        let Some(message) = messages.message().await? else {
            break;
        };
        data = message.data;
    }
    let flushed = writer.flush().await;
    flushed.map_err(|error| unwritten(&error))?;
    Ok(writer.into_std().await)
}

/// The file from its beginning, as the messages that carry it.
async fn pieces(file: File) -> std::io::Result<Answers<raw::ExportNamespaceResponse>> {
    let mut file = tokio::fs::File::from_std(file);
    let total = file.metadata().await?.len();
    file.rewind().await?;
    file.set_max_buf_size(PIECE_BYTES);
    let total_bytes = i64::try_from(total).unwrap_or(i64::MAX);
    let pieces = stream::unfold(Some(file), move |file| async move {
        let mut file = file?;
        let mut data = Vec::with_capacity(PIECE_BYTES);
        match (&mut file).take(PIECE_BYTES as u64).read_to_end(&mut data).await {
            Ok(0) => None,
            Ok(_) => {
                let data = Bytes::from(data);
                Some((Ok(raw::ExportNamespaceResponse { data, total_bytes }), Some(file)))
            }
            Err(error) => Some((Err(unwritten(&error).into()), None)),
        }
    });
    Ok(pieces.boxed())
}

fn secrets(ids: Ids) -> Arc<dyn Fn() -> WebhookSecret + Send + Sync> {
    Arc::new(move || {
        let secret = STANDARD.encode(ids.bytes::<32>());
        WebhookSecret(format!("whsec_{secret}"))
    })
}

/// The refusal of a call for which there is no room on the disk.
fn unwritten(error: &std::io::Error) -> Refusal {
    let kind = std::io::Error::from(error.kind());
    tracing::error!(%error, "the temporary file of an archive cannot be used");
    store_failed(&StoreError::Unavailable(Arc::new(kind)))
}

fn invalid(fault: &Fault) -> Refusal {
    let Fault {
        record,
        offset,
        what,
        is_newer,
    } = fault;
    let message = format!("record {record}, which begins at byte {offset}: {what}");
    let refusal = if *is_newer {
        Refusal::new(Reason::ArchiveTooNew, &message).precondition("archive", message)
    } else {
        Refusal::new(Reason::ArchiveInvalid, message)
    };
    refusal
        .with("record", record.to_string())
        .with("offset", offset.to_string())
}

fn refuse_import(error: &Error, namespace: &str) -> Refusal {
    let Error::NotImported(failure) = error else {
        return refuse_error(error);
    };
    let holds = match failure {
        ImportError::InUse(what) => *what,
        ImportError::Taken(Constraint::TaskId) => "task ids of another namespace",
        ImportError::Taken(Constraint::Request | Constraint::Event) => "ids of another namespace",
        ImportError::Invalid(fault) => return invalid(fault),
        ImportError::Store(error) => return store_failed(error),
        ImportError::Unknown(_) => return refuse_error(&Error::OutcomeUnknown),
    };
    let message = if matches!(failure, ImportError::InUse(_)) {
        format!(
            "namespace {namespace} has {holds} already: an archive becomes a namespace that was never used"
        )
    } else {
        format!("the archive has {holds} of this database: it was imported already, or it is from here")
    };
    Refusal::new(Reason::ImportTargetInUse, &message)
        .with("namespace", namespace)
        .with("holds", holds)
        .precondition("namespace", message)
}

fn write_counts(counts: ArchiveCounts) -> raw::ArchiveCounts {
    let ArchiveCounts {
        tasks,
        events,
        runs,
        payloads,
        dependencies,
        queues,
        task_types,
        schedules,
        webhooks,
        keys,
        requests,
        follow_ups,
    } = counts;
    raw::ArchiveCounts {
        tasks,
        events,
        runs,
        payloads,
        dependencies,
        queues,
        task_types,
        schedules,
        webhooks,
        keys,
        requests,
        follow_ups,
    }
}
