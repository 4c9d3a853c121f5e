//! What arrives while a batch is written: the committer is given both, one to write and the other in its intake.

use baton_domain::DedupPolicy;
use tokio::sync::oneshot::Receiver;

use super::absence::committer;
use super::claims::claim;
use super::keys::only;
use super::*;
use crate::engine::ahead::Next;

/// A committer and its intake, and nobody beside them.
struct Side<'a> {
    database: &'a TestDatabase,
    committer: Committer,
    intake: Intake,
    ids: Ids,
}

impl<'a> Side<'a> {
    async fn new(database: &'a TestDatabase) -> Self {
        let mut committer = committer(database).await;
        // A first look, by which it learns that nobody else writes.
        committer
            .run_all(vec![job(Work::Claim(Box::new(claim()))).0])
            .await;
        committer.not_alone = 0;
        Self {
            database,
            committer,
            intake: Intake::new(IntakeLimits::default()),
            ids: Ids::system(),
        }
    }

    fn task(&self, title: &str) -> Box<NewTask> {
        let now = self.committer.clock.now_micros();
        new_task(TaskId(self.ids.uuid_v7(now)), title)
    }

    /// Puts it in line.
    fn push(&self, work: Work) -> Receiver<Answer> {
        let (job, answer) = job(work);
        self.intake.push(job).expect("there is room");
        answer
    }

    /// Writes `work` while that which is in line arrives; answers what comes of this.
    async fn write(&mut self, work: Work) -> (Answer, Next) {
        let (job, answer) = job(work);
        let next = Next::of(vec![job]).expect("a job");
        // It cannot be written before all is taken.
        let mut shell = self.database.shell().await;
        let hold = match self.database.kind() {
            "sqlite" => "BEGIN IMMEDIATE",
            _ => "BEGIN; LOCK TABLE task IN EXCLUSIVE MODE",
        };
        shell.run(hold).await;
        let intake = &self.intake;
        let release = async {
            while !intake.is_taken() {
                tokio::task::yield_now().await;
            }
            shell.run("COMMIT").await;
        };
        let (next, ()) = tokio::join!(self.committer.run(next, Some(intake)), release);
        shell.close().await;
        (
            answer.await.expect("it is answered"),
            next.expect("something arrived"),
        )
    }

    async fn run(&mut self, next: Next) {
        let rest = self.committer.run(next, None).await;
        assert!(rest.is_none(), "nothing else arrived");
    }
}

fn job(work: Work) -> (Job, Receiver<Answer>) {
    Job::new(Class::Move, work, None)
}

fn create(new: Box<NewTask>) -> Work {
    Work::Create {
        members: vec![member(new)],
        single: true,
    }
}

fn give(id: TaskId, action: Action) -> Work {
    Work::Move {
        id,
        command: Box::new(Command::new(Actor::anonymous(), action)),
        etag: None,
        reported: None,
        checked: None,
    }
}

fn comment(id: TaskId) -> Work {
    let message = "hello".to_owned();
    give(id, Action::Comment { message })
}

async fn told(answer: Receiver<Answer>) -> Vec<Done> {
    let answer = answer.await.expect("it is answered");
    answer.expect("it is done").into_tasks()
}

#[tokio::test]
async fn it_is_decided_over_what_that_batch_leaves_behind() {
    let database = TestDatabase::new();
    let mut side = Side::new(&database).await;
    let (early, urgent) = (side.task("early"), side.task("urgent"));
    let urgent = Box::new(NewTask {
        priority: Some(Priority::Critical),
        ..*urgent
    });
    let (before, ids) = (side.task("before"), (early.id, urgent.id));
    side.committer.run_all(vec![job(create(before)).0]).await;
    let commented = side.push(comment(ids.0));
    let claimed = side.push(Work::Claim(Box::new(claim())));
    let (written, next) = side
        .write(Work::Create {
            members: vec![member(early), member(urgent)],
            single: false,
        })
        .await;
    assert!(written.is_ok(), "{written:?}");
    assert!(next.decided.is_some(), "it did not wait");
    side.run(next).await;
    let (commented, claimed) = (told(commented).await, told(claimed).await);
    assert_eq!((commented[0].task.id, commented[0].revision), (ids.0, 3));
    assert_eq!(
        claimed[0].task.id, ids.1,
        "the most urgent, though it was not there yet"
    );
    let log = side.committer.loader.store.log("default", 0, 100).await;
    let positions: Vec<i64> = log
        .expect("it reads")
        .iter()
        .map(|event| event.position)
        .collect();
    assert_eq!(positions, (1..=8).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_task_that_goes_with_that_batch_is_gone() {
    let database = TestDatabase::new();
    let mut side = Side::new(&database).await;
    let new = side.task("a");
    let id = new.id;
    side.committer.run_all(vec![job(create(new)).0]).await;
    let commented = side.push(comment(id));
    let claimed = side.push(Work::Claim(Box::new(claim())));
    let (written, next) = side.write(give(id, Action::Delete { force: true })).await;
    assert!(written.is_ok(), "{written:?}");
    assert!(next.decided.is_some(), "it did not wait");
    side.run(next).await;
    let refused = commented.await.expect("it is answered").expect_err("it is gone");
    assert!(matches!(refused, Error::NotFound { .. }), "{refused:?}");
    assert!(told(claimed).await.is_empty());
}

#[tokio::test]
async fn where_that_batch_is_not_written_it_is_decided_anew() {
    let database = TestDatabase::new();
    let mut side = Side::new(&database).await;
    let (first, other) = (side.task("first"), side.task("other"));
    let id = first.id;
    side.committer.run_all(vec![job(create(first)).0]).await;
    // An id that was given away is found out by the write.
    side.committer.loader.cache.clear();
    let commented = side.push(comment(id));
    let (written, next) = side.write(create(Box::new(NewTask { id, ..*other }))).await;
    let refused = written.expect_err("the id is taken");
    assert!(matches!(refused, Error::TaskIdReused { .. }), "{refused:?}");
    assert!(next.decided.is_none(), "it was decided over what is not there");
    side.run(next).await;
    let commented = told(commented).await;
    assert_eq!(commented[0].task.title, "first");
    assert_eq!(commented[0].revision, 3);
}

#[tokio::test]
async fn what_needs_more_than_tasks_waits() {
    let database = TestDatabase::new();
    let mut side = Side::new(&database).await;
    let keyed = |new: Box<NewTask>| {
        Box::new(NewTask {
            dedup: only(DedupPolicy::ReturnExisting),
            ..*new
        })
    };
    let (first, second, third) = (side.task("first"), side.task("second"), side.task("third"));
    let (id, free) = (first.id, third.id);
    let created = side.push(create(third));
    let found = side.push(create(keyed(second)));
    let (written, next) = side.write(create(keyed(first))).await;
    assert!(written.is_ok(), "{written:?}");
    assert!(next.decided.is_some(), "the one before it did not wait");
    assert_eq!((next.jobs.len(), next.held.len()), (1, 1));
    let next = side.committer.run(next, None).await.expect("the one that waits");
    assert_eq!(told(created).await[0].task.id, free);
    side.run(next).await;
    let found = told(found).await;
    assert_eq!((found[0].task.id, found[0].deduplicated), (id, true));
}

#[tokio::test]
async fn where_others_write_too_what_came_while_a_turn_was_waited_for_goes_with_it() {
    let database = TestDatabase::new();
    let mut side = Side::new(&database).await;
    let (first, second) = (side.task("first"), side.task("second"));
    let second = side.push(create(second));
    side.committer.not_alone = 2;
    let (job, first) = job(create(first));
    let next = Next::of(vec![job]).expect("a job");
    let next = side.committer.run(next, Some(&side.intake)).await;
    assert!(next.is_none(), "nothing was left in line");
    assert_eq!(told(first).await[0].task.title, "first");
    assert_eq!(told(second).await[0].task.title, "second");
    let kept = side.committer.not_alone;
    assert_eq!(kept, 1, "it was one batch");
}
