//! What became of the work, and who does it.

use baton_proto::v1::{
    DrainWorkerRequest, GetWorkerRequest, ListTaskRunsRequest, ListWorkersRequest, TaskRun, TaskView, Worker,
};
use futures::stream::{Stream, TryStreamExt, iter, try_unfold};

use crate::call::Call;
use crate::{Client, Error};

impl Client {
    /// Answers the times that somebody worked on a task, the last first: by `.await` one page, by
    /// [`all`](Call::<ListTaskRunsRequest>::all) everything as a stream.
    pub fn list_task_runs(&self) -> Call<ListTaskRunsRequest> {
        self.call(ListTaskRunsRequest::default())
    }

    /// Answers the workers that hold leases or were heard of in the last hour, by their ids: by `.await` one page, by
    /// [`all`](Call::<ListWorkersRequest>::all) everything as a stream.
    pub fn list_workers(&self) -> Call<ListWorkersRequest> {
        self.call(ListWorkersRequest::default())
    }

    /// Answers one worker and what it holds.
    pub fn get_worker(&self, id: impl Into<String>) -> Call<GetWorkerRequest> {
        self.call(GetWorkerRequest {
            id: id.into(),
            ..Default::default()
        })
    }

    /// Asks a worker to finish what it holds and take nothing new, until that is taken back by
    /// [`resume`](Call::<DrainWorkerRequest>::resume). Moves no task.
    pub fn drain_worker(&self, id: impl Into<String>) -> Call<DrainWorkerRequest> {
        self.call(DrainWorkerRequest {
            id: id.into(),
            ..Default::default()
        })
    }
}

/// What both lists can be told, and all of their pages as one stream.
macro_rules! pages {
    ($($request:ident of $member:ty, $members:ident;)+) => {$(
        impl Call<$request> {
            /// The namespace, in place of the client's.
            pub fn namespace(self, namespace: impl Into<String>) -> Self {
                self.with(|request| request.namespace = namespace.into())
            }

            /// How many a page has at most, 1 to 1,000. Default 50.
            pub fn page_size(self, size: i32) -> Self {
                self.with(|request| request.page_size = size)
            }

            /// Where to go on: the `next_page_token` of the page before.
            pub fn page_token(self, token: impl Into<String>) -> Self {
                self.with(|request| request.page_token = token.into())
            }

            /// All pages as one stream; each page is asked for when it is needed.
            pub fn all(self) -> impl Stream<Item = Result<$member, Error>> + Send + 'static {
                let pages = try_unfold(Some(self), |call| async move {
                    let Some(call) = call else { return Ok(None) };
                    let page = call.clone().await?;
                    let more = !page.next_page_token.is_empty();
                    let next = more.then(|| call.page_token(page.next_page_token));
                    Ok::<_, Error>(Some((iter(page.$members.into_iter().map(Ok)), next)))
                });
                pages.try_flatten()
            }
        }
    )+};
}

pages! {
    ListTaskRunsRequest of TaskRun, runs;
    ListWorkersRequest of Worker, workers;
}

impl Call<ListTaskRunsRequest> {
    /// Which runs, for example `type = "my-task" AND outcome != OK`. Default all.
    pub fn filter(self, filter: impl Into<String>) -> Self {
        self.with(|request| request.filter = filter.into())
    }

    /// How much of each. Default: all but outputs.
    pub fn view(self, view: TaskView) -> Self {
        self.with(|request| request.set_view(view))
    }
}

impl Call<GetWorkerRequest> {
    /// The namespace, in place of the client's.
    pub fn namespace(self, namespace: impl Into<String>) -> Self {
        self.with(|request| request.namespace = namespace.into())
    }
}

impl Call<DrainWorkerRequest> {
    /// The namespace, in place of the client's.
    pub fn namespace(self, namespace: impl Into<String>) -> Self {
        self.with(|request| request.namespace = namespace.into())
    }

    /// Takes it back: the worker may lease again.
    pub fn resume(self) -> Self {
        self.with(|request| request.resume = true)
    }
}
