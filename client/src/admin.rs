//! What concerns the server as a whole.

use std::time::Duration;

use baton_proto::v1::{AdvanceClockRequest, BackupStoreRequest, GetServerInfoRequest};

use crate::Client;
use crate::call::Call;
use crate::value::span;

impl Client {
    /// Says which server this is and what it allows.
    pub fn server_info(&self) -> Call<GetServerInfoRequest> {
        self.call(GetServerInfoRequest {})
    }

    /// Moves the server's clock forward; in test mode only. Not repeated when its answer is lost: twice goes twice as
    /// far.
    pub fn advance_clock(&self, by: Duration) -> Call<AdvanceClockRequest> {
        self.call(AdvanceClockRequest {
            duration: Some(span(by)),
        })
    }

    /// Copies the server's SQLite file, while it serves, into a new file of that name in the folder that its operator
    /// allows. Takes as long as the database is large, and has a day for it. Not repeated when its answer is lost: the
    /// file may be there.
    pub fn backup_store(&self, name: impl Into<String>) -> Call<BackupStoreRequest> {
        self.call(BackupStoreRequest { name: name.into() })
    }
}
