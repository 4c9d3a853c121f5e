//! A program and all that it started, as far as they stay in its process group.

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::Child;

/// Ended by SIGKILL where it is dropped before [`over`](Group::over).
pub(crate) struct Group {
    leader: Option<Pid>,
}

impl Group {
    pub(crate) fn of(child: &Child) -> Self {
        let id = child.id().and_then(|id| i32::try_from(id).ok());
        Group {
            leader: id.and_then(Pid::from_raw),
        }
    }

    pub(crate) fn terminate(&self) {
        self.send(Signal::TERM);
    }

    pub(crate) fn kill(&self) {
        self.send(Signal::KILL);
    }

    /// The leader has been waited for and the rest is gone: its number may be another's soon.
    pub(crate) fn over(&mut self) {
        self.leader = None;
    }

    fn send(&self, signal: Signal) {
        let Some(leader) = self.leader else { return };
        // Nobody is left where it fails.
        if let Err(error) = kill_process_group(leader, signal) {
            tracing::trace!(%error, "a process group is gone");
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}
