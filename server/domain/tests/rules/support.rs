//! A task in every state and a command of every name, reached through the rules themselves.

use baton_domain::{
    Action, Actor, ActorType, AttemptOutcome, Command, CommandName, Dependency, Edit, FailureRule,
    InputRequest, Labels, NewTask, Payload, PayloadKind, Priority, Progress, Span, State, Task, TaskError,
    TaskId, Timestamp, Verification, When, create, decide,
};
use uuid::Uuid;

pub(crate) const NOW: Timestamp = Timestamp::from_micros(1_000_000_000);

pub(crate) fn id(n: u128) -> TaskId {
    TaskId(Uuid::from_u128(n))
}

pub(crate) fn agent(name: &str) -> Actor {
    Actor {
        kind: ActorType::Agent,
        id: name.to_owned(),
        name: String::new(),
    }
}

pub(crate) fn payload(text: &str) -> Payload {
    Payload {
        kind: PayloadKind::JsonText,
        media_type: String::new(),
        version: 0,
        size: 1,
        sha256: [7; 32],
        body: Some(text.to_owned().into_bytes().into()),
    }
}

pub(crate) fn new_task() -> NewTask {
    NewTask {
        id: id(1),
        namespace: "default".to_owned(),
        queue: "default".to_owned(),
        task_type: "report".to_owned(),
        function: None,
        title: String::new(),
        description: String::new(),
        input: Some(payload("1")),
        priority: Priority::Normal,
        labels: Labels::default(),
        metadata: None,
        assignee: None,
        parent_id: None,
        dependencies: Vec::new(),
        schedule: None,
        retry_policy: None,
        verification: Verification::None,
        spec_hash: [0; 32],
        hold: false,
    }
}

pub(crate) fn waits_for(n: u128) -> Dependency {
    Dependency {
        task_id: id(n),
        on_failure: FailureRule::Fail,
        result: None,
    }
}

pub(crate) fn give(task: &Task, action: Action) -> Task {
    let name = action.name();
    let outcome = decide(
        task,
        &Command {
            actor: agent("worker"),
            action,
        },
        task.update_time,
    );
    outcome
        .unwrap_or_else(|e| panic!("{name} in {}: {e}", task.state))
        .task
}

pub(crate) fn question(key: &str) -> InputRequest {
    InputRequest {
        key: key.to_owned(),
        prompt: "which one?".to_owned(),
        choices: Vec::new(),
        answer: None,
        answerer: None,
    }
}

pub(crate) fn failure() -> Action {
    Action::Fail {
        error: TaskError {
            code: "BOOM".to_owned(),
            ..TaskError::default()
        },
        outcome: AttemptOutcome::Error,
        jitter: 0.5,
    }
}

/// A task in `state`, brought there by commands.
pub(crate) fn task_in(state: State) -> Task {
    let created = |new: NewTask| create(new, &agent("author"), NOW).task;
    let queued = || created(new_task());
    let running = || give(&queued(), Action::Start { assignee: None });
    match state {
        State::Pending => created(NewTask {
            hold: true,
            ..new_task()
        }),
        State::Scheduled => created(NewTask {
            schedule: Some(When::After(Span::from_secs(60))),
            ..new_task()
        }),
        State::Queued => queued(),
        State::Assigned => give(
            &queued(),
            Action::Assign {
                assignee: agent("worker"),
            },
        ),
        State::InProgress => running(),
        State::Blocked => created(NewTask {
            dependencies: vec![waits_for(2)],
            ..new_task()
        }),
        State::Paused => give(
            &running(),
            Action::Pause {
                reason: String::new(),
            },
        ),
        State::InputRequired => give(&running(), Action::RequestInput(question("q1"))),
        State::Review => give(
            &running(),
            Action::Submit {
                output: Some(payload("2")),
            },
        ),
        State::Completed => give(
            &running(),
            Action::Complete {
                output: Some(payload("2")),
            },
        ),
        State::Failed => give(&running(), failure()),
        State::Dead => {
            let policy = baton_domain::RetryPolicy {
                max_attempts: Some(1),
                ..Default::default()
            };
            let task = created(NewTask {
                retry_policy: Some(policy),
                ..new_task()
            });
            give(&give(&task, Action::Start { assignee: None }), failure())
        }
        State::Cancelled => give(
            &queued(),
            Action::Cancel {
                reason: String::new(),
            },
        ),
    }
}

/// A command of every name.
pub(crate) fn command(name: CommandName) -> Command {
    let action = match name {
        CommandName::Queue => Action::Queue,
        CommandName::Schedule => Action::Schedule(When::After(Span::from_secs(60))),
        CommandName::Assign => Action::Assign {
            assignee: agent("worker"),
        },
        CommandName::Start => Action::Start { assignee: None },
        CommandName::Progress => Action::Progress(Progress {
            percent: Some(50),
            ..Progress::default()
        }),
        CommandName::Complete => Action::Complete {
            output: Some(payload("3")),
        },
        CommandName::Fail => failure(),
        CommandName::Cancel => Action::Cancel {
            reason: "no longer needed".to_owned(),
        },
        CommandName::Retry => Action::Retry {
            input: Some(payload("4")),
            delay: Span::ZERO,
        },
        CommandName::Discard => Action::Discard,
        CommandName::Pause => Action::Pause {
            reason: String::new(),
        },
        CommandName::Resume => Action::Resume,
        CommandName::Release => Action::Release,
        CommandName::Snooze => Action::Snooze(When::After(Span::from_secs(60))),
        CommandName::RequestInput => Action::RequestInput(question("q2")),
        CommandName::ProvideInput => Action::ProvideInput {
            key: String::new(),
            input: payload("5"),
            text: None,
        },
        CommandName::Submit => Action::Submit { output: None },
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
        CommandName::Tick => Action::Tick,
        CommandName::SettleDependency => Action::SettleDependency {
            task_id: id(2),
            result: State::Completed,
        },
        CommandName::CancelByParent => Action::CancelByParent,
    };
    Command {
        actor: agent("caller"),
        action,
    }
}

/// The same task where more than its state matters: verified, retried by policy, held by nobody, paused elsewhere.
pub(crate) fn variants(task: &Task) -> Vec<Task> {
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
            ..task.clone()
        },
        Task {
            assignee: Some(agent("worker")),
            ..task.clone()
        },
        Task {
            dependencies: vec![waits_for(2), waits_for(4)],
            ..task.clone()
        },
    ];
    if task.state == State::Paused {
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
    }
    all
}

/// Commands whose effect depends on what they carry.
pub(crate) fn command_variants(name: CommandName) -> Vec<Command> {
    let with = |action| Command {
        actor: agent("caller"),
        action,
    };
    let mut all = vec![command(name)];
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
