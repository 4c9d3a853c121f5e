//! The server itself, and its database.

use baton_client::proto::GetServerInfoResponse;
use baton_client::{Error, Reason};
use prost_types::Timestamp;

use super::{Finding, Level, clean, fine, found, span};

pub(in crate::client::doctor) fn no_server(error: &Error) -> Finding {
    let (what, next) = match error.reason() {
        Some(Reason::ApiKeyMissing | Reason::ApiKeyInvalid) => (
            "lets nobody in without a key",
            "set BATON_API_KEY to a key of this server",
        ),
        _ => (
            "does not answer",
            "is a server running there? `baton serve` starts one, --server names another; its log says why it ended",
        ),
    };
    found(
        "server",
        Level::Wrong,
        format!("{what}: {}", clean(&error.to_string())),
        next,
    )
}

pub(in crate::client::doctor) fn server(info: &GetServerInfoResponse) -> Finding {
    let seconds = |time: &Option<Timestamp>| time.map_or(0, |time| time.seconds);
    let up = prost_types::Duration {
        seconds: (seconds(&info.time) - seconds(&info.start_time)).max(0),
        nanos: 0,
    };
    let message = format!(
        "baton {} on {} {}, up {}",
        clean(&info.version),
        clean(&info.store_kind),
        clean(&info.store_version),
        span(&up)
    );
    if info.test_mode {
        let next = "restart it without --test-mode where anybody relies on its tasks";
        return found(
            "server",
            Level::Look,
            format!("{message}; in test mode: any client can move its clock"),
            next,
        );
    }
    fine("server", message)
}

pub(in crate::client::doctor) fn no_database(error: &Error) -> Finding {
    let next = "look at the disk (space, permissions) and at the server's log; the server goes on by itself once the database answers";
    found(
        "database",
        Level::Wrong,
        format!("cannot be read: {}", clean(&error.to_string())),
        next,
    )
}
