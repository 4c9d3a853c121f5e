//! What a seed makes of it all: every choice is drawn here.

use std::time::Duration;

use baton_domain::{
    Action, Actor, ActorType, AttemptOutcome, Command, Dedup, DedupPolicy, Dependency, Edit, FailureRule,
    InputRequest, Labels, NewTask, Priority, Progress, RetryPolicy, Span, TaskError, TaskId, Terms, Timeouts,
    Token, Verification, When,
};
use baton_server::engine::{ClaimRequest, Class, CreateRequest, MoveRequest, RequestKey};
use baton_server::simulation::Point;
use baton_server::store::Demand;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, SeedableRng as _};
use uuid::Uuid;

use super::ask::{Ask, What};
use super::model::{Grant, Model};
use super::world::World;

/// Where every task of a simulation lives.
pub(super) const NAMESPACE: &str = "default";
const QUEUES: [&str; 2] = ["default", "mail"];

pub(super) struct Dice {
    rng: StdRng,
    asked: usize,
}

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            rng: StdRng::seed_from_u64(seed),
            asked: 0,
        }
    }

    /// Commands that are committed together: in some seeds each alone, in some all.
    pub(super) fn batch_commands(&mut self) -> usize {
        self.one_of(&[1, 2, 3, 512])
    }

    /// Calls of a step.
    pub(super) fn together(&mut self) -> usize {
        self.rng.random_range(1..=6)
    }

    /// Where the process is stopped, and after how many batches.
    pub(super) fn stop(&mut self) -> Option<(Point, u32)> {
        let point = self.one_of(&[Point::BeforeCommit, Point::AfterCommit]);
        let after = self.rng.random_range(0..3);
        self.chance(20).then_some((point, after))
    }

    /// Whether what happens by itself happens before the next step.
    pub(super) fn settles(&mut self) -> bool {
        self.chance(70)
    }

    /// Whether an answer comes to whoever asked.
    pub(super) fn is_heard(&mut self) -> bool {
        self.chance(90)
    }

    pub(super) fn time_passes(&mut self) -> Duration {
        let longest = self.one_of(&[1, 1, 2_000_000, 20_000_000, 60_000_000, 1_800_000_000]);
        Duration::from_micros(self.rng.random_range(0..longest))
    }

    /// Something to ask; some of it was asked before.
    pub(super) fn ask(&mut self, world: &World, model: &Model) -> Ask {
        let before = model.asked();
        if self.chance(15)
            && let Some(again) = before.choose(&mut self.rng)
        {
            let mut again = again.clone();
            if let What::Create(members) = &mut again.what {
                // Where the caller chose no id, the server draws one for each call.
                for member in members.iter_mut().filter(|member| !member.chosen_id) {
                    member.new.id = drawn(world);
                }
            }
            return again;
        }
        self.asked += 1;
        let number = self.asked;
        let mut what = match self.rng.random_range(0..100) {
            0..25 => What::Create(vec![self.create(world, model)]),
            25..33 => What::Create(self.batch(world, model)),
            33..48 => What::Claim(self.claim()),
            48..70 => self.hold(model),
            _ => self.act(model),
        };
        let request = self.chance(60).then(|| request_key(number));
        if let What::Move(asked) | What::Report(asked) = &mut what {
            asked.request.clone_from(&request);
        }
        Ask {
            number,
            what,
            request,
        }
    }

    fn create(&mut self, world: &World, model: &Model) -> CreateRequest {
        let count = self.one_of(&[0, 0, 0, 1, 2]);
        let mut dependencies: Vec<Dependency> = Vec::new();
        for _ in 0..count {
            let on = self.dependency(model);
            dependencies.extend(on.filter(|on| dependencies.iter().all(|d| d.task_id != on.task_id)));
        }
        let new = NewTask {
            id: drawn(world),
            namespace: NAMESPACE.to_owned(),
            queue: self.one_of(&QUEUES).to_owned(),
            task_type: "report".to_owned(),
            function: None,
            title: format!("task {}", self.asked),
            description: String::new(),
            input: None,
            priority: Some(self.one_of(Priority::ALL)),
            labels: Labels::default(),
            metadata: None,
            assignee: self.chance(5).then(|| self.actor()),
            parent_id: self.chance(15).then(|| self.task(model)).flatten(),
            dependencies,
            schedule: self.chance(15).then(|| When::After(self.span())),
            retry_policy: self.chance(40).then(|| self.policy()),
            timeouts: self.timeouts(),
            verification: self.one_of(&[
                Verification::None,
                Verification::None,
                Verification::Receipt,
                Verification::Manual,
            ]),
            verification_grace: None,
            dedup: self.chance(20).then(|| self.dedup()),
            spec_hash: hash(self.asked),
            hold: self.chance(8),
        };
        CreateRequest {
            new: Box::new(new),
            creator: self.actor(),
            chosen_id: self.chance(70),
        }
    }

    /// Some tasks that come together or not at all; each may wait for one before it.
    fn batch(&mut self, world: &World, model: &Model) -> Vec<CreateRequest> {
        let mut members: Vec<CreateRequest> = Vec::new();
        let creator = self.actor();
        for _ in 0..self.rng.random_range(2..5) {
            let mut member = self.create(world, model);
            if let Some(before) = members.choose(&mut self.rng).map(|member| member.new.id)
                && self.chance(60)
            {
                let on_failure = self.one_of(FailureRule::ALL);
                member.new.dependencies.push(on(before, on_failure));
            }
            member.creator.clone_from(&creator);
            // Others of the batch name it.
            member.chosen_id = true;
            members.push(member);
        }
        members
    }

    fn claim(&mut self) -> ClaimRequest {
        let first = self.rng.random_range(0..QUEUES.len());
        let queues = QUEUES[first..].iter().map(|name| (*name).to_owned()).collect();
        ClaimRequest {
            demand: Demand {
                namespace: NAMESPACE.to_owned(),
                queues,
                types: None,
            },
            worker: self.worker(),
            terms: self.terms(),
            max_tasks: self.rng.random_range(1..4),
            max_bytes: 1 << 20,
        }
    }

    /// What a worker asks that holds a task, or held it, or believes so.
    fn hold(&mut self, model: &Model) -> What {
        let Some(Grant { id, worker, fence }) = model.grants().choose(&mut self.rng).cloned() else {
            return What::Claim(self.claim());
        };
        let mut asked = MoveRequest {
            id,
            command: Command::new(worker, self.work()),
            etag: None,
            request: None,
            class: Class::Holder,
        };
        let call = i64::try_from(self.asked).expect("few calls");
        asked.command.token = Some(Token { fence, call });
        let ends = matches!(
            asked.command.action,
            Action::Complete { .. } | Action::Fail { .. } | Action::Release | Action::Snooze(_)
        );
        match ends && self.chance(70) {
            true => What::Report(asked),
            false => What::Move(asked),
        }
    }

    fn work(&mut self) -> Action {
        let jitter = self.rng.random();
        match self.rng.random_range(0..13) {
            0..3 => Action::Start {
                assignee: None,
                lease: None,
                start_time: None,
            },
            3..6 => Action::Complete {
                output: None,
                receipt: None,
                jitter,
            },
            6 | 7 => Action::Fail {
                error: TaskError::new("E", "it failed"),
                outcome: AttemptOutcome::Error,
                jitter,
            },
            8 => Action::Release,
            9 => Action::Snooze(When::After(self.span())),
            10 => Action::Renew {
                duration: None,
                progress: None,
            },
            11 => Action::Progress(Progress {
                percent: Some(self.rng.random_range(0..100)),
                ..Progress::default()
            }),
            _ => Action::Submit {
                output: None,
                receipt: None,
                jitter,
            },
        }
    }

    /// What anybody may ask of a task.
    fn act(&mut self, model: &Model) -> What {
        let Some(id) = self.task(model) else {
            return What::Claim(self.claim());
        };
        What::Move(MoveRequest {
            id,
            command: Command::new(self.actor(), self.action(model)),
            etag: None,
            request: None,
            class: Class::Move,
        })
    }

    fn action(&mut self, model: &Model) -> Action {
        let words = || "because".to_owned();
        let span = self.span();
        match self.rng.random_range(0..22) {
            0 => Action::Queue,
            1 => Action::Schedule(When::After(span)),
            2 => Action::Assign {
                assignee: self.worker(),
                lease: self.chance(50).then(|| self.terms()),
            },
            3 | 4 => Action::Cancel { reason: words() },
            5 | 6 => Action::Retry {
                input: None,
                delay: self.one_of(&[Span::ZERO, span]),
            },
            7 => Action::Discard,
            8 | 9 => Action::Pause { reason: words() },
            10 | 11 => Action::Resume,
            12 => Action::RequestInput(Box::new(InputRequest::new("key".to_owned(), "which?".to_owned()))),
            13 => Action::Approve { message: words() },
            14 => Action::Rework { message: words() },
            15 => Action::Reject { reason: words() },
            16 => Action::Comment { message: words() },
            17 => match self.dependency(model) {
                Some(dependency) => Action::AddDependency(dependency),
                None => Action::Queue,
            },
            18 => match self.task(model) {
                Some(task_id) => Action::RemoveDependency { task_id },
                None => Action::Queue,
            },
            19 => Action::Delete {
                force: self.chance(50),
            },
            20 => Action::Update(Box::new(Edit {
                title: Some(format!("edit {}", self.asked)),
                priority: Some(self.one_of(Priority::ALL)),
                ..Edit::default()
            })),
            _ => self.work(),
        }
    }

    fn dependency(&mut self, model: &Model) -> Option<Dependency> {
        let on_failure = self.one_of(FailureRule::ALL);
        self.task(model).map(|id| on(id, on_failure))
    }

    /// A task, rather a young one.
    fn task(&mut self, model: &Model) -> Option<TaskId> {
        let known = model.known();
        let young = known.len().saturating_sub(8);
        let from = if self.chance(70) { &known[young..] } else { known };
        from.choose(&mut self.rng).copied()
    }

    fn dedup(&mut self) -> Dedup {
        Dedup {
            key: self.one_of(&["a", "b", "c"]).to_owned(),
            window: self.chance(50).then(|| self.span()),
            policy: self.one_of(DedupPolicy::ALL),
        }
    }

    fn policy(&mut self) -> RetryPolicy {
        RetryPolicy {
            max_attempts: Some(self.rng.random_range(1..4)),
            initial_backoff: Some(self.span()),
            ..RetryPolicy::default()
        }
    }

    fn timeouts(&mut self) -> Timeouts {
        Timeouts {
            queue: self.chance(10).then(|| self.span()),
            attempt: self.chance(10).then(|| self.span()),
            total: self.chance(10).then(|| self.span()),
        }
    }

    fn terms(&mut self) -> Terms {
        Terms {
            duration: Span::from_secs(self.one_of(&[5, 30, 600])),
            acknowledge: Span::from_secs(self.one_of(&[5, 10])),
        }
    }

    fn span(&mut self) -> Span {
        Span::from_secs(self.one_of(&[1, 10, 60, 900]))
    }

    fn actor(&mut self) -> Actor {
        actor(ActorType::Human, self.one_of(&["ann", "bob"]))
    }

    fn worker(&mut self) -> Actor {
        actor(ActorType::Agent, self.one_of(&["w1", "w2", "w3"]))
    }

    fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.rng.random_range(0..choices.len())]
    }

    fn chance(&mut self, percent: u32) -> bool {
        self.rng.random_range(0..100) < percent
    }
}

fn drawn(world: &World) -> TaskId {
    let engine = world.engine();
    TaskId(engine.ids().uuid_v7(engine.clock().now_micros()))
}

fn actor(kind: ActorType, id: &str) -> Actor {
    Actor {
        kind,
        id: id.to_owned(),
        name: String::new(),
    }
}

const fn on(task_id: TaskId, on_failure: FailureRule) -> Dependency {
    Dependency {
        task_id,
        on_failure,
        result: None,
    }
}

fn request_key(number: usize) -> RequestKey {
    RequestKey {
        id: Uuid::from_u128(number as u128),
        method: "Simulated",
        hash: hash(number),
    }
}

fn hash(number: usize) -> [u8; 32] {
    let mut hash = [0; 32];
    hash[..8].copy_from_slice(&number.to_be_bytes());
    hash
}
