//! Why calls are refused: the words that programs switch on, each with its gRPC code.

use tonic::Code;

/// Declares the reasons once, so that code, text and list cannot drift apart.
macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident = $code:ident, $text:literal;)+) => {
        /// Why a call was refused: the stable word that programs switch on.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Reason {
            $($(#[$doc])* $name,)+
        }

        impl Reason {
            /// Every reason, in the order of docs/errors.md.
            pub const ALL: &'static [Reason] = &[$(Reason::$name,)+];

            /// The gRPC code that always goes with this reason.
            pub const fn code(self) -> Code {
                match self { $(Reason::$name => Code::$code,)+ }
            }

            /// `ErrorInfo.reason`.
            pub const fn as_str(self) -> &'static str {
                match self { $(Reason::$name => $text,)+ }
            }
        }
    };
}

reasons! {
    /// Fields of the request break their rules; `BadRequest` lists every one of them.
    InvalidField = InvalidArgument, "INVALID_FIELD";
    /// The bytes of the request are no such message.
    InvalidMessage = InvalidArgument, "INVALID_MESSAGE";
    /// The page token is forged, cut, or belongs to another filter or order.
    PageTokenInvalid = InvalidArgument, "PAGE_TOKEN_INVALID";
    /// The resume token is forged, cut, or belongs to another filter.
    ResumeTokenInvalid = InvalidArgument, "RESUME_TOKEN_INVALID";
    /// The filter does not parse; metadata `position` says where.
    InvalidFilter = InvalidArgument, "INVALID_FILTER";
    /// A payload is larger than a task may carry.
    PayloadTooLarge = InvalidArgument, "PAYLOAD_TOO_LARGE";
    /// A batch names more members than one call may.
    BatchTooLarge = InvalidArgument, "BATCH_TOO_LARGE";
    /// The dependencies would form a ring; metadata `path` shows it.
    DependencyCycle = InvalidArgument, "DEPENDENCY_CYCLE";
    /// The task's type is not registered, and the server refuses such tasks.
    TaskTypeUnknown = InvalidArgument, "TASK_TYPE_UNKNOWN";
    /// A payload does not fit the schema of the task's type; `BadRequest` lists every violation.
    SchemaViolation = InvalidArgument, "SCHEMA_VIOLATION";
    /// An archive is damaged, was changed or is none; metadata `record` and `offset` say where.
    ArchiveInvalid = InvalidArgument, "ARCHIVE_INVALID";
    /// No task has this id.
    TaskNotFound = NotFound, "TASK_NOT_FOUND";
    /// No worker of this id was heard of.
    WorkerNotFound = NotFound, "WORKER_NOT_FOUND";
    /// No schedule of this namespace has this name.
    ScheduleNotFound = NotFound, "SCHEDULE_NOT_FOUND";
    /// No task type of this namespace has this name.
    TaskTypeNotFound = NotFound, "TASK_TYPE_NOT_FOUND";
    /// Nobody created a queue of this name in this namespace.
    QueueNotFound = NotFound, "QUEUE_NOT_FOUND";
    /// No webhook of this namespace has this name.
    WebhookNotFound = NotFound, "WEBHOOK_NOT_FOUND";
    /// The `task_id` belongs to a task with another specification.
    TaskIdReused = AlreadyExists, "TASK_ID_REUSED";
    /// Another task holds the key that tells this one from others; ResourceInfo names it.
    DuplicateTask = AlreadyExists, "DUPLICATE_TASK";
    /// A schedule of this namespace has this name.
    ScheduleExists = AlreadyExists, "SCHEDULE_EXISTS";
    /// The task type is registered with another content.
    TaskTypeExists = AlreadyExists, "TASK_TYPE_EXISTS";
    /// A queue of this namespace has this name.
    QueueExists = AlreadyExists, "QUEUE_EXISTS";
    /// A webhook of this namespace has this name.
    WebhookExists = AlreadyExists, "WEBHOOK_EXISTS";
    /// A file of this name is in the folder of backups.
    BackupExists = AlreadyExists, "BACKUP_EXISTS";
    /// The `request_id` was used for another request.
    RequestIdReused = AlreadyExists, "REQUEST_ID_REUSED";
    /// The task's state does not allow the command; metadata has `from`, `command` and `allowed`.
    InvalidStateTransition = FailedPrecondition, "INVALID_STATE_TRANSITION";
    /// The lease of the caller has ended, was taken back or was granted anew: nothing it says counts any more.
    LeaseLost = FailedPrecondition, "LEASE_LOST";
    /// The task is held by lease: the call needs the token of that lease.
    LeaseRequired = FailedPrecondition, "LEASE_REQUIRED";
    /// Whoever did the work may not approve it.
    SelfApproval = FailedPrecondition, "SELF_APPROVAL";
    /// Other tasks depend on this one.
    TaskHasDependants = FailedPrecondition, "TASK_HAS_DEPENDANTS";
    /// Open tasks name the queue that is to go; metadata `open_count` says how many.
    NotEmpty = FailedPrecondition, "NOT_EMPTY";
    /// The resume token was made by another database, or lies in this one's future.
    ResumeTokenForeign = FailedPrecondition, "RESUME_TOKEN_FOREIGN";
    /// The call exists for test mode only.
    TestModeOff = FailedPrecondition, "TEST_MODE_OFF";
    /// The server makes no copies of its database: no folder is allowed for them, or it is no SQLite file; metadata
    /// `store_kind`.
    BackupOff = FailedPrecondition, "BACKUP_OFF";
    /// The namespace that an archive is to become has been used, or what the archive names is in another namespace of this
    /// database; metadata `namespace`, `holds`.
    ImportTargetInUse = FailedPrecondition, "IMPORT_TARGET_IN_USE";
    /// A newer version of Baton wrote the archive.
    ArchiveTooNew = FailedPrecondition, "ARCHIVE_TOO_NEW";
    /// The task was edited since the caller read it.
    EtagMismatch = Aborted, "ETAG_MISMATCH";
    /// The log no longer reaches back to the resume token; metadata `oldest_position` says how far it does.
    ResumeTokenExpired = OutOfRange, "RESUME_TOKEN_EXPIRED";
    /// A limit of the service on open watches, calls or stored things is reached.
    QuotaExceeded = ResourceExhausted, "QUOTA_EXCEEDED";
    /// The task has as many events as one task may have.
    EventLimit = ResourceExhausted, "EVENT_LIMIT";
    /// A message is larger than the service reads or sends.
    MessageTooLarge = ResourceExhausted, "MESSAGE_TOO_LARGE";
    /// More commands wait than the service can work off soon.
    Overloaded = Unavailable, "OVERLOADED";
    /// The store was busy for longer than the call could wait.
    StoreBusy = Unavailable, "STORE_BUSY";
    /// The store does not answer.
    StoreUnavailable = Unavailable, "STORE_UNAVAILABLE";
    /// The connection to the store broke inside the commit: the change may or may not stand.
    OutcomeUnknown = Unavailable, "OUTCOME_UNKNOWN";
    /// The server is about to stop and takes nothing new.
    Draining = Unavailable, "DRAINING";
    /// The call's time ran out before its answer was there.
    Deadline = DeadlineExceeded, "DEADLINE";
    /// Tasks of this type are not for callers to create.
    TypeInternal = PermissionDenied, "TYPE_INTERNAL";
    /// The call carries no API key.
    ApiKeyMissing = Unauthenticated, "API_KEY_MISSING";
    /// The call's API key is none of the server's.
    ApiKeyInvalid = Unauthenticated, "API_KEY_INVALID";
    /// The server has no such method.
    MethodUnknown = Unimplemented, "METHOD_UNKNOWN";
    /// The server is at fault; its log has the cause, the status says nothing.
    Bug = Internal, "BUG";
}

/// The code as every protocol document, log and metric of gRPC spells it.
pub const fn code_name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_distinct_words() {
        let words: std::collections::HashSet<_> = Reason::ALL.iter().map(|r| r.as_str()).collect();
        assert_eq!(words.len(), Reason::ALL.len());
        for word in words {
            assert!(word.chars().all(|c| c.is_ascii_uppercase() || c == '_'), "{word}");
        }
    }
}
