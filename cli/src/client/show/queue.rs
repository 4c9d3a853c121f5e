//! Queues, and how they stand.

use baton_client::proto::{GetQueueStatsResponse, PurgeQueueResponse, Queue, QueueStats, RateLimit};

use super::detail::{Sheet, actor};
use super::table::{self, drawn};
use super::text::{clean, short, span, time};

/// Characters of a note in a table.
const NOTE: usize = 40;
/// What is shown where there is no limit.
const NONE: &str = "-";

pub(super) fn table(queues: &[Queue]) -> String {
    let names = [
        "NAME", "LEASED", "LIMIT", "RATE", "KEY", "ATTEMPTS", "KEPT", "NOTE",
    ];
    let mut table = table::table(&names);
    for queue in queues {
        let attempts = queue
            .retry_policy
            .as_ref()
            .map(|policy| policy.max_attempts.unwrap_or(3));
        let paused = if queue.paused { "paused " } else { "" };
        table.add_row(vec![
            clean(&queue.name),
            queue.leased_count.to_string(),
            or_none(queue.concurrency_limit),
            queue.rate_limit.as_ref().map_or_else(|| NONE.to_owned(), rate),
            key(queue),
            or_none(attempts),
            queue.retention.as_ref().map_or_else(|| NONE.to_owned(), span),
            short(&format!("{paused}{}", queue.note), NOTE),
        ]);
    }
    drawn(table)
}

pub(super) fn sheet(queue: &Queue) -> String {
    let mut sheet = Sheet::default();
    fill(&mut sheet, queue);
    sheet.put("creator", actor(queue.creator.as_ref()));
    sheet.put("created", time(queue.create_time));
    sheet.put("updated", time(queue.update_time));
    sheet.put("etag", clean(&queue.etag));
    sheet.text()
}

fn fill(sheet: &mut Sheet, queue: &Queue) {
    sheet.put("name", clean(&queue.name));
    sheet.put("namespace", clean(&queue.namespace));
    sheet.put("description", clean(&queue.description));
    sheet.put("paused", if queue.paused { "yes" } else { "no" });
    sheet.put("note", clean(&queue.note));
    sheet.put("leased", queue.leased_count.to_string());
    sheet.put("limit", or_none(queue.concurrency_limit));
    let limit = queue.rate_limit.as_ref();
    sheet.put("rate", limit.map_or_else(|| NONE.to_owned(), rate));
    sheet.put("key", key(queue));
    if let Some(policy) = &queue.retry_policy {
        sheet.put("attempts", policy.max_attempts.unwrap_or(3).to_string());
    }
    sheet.put("kept", queue.retention.as_ref().map(span).unwrap_or_default());
}

/// How a queue stands, with its limits where it has any.
pub(super) fn stats(answer: &GetQueueStatsResponse) -> String {
    let mut sheet = Sheet::default();
    let stats = answer.stats.clone().unwrap_or_default();
    match &answer.queue {
        Some(queue) => fill(&mut sheet, queue),
        None => {
            sheet.put("name", clean(&stats.name));
            sheet.put("namespace", clean(&stats.namespace));
            sheet.put("leased", stats.leased_count.to_string());
        }
    }
    sheet.put("ready", stats.ready_count.to_string());
    sheet.put("open", stats.open_count.to_string());
    let age = stats.oldest_ready_age.as_ref();
    sheet.put("oldest ready", age.map(span).unwrap_or_default());
    for state in &stats.states {
        let name = state.state().as_str_name();
        let name = name.strip_prefix("TASK_STATE_").unwrap_or(name);
        sheet.put("state", format!("{name} {}", state.count));
    }
    let pace = format!(
        "{:.2}/s in 1 min, {:.2}/s in 5 min",
        stats.finished_per_second_1m, stats.finished_per_second_5m
    );
    sheet.put("finished", pace);
    sheet.put("turns left", turns(&stats));
    for key in &stats.keys {
        sheet.put("key in use", format!("{} {}", clean(&key.key), key.leased_count));
    }
    sheet.text()
}

/// What a purge did.
pub(super) fn purged(answer: &PurgeQueueResponse) -> String {
    format!(
        "{} cancelled, {} passed over, {} ready tasks left",
        answer.cancelled_count, answer.passed_over_count, answer.remaining_count
    )
}

fn turns(stats: &QueueStats) -> String {
    match (stats.rate_available, stats.rate_next_time) {
        (Some(_), Some(next)) => format!("the next one at {}", time(Some(next))),
        (Some(available), None) => available.to_string(),
        (None, _) => String::new(),
    }
}

fn rate(limit: &RateLimit) -> String {
    let period = limit.period.as_ref().map(span).unwrap_or_default();
    let burst = if limit.burst > 1 {
        format!(", burst {}", limit.burst)
    } else {
        String::new()
    };
    format!("{}/{period}{burst}", limit.count)
}

fn key(queue: &Queue) -> String {
    match queue.key_concurrency_limit {
        Some(limit) => format!("{limit} of a {}", clean(&queue.key_label)),
        None => NONE.to_owned(),
    }
}

fn or_none(count: Option<i32>) -> String {
    count.map_or_else(|| NONE.to_owned(), |count| count.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_shows_its_limits_and_how_it_stands() {
        let queue = Queue {
            name: "steps".to_owned(),
            concurrency_limit: Some(5),
            leased_count: 3,
            rate_limit: Some(RateLimit {
                count: 10,
                period: Some(prost_types::Duration { seconds: 1, nanos: 0 }),
                burst: 2,
            }),
            key_label: "tenant".to_owned(),
            key_concurrency_limit: Some(1),
            paused: true,
            note: "the model is down".to_owned(),
            ..Queue::default()
        };
        let rows = table(std::slice::from_ref(&queue));
        for shown in ["10/1s, burst 2", "1 of a tenant", "paused the model is down"] {
            assert!(rows.contains(shown), "{rows}");
        }
        let answer = GetQueueStatsResponse {
            stats: Some(QueueStats {
                ready_count: 7,
                finished_per_second_1m: 2.5,
                rate_available: Some(1),
                ..QueueStats::default()
            }),
            queue: Some(queue),
        };
        let text = stats(&answer);
        assert!(
            text.contains("2.50/s in 1 min") && text.contains("steps"),
            "{text}"
        );
    }
}
