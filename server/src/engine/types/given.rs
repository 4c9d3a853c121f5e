//! What a command brings to a task whose type has a schema.

use baton_domain::{Action, Command, Outcome, Payload, State, Task};

use super::check::{From, admitted};
use super::{Mark, Role, Unchecked};
use crate::config::UnknownTypes;
use crate::engine::batch::Batch;
use crate::engine::error::Error;

/// A payload that comes with a command, and where it stands in its request.
struct Given<'a> {
    payload: Option<&'a Payload>,
    field: &'static str,
    role: Role,
}

impl Batch {
    /// Refuses a command that was decided and not yet accepted, where what it brings has yet to be checked. `checked`: what it
    /// was checked against.
    pub(in crate::engine) fn check_given(
        &self,
        (before, command): (&Task, &Command),
        outcome: &Outcome,
        checked: Option<Mark>,
    ) -> Result<(), Error> {
        if self.types.is_silent() || outcome.replayed {
            return Ok(());
        }
        let now = &outcome.task;
        let Some(Given { payload, field, role }) = given(&command.action, now) else {
            return Ok(());
        };
        let known = self.types.get(&now.namespace, &now.task_type);
        if now.task_type != before.task_type {
            let unknown = if self.types.refuses_unknown() {
                UnknownTypes::Refuse
            } else {
                UnknownTypes::Allow
            };
            let named = (now.task_type.as_str(), "task");
            admitted(known.as_deref(), unknown, named, From::Outside)?;
        }
        let Some(known) = known else {
            return Ok(());
        };
        let schema = match role {
            Role::Input => &known.schemas.input,
            Role::Output => &known.schemas.output,
        };
        match schema {
            Some(schema) if checked != Some(known.mark()) => Err(Error::Unchecked(Box::new(Unchecked {
                mark: known.mark(),
                schema: schema.clone(),
                payload: payload.cloned(),
                field,
                role,
                command: Box::new(command.clone()),
            }))),
            Some(_) | None => Ok(()),
        }
    }
}

/// What is to be checked of a command; `now`: the task after it.
fn given<'a>(action: &'a Action, now: &'a Task) -> Option<Given<'a>> {
    if let Action::Complete { output, .. } | Action::Submit { output, .. } = action {
        // Work that did not end well owes no output.
        let owed = matches!(now.state, State::Completed | State::Review);
        return (output.is_some() || owed).then_some(Given {
            payload: output.as_ref(),
            field: "output",
            role: Role::Output,
        });
    }
    if let Action::Retry {
        input: Some(input), ..
    } = action
    {
        return Some(Given {
            payload: Some(input),
            field: "input",
            role: Role::Input,
        });
    }
    if let Action::Update(edit) = action
        && (edit.task_type.is_some() || edit.input.is_some())
    {
        return Some(Given {
            payload: now.input.as_ref(),
            field: "task.input",
            role: Role::Input,
        });
    }
    None
}

impl Unchecked {
    /// Where it stands in the request.
    pub(in crate::engine) const fn field(&self) -> &'static str {
        self.field
    }

    /// The command, and what it has been checked against.
    pub(in crate::engine) fn into_checked(self) -> (Box<Command>, Mark) {
        (self.command, self.mark)
    }
}
