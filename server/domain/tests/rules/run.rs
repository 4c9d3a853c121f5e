//! What became of each time that somebody worked on a task.

use crate::support::{
    NOW, TERMS, agent, ask, begin, by_holder, cancel, complete, failure, new_task, payload, question, submit,
    tick, token,
};
use baton_domain::run::runs;
use baton_domain::{
    Action, AttemptOutcome, Command, Event, Run, Span, State, Task, Timestamp, Token, create, report,
};

/// A task, all of its events, and a clock that moves a second with each command.
struct Life {
    task: Task,
    events: Vec<Event>,
    now: Timestamp,
}

impl Life {
    fn new() -> Self {
        let begun = create(new_task(), &agent("author"), NOW);
        Self {
            task: begun.task,
            events: begun.events,
            now: NOW,
        }
    }

    fn ask(&mut self, token: Option<Token>, action: Action) {
        self.now = self.now.plus(Span::from_secs(1));
        let outcome = ask(&self.task, token, action, self.now).expect("it may be asked");
        self.task = outcome.task;
        self.events.extend(outcome.events);
    }

    fn held(&mut self, action: Action) {
        let call = self.task.revision;
        self.ask(token(&self.task, call), action);
    }

    fn lease(&mut self, worker: &str) {
        let assign = Action::Assign {
            assignee: agent(worker),
            lease: Some(TERMS),
        };
        self.ask(None, assign);
        self.held(Action::Renew {
            duration: None,
            progress: None,
        });
    }

    fn wait(&mut self, seconds: i64) {
        self.now = self.now.plus(Span::from_secs(seconds));
        let outcome = tick(&self.task, self.now).expect("something is due");
        self.task = outcome.task;
        self.events.extend(outcome.events);
    }

    fn runs(&self) -> Vec<Run> {
        runs(&self.events)
    }

    fn outcomes(&self) -> Vec<Option<AttemptOutcome>> {
        let ends = self.runs().into_iter().map(|run| run.end);
        ends.map(|end| end.map(|end| end.outcome)).collect()
    }
}

#[test]
fn each_run_knows_who_worked_how_long_and_what_became_of_it() {
    let mut life = Life::new();
    life.lease("a");
    life.wait(30);
    life.wait(10);
    life.lease("b");
    life.held(Action::Release);
    life.lease("c");
    life.held(complete(None));
    let runs = life.runs();
    let shown: Vec<_> = runs
        .iter()
        .map(|run| {
            let worker = run.assignee.as_ref().expect("somebody worked").id.clone();
            (run.number, run.attempt, worker, run.duration())
        })
        .collect();
    let expected = [(1, 1, "a", 30), (2, 2, "b", 1), (3, 2, "c", 1)];
    let expected = expected.map(|(number, attempt, worker, seconds)| {
        (number, attempt, worker.to_owned(), Some(Span::from_secs(seconds)))
    });
    assert_eq!(shown, expected);
    let outcomes = [
        AttemptOutcome::LeaseExpired,
        AttemptOutcome::Released,
        AttemptOutcome::Ok,
    ];
    assert_eq!(life.outcomes(), outcomes.map(Some));
    let ends: Vec<_> = runs.into_iter().filter_map(|run| run.end).collect();
    assert_eq!(
        ends[0].error.as_ref().map(|e| e.code.as_str()),
        Some("LEASE_EXPIRED")
    );
    assert_eq!(
        ends[2].output.as_ref().and_then(|o| o.body.clone()),
        payload("3").body
    );
}

#[test]
fn a_late_receipt_says_how_the_last_run_ended() {
    let mut life = Life::new();
    life.lease("a");
    life.held(Action::RequestInput(Box::new(question("q9"))));
    assert_eq!(life.outcomes(), [Some(AttemptOutcome::Released)]);
    life.held(failure());
    assert_eq!(life.outcomes(), [Some(AttemptOutcome::Error)]);
    let mut life = Life::new();
    life.lease("a");
    life.held(submit(None));
    life.held(complete(None));
    assert_eq!(life.outcomes(), [Some(AttemptOutcome::Ok)]);
}

#[test]
fn a_question_and_a_review_divide_the_work_of_a_direct_assignee() {
    let mut life = Life::new();
    life.ask(None, begin(None));
    life.ask(None, Action::RequestInput(Box::new(question("q9"))));
    life.ask(
        None,
        Action::ProvideInput {
            key: String::new(),
            input: payload("a"),
            text: None,
        },
    );
    life.ask(None, submit(None));
    life.ask(
        None,
        Action::Rework {
            message: String::new(),
        },
    );
    assert_eq!(
        life.outcomes(),
        [Some(AttemptOutcome::Released), Some(AttemptOutcome::Ok), None]
    );
    assert_eq!(
        life.runs().iter().map(|run| run.attempt).collect::<Vec<_>>(),
        [1, 1, 2]
    );
    assert_eq!((life.task.run_count, life.task.execution_count), (3, 1));
    life.ask(None, cancel());
    assert_eq!(life.outcomes()[2], Some(AttemptOutcome::Cancelled));
}

#[test]
fn a_failure_before_the_start_is_a_run_and_a_lapse_is_none() {
    let mut life = Life::new();
    let assign = || Action::Assign {
        assignee: agent("a"),
        lease: Some(TERMS),
    };
    life.ask(None, assign());
    life.wait(10);
    assert_eq!(life.runs(), Vec::new());
    life.ask(None, assign());
    life.held(failure());
    assert_eq!(life.outcomes(), [Some(AttemptOutcome::Error)]);
    assert_eq!(life.runs()[0].attempt, 1);
}

#[test]
fn time_that_runs_out_elsewhere_says_nothing_of_runs() {
    let limited = || {
        let mut life = Life::new();
        life.task.timeouts.total = Some(Span::from_secs(60));
        life
    };
    let mut life = limited();
    life.lease("a");
    life.held(submit(None));
    life.wait(100);
    assert_eq!(
        life.outcomes(),
        [Some(AttemptOutcome::Ok)],
        "the work was handed in"
    );
    let mut life = limited();
    let direct = Action::Assign {
        assignee: agent("a"),
        lease: None,
    };
    life.ask(None, direct);
    life.wait(100);
    assert_eq!(
        (life.task.state, life.runs()),
        (State::Failed, Vec::new()),
        "nobody worked"
    );
    let mut life = limited();
    life.ask(None, begin(None));
    life.wait(100);
    assert_eq!(life.outcomes(), [Some(AttemptOutcome::Timeout)]);
}

#[test]
fn a_run_that_is_reported_at_its_end_began_when_its_worker_says() {
    let mut life = Life::new();
    life.ask(
        None,
        Action::Assign {
            assignee: agent("a"),
            lease: Some(TERMS),
        },
    );
    let granted = life.now;
    let command = Command {
        actor: agent("a"),
        token: token(&life.task, 7),
        action: complete(None),
    };
    let at = granted.plus(Span::from_secs(8));
    let began = granted.plus(Span::from_secs(2));
    let outcome = report(&life.task, &command, Some(began), None, at).expect("the lease is live");
    assert!(
        by_holder(&outcome.task, 7, complete(None))
            .expect("it was done")
            .replayed
    );
    life.events.extend(outcome.events);
    assert_eq!(life.runs()[0].duration(), Some(Span::from_secs(6)));
}
