//! The queue in front of the committer: bounded, in four classes with reserved room.

use std::collections::VecDeque;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;

use super::error::Error;
use super::job::{Class, Job, Weight};
use crate::metrics;

/// Commands of one batch, unless the limits say otherwise.
pub(super) const BATCH_COMMANDS: usize = 512;
/// Rows of one batch, counted as tasks and events before anything is decided.
pub(super) const BATCH_ROWS: usize = 2_000;
/// Bytes of payload of one batch.
pub(super) const BATCH_BYTES: usize = 4 * 1024 * 1024;
/// What one caller is told to wait when there is no room: about the time of a full queue.
pub(super) const RETRY_AFTER: Duration = Duration::from_millis(500);
/// Commands of holders that may wait, for each command of all others. They have room of their own: what is done already
/// must not be done again because too much is asked for. 32,768 are the renewals of 10,000 leases three times over.
const HOLDERS: usize = 4;

/// How much may wait. A class is refused once what it shares room with is fuller than its share.
#[derive(Clone, Copy, Debug)]
pub struct IntakeLimits {
    /// Commands of all classes together but those of holders, of which four times as many may wait beside them.
    pub commands: usize,
    /// Bytes of payload of all classes together, and as much again of holders.
    pub bytes: usize,
    /// Commands that are committed together.
    pub batch_commands: usize,
}

impl Default for IntakeLimits {
    fn default() -> Self {
        Self {
            commands: 8_192,
            bytes: 64 * 1024 * 1024,
            batch_commands: BATCH_COMMANDS,
        }
    }
}

impl IntakeLimits {
    /// What may be in use for a job of `class` to come in, as commands and bytes: creates are refused before moves, and
    /// what keeps the service going never is.
    const fn share(&self, class: Class) -> Option<Load> {
        let Self { commands, bytes, .. } = *self;
        let (commands, bytes) = match class {
            Class::Create => (commands / 10 * 7, bytes / 10 * 7),
            Class::Move => (commands / 10 * 9, bytes / 10 * 9),
            Class::Holder => (commands * HOLDERS, bytes),
            Class::Vital => return None,
        };
        Some(Load { commands, bytes })
    }
}

/// What jobs take together.
#[derive(Clone, Copy, Debug, Default)]
struct Load {
    commands: usize,
    bytes: usize,
}

impl Load {
    const fn with(self, weight: Weight) -> Self {
        Self {
            commands: self.commands + weight.commands,
            bytes: self.bytes + weight.bytes,
        }
    }

    const fn without(self, weight: Weight) -> Self {
        Self {
            commands: self.commands - weight.commands,
            bytes: self.bytes - weight.bytes,
        }
    }

    const fn exceeds(self, most: Self) -> bool {
        self.commands > most.commands || self.bytes > most.bytes
    }
}

#[derive(Default)]
struct Waiting {
    vital: VecDeque<Job>,
    holders: VecDeque<Job>,
    moves: VecDeque<Job>,
    creates: VecDeque<Job>,
    /// Creates waited when a batch was taken last, or a part of one, and it has none.
    passed_over: bool,
    of_holders: Load,
    of_others: Load,
    closed: bool,
}

/// Many callers put jobs in; the committer takes them out in batches.
pub(super) struct Intake {
    waiting: Mutex<Waiting>,
    arrived: Notify,
    limits: IntakeLimits,
}

impl Intake {
    pub(super) fn new(limits: IntakeLimits) -> Self {
        Self {
            waiting: Mutex::default(),
            arrived: Notify::new(),
            limits,
        }
    }

    /// Puts a job in line.
    pub(super) fn push(&self, job: Job) -> Result<(), Error> {
        let mut waiting = self.waiting.lock();
        if waiting.closed {
            return Err(Error::Draining);
        }
        let load = waiting.beside(job.class).with(job.weight);
        if self
            .limits
            .share(job.class)
            .is_some_and(|most| load.exceeds(most))
        {
            metrics::command_refused(job.class.name());
            return Err(Error::Overloaded {
                retry_after: RETRY_AFTER,
            });
        }
        *waiting.beside(job.class) = load;
        match job.class {
            Class::Vital => waiting.vital.push_back(job),
            Class::Holder => waiting.holders.push_back(job),
            Class::Move => waiting.moves.push_back(job),
            Class::Create => waiting.creates.push_back(job),
        }
        drop(waiting);
        self.arrived.notify_one();
        Ok(())
    }

    /// No job comes in any more; what waits is still served.
    pub(super) fn close(&self) {
        self.waiting.lock().closed = true;
        self.arrived.notify_one();
    }

    /// Everything that waits, up to the bounds of a batch; `None` once closed and empty. Cancel-safe.
    pub(super) async fn next_batch(&self) -> Option<Vec<Job>> {
        let jobs = self.next_within(&mut self.room()).await?;
        self.leave(&jobs);
        Some(jobs)
    }

    /// The room of a batch.
    pub(super) fn room(&self) -> Room {
        Room {
            commands: self.limits.batch_commands,
            rows: BATCH_ROWS,
            bytes: BATCH_BYTES,
            ..Room::default()
        }
    }

    /// As [`Self::next_batch`], as much as there is room for; at least one job, where nothing was taken of it. They count as waiting until
    /// they [leave](Self::leave). Cancel-safe.
    pub(super) async fn next_within(&self, room: &mut Room) -> Option<Vec<Job>> {
        loop {
            let arrived = self.arrived.notified();
            {
                let mut waiting = self.waiting.lock();
                let jobs = waiting.take(room);
                if !jobs.is_empty() {
                    return Some(jobs);
                }
                if waiting.closed {
                    return None;
                }
            }
            arrived.await;
        }
    }

    /// Takes what waits beside these jobs, as far as a batch that has them has room.
    pub(super) fn fill(&self, jobs: &mut Vec<Job>) {
        let mut room = self.room();
        for job in jobs.iter() {
            room.give(job);
        }
        let more = self.waiting.lock().take(&mut room);
        self.leave(&more);
        jobs.extend(more);
    }

    /// The work on these begins: others may come in for them.
    pub(super) fn leave(&self, jobs: &[Job]) {
        let mut waiting = self.waiting.lock();
        for job in jobs {
            let load = waiting.beside(job.class);
            *load = load.without(job.weight);
        }
        metrics::commands_waiting(waiting.depth());
    }

    /// Whether everything in line was taken.
    #[cfg(test)]
    pub(super) fn is_taken(&self) -> bool {
        let waiting = self.waiting.lock();
        let lines = [&waiting.vital, &waiting.holders, &waiting.moves, &waiting.creates];
        lines.iter().all(|line| line.is_empty())
    }

    /// Commands in line now.
    #[cfg(test)]
    pub(super) fn depth(&self) -> usize {
        self.waiting.lock().depth()
    }
}

impl Waiting {
    /// Commands in line.
    const fn depth(&self) -> usize {
        self.of_holders.commands + self.of_others.commands
    }

    /// What shares its room with a job of `class`.
    const fn beside(&mut self, class: Class) -> &mut Load {
        match class {
            Class::Holder => &mut self.of_holders,
            Class::Vital | Class::Move | Class::Create => &mut self.of_others,
        }
    }

    fn take(&mut self, room: &mut Room) -> Vec<Job> {
        let mut batch = Vec::new();
        if self.passed_over
            && !room.is_used
            && let Some(job) = self.creates.pop_front()
        {
            // However much else waits: a large create waits for one batch, and what is behind it no longer than it.
            room.take(&mut batch, job);
        }
        room.fill(&mut batch, &mut self.vital);
        // Holders leave half of the room to callers, so that neither starves the other.
        let kept = room.keep(self.moves.len() + self.creates.len());
        room.fill(&mut batch, &mut self.holders);
        room.give_back(kept);
        // Moves leave a quarter of the room to creates, so that neither starves the other.
        let creates = self.creates.len().min(room.commands / 4);
        room.commands -= creates;
        room.fill(&mut batch, &mut self.moves);
        room.commands += creates;
        room.fill(&mut batch, &mut self.creates);
        self.passed_over = !self.creates.is_empty() && !room.has_create;
        batch
    }
}

/// What a batch still takes.
#[derive(Default)]
pub(super) struct Room {
    commands: usize,
    rows: usize,
    bytes: usize,
    /// A job was taken.
    is_used: bool,
    /// A create was taken.
    has_create: bool,
}

impl Room {
    /// Sets room aside for `jobs`, at most half of all; answers that.
    fn keep(&mut self, jobs: usize) -> Self {
        if jobs == 0 {
            return Self::default();
        }
        let kept = Self {
            commands: jobs.min(self.commands / 2),
            rows: self.rows / 2,
            bytes: self.bytes / 2,
            ..Self::default()
        };
        self.commands -= kept.commands;
        self.rows -= kept.rows;
        self.bytes -= kept.bytes;
        kept
    }

    /// Lends its room for so many commands, until that is given back.
    pub(super) fn lend(&mut self, commands: usize) -> Self {
        let lent = Self {
            commands: commands.min(self.commands),
            ..*self
        };
        self.commands -= lent.commands;
        (self.rows, self.bytes) = (0, 0);
        lent
    }

    pub(super) const fn give_back(&mut self, kept: Self) {
        self.commands += kept.commands;
        self.rows += kept.rows;
        self.bytes += kept.bytes;
        self.is_used |= kept.is_used;
        self.has_create |= kept.has_create;
    }

    /// Moves jobs over while they fit. A job larger than a whole batch goes alone.
    fn fill(&mut self, batch: &mut Vec<Job>, line: &mut VecDeque<Job>) {
        while let Some(job) = line.front() {
            let w = job.weight;
            let fits = w.commands <= self.commands && w.rows() <= self.rows && w.bytes <= self.bytes;
            if !fits && self.is_used {
                return;
            }
            let Some(job) = line.pop_front() else { return };
            self.take(batch, job);
        }
    }

    fn take(&mut self, batch: &mut Vec<Job>, job: Job) {
        self.give(&job);
        batch.push(job);
    }

    fn give(&mut self, job: &Job) {
        let w = job.weight;
        self.commands = self.commands.saturating_sub(w.commands);
        self.rows = self.rows.saturating_sub(w.rows());
        self.bytes = self.bytes.saturating_sub(w.bytes);
        self.is_used = true;
        self.has_create |= job.class == Class::Create;
    }

    /// Whether anything fits in.
    pub(super) const fn is_left(&self) -> bool {
        self.commands > 0 && self.rows > 0 && self.bytes > 0
    }
}

#[cfg(test)]
mod tests;
