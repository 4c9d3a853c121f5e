//! Payloads that were replaced, and the bytes of what events name.

use std::sync::Arc;

use baton_domain::{Detail, EventType, Payload, PayloadRole};
use bytes::Bytes;

use super::fixture::{Fixture, NOW, json, new_input};
use crate::store::{EventsOfQuery, Window};

fn body(payload: Option<Payload>) -> Option<Bytes> {
    payload.and_then(|payload| payload.body)
}

#[tokio::test]
async fn every_version_of_a_payload_can_be_read() {
    let mut fixture = Fixture::new().await;
    let first = fixture.put(|new| new.input = Some(json("1"))).await;
    // The second and third version come in one batch: the second never stands on the row.
    let (second, mut batch) = fixture.moved(&first, &new_input("2"), NOW);
    let (third, more) = fixture.moved(&second, &new_input("3"), NOW);
    batch.events.extend(more.events);
    batch.updated = vec![(Arc::new(first.clone()), Arc::new(third.clone()))];
    fixture.writer.commit(&batch).await.unwrap();
    let read = async |version| {
        body(
            fixture
                .store
                .payload(first.id, PayloadRole::Input, version)
                .await
                .unwrap(),
        )
    };
    for (version, text) in [(1, "1"), (2, "2"), (3, "3")] {
        assert_eq!(read(version).await.as_deref(), Some(text.as_bytes()), "{version}");
    }
    assert_eq!(read(4).await, None);
    assert_eq!(
        body(
            fixture
                .store
                .payload(first.id, PayloadRole::Output, 1)
                .await
                .unwrap()
        ),
        None
    );
    assert_eq!(fixture.store.task(first.id).await.unwrap(), Some(third));

    let query = EventsOfQuery {
        window: Window::After(2),
        types: vec![EventType::Updated],
        limit: 9,
        payloads: true,
    };
    let events = fixture.store.events_of(first.id, &query).await.unwrap();
    let bodies: Vec<_> = events
        .iter()
        .map(|event| match &event.detail {
            Detail::Updated { edit, .. } => body(edit.input.clone().flatten()),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(
        bodies,
        vec![Some(Bytes::from_static(b"2")), Some(Bytes::from_static(b"3"))]
    );
    let mut log = fixture.store.log("default", 0, 1).await.unwrap();
    fixture.store.fill_payloads(&mut log).await.unwrap();
    let Detail::Created(created) = &log[0].detail else {
        panic!("{log:?}")
    };
    assert_eq!(body(created.input.clone()).as_deref(), Some(&b"1"[..]));
}
