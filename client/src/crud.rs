//! Creating, reading, editing and deleting tasks.

use baton_proto::v1::{
    BatchCreateTasksRequest, BatchGetTasksRequest, CreateTaskRequest, DeleteTaskRequest, ExplainTaskRequest,
    GetTaskRequest, GetTaskStatsRequest, ListTaskEventsRequest, ListTasksRequest, Task, TaskEvent,
    TaskEventType, TaskView, UpdateTaskRequest,
};
use futures::stream::{Stream, TryStreamExt, iter, try_unfold};
use prost_types::FieldMask;

use crate::call::Call;
use crate::{Client, Error};

impl Client {
    /// Creates a task, from a [`NewTask`](crate::NewTask) or a whole request. Repeats itself safely: the task's id is
    /// chosen here.
    pub fn create(&self, task: impl Into<CreateTaskRequest>) -> Call<CreateTaskRequest> {
        self.call(task.into())
    }

    /// Creates many tasks in one transaction, 1 to 1,000; they may depend on each other by
    /// [`reference`](crate::NewTask::reference). The answer is in their order.
    pub fn batch_create<T: Into<CreateTaskRequest>>(
        &self,
        tasks: impl IntoIterator<Item = T>,
    ) -> Call<BatchCreateTasksRequest> {
        self.call(BatchCreateTasksRequest {
            requests: tasks.into_iter().map(Into::into).collect(),
            ..BatchCreateTasksRequest::default()
        })
    }

    /// Answers a task, with its payloads unless asked otherwise.
    pub fn get(&self, id: impl Into<String>) -> Call<GetTaskRequest> {
        self.call(GetTaskRequest {
            id: id.into(),
            ..GetTaskRequest::default()
        })
    }

    /// Answers many tasks in the order of their ids, 1 to 1,000, none twice.
    pub fn batch_get(&self, ids: impl IntoIterator<Item = impl Into<String>>) -> Call<BatchGetTasksRequest> {
        self.call(BatchGetTasksRequest {
            ids: ids.into_iter().map(Into::into).collect(),
            ..BatchGetTasksRequest::default()
        })
    }

    /// Answers tasks page by page: by `.await` one page, by [`all`](Call::all) everything as a stream.
    pub fn list(&self) -> Call<ListTasksRequest> {
        self.call(ListTasksRequest::default())
    }

    /// Edits fields of the task that `task.id` names: those that `fields` names (`title`, `labels`, ...), or every field
    /// of `task` that is not empty, where `fields` is empty.
    pub fn update<'a>(
        &self,
        task: Task,
        fields: impl IntoIterator<Item = &'a str>,
    ) -> Call<UpdateTaskRequest> {
        let paths: Vec<_> = fields.into_iter().map(str::to_owned).collect();
        self.call(UpdateTaskRequest {
            task: Some(task),
            update_mask: (!paths.is_empty()).then_some(FieldMask { paths }),
            ..UpdateTaskRequest::default()
        })
    }

    /// Deletes a settled task; an open one only by [`force`](Call::force).
    pub fn delete(&self, id: impl Into<String>) -> Call<DeleteTaskRequest> {
        self.call(DeleteTaskRequest {
            id: id.into(),
            ..DeleteTaskRequest::default()
        })
    }

    /// Answers the events of a task, oldest first: by `.await` one page, by [`all`](Call::all) everything as a stream.
    pub fn list_events(&self, id: impl Into<String>) -> Call<ListTaskEventsRequest> {
        self.call(ListTaskEventsRequest {
            id: id.into(),
            ..ListTaskEventsRequest::default()
        })
    }

    /// Counts tasks by state, queue and type.
    pub fn stats(&self) -> Call<GetTaskStatsRequest> {
        self.call(GetTaskStatsRequest::default())
    }

    /// Says why a task is not running, and when that can change.
    pub fn explain(&self, id: impl Into<String>) -> Call<ExplainTaskRequest> {
        self.call(ExplainTaskRequest { id: id.into() })
    }
}

impl Call<GetTaskRequest> {
    /// How much of the task. Default: all.
    pub fn view(self, view: TaskView) -> Self {
        self.with(|request| request.set_view(view))
    }

    /// How many of its newest events to answer too, 0 to 100. Default 0.
    pub fn event_limit(self, count: i32) -> Self {
        self.with(|request| request.event_limit = count)
    }
}

impl Call<BatchGetTasksRequest> {
    /// How much of each task. Default: all but payloads.
    pub fn view(self, view: TaskView) -> Self {
        self.with(|request| request.set_view(view))
    }
}

impl Call<ListTasksRequest> {
    /// The namespace, in place of the client's.
    pub fn namespace(self, namespace: impl Into<String>) -> Self {
        self.with(|request| request.namespace = namespace.into())
    }

    /// Which tasks, for example `state = QUEUED AND labels.team = "finance"`. Default all.
    pub fn filter(self, filter: impl Into<String>) -> Self {
        self.with(|request| request.filter = filter.into())
    }

    /// `create_time`, `update_time`, `priority` or `schedule_time`, with ` asc` or ` desc`. Default `create_time desc`.
    pub fn order_by(self, order: impl Into<String>) -> Self {
        self.with(|request| request.order_by = order.into())
    }

    /// How many tasks a page has at most, 1 to 1,000. Default 50.
    pub fn page_size(self, size: i32) -> Self {
        self.with(|request| request.page_size = size)
    }

    /// Where to go on: the `next_page_token` of the page before.
    pub fn page_token(self, token: impl Into<String>) -> Self {
        self.with(|request| request.page_token = token.into())
    }

    /// How much of each task. Default: all but payloads.
    pub fn view(self, view: TaskView) -> Self {
        self.with(|request| request.set_view(view))
    }

    /// All pages as one stream of tasks; each page is asked for when it is needed.
    pub fn all(self) -> impl Stream<Item = Result<Task, Error>> + Send + 'static {
        let pages = try_unfold(Some(self), |call| async move {
            let Some(call) = call else { return Ok(None) };
            let page = call.clone().await?;
            let more = !page.next_page_token.is_empty();
            let next = more.then(|| call.page_token(page.next_page_token));
            Ok::<_, Error>(Some((iter(page.tasks.into_iter().map(Ok)), next)))
        });
        pages.try_flatten()
    }
}

impl Call<DeleteTaskRequest> {
    /// Deletes the task even if it is open, or open tasks depend on it or are its children.
    pub fn force(self) -> Self {
        self.with(|request| request.force = true)
    }
}

impl Call<ListTaskEventsRequest> {
    /// Only events of these types. Default all.
    pub fn event_types(self, types: impl IntoIterator<Item = TaskEventType>) -> Self {
        self.with(|request| request.event_types = types.into_iter().map(i32::from).collect())
    }

    /// How many events a page has at most, 1 to 1,000. Default 50.
    pub fn page_size(self, size: i32) -> Self {
        self.with(|request| request.page_size = size)
    }

    /// Where to go on: the `next_page_token` of the page before.
    pub fn page_token(self, token: impl Into<String>) -> Self {
        self.with(|request| request.page_token = token.into())
    }

    /// Whether the payloads that events name are filled in. Default: they are not.
    pub fn view(self, view: TaskView) -> Self {
        self.with(|request| request.set_view(view))
    }

    /// All pages as one stream of events; each page is asked for when it is needed.
    pub fn all(self) -> impl Stream<Item = Result<TaskEvent, Error>> + Send + 'static {
        let pages = try_unfold(Some(self), |call| async move {
            let Some(call) = call else { return Ok(None) };
            let page = call.clone().await?;
            let more = !page.next_page_token.is_empty();
            let next = more.then(|| call.page_token(page.next_page_token));
            Ok::<_, Error>(Some((iter(page.events.into_iter().map(Ok)), next)))
        });
        pages.try_flatten()
    }
}

impl Call<GetTaskStatsRequest> {
    /// The namespace, in place of the client's.
    pub fn namespace(self, namespace: impl Into<String>) -> Self {
        self.with(|request| request.namespace = namespace.into())
    }

    /// Which tasks, over `state`, `queue` and `type` only. Default all.
    pub fn filter(self, filter: impl Into<String>) -> Self {
        self.with(|request| request.filter = filter.into())
    }
}
