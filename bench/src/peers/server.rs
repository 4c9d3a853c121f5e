//! The servers that keep the peers' jobs, each on a free port of the loopback for as long as it is needed, with its
//! files on the disk under test.

use std::fs::{self, File};
use std::os::unix::fs::{MetadataExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, bail};
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
    child: Child,
    /// Where it is, for the peer's script.
    pub(super) environment: Vec<(&'static str, String)>,
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
            ServerKind::Redis => redis(installed, folder)?,
            ServerKind::Postgres => postgres(installed, folder).await?,
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
        let child = plan.command.spawn()?;
        let mut server = PeerServer {
            child,
            environment: plan.environment,
        };
        let listens = timeout(PATIENCE, server.until_listening(plan.port)).await;
        listens
            .unwrap_or_else(|_| bail!("it does not listen in time"))
            .with_context(|| format!("{kind:?}: {}", last_line(&log)))?;
        Ok(server)
    }

    async fn until_listening(&mut self, port: u16) -> anyhow::Result<()> {
        while TcpStream::connect(("127.0.0.1", port)).await.is_err() {
            if let Some(status) = self.child.try_wait()? {
                bail!("it ended: {status}");
            }
            sleep(LOOK).await;
        }
        Ok(())
    }

    /// Tells it to end, and waits for that; what does not listen is killed.
    ///
    /// Errors: it cannot be waited for.
    pub(super) async fn stop(mut self) -> anyhow::Result<()> {
        if let Some(pid) = self.child.id() {
            // Of PostgreSQL's ways to end the one that asks nobody; the others take it like a Ctrl-C.
            quietly(Command::new("sh").args(["-c", &format!("kill -INT {pid}")])).await?;
        }
        if timeout(PATIENCE, self.child.wait()).await.is_err() {
            self.child.kill().await?;
        }
        Ok(())
    }
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

/// With its default settings; it refuses to run as root.
async fn postgres(installed: &Installed, folder: &Path) -> anyhow::Result<Plan> {
    let [port] = ports::free()?;
    let data = folder.join("data");
    let user = unprivileged()?;
    if let Some((uid, gid)) = user {
        chown(folder, Some(uid), Some(gid))?;
    }
    let run_as = |program: PathBuf| {
        let mut command = Command::new(program);
        if let Some((uid, gid)) = user {
            command.uid(uid).gid(gid);
        }
        command.current_dir(folder);
        command
    };
    let mut init = run_as(installed.program("initdb")?);
    init.args([
        "--auth=trust",
        "--username=bench",
        "--encoding=UTF8",
        "--locale=C",
        "--no-sync",
    ]);
    quietly(init.arg("--pgdata").arg(&data)).await?;
    let mut command = run_as(installed.program("postgres")?);
    command.arg("-D").arg(&data).arg("-k").arg(folder);
    command.args(["-h", "127.0.0.1", "-p", &port.to_string()]);
    Ok(Plan {
        command,
        port,
        environment: vec![("PGURL", format!("postgres://bench@127.0.0.1:{port}/postgres"))],
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

/// Whom to run as who may not be root: its user and group. Nobody where we are not.
fn unprivileged() -> anyhow::Result<Option<(u32, u32)>> {
    let is_root = fs::metadata("/proc/self")?.uid() == 0;
    let users = fs::read_to_string("/etc/passwd")?;
    let user = ["postgres", "nobody"].iter().find_map(|name| ids(&users, name));
    match user {
        _ if !is_root => Ok(None),
        Some(user) => Ok(Some(user)),
        None => bail!("nobody to run PostgreSQL as"),
    }
}

fn ids(users: &str, name: &str) -> Option<(u32, u32)> {
    let fields = |line: &str| {
        let fields: Vec<&str> = line.split(':').collect();
        let [user, _, uid, gid, ..] = *fields else {
            return None;
        };
        (user == name).then_some((uid.parse().ok()?, gid.parse().ok()?))
    };
    users.lines().find_map(fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_found_by_name() {
        let users = "root:x:0:0:root:/root:/bin/sh\npostgres:x:101:104::/:/bin/sh\nbroken\n";
        assert_eq!(ids(users, "postgres"), Some((101, 104)));
        assert_eq!(ids(users, "nobody"), None);
    }
}
