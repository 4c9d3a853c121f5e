//! Why a task does not run.

use baton_proto::raw::v1::CauseType;

use super::*;

impl Bench {
    async fn explain(&self, id: &str) -> raw::ExplainTaskResponse {
        let request = raw::ExplainTaskRequest { id: id.to_owned() };
        let answer = ok(self.tasks.explain_task(Request::new(request)).await);
        assert!(answer.causes.iter().all(|cause| !cause.message.is_empty()));
        answer
    }

    #[track_caller]
    fn single(answer: raw::ExplainTaskResponse, kind: CauseType) -> raw::Cause {
        let [cause] = answer.causes.try_into().expect("one cause");
        assert_eq!(cause.r#type(), kind);
        cause
    }
}

#[tokio::test]
async fn whoever_stopped_a_task_is_named() {
    let bench = Bench::new().await;
    let held = raw::CreateTaskRequest {
        task: Some(Box::default()),
        hold: true,
        actor: Some(human("ada")),
        ..Default::default()
    };
    let id = ok(bench.tasks.create_task(Request::new(held)).await)
        .task
        .unwrap()
        .id;
    let answer = bench.explain(&id).await;
    assert_eq!(answer.next_change_time, None);
    assert_eq!(Bench::single(answer, CauseType::Hold).actor, Some(human("ada")));
    let pause = raw::PauseTaskRequest {
        id: id.clone(),
        actor: Some(human("eve")),
        ..Default::default()
    };
    ok(bench.tasks.pause_task(Request::new(pause)).await);
    let cause = Bench::single(bench.explain(&id).await, CauseType::Paused);
    assert_eq!(cause.actor, Some(human("eve")));
    bench.finish().await;
}

#[tokio::test]
async fn a_wait_names_what_is_waited_for() {
    let bench = Bench::new().await;
    let (first, second) = (bench.create_id().await, bench.create_id().await);
    bench.start(&second).await;
    let on = |id: &str| raw::Dependency {
        task_id: id.to_owned(),
        ..Default::default()
    };
    let request = raw::CreateTaskRequest {
        task: Some(Box::new(raw::Task {
            dependencies: vec![on(&first), on(&second)],
            ..Default::default()
        })),
        delay: Some(prost_types::Duration {
            seconds: 60,
            nanos: 0,
        }),
        ..Default::default()
    };
    let blocked = ok(bench.tasks.create_task(Request::new(request)).await)
        .task
        .unwrap();
    let answer = bench.explain(&blocked.id).await;
    let told: Vec<_> = answer
        .causes
        .iter()
        .map(|cause| (cause.r#type(), cause.task_id.as_str(), cause.task_state()))
        .collect();
    let expected = [
        (CauseType::Dependency, first.as_str(), raw::TaskState::Queued),
        (CauseType::Dependency, second.as_str(), raw::TaskState::InProgress),
        (CauseType::ScheduleTime, "", raw::TaskState::Unspecified),
    ];
    assert_eq!(told, expected);
    assert_eq!(answer.causes[2].change_time, blocked.schedule_time);
    // While it is blocked, its time alone does not move it.
    assert_eq!(answer.next_change_time, None);
    bench.finish().await;
}

#[tokio::test]
async fn times_are_told_apart_by_what_set_them() {
    let bench = Bench::new().await;
    let delayed = raw::CreateTaskRequest {
        task: Some(Box::default()),
        delay: Some(prost_types::Duration {
            seconds: 60,
            nanos: 0,
        }),
        ..Default::default()
    };
    let task = ok(bench.tasks.create_task(Request::new(delayed)).await)
        .task
        .unwrap();
    let answer = bench.explain(&task.id).await;
    assert_eq!(answer.next_change_time, task.schedule_time);
    assert_eq!(
        Bench::single(answer, CauseType::ScheduleTime).change_time,
        task.schedule_time
    );

    let retried = bench
        .create(raw::Task {
            retry_policy: Some(raw::RetryPolicy::default()),
            ..Default::default()
        })
        .await;
    bench.start(&retried.id).await;
    let backing_off = bench.fail(&retried.id).await;
    let answer = bench.explain(&retried.id).await;
    assert_eq!(answer.next_change_time, backing_off.schedule_time);
    Bench::single(answer, CauseType::RetryBackoff);
    bench.finish().await;
}

#[tokio::test]
async fn a_lease_ends_by_itself() {
    let bench = Bench::new().await;
    let id = bench.create_id().await;
    let assign = raw::AssignTaskRequest {
        id: id.clone(),
        assignee: Some(human("ada")),
        lease_duration: Some(prost_types::Duration {
            seconds: 60,
            nanos: 0,
        }),
        ..Default::default()
    };
    let granted = ok(bench.tasks.assign_task(Request::new(assign)).await);
    let answer = bench.explain(&id).await;
    assert_eq!(answer.next_change_time, granted.lease_expire_time);
    let cause = Bench::single(answer, CauseType::Assigned);
    assert_eq!(cause.change_time, granted.lease_expire_time);
    let start = raw::StartTaskRequest {
        id: id.clone(),
        lease_token: granted.lease_token,
        ..Default::default()
    };
    let started = ok(bench.tasks.start_task(Request::new(start)).await);
    assert!(started.lease_expire_time.unwrap().seconds > granted.lease_expire_time.unwrap().seconds);
    let cause = Bench::single(bench.explain(&id).await, CauseType::Running);
    assert_eq!(cause.change_time, started.lease_expire_time);
    bench.finish().await;
}

#[tokio::test]
async fn every_other_state_has_its_cause() {
    let bench = Bench::new().await;
    let id = bench.create_id().await;
    Bench::single(bench.explain(&id).await, CauseType::Ready);
    let assign = raw::AssignTaskRequest {
        id: id.clone(),
        assignee: Some(human("ada")),
        ..Default::default()
    };
    ok(bench.tasks.assign_task(Request::new(assign)).await);
    let cause = Bench::single(bench.explain(&id).await, CauseType::Assigned);
    assert_eq!(cause.actor, Some(human("ada")));
    bench.start(&id).await;
    let cause = Bench::single(bench.explain(&id).await, CauseType::Running);
    assert_eq!(cause.actor, Some(human("ada")));
    let ask = raw::RequestInputRequest {
        id: id.clone(),
        input_request: Some(raw::InputRequest {
            key: "colour".to_owned(),
            prompt: "Which?".to_owned(),
            ..Default::default()
        }),
        ..Default::default()
    };
    ok(bench.tasks.request_input(Request::new(ask)).await);
    let cause = Bench::single(bench.explain(&id).await, CauseType::WaitingForInput);
    assert_eq!(cause.input_key, "colour");
    let answer = raw::ProvideInputRequest {
        id: id.clone(),
        input: Some(text("1")),
        ..Default::default()
    };
    ok(bench.tasks.provide_input(Request::new(answer)).await);
    let submit = raw::SubmitForReviewRequest {
        id: id.clone(),
        ..Default::default()
    };
    ok(bench.tasks.submit_for_review(Request::new(submit)).await);
    Bench::single(bench.explain(&id).await, CauseType::WaitingForReview);
    let reject = raw::RejectTaskRequest {
        id: id.clone(),
        ..Default::default()
    };
    ok(bench.tasks.reject_task(Request::new(reject)).await);
    let cause = Bench::single(bench.explain(&id).await, CauseType::Settled);
    assert!(cause.message.contains("RetryTask"), "{}", cause.message);
    bench.finish().await;
}
