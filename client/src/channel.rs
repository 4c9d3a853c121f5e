//! The connections of a client: one list for calls and one for streams.
//!
//! Streams have connections of their own, so that open watches neither use up the streams that a connection may have
//! nor, when their reader is slow, the flow-control window that calls need.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http::Uri;
use http::uri::Scheme;
use tonic::transport::{Channel, Endpoint};

use crate::Error;
use crate::connector::connect_lazy;

/// How many bytes the server may send ahead of their being read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Windows {
    stream: u32,
    connection: u32,
}

/// A reply is at most 4 MiB; a whole one fits.
pub(crate) const CALL_WINDOWS: Windows = Windows {
    stream: 4 << 20,
    connection: 16 << 20,
};

/// h2 closes a connection whose unread small frames come near half its window: a large one keeps a busy moment of one
/// reader from cutting all the streams beside it.
pub(crate) const STREAM_WINDOWS: Windows = Windows {
    stream: 1 << 20,
    connection: 64 << 20,
};

/// Idle connections are pinged too: a watch may be silent for long, and its server may be gone.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(15);
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(10);

/// The servers of a client, of which it uses one at a time.
#[derive(Debug)]
pub(crate) struct Channels {
    list: Vec<Channel>,
    current: AtomicUsize,
}

/// Which of the servers a call went to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slot(usize);

impl Channels {
    /// Makes channels that connect when they are first used. Needs a tokio runtime around it.
    pub(crate) fn new(
        endpoints: &[String],
        user_agent: &str,
        connect_timeout: Duration,
        windows: Windows,
    ) -> Result<Self, Error> {
        if tokio::runtime::Handle::try_current().is_err() {
            return Err(Error::Settings(
                "a client needs a tokio runtime around it".to_owned(),
            ));
        }
        let list = endpoints.iter().map(|url| {
            let endpoint = Endpoint::from(address(url)?)
                .user_agent(user_agent)
                .map_err(|_| Error::Settings(format!("{user_agent:?} cannot be a user agent")))?
                .connect_timeout(connect_timeout)
                .http2_keep_alive_interval(KEEPALIVE_INTERVAL)
                .keep_alive_timeout(KEEPALIVE_TIMEOUT)
                .keep_alive_while_idle(true)
                .initial_stream_window_size(windows.stream)
                .initial_connection_window_size(windows.connection);
            Ok(connect_lazy(&endpoint, connect_timeout))
        });
        Ok(Channels {
            list: list.collect::<Result<_, Error>>()?,
            current: AtomicUsize::new(0),
        })
    }

    /// The channel to use now.
    pub(crate) fn pick(&self) -> (Channel, Slot) {
        let slot = self.current.load(Ordering::Relaxed) % self.list.len();
        (self.list[slot].clone(), Slot(slot))
    }

    /// The server of this slot does not do: the next one is used from now on. Only the first of many calls that fail
    /// together moves on, so that none is skipped.
    pub(crate) fn avoid(&self, Slot(failed): Slot) {
        let next = (failed + 1) % self.list.len();
        let order = Ordering::Relaxed;
        if self.current.compare_exchange(failed, next, order, order).is_ok() {
            tracing::debug!(from = failed, to = next, "going on to the next server");
        }
    }
}

/// The port of a server that says nothing else.
const PORT: u16 = 50051;

fn address(url: &str) -> Result<Uri, Error> {
    let wrong = |why: &str| Error::Settings(format!("{url:?} is no server address: {why}"));
    let read = |text: &str| {
        text.parse::<Uri>()
            .map_err(|_| wrong("expected http://host:port"))
    };
    let uri = if url.contains("://") {
        read(url)?
    } else {
        let uri = read(&format!("http://{url}"))?;
        // A bare name is no URL, whose port would be 80.
        if uri.port().is_some() {
            uri
        } else {
            read(&format!("http://{url}:{PORT}"))?
        }
    };
    if uri.scheme() == Some(&Scheme::HTTPS) {
        return Err(wrong(
            "this build speaks no TLS; use http:// to a proxy that does",
        ));
    }
    if uri.scheme() != Some(&Scheme::HTTP) || uri.host().is_none_or(str::is_empty) || uri.path() != "/" {
        return Err(wrong("expected http://host:port"));
    }
    Ok(uri)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_name_is_that_of_a_server_at_its_usual_port() {
        let port = |url: &str| address(url).unwrap().port_u16();
        assert_eq!(port("tasks.example"), Some(50051));
        assert_eq!(port("[::1]"), Some(50051));
        assert_eq!(port("tasks.example:7"), Some(7));
        assert_eq!(port("http://tasks.example"), None);
    }

    #[tokio::test]
    async fn a_failed_server_is_left_once_however_many_calls_failed_there() {
        let endpoints = ["a:1", "b:1", "c:1"].map(str::to_owned);
        let channels = Channels::new(&endpoints, "test", Duration::from_secs(1), CALL_WINDOWS).unwrap();
        let (_, first) = channels.pick();
        channels.avoid(first);
        channels.avoid(first);
        let (_, second) = channels.pick();
        assert_eq!(second.0, 1);
        channels.avoid(second);
        channels.avoid(Slot(2));
        assert_eq!(channels.pick().1.0, 0, "after the last comes the first");
    }
}
