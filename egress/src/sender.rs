//! The exchange itself: one connection for one request.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::{Bytes, BytesMut};
use futures::future::BoxFuture;
use http::header::{
    CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, DATE, HOST, RETRY_AFTER, TRANSFER_ENCODING, USER_AGENT,
};
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_util::task::AbortOnDropHandle;
use url::Host;

use crate::error::{Refusal, Reply, SendError, SetupError};
use crate::policy::{EgressPolicy, Target};
use crate::tls;

/// The whole of an exchange lasts no longer: finding the address, connecting, sending, and the answer.
pub const TIMEOUT: Duration = Duration::from_secs(10);

/// So much of an answer's body is read.
pub const REPLY_MAX_BYTES: usize = 64 * 1_024;

/// So much an answer's status line and headers may take together.
const HEAD_MAX_BYTES: usize = 64 * 1_024;

/// Nobody is waited for longer, whatever the answer asks for.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(3_600);

/// Finds the addresses of a host: the name, then the port.
pub type Lookup = Arc<dyn Fn(String, u16) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> + Send + Sync>;

/// Sends requests where its policy lets them go. Cheap to clone.
#[derive(Clone)]
pub struct Sender {
    policy: Arc<EgressPolicy>,
    tls: TlsConnector,
    lookup: Lookup,
    timeout: Duration,
}

/// What is looked up, and whom to trust, cannot be shown.
impl fmt::Debug for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender")
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

impl Sender {
    /// A sender that asks the system for addresses.
    ///
    /// Errors: certificates of the policy that cannot be read.
    pub fn new(policy: EgressPolicy) -> Result<Self, SetupError> {
        Self::with_lookup(policy, Arc::new(|host, port| Box::pin(ask_system(host, port))))
    }

    /// A sender that asks `lookup` for addresses. They are judged all the same.
    ///
    /// Errors: as for [`new`](Self::new).
    pub fn with_lookup(policy: EgressPolicy, lookup: Lookup) -> Result<Self, SetupError> {
        Ok(Sender {
            tls: tls::connector(policy.ca_file.as_deref())?,
            policy: Arc::new(policy),
            lookup,
            timeout: TIMEOUT,
        })
    }

    /// Gives an exchange less time than [`TIMEOUT`].
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout.min(TIMEOUT);
        self
    }

    /// Says whether the policy would let a request to `url` go, as far as that can be said without asking for addresses:
    /// for whoever takes a URL that is used later.
    ///
    /// Errors: `Url` and `Refused`.
    pub fn check(&self, url: &str) -> Result<(), SendError> {
        let target = self.policy.target(url)?;
        match literal(&target.host) {
            Some(address) if !self.policy.permits(address) => Err(refused_address(&target)),
            Some(_) | None => Ok(()),
        }
    }

    /// Posts `body` to `url`, as JSON where `headers` say nothing else. An answer of 2xx is success; its body counts as far
    /// as it came. Dropping the future ends the exchange.
    ///
    /// Errors: see [`SendError`]; [`SendError::can_repeat`] says which may pass.
    pub async fn post(&self, url: &str, headers: HeaderMap, body: Bytes) -> Result<Reply, SendError> {
        let deadline = Instant::now() + self.timeout;
        let target = self.policy.target(url)?;
        let request = request(&target, headers, body)?;
        let exchange = timeout_at(deadline, self.exchange(&target, request));
        // The connection lives until the body is read.
        let (response, _connection) = exchange.await.map_err(|_| SendError::Timeout)??;
        let reply = read(response, deadline).await;
        if reply.status.is_success() {
            Ok(reply)
        } else {
            Err(SendError::Status(reply))
        }
    }

    async fn exchange(
        &self,
        target: &Target,
        request: Request<Full<Bytes>>,
    ) -> Result<(Response<Incoming>, AbortOnDropHandle<()>), SendError> {
        let stream = self.secure(target, self.connect(target).await?).await?;
        let (mut send, connection) = http1::Builder::new()
            .max_buf_size(HEAD_MAX_BYTES)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(SendError::Broken)?;
        // How the connection ends, the response tells too.
        let connection = tokio::spawn(async move { drop(connection.await) });
        let connection = AbortOnDropHandle::new(connection);
        let response = send.send_request(request).await.map_err(SendError::Broken)?;
        Ok((response, connection))
    }

    /// Connects to the first address that takes it, of those that may be reached. Nothing asks for the name again.
    async fn connect(&self, target: &Target) -> Result<TcpStream, SendError> {
        let host = target.host.to_string();
        let found = match literal(&target.host) {
            Some(address) => vec![SocketAddr::new(address, target.port)],
            None => (self.lookup)(host.clone(), target.port)
                .await
                .map_err(|source| SendError::Lookup {
                    host: host.clone(),
                    source,
                })?,
        };
        let none = found.is_empty();
        let mut last = io::Error::from(io::ErrorKind::NotFound);
        let mut is_refused = !none;
        for mut address in found {
            if !self.policy.permits(address.ip()) {
                tracing::warn!(host, %address, "an address that is not allowed is left out");
                continue;
            }
            is_refused = false;
            address.set_port(target.port);
            match timeout(self.timeout / 3, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => return Ok(stream),
                Ok(Err(error)) => last = error,
                // An address that swallows everything leaves time for the others.
                Err(_) => last = io::ErrorKind::TimedOut.into(),
            }
        }
        Err(match (none, is_refused) {
            (true, _) => SendError::Lookup { host, source: last },
            (false, true) => refused_address(target),
            (false, false) => SendError::Connect { host, source: last },
        })
    }

    async fn secure(&self, target: &Target, stream: TcpStream) -> Result<Box<dyn Stream>, SendError> {
        if !target.is_https {
            return Ok(Box::new(stream));
        }
        let failed = |source: io::Error| SendError::Tls {
            host: target.host.to_string(),
            source,
        };
        let name = match literal(&target.host) {
            Some(address) => ServerName::from(address),
            None => ServerName::try_from(target.host.to_string())
                .map_err(|error| failed(io::Error::new(io::ErrorKind::InvalidInput, error)))?,
        };
        let stream = self.tls.connect(name, stream).await.map_err(failed)?;
        Ok(Box::new(stream))
    }
}

async fn ask_system(host: String, port: u16) -> io::Result<Vec<SocketAddr>> {
    Ok(tokio::net::lookup_host((host, port)).await?.collect())
}

fn literal(host: &Host) -> Option<IpAddr> {
    match host {
        Host::Domain(_) => None,
        Host::Ipv4(four) => Some((*four).into()),
        Host::Ipv6(six) => Some((*six).into()),
    }
}

fn refused_address(target: &Target) -> SendError {
    Refusal::Address(target.host.to_string()).into()
}

fn request(target: &Target, mut headers: HeaderMap, body: Bytes) -> Result<Request<Full<Bytes>>, SendError> {
    // Those that say where the request goes and where it ends are ours.
    for name in [CONTENT_LENGTH, TRANSFER_ENCODING] {
        headers.remove(name);
    }
    let host = HeaderValue::try_from(&target.authority).map_err(|error| SendError::Request(error.into()))?;
    headers.insert(HOST, host);
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    let agent = HeaderValue::from_static(concat!("baton/", env!("CARGO_PKG_VERSION")));
    headers.entry(USER_AGENT).or_insert(agent);
    headers
        .entry(CONTENT_TYPE)
        .or_insert(HeaderValue::from_static("application/json"));
    let mut request = Request::post(&target.path)
        .body(Full::new(body))
        .map_err(SendError::Request)?;
    *request.headers_mut() = headers;
    Ok(request)
}

/// The status has said how it went: a body that is too long, too slow or breaks off takes nothing back.
async fn read(response: Response<Incoming>, deadline: Instant) -> Reply {
    let status = response.status();
    let retry_after = retry_after(response.headers());
    let mut incoming = response.into_body();
    let mut body = BytesMut::new();
    let is_cut = loop {
        let Ok(frame) = timeout_at(deadline, incoming.frame()).await else {
            break true;
        };
        let data = match frame {
            None => break false,
            Some(Err(_)) => break true,
            Some(Ok(frame)) => frame.into_data().unwrap_or_default(),
        };
        let room = REPLY_MAX_BYTES - body.len();
        body.extend_from_slice(&data[..data.len().min(room)]);
        if data.len() > room {
            break true;
        }
    };
    Reply {
        status,
        retry_after,
        body: body.freeze(),
        is_cut,
    }
}

/// A number of seconds, or a time: from the time at which the answer was sent, so that no two clocks have to agree.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let time = |text: &str| -> Option<SystemTime> { httpdate::parse_http_date(text).ok() };
    let given = text(RETRY_AFTER)?.trim();
    let wait = match given.parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => time(given)?
            .duration_since(time(text(DATE)?)?)
            .unwrap_or_default(),
    };
    Some(wait.min(RETRY_AFTER_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_read_in_both_forms() {
        let read = |pairs: &[(http::HeaderName, &'static str)]| {
            let pairs = pairs
                .iter()
                .map(|(name, value)| (name.clone(), HeaderValue::from_static(value)));
            retry_after(&pairs.collect())
        };
        let seconds = |count| Some(Duration::from_secs(count));
        let sent = (DATE, "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(read(&[]), None);
        assert_eq!(read(&[(RETRY_AFTER, "7")]), seconds(7));
        assert_eq!(read(&[(RETRY_AFTER, "999999999")]), seconds(3_600));
        assert_eq!(read(&[(RETRY_AFTER, "-1")]), None);
        let later = (RETRY_AFTER, "Sun, 06 Nov 1994 08:50:07 GMT");
        assert_eq!(read(&[later.clone(), sent.clone()]), seconds(30));
        assert_eq!(read(std::slice::from_ref(&later)), None);
        let earlier = (RETRY_AFTER, "Sun, 06 Nov 1994 08:49:07 GMT");
        assert_eq!(read(&[earlier, sent]), seconds(0));
    }
}
