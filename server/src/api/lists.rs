//! Calls that answer page by page.

use baton_domain::limits::REPLY_BYTES;
use baton_domain::{EventType, TaskId};
use baton_proto::raw::v1 as raw;
use prost::Message;
use tonic::{Request, Response, Status};

use super::convert::task::Shown;
use super::convert::{event, task};
use super::page::{Listing, other_list};
use super::requests::lists::{self, List, ListEvents};
use super::{TaskApi, failed, judge};
use crate::store::{EventsOfQuery, ListField, ListOrder, ListQuery, SCAN_ROWS, SortKey, Window};

/// Tasks that one read fetches: a page is put together from several, so that no page costs much memory at once.
const BASIC_MAX_COUNT: usize = 250;
/// As above, where each may have megabytes of payloads.
const FULL_MAX_COUNT: usize = 16;

impl TaskApi {
    pub(super) async fn list_tasks(
        &self,
        request: Request<raw::ListTasksRequest>,
    ) -> Result<Response<raw::ListTasksResponse>, Status> {
        let request = request.into_inner();
        let List {
            namespace,
            page,
            filter,
            order,
            full,
        } = judge::read(|v| lists::read_list(v, request))?;
        let listing = Listing {
            method: "ListTasks",
            scope: &namespace,
            filter: filter.to_string(),
            order: format!("{} full={full}", order_text(order)),
        };
        let keyring = self.engine.store().keyring();
        let after = match listing.open(keyring, &page.token)? {
            Some(key) => Some(SortKey::from_bytes(&key).ok_or_else(other_list)?),
            None => None,
        };
        let query = ListQuery {
            namespace: namespace.clone(),
            filter,
            order,
            after,
            limit: 0,
            scan_limit: SCAN_ROWS,
            payloads: full,
        };
        let (tasks, next) = self.page_of_tasks(query, page.size).await?;
        let next = next.map(|key| listing.next(keyring, key.to_bytes()));
        Ok(Response::new(raw::ListTasksResponse {
            tasks,
            next_page_token: next.unwrap_or_default(),
        }))
    }

    /// Fills a page of `size` tasks, or a shorter one where the answer or the scan has reached its limit.
    async fn page_of_tasks(
        &self,
        mut query: ListQuery,
        size: usize,
    ) -> Result<(Vec<raw::Task>, Option<SortKey>), Status> {
        let (shown, fetched) = if query.payloads {
            (Shown::FULL, FULL_MAX_COUNT)
        } else {
            (Shown::BASIC, BASIC_MAX_COUNT)
        };
        let (mut tasks, mut bytes) = (Vec::new(), 0);
        loop {
            let wanted = (size - tasks.len()).min(fetched);
            query.limit = u32::try_from(wanted).unwrap_or(u32::MAX);
            let found = self.engine.store().list(&query).await.map_err(failed::unread)?;
            let is_short = found.tasks.len() < wanted;
            for (task, key) in found.tasks.iter().zip(&found.keys) {
                let task = task::write(task, shown);
                bytes += task.encoded_len();
                if bytes > REPLY_BYTES && !tasks.is_empty() {
                    return Ok((tasks, query.after));
                }
                tasks.push(task);
                query.after = Some(*key);
            }
            if found.next.is_none() || is_short || tasks.len() == size {
                return Ok((tasks, found.next));
            }
            query.after = found.next;
        }
    }

    pub(super) async fn list_task_events(
        &self,
        request: Request<raw::ListTaskEventsRequest>,
    ) -> Result<Response<raw::ListTaskEventsResponse>, Status> {
        let request = request.into_inner();
        let ListEvents {
            id,
            page,
            full,
            types,
        } = judge::read(|v| lists::read_list_events(v, request))?;
        let scope = id.to_string();
        let listing = Listing {
            method: "ListTaskEvents",
            scope: &scope,
            filter: types_text(&types),
            order: format!("sequence full={full}"),
        };
        let keyring = self.engine.store().keyring();
        let after = match listing.open(keyring, &page.token)? {
            Some(key) => i64::from_be_bytes(key.try_into().map_err(|_| other_list())?),
            None => 0,
        };
        let query = EventsOfQuery {
            window: Window::After(after),
            types,
            limit: 0,
            payloads: full,
        };
        let (events, next) = self.page_of_events(id, query, page.size).await?;
        if events.is_empty() {
            // A task without events of these types and one that is not there look the same so far.
            self.fetch(id).await?;
        }
        let next = next.map(|sequence| listing.next(keyring, sequence.to_be_bytes().to_vec()));
        Ok(Response::new(raw::ListTaskEventsResponse {
            events,
            next_page_token: next.unwrap_or_default(),
        }))
    }

    /// Fills a page of `size` events, or a shorter one where the answer has reached its limit. Answers the sequence
    /// after which the next page begins.
    async fn page_of_events(
        &self,
        id: TaskId,
        mut query: EventsOfQuery,
        size: usize,
    ) -> Result<(Vec<raw::TaskEvent>, Option<i64>), Status> {
        let fetched = if query.payloads {
            FULL_MAX_COUNT
        } else {
            BASIC_MAX_COUNT
        };
        let (mut events, mut bytes, mut last) = (Vec::new(), 0, 0);
        while events.len() < size {
            let wanted = (size - events.len()).min(fetched);
            // One more than wanted: whether there is a next page is known without another read.
            query.limit = u32::try_from(wanted + 1).unwrap_or(u32::MAX);
            let found = self
                .engine
                .store()
                .events_of(id, &query)
                .await
                .map_err(failed::unread)?;
            for found in found.iter().take(wanted) {
                let event = event::write(found, query.payloads);
                bytes += event.encoded_len();
                if bytes > REPLY_BYTES && !events.is_empty() {
                    return Ok((events, Some(last)));
                }
                events.push(event);
                last = found.sequence;
            }
            if found.len() <= wanted {
                return Ok((events, None));
            }
            query.window = Window::After(last);
        }
        Ok((events, Some(last)))
    }
}

fn order_text(order: ListOrder) -> String {
    let field = match order.field {
        ListField::Id => "id",
        ListField::CreateTime => "create_time",
        ListField::UpdateTime => "update_time",
        ListField::Priority => "priority",
        ListField::ScheduleTime => "schedule_time",
    };
    let direction = if order.descending { "desc" } else { "asc" };
    format!("{field} {direction}")
}

fn types_text(types: &[EventType]) -> String {
    let names: Vec<_> = types.iter().map(|kind| kind.name()).collect();
    names.join(",")
}
