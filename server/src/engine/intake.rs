//! The queue in front of the committer: bounded, in three classes with reserved room.

use std::collections::VecDeque;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;

use super::error::Error;
use super::job::{Class, Job};
use crate::metrics;

/// Commands of one batch, unless the limits say otherwise.
pub(super) const BATCH_COMMANDS: usize = 512;
/// Rows of one batch, counted as tasks and events before anything is decided.
pub(super) const BATCH_ROWS: usize = 2_000;
/// Bytes of payload of one batch.
pub(super) const BATCH_BYTES: usize = 4 * 1024 * 1024;
/// What one caller is told to wait when there is no room: about the time of a full queue.
pub(super) const RETRY_AFTER: Duration = Duration::from_millis(500);

/// How much may wait. A class is refused once the whole queue is fuller than its share.
#[derive(Clone, Copy, Debug)]
pub struct IntakeLimits {
    /// Commands of all classes together.
    pub commands: usize,
    /// Bytes of payload of all classes together.
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
    /// What of `whole` may be in use for a job of `class` to come in: creates are refused before moves, and what
    /// keeps the service going never is.
    const fn share(class: Class, whole: usize) -> Option<usize> {
        match class {
            Class::Create => Some(whole / 10 * 7),
            Class::Move => Some(whole / 10 * 9),
            Class::Vital => None,
        }
    }
}

#[derive(Default)]
struct Waiting {
    vital: VecDeque<Job>,
    moves: VecDeque<Job>,
    creates: VecDeque<Job>,
    /// Creates waited when the last batch was taken, and none of them fitted in.
    passed_over: bool,
    commands: usize,
    bytes: usize,
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
        let full =
            |used: usize, whole: usize| IntakeLimits::share(job.class, whole).is_some_and(|most| used > most);
        if full(waiting.commands + job.weight.commands, self.limits.commands)
            || full(waiting.bytes + job.weight.bytes, self.limits.bytes)
        {
            metrics::command_refused(job.class.name());
            return Err(Error::Overloaded {
                retry_after: RETRY_AFTER,
            });
        }
        waiting.commands += job.weight.commands;
        waiting.bytes += job.weight.bytes;
        match job.class {
            Class::Vital => waiting.vital.push_back(job),
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

    /// Everything that waits, up to the bounds of a batch; `None` once closed and empty.
    pub(super) async fn next_batch(&self) -> Option<Vec<Job>> {
        loop {
            let arrived = self.arrived.notified();
            {
                let mut waiting = self.waiting.lock();
                let jobs = waiting.take(self.limits.batch_commands);
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

    /// Commands in line now.
    pub(super) fn depth(&self) -> usize {
        self.waiting.lock().commands
    }
}

impl Waiting {
    fn take(&mut self, commands: usize) -> Vec<Job> {
        let mut batch = Vec::new();
        let mut room = Room {
            commands,
            rows: BATCH_ROWS,
            bytes: BATCH_BYTES,
        };
        if self.passed_over
            && let Some(job) = self.creates.pop_front()
        {
            // However much else waits: a large create waits for one batch, and what is behind it no longer than it.
            room.take(&mut batch, job);
        }
        room.fill(&mut batch, &mut self.vital);
        // Moves leave a quarter of the room to creates, so that neither starves the other.
        let creates = self.creates.len().min(room.commands / 4);
        room.commands -= creates;
        room.fill(&mut batch, &mut self.moves);
        room.commands += creates;
        room.fill(&mut batch, &mut self.creates);
        let is_create = |job: &Job| job.class == Class::Create;
        self.passed_over = !self.creates.is_empty() && !batch.iter().any(is_create);
        self.commands -= batch.iter().map(|job| job.weight.commands).sum::<usize>();
        self.bytes -= batch.iter().map(|job| job.weight.bytes).sum::<usize>();
        batch
    }
}

struct Room {
    commands: usize,
    rows: usize,
    bytes: usize,
}

impl Room {
    /// Moves jobs over while they fit. A job larger than a whole batch goes alone.
    fn fill(&mut self, batch: &mut Vec<Job>, line: &mut VecDeque<Job>) {
        while let Some(job) = line.front() {
            let w = job.weight;
            let fits = w.commands <= self.commands && w.rows() <= self.rows && w.bytes <= self.bytes;
            if !fits && !batch.is_empty() {
                return;
            }
            let Some(job) = line.pop_front() else { return };
            self.take(batch, job);
        }
    }

    fn take(&mut self, batch: &mut Vec<Job>, job: Job) {
        let w = job.weight;
        self.commands = self.commands.saturating_sub(w.commands);
        self.rows = self.rows.saturating_sub(w.rows());
        self.bytes = self.bytes.saturating_sub(w.bytes);
        batch.push(job);
    }
}

#[cfg(test)]
mod tests {
    use baton_domain::{Action, TaskId};
    use tokio::sync::oneshot;
    use uuid::Uuid;

    use super::*;
    use crate::engine::batch::system;
    use crate::engine::job::Work;

    const LIMITS: IntakeLimits = IntakeLimits {
        commands: 100,
        bytes: 1_000_000,
        batch_commands: BATCH_COMMANDS,
    };

    fn job(class: Class) -> Job {
        let work = Work::Move {
            id: TaskId(Uuid::nil()),
            command: Box::new(system(Action::Tick { jitter: 0.0 })),
            etag: None,
            reported: None,
        };
        let weight = work.weight();
        Job {
            class,
            work,
            request: None,
            weight,
            reply: oneshot::channel().0,
        }
    }

    fn fill(intake: &Intake, class: Class) -> usize {
        (0..LIMITS.commands * 2)
            .take_while(|_| intake.push(job(class)).is_ok())
            .count()
    }

    #[test]
    fn creates_are_refused_before_moves_and_vital_commands_never() {
        let intake = Intake::new(LIMITS);
        assert_eq!(fill(&intake, Class::Create), 70);
        assert_eq!(fill(&intake, Class::Move), 20);
        assert!(matches!(
            intake.push(job(Class::Create)),
            Err(Error::Overloaded { .. })
        ));
        assert_eq!(fill(&intake, Class::Vital), LIMITS.commands * 2);
    }

    #[tokio::test]
    async fn bytes_are_bounded_as_commands_are_and_come_free_again() {
        let intake = Intake::new(LIMITS);
        let heavy = |class| {
            let mut job = job(class);
            job.weight.bytes = LIMITS.bytes / 10;
            job
        };
        let fill = |class| (0..20).take_while(|_| intake.push(heavy(class)).is_ok()).count();
        assert_eq!(fill(Class::Create), 7);
        assert_eq!(fill(Class::Move), 2);
        assert_eq!(fill(Class::Vital), 20);
        while intake.depth() > 0 {
            intake.next_batch().await.expect("there is work");
        }
        assert_eq!(fill(Class::Create), 7);
    }

    #[tokio::test]
    async fn a_batch_takes_vital_commands_first_and_leaves_room_for_creates() {
        let intake = Intake::new(IntakeLimits {
            commands: 100_000,
            bytes: usize::MAX,
            batch_commands: BATCH_COMMANDS,
        });
        for _ in 0..BATCH_COMMANDS {
            intake.push(job(Class::Create)).expect("there is room");
            intake.push(job(Class::Move)).expect("there is room");
        }
        intake.push(job(Class::Vital)).expect("there is room");
        let batch = intake.next_batch().await.expect("there is work");
        let count = |class| batch.iter().filter(|j| j.class == class).count();
        assert_eq!(batch[0].class, Class::Vital);
        assert_eq!(batch.len(), BATCH_COMMANDS);
        assert_eq!(count(Class::Create), (BATCH_COMMANDS - 1) / 4);
        assert_eq!(intake.depth(), 2 * BATCH_COMMANDS + 1 - BATCH_COMMANDS);
    }

    #[tokio::test]
    async fn a_create_larger_than_what_moves_leave_goes_first_in_the_next_batch() {
        let intake = Intake::new(IntakeLimits {
            commands: 100_000,
            bytes: usize::MAX,
            ..LIMITS
        });
        let large = || {
            let mut job = job(Class::Create);
            job.weight.commands = 1_000;
            job
        };
        intake.push(large()).expect("there is room");
        intake.push(large()).expect("there is room");
        intake.push(job(Class::Create)).expect("there is room");
        let mut batches = Vec::new();
        for _ in 0..5 {
            // More than one batch of moves is always in line.
            for _ in 0..BATCH_COMMANDS {
                intake.push(job(Class::Move)).expect("there is room");
            }
            let batch = intake.next_batch().await.expect("there is work");
            let count = |class| batch.iter().filter(|job| job.class == class).count();
            batches.push((count(Class::Create), count(Class::Move)));
        }
        assert_eq!(batches, [(0, 509), (1, 0), (0, 510), (1, 0), (1, 511)]);
    }

    #[tokio::test]
    async fn creates_that_wait_make_no_batch_larger() {
        let intake = Intake::new(IntakeLimits {
            commands: 100_000,
            ..LIMITS
        });
        for _ in 0..500 {
            intake.push(job(Class::Vital)).expect("never refused");
        }
        for _ in 0..20 {
            intake.push(job(Class::Create)).expect("there is room");
            intake.push(job(Class::Move)).expect("there is room");
        }
        let batch = intake.next_batch().await.expect("there is work");
        let count = |class| batch.iter().filter(|job| job.class == class).count();
        assert_eq!((count(Class::Move), count(Class::Create)), (9, 3));
        assert_eq!(batch.len(), BATCH_COMMANDS);
    }

    #[tokio::test]
    async fn a_batch_is_as_small_as_the_limits_say() {
        let intake = Intake::new(IntakeLimits {
            batch_commands: 1,
            ..LIMITS
        });
        for class in [Class::Create, Class::Move, Class::Create] {
            intake.push(job(class)).expect("there is room");
            intake.push(job(class)).expect("there is room");
        }
        for waiting in (0..6).rev() {
            assert_eq!(intake.next_batch().await.map(|jobs| jobs.len()), Some(1));
            assert_eq!(intake.depth(), waiting);
        }
    }

    #[tokio::test]
    async fn a_closed_queue_serves_what_waits_and_takes_no_more() {
        let intake = Intake::new(LIMITS);
        intake.push(job(Class::Move)).expect("there is room");
        intake.close();
        assert!(matches!(intake.push(job(Class::Vital)), Err(Error::Draining)));
        assert_eq!(intake.next_batch().await.map(|jobs| jobs.len()), Some(1));
        assert!(intake.next_batch().await.is_none());
    }
}
