//! One call in the making: a request, who acts, and how long it may take.

use std::future::IntoFuture;
use std::ops::Deref;
use std::time::Duration;

use baton_proto::v1::Actor;
use futures::future::BoxFuture;

use crate::rpc::{self, Change, Guarded, Rpc};
use crate::{Client, Error, Lease};

/// A call that is sent by `.await`; until then its request can be filled in.
#[derive(Clone, Debug)]
#[must_use = "a call is sent by .await"]
pub struct Call<R> {
    client: Client,
    pub(crate) request: R,
    timeout: Option<Duration>,
}

impl<R: Rpc> Call<R> {
    pub(crate) fn new(client: Client, request: R) -> Self {
        Call {
            client,
            request,
            timeout: None,
        }
    }

    /// How long this call may take, its repeats included, in place of the client's setting.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Changes the request by hand, for what has no method here.
    pub fn with(mut self, change: impl FnOnce(&mut R)) -> Self {
        change(&mut self.request);
        self
    }
}

impl<R: Change> Call<R> {
    /// Who acts, in place of the client's actor.
    pub fn actor(mut self, actor: Actor) -> Self {
        *self.request.actor_mut() = Some(actor);
        self
    }

    /// Names the call by a UUID of the caller's: within 24 hours a repeat with the same one is answered, not carried
    /// out again. Default: one is drawn for each call, unless the client was told not to.
    pub fn request_id(mut self, request_id: impl Into<String>) -> Self {
        *self.request.request_id_mut() = request_id.into();
        self
    }
}

impl<R: Guarded> Call<R> {
    /// The change is made only if this is still the task's etag, else the call fails with
    /// [`Reason::EtagMismatch`](crate::Reason::EtagMismatch).
    pub fn etag(mut self, etag: impl Into<String>) -> Self {
        *self.request.etag_mut() = etag.into();
        self
    }
}

impl<R: Rpc> IntoFuture for Call<R> {
    type Output = Result<R::Output, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    /// Encodes first: a future that held the request instead of its bytes would be several times larger, and moved.
    fn into_future(self) -> Self::IntoFuture {
        let Call {
            client,
            mut request,
            timeout,
        } = self;
        request.fill_in(&client.inner.defaults);
        let timeout = timeout.unwrap_or(client.inner.timeout);
        let within = timeout.saturating_add(request.own_time());
        let request = rpc::encoded(&request);
        Box::pin(async move {
            let answer = client.inner.carry_out(request, within).await?;
            rpc::decoded::<R>(answer, within)
        })
    }
}

/// The answer to a change.
///
/// It reads like what it holds; [`into_inner`](Reply::into_inner) takes that out.
#[derive(Clone, Debug, PartialEq)]
pub struct Reply<T> {
    inner: T,
    replayed: bool,
    pub(crate) deduplicated: bool,
    pub(crate) lease: Option<Lease>,
}

impl<T> Reply<T> {
    pub(crate) fn new(inner: T, replayed: bool) -> Self {
        Reply {
            inner,
            replayed,
            deduplicated: false,
            lease: None,
        }
    }

    /// What was answered.
    pub fn into_inner(self) -> T {
        self.inner
    }

    /// True where the server had carried the request out before, and answered with the state of now.
    pub fn replayed(&self) -> bool {
        self.replayed
    }
}

impl Reply<baton_proto::v1::Task> {
    /// True where nothing was created, because this task holds the key of the create's `dedup`.
    pub fn deduplicated(&self) -> bool {
        self.deduplicated
    }

    /// The lease that came of an [`assign`](crate::Client::assign) or a [`start`](crate::Client::start) with a
    /// `lease_duration`, or by whose token the work was started.
    ///
    /// ```no_run
    /// # use std::time::Duration;
    /// # use baton_client::{Client, actor};
    /// # async fn example(client: Client, id: &str) -> Result<(), baton_client::Error> {
    /// let assign = client.assign(id, actor::agent("ada"));
    /// let held = assign.lease_duration(Duration::from_secs(60)).await?;
    /// let Some(lease) = held.lease() else { return Ok(()) };
    /// client.start(id).lease_token(&lease.token).await?;
    /// client.complete(id).lease_token(&lease.token).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn lease(&self) -> Option<&Lease> {
        self.lease.as_ref()
    }
}

impl<T> Deref for Reply<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.inner
    }
}
