//! Three servers of one database are as one.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::time::Duration;

use baton_client::proto::{LeaseTasksRequest, WatchStart, WatchTasksRequest};
use baton_client::{NewQueue, NewSchedule, NewTask, State};
use baton_tests::harness::{Process, TestServer};
use baton_tests::oracle::Scope;
use futures::future::join_all;

use super::processes;
use crate::dice::{Caller, Ids};
use crate::leases::{LONG, lease, seconds};
use crate::linear::all_have_an_order;
use crate::queues::{ask, finish, limited, step};
use crate::support::{LOOK, from_oldest, id, moment, until};

async fn three() -> [TestServer; 3] {
    let first = TestServer::start().await;
    // A report starts its task by itself, which no call asks for.
    first.history().others_act_too();
    let (second, third) = (first.beside().await, first.beside().await);
    [first, second, third]
}

/// Lets the oracle judge what all of them answered, once the others have stopped.
async fn finished(servers: [TestServer; 3], streams: Vec<baton_tests::harness::Stream>) {
    let [first, mut second, mut third] = servers;
    let evidence = first.evidence(&streams).await;
    drop(streams);
    second.stop().await;
    third.stop().await;
    baton_tests::harness::judge(&evidence);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_three_servers_are_asked_the_oracle_finds_it_in_order() {
    for seed in 0..3_u64 {
        println!("SEED={seed}");
        let servers = three().await;
        let ids = Mutex::new(Vec::new());
        let mut streams = Vec::new();
        for server in &servers {
            streams.push(server.watch(from_oldest(), Scope::all()).await);
        }
        let calls = (0..9_u64).map(async |n| {
            let server = &servers[usize::try_from(n % 3).unwrap()];
            let ids: &Ids = &ids;
            let mut caller = Caller::new(server.client(), server.history(), ids, seed * 100 + n);
            for _ in 0..100 {
                assert!(caller.call().await, "the server is there");
            }
        });
        join_all(calls).await;
        finished(servers, streams).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn workers_of_three_servers_keep_one_limit_together() {
    const TASKS: usize = 120;
    let servers = three().await;
    limited(&servers[0], NewQueue::new("steps").concurrency(4)).await;
    for n in 0..TASKS {
        let server = &servers[n % 3];
        server.ok(server.client().create(step())).await;
    }
    let done = Mutex::new(0);
    let names: Vec<String> = (0..9).map(|n| format!("w-{n}")).collect();
    let work = names.iter().enumerate().map(async |(n, name)| {
        let server = &servers[n % 3];
        while *done.lock().unwrap() < TASKS {
            let request = LeaseTasksRequest {
                wait_timeout: seconds(1),
                ..ask(name)
            };
            for held in lease(server, request).await.leased_tasks {
                finish(server, &held).await;
                *done.lock().unwrap() += 1;
            }
        }
    });
    join_all(work).await;
    let queue = servers[1].client().get_queue("steps").await.unwrap();
    assert_eq!(queue.leased_count, 0);
    finished(servers, Vec::new()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_waits_at_one_server_gets_what_another_is_given() {
    let servers = three().await;
    for _ in 0..5 {
        let request = LeaseTasksRequest {
            wait_timeout: seconds(LONG),
            ..ask("w")
        };
        let create = async {
            let created = servers[1].ok(servers[1].client().create(step())).await;
            created.into_inner().id
        };
        let (leased, id) = tokio::join!(lease(&servers[2], request), create);
        let [held] = &leased.leased_tasks[..] else {
            panic!("one task was to be had: {leased:?}")
        };
        assert_eq!(held.task.as_ref().unwrap().id, id);
        // By any server.
        finish(&servers[0], held).await;
        assert_eq!(until(&servers[1], &id, State::Completed).await.id, id);
    }
    finished(servers, Vec::new()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_and_a_request_are_one_for_all_servers() {
    let servers = three().await;
    for round in 0..20 {
        let key = format!("order-{round}");
        let creates = servers.iter().map(|server| {
            let new = NewTask::new("test").dedup_key(&key);
            server.ok(server.client().create(new))
        });
        let ids: BTreeSet<String> = join_all(creates)
            .await
            .into_iter()
            .map(|made| made.into_inner().id)
            .collect();
        assert_eq!(ids.len(), 1, "one key, one task");
        let (request, new) = (id(), NewTask::new("test").id(id()));
        let creates = servers.iter().map(|server| {
            let create = server.client().create(new.clone());
            server.ok(create.request_id(&request))
        });
        let ids: BTreeSet<String> = join_all(creates)
            .await
            .into_iter()
            .map(|made| made.into_inner().id)
            .collect();
        assert_eq!(ids.len(), 1, "one request, one task");
    }
    finished(servers, Vec::new()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_of_one_server_goes_on_at_another() {
    let servers = three().await;
    let mut stream = servers[0].watch(from_oldest(), Scope::all()).await;
    for round in 0..3 {
        let server = &servers[round];
        server.ok(server.client().create(NewTask::new("test"))).await;
        stream.until_events(if round == 0 { 2 } else { 1 }).await;
        let opening = WatchTasksRequest {
            start: WatchStart::Oldest.into(),
            ..from_oldest()
        };
        // At once: the other may not have heard of the last event yet.
        stream = servers[(round + 1) % 3]
            .resume(opening, Scope::all(), &stream)
            .await;
    }
    drop(stream);
    finished(servers, Vec::new()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_tick_is_made_once_whoever_leads_and_ends() {
    let (_database, history, mut servers) = processes(3);
    history.others_act_too();
    let client = servers[0].client();
    let new = NewSchedule::every("busy", Duration::from_secs(1), NewTask::new("work"));
    client
        .create_schedule(new.overlap(baton_client::proto::OverlapPolicy::AllowAll))
        .await
        .unwrap();
    for _ in 0..2 {
        let leader = leader(&servers).await;
        servers.remove(leader).kill();
        let made = ticks(&servers[0]).await;
        let next = async {
            while ticks(&servers[0]).await <= made {
                moment(LOOK).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), next)
            .await
            .expect("another server goes on");
    }
    let client = servers[0].client();
    client.pause_schedule("busy").await.unwrap();
    let made = crate::schedules::tasks(&client).await;
    let ticks = crate::schedules::ticks_of(&made);
    assert_eq!(made.len(), ticks.len(), "no tick twice");
    let (first, last) = (*ticks.first().unwrap(), *ticks.last().unwrap());
    assert_eq!(
        i64::try_from(made.len()).unwrap(),
        last - first + 1,
        "and none is missing"
    );
    servers.remove(0).finish().await;
}

async fn ticks(process: &Process) -> usize {
    crate::schedules::tasks(&process.client()).await.len()
}

/// Which of them says last that it leads.
async fn leader(servers: &[Process]) -> usize {
    loop {
        let leads = |process: &Process| {
            let log = process.log();
            let last = log.lines().rev().find(|line| line.contains("server leads"));
            last.is_some_and(|line| line.contains("this server leads"))
        };
        if let Some(found) = servers.iter().position(leads) {
            return found;
        }
        moment(LOOK).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_of_the_calls_of_three_servers_explains_every_answer() {
    let servers = three().await;
    all_have_an_order(&servers, 20).await;
    finished(servers, Vec::new()).await;
}
