//! Letting go of a database in order.

use std::time::Duration;

use tokio::time::timeout;
use tracing::warn;

use super::Writer;

/// How long reads that nobody waits for any more may take to end.
const READS_END: Duration = Duration::from_secs(3);

impl Writer {
    /// Closes what reads, then what writes; from then on every read fails. Of a SQLite file the last connection that
    /// closes puts the write-ahead log into the file and removes it, so that the file alone is the database. Where a
    /// read does not end in time, or another process has the file open, the log stays beside it; nothing is lost.
    pub async fn close(self) {
        let readers = self.inner.readers.close();
        let all_ended = match timeout(READS_END, readers).await {
            Ok(Ok(())) => true,
            Ok(Err(error)) => {
                warn!(error = %error, "the connections that read are not closed");
                false
            }
            Err(_) => {
                warn!("a read does not end: the database is closed without it");
                false
            }
        };
        if let Err(error) = self.link.close(all_ended).await {
            warn!(error = %error, "the database is not closed in order; the next start sees to it");
        }
    }
}
