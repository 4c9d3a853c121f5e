//! What a server costs that has nothing to do.

use std::time::Duration;

use crate::bench::{Bench, Measured};
use crate::processor::{mebibytes, resident_bytes, time_of};
use crate::suite::server::Server;

/// Until what the start left behind is done.
const SETTLE: Duration = Duration::from_secs(2);
/// How long an idle server is looked at.
const IDLE: Duration = Duration::from_secs(10);

/// Measures every row of the group once.
pub(super) async fn round(bench: &mut Bench) -> anyhow::Result<()> {
    if bench.wants(&["binary"]) {
        let bytes = std::fs::metadata(&bench.server)?.len();
        bench.record("binary", Measured::number(mebibytes(bytes)))?;
    }
    if bench.wants(&["idle-memory", "idle-cpu"]) {
        bench.progress.set_message("watching an idle server");
        let server = Server::start(bench).await?;
        // A client that is connected and asks for nothing: what a quiet server has.
        server.clients[0].server_info().await?;
        tokio::time::sleep(SETTLE).await;
        let pid = server.process.pid();
        let held = mebibytes(resident_bytes(pid)?);
        bench.record("idle-memory", Measured::number(held))?;
        let before = time_of(pid)?;
        tokio::time::sleep(IDLE).await;
        let used = time_of(pid)?.saturating_sub(before);
        let percent = 100.0 * used.as_secs_f64() / IDLE.as_secs_f64();
        bench.record("idle-cpu", Measured::number(percent))?;
    }
    Ok(())
}
