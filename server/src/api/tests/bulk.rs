//! Calls on many tasks.

use super::*;

impl Bench {
    async fn many(&self, count: usize) -> Vec<String> {
        let mut ids = Vec::new();
        for _ in 0..count {
            ids.push(self.create_id().await);
        }
        ids
    }

    async fn states(&self, ids: &[String]) -> Vec<raw::TaskState> {
        let mut states = Vec::new();
        for id in ids {
            states.push(self.get(id).await.state());
        }
        states
    }
}

fn cancel_ids(ids: &[String]) -> raw::BulkCancelRequest {
    raw::BulkCancelRequest {
        ids: ids.to_vec(),
        reason: "season over".to_owned(),
        ..Default::default()
    }
}

fn cancel_matching(filter: &str, max_count: i32) -> raw::BulkCancelRequest {
    raw::BulkCancelRequest {
        filter: filter.to_owned(),
        max_count,
        ..Default::default()
    }
}

#[tokio::test]
async fn every_task_answers_for_itself_failures_first() {
    let bench = Bench::new().await;
    let ids = bench.many(3).await;
    bench.start(&ids[1]).await;
    bench.complete(&ids[1], None).await;
    let mut asked = ids.clone();
    asked.push(new_uuid(1));
    let answer = ok(bench.tasks.bulk_cancel(Request::new(cancel_ids(&asked))).await);
    assert_eq!((answer.done_count, answer.failed_count), (2, 2));
    let told: Vec<_> = answer
        .results
        .iter()
        .map(|result| (result.id.clone(), result.error.is_some()))
        .collect();
    let expected = [
        (&ids[1], true),
        (&asked[3], true),
        (&ids[0], false),
        (&ids[2], false),
    ];
    assert_eq!(told, expected.map(|(id, refused)| (id.clone(), refused)));
    let error = answer.results[0].error.clone().unwrap();
    assert_eq!(
        (error.code, error.reason.as_str()),
        (9, "INVALID_STATE_TRANSITION")
    );
    assert_eq!(error.metadata["from"], "COMPLETED");
    assert_eq!(answer.results[1].error.clone().unwrap().code, 5);
    let moved = answer.results[2].task.clone().unwrap();
    assert_eq!(
        (moved.state(), moved.state_message.as_str()),
        (raw::TaskState::Cancelled, "season over")
    );
    bench.finish().await;
}

#[tokio::test]
async fn a_filter_is_worked_off_call_by_call() {
    let bench = Bench::new().await;
    let ids = bench.many(5).await;
    bench.start(&ids[0]).await;
    let mut request = cancel_matching("state = QUEUED", 3);
    let first = ok(bench.tasks.bulk_cancel(Request::new(request.clone())).await);
    assert_eq!((first.done_count, first.failed_count), (3, 0));
    request.page_token = first.next_page_token;
    let second = ok(bench.tasks.bulk_cancel(Request::new(request)).await);
    assert_eq!((second.done_count, second.next_page_token.as_str()), (1, ""));
    let cancelled = raw::TaskState::Cancelled;
    let expected = [
        raw::TaskState::InProgress,
        cancelled,
        cancelled,
        cancelled,
        cancelled,
    ];
    assert_eq!(bench.states(&ids).await, expected);
    bench.finish().await;
}

#[tokio::test]
async fn a_token_of_a_bulk_call_belongs_to_what_it_does() {
    let bench = Bench::new().await;
    bench.many(3).await;
    let tried = raw::BulkCancelRequest {
        validate_only: true,
        ..cancel_matching("state = QUEUED", 1)
    };
    let token = ok(bench.tasks.bulk_cancel(Request::new(tried.clone())).await).next_page_token;
    assert!(!token.is_empty());
    let with = |request: raw::BulkCancelRequest| {
        Request::new(raw::BulkCancelRequest {
            page_token: token.clone(),
            ..request
        })
    };
    let real = raw::BulkCancelRequest {
        validate_only: false,
        ..tried.clone()
    };
    let worded = raw::BulkCancelRequest {
        reason: "x".to_owned(),
        ..tried.clone()
    };
    for other in [real, worded, cancel_matching("state = DEAD", 1)] {
        assert_eq!(
            refused(bench.tasks.bulk_cancel(with(other)).await).reason,
            "PAGE_TOKEN_INVALID"
        );
    }
    ok(bench.tasks.bulk_cancel(with(tried)).await);
    bench.finish().await;
}

#[tokio::test]
async fn what_is_only_tried_changes_nothing() {
    let bench = Bench::new().await;
    let mut ids = bench.many(2).await;
    bench.start(&ids[0]).await;
    bench.complete(&ids[0], None).await;
    ids.push(new_uuid(1));
    let tried = raw::BulkCancelRequest {
        validate_only: true,
        request_id: new_uuid(2),
        ..cancel_ids(&ids)
    };
    let answer = ok(bench.tasks.bulk_cancel(Request::new(tried.clone())).await);
    assert_eq!((answer.done_count, answer.failed_count), (1, 2));
    let reasons: Vec<_> = answer
        .results
        .iter()
        .filter_map(|result| result.error.as_ref())
        .collect();
    assert_eq!(reasons[0].reason, "INVALID_STATE_TRANSITION");
    assert_eq!(reasons[1].reason, "TASK_NOT_FOUND");
    assert_eq!(
        answer.results[2].task.as_ref().unwrap().state(),
        raw::TaskState::Cancelled
    );
    assert_eq!(bench.get(&ids[1]).await.state(), raw::TaskState::Queued);
    // A try is not remembered: the real call may have the same request id.
    let real = raw::BulkCancelRequest {
        validate_only: false,
        ..tried
    };
    assert_eq!(
        ok(bench.tasks.bulk_cancel(Request::new(real)).await).done_count,
        1
    );
    bench.finish().await;
}

#[tokio::test]
async fn a_repeat_moves_the_same_tasks_and_no_others() {
    let bench = Bench::new().await;
    let ids = bench.many(4).await;
    let request = raw::BulkCancelRequest {
        request_id: new_uuid(3),
        ..cancel_matching("state = QUEUED", 2)
    };
    let first = bench
        .tasks
        .bulk_cancel(Request::new(request.clone()))
        .await
        .unwrap();
    assert!(!is_replayed(&first));
    let again = bench
        .tasks
        .bulk_cancel(Request::new(request.clone()))
        .await
        .unwrap();
    assert!(is_replayed(&again));
    let (first, again) = (first.into_inner(), again.into_inner());
    assert_eq!(
        (first.done_count, again.done_count, again.failed_count),
        (2, 2, 0)
    );
    assert_eq!(first.results, again.results);
    assert!(!first.next_page_token.is_empty() && !again.next_page_token.is_empty());
    let states = bench.states(&ids).await;
    assert_eq!(
        states
            .iter()
            .filter(|state| **state == raw::TaskState::Cancelled)
            .count(),
        2
    );

    // Both tokens go on with the other two.
    let rest = raw::BulkCancelRequest {
        request_id: String::new(),
        page_token: again.next_page_token,
        ..request.clone()
    };
    assert_eq!(
        ok(bench.tasks.bulk_cancel(Request::new(rest)).await).done_count,
        2
    );
    let other = raw::BulkCancelRequest {
        max_count: 3,
        ..request
    };
    assert_eq!(
        refused(bench.tasks.bulk_cancel(Request::new(other)).await).reason,
        "REQUEST_ID_REUSED"
    );
    bench.finish().await;
}

#[tokio::test]
async fn a_repeat_of_a_retry_does_not_retry_twice() {
    let bench = Bench::new().await;
    let id = bench.in_state(raw::TaskState::Failed).await;
    let request = raw::BulkRetryRequest {
        filter: "state = FAILED".to_owned(),
        request_id: new_uuid(4),
        ..Default::default()
    };
    assert_eq!(
        ok(bench.tasks.bulk_retry(Request::new(request.clone())).await).done_count,
        1
    );
    bench.start(&id).await;
    bench.fail(&id).await;
    // The first answer was lost; by now the task has failed again and matches once more.
    assert_eq!(
        ok(bench.tasks.bulk_retry(Request::new(request)).await).done_count,
        1
    );
    let task = bench.get(&id).await;
    assert_eq!((task.state(), task.retry_count), (raw::TaskState::Failed, 1));
    bench.finish().await;
}

#[tokio::test]
async fn resting_tasks_are_given_up_together() {
    let bench = Bench::new().await;
    let ids = [
        bench.in_state(raw::TaskState::Failed).await,
        bench.in_state(raw::TaskState::Queued).await,
    ];
    let request = raw::BulkDiscardRequest {
        ids: ids.to_vec(),
        ..Default::default()
    };
    let answer = ok(bench.tasks.bulk_discard(Request::new(request)).await);
    assert_eq!((answer.done_count, answer.failed_count), (1, 1));
    assert_eq!(
        bench.states(&ids).await,
        [raw::TaskState::Cancelled, raw::TaskState::Queued]
    );
    bench.finish().await;
}

#[tokio::test]
async fn many_tasks_are_moved_in_chunks_and_listed_up_to_a_thousand() {
    let bench = Bench::new().await;
    for _ in 0..2 {
        let requests = vec![
            raw::CreateTaskRequest {
                task: Some(Box::default()),
                ..Default::default()
            };
            600
        ];
        let batch = raw::BatchCreateTasksRequest {
            requests,
            ..Default::default()
        };
        ok(bench.tasks.batch_create_tasks(Request::new(batch)).await);
    }
    let answer = ok(bench
        .tasks
        .bulk_cancel(Request::new(cancel_matching("state = QUEUED", 10_000)))
        .await);
    assert_eq!((answer.done_count, answer.results.len()), (1_200, 1_000));
    assert_eq!(answer.next_page_token, "");
    bench.finish().await;
}
