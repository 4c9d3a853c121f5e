//! Who is let in, and who goes first.

use baton_domain::{Action, TaskId};
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
        checked: None,
    };
    Job::new(class, work, None).0
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

#[test]
fn holders_have_room_of_their_own_and_no_more() {
    let intake = Intake::new(LIMITS);
    let push = |class| intake.push(job(class));
    let let_in = (0..LIMITS.commands * 9)
        .take_while(|_| push(Class::Holder).is_ok())
        .count();
    assert_eq!(let_in, LIMITS.commands * HOLDERS);
    assert!(matches!(push(Class::Holder), Err(Error::Overloaded { .. })));
    // They take no room from others, nor others from them.
    assert_eq!(
        (fill(&intake, Class::Create), fill(&intake, Class::Move)),
        (70, 20)
    );
    let intake = Intake::new(LIMITS);
    assert_eq!(
        (
            fill(&intake, Class::Move),
            intake.push(job(Class::Holder)).is_ok()
        ),
        (90, true)
    );
}

#[tokio::test]
async fn a_flood_of_renewals_leaves_half_of_each_batch_to_others() {
    let intake = Intake::new(LIMITS);
    let push = |class, n| (0..n).for_each(|_| intake.push(job(class)).expect("there is room"));
    push(Class::Holder, LIMITS.commands * HOLDERS);
    push(Class::Move, 30);
    push(Class::Create, 10);
    let take = || {
        let mut room = Room {
            commands: 60,
            ..intake.room()
        };
        intake.waiting.lock().take(&mut room)
    };
    let first = take();
    let count = |class| first.iter().filter(|job| job.class == class).count();
    let counts = [Class::Holder, Class::Move, Class::Create].map(count);
    assert_eq!(counts, [30, 23, 7]);
    // Whom nobody else waits for gets all of it.
    while take().iter().any(|job| job.class != Class::Holder) {}
    assert_eq!(take().len(), 60);
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

#[test]
fn creates_that_fill_a_batch_each_go_first_in_every_other_batch_however_it_is_taken() {
    let intake = Intake::new(LIMITS);
    let large = || {
        let mut large = job(Class::Create);
        large.weight.commands = BATCH_ROWS;
        large
    };
    let put = |job: Job| {
        let line = match job.class {
            Class::Create => &mut intake.waiting.lock().creates,
            _ => &mut intake.waiting.lock().moves,
        };
        line.push_back(job);
    };
    (0..4).for_each(|_| put(large()));
    (0..20).for_each(|_| put(job(Class::Move)));
    // A part after the first fits nothing, and says nothing of who was passed over.
    let take = || {
        let mut room = intake.room();
        let mut taken = Vec::new();
        for _ in 0..3 {
            let mut part = room.lend(10);
            taken.extend(intake.waiting.lock().take(&mut part));
            room.give_back(part);
        }
        taken.iter().map(|job| job.class).collect::<Vec<_>>()
    };
    assert_eq!(take(), [Class::Move; 20]);
    assert_eq!(take(), [Class::Create]);
    put(job(Class::Move));
    assert_eq!(take(), [Class::Move], "its turn, though creates wait");
    assert_eq!(take(), [Class::Create]);
}

#[test]
fn jobs_that_were_held_are_joined_by_what_waits_as_far_as_there_is_room() {
    let intake = Intake::new(IntakeLimits {
        batch_commands: 8,
        ..LIMITS
    });
    (0..10).for_each(|_| intake.push(job(Class::Move)).expect("there is room"));
    let mut jobs: Vec<Job> = (0..3).map(|_| job(Class::Move)).collect();
    intake.fill(&mut jobs);
    assert_eq!((jobs.len(), intake.depth()), (8, 5));
    intake.fill(&mut jobs);
    assert_eq!((jobs.len(), intake.depth()), (8, 5), "it is full");
}
