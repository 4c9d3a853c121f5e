//! Which states BulkUpdateState reaches from where.

use raw::TaskState::{Assigned, Cancelled, Completed, Failed, InProgress, Paused, Pending, Queued, Review};

use super::*;

impl Bench {
    /// One task in each state that a move of a client leads to, by that state's name.
    pub(super) async fn in_state(&self, state: raw::TaskState) -> String {
        let held = raw::CreateTaskRequest {
            task: Some(Box::default()),
            hold: true,
            ..Default::default()
        };
        let id = ok(self.tasks.create_task(Request::new(held)).await)
            .task
            .unwrap()
            .id;
        if state == raw::TaskState::Pending {
            return id;
        }
        if state == raw::TaskState::Paused {
            self.pause(&id).await;
            return id;
        }
        let queue = raw::QueueTaskRequest {
            id: id.clone(),
            ..Default::default()
        };
        ok(self.tasks.queue_task(Request::new(queue)).await);
        if state == raw::TaskState::Assigned {
            let assign = raw::AssignTaskRequest {
                id: id.clone(),
                assignee: Some(human("ada")),
                ..Default::default()
            };
            ok(self.tasks.assign_task(Request::new(assign)).await);
        } else if state != raw::TaskState::Queued {
            self.start(&id).await;
        }
        if state == raw::TaskState::Review {
            let submit = raw::SubmitForReviewRequest {
                id: id.clone(),
                ..Default::default()
            };
            ok(self.tasks.submit_for_review(Request::new(submit)).await);
        } else if state == raw::TaskState::Completed {
            self.complete(&id, None).await;
        } else if state == raw::TaskState::Failed {
            self.fail(&id).await;
        }
        assert_eq!(self.get(&id).await.state(), state);
        id
    }

    /// Whether BulkUpdateState moves the task, or says that it would.
    async fn reach(&self, id: &str, aim: raw::TaskState, validate_only: bool) -> bool {
        let request = raw::BulkUpdateStateRequest {
            ids: vec![id.to_owned()],
            state: aim.into(),
            actor: Some(human("eve")),
            validate_only,
            ..Default::default()
        };
        let answer = ok(self.tasks.bulk_update_state(Request::new(request)).await);
        assert_eq!(answer.done_count + answer.failed_count, 1);
        answer.done_count == 1
    }
}

/// Each aim, from where it is reached, and from where it is not.
const WAYS: [(raw::TaskState, &[raw::TaskState], &[raw::TaskState]); 6] = [
    (
        Queued,
        &[Pending, Assigned, InProgress, Failed],
        &[Queued, Completed, Review],
    ),
    (
        InProgress,
        &[Assigned, Review],
        &[Pending, Queued, Completed, Failed],
    ),
    (Review, &[InProgress], &[Assigned, Completed]),
    (Completed, &[InProgress, Review], &[Queued, Assigned, Failed]),
    (
        Paused,
        &[Pending, Queued, InProgress, Review],
        &[Paused, Failed, Completed],
    ),
    (
        Cancelled,
        &[Pending, Paused, InProgress, Review],
        &[Completed, Failed],
    ),
];

#[tokio::test]
async fn a_state_is_reached_from_wherever_a_call_leads_there() {
    let bench = Bench::new().await;
    for (aim, good, bad) in WAYS {
        let from = good.iter().map(|from| (*from, true));
        for (from, moves) in from.chain(bad.iter().map(|from| (*from, false))) {
            let id = bench.in_state(from).await;
            assert_eq!(
                bench.reach(&id, aim, true).await,
                moves,
                "trying {from:?} to {aim:?}"
            );
            assert_eq!(bench.get(&id).await.state(), from);
            assert_eq!(bench.reach(&id, aim, false).await, moves, "{from:?} to {aim:?}");
            let expected = if moves { aim } else { from };
            assert_eq!(bench.get(&id).await.state(), expected);
        }
    }
    bench.finish().await;
}

#[tokio::test]
async fn what_was_paused_goes_on() {
    let bench = Bench::new().await;
    let id = bench.in_state(Queued).await;
    bench.pause(&id).await;
    assert!(bench.reach(&id, Queued, false).await);
    assert_eq!(bench.get(&id).await.state(), Queued);
    bench.finish().await;
}
