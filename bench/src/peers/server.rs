//! The servers that keep the peers' jobs, each on a free port of the loopback for as long as it is needed, with its
//! files on the disk under test.

use std::fs::{self, File};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, bail};
use baton_test_postgres::Cluster;
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};

use super::install::{Installed, quietly};
use super::{ServerKind, ports};

/// How long one may take to listen, and to end.
const PATIENCE: Duration = Duration::from_secs(60);
/// Between two looks at whether it listens.
const LOOK: Duration = Duration::from_millis(20);

/// A running server.
pub(super) struct PeerServer {
    runs: Runs,
    /// Where it is, for the peer's script.
    pub(super) environment: Vec<(&'static str, String)>,
}

enum Runs {
    Child(Child),
    Postgres(Cluster),
}

/// How one is started.
struct Plan {
    command: Command,
    /// The port that says that it is there.
    port: u16,
    environment: Vec<(&'static str, String)>,
}

impl PeerServer {
    /// Starts it with an empty store in `folder`, and waits until it listens.
    ///
    /// Errors: its program is missing, or it does not start; why.
    pub(super) async fn start(
        kind: ServerKind,
        installed: &Installed,
        folder: &Path,
    ) -> anyhow::Result<Self> {
        fs::create_dir_all(folder)?;
        let mut plan = match kind {
            ServerKind::Postgres => return postgres(folder).await,
            ServerKind::Redis => redis(installed, folder)?,
            ServerKind::Restate => restate(installed, folder)?,
            ServerKind::Temporal => temporal(installed, folder)?,
        };
        let log = folder.join("log");
        let file = File::create(&log)?;
        plan.command
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file)
            .kill_on_drop(true);
        let mut child = plan.command.spawn()?;
        let listens = timeout(PATIENCE, until_listening(&mut child, plan.port)).await;
        listens
            .unwrap_or_else(|_| bail!("it does not listen in time"))
            .with_context(|| format!("{kind:?}: {}", last_line(&log)))?;
        Ok(PeerServer {
            runs: Runs::Child(child),
            environment: plan.environment,
        })
    }

    /// Tells it to end, and waits for that; what does not listen is killed.
    ///
    /// Errors: it cannot be waited for.
    pub(super) async fn stop(self) -> anyhow::Result<()> {
        let mut child = match self.runs {
            Runs::Child(child) => child,
            Runs::Postgres(cluster) => {
                drop(cluster);
                return Ok(());
            }
        };
        if let Some(pid) = child.id() {
            quietly(Command::new("sh").args(["-c", &format!("kill -INT {pid}")])).await?;
        }
        if timeout(PATIENCE, child.wait()).await.is_err() {
            child.kill().await?;
        }
        Ok(())
    }
}

async fn until_listening(child: &mut Child, port: u16) -> anyhow::Result<()> {
    while TcpStream::connect(("127.0.0.1", port)).await.is_err() {
        if let Some(status) = child.try_wait()? {
            bail!("it ended: {status}");
        }
        sleep(LOOK).await;
    }
    Ok(())
}

/// With its default settings.
async fn postgres(folder: &Path) -> anyhow::Result<PeerServer> {
    let cluster = crate::postgres::cluster(folder).await?;
    Ok(PeerServer {
        environment: vec![("PGURL", cluster.url())],
        runs: Runs::Postgres(cluster),
    })
}

/// The last line of a log.
pub(super) fn last_line(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let last = text.lines().rev().find(|line| !line.trim().is_empty());
    last.unwrap_or("nothing was said").to_owned()
}

/// Every write is on disk before it is answered.
fn redis(installed: &Installed, folder: &Path) -> anyhow::Result<Plan> {
    let [port] = ports::free()?;
    let mut command = Command::new(installed.program("redis-server")?);
    command.args(["--bind", "127.0.0.1", "--port", &port.to_string()]);
    command.args([
        "--appendonly",
        "yes",
        "--appendfsync",
        "always",
        "--save",
        "",
        "--dir",
    ]);
    command.arg(folder);
    Ok(Plan {
        command,
        port,
        environment: vec![("REDIS_PORT", port.to_string())],
    })
}

fn restate(installed: &Installed, folder: &Path) -> anyhow::Result<Plan> {
    let [ingress, admin, node, service] = ports::free()?;
    let at = |port: u16| format!("127.0.0.1:{port}");
    let mut command = Command::new(installed.program("restate-server")?);
    command.args(["--node-name", "bench"]).current_dir(folder);
    command
        .env("DO_NOT_TRACK", "1")
        .env("RESTATE_DISABLE_TELEMETRY", "true")
        .env("RESTATE_LOG_FILTER", "error")
        .env("RESTATE_BASE_DIR", folder.join("data"))
        .env("RESTATE_BIND_ADDRESS", at(node))
        .env("RESTATE_INGRESS__BIND_ADDRESS", at(ingress))
        .env("RESTATE_ADMIN__BIND_ADDRESS", at(admin));
    Ok(Plan {
        command,
        port: ingress,
        environment: vec![
            ("INGRESS_PORT", ingress.to_string()),
            ("ADMIN_PORT", admin.to_string()),
            ("SERVICE_PORT", service.to_string()),
        ],
    })
}

fn temporal(installed: &Installed, folder: &Path) -> anyhow::Result<Plan> {
    let [port] = ports::free()?;
    let mut command = Command::new(installed.program("temporal")?);
    command.args(["server", "start-dev", "--headless", "--log-level", "error"]);
    command.args(["--ip", "127.0.0.1", "--port", &port.to_string(), "--db-filename"]);
    command.arg(folder.join("temporal.db"));
    Ok(Plan {
        command,
        port,
        environment: vec![("TEMPORAL_PORT", port.to_string())],
    })
}
