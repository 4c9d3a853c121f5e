//! What the passing of time decides: timeouts, and the time left over a pause.

use crate::support::{NOW, agent, begin, held, leased, new_task, pause, payload, question, tick};
use baton_domain::{
    Action, AttemptOutcome, Command, Detail, InputRequest, NewTask, Rejection, RetryPolicy, Span, State,
    Task, Timeouts, Timestamp, create, decide,
};

const MINUTE: Option<Span> = Some(Span::from_secs(60));

fn at(seconds: i64) -> Timestamp {
    NOW.plus(Span::from_secs(seconds))
}

fn limited(timeouts: Timeouts) -> Task {
    let new = NewTask {
        timeouts,
        ..new_task()
    };
    create(new, &agent("author"), NOW).task
}

fn queue_limit() -> Timeouts {
    Timeouts {
        queue: MINUTE,
        ..Timeouts::default()
    }
}

fn attempt_limit() -> Timeouts {
    Timeouts {
        attempt: MINUTE,
        ..Timeouts::default()
    }
}

fn ask(task: &Task, action: Action, at: Timestamp) -> Task {
    let outcome = decide(task, &Command::new(agent("worker"), action), at);
    outcome.expect("it may be asked").task
}

fn error_of(task: &Task) -> &str {
    task.error.as_ref().map_or("", |error| error.code.as_str())
}

#[test]
fn nobody_takes_it_in_time() {
    let task = limited(queue_limit());
    assert_eq!(task.wake_time(), Some(at(60)));
    assert_eq!(tick(&task, at(59)), Err(Rejection::NothingDue));
    let expired = tick(&task, at(60)).expect("it is due").task;
    assert_eq!(
        (expired.state, expired.state_reason.as_ref()),
        (State::Failed, "expired")
    );
    assert_eq!(error_of(&expired), "QUEUE_TIMEOUT");
    let taken = ask(&task, begin(None), at(59));
    assert_eq!(taken.wake_time(), None, "it was taken");
}

#[test]
fn an_attempt_that_takes_too_long_is_retried_and_its_holder_loses_it() {
    let new = NewTask {
        timeouts: attempt_limit(),
        ..new_task()
    };
    let task = leased(new);
    let renewed = (1..5).fold(task.clone(), |task, n| {
        let command = Command {
            actor: agent("worker"),
            token: crate::support::token(&task, n),
            action: Action::Renew {
                duration: None,
                progress: None,
            },
        };
        decide(&task, &command, at(n * 14)).expect("it is renewed").task
    });
    assert_eq!(
        renewed.wake_time(),
        Some(at(60)),
        "renewals do not stretch an attempt"
    );
    let late = tick(&renewed, at(60)).expect("it is due");
    let Some(Detail::Failure { outcome, .. }) = late.events.last().map(|event| &event.detail) else {
        panic!("{:?}", late.events)
    };
    assert_eq!(*outcome, AttemptOutcome::Timeout);
    assert_eq!((late.task.state, late.task.attempt), (State::Scheduled, 2));
    assert_eq!(late.task.fence, task.fence + 1, "its holder is revoked");
}

#[test]
fn a_direct_assignee_keeps_a_task_that_timed_out() {
    let task = ask(&limited(attempt_limit()), begin(None), at(0));
    let late = tick(&task, at(60)).expect("it is due").task;
    assert_eq!(
        (late.state, late.assignee),
        (State::Scheduled, Some(agent("worker")))
    );
    let policy = RetryPolicy {
        max_attempts: Some(1),
        ..RetryPolicy::default()
    };
    let once = Task {
        retry_policy: Some(policy),
        ..task
    };
    assert_eq!(tick(&once, at(60)).expect("it is due").task.state, State::Dead);
}

#[test]
fn the_total_time_counts_everything_and_begins_anew_with_a_retry() {
    let task = limited(Timeouts {
        total: MINUTE,
        ..Timeouts::default()
    });
    let paused = ask(&task, pause(), at(30));
    assert_eq!(paused.wake_time(), Some(at(60)), "a pause does not stop it");
    let expired = tick(&paused, at(60)).expect("it is due").task;
    assert_eq!(
        (expired.state, error_of(&expired)),
        (State::Failed, "TOTAL_TIMEOUT")
    );
    assert_eq!((expired.paused_from, expired.wake_time()), (None, None));
    let again = ask(
        &expired,
        Action::Retry {
            input: None,
            delay: Span::ZERO,
        },
        at(100),
    );
    assert_eq!(again.wake_time(), Some(at(160)));
}

#[test]
fn what_was_due_first_happens_first() {
    let task = limited(Timeouts {
        queue: Some(Span::from_secs(20)),
        total: MINUTE,
        ..Timeouts::default()
    });
    let expired = tick(&task, at(900)).expect("both are due").task;
    assert_eq!(error_of(&expired), "QUEUE_TIMEOUT");
    let worked = leased(NewTask {
        timeouts: Timeouts {
            total: MINUTE,
            ..Timeouts::default()
        },
        ..new_task()
    });
    let first = tick(&worked, at(900)).expect("lease and total are due").task;
    assert_eq!(
        (first.state, error_of(&first)),
        (State::Scheduled, "LEASE_EXPIRED")
    );
    let second = tick(&first, at(900)).expect("the total is due").task;
    assert_eq!(
        (second.state, error_of(&second)),
        (State::Failed, "TOTAL_TIMEOUT")
    );
}

#[test]
fn a_pause_keeps_what_was_left() {
    let queued = limited(queue_limit());
    let resumed = ask(&ask(&queued, pause(), at(50)), Action::Resume, at(500));
    assert_eq!(
        (resumed.state, resumed.wake_time()),
        (State::Queued, Some(at(510)))
    );
    let running = ask(&limited(attempt_limit()), begin(None), at(0));
    let resumed = ask(&ask(&running, pause(), at(50)), Action::Resume, at(500));
    assert_eq!((resumed.state, resumed.wake_time()), (State::Assigned, None));
    let again = ask(&ask(&resumed, pause(), at(600)), Action::Resume, at(700));
    let going_on = ask(&again, begin(None), at(800));
    assert_eq!(
        going_on.wake_time(),
        Some(at(810)),
        "its assignee goes on with the same attempt"
    );
    let answered = NewTask {
        timeouts: attempt_limit(),
        ..new_task()
    };
    let lent = leased(answered);
    let back = ask(&ask(&lent, pause(), at(20)), Action::Resume, at(30));
    let assign = Action::Start {
        assignee: None,
        lease: Some(crate::support::TERMS),
        start_time: None,
    };
    let other = ask(&back, assign, at(40));
    assert_eq!(other.wake_time(), Some(at(100)), "another worker begins anew");
}

#[test]
fn a_timeout_may_be_changed_while_it_counts() {
    let task = limited(queue_limit());
    let edit = baton_domain::Edit {
        timeouts: Some(Timeouts {
            queue: Some(Span::from_secs(90)),
            ..Timeouts::default()
        }),
        ..baton_domain::Edit::default()
    };
    let edited = ask(&task, Action::Update(Box::new(edit)), at(50));
    assert_eq!(edited.wake_time(), Some(at(90)));
}

fn asked(default_input: Option<baton_domain::Payload>) -> Task {
    let request = InputRequest {
        deadline_time: Some(at(60)),
        default_input,
        ..question("q9")
    };
    held(&leased(new_task()), 2, Action::RequestInput(Box::new(request)))
}

#[test]
fn the_default_answers_a_question_that_nobody_answered() {
    let task = asked(Some(payload("yes")));
    assert_eq!(task.wake_time(), Some(at(60)));
    let answered = tick(&task, at(60)).expect("it is due").task;
    assert_eq!(
        (answered.state, answered.state_reason.as_ref()),
        (State::Queued, "input_provided")
    );
    let request = answered.input_requests.last().expect("it was asked");
    assert_eq!(
        request.answer.as_ref().and_then(|a| a.body.clone()),
        payload("yes").body
    );
    assert_eq!(request.answerer, Some(baton_domain::Actor::system()));
}

#[test]
fn a_question_without_default_fails_its_task_at_the_deadline() {
    let expired = tick(&asked(None), at(60)).expect("it is due").task;
    assert_eq!(
        (expired.state, expired.state_reason.as_ref()),
        (State::Failed, "input_expired")
    );
    let resumed = ask(&ask(&asked(None), pause(), at(50)), Action::Resume, at(90));
    assert_eq!(resumed.wake_time(), Some(at(100)), "a pause moves the deadline");
}
