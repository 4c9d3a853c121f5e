//! What others wrote is read over the connection that writes, and is what the store would tell.

use baton_domain::{Detail, EventType};

use crate::store::{Heads, News, Writer, tests::fixture::Fixture};

/// Three logs of tasks whose two events share a row, and their ends before and after each create.
async fn logs() -> (Fixture, Vec<Heads>) {
    let mut fixture = Fixture::new().await;
    let mut known = vec![Heads::default()];
    for name in ["one", "two", "one", "three"] {
        fixture.put(|new| new.namespace = name.to_owned()).await;
        known.push(fixture.store.heads().await.unwrap());
    }
    (fixture, known)
}

/// What is told where every log is read.
async fn news(writer: &mut Writer, known: &Heads) -> Option<News> {
    writer.news(known, |_| true).await.unwrap()
}

async fn news_are_what_the_store_tells(writer: &mut Writer, all: &Heads, known: &Heads) -> usize {
    let news = news(writer, known).await.expect("there are few");
    assert_eq!(&news.heads, all);
    news.events.len()
}

#[tokio::test]
async fn what_is_behind_a_position_is_told_whatever_row_it_shares() {
    let (mut fixture, known) = logs().await;
    let all = fixture.store.heads().await.unwrap();
    let mut counts = Vec::new();
    for known in &known {
        counts.push(news_are_what_the_store_tells(&mut fixture.writer, &all, known).await);
    }
    // Each create has two events in a row.
    assert_eq!(counts, [8, 6, 4, 2, 0]);
    // Known up to the first of a row's two.
    let mut half = Heads::default();
    half.skip_to("one", 3, all.time("one"));
    let news = news(&mut fixture.writer, &half).await.expect("there are few");
    let mut expected = Vec::new();
    for (name, position) in [("one", 3), ("three", 0), ("two", 0)] {
        expected.extend(fixture.store.log(name, position, 10).await.unwrap());
    }
    assert_eq!(news.events, expected);
}

#[tokio::test]
async fn a_log_that_nobody_reads_is_told_without_details() {
    let (mut fixture, _) = logs().await;
    let known = Heads::default();
    let told = fixture.writer.news(&known, |name| name == "one");
    let news = told.await.unwrap().expect("there are few");
    let mut brief: Vec<_> = news.brief.into_iter().collect();
    brief.sort();
    assert_eq!(brief, ["three", "two"]);
    for event in news
        .events
        .iter()
        .filter(|event| event.kind == EventType::Created)
    {
        assert_eq!(
            event.detail != Detail::None,
            event.namespace == "one",
            "{event:?}"
        );
    }
}

#[tokio::test]
async fn a_log_that_grew_by_much_is_left_to_be_read_piece_by_piece() {
    let (mut fixture, _) = logs().await;
    for _ in 0..500 {
        fixture.put(|new| new.namespace = "two".to_owned()).await;
    }
    assert!(news(&mut fixture.writer, &Heads::default()).await.is_none());
    let all = fixture.store.heads().await.unwrap();
    assert_eq!(
        news_are_what_the_store_tells(&mut fixture.writer, &all, &all).await,
        0
    );
}

#[tokio::test]
async fn a_server_goes_on_where_a_newer_one_adds_a_column_to_the_log() {
    let (mut fixture, known) = logs().await;
    let all = fixture.store.heads().await.unwrap();
    let before = news_are_what_the_store_tells(&mut fixture.writer, &all, &known[1]).await;
    let mut shell = fixture.shell().await;
    shell.run("ALTER TABLE event ADD COLUMN later bigint").await;
    let after = news_are_what_the_store_tells(&mut fixture.writer, &all, &known[1]).await;
    assert_eq!((before, after), (6, 6));
}
