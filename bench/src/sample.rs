//! The tasks that the load creates: real ones, with labels, a title and 200 bytes of input.

use baton_client::NewTask;
use baton_client::proto::{Payload, payload::Kind};

/// What the work has to do, as JSON of exactly this many bytes.
const INPUT_BYTES: usize = 200;
/// Every label with this key and value belongs to this many tasks, however many there are.
pub(crate) const RARE_TASKS: u32 = 50;
/// The key of a label that has an index.
pub(crate) const INDEXED: &str = "order";
/// The value of it that [`RARE_TASKS`] tasks have.
pub(crate) const RARE: &str = "urgent";
/// The type of one task in a hundred.
pub(crate) const RARER_TYPE: &str = "invoice.audit";
pub(crate) const TYPE: &str = "invoice.send";
const TEXT: &str = "Please pay within thirty days. Please pay within thirty days. Please pay within thirty days. \
    Please pay within thirty days. Please pay within thirty days. Please pay within thirty days. ";

/// The `n`th task of a caller.
pub(crate) fn task(n: u32) -> NewTask {
    NewTask::new(TYPE)
        .title("Send the invoice to the customer")
        .label("customer", format!("c{}", n % 5_000))
        .label("region", ["eu", "us", "ap"][n as usize % 3])
        .label("plan", ["free", "team", "business", "enterprise"][n as usize % 4])
        .input_payload(input(n))
}

/// The `n`th of `all` tasks of a database that lists are read from: one in a hundred is of another type, one in ten is
/// held (so that there are two large states), every one has the indexed label, and [`RARE_TASKS`] of them share one
/// value of it.
pub(crate) fn stored_task(n: u32, all: u32) -> NewTask {
    let order = if is_rare(n, all) {
        RARE.to_owned()
    } else {
        format!("o{n}")
    };
    let task = task(n).label(INDEXED, order);
    let task = if n % 100 == 7 {
        task.with(|task| RARER_TYPE.clone_into(&mut task.r#type))
    } else {
        task
    };
    if n % 10 == 3 { task.hold() } else { task }
}

fn is_rare(n: u32, all: u32) -> bool {
    let every = all / RARE_TASKS;
    n % every == every / 2 && n / every < RARE_TASKS
}

fn input(n: u32) -> Payload {
    let mut text = String::with_capacity(INPUT_BYTES);
    text.push_str("{\"invoice\":");
    text.push_str(&n.to_string());
    text.push_str(",\"currency\":\"EUR\",\"text\":\"");
    // What a caller spends on making its tasks is no part of what is measured.
    let room = INPUT_BYTES - text.len() - 2;
    text.push_str(&TEXT[..room]);
    text.push_str("\"}");
    Payload {
        kind: Some(Kind::JsonText(text)),
        media_type: String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use baton_client::proto::CreateTaskRequest;
    use baton_client::value::read_json;

    #[test]
    fn an_input_has_its_size_and_is_json() {
        for n in [0, 1_000_000, u32::MAX] {
            let Some(Kind::JsonText(text)) = input(n).kind else {
                panic!("no text")
            };
            assert_eq!(text.len(), INPUT_BYTES);
            let json: serde_json::Value = read_json(&input(n)).unwrap();
            assert_eq!(json["invoice"], n);
        }
    }

    #[test]
    fn fifty_tasks_share_the_rare_label_in_any_large_database() {
        for all in [10_000, 10_099, 1_000_000] {
            let rare = (0..all).filter(|n| is_rare(*n, all));
            assert_eq!(rare.count(), RARE_TASKS as usize, "of {all}");
        }
        let rare = (0..10_000).find(|n| is_rare(*n, 10_000)).unwrap();
        let request = CreateTaskRequest::from(stored_task(rare, 10_000));
        assert_eq!(request.task.unwrap().labels[INDEXED], RARE);
    }
}
