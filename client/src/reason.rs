//! The stable words by which the server says why it refused a call.

/// Declares each reason with its word, so that reading and writing cannot drift apart.
macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)+) => {
        /// Why the server refused a call: `ErrorInfo.reason`.
        ///
        /// New reasons may come with new servers; they are kept as [`Reason::Other`].
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Reason {
            $($(#[$doc])* $name,)+
            /// A reason this version of the crate has no name for.
            Other(String),
        }

        impl Reason {
            /// The word as it stands in the contract, for example `TASK_NOT_FOUND`.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Reason::$name => $text,)+
                    Reason::Other(word) => word,
                }
            }
        }

        impl From<&str> for Reason {
            fn from(word: &str) -> Self {
                match word {
                    $($text => Reason::$name,)+
                    other => Reason::Other(other.to_owned()),
                }
            }
        }

        #[cfg(test)]
        const WORDS: &[&str] = &[$($text),+];
    };
}

reasons! {
    /// Fields of the request break their rules; [`violations`](crate::Refusal::violations) lists them.
    InvalidField = "INVALID_FIELD";
    /// The bytes of the request are no such message.
    InvalidMessage = "INVALID_MESSAGE";
    /// The page token is forged, cut, or belongs to another filter or order.
    PageTokenInvalid = "PAGE_TOKEN_INVALID";
    /// The resume token is forged, cut, or belongs to another filter.
    ResumeTokenInvalid = "RESUME_TOKEN_INVALID";
    /// The filter does not parse; metadata `position` says where.
    InvalidFilter = "INVALID_FILTER";
    /// A payload is larger than a task may carry.
    PayloadTooLarge = "PAYLOAD_TOO_LARGE";
    /// A batch names more members than one call may.
    BatchTooLarge = "BATCH_TOO_LARGE";
    /// The dependencies would form a ring; metadata `path` shows it.
    DependencyCycle = "DEPENDENCY_CYCLE";
    /// The task's type is not registered, and the server refuses such tasks.
    TaskTypeUnknown = "TASK_TYPE_UNKNOWN";
    /// A payload does not fit the schema of the task's type; [`violations`](crate::Refusal::violations) lists them.
    SchemaViolation = "SCHEMA_VIOLATION";
    /// No task has this id.
    TaskNotFound = "TASK_NOT_FOUND";
    /// Nobody created a queue of this name in this namespace.
    QueueNotFound = "QUEUE_NOT_FOUND";
    /// No schedule of this namespace has this name.
    ScheduleNotFound = "SCHEDULE_NOT_FOUND";
    /// No worker of this id was heard of.
    WorkerNotFound = "WORKER_NOT_FOUND";
    /// No task type of this namespace has this name.
    TaskTypeNotFound = "TASK_TYPE_NOT_FOUND";
    /// The task type is registered with another content.
    TaskTypeExists = "TASK_TYPE_EXISTS";
    /// Tasks of this type are not for callers to create.
    TypeInternal = "TYPE_INTERNAL";
    /// No webhook of this namespace has this name.
    WebhookNotFound = "WEBHOOK_NOT_FOUND";
    /// A webhook of this namespace has this name.
    WebhookExists = "WEBHOOK_EXISTS";
    /// The `task_id` belongs to a task with another specification.
    TaskIdReused = "TASK_ID_REUSED";
    /// A queue of this namespace has this name.
    QueueExists = "QUEUE_EXISTS";
    /// Open tasks name the queue that is to go; metadata `open_count` says how many.
    NotEmpty = "NOT_EMPTY";
    /// A schedule of this namespace has this name.
    ScheduleExists = "SCHEDULE_EXISTS";
    /// The `request_id` was used for another request.
    RequestIdReused = "REQUEST_ID_REUSED";
    /// The task's state does not allow the command;
    /// [`allowed_moves`](crate::Refusal::allowed_moves) says what it allows.
    InvalidStateTransition = "INVALID_STATE_TRANSITION";
    /// Another task holds the key by which the new one is told from others.
    DuplicateTask = "DUPLICATE_TASK";
    /// The lease has ended, was taken back or was granted anew. Nothing changed.
    LeaseLost = "LEASE_LOST";
    /// The task is held by lease, and the call carries no token of it.
    LeaseRequired = "LEASE_REQUIRED";
    /// Whoever did the work may not approve it.
    SelfApproval = "SELF_APPROVAL";
    /// Other tasks depend on this one.
    TaskHasDependants = "TASK_HAS_DEPENDANTS";
    /// The resume token was made by another database, or lies in this one's future.
    ResumeTokenForeign = "RESUME_TOKEN_FOREIGN";
    /// The call exists for test mode only.
    TestModeOff = "TEST_MODE_OFF";
    /// The server makes no copies of its database; metadata `store_kind`.
    BackupOff = "BACKUP_OFF";
    /// A file of this name is in the folder of backups.
    BackupExists = "BACKUP_EXISTS";
    /// The namespace that an archive is to become has been used; metadata `holds`.
    ImportTargetInUse = "IMPORT_TARGET_IN_USE";
    /// A newer version of Baton wrote the archive.
    ArchiveTooNew = "ARCHIVE_TOO_NEW";
    /// The archive is damaged, was changed, or is none; metadata `record` and `offset` say where.
    ArchiveInvalid = "ARCHIVE_INVALID";
    /// The task was edited since the caller read it.
    EtagMismatch = "ETAG_MISMATCH";
    /// The log no longer reaches back to the resume token.
    ResumeTokenExpired = "RESUME_TOKEN_EXPIRED";
    /// A limit of the service on open watches, calls or stored things is reached.
    QuotaExceeded = "QUOTA_EXCEEDED";
    /// The task has as many events as one task may have.
    EventLimit = "EVENT_LIMIT";
    /// A message is larger than the service reads or sends.
    MessageTooLarge = "MESSAGE_TOO_LARGE";
    /// More commands wait than the service can work off soon. Nothing was done.
    Overloaded = "OVERLOADED";
    /// The store was busy for longer than the call could wait. Nothing was done.
    StoreBusy = "STORE_BUSY";
    /// The store does not answer. Nothing was done.
    StoreUnavailable = "STORE_UNAVAILABLE";
    /// The connection to the store broke inside the commit: the change may or may not stand.
    OutcomeUnknown = "OUTCOME_UNKNOWN";
    /// The server is about to stop and takes nothing new. Nothing was done.
    Draining = "DRAINING";
    /// The call's time ran out before its answer was there.
    Deadline = "DEADLINE";
    /// The call carries no API key.
    ApiKeyMissing = "API_KEY_MISSING";
    /// The call's API key is none of the server's.
    ApiKeyInvalid = "API_KEY_INVALID";
    /// The server has no such method.
    MethodUnknown = "METHOD_UNKNOWN";
    /// The server is at fault; its log has the cause.
    Bug = "BUG";
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_comes_back_as_itself_and_has_a_name() {
        for word in WORDS {
            let reason = Reason::from(*word);
            assert_eq!(reason.as_str(), *word);
            assert!(!matches!(reason, Reason::Other(_)), "{word}");
        }
    }

    #[test]
    fn a_word_of_a_newer_server_is_kept() {
        let reason = Reason::from("COFFEE_MISSING");
        assert_eq!(reason, Reason::Other("COFFEE_MISSING".to_owned()));
        assert_eq!(reason.to_string(), "COFFEE_MISSING");
    }
}
