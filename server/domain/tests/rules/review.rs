//! Verification and receipts (seed S1-33 to 37, S1-47 and 48).

use crate::support::{
    NOW, after, agent, begin, by_holder, complete, give, held, leased, new_task, no_verification, pause,
    payload, submit, tick, token,
};
use baton_domain::receipt::{Blocker, VerificationItem};
use baton_domain::{
    Action, Command, Detail, EventType, NewTask, Receipt, ReceiptStatus, Rejection, Span, State, Task,
    Verification, create, decide,
};

fn verified(verification: Verification) -> Task {
    leased(NewTask {
        verification,
        ..new_task()
    })
}

fn with_items() -> Receipt {
    Receipt {
        verification: vec![VerificationItem {
            kind: "command".to_owned(),
            value: "cargo test".to_owned(),
            expected: "ok".to_owned(),
        }],
        ..Receipt::new(ReceiptStatus::Completed)
    }
}

fn stands(task: &Task) -> (State, &str) {
    (task.state, task.state_reason.as_ref())
}

#[test]
fn what_a_completion_says_of_verification_decides_where_it_ends() {
    let task = verified(Verification::Receipt);
    let ends = |receipt| held(&task, 2, complete(receipt));
    let review = ends(Some(with_items()));
    assert_eq!(
        stands(&review),
        (State::Review, "completed_awaiting_verification")
    );
    assert_eq!(review.receipt.as_deref(), Some(&with_items()), "it is kept");
    let done = ends(Some(no_verification()));
    assert_eq!(stands(&done), (State::Completed, "completed_no_verification"));
    for silent in [None, Some(Receipt::new(ReceiptStatus::Completed))] {
        assert_eq!(
            stands(&ends(silent)),
            (State::Review, "completed_missing_verification")
        );
    }
    let both = Receipt {
        no_verification: true,
        ..with_items()
    };
    assert_eq!(ends(Some(both)).state, State::Review, "what can be verified is");
}

#[test]
fn the_grace_of_a_review_ends_by_its_receipt() {
    let task = verified(Verification::Receipt);
    let review = held(&task, 2, complete(Some(with_items())));
    assert_eq!(tick(&review, after(&review, 119)), Err(Rejection::NothingDue));
    let approved = tick(&review, after(&review, 120)).expect("the grace is over");
    assert_eq!(approved.events[0].kind, EventType::Approved);
    assert_eq!(
        stands(&approved.task),
        (State::Completed, "auto_verified_after_grace_window")
    );
    assert_eq!(approved.task.receipt.as_deref(), Some(&with_items()));
    let cases = [
        (None, "verification_timeout_missing_receipt"),
        (
            Some(Receipt::new(ReceiptStatus::Completed)),
            "verification_timeout_unverified",
        ),
    ];
    for (receipt, reason) in cases {
        let review = held(&task, 2, complete(receipt));
        let asking = tick(&review, after(&review, 120))
            .expect("the grace is over")
            .task;
        assert_eq!(stands(&asking), (State::InputRequired, reason));
        assert!(asking.open_input_request().is_some(), "somebody can answer");
        let proven = held(&asking, 3, complete(Some(no_verification())));
        assert_eq!(
            proven.state,
            State::Completed,
            "the holder can still hand its receipt in"
        );
    }
}

#[test]
fn the_grace_is_the_tasks_own_and_stands_still_in_a_pause() {
    let task = leased(NewTask {
        verification: Verification::Receipt,
        verification_grace: Some(Span::from_secs(10)),
        ..new_task()
    });
    let review = held(&task, 2, complete(Some(with_items())));
    assert_eq!(review.wake_time(), Some(after(&review, 10)));
    let ask = |task: &Task, action, at| decide(task, &Command::new(agent("boss"), action), at);
    let paused = ask(&review, pause(), after(&review, 4))
        .expect("it may be paused")
        .task;
    let resumed = ask(&paused, Action::Resume, after(&paused, 100))
        .expect("it is paused")
        .task;
    assert_eq!(
        (resumed.state, resumed.wake_time()),
        (State::Review, Some(after(&resumed, 6)))
    );
    let late = Command {
        actor: agent("worker"),
        token: token(&review, 3),
        action: complete(Some(no_verification())),
    };
    assert_eq!(
        decide(&resumed, &late, resumed.update_time),
        Err(Rejection::LeaseLost)
    );
    let manual = held(&verified(Verification::Manual), 2, complete(Some(with_items())));
    assert_eq!(
        (manual.state, manual.wake_time()),
        (State::Review, None),
        "it waits for somebody"
    );
}

#[test]
fn nobody_approves_its_own_work_where_somebody_else_is_asked_for() {
    let review = held(&verified(Verification::Manual), 2, complete(None));
    let approve = Action::Approve {
        message: String::new(),
    };
    let by = |who, task: &Task| decide(task, &Command::new(agent(who), approve.clone()), task.update_time);
    assert_eq!(by("worker", &review), Err(Rejection::SelfApproval));
    let resumed = give(&give(&review, pause()), Action::Resume);
    assert_eq!(
        by("worker", &resumed),
        Err(Rejection::SelfApproval),
        "a pause does not make it somebody else's"
    );
    assert_eq!(
        by("other", &resumed).expect("it is somebody else").task.state,
        State::Completed
    );
    let rework = Action::Rework {
        message: "once more".to_owned(),
    };
    let again = give(&resumed, rework);
    assert_eq!(
        (again.state, again.attempt, again.assignee),
        (State::Queued, 2, None)
    );
}

fn blocker(message: &str) -> Blocker {
    Blocker {
        kind: "access".to_owned(),
        message: message.to_owned(),
        suggested_fix: "grant it".to_owned(),
        required_from_user: true,
    }
}

#[test]
fn blockers_become_questions_and_the_last_answer_lets_the_work_go_on() {
    for verification in Verification::ALL {
        let blocked = Receipt {
            blockers: vec![blocker("no key"), blocker("no disk")],
            ..Receipt::new(ReceiptStatus::Blocked)
        };
        let task = verified(*verification);
        let done = by_holder(&task, 2, complete(Some(blocked.clone()))).expect("the lease is live");
        assert_eq!(done.events.len(), 1, "one move");
        assert_eq!(done.events[0].kind, EventType::InputRequested);
        let asking = done.task;
        assert_eq!(stands(&asking), (State::InputRequired, "reported_blocked"));
        assert_eq!(asking.receipt.as_deref(), Some(&blocked));
        let open: Vec<_> = asking.open_input_requests().cloned().collect();
        assert_eq!(open.len(), 2);
        assert_eq!(open[0].prompt, "no key (suggested: grant it)");
        let answer = |key: &str| Action::ProvideInput {
            key: key.to_owned(),
            input: payload("done"),
            text: None,
        };
        let unnamed = decide(
            &asking,
            &Command::new(agent("boss"), answer("")),
            asking.update_time,
        );
        assert!(
            matches!(unnamed, Err(Rejection::InvalidField { field: "key", .. })),
            "{unnamed:?}"
        );
        let first = give(&asking, answer(&open[1].key));
        assert_eq!(
            stands(&first),
            (State::InputRequired, "reported_blocked"),
            "one is open still"
        );
        let second = give(&first, answer(""));
        assert_eq!(stands(&second), (State::Queued, "input_provided"));
    }
}

#[test]
fn a_blocked_receipt_without_blockers_asks_by_its_summary() {
    let blocked = Receipt {
        summary: "  waits for the key ".to_owned(),
        ..Receipt::new(ReceiptStatus::Blocked)
    };
    let asking = held(&verified(Verification::Receipt), 2, submit(Some(blocked)));
    let question = asking.open_input_request().expect("there is one");
    assert_eq!(question.prompt, "waits for the key");
}

#[test]
fn questions_that_were_left_open_are_void_with_the_next() {
    let blocked = Receipt {
        blockers: vec![blocker("no key")],
        ..Receipt::new(ReceiptStatus::Blocked)
    };
    let asking = held(
        &verified(Verification::Receipt),
        2,
        complete(Some(blocked.clone())),
    );
    let again = held(&asking, 3, complete(Some(blocked)));
    assert_eq!(again.open_input_requests().count(), 1);
    assert_eq!(
        again.open_input_request().map(|r| r.key.as_str()),
        Some("blocker-6-1")
    );
}

#[test]
fn a_receipt_that_says_failed_is_a_failure() {
    let failed = Receipt {
        summary: "the build is red".to_owned(),
        ..Receipt::new(ReceiptStatus::Failed)
    };
    let task = verified(Verification::Receipt);
    let done = by_holder(&task, 2, complete(Some(failed.clone()))).expect("the lease is live");
    assert_eq!(done.task.state, State::Failed);
    assert_eq!(done.task.receipt.as_deref(), Some(&failed), "it is kept");
    let Detail::Failure { error, .. } = &done.events[0].detail else {
        panic!("{:?}", done.events)
    };
    assert_eq!(
        (error.code.as_str(), error.message.as_str()),
        ("REPORTED_FAILED", "the build is red")
    );
    let tried_again = Task {
        retry_policy: Some(baton_domain::RetryPolicy::default()),
        ..task
    };
    assert_eq!(
        held(&tried_again, 2, complete(Some(failed))).state,
        State::Scheduled
    );
}

#[test]
fn verification_asks_direct_assignees_too() {
    let new = NewTask {
        verification: Verification::Receipt,
        ..new_task()
    };
    let started = give(&create(new, &agent("author"), NOW).task, begin(None));
    let review = give(&started, complete(None));
    assert_eq!(review.state, State::Review);
    let asking = tick(&review, after(&review, 120))
        .expect("the grace is over")
        .task;
    let answered = give(
        &asking,
        Action::ProvideInput {
            key: String::new(),
            input: payload("go on"),
            text: None,
        },
    );
    assert_eq!(
        answered.state,
        State::InProgress,
        "it goes on with the same person"
    );
}
