//! Namespaces as archives: what one server sends and another takes.

use std::time::Duration;

use baton_proto::v1::admin_service_client::AdminServiceClient;
use baton_proto::v1::{
    ExportNamespaceRequest, ExportNamespaceResponse, ImportNamespaceRequest, ImportNamespaceResponse,
};
use bytes::Bytes;
use futures::{Stream, StreamExt};
use tokio::time::timeout;
use tonic::{Status, Streaming};

use crate::{Client, Error};

const EXPORT: &str = "ExportNamespace";
const IMPORT: &str = "ImportNamespace";

/// So long either may take: a large namespace has a day.
const TRANSFER_TIME: Duration = Duration::from_secs(24 * 60 * 60);

/// An archive on its way here, in pieces. It is whole where [`next`](Export::next) came to its end without an error.
#[derive(Debug)]
pub struct Export {
    pieces: Streaming<ExportNamespaceResponse>,
    received: i64,
    total: i64,
}

impl Export {
    /// The next bytes; none behind the last.
    ///
    /// Errors: the connection broke, or the stream ended before its time. Then begin anew.
    pub async fn next(&mut self) -> Option<Result<Bytes, Error>> {
        match self.pieces.next().await {
            Some(Ok(piece)) => {
                self.received += i64::try_from(piece.data.len()).unwrap_or(i64::MAX);
                self.total = piece.total_bytes;
                Some(Ok(piece.data))
            }
            Some(Err(status)) => Some(Err(error(EXPORT, status))),
            None if self.received < self.total || self.total == 0 => {
                self.total = self.received.max(1);
                self.received = self.total;
                let early = Status::unavailable("the archive ended early");
                Some(Err(error(EXPORT, early)))
            }
            None => None,
        }
    }

    /// How many bytes the whole archive has; 0 before the first piece.
    pub fn total_bytes(&self) -> u64 {
        u64::try_from(self.total).unwrap_or_default()
    }
}

impl Client {
    /// Asks for a namespace as an archive: bytes to be kept, and given to [`Client::import_namespace`]. Empty: the client's
    /// namespace. Answers when the server has written all of it. Not repeated by itself.
    pub async fn export_namespace(&self, namespace: impl Into<String>) -> Result<Export, Error> {
        let request = ExportNamespaceRequest {
            namespace: self.namespace_or(namespace.into()),
        };
        let (channel, _) = self.inner.streams.pick();
        let mut service = AdminServiceClient::new(channel);
        let outgoing = self.inner.outgoing(request, Some(TRANSFER_TIME));
        let opened = timeout(TRANSFER_TIME, service.export_namespace(outgoing)).await;
        let opened = opened.map_err(|_| late(EXPORT))?;
        Ok(Export {
            pieces: opened.map_err(|status| error(EXPORT, status))?.into_inner(),
            received: 0,
            total: 0,
        })
    }

    /// Makes a namespace out of an archive, in pieces of any size up to a megabyte. Empty: the namespace of the archive.
    /// Not repeated by itself. Where the outcome is not known, the same call is refused with
    /// [`Reason::ImportTargetInUse`](crate::Reason::ImportTargetInUse) if the namespace is there.
    pub async fn import_namespace(
        &self,
        namespace: impl Into<String>,
        archive: impl Stream<Item = Bytes> + Send + 'static,
    ) -> Result<ImportNamespaceResponse, Error> {
        let first = ImportNamespaceRequest {
            namespace: namespace.into(),
            data: Bytes::new(),
        };
        let pieces = archive.map(|data| ImportNamespaceRequest {
            namespace: String::new(),
            data,
        });
        let messages = futures::stream::iter([first]).chain(pieces);
        let (channel, _) = self.inner.streams.pick();
        let mut service = AdminServiceClient::new(channel);
        let outgoing = self.inner.outgoing(messages, Some(TRANSFER_TIME));
        let answered = timeout(TRANSFER_TIME, service.import_namespace(outgoing)).await;
        let answered = answered.map_err(|_| late(IMPORT))?;
        Ok(answered.map_err(|status| error(IMPORT, status))?.into_inner())
    }

    fn namespace_or(&self, namespace: String) -> String {
        if namespace.is_empty() {
            self.inner.defaults.namespace.clone()
        } else {
            namespace
        }
    }
}

fn error(method: &'static str, status: Status) -> Error {
    Error::from_status(method, TRANSFER_TIME, status)
}

const fn late(method: &'static str) -> Error {
    Error::DeadlineExceeded {
        method,
        within: TRANSFER_TIME,
    }
}
