//! What a file says of itself: its schedules are judged by its types, before there is a server.

use std::collections::HashMap;

use baton_proto::{raw::v1 as raw, v1};

use super::as_raw;
use crate::api::check;
use crate::api::convert::{Draw, schedule};
use crate::api::failed;
use crate::api::judge;
use crate::api::requests::named::Key;
use crate::api::requests::task_types::TypeCall;
use crate::api::status::Refusal;
use crate::api::violations::{Path, Violations};
use crate::engine::{Error, Misfit, Role, Schemas, TypeAction};
use crate::seams::Ids;

/// The types of a file, ready to judge what its schedules make.
#[derive(Debug, Default)]
pub struct DeclaredTypes(HashMap<Key, Schemas>);

impl DeclaredTypes {
    /// Those that can be used; what is wrong with the others [`crate::api::judge()`] tells.
    pub fn read<'a>(task_types: impl IntoIterator<Item = &'a v1::TaskType>) -> Self {
        Self(task_types.into_iter().filter_map(read).collect())
    }

    /// Whether the type of what a schedule makes is one of them.
    pub fn know(&self, schedule: &v1::Schedule) -> bool {
        let task_type = schedule.task.as_ref().map_or("", |task| task.r#type.as_str());
        let namespace = namespace(&schedule.namespace);
        self.0.contains_key(&(namespace, task_type.to_owned()))
    }

    /// Judges what a schedule makes by its type, where that is one of them. A schedule may make what is internal.
    ///
    /// Errors: what CreateSchedule would be refused with, were the types registered.
    pub fn judge(&self, schedule: &v1::Schedule) -> Result<(), Refusal> {
        let Some(task) = &schedule.task else {
            return Ok(());
        };
        let task: raw::Task = as_raw(task)?;
        let at = Path::REQUEST.field("schedule");
        // What is wrong with the task itself is told by whoever judges the call.
        let mut unheard = Violations::default();
        let template = schedule::read_template(&mut unheard, &at, (task, &schedule.namespace));
        let Some(template) = template else {
            return Ok(());
        };
        let key = (namespace(&schedule.namespace), template.task_type);
        let schema = self.0.get(&key).and_then(|schemas| schemas.input.as_ref());
        let Some(Err(flaws)) = schema.map(|schema| schema.check(template.input.as_ref())) else {
            return Ok(());
        };
        let misfit = Misfit {
            field: "schedule.task.input",
            role: Role::Input,
            flaws,
        };
        Err(failed::refuse_error(&Error::Misfit(Box::new(misfit))))
    }
}

fn read(task_type: &v1::TaskType) -> Option<(Key, Schemas)> {
    let request = v1::RegisterTaskTypeRequest {
        task_type: Some(task_type.clone()),
        ..Default::default()
    };
    let request: raw::RegisterTaskTypeRequest = as_raw(&request).ok()?;
    let draw = Draw {
        ids: &Ids::seeded(0),
        now_micros: 0,
    };
    let change = judge::read(|v| request.read(v, &draw)).ok()?.change;
    match change.action {
        TypeAction::Register(_, schemas) => Some(((change.namespace, change.name), schemas)),
        TypeAction::Update(..) | TypeAction::Delete => None,
    }
}

fn namespace(given: &str) -> String {
    let given = if given.is_empty() {
        check::DEFAULT_NAME
    } else {
        given
    };
    given.to_owned()
}
