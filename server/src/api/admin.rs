//! AdminService.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use baton_domain::limits::{BATCH_TASKS, BULK_COUNT, EVENTS_PER_TASK, JSON_DEPTH, PAGE_SIZE, PAYLOAD_BYTES};
use baton_domain::{Span, Timestamp};
use baton_proto::raw::v1 as raw;
use baton_proto::raw::v1::admin_service_server::AdminService;
use tokio::sync::Mutex;
use tonic::{Request, Response, Status, Streaming};

use super::convert::time;
use super::requests::admin::{read_advance, read_backup, read_export};
use super::status::{Reason, Refusal};
use super::watch::Answers;
use super::{failed, judge};
use crate::config::MESSAGE_MAX_BYTES;
use crate::engine::Engine;
use crate::store::{Backup, BackupError};
use crate::timers;

/// The longest time that WaitTask waits.
pub(super) const WAIT_MAX: Span = Span::from_secs(60);

/// AdminService: what concerns the server as a whole.
#[derive(Clone)]
pub(crate) struct AdminApi {
    pub(super) engine: Engine,
    start_time: Timestamp,
    backup_folder: Option<PathBuf>,
    /// Held while a copy is made.
    copying: Arc<Mutex<()>>,
    /// Held while an archive is written.
    pub(super) exporting: Arc<Mutex<()>>,
    /// Held while one is read.
    pub(super) importing: Arc<Mutex<()>>,
}

impl AdminApi {
    /// Serves the server around `engine`, which starts now; copies of its database go into `backup_folder`.
    pub(crate) fn new(engine: Engine, backup_folder: Option<PathBuf>) -> Self {
        let start_time = Timestamp::from_micros(engine.clock().now_micros());
        Self {
            engine,
            start_time,
            backup_folder,
            copying: Arc::default(),
            exporting: Arc::default(),
            importing: Arc::default(),
        }
    }

    async fn advance(&self, by: Duration) -> Result<Timestamp, Status> {
        let Some(now) = self.engine.clock().advance(by) else {
            let message = "the clock can be moved on a server that was started in test mode only";
            return Err(Refusal::new(Reason::TestModeOff, message)
                .precondition("server", message)
                .into());
        };
        timers::catch_up(&self.engine).await.map_err(failed::failed)?;
        Ok(Timestamp::from_micros(now))
    }

    async fn back_up(&self, name: String) -> Result<Backup, Refusal> {
        let store = self.engine.store().clone();
        let kind = store.kind();
        let Some(folder) = self.backup_folder.clone() else {
            if kind != "sqlite" {
                return Err(not_a_file(kind));
            }
            let message =
                "this server makes no copies: its operator allows them by the setting backup_folder";
            return Err(no_backup(kind, message));
        };
        if !folder.is_dir() {
            let message =
                "the folder of the setting backup_folder is not there: its operator makes it, or mounts it";
            return Err(no_backup(kind, message));
        }
        let turn = Arc::clone(&self.copying).lock_owned().await;
        let wanted = name.clone();
        // A copy that has begun is finished, whoever hangs up: nothing half-made stays in the folder.
        let copied = tokio::spawn(async move {
            let copied = store.back_up(&folder, &wanted).await;
            drop(turn);
            copied
        });
        match copied.await.map_err(|error| Refusal::bug(&error))? {
            Ok(backup) => Ok(backup),
            Err(BackupError::Store(error)) => Err(failed::store_failed(&error)),
            Err(BackupError::NotAFile) => Err(not_a_file(kind)),
            Err(BackupError::Exists) => {
                let message = format!("a file {name:?} is in the folder of backups: choose another name");
                Err(Refusal::new(Reason::BackupExists, message)
                    .with("name", &name)
                    .resource("backup", &name))
            }
        }
    }
}

#[tonic::async_trait]
impl AdminService for AdminApi {
    type ExportNamespaceStream = Answers<raw::ExportNamespaceResponse>;

    async fn export_namespace(
        &self,
        request: Request<raw::ExportNamespaceRequest>,
    ) -> Result<Response<Self::ExportNamespaceStream>, Status> {
        let request = request.into_inner();
        let namespace = judge::read(|v| read_export(v, request))?;
        Ok(Response::new(self.export(&namespace).await?))
    }

    async fn import_namespace(
        &self,
        request: Request<Streaming<raw::ImportNamespaceRequest>>,
    ) -> Result<Response<raw::ImportNamespaceResponse>, Status> {
        Ok(Response::new(self.import(request.into_inner()).await?))
    }

    async fn get_server_info(
        &self,
        _: Request<raw::GetServerInfoRequest>,
    ) -> Result<Response<raw::GetServerInfoResponse>, Status> {
        let store = self.engine.store();
        let version = store.version().await.map_err(failed::unread)?;
        Ok(Response::new(raw::GetServerInfoResponse {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            store_kind: store.kind().to_owned(),
            store_version: version,
            epoch: store.epoch().to_string(),
            time: Some(time::write(Timestamp::from_micros(
                self.engine.clock().now_micros(),
            ))),
            test_mode: self.engine.clock().is_movable(),
            limits: Some(limits()),
            start_time: Some(time::write(self.start_time)),
        }))
    }

    async fn advance_clock(
        &self,
        request: Request<raw::AdvanceClockRequest>,
    ) -> Result<Response<raw::AdvanceClockResponse>, Status> {
        let request = request.into_inner();
        let by = judge::read(|v| read_advance(v, request))?;
        let now = self.advance(by).await?;
        Ok(Response::new(raw::AdvanceClockResponse {
            time: Some(time::write(now)),
        }))
    }

    async fn backup_store(
        &self,
        request: Request<raw::BackupStoreRequest>,
    ) -> Result<Response<raw::BackupStoreResponse>, Status> {
        let request = request.into_inner();
        let name = judge::read(|v| read_backup(v, request))?;
        let Backup { path, bytes, heads } = self.back_up(name).await?;
        let logs = heads.namespaces().map(|namespace| raw::LogEnd {
            namespace: namespace.to_owned(),
            position: heads.position(namespace),
        });
        Ok(Response::new(raw::BackupStoreResponse {
            path: path.display().to_string(),
            size_bytes: i64::try_from(bytes).unwrap_or(i64::MAX),
            logs: logs.collect(),
        }))
    }
}

fn not_a_file(store_kind: &str) -> Refusal {
    let message = "only a SQLite file is copied so: PostgreSQL has pg_dump and pg_basebackup";
    no_backup(store_kind, message)
}

fn no_backup(store_kind: &str, message: &str) -> Refusal {
    Refusal::new(Reason::BackupOff, message)
        .with("store_kind", store_kind)
        .precondition("server", message)
}

fn limits() -> raw::ServerLimits {
    raw::ServerLimits {
        max_message_bytes: count(MESSAGE_MAX_BYTES),
        max_payload_bytes: count(PAYLOAD_BYTES),
        max_json_depth: count(JSON_DEPTH),
        max_page_size: PAGE_SIZE,
        max_batch_size: count(BATCH_TASKS),
        max_bulk_count: BULK_COUNT,
        max_wait_timeout: Some(time::write_span(WAIT_MAX)),
        max_task_events: i32::try_from(EVENTS_PER_TASK).unwrap_or(i32::MAX),
    }
}

fn count(limit: usize) -> i32 {
    i32::try_from(limit).unwrap_or(i32::MAX)
}
