//! A task is the fold of its events, whatever is asked of it in whatever order.

use crate::support::{NOW, agent, command_variants, new_task, waits_for};
use baton_domain::apply::fold;
use baton_domain::{
    Action, Command, CommandName, Event, FailureRule, NewTask, Span, State, Timestamp, Verification, When,
    create, decide,
};
use proptest::prelude::*;

fn commands() -> impl Strategy<Value = Vec<(Command, i64)>> {
    let one = (
        0..CommandName::ALL.len(),
        any::<prop::sample::Index>(),
        0_i64..200_000_000,
    )
        .prop_map(|(n, pick, wait)| {
            let all = command_variants(CommandName::ALL[n]);
            (pick.get(&all).clone(), wait)
        });
    prop::collection::vec(one, 0..60)
}

fn beginnings() -> impl Strategy<Value = NewTask> {
    (
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
    )
        .prop_map(|(hold, scheduled, waits, assigned, verified)| NewTask {
            hold,
            schedule: scheduled.then_some(When::After(Span::from_secs(60))),
            dependencies: if waits { vec![waits_for(2)] } else { Vec::new() },
            assignee: assigned.then(|| agent("worker")),
            verification: if verified {
                Verification::Manual
            } else {
                Verification::None
            },
            retry_policy: verified.then(Default::default),
            ..new_task()
        })
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
        let mut now = NOW;
        for (command, wait) in commands {
            now = Timestamp::from_micros(now.as_micros() + wait);
            if matches!(command.action, Action::Delete { .. }) {
                continue;
            }
            let before = task.clone();
            match decide(&task, &command, now) {
                Ok(outcome) => {
                    prop_assert!(!outcome.events.is_empty(), "a command that is accepted is an event");
                    prop_assert!(!matches!(before.state, State::Completed | State::Cancelled)
                        || outcome.task.state == before.state, "final stays final");
                    task = outcome.task;
                    events.extend(outcome.events);
                }
                Err(_) => prop_assert_eq!(&before, &task, "a refusal changes nothing"),
            }
        }
        check_log(&events);
        prop_assert_eq!(task.revision, events.len() as i64);
        prop_assert_eq!(fold(&events), Some(task));
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
    let settle = |result| Command {
        actor: baton_domain::Actor::system(),
        action: Action::SettleDependency {
            task_id: waits_for(2).task_id,
            result,
        },
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
