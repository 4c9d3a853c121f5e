//! Checkpoints and output.

use crate::support::{agent, by_holder, give, held, leased, new_task, payload, tick};
use baton_domain::{Action, Detail, EventType, Payload, Rejection, Span, State, Task};

fn save(text: &str) -> Action {
    let mut checkpoint = payload(text);
    checkpoint.sha256 = [text.len() as u8; 32];
    Action::SaveCheckpoint { checkpoint }
}

fn append(index: Option<i32>) -> Action {
    Action::AppendOutput {
        index,
        chunk: payload("chunk"),
    }
}

fn version(task: &Task) -> Option<i32> {
    task.checkpoint.as_ref().map(|checkpoint| checkpoint.version)
}

#[test]
fn the_next_attempt_finds_the_last_checkpoint() {
    let running = leased(new_task());
    let task = held(&held(&running, 2, save("a")), 3, save("bb"));
    assert_eq!(version(&task), Some(2));
    let again = by_holder(&task, 4, save("bb")).expect("the lease is live");
    assert!(again.replayed, "the same once more is no other one");
    assert_eq!(task.edit_revision, running.edit_revision, "it is no edit");
    let lost = tick(&task, task.update_time.plus(Span::from_secs(60))).expect("its worker died");
    assert_eq!(version(&lost.task), Some(2));
    let failed = Task {
        state: State::Failed,
        ..lost.task
    };
    let retry = |input: Option<Payload>| {
        give(
            &failed,
            Action::Retry {
                input,
                delay: Span::ZERO,
            },
        )
    };
    assert_eq!(version(&retry(None)), Some(2));
    let fresh = retry(Some(payload("other")));
    assert_eq!(
        (version(&fresh), fresh.checkpoint_version),
        (None, 2),
        "it told of another input"
    );
}

#[test]
fn chunks_are_counted_within_a_run() {
    let task = leased(new_task());
    let first = by_holder(&task, 2, append(None)).expect("the lease is live");
    let event = first.events.last().expect("it is told");
    assert_eq!(event.kind, EventType::Output);
    let Detail::Output { index: 0, chunk } = &event.detail else {
        panic!("{:?}", event.detail)
    };
    assert!(chunk.body.is_some(), "watchers see it");
    let second = held(&first.task, 3, append(Some(1)));
    let repeated = by_holder(&second, 4, append(Some(0))).expect("the lease is live");
    assert!(repeated.replayed && repeated.task == second);
    let gap = by_holder(&second, 5, append(Some(3)));
    assert!(
        matches!(gap, Err(Rejection::InvalidField { field: "index", .. })),
        "{gap:?}"
    );
    let released = held(&second, 6, Action::Release);
    let grant = Action::Start {
        assignee: Some(agent("other")),
        lease: Some(crate::support::TERMS),
        start_time: None,
    };
    let other = held(&give(&released, grant), 7, append(Some(0)));
    assert_eq!(other.output_count, 1, "another run begins at 0");
}
