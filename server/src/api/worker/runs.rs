//! ListTaskRuns.

use baton_domain::limits::REPLY_BYTES;
use baton_proto::raw::v1 as raw;
use prost::Message;
use tonic::{Request, Response, Status};

use super::WorkerApi;
use crate::api::convert::run;
use crate::api::page::{Listing, other_list};
use crate::api::requests::lists::{self, ListRuns};
use crate::api::{failed, judge};
use crate::store::{RunQuery, SCAN_ROWS};

/// Runs that one read fetches: with outputs they may have a megabyte each.
const FULL_MAX_COUNT: usize = 32;
/// As above, without.
const BASIC_MAX_COUNT: usize = 250;

impl WorkerApi {
    pub(super) async fn list_task_runs(
        &self,
        request: Request<raw::ListTaskRunsRequest>,
    ) -> Result<Response<raw::ListTaskRunsResponse>, Status> {
        let request = request.into_inner();
        let ListRuns {
            namespace,
            page,
            filter,
            full,
        } = judge::read(|v| lists::read_list_runs(v, request))?;
        let listing = Listing {
            method: "ListTaskRuns",
            scope: &namespace,
            filter: filter.to_string(),
            order: format!("full={full}"),
        };
        let keyring = self.tasks.engine.store().keyring();
        let after = match listing.open(keyring, &page.token)? {
            Some(key) => Some(i64::from_be_bytes(key.try_into().map_err(|_| other_list())?)),
            None => None,
        };
        let query = RunQuery {
            namespace: namespace.clone(),
            filter,
            after,
            limit: 0,
            scan_limit: SCAN_ROWS,
            payloads: full,
        };
        let (runs, next) = self.page_of_runs(query, page.size).await?;
        let next = next.map(|key| listing.next(keyring, key.to_be_bytes().to_vec()));
        Ok(Response::new(raw::ListTaskRunsResponse {
            runs,
            next_page_token: next.unwrap_or_default(),
        }))
    }

    /// Fills a page of `size` runs, or a shorter one where the answer or the scan has reached its limit.
    async fn page_of_runs(
        &self,
        mut query: RunQuery,
        size: usize,
    ) -> Result<(Vec<raw::TaskRun>, Option<i64>), Status> {
        let most = if query.payloads {
            FULL_MAX_COUNT
        } else {
            BASIC_MAX_COUNT
        };
        let (mut runs, mut bytes) = (Vec::new(), 0);
        loop {
            let mut wanted = (size - runs.len()).min(most);
            loop {
                query.limit = u32::try_from(wanted).unwrap_or(u32::MAX);
                let found = self.tasks.engine.store().runs(&query).await;
                let found = found.map_err(failed::unread)?;
                let written: Vec<_> = found.runs.iter().map(run::write).collect();
                let more: usize = written.iter().map(Message::encoded_len).sum();
                if bytes + more <= REPLY_BYTES || (runs.is_empty() && wanted == 1) {
                    let is_short = written.len() < wanted;
                    runs.extend(written);
                    bytes += more;
                    if found.next.is_none() || is_short || runs.len() == size {
                        return Ok((runs, found.next));
                    }
                    query.after = found.next;
                    break;
                }
                // The place of a run in the list is the store's to know: fewer are asked for until they fit.
                if wanted == 1 {
                    return Ok((runs, query.after));
                }
                wanted /= 2;
            }
        }
    }
}
