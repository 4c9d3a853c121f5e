//! A command of every name, and tasks and commands where more than their state or name matters.

use crate::support::{
    NOW, TERMS, agent, begin, complete, failure, id, leased_states, no_verification, pause, payload,
    question, submit, waits_for,
};
use baton_domain::{
    Action, Command, CommandName, Dependency, Edit, FailureRule, InputRequest, Labels, Progress, Receipt,
    ReceiptStatus, Span, State, Task, Timeouts, Verification, When,
};

/// A command of every name.
pub(crate) fn command(name: CommandName) -> Command {
    let action = if name.is_of_holder() {
        of_holder(name)
    } else {
        of_others(name)
    };
    Command::new(agent("caller"), action)
}

fn of_holder(name: CommandName) -> Action {
    match name {
        CommandName::Start => begin(None),
        CommandName::Renew => Action::Renew {
            duration: None,
            progress: None,
        },
        CommandName::SaveCheckpoint => Action::SaveCheckpoint {
            checkpoint: payload("6"),
        },
        CommandName::AppendOutput => Action::AppendOutput {
            index: None,
            chunk: payload("7"),
        },
        CommandName::Progress => Action::Progress(Progress {
            percent: Some(50),
            ..Progress::default()
        }),
        CommandName::Complete => complete(None),
        CommandName::Fail => failure(),
        CommandName::Release => Action::Release,
        CommandName::Snooze => Action::Snooze(When::After(Span::from_secs(60))),
        CommandName::RequestInput => Action::RequestInput(Box::new(question("q2"))),
        CommandName::Submit => submit(None),
        _ => unreachable!("no holder asks {name}"),
    }
}

fn of_others(name: CommandName) -> Action {
    match name {
        CommandName::Queue => Action::Queue,
        CommandName::Schedule => Action::Schedule(When::After(Span::from_secs(60))),
        CommandName::Assign => Action::Assign {
            assignee: agent("worker"),
            lease: None,
        },
        CommandName::Supersede => Action::Supersede { by: id(9) },
        CommandName::Cancel => Action::Cancel {
            reason: "no longer needed".to_owned(),
        },
        CommandName::Retry => Action::Retry {
            input: Some(payload("4")),
            delay: Span::ZERO,
        },
        CommandName::Discard => Action::Discard,
        CommandName::Pause => pause(),
        CommandName::Resume => Action::Resume,
        CommandName::ProvideInput => Action::ProvideInput {
            key: String::new(),
            input: payload("5"),
            text: None,
        },
        CommandName::Approve => Action::Approve {
            message: String::new(),
        },
        CommandName::Rework => Action::Rework {
            message: "once more".to_owned(),
        },
        CommandName::Reject => Action::Reject {
            reason: "not good enough".to_owned(),
        },
        CommandName::Comment => Action::Comment {
            message: "found an edge case".to_owned(),
        },
        CommandName::AddDependency => Action::AddDependency(waits_for(3)),
        CommandName::RemoveDependency => Action::RemoveDependency { task_id: id(2) },
        CommandName::Update => Action::Update(Box::new(Edit {
            labels: Some(Labels::default()),
            ..Edit::default()
        })),
        CommandName::Delete => Action::Delete { force: false },
        CommandName::Tick => Action::Tick { jitter: 0.5 },
        CommandName::SettleDependency => Action::SettleDependency {
            task_id: id(2),
            result: State::Completed,
        },
        CommandName::CancelByParent => Action::CancelByParent,
        _ => unreachable!("a holder asks {name}"),
    }
}

/// The same task where more than its state matters: verified, retried by policy, held by nobody, paused elsewhere.
pub(crate) fn variants(task: &Task) -> Vec<Task> {
    let leased = leased_states().into_iter().map(|(_, task)| task);
    let leased = leased.filter(|leased| leased.state == task.state);
    let bases: Vec<_> = std::iter::once(task.clone()).chain(leased).collect();
    bases.iter().flat_map(variants_of).collect()
}

fn variants_of(task: &Task) -> Vec<Task> {
    let policy = baton_domain::RetryPolicy::default();
    let mut all = vec![
        task.clone(),
        Task {
            verification: Verification::Manual,
            ..task.clone()
        },
        Task {
            retry_policy: Some(policy.clone()),
            ..task.clone()
        },
        Task {
            retry_policy: Some(policy),
            attempt: 3,
            ..task.clone()
        },
        Task {
            assignee: None,
            leased: false,
            lease: None,
            ..task.clone()
        },
        Task {
            assignee: Some(agent("worker")),
            leased: false,
            lease: None,
            ..task.clone()
        },
        Task {
            dependencies: vec![waits_for(2), waits_for(4)],
            ..task.clone()
        },
    ];
    all.extend(limited(task));
    if task.state == State::Paused {
        all.extend(paused_elsewhere(task));
    }
    all
}

/// With time limits that are over a minute later.
fn limited(task: &Task) -> Vec<Task> {
    let second = Some(Span::from_secs(1));
    let mut all = Vec::new();
    all.push(Task {
        timeouts: Timeouts {
            queue: second,
            attempt: second,
            total: None,
        },
        ..task.clone()
    });
    all.push(Task {
        timeouts: Timeouts {
            total: second,
            ..Timeouts::default()
        },
        ..task.clone()
    });
    for receipt in [None, Some(Box::new(no_verification()))] {
        all.push(Task {
            verification: Verification::Receipt,
            verification_grace: second,
            receipt,
            ..task.clone()
        });
    }
    all
}

fn paused_elsewhere(task: &Task) -> Vec<Task> {
    let mut all = Vec::new();
    let from = [
        State::Pending,
        State::Scheduled,
        State::Queued,
        State::InputRequired,
        State::Review,
    ];
    all.extend(from.map(|from| Task {
        paused_from: Some(from),
        assignee: None,
        ..task.clone()
    }));
    let later = task.update_time.plus(Span::from_secs(600));
    all.push(Task {
        paused_from: Some(State::Queued),
        assignee: None,
        schedule_time: Some(later),
        ..task.clone()
    });
    all.push(Task {
        paused_from: Some(State::Blocked),
        dependencies: vec![waits_for(2)],
        ..task.clone()
    });
    all
}

/// Commands whose effect depends on what they carry.
pub(crate) fn command_variants(name: CommandName) -> Vec<Command> {
    let with = |action| Command::new(agent("caller"), action);
    let mut all = vec![command(name)];
    all.extend(holder_variants(name).into_iter().map(with));
    match name {
        CommandName::SettleDependency => {
            all.push(with(Action::SettleDependency {
                task_id: id(2),
                result: State::Failed,
            }));
        }
        CommandName::AddDependency => {
            let failed = Dependency {
                result: Some(State::Failed),
                ..waits_for(3)
            };
            all.push(with(Action::AddDependency(failed)));
            let cancel = Dependency {
                on_failure: FailureRule::Cancel,
                ..failed
            };
            all.push(with(Action::AddDependency(cancel)));
        }
        CommandName::Retry => {
            all.push(with(Action::Retry {
                input: None,
                delay: Span::from_secs(600),
            }));
        }
        _ => {}
    }
    all
}

fn holder_variants(name: CommandName) -> Vec<Action> {
    let mut all = Vec::new();
    match name {
        CommandName::Complete => {
            for status in ReceiptStatus::ALL {
                all.push(complete(Some(Receipt::new(*status))));
            }
            all.push(complete(Some(no_verification())));
        }
        CommandName::Submit => {
            all.push(submit(Some(Receipt::new(ReceiptStatus::Blocked))));
            all.push(submit(Some(Receipt::new(ReceiptStatus::Failed))));
        }
        CommandName::Renew => {
            let progress = Progress {
                percent: Some(10),
                ..Progress::default()
            };
            all.push(Action::Renew {
                duration: Some(Span::from_secs(60)),
                progress: Some(progress),
            });
        }
        CommandName::Assign => {
            all.push(Action::Assign {
                assignee: agent("worker"),
                lease: Some(TERMS),
            });
        }
        CommandName::Start => {
            all.push(Action::Start {
                assignee: None,
                lease: Some(TERMS),
                start_time: Some(NOW),
            });
        }
        CommandName::RequestInput => {
            let asked = InputRequest {
                deadline_time: Some(NOW.plus(Span::from_secs(90))),
                ..question("q3")
            };
            all.push(Action::RequestInput(Box::new(InputRequest {
                default_input: Some(payload("8")),
                key: "q4".to_owned(),
                ..asked.clone()
            })));
            all.push(Action::RequestInput(Box::new(asked)));
        }
        _ => {}
    }
    all
}
