//! Task types: what is checked of tasks before anybody works on them, and what they get where they do not say.

use std::time::Duration;

use baton_proto::v1::{
    DeleteTaskTypeRequest, GetTaskTypeRequest, ListTaskTypesRequest, RegisterTaskTypeRequest, TaskTimeouts,
    TaskType, TaskTypeExposure, UpdateTaskTypeRequest,
};
use futures::stream::{Stream, TryStreamExt, iter, try_unfold};
use prost_types::FieldMask;
use serde_json::Value as Json;

use crate::call::Call;
use crate::{Client, Error, Priority, value};

/// A task type to be.
///
/// ```
/// use baton_client::NewTaskType;
/// use serde_json::json;
///
/// let sweep = NewTaskType::new("rss-sweep")
///     .input_schema(json!({"type": "object", "required": ["url"]}))
///     .queue("feeds")
///     .internal();
/// ```
#[derive(Clone, Debug, PartialEq)]
#[must_use]
pub struct NewTaskType {
    task_type: TaskType,
}

impl NewTaskType {
    /// The type of the tasks whose `type` is `name`.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            task_type: TaskType {
                name: name.into(),
                ..TaskType::default()
            },
        }
    }

    /// For people: what such a task is for.
    pub fn description(self, text: impl Into<String>) -> Self {
        self.with(|task_type| task_type.description = text.into())
    }

    /// JSON Schema that inputs must fit, an object; anything else is as none. Default any input.
    pub fn input_schema(self, schema: Json) -> Self {
        self.with(|task_type| task_type.input_schema = object(schema))
    }

    /// JSON Schema that outputs must fit, an object; anything else is as none. Default any output.
    pub fn output_schema(self, schema: Json) -> Self {
        self.with(|task_type| task_type.output_schema = object(schema))
    }

    /// Only schedules and the server itself make such tasks.
    pub fn internal(self) -> Self {
        self.with(|task_type| task_type.set_exposure(TaskTypeExposure::Internal))
    }

    /// The queue of tasks that name none.
    pub fn queue(self, name: impl Into<String>) -> Self {
        self.with(|task_type| task_type.queue = name.into())
    }

    /// The priority of tasks that name none.
    pub fn priority(self, priority: Priority) -> Self {
        self.with(|task_type| task_type.set_priority(priority))
    }

    /// How long one attempt may take, of tasks that have no time limits of their own.
    pub fn attempt_timeout(self, timeout: Duration) -> Self {
        self.with(|task_type| {
            let timeouts = task_type.timeouts.get_or_insert_with(TaskTimeouts::default);
            timeouts.attempt_timeout = Some(value::span(timeout));
        })
    }

    /// Changes any field.
    pub fn with(mut self, change: impl FnOnce(&mut TaskType)) -> Self {
        change(&mut self.task_type);
        self
    }
}

fn object(schema: Json) -> Option<prost_types::Struct> {
    match schema {
        Json::Object(fields) => Some(value::to_struct(fields)),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) | Json::Array(_) => None,
    }
}

impl From<NewTaskType> for TaskType {
    fn from(new: NewTaskType) -> Self {
        new.task_type
    }
}

impl Client {
    /// Registers a task type, from a [`NewTaskType`] or a whole message. With the same content again it finds it registered.
    pub fn register_task_type(&self, task_type: impl Into<TaskType>) -> Call<RegisterTaskTypeRequest> {
        self.call(RegisterTaskTypeRequest {
            task_type: Some(task_type.into()),
            ..Default::default()
        })
    }

    /// Answers a task type.
    pub fn get_task_type(&self, name: impl Into<String>) -> Call<GetTaskTypeRequest> {
        self.call(GetTaskTypeRequest {
            name: name.into(),
            ..Default::default()
        })
    }

    /// Answers task types by their names: by `.await` one page, by [`all`](Call::<ListTaskTypesRequest>::all) everything as
    /// a stream.
    pub fn list_task_types(&self) -> Call<ListTaskTypesRequest> {
        self.call(ListTaskTypesRequest::default())
    }

    /// Edits fields of the type that `task_type.name` names: those that `fields` names (`input_schema`, `queue`, ...), or
    /// every field of `task_type` that is not empty, where `fields` is empty.
    pub fn update_task_type<'a>(
        &self,
        task_type: impl Into<TaskType>,
        fields: impl IntoIterator<Item = &'a str>,
    ) -> Call<UpdateTaskTypeRequest> {
        let paths: Vec<_> = fields.into_iter().map(str::to_owned).collect();
        self.call(UpdateTaskTypeRequest {
            task_type: Some(task_type.into()),
            update_mask: (!paths.is_empty()).then_some(FieldMask { paths }),
            ..Default::default()
        })
    }

    /// Forgets a task type; its tasks stay.
    pub fn delete_task_type(&self, name: impl Into<String>) -> Call<DeleteTaskTypeRequest> {
        self.call(DeleteTaskTypeRequest {
            name: name.into(),
            ..Default::default()
        })
    }
}

/// What calls by name can be told.
macro_rules! by_name {
    ($($request:ident)+) => {$(
        impl Call<$request> {
            /// The namespace, in place of the client's.
            pub fn namespace(self, namespace: impl Into<String>) -> Self {
                self.with(|request| request.namespace = namespace.into())
            }
        }
    )+};
}

by_name! { GetTaskTypeRequest ListTaskTypesRequest DeleteTaskTypeRequest }

impl Call<ListTaskTypesRequest> {
    /// How many a page has at most, 1 to 1,000. Default 50.
    pub fn page_size(self, size: i32) -> Self {
        self.with(|request| request.page_size = size)
    }

    /// Where to go on: the `next_page_token` of the page before.
    pub fn page_token(self, token: impl Into<String>) -> Self {
        self.with(|request| request.page_token = token.into())
    }

    /// All pages as one stream; each page is asked for when it is needed.
    pub fn all(self) -> impl Stream<Item = Result<TaskType, Error>> + Send + 'static {
        let pages = try_unfold(Some(self), |call| async move {
            let Some(call) = call else { return Ok(None) };
            let page = call.clone().await?;
            let more = !page.next_page_token.is_empty();
            let next = more.then(|| call.page_token(page.next_page_token));
            Ok::<_, Error>(Some((iter(page.task_types.into_iter().map(Ok)), next)))
        });
        pages.try_flatten()
    }
}
