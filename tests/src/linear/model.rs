//! A task as one caller at a time sees it: what is asked here, and no more. Typed from design/lifecycle.md, apart from the
//! server's code.

use baton_proto::v1::TaskState;

use super::Outcome;

/// What is known of the task.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Model {
    /// Where it stands.
    pub state: TaskState,
    /// Its last event.
    pub revision: i64,
    /// Changes with every change but a comment. No answer has shown that of a change whose caller hung up.
    pub etag: Option<String>,
    /// Whose report counts.
    pub held: Held,
    /// What holders did: the same call once more is answered, and changes nothing.
    pub said: Vec<Ask>,
}

/// Who holds a task.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Held {
    /// Nobody.
    Free,
    /// Whoever has this token.
    By(String),
    /// Somebody whose token never came to anyone.
    ByNobodyKnown,
}

/// A call.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Ask {
    /// Which.
    pub kind: Kind,
    /// The etag that the task has to have, where one was given.
    pub etag: Option<String>,
    /// The token that was shown.
    pub token: Option<String>,
}

/// The calls that this knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// GetTask.
    Get,
    /// AddComment.
    Comment,
    /// LeaseTasks, of a queue that has this task only.
    Lease,
    /// StartTask, by the holder.
    Start,
    /// ReleaseTask, by the holder.
    Release,
    /// CompleteTask, by the holder.
    Complete,
    /// PauseTask.
    Pause,
    /// ResumeTask of a task that nobody was assigned to.
    Resume,
    /// CancelTask.
    Cancel,
}

const OPEN: [TaskState; 4] = [
    TaskState::Queued,
    TaskState::Assigned,
    TaskState::InProgress,
    TaskState::Paused,
];

impl Kind {
    /// The states in which it may be asked, and the one it leads to; none: the task stays where it is.
    fn leads(self) -> (&'static [TaskState], Option<TaskState>) {
        use TaskState as S;
        match self {
            Kind::Get | Kind::Comment => (&[], None),
            Kind::Lease => (&[S::Queued], Some(S::Assigned)),
            Kind::Start => (&[S::Assigned], Some(S::InProgress)),
            Kind::Release => (&[S::Assigned, S::InProgress], Some(S::Queued)),
            Kind::Complete => (&[S::InProgress], Some(S::Completed)),
            Kind::Pause => (&OPEN[..3], Some(S::Paused)),
            Kind::Resume => (&[S::Paused], Some(S::Queued)),
            Kind::Cancel => (&OPEN, Some(S::Cancelled)),
        }
    }

    /// Whether it is for whoever holds the task, and shows a token.
    #[must_use]
    pub fn is_the_holders(self) -> bool {
        matches!(self, Kind::Start | Kind::Release | Kind::Complete)
    }
}

impl Model {
    /// How the task may stand after a call that came to this, had it come now; empty where that cannot be.
    pub(super) fn after(&self, ask: &Ask, outcome: &Outcome) -> Vec<Model> {
        match outcome {
            Outcome::Done {
                state,
                revision,
                etag,
                token,
            } => {
                let after = self
                    .done(ask, token.as_deref())
                    .into_iter()
                    .chain(self.repeated(ask));
                let is_told = |model: &Model| {
                    (model.state, model.revision) == (*state, *revision)
                        && model.etag.as_ref().is_none_or(|known| known == etag)
                };
                let learn = |model| Model {
                    etag: Some(etag.clone()),
                    ..model
                };
                after.filter(is_told).map(learn).collect()
            }
            // Whoever leases may come too early to see a task that is ready: that is promised to nobody.
            Outcome::Nothing => vec![self.clone()],
            Outcome::Refused(reason) if self.may_refuse(ask, reason) => vec![self.clone()],
            Outcome::Refused(_) => Vec::new(),
            Outcome::Unknown => self.done(ask, None).into_iter().collect(),
        }
    }

    /// How it stands after the call, had it come now, where it is allowed.
    fn done(&self, ask: &Ask, token: Option<&str>) -> Option<Model> {
        if ask.kind == Kind::Get {
            return Some(self.clone());
        }
        let is_allowed = self.guards(ask).iter().all(|(_, holds)| *holds);
        is_allowed.then(|| {
            let ((_, to), is_the_holders) = (ask.kind.leads(), ask.kind.is_the_holders());
            let held = match ask.kind {
                Kind::Comment | Kind::Start => self.held.clone(),
                Kind::Lease => token.map_or(Held::ByNobodyKnown, |token| Held::By(token.to_owned())),
                _ => Held::Free,
            };
            Model {
                state: to.unwrap_or(self.state),
                revision: self.revision + 1,
                etag: self.etag.clone().filter(|_| to.is_none()),
                said: self
                    .said
                    .iter()
                    .chain(is_the_holders.then_some(ask))
                    .cloned()
                    .collect(),
                held,
            }
        })
    }

    /// How it stands after the call, where that is one that was answered before.
    fn repeated(&self, ask: &Ask) -> Option<Model> {
        let holder = ask.token.clone().map(Held::By);
        let has_started = self.state == TaskState::InProgress && holder.as_ref() == Some(&self.held);
        let is_repeat = self.said.contains(ask) || (ask.kind == Kind::Start && has_started);
        is_repeat.then(|| self.clone())
    }

    /// Whether this is a reason to refuse the call, had it come now. Which of several is told is not our matter.
    fn may_refuse(&self, ask: &Ask, reason: &str) -> bool {
        let guards = self.guards(ask);
        guards.iter().any(|(name, holds)| *name == reason && !holds)
    }

    /// What has to hold, by the reason that is told where it does not.
    fn guards(&self, ask: &Ask) -> [(&'static str, bool); 3] {
        let (from, to) = ask.kind.leads();
        let holder = ask.token.as_ref().map(|token| Held::By(token.clone()));
        [
            ("ETAG_MISMATCH", ask.etag.is_none() || ask.etag == self.etag),
            (
                "LEASE_LOST",
                !ask.kind.is_the_holders() || holder.as_ref() == Some(&self.held),
            ),
            (
                "INVALID_STATE_TRANSITION",
                to.is_none() || from.contains(&self.state),
            ),
        ]
    }
}
