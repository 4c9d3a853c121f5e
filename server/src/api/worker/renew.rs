//! RenewLeases: keeps leases, or only listens for them, and says what to do about each.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use baton_domain::{Action, Command, Directive, Span, Task, TaskId, Timestamp, Token, lease};
use baton_proto::raw::v1 as raw;
use futures::future::{join_all, select_all};
use tokio::time::sleep_until;
use tonic::{Request, Response, Status};

use super::WorkerApi;
use crate::api::convert::time;
use crate::api::requests::leases::{Renewal, Renewals, read_renewals};
use crate::api::task_service::time_left;
use crate::api::wait::BEFORE_DEADLINE;
use crate::api::{failed, judge};
use crate::engine::workers::{Seen, Told, WorkerKey};
use crate::engine::{Class, Done, Error, MoveRequest};
use crate::seams::monotonic_now;
use crate::token::LeaseToken;

/// A lease and what its holder is to do.
struct Standing {
    lease: LeaseToken,
    /// `None` where the task is gone.
    worker: Option<WorkerKey>,
    directive: Directive,
    /// While the lease lives.
    end: Option<Timestamp>,
}

/// A lease by its task and fence.
type Held = (TaskId, i64);

const fn held(lease: &LeaseToken) -> Held {
    (lease.task_id, lease.fence)
}

/// What a renewal is to a token: no move, and so never taken for the repeat of one.
const NO_CALL: i64 = 0;

impl WorkerApi {
    /// Keeps leases; with a wait, answers as soon as one of them is to be given up.
    pub(super) async fn renew_leases(
        &self,
        request: Request<raw::RenewLeasesRequest>,
    ) -> Result<Response<raw::RenewLeasesResponse>, Status> {
        let left = time_left(&request);
        let request = request.into_inner();
        let keys = self.engine().store().keyring();
        let Renewals {
            renewals,
            duration,
            wait,
        } = judge::read(|v| read_renewals(v, request, keys))?;
        let mut standings = self.renew(renewals, duration).await?;
        let now = self.now();
        let is_quiet = standings.iter().all(|s| s.directive == Directive::Continue);
        if is_quiet && !wait.is_zero() {
            let ends = standings.iter().filter_map(|standing| standing.end).min();
            let half = ends.map_or(Duration::ZERO, |end| span(end.since(now)) / 2);
            let left = left.map_or(half, |left| half.min(left.saturating_sub(BEFORE_DEADLINE)));
            self.listen(&mut standings, wait.min(left)).await?;
        }
        Ok(Response::new(self.answer(&standings)))
    }

    /// Renews each lease for itself, but those that are only listened for.
    async fn renew(&self, renewals: Vec<Renewal>, duration: Option<Span>) -> Result<Vec<Standing>, Status> {
        let leases: Vec<LeaseToken> = renewals.iter().map(|renewal| renewal.lease.clone()).collect();
        // One worker may hold two leases of one task, one of them long lost.
        let mut kept: HashMap<Held, (WorkerKey, Option<Timestamp>)> = HashMap::new();
        let (listening, renewed): (Vec<_>, Vec<_>) =
            renewals.into_iter().partition(|renewal| renewal.listens_only);
        let mut unknown = Vec::new();
        for Renewal { lease, .. } in listening {
            match self.stands(&lease) {
                Some((key, end)) => {
                    kept.insert(held(&lease), (key, Some(end)));
                }
                None => unknown.push(lease),
            }
        }
        let mut asked = Vec::with_capacity(renewed.len());
        for renewal in renewed {
            asked.push(self.renew_one(renewal, duration));
        }
        for (lease, renewed) in join_all(asked).await {
            match renewed {
                Ok(done) => {
                    let key = WorkerKey::of(&done.task.namespace, &lease.holder);
                    kept.insert(held(&lease), (key, done.task.lease_end()));
                }
                Err(Error::Rejected(_) | Error::NotFound { .. }) => {}
                Err(error) => return Err(failed::failed(error)),
            }
        }
        // A server that has just begun knows of no lease before its first commit; only the store can say that one is gone.
        for Standing {
            lease,
            worker,
            directive,
            end,
        } in self.stored(unknown).await?
        {
            if let (Directive::Continue, Some(key)) = (directive, worker) {
                kept.insert(held(&lease), (key, end));
            }
        }
        self.sort(leases, kept).await
    }

    async fn renew_one(&self, renewal: Renewal, duration: Option<Span>) -> (LeaseToken, Result<Done, Error>) {
        let Renewal { lease, progress, .. } = renewal;
        let token = Token {
            fence: lease.fence,
            call: NO_CALL,
        };
        let renewed = self.engine().execute(MoveRequest {
            id: lease.task_id,
            command: Command {
                actor: lease.holder.clone(),
                token: Some(token),
                action: Action::Renew { duration, progress },
            },
            etag: None,
            request: None,
            class: Class::Holder,
        });
        let renewed = renewed.await;
        (lease, renewed)
    }

    /// Whose that lease is and until when, where it lives.
    fn stands(&self, lease: &LeaseToken) -> Option<(WorkerKey, Timestamp)> {
        let registry = &self.engine().workers().registry;
        let (key, end) = registry.holder(held(lease))?;
        (key.id == lease.holder.id && self.now() < end).then_some((key, end))
    }

    /// What to do about each of `leases`, of which these were `kept`.
    async fn sort(
        &self,
        leases: Vec<LeaseToken>,
        kept: HashMap<Held, (WorkerKey, Option<Timestamp>)>,
    ) -> Result<Vec<Standing>, Status> {
        let lost = leases.iter().filter(|lease| !kept.contains_key(&held(lease)));
        let lost = self.taken(lost.cloned().collect()).await?;
        let mut lost: HashMap<Held, Standing> = lost
            .into_iter()
            .map(|standing| (held(&standing.lease), standing))
            .collect();
        let registry = &self.engine().workers().registry;
        let now = self.now();
        // A worker renews hundreds of leases at once: it is heard of, and looked up, once.
        let mut told: BTreeMap<WorkerKey, Directive> = BTreeMap::new();
        let mut standings = Vec::with_capacity(leases.len());
        for lease in leases {
            if let Some(standing) = lost.remove(&held(&lease)) {
                standings.push(standing);
            } else if let Some((key, end)) = kept.get(&held(&lease)) {
                let directive = *told.entry(key.clone()).or_insert_with(|| {
                    registry.seen(key, &lease.holder, (Seen::Speaks, now));
                    if registry.is_draining(key) {
                        Directive::Drain
                    } else {
                        Directive::Continue
                    }
                });
                standings.push(Standing {
                    lease,
                    worker: Some(key.clone()),
                    directive,
                    end: *end,
                });
            }
        }
        Ok(standings)
    }

    /// What became of leases that are not their holders' any more.
    async fn taken(&self, leases: Vec<LeaseToken>) -> Result<Vec<Standing>, Status> {
        let mut standings = self.stored(leases).await?;
        // Who was refused is not to go on, whatever the clock says since.
        for standing in standings
            .iter_mut()
            .filter(|s| s.directive == Directive::Continue)
        {
            (standing.directive, standing.end) = (Directive::Lost, None);
        }
        Ok(standings)
    }

    /// How leases stand by the store.
    async fn stored(&self, leases: Vec<LeaseToken>) -> Result<Vec<Standing>, Status> {
        if leases.is_empty() {
            return Ok(Vec::new());
        }
        let ids: Vec<TaskId> = leases.iter().map(|lease| lease.task_id).collect();
        let tasks = self.engine().store().tasks(&ids).await.map_err(failed::unread)?;
        let tasks: HashMap<TaskId, Task> = tasks.into_iter().map(|task| (task.id, task)).collect();
        let now = self.now();
        let standings = leases.into_iter().map(|lease| {
            let task = tasks.get(&lease.task_id);
            let directive = task.map_or(Directive::Lost, |task| {
                lease::directive(task, lease.fence, false, now)
            });
            let lives = directive == Directive::Continue;
            Standing {
                worker: task.map(|task| WorkerKey::of(&task.namespace, &lease.holder)),
                end: task.filter(|_| lives).and_then(|task| task.lease_end()),
                lease,
                directive,
            }
        });
        Ok(standings.collect())
    }

    /// Waits for something else than CONTINUE.
    async fn listen(&self, standings: &mut [Standing], wait: Duration) -> Result<(), Status> {
        let until = monotonic_now() + wait;
        let draining = self.shutdown().draining();
        let registry = &self.engine().workers().registry;
        let mut workers = BTreeMap::new();
        for standing in standings.iter() {
            if let Some(key) = &standing.worker {
                workers.insert(key.clone(), standing.lease.holder.clone());
            }
        }
        let now = self.now();
        let calls = workers
            .iter()
            .map(|(key, holder)| registry.open_call(key, holder, now));
        // Where too many wait already the answer is what is known now.
        let Some(mut calls) = calls.collect::<Option<Vec<_>>>() else {
            return Ok(());
        };
        // What came between the renewal and the moment these calls were opened is told to nobody.
        let mut told = Told::Much;
        loop {
            match told {
                Told::News(news) => hear(standings, (news.task_id, news.fence), news.directive),
                Told::Drain | Told::Much => self.look(standings).await?,
            }
            if standings.iter().any(|s| s.directive != Directive::Continue) || calls.is_empty() {
                return Ok(());
            }
            let next = select_all(calls.iter_mut().map(|call| Box::pin(call.told())));
            told = tokio::select! {
                biased;
                () = draining.cancelled() => return Ok(()),
                (told, _, _) = next => told,
                () = sleep_until(until) => return Ok(()),
            };
        }
    }

    /// Looks how each of these stands now.
    async fn look(&self, standings: &mut [Standing]) -> Result<(), Status> {
        let registry = &self.engine().workers().registry;
        let mut lost = Vec::new();
        for standing in standings.iter_mut() {
            let Some(key) = &standing.worker else { continue };
            let lease = held(&standing.lease);
            if !registry.lost(key, &[lease]).is_empty() {
                lost.push(standing.lease.clone());
            } else if registry.is_draining(key) {
                standing.directive = Directive::Drain;
            }
        }
        for stored in self.stored(lost).await? {
            if stored.directive != Directive::Continue {
                hear(standings, held(&stored.lease), stored.directive);
            }
        }
        Ok(())
    }

    fn answer(&self, standings: &[Standing]) -> raw::RenewLeasesResponse {
        let now = self.now();
        let first = standings.iter().filter_map(|standing| standing.end).min();
        let left = first.map(|end| Span::from_micros(end.since(now).as_micros().max(0) / 3));
        raw::RenewLeasesResponse {
            updates: standings
                .iter()
                .map(|standing| {
                    let lease = held(&standing.lease);
                    update(lease, standing.directive, standing.end)
                })
                .collect(),
            renew_after: left.map(time::write_span),
        }
    }
}

/// A lease was taken.
fn hear(standings: &mut [Standing], lease: Held, directive: Directive) {
    for standing in standings {
        if held(&standing.lease) == lease {
            standing.directive = directive;
            standing.end = None;
        }
    }
}

/// What a holder is to do about one lease.
pub(super) fn update(
    (task_id, fence): (TaskId, i64),
    directive: Directive,
    end: Option<Timestamp>,
) -> raw::LeaseUpdate {
    raw::LeaseUpdate {
        id: task_id.to_string(),
        fence,
        directive: directive.number(),
        lease_expire_time: end.map(time::write),
    }
}

fn span(span: Span) -> Duration {
    Duration::from_micros(span.as_micros().max(0).unsigned_abs())
}
