//! Calls of holders that come again, and reports that start and end in one.

use crate::support::{
    NOW, TERMS, after, agent, ask, begin, by_holder, complete, failure, give, granted, held, leased,
    new_task, pause, question, submit, token,
};
use baton_domain::{Action, Command, EventType, Progress, Rejection, Span, State, Token, When, report};

#[test]
fn a_call_that_is_repeated_with_its_token_is_answered_once_more() {
    let task = leased(new_task());
    for action in [
        complete(None),
        failure(),
        submit(None),
        Action::Release,
        Action::Snooze(When::After(Span::from_secs(60))),
        Action::RequestInput(Box::new(question("q9"))),
    ] {
        let shown = token(&task, 77);
        let done = ask(&task, shown, action.clone(), task.update_time).expect("the lease is live");
        let again = ask(&done.task, shown, action.clone(), after(&task, 600)).expect("it was done");
        assert!(again.replayed && again.events.is_empty() && again.task == done.task);
        let other = Some(Token {
            call: 78,
            ..shown.expect("it has a token")
        });
        let other = ask(
            &done.task,
            other,
            Action::Snooze(When::After(Span::ZERO)),
            after(&task, 600),
        );
        assert!(
            other.is_err(),
            "another call with that token is not that one: {other:?}"
        );
    }
}

#[test]
fn a_start_is_repeated_only_while_it_holds() {
    let task = granted(new_task());
    let started = held(&task, 4, begin(None));
    let again = by_holder(&started, 4, begin(None)).expect("it was started");
    assert!(again.replayed);
    let revoked = give(&started, pause());
    let old = token(&started, 4);
    let late = ask(&revoked, old, begin(None), revoked.update_time);
    assert_eq!(
        late,
        Err(Rejection::LeaseLost),
        "who starts must not believe that it holds"
    );
}

#[test]
fn a_start_finds_that_the_work_has_begun() {
    let task = granted(new_task());
    // A renewal or another start came first; the token is the same.
    let renewal = Action::Renew {
        duration: None,
        progress: None,
    };
    let started = held(&task, 4, renewal);
    let again = by_holder(&started, 5, begin(None)).expect("the lease is live");
    assert!(again.replayed && again.events.is_empty() && again.task == started);
    let anew = by_holder(&started, 5, begin(Some(TERMS)));
    assert!(anew.is_err(), "a lease that stands is not granted: {anew:?}");
    let named = Action::Start {
        assignee: Some(agent("another")),
        lease: None,
        start_time: None,
    };
    assert!(by_holder(&started, 5, named).is_err(), "somebody else holds it");
}

#[test]
fn what_ended_a_lease_is_repeated_also_behind_a_late_receipt() {
    let task = leased(new_task());
    let question = Action::RequestInput(Box::new(question("q9")));
    for handover in [submit(None), question] {
        let shown = |call| token(&task, call);
        let at = task.update_time;
        let handed = ask(&task, shown(7), handover.clone(), at).expect("the lease is live");
        let late = ask(&handed.task, shown(8), complete(None), at).expect("a late receipt counts");
        for (call, action) in [(7, handover), (8, complete(None))] {
            let again = ask(&late.task, shown(call), action, at).expect("it was done");
            assert!(again.replayed && again.task == late.task);
        }
        let other = ask(&late.task, shown(9), submit(None), at);
        assert!(other.is_err(), "{other:?}");
    }
}

#[test]
fn progress_that_stands_is_not_told_again_by_token() {
    let task = leased(new_task());
    let tell = |percent| {
        Action::Progress(Progress {
            percent: Some(percent),
            ..Progress::default()
        })
    };
    let told = held(&task, 4, tell(5));
    let again = by_holder(&told, 4, tell(5)).expect("the lease is live");
    assert!(again.replayed && again.events.is_empty() && again.task == told);
    let more = by_holder(&told, 4, tell(6)).expect("the lease is live");
    assert!(!more.replayed);
}

#[test]
fn a_report_starts_and_ends_in_one() {
    let task = granted(new_task());
    let command = Command {
        actor: agent("worker"),
        token: token(&task, 6),
        action: complete(None),
    };
    let began = Some(after(&task, 1));
    let done = report(&task, &command, began, None, after(&task, 5)).expect("the lease is live");
    let kinds: Vec<_> = done.events.iter().map(|e| e.kind).collect();
    assert_eq!(kinds, [EventType::Started, EventType::Completed]);
    assert_eq!((done.task.start_time, done.task.state), (began, State::Completed));
    assert_eq!(done.task.duration(), Some(Span::from_secs(4)));
    let again = report(&done.task, &command, began, None, after(&task, 9)).expect("it was done");
    assert!(again.replayed);
    let early = report(
        &task,
        &command,
        Some(NOW.minus(Span::from_secs(9))),
        None,
        after(&task, 5),
    );
    let start_time = early.expect("the lease is live").task.start_time;
    assert_eq!(
        start_time,
        Some(task.update_time),
        "nobody begins before the grant"
    );
    let release = Command {
        action: Action::Release,
        ..command.clone()
    };
    let released = report(&task, &release, began, None, after(&task, 5)).expect("the lease is live");
    assert_eq!(
        released.task.execution_count, 0,
        "what is given back unstarted was not run"
    );
    assert_eq!(
        report(&task, &command, began, None, after(&task, 10)),
        Err(Rejection::LeaseLost)
    );
}
