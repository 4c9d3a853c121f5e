//! What is asked of types before a call is queued: may it be created, what does it get, does its input fit.

use std::sync::Arc;

use baton_domain::task_type::Exposure;
use baton_domain::{NewTask, Payload, TaskId};
use tokio::sync::Semaphore;

use super::known::KnownType;
use super::{Misfit, Role, Types, Unchecked};
use crate::config::UnknownTypes;
use crate::engine::job::{CreateRequest, RequestKey};
use crate::engine::schedules::{ScheduleAction, ScheduleChange};
use crate::engine::{Engine, Error};
use crate::schema::{Flaws, Schema};

/// Dear checks at once: so many processors they may keep busy.
static DEAR: Semaphore = Semaphore::const_new(2);

/// How often a command is handed back because its type changed again while it was checked.
const TRIES: usize = 8;

/// Who wants a task of a type.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum From {
    /// A call.
    Outside,
    /// A schedule.
    Inside,
}

impl Types {
    /// The type of a task to be, where it may be one of that type. `field`: the task in the request.
    pub(super) fn admit(
        &self,
        new: &NewTask,
        namespace: &str,
        (field, from): (&'static str, From),
    ) -> Result<Option<Arc<KnownType>>, Error> {
        let known = self.get(namespace, &new.task_type);
        admitted(known.as_deref(), self.unknown, (&new.task_type, field), from)?;
        Ok(known)
    }
}

/// Whether a task may be one of that type.
pub(super) fn admitted(
    known: Option<&KnownType>,
    unknown: UnknownTypes,
    (name, field): (&str, &'static str),
    from: From,
) -> Result<(), Error> {
    let name = || name.to_owned();
    match known {
        None if unknown == UnknownTypes::Refuse => Err(Error::TypeUnknown { field, name: name() }),
        Some(known) if known.task_type.spec.exposure == Exposure::Internal && from == From::Outside => {
            Err(Error::TypeInternal { field, name: name() })
        }
        Some(_) | None => Ok(()),
    }
}

/// What of a task to be was checked.
enum Checked {
    Nothing,
    Input,
}

/// Checks a payload; one that takes long beside the threads that calls share.
async fn check(
    schema: &Arc<Schema>,
    payload: Option<&Payload>,
    (field, role): (&'static str, Role),
) -> Result<(), Error> {
    let checked = if schema.is_dear(payload) {
        let _turn = DEAR.acquire().await;
        let (schema, payload) = (Arc::clone(schema), payload.cloned());
        let work = tokio::task::spawn_blocking(move || schema.check(payload.as_ref()));
        work.await.unwrap_or_else(|_| Err(Flaws::uncheckable()))
    } else {
        schema.check(payload)
    };
    checked.map_err(|flaws| Error::Misfit(Box::new(Misfit { field, role, flaws })))
}

/// What is to be done about a command that was handed back.
pub(in crate::engine) struct AskAgain {
    tries: usize,
}

impl AskAgain {
    pub(in crate::engine) const fn new() -> Self {
        Self { tries: TRIES }
    }

    /// Checks what a command brings; answers whether it may be asked again.
    pub(in crate::engine) async fn check(&mut self, unchecked: &Unchecked) -> Result<bool, Error> {
        let Unchecked {
            schema,
            payload,
            field,
            role,
            ..
        } = unchecked;
        check(schema, payload.as_ref(), (field, *role)).await?;
        self.tries -= 1;
        Ok(self.tries > 0)
    }
}

impl Engine {
    /// Looks at the types of tasks to be, before they are created: refuses what may not be, and fills in what they do not say.
    pub(in crate::engine) async fn prepare(
        &self,
        members: &mut [CreateRequest],
        request: Option<&RequestKey>,
    ) -> Result<(), Error> {
        for index in 0..members.len() {
            let error = match self.prepare_one(&mut members[index].new).await {
                Ok(Checked::Nothing) => continue,
                Ok(Checked::Input) => {
                    // A thousand checks that take moments each are a while for whoever shares this thread.
                    tokio::task::yield_now().await;
                    continue;
                }
                Err(error) => error,
            };
            // What was created before may not fit what is asked of types today; then it is there, and nothing is created.
            // Boxed: it is rare, and every create's future would have room for it.
            if Box::pin(self.is_repeat(members, request)).await? {
                members
                    .iter_mut()
                    .for_each(|member| self.fill_in(&mut member.new));
                return Ok(());
            }
            let source = Box::new(error);
            return Err(Error::InBatch { index, source });
        }
        Ok(())
    }

    async fn prepare_one(&self, new: &mut NewTask) -> Result<Checked, Error> {
        let known = self.types().admit(new, &new.namespace, ("task", From::Outside))?;
        let Some(known) = known else {
            new.fill_in(None);
            return Ok(Checked::Nothing);
        };
        new.fill_in(Some(&known.task_type.spec.defaults));
        let Some(schema) = &known.schemas.input else {
            return Ok(Checked::Nothing);
        };
        // Boxed: as above.
        let checking = Box::pin(check(schema, new.input.as_ref(), ("task.input", Role::Input)));
        checking.await.map(|()| Checked::Input)
    }

    fn fill_in(&self, new: &mut NewTask) {
        let defaults = self.types().defaults(&new.namespace, &new.task_type);
        new.fill_in(defaults.as_ref());
    }

    async fn is_repeat(
        &self,
        members: &[CreateRequest],
        request: Option<&RequestKey>,
    ) -> Result<bool, Error> {
        if let (Some(key), Some(first)) = (request, members.first()) {
            match self.recall(&first.new.namespace, key).await {
                Ok(None) => {}
                Ok(Some(_)) | Err(Error::RequestIdReused) => return Ok(true),
                Err(error) => return Err(error),
            }
        }
        if members.iter().any(|member| !member.chosen_id) {
            return Ok(false);
        }
        let ids: Vec<TaskId> = members.iter().map(|member| member.new.id).collect();
        let there = self.store().tasks(&ids).await.map_err(Error::Store)?;
        Ok(there.len() == ids.len())
    }

    /// Looks at the type of what a schedule is to make.
    pub(in crate::engine) async fn check_template(
        &self,
        change: &ScheduleChange,
        request: Option<&RequestKey>,
    ) -> Result<(), Error> {
        let template = match &change.action {
            ScheduleAction::Create(new) => Some(&new.template),
            ScheduleAction::Update(edit) => edit.template.as_ref(),
            ScheduleAction::Delete
            | ScheduleAction::Pause { .. }
            | ScheduleAction::Resume { .. }
            | ScheduleAction::Trigger { .. } => None,
        };
        let Some(template) = template else {
            return Ok(());
        };
        let from = ("schedule.task", From::Inside);
        let checked = match self.types().admit(template, &change.namespace, from) {
            Ok(known) => match known.and_then(|known| known.schemas.input.clone()) {
                Some(schema) => {
                    let at = ("schedule.task.input", Role::Input);
                    check(&schema, template.input.as_ref(), at).await
                }
                None => Ok(()),
            },
            Err(error) => Err(error),
        };
        if checked.is_err()
            && let Some(key) = request
            && matches!(
                self.recall(&change.namespace, key).await,
                Ok(Some(_)) | Err(Error::RequestIdReused)
            )
        {
            return Ok(());
        }
        checked
    }
}
