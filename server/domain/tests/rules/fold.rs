//! A task is the fold of its events, whatever is asked of it in whatever order.

use crate::samples::command_variants;
use crate::support::{NOW, agent, new_task, waits_for};
use baton_domain::apply::fold;
use baton_domain::run::{changes, runs};
use baton_domain::{
    Action, Command, CommandName, Event, FailureRule, NewTask, Rejection, Run, RunChange, Span, State, Task,
    Timeouts, Timestamp, Token, Verification, When, create, decide,
};
use proptest::prelude::*;

/// Something that is asked: what, how long after the last, and with which token.
#[derive(Clone, Debug)]
struct Ask {
    command: Command,
    wait: i64,
    /// `None`: without a token; else how far behind the newest fence, and the call.
    token: Option<(i64, i64)>,
}

fn commands() -> impl Strategy<Value = Vec<Ask>> {
    let token = prop::option::weighted(0.7, (prop_oneof![4 => Just(0_i64), 1 => 1_i64..3], 0_i64..50));
    let wait = prop_oneof![0_i64..20_000_000, 0_i64..200_000_000];
    let one = (
        0..CommandName::ALL.len(),
        any::<prop::sample::Index>(),
        wait,
        token,
    )
        .prop_map(|(n, pick, wait, token)| {
            let all = command_variants(CommandName::ALL[n]);
            Ask {
                command: pick.get(&all).clone(),
                wait,
                token,
            }
        });
    prop::collection::vec(one, 0..60)
}

/// Without what no event carries.
fn folded(task: &Task) -> Task {
    Task {
        lease: None,
        last_call: None,
        handover_call: None,
        ..task.clone()
    }
}

fn beginnings() -> impl Strategy<Value = NewTask> {
    (
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
        prop::sample::select(Verification::ALL),
        prop::option::of(0_i64..100),
    )
        .prop_map(
            |(hold, scheduled, waits, assigned, verification, limit)| NewTask {
                hold,
                schedule: scheduled.then_some(When::After(Span::from_secs(60))),
                dependencies: if waits { vec![waits_for(2)] } else { Vec::new() },
                assignee: assigned.then(|| agent("worker")),
                verification,
                retry_policy: (verification != Verification::None).then(Default::default),
                timeouts: Timeouts {
                    queue: limit.map(Span::from_secs),
                    attempt: limit.map(|limit| Span::from_secs(limit / 2)),
                    total: limit.map(|limit| Span::from_secs(limit * 10)),
                },
                ..new_task()
            },
        )
}

fn check_log(events: &[Event]) {
    for (n, event) in events.iter().enumerate() {
        assert_eq!(event.sequence, n as i64 + 1, "sequences have no hole");
        if n > 0 {
            assert_eq!(
                event.from_state,
                Some(events[n - 1].to_state),
                "each event begins where the last one ended"
            );
            assert!(event.time >= events[n - 1].time && event.fence >= events[n - 1].fence);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]
    #[test]
    fn folding_the_events_gives_the_task(new in beginnings(), commands in commands()) {
        let begun = create(new, &agent("author"), NOW);
        let (mut task, mut events) = (begun.task, begun.events);
        let mut kept: Vec<Run> = Vec::new();
        let mut now = NOW;
        for Ask { command, wait, token } in commands {
            now = Timestamp::from_micros(now.as_micros() + wait);
            if matches!(command.action, Action::Delete { .. }) {
                continue;
            }
            let token = token.map(|(behind, call)| Token { fence: task.fence - behind, call });
            let command = Command { token, ..command };
            let Ok(outcome) = decide(&task, &command, now) else { continue };
            check_answer(&task, &command, &outcome.events, &outcome.task, now)?;
            keep(&mut kept, changes(&task, &outcome.events));
            task = outcome.task;
            events.extend(outcome.events);
        }
        check_log(&events);
        prop_assert_eq!(task.revision, events.len() as i64);
        prop_assert_eq!(fold(&events).map(|t| folded(&t)), Some(folded(&task)));
        prop_assert_eq!(&runs(&events), &kept, "a store that keeps runs has those of the log");
        prop_assert_eq!(kept.len(), usize::try_from(task.run_count).expect("it counts up"));
        let open = kept.iter().filter(|run| run.end.is_none()).count();
        prop_assert_eq!(open, usize::from(task.state == State::InProgress), "a run lasts while its task does");
    }
}

/// What holds of every command that is accepted.
fn check_answer(
    before: &Task,
    command: &Command,
    events: &[Event],
    after: &Task,
    now: Timestamp,
) -> Result<(), TestCaseError> {
    let name = command.action.name();
    if events.is_empty() {
        let still = Task {
            lease: before.lease,
            ..after.clone()
        };
        prop_assert_eq!(&still, before, "without an event only the lease may change");
        prop_assert!(name.is_of_holder());
    }
    let last = matches!(before.state, State::Completed | State::Cancelled);
    prop_assert!(!last || after.state == before.state, "final stays final");
    if let (true, Some(token)) = (name.is_of_holder() && !events.is_empty(), command.token) {
        prop_assert_eq!(token.fence, before.fence, "a revoked token changes nothing");
        let ran_out = before.lease.is_some_and(|lease| lease.expire_time <= now);
        prop_assert!(!ran_out, "nor does one that ran out");
    }
    let held = matches!(after.state, State::Assigned | State::InProgress) && after.leased;
    prop_assert_eq!(
        after.lease.is_some(),
        held,
        "a lease is live while its holder works"
    );
    prop_assert!(!after.leased || after.assignee.is_some(), "somebody leased it");
    let due = after.wake_time().is_some_and(|time| time <= now);
    let command = Command::new(baton_domain::Actor::system(), Action::Tick { jitter: 0.0 });
    let ticked = decide(after, &command, now);
    prop_assert!(!due || ticked.is_ok(), "what is due can be done: {:?}", ticked);
    prop_assert!(
        due || after.lease_end().is_some_and(|end| end <= now) || ticked == Err(Rejection::NothingDue),
        "what is not due is not done"
    );
    Ok(())
}

/// As a store keeps them.
fn keep(kept: &mut Vec<Run>, changes: Vec<RunChange>) {
    for change in changes {
        match change {
            RunChange::Begin(run) => kept.push(*run),
            RunChange::End { number, end, .. } => {
                let run = kept
                    .iter_mut()
                    .find(|run| run.number == number)
                    .expect("it began");
                run.end = Some(*end);
            }
        }
    }
}

#[test]
fn a_settled_dependency_moves_only_a_task_that_waits() {
    let waiting = create(
        NewTask {
            dependencies: vec![waits_for(2)],
            ..new_task()
        },
        &agent("author"),
        NOW,
    )
    .task;
    let settle = |result| {
        let action = Action::SettleDependency {
            task_id: waits_for(2).task_id,
            result,
        };
        Command::new(baton_domain::Actor::system(), action)
    };
    let settled = |result| decide(&waiting, &settle(result), NOW).expect("it waits").task;
    assert_eq!(settled(State::Completed).state, State::Queued);
    let failed = settled(State::Cancelled);
    assert_eq!(
        (failed.state, failed.error.expect("it says why").code.as_str()),
        (State::Failed, "DEPENDENCY_FAILED")
    );
    assert!(
        decide(&settled(State::Completed), &settle(State::Failed), NOW).is_err(),
        "it is settled once"
    );
}

#[test]
fn the_failure_rule_decides_what_a_failed_dependency_does() {
    for (rule, expected) in [
        (FailureRule::Fail, State::Failed),
        (FailureRule::Cancel, State::Cancelled),
        (FailureRule::Continue, State::Queued),
    ] {
        let dependency = baton_domain::Dependency {
            on_failure: rule,
            result: Some(State::Dead),
            ..waits_for(2)
        };
        let task = create(
            NewTask {
                dependencies: vec![dependency],
                ..new_task()
            },
            &agent("author"),
            NOW,
        )
        .task;
        assert_eq!(task.state, expected, "{rule}");
    }
}
