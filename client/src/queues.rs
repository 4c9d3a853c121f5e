//! Queues: what limits the tasks that name them.

use std::time::Duration;

use baton_proto::v1::{
    CreateQueueRequest, DeleteQueueRequest, GetQueueRequest, GetQueueStatsRequest, ListQueuesRequest,
    PauseQueueRequest, PurgeQueueRequest, Queue, RateLimit, ResumeQueueRequest, RetryPolicy,
    UpdateQueueRequest,
};
use futures::stream::{Stream, TryStreamExt, iter, try_unfold};
use prost_types::FieldMask;

use crate::call::Call;
use crate::{Client, Error, value};

/// A queue to be: a name, and what is said of the tasks that name it.
///
/// ```
/// use std::time::Duration;
/// use baton_client::NewQueue;
///
/// let steps = NewQueue::new("steps").concurrency(5).rate(10, Duration::from_millis(1_000));
/// let mail = NewQueue::new("mail").key_concurrency("tenant", 1).retention(Duration::from_secs(7 * 86_400));
/// ```
#[derive(Clone, Debug, PartialEq)]
#[must_use]
pub struct NewQueue {
    queue: Queue,
}

impl NewQueue {
    /// One without limits.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            queue: Queue {
                name: name.into(),
                ..Queue::default()
            },
        }
    }

    /// Tasks that may be leased at once.
    pub fn concurrency(self, tasks: i32) -> Self {
        self.with(|queue| queue.concurrency_limit = Some(tasks))
    }

    /// Tasks that are given out in each period, evenly.
    pub fn rate(self, count: i32, period: Duration) -> Self {
        self.with(|queue| {
            queue.rate_limit = Some(RateLimit {
                count,
                period: Some(value::span(period)),
                burst: 0,
            });
        })
    }

    /// Tasks of one value of a label that may be leased at once.
    pub fn key_concurrency(self, label: impl Into<String>, tasks: i32) -> Self {
        self.with(|queue| {
            queue.key_label = label.into();
            queue.key_concurrency_limit = Some(tasks);
        })
    }

    /// When failed attempts of tasks are tried again that do not say so themselves.
    pub fn retry_policy(self, policy: RetryPolicy) -> Self {
        self.with(|queue| queue.retry_policy = Some(policy))
    }

    /// How long settled tasks are kept. Default for ever.
    pub fn retention(self, time: Duration) -> Self {
        self.with(|queue| queue.retention = Some(value::span(time)))
    }

    /// Changes any field.
    pub fn with(mut self, change: impl FnOnce(&mut Queue)) -> Self {
        change(&mut self.queue);
        self
    }
}

impl From<NewQueue> for Queue {
    fn from(new: NewQueue) -> Self {
        new.queue
    }
}

impl Client {
    /// Creates a queue, from a [`NewQueue`] or a whole message.
    pub fn create_queue(&self, queue: impl Into<Queue>) -> Call<CreateQueueRequest> {
        self.call(CreateQueueRequest {
            queue: Some(queue.into()),
            ..Default::default()
        })
    }

    /// Answers a queue.
    pub fn get_queue(&self, name: impl Into<String>) -> Call<GetQueueRequest> {
        self.call(GetQueueRequest {
            name: name.into(),
            ..Default::default()
        })
    }

    /// Answers queues by their names: by `.await` one page, by [`all`](Call::<ListQueuesRequest>::all) everything as a
    /// stream.
    pub fn list_queues(&self) -> Call<ListQueuesRequest> {
        self.call(ListQueuesRequest::default())
    }

    /// Edits fields of the queue that `queue.name` names: those that `fields` names (`rate_limit`, `retention`, ...), or
    /// every field of `queue` that is not empty, where `fields` is empty.
    pub fn update_queue<'a>(
        &self,
        queue: Queue,
        fields: impl IntoIterator<Item = &'a str>,
    ) -> Call<UpdateQueueRequest> {
        let paths: Vec<_> = fields.into_iter().map(str::to_owned).collect();
        self.call(UpdateQueueRequest {
            queue: Some(queue),
            update_mask: (!paths.is_empty()).then_some(FieldMask { paths }),
            ..Default::default()
        })
    }

    /// Deletes what is said of a queue that no open task names.
    pub fn delete_queue(&self, name: impl Into<String>) -> Call<DeleteQueueRequest> {
        self.call(DeleteQueueRequest {
            name: name.into(),
            ..Default::default()
        })
    }

    /// Stops a queue for now.
    pub fn pause_queue(&self, name: impl Into<String>) -> Call<PauseQueueRequest> {
        self.call(PauseQueueRequest {
            name: name.into(),
            ..Default::default()
        })
    }

    /// Lets a paused queue go on.
    pub fn resume_queue(&self, name: impl Into<String>) -> Call<ResumeQueueRequest> {
        self.call(ResumeQueueRequest {
            name: name.into(),
            ..Default::default()
        })
    }

    /// Cancels the ready tasks of a queue, by default 1,000 at most; answers how many, and how many are left.
    pub fn purge_queue(&self, name: impl Into<String>) -> Call<PurgeQueueRequest> {
        self.call(PurgeQueueRequest {
            name: name.into(),
            ..Default::default()
        })
    }

    /// Answers how a queue stands.
    pub fn queue_stats(&self, name: impl Into<String>) -> Call<GetQueueStatsRequest> {
        self.call(GetQueueStatsRequest {
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

by_name! {
    GetQueueRequest ListQueuesRequest DeleteQueueRequest PauseQueueRequest ResumeQueueRequest PurgeQueueRequest
    GetQueueStatsRequest
}

impl Call<PauseQueueRequest> {
    /// For people: why.
    pub fn note(self, note: impl Into<String>) -> Self {
        self.with(|request| request.note = note.into())
    }
}

impl Call<ResumeQueueRequest> {
    /// For people.
    pub fn note(self, note: impl Into<String>) -> Self {
        self.with(|request| request.note = note.into())
    }
}

impl Call<PurgeQueueRequest> {
    /// For people: why.
    pub fn reason(self, reason: impl Into<String>) -> Self {
        self.with(|request| request.reason = reason.into())
    }

    /// Tasks at most, 1 to 10,000. Default 1,000.
    pub fn max_count(self, tasks: i32) -> Self {
        self.with(|request| request.max_count = tasks)
    }
}

impl Call<ListQueuesRequest> {
    /// How many a page has at most, 1 to 1,000. Default 50.
    pub fn page_size(self, size: i32) -> Self {
        self.with(|request| request.page_size = size)
    }

    /// Where to go on: the `next_page_token` of the page before.
    pub fn page_token(self, token: impl Into<String>) -> Self {
        self.with(|request| request.page_token = token.into())
    }

    /// All pages as one stream; each page is asked for when it is needed.
    pub fn all(self) -> impl Stream<Item = Result<Queue, Error>> + Send + 'static {
        let pages = try_unfold(Some(self), |call| async move {
            let Some(call) = call else { return Ok(None) };
            let page = call.clone().await?;
            let more = !page.next_page_token.is_empty();
            let next = more.then(|| call.page_token(page.next_page_token));
            Ok::<_, Error>(Some((iter(page.queues.into_iter().map(Ok)), next)))
        });
        pages.try_flatten()
    }
}
