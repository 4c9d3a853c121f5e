//! What can be asked of the engine, and what it answered.

use std::fmt;

use baton_domain::{Action, CommandName, TaskId};
use baton_server::engine::{
    ClaimRequest, CreateRequest, Done, Engine, Error, MoveRequest, Reported, RequestKey,
};

/// One call.
#[derive(Clone, Debug)]
pub(super) struct Ask {
    /// Its number; a repeat has that of the first.
    pub(super) number: usize,
    pub(super) what: What,
    pub(super) request: Option<RequestKey>,
}

#[derive(Clone, Debug)]
pub(super) enum What {
    Create(Vec<CreateRequest>),
    Move(MoveRequest),
    /// A move by which a holder ends its work.
    Report(MoveRequest),
    Claim(ClaimRequest),
}

/// What came back.
#[derive(Clone, Debug)]
pub(super) enum Answer {
    Tasks(Vec<Done>),
    Deleted { replayed: bool },
    Refused(Error),
}

impl Ask {
    pub(super) async fn put(&self, engine: &Engine) -> Answer {
        let answer = match self.what.clone() {
            What::Create(members) if members.len() == 1 => {
                let mut members = members;
                let member = members.remove(0);
                engine.create(member, self.request.clone()).await.map(one)
            }
            What::Create(members) => engine
                .create_batch(members, self.request.clone())
                .await
                .map(Answer::Tasks),
            What::Move(asked) if matches!(asked.command.action, Action::Delete { .. }) => {
                let deleted = engine.delete(asked).await;
                deleted.map(|replayed| Answer::Deleted { replayed })
            }
            What::Move(asked) => engine.execute(asked).await.map(one),
            What::Report(asked) => {
                let reported = Reported { start_time: None };
                engine.report(asked, reported).await.map(one)
            }
            What::Claim(claim) => engine.claim(claim).await.map(Answer::Tasks),
        };
        answer.unwrap_or_else(Answer::Refused)
    }

    /// The tasks that it names as what is to change.
    pub(super) fn named(&self) -> Vec<TaskId> {
        match &self.what {
            What::Create(members) => members.iter().map(|member| member.new.id).collect(),
            What::Move(asked) | What::Report(asked) => vec![asked.id],
            What::Claim(_) => Vec::new(),
        }
    }

    /// The call of the contract that asks this.
    pub(super) fn method(&self) -> &'static str {
        match &self.what {
            What::Create(members) if members.len() == 1 => "CreateTask",
            What::Create(_) => "BatchCreateTasks",
            What::Move(asked) => method(asked.command.action.name()),
            What::Report(_) => "ReportTasks",
            What::Claim(_) => "LeaseTasks",
        }
    }
}

fn one(done: Done) -> Answer {
    Answer::Tasks(vec![done])
}

fn method(name: CommandName) -> &'static str {
    match name {
        CommandName::Queue => "QueueTask",
        CommandName::Schedule => "ScheduleTask",
        CommandName::Assign => "AssignTask",
        CommandName::Start => "StartTask",
        CommandName::Progress => "UpdateProgress",
        CommandName::Complete => "CompleteTask",
        CommandName::Fail => "FailTask",
        CommandName::Cancel => "CancelTask",
        CommandName::Retry => "RetryTask",
        CommandName::Discard => "DiscardTask",
        CommandName::Pause => "PauseTask",
        CommandName::Resume => "ResumeTask",
        CommandName::Release => "ReleaseTask",
        CommandName::Snooze => "SnoozeTask",
        CommandName::RequestInput => "RequestInput",
        CommandName::ProvideInput => "ProvideInput",
        CommandName::Submit => "SubmitForReview",
        CommandName::Approve => "ApproveTask",
        CommandName::Rework => "RequestRework",
        CommandName::Reject => "RejectTask",
        CommandName::Comment => "AddComment",
        CommandName::AddDependency => "AddDependency",
        CommandName::RemoveDependency => "RemoveDependency",
        CommandName::Update => "UpdateTask",
        CommandName::Delete => "DeleteTask",
        CommandName::Renew => "RenewLeases",
        CommandName::SaveCheckpoint => "SaveCheckpoint",
        CommandName::AppendOutput => "AppendOutput",
        CommandName::Tick
        | CommandName::SettleDependency
        | CommandName::CancelByParent
        | CommandName::Supersede => unreachable!("only Baton itself asks this"),
    }
}

impl fmt::Display for Ask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{} {}", self.number, self.method())?;
        for id in self.named() {
            write!(f, " {id}")?;
        }
        if let What::Move(asked) | What::Report(asked) = &self.what
            && let Some(token) = asked.command.token
        {
            write!(f, " fence {}", token.fence)?;
        }
        Ok(())
    }
}

/// An answer in a line of the story.
pub(super) fn spell(answer: Option<&Answer>) -> String {
    match answer {
        None => "nobody heard".to_owned(),
        Some(Answer::Deleted { replayed }) => format!("deleted, replayed {replayed}"),
        Some(Answer::Refused(error)) => format!("refused: {error}"),
        Some(Answer::Tasks(done)) => {
            let tasks = done.iter().map(|done| {
                let (task, again) = (&done.task, if done.replayed { " replayed" } else { "" });
                format!(
                    "{} {:?} revision {} fence {}{again}",
                    task.id, task.state, done.revision, task.fence
                )
            });
            tasks.collect::<Vec<_>>().join(", ")
        }
    }
}
