//! Tasks in every state, reached through the rules themselves, and what they are made of.

use baton_domain::{
    Action, Actor, ActorType, AttemptOutcome, Command, Dependency, FailureRule, InputRequest, Labels,
    NewTask, Outcome, Payload, PayloadKind, Priority, Receipt, ReceiptStatus, Rejection, Span, State, Task,
    TaskError, TaskId, Terms, Timeouts, Timestamp, Token, Verification, When, create, decide,
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
        priority: Some(Priority::Normal),
        labels: Labels::default(),
        metadata: None,
        assignee: None,
        parent_id: None,
        dependencies: Vec::new(),
        schedule: None,
        retry_policy: None,
        timeouts: Timeouts::default(),
        verification: Verification::None,
        verification_grace: None,
        dedup: None,
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
    let outcome = decide(task, &Command::new(agent("worker"), action), task.update_time);
    outcome
        .unwrap_or_else(|e| panic!("{name} in {}: {e}", task.state))
        .task
}

/// A lease of 30 seconds, to be started within 10.
pub(crate) const TERMS: Terms = Terms {
    duration: Span::from_secs(30),
    acknowledge: Span::from_secs(10),
};

/// The token of the newest grant.
pub(crate) fn token(task: &Task, call: i64) -> Option<Token> {
    Some(Token {
        fence: task.fence,
        call,
    })
}

pub(crate) fn begin(lease: Option<Terms>) -> Action {
    Action::Start {
        assignee: None,
        lease,
        start_time: None,
    }
}

pub(crate) fn complete(receipt: Option<Receipt>) -> Action {
    Action::Complete {
        output: Some(payload("3")),
        receipt: receipt.map(Box::new),
        jitter: 0.5,
    }
}

pub(crate) fn submit(receipt: Option<Receipt>) -> Action {
    Action::Submit {
        output: Some(payload("2")),
        receipt: receipt.map(Box::new),
        jitter: 0.5,
    }
}

pub(crate) fn no_verification() -> Receipt {
    Receipt {
        no_verification: true,
        ..Receipt::new(ReceiptStatus::Completed)
    }
}

pub(crate) fn question(key: &str) -> InputRequest {
    InputRequest::new(key.to_owned(), "which one?".to_owned())
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

/// A task that a worker was given a lease of, and has not started.
pub(crate) fn granted(new: NewTask) -> Task {
    let assign = Action::Assign {
        assignee: agent("worker"),
        lease: Some(TERMS),
    };
    give(&create(new, &agent("author"), NOW).task, assign)
}

/// A task that a worker has leased and started: its token is [`token`].
pub(crate) fn leased(new: NewTask) -> Task {
    held(
        &granted(new),
        1,
        Action::Renew {
            duration: None,
            progress: None,
        },
    )
}

/// What `action` of the newest holder makes of its task.
pub(crate) fn held(task: &Task, call: i64, action: Action) -> Task {
    let name = action.name();
    by_holder(task, call, action)
        .unwrap_or_else(|e| panic!("{name} in {}: {e}", task.state))
        .task
}

/// What the newest holder is answered.
pub(crate) fn by_holder(task: &Task, call: i64, action: Action) -> Result<Outcome, Rejection> {
    ask(task, token(task, call), action, task.update_time)
}

/// What the worker is answered at `at` that shows `token`.
pub(crate) fn ask(
    task: &Task,
    token: Option<Token>,
    action: Action,
    at: Timestamp,
) -> Result<Outcome, Rejection> {
    let command = Command {
        actor: agent("worker"),
        token,
        action,
    };
    decide(task, &command, at)
}

pub(crate) fn cancel() -> Action {
    Action::Cancel {
        reason: String::new(),
    }
}

pub(crate) fn pause() -> Action {
    Action::Pause {
        reason: String::new(),
    }
}

/// So many seconds after the last event of the task.
pub(crate) fn after(task: &Task, seconds: i64) -> Timestamp {
    task.update_time.plus(Span::from_secs(seconds))
}

/// What time alone does at `at`, told when it was last asked.
pub(crate) fn tick(task: &Task, at: Timestamp) -> Result<Outcome, Rejection> {
    let command = Command::new(Actor::system(), Action::Tick { jitter: 0.0 });
    decide(task, &command, at)
}

/// A task in every state that a lease brings it to, by name.
pub(crate) fn leased_states() -> Vec<(&'static str, Task)> {
    let running = leased(new_task());
    let review = held(&running, 2, submit(None));
    let asking = held(&running, 2, Action::RequestInput(Box::new(question("q1"))));
    vec![
        ("leased", granted(new_task())),
        ("leased and started", running.clone()),
        ("asked by its holder", asking),
        ("paused while reviewed", give(&review, pause())),
        ("handed in by its holder", review),
        ("paused while started", give(&running, pause())),
        ("completed by its holder", held(&running, 2, complete(None))),
        ("failed by its holder", held(&running, 2, failure())),
    ]
}

/// A task in `state`, brought there by commands.
pub(crate) fn task_in(state: State) -> Task {
    let created = |new: NewTask| create(new, &agent("author"), NOW).task;
    let queued = || created(new_task());
    let running = || give(&queued(), begin(None));
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
                lease: None,
            },
        ),
        State::InProgress => running(),
        State::Blocked => created(NewTask {
            dependencies: vec![waits_for(2)],
            ..new_task()
        }),
        State::Paused => give(&running(), pause()),
        State::InputRequired => give(&running(), Action::RequestInput(Box::new(question("q1")))),
        State::Review => give(&running(), submit(None)),
        State::Completed => give(&running(), complete(None)),
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
            give(&give(&task, begin(None)), failure())
        }
        State::Cancelled => give(&queued(), cancel()),
    }
}
