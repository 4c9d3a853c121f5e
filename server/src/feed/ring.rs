//! The newest events of one namespace, without a gap, bounded by bytes.

use std::collections::VecDeque;
use std::sync::Arc;

use baton_domain::{Detail, Event};

use super::Logged;

/// An event and its message without their texts and payloads, roughly.
const EVENT_BYTES: usize = 900;

#[derive(Default)]
pub(super) struct Ring {
    events: VecDeque<Arc<Logged>>,
    bytes: usize,
}

impl Ring {
    /// Adds events whose positions follow the last one; drops the oldest beyond `most_bytes`.
    pub(super) fn extend(&mut self, events: &[Arc<Event>], most_bytes: usize) {
        for event in events {
            if self
                .events
                .back()
                .is_some_and(|last| last.position + 1 != event.position)
            {
                // Cannot follow from a correct log; without a gap is what readers rely on.
                self.events.clear();
                self.bytes = 0;
            }
            self.bytes += size(event);
            self.events.push_back(Arc::new(Logged::new(Arc::clone(event))));
        }
        while self.bytes > most_bytes
            && let Some(oldest) = self.events.pop_front()
        {
            self.bytes -= size(&oldest);
        }
    }

    /// The events above `position`, at most `limit`; `None` where the ring does not reach back that far.
    pub(super) fn after(&self, position: i64, limit: usize) -> Option<Vec<Arc<Logged>>> {
        let first = self.events.front()?.position;
        let skip = usize::try_from(position + 1 - first).ok()?;
        let events: Vec<_> = self.events.iter().skip(skip).take(limit).cloned().collect();
        (!events.is_empty()).then_some(events)
    }
}

fn size(event: &Event) -> usize {
    let body = |p: &Option<baton_domain::Payload>| {
        p.as_ref()
            .and_then(|p| p.body.as_ref())
            .map_or(0, bytes::Bytes::len)
    };
    let detail = match &event.detail {
        Detail::Created(task) => {
            body(&task.input) + task.description.len() + task.metadata.as_ref().map_or(0, bytes::Bytes::len)
        }
        Detail::Updated { edit, .. } => {
            edit.input.as_ref().map_or(0, body) + edit.description.as_ref().map_or(0, String::len)
        }
        Detail::Result { output } => body(output),
        Detail::Retried { input, .. } => body(input),
        Detail::Input(request) => request.prompt.len() + body(&request.answer),
        Detail::Failure { error, .. } => {
            error.message.len() + error.details.as_ref().map_or(0, bytes::Bytes::len)
        }
        Detail::None
        | Detail::Assigned { .. }
        | Detail::Progress(_)
        | Detail::Scheduled { .. }
        | Detail::Dependency(_) => 0,
    };
    let labels: usize = event.labels.iter().map(|(k, v)| k.len() + v.len() + 48).sum();
    EVENT_BYTES + event.message.len() + labels + detail
}
