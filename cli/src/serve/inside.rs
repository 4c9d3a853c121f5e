//! The worker of `baton serve`: it talks to the server over the server's own port, as any other worker does.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;

use anyhow::{Context, bail};
use baton_client::{Client, Ended, actor};
use baton_runner::{Runner, RunnerConfig};
use baton_server::{Config, Server};
use tokio_util::sync::CancellationToken;

/// The name of the key that the worker shows, where the server asks for keys.
const KEY_NAME: &str = "worker";

/// A worker that waits for its server.
pub(super) struct Worker {
    runner: Runner,
    key: Option<String>,
}

/// Gets the worker ready, where there is anything for it to do: what is wrong is told before anything is served.
pub(super) fn prepare(config: &Config, runner: RunnerConfig) -> anyhow::Result<Option<Worker>> {
    if runner.handlers.is_empty() {
        return Ok(None);
    }
    let key = config.api_key_file.as_deref().map(own_key).transpose()?;
    Ok(Some(Worker {
        runner: Runner::new(runner)?,
        key,
    }))
}

fn own_key(path: &Path) -> anyhow::Result<String> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let keys = text.lines().filter_map(|line| line.trim().split_once(':'));
    let mut own = keys
        .filter(|(name, _)| *name == KEY_NAME)
        .map(|(_, key)| key.to_owned());
    match own.next() {
        Some(key) => Ok(key),
        None => bail!(
            "the handlers of this file need a key of their own: add a line {KEY_NAME}:KEY to {}",
            path.display()
        ),
    }
}

impl Worker {
    /// Serves and works until `shutdown`. The worker ends first: it needs the server to tell how its tasks ended.
    pub(super) async fn beside(self, server: Server, shutdown: CancellationToken) -> anyhow::Result<()> {
        let client = self.client(server.address())?;
        let stop = CancellationToken::new();
        let mut served = std::pin::pin!(server.serve(stop.clone()));
        let worked = async {
            let ended = self.runner.run_until(client, shutdown.cancelled()).await;
            if let Ok(Ended::Drained) = ended {
                tracing::warn!(
                    "somebody drained the worker of this server: its handlers do nothing until the next start"
                );
                shutdown.cancelled().await;
            }
            ended
        };
        let worked = tokio::select! {
            served = &mut served => return Ok(served?),
            worked = worked => worked,
        };
        stop.cancel();
        served.await?;
        worked?;
        Ok(())
    }

    fn client(&self, address: SocketAddr) -> anyhow::Result<Client> {
        let builder = Client::builder()
            .endpoint(format!("http://{}", reachable(address)))
            .user_agent(concat!("baton-serve/", env!("CARGO_PKG_VERSION")))
            .actor(actor::service(self.runner.id()));
        let builder = match &self.key {
            Some(key) => builder.api_key(key),
            None => builder,
        };
        Ok(builder.build()?)
    }
}

/// An address that stands for all of this machine's is none to connect to.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(four) if four.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(six) if six.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}
