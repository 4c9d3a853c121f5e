//! How an exchange ends.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;

/// What the other side answered.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The status of the answer.
    pub status: StatusCode,
    /// How long to wait before the next request, where the answer asks for it. Not more than an hour.
    pub retry_after: Option<Duration>,
    /// The beginning of the answer's body, at most [`REPLY_MAX_BYTES`](crate::REPLY_MAX_BYTES).
    pub body: Bytes,
    /// Whether the body was longer than that, or did not end in time.
    pub is_cut: bool,
}

/// Why nothing was delivered. No message tells more of a URL than its host: many hold a secret in their path.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// The text is not a URL.
    #[error("the URL cannot be read: {0}")]
    Url(String),
    /// The policy does not let it through.
    #[error("the policy refuses the request: {0}")]
    Refused(#[from] Refusal),
    /// A header, or the whole request, cannot be sent as it is.
    #[error("the request cannot be written")]
    Request(#[source] http::Error),
    /// No address was found for the host.
    #[error("no address was found for {host}")]
    Lookup {
        /// The host's name.
        host: String,
        /// What the resolver says.
        source: io::Error,
    },
    /// No address of the host took the connection.
    #[error("{host} cannot be connected to")]
    Connect {
        /// The host's name.
        host: String,
        /// What the last address said.
        source: io::Error,
    },
    /// The other side is not, or cannot be shown to be, who the URL says.
    #[error("no secure connection to {host} could be made")]
    Tls {
        /// The host's name.
        host: String,
        /// What was wrong.
        source: io::Error,
    },
    /// There was no answer in time: see [`TIMEOUT`](crate::TIMEOUT). Whether it was delivered is not known.
    #[error("there was no answer in time")]
    Timeout,
    /// The connection broke, or what came back is not HTTP. Whether it was delivered is not known.
    #[error("the connection broke before there was an answer")]
    Broken(#[source] hyper::Error),
    /// The other side answered, but not with success (2xx). A redirect is not followed.
    #[error("the answer was {}", .0.status)]
    Status(Reply),
}

impl SendError {
    /// Whether the same request may succeed later. What is refused by policy, malformed, or refused by the other side for
    /// what it says, will be again.
    pub fn can_repeat(&self) -> bool {
        match self {
            SendError::Url(_) | SendError::Refused(_) | SendError::Request(_) => false,
            SendError::Lookup { .. }
            | SendError::Connect { .. }
            | SendError::Tls { .. }
            | SendError::Timeout
            | SendError::Broken(_) => true,
            SendError::Status(reply) => {
                reply.status.is_server_error()
                    || matches!(
                        reply.status,
                        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS
                    )
            }
        }
    }

    /// How long the other side asks to wait before the next request. At most an hour.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            SendError::Status(reply) => reply.retry_after,
            _ => None,
        }
    }
}

/// What the policy does not let through.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Another scheme than `https`, or `http` where that is not allowed.
    #[error("the scheme {0} is not allowed")]
    Scheme(String),
    /// A port that is not allowed.
    #[error("port {0} is not allowed")]
    Port(u16),
    /// A host that is not among those allowed.
    #[error("the host {0} is not allowed")]
    Host(String),
    /// A URL with a name and password in it: these belong in a header.
    #[error("a name or password in the URL is not allowed")]
    Credentials,
    /// Every address of the host is one that may not be reached. The address itself is told to nobody who chose the
    /// name: it would tell how the network behind is laid out.
    #[error("{0} is at an address that is not allowed")]
    Address(String),
}

/// Why a sender could not be made.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The file of certificates cannot be read, or holds none.
    #[error("no certificates could be read from {}: {why}", .path.display())]
    Certificates {
        /// The file.
        path: PathBuf,
        /// What was wrong.
        why: String,
    },
    /// The library for secure connections cannot work as it was built.
    #[error("secure connections cannot be made: {0}")]
    Tls(String),
}
