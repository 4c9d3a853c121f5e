//! Who may speak for a task, and for how long.

use crate::support::{
    NOW, TERMS, after, agent, ask, begin, by_holder, cancel, complete, failure, give, granted, held, leased,
    new_task, pause, payload, question, submit, tick, token,
};
use baton_domain::lease::{Standing, directive, is_leasable, standing};
use baton_domain::limits::EVENTS_PER_TASK;
use baton_domain::{
    Action, AttemptOutcome, Command, Detail, Directive, EventType, Lease, Progress, Rejection, Span, State,
    Task, Token, create, decide,
};

const RENEW: Action = Action::Renew {
    duration: None,
    progress: None,
};

#[test]
fn a_grant_must_be_started_within_its_acknowledge_time() {
    assert!(is_leasable(&create(new_task(), &agent("author"), NOW).task));
    let task = granted(new_task());
    assert_eq!((task.state, task.fence), (State::Assigned, 1));
    assert_eq!(task.lease_end(), Some(after(&task, 10)));
    assert!(!is_leasable(&task));
    assert_eq!(tick(&task, after(&task, 9)), Err(Rejection::NothingDue));
    let lapsed = tick(&task, after(&task, 10)).expect("it was not started");
    let last = lapsed.events.last().expect("it moves");
    assert_eq!((last.kind, last.fence), (EventType::LeaseExpired, 2));
    let task = lapsed.task;
    assert_eq!(
        (task.state, task.state_reason.as_ref()),
        (State::Queued, "lease_expired")
    );
    assert_eq!((task.attempt, task.execution_count), (1, 0), "nothing was tried");
    assert!(is_leasable(&task), "the next worker may have it");
}

#[test]
fn the_first_renewal_starts_and_the_others_are_silent() {
    let task = granted(new_task());
    let started = by_holder(&task, 1, RENEW).expect("the lease is live");
    assert_eq!(started.events.len(), 1);
    assert_eq!(started.events[0].kind, EventType::Started);
    assert_eq!(started.task.lease_end(), Some(after(&started.task, 30)));
    let at = after(&started.task, 20);
    let renewed = ask(&started.task, token(&started.task, 2), RENEW, at).expect("the lease is live");
    assert_eq!(renewed.events, Vec::new());
    assert_eq!(renewed.task.lease_end(), Some(at.plus(Span::from_secs(30))));
    assert_eq!(renewed.task.revision, started.task.revision);
    let longer = Action::Renew {
        duration: Some(Span::from_secs(300)),
        progress: None,
    };
    let renewed = ask(&renewed.task, token(&renewed.task, 3), longer, at).expect("the lease is live");
    let expected = Lease {
        duration: Span::from_secs(300),
        expire_time: at.plus(Span::from_secs(300)),
    };
    assert_eq!(renewed.task.lease, Some(expected));
}

#[test]
fn progress_in_a_renewal_is_told_once() {
    let task = leased(new_task());
    let renew = || Action::Renew {
        duration: None,
        progress: Some(Progress {
            percent: Some(40),
            ..Progress::default()
        }),
    };
    let told = by_holder(&task, 2, renew()).expect("the lease is live");
    assert_eq!(told.events.len(), 1);
    assert_eq!(told.task.progress.as_ref().and_then(|p| p.percent), Some(40));
    let again = by_holder(&told.task, 3, renew()).expect("the lease is live");
    assert_eq!(again.events, Vec::new(), "nothing new");
}

#[test]
fn a_worker_that_is_not_heard_of_loses_the_attempt() {
    let task = leased(new_task());
    assert_eq!(tick(&task, after(&task, 29)), Err(Rejection::NothingDue));
    let at = after(&task, 30);
    for action in [RENEW, complete(None)] {
        let late = ask(&task, token(&task, 2), action, at);
        assert_eq!(
            late,
            Err(Rejection::LeaseLost),
            "the end of a lease is the end, told or not"
        );
    }
    let taken = tick(&task, at).expect("the lease ran out");
    let last = taken.events.last().expect("it moves");
    assert_eq!((last.kind, last.fence), (EventType::RetryScheduled, 2));
    let Detail::Failure { outcome, error, .. } = &last.detail else {
        panic!("{:?}", last.detail)
    };
    assert_eq!(
        (*outcome, error.code.as_str()),
        (AttemptOutcome::LeaseExpired, "LEASE_EXPIRED")
    );
    assert_eq!((taken.task.attempt, taken.task.assignee.as_ref()), (2, None));
}

#[test]
fn a_task_that_kills_its_workers_ends_dead() {
    let mut task = create(new_task(), &agent("author"), NOW).task;
    for attempt in 1..=3 {
        assert_eq!(task.attempt, attempt);
        let assign = Action::Assign {
            assignee: agent("worker"),
            lease: Some(TERMS),
        };
        task = held(&give(&task, assign), attempt.into(), RENEW);
        task = tick(&task, after(&task, 31)).expect("its worker died").task;
        if task.state == State::Scheduled {
            task = tick(&task, after(&task, 3_600))
                .expect("the backoff is over")
                .task;
        }
    }
    assert_eq!(
        (task.state, task.state_reason.as_ref()),
        (State::Dead, "retry_budget_spent")
    );
    let redriven = give(
        &task,
        Action::Retry {
            input: None,
            delay: Span::ZERO,
        },
    );
    assert_eq!(
        (redriven.state, redriven.attempt, redriven.retry_count),
        (State::Queued, 1, 1)
    );
    assert_eq!(give(&task, Action::Discard).state, State::Cancelled);
}

#[test]
fn after_a_revocation_nothing_of_the_old_holder_counts_in_any_order() {
    let task = leased(new_task());
    let old = token(&task, 2);
    let release = held(&task, 3, Action::Release);
    let next = give(
        &release,
        Action::Assign {
            assignee: agent("other"),
            lease: Some(TERMS),
        },
    );
    let expired = tick(&task, after(&task, 40)).expect("the lease ran out").task;
    for revoked in [
        give(&task, cancel()),
        give(&task, pause()),
        release,
        next,
        expired,
    ] {
        for action in [
            RENEW,
            begin(None),
            complete(None),
            failure(),
            submit(None),
            Action::Release,
            Action::RequestInput(Box::new(question("q9"))),
            Action::Progress(Progress::default()),
            Action::SaveCheckpoint {
                checkpoint: payload("c"),
            },
        ] {
            let name = action.name();
            let answer = ask(&revoked, old, action, revoked.update_time);
            assert_eq!(answer, Err(Rejection::LeaseLost), "{name} in {}", revoked.state);
        }
    }
}

#[test]
fn a_leased_task_moves_for_its_token_only() {
    let task = leased(new_task());
    let bare = ask(&task, None, complete(None), task.update_time);
    assert!(matches!(bare, Err(Rejection::LeaseRequired { .. })), "{bare:?}");
    let forged = Some(Token {
        fence: task.fence + 1,
        call: 5,
    });
    assert_eq!(
        ask(&task, forged, complete(None), task.update_time),
        Err(Rejection::LeaseLost)
    );
    // Whoever may stop it needs none.
    assert_eq!(give(&task, cancel()).state, State::Cancelled);
    let direct = give(&create(new_task(), &agent("author"), NOW).task, begin(None));
    assert_eq!(
        by_holder(&direct, 5, complete(None)),
        Err(Rejection::LeaseLost),
        "a direct assignment has no token"
    );
    let handed_in = give(&direct, submit(None));
    assert_eq!(
        by_holder(&handed_in, 5, complete(None)),
        Err(Rejection::LeaseLost)
    );
}

#[test]
fn a_holder_is_told_why_its_lease_is_gone() {
    let task = leased(new_task());
    let now = task.update_time;
    let tell = |task: &Task, draining| directive(task, 1, draining, now);
    assert_eq!(tell(&task, false), Directive::Continue);
    assert_eq!(tell(&task, true), Directive::Drain);
    assert_eq!(tell(&give(&task, cancel()), true), Directive::Cancel);
    let paused = give(&task, pause());
    assert_eq!(tell(&paused, false), Directive::Pause);
    assert_eq!(tell(&give(&paused, Action::Resume), false), Directive::Lost);
    assert_eq!(tell(&held(&task, 3, Action::Release), false), Directive::Lost);
    assert_eq!(tell(&held(&task, 3, complete(None)), false), Directive::Lost);
    assert_eq!(directive(&task, 1, false, after(&task, 30)), Directive::Lost);
    assert_eq!(directive(&give(&task, cancel()), 0, false, now), Directive::Lost);
}

#[test]
fn a_leased_holder_goes_with_its_lease_and_a_direct_one_stays() {
    let direct = give(&create(new_task(), &agent("author"), NOW).task, begin(None));
    let task = leased(new_task());
    let resumed = |task: &Task| give(&give(task, pause()), Action::Resume);
    assert_eq!(
        (resumed(&direct).state, resumed(&task).state),
        (State::Assigned, State::Queued)
    );
    let answer = || Action::ProvideInput {
        key: String::new(),
        input: payload("a"),
        text: None,
    };
    let asked = Action::RequestInput(Box::new(question("q9")));
    assert_eq!(
        give(&give(&direct, asked.clone()), answer()).state,
        State::InProgress
    );
    let asking = held(&task, 2, asked);
    assert_eq!(
        (asking.fence, asking.lease),
        (task.fence, None),
        "the fence ended, it was not revoked"
    );
    let answered = give(&asking, answer());
    assert_eq!((answered.state, answered.assignee), (State::Queued, None));
    let done = held(&task, 2, complete(None));
    assert_eq!(done.assignee, Some(agent("worker")), "it is known who did it");
}

#[test]
fn a_late_receipt_of_the_last_holder_counts() {
    let asking = held(
        &leased(new_task()),
        2,
        Action::RequestInput(Box::new(question("q9"))),
    );
    assert_eq!(
        standing(&asking, asking.fence, after(&asking, 9_999)),
        Standing::Ended
    );
    let done = ask(&asking, token(&asking, 3), complete(None), after(&asking, 9_999));
    assert_eq!(done.expect("it is still the newest").task.state, State::Completed);
    let review = held(&leased(new_task()), 2, submit(None));
    assert_eq!(held(&review, 3, failure()).state, State::Failed);
    let bare = ask(&review, None, complete(None), review.update_time);
    assert!(matches!(bare, Err(Rejection::LeaseRequired { .. })), "{bare:?}");
    let approved = give(
        &review,
        Action::Approve {
            message: String::new(),
        },
    );
    let late = by_holder(&approved, 3, complete(None));
    assert!(
        matches!(late, Err(Rejection::IllegalMove { .. })),
        "done is not reopened: {late:?}"
    );
}

#[test]
fn a_service_that_was_away_spares_what_it_could_not_hear_of() {
    let lease = Lease {
        duration: Span::from_secs(30),
        expire_time: NOW,
    };
    let resumed = NOW.plus(Span::from_secs(100));
    let spared = lease.spared(State::InProgress, resumed);
    assert_eq!(spared.expire_time, NOW.plus(Span::from_secs(115)));
    assert_eq!(
        spared.spared(State::InProgress, NOW),
        spared,
        "it never takes time away"
    );
    // Who has not begun yet may never have heard of it.
    let waits = lease.spared(State::Assigned, resumed);
    assert_eq!(waits.expire_time, NOW.plus(Span::from_secs(110)));
}

#[test]
fn a_holder_works_on_what_it_was_given() {
    let edit = || {
        Action::Update(Box::new(baton_domain::Edit {
            input: Some(None),
            ..baton_domain::Edit::default()
        }))
    };
    let refused = decide(&granted(new_task()), &Command::new(agent("boss"), edit()), NOW);
    assert!(
        matches!(refused, Err(Rejection::NotEditable { .. })),
        "{refused:?}"
    );
    let lapsed = tick(&granted(new_task()), after(&granted(new_task()), 10)).expect("it was not started");
    assert_eq!(give(&lapsed.task, edit()).input, None);
}

#[test]
fn a_task_that_is_full_of_events_is_run_to_an_end_and_not_again() {
    let full = |task: Task| Task {
        revision: EVENTS_PER_TASK,
        ..task
    };
    let queued = full(create(new_task(), &agent("author"), NOW).task);
    let assign = Action::Assign {
        assignee: agent("worker"),
        lease: Some(TERMS),
    };
    let granted = give(&queued, assign);
    assert_eq!(
        held(&held(&granted, 1, RENEW), 2, complete(None)).state,
        State::Completed
    );
    for task in [granted.clone(), held(&granted, 1, RENEW)] {
        let dead = tick(&task, after(&task, 30)).expect("the lease ran out").task;
        assert_eq!(
            (dead.state, dead.state_reason.as_ref()),
            (State::Dead, "event_limit")
        );
    }
    let told = by_holder(
        &held(&granted, 1, RENEW),
        2,
        Action::Progress(Progress::default()),
    );
    assert_eq!(told, Err(Rejection::EventLimit));
}

#[test]
fn a_direct_assignment_is_no_lease() {
    let queued = create(new_task(), &agent("author"), NOW).task;
    let assigned = give(
        &queued,
        Action::Assign {
            assignee: agent("worker"),
            lease: None,
        },
    );
    assert_eq!(assigned.lease, None);
    let refused = decide(&assigned, &Command::new(agent("worker"), begin(Some(TERMS))), NOW);
    assert!(
        matches!(refused, Err(Rejection::InvalidField { .. })),
        "{refused:?}"
    );
    let started = give(&queued, begin(Some(TERMS)));
    assert_eq!(started.lease_end(), Some(after(&started, 30)));
}
