use baton_proto::v1::TaskState;

use super::{Ask, Held, Kind, Model, Operation, Outcome, check};

fn begin() -> Model {
    Model {
        state: TaskState::Queued,
        revision: 2,
        etag: Some("2".to_owned()),
        held: Held::Free,
        said: Vec::new(),
    }
}

fn ask(kind: Kind) -> Ask {
    Ask {
        kind,
        etag: None,
        token: None,
    }
}

fn done(state: TaskState, revision: i64) -> Outcome {
    Outcome::Done {
        state,
        revision,
        etag: revision.to_string(),
        token: None,
    }
}

fn call(ask: Ask, outcome: Outcome, (sent, answered): (u64, u64)) -> Operation {
    Operation {
        ask,
        outcome,
        sent,
        answered,
    }
}

fn refused(reason: &str) -> Outcome {
    Outcome::Refused(reason.to_owned())
}

#[test]
fn calls_at_once_may_come_in_any_order_and_calls_one_after_another_may_not() {
    let calls = |read| {
        [
            call(ask(Kind::Pause), done(TaskState::Paused, 3), (1, 4)),
            call(ask(Kind::Get), done(TaskState::Queued, 2), read),
        ]
    };
    assert_eq!(check(&begin(), &calls((2, 3))), Ok(()));
    let late = check(&begin(), &calls((5, 6))).unwrap_err();
    assert!(late.contains("1 of 2 calls"), "{late}");
}

#[test]
fn of_two_changes_bound_to_one_revision_one_is_refused() {
    let pause = |revision: i64| Ask {
        etag: Some(revision.to_string()),
        ..ask(Kind::Pause)
    };
    let calls = |second| {
        [
            call(pause(2), done(TaskState::Paused, 3), (1, 3)),
            call(pause(2), second, (2, 4)),
        ]
    };
    assert_eq!(check(&begin(), &calls(refused("ETAG_MISMATCH"))), Ok(()));
    assert!(check(&begin(), &calls(done(TaskState::Paused, 4))).is_err());
    assert!(check(&begin(), &calls(refused("LEASE_LOST"))).is_err());
}

#[test]
fn only_the_holder_completes() {
    let lease = Outcome::Done {
        state: TaskState::Assigned,
        revision: 3,
        etag: "3".to_owned(),
        token: Some("now".to_owned()),
    };
    let by = |kind, token: &str| Ask {
        token: Some(token.to_owned()),
        ..ask(kind)
    };
    let start = |token| by(Kind::Start, token);
    let complete = |token| by(Kind::Complete, token);
    let calls = |token| {
        [
            call(ask(Kind::Lease), lease.clone(), (1, 2)),
            call(start(token), done(TaskState::InProgress, 4), (3, 4)),
            call(complete(token), done(TaskState::Completed, 5), (5, 6)),
        ]
    };
    assert_eq!(check(&begin(), &calls("now")), Ok(()));
    assert!(check(&begin(), &calls("then")).is_err());
    let repeated = |token| {
        let repeat = call(complete(token), done(TaskState::Completed, 5), (7, 8));
        check(&begin(), &[&calls("now")[..], &[repeat]].concat())
    };
    assert_eq!(repeated("now"), Ok(()));
    assert!(repeated("then").is_err());
}

#[test]
fn a_call_without_answer_takes_effect_later_or_never() {
    let gone = call(ask(Kind::Cancel), Outcome::Unknown, (1, u64::MAX));
    let read = |state, revision| call(ask(Kind::Get), done(state, revision), (2, 3));
    let again = |state, revision| call(ask(Kind::Get), done(state, revision), (4, 5));
    let (queued, cancelled) = ((TaskState::Queued, 2), (TaskState::Cancelled, 3));
    let story = |first: (TaskState, i64), second: (TaskState, i64)| {
        let calls = [gone.clone(), read(first.0, first.1), again(second.0, second.1)];
        check(&begin(), &calls)
    };
    assert_eq!(story(queued, queued), Ok(()));
    assert_eq!(story(queued, cancelled), Ok(()));
    assert_eq!(story(cancelled, cancelled), Ok(()));
    assert!(story(cancelled, queued).is_err());
}
