//! Ten years of ticks in four time zones, by the server's clock over a real store, compared with the independent reference of
//! the rules (`server/domain/tests/reference/ticks.py`).

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::time::Duration;

use baton_client::proto::OverlapPolicy;
use baton_client::{Client, NewSchedule, NewTask};
use baton_tests::harness::TestServer;
use futures::TryStreamExt;
use prost_types::Timestamp;
use sha2::{Digest, Sha256};

use super::{DAY, advance, ticks_of};

const REFERENCE: &str = include_str!("../../../../server/domain/tests/reference/ticks.tsv");
/// In Berlin and New York the clocks skip it once a year, on Lord Howe they show half of that hour twice.
const EXPRESSION: &str = "30 2 * * *";
const ZONES: [(&str, &str); 4] = [
    ("berlin", "Europe/Berlin"),
    ("new-york", "America/New_York"),
    ("lord-howe", "Australia/Lord_Howe"),
    ("kolkata", "Asia/Kolkata"),
];
/// Of the reference: 2026-01-01 and 2036-01-01, in seconds since 1970.
const YEARS: std::ops::Range<i64> = 1_767_225_600..2_082_758_400;

fn schedule(name: &str, zone: &str) -> NewSchedule {
    NewSchedule::cron(name, EXPRESSION, NewTask::new("work"))
        .time_zone(zone)
        .overlap(OverlapPolicy::AllowAll)
        .catchup_window(Duration::from_secs(366 * DAY.unsigned_abs()))
}

/// The ticks of the reference's years before `end`: nobody was there to act on them.
async fn before(client: &Client, zone: &str, end: i64) -> BTreeSet<i64> {
    let (mut found, mut after) = (BTreeSet::new(), YEARS.start - 1);
    while after < end {
        let shown = client.preview_new_schedule(schedule("", zone)).count(100);
        let shown = shown.after(Timestamp {
            seconds: after,
            nanos: 0,
        });
        let shown = shown.await.unwrap();
        found.extend(shown.ticks.iter().map(|tick| tick.tick_time.unwrap().seconds));
        after = *found.last().unwrap();
    }
    found.split_off(&end);
    found
}

/// The ticks that made a task of a schedule.
async fn fired(client: &Client, name: &str) -> BTreeSet<i64> {
    let tasks = client
        .list()
        .filter(format!("labels.\"baton.schedule\" = \"{name}\""));
    let tasks: Vec<_> = tasks.page_size(1_000).all().try_collect().await.unwrap();
    ticks_of(&tasks)
}

/// Each restart forgets what was added to the clock: it steps back by years, and then ahead again beyond where it was.
#[tokio::test]
async fn ten_years_of_ticks_in_four_zones_are_as_the_reference_says() {
    // What the oracle is to read is kept until the end.
    let mut server =
        TestServer::start_with(|config| config.feed_retention_secs = 3_650 * DAY.unsigned_abs()).await;
    server.history().others_act_too();
    for (name, zone) in ZONES {
        server
            .client()
            .create_schedule(schedule(name, zone))
            .await
            .unwrap();
    }
    let start = server.client().server_info().await.unwrap().time.unwrap().seconds;
    let step = 180 * DAY;
    let mut behind = 0;
    for (round, now) in (start + step..YEARS.end + step)
        .step_by(usize::try_from(step).unwrap())
        .enumerate()
    {
        let by = now - start - behind;
        advance(&server, Duration::from_secs(by.unsigned_abs())).await;
        behind += by;
        if round % 4 == 3 {
            server.restart().await;
            behind = 0;
        }
    }
    let client = server.client();
    for (name, zone) in ZONES {
        let mut ticks = fired(client, name).await;
        let first = *ticks.first().unwrap();
        assert!(first - start <= 2 * DAY, "{zone}: the first are lost");
        ticks.extend(before(client, zone, first).await);
        ticks.split_off(&YEARS.end);
        let line = REFERENCE
            .lines()
            .find(|line| line.starts_with(&format!("{zone}\t{EXPRESSION}\t")));
        let [_, _, count, hash, around] = line.unwrap().split('\t').collect::<Vec<_>>()[..] else {
            panic!("{line:?}");
        };
        for expected in around.split_ascii_whitespace() {
            assert!(
                ticks.contains(&expected.parse().unwrap()),
                "{zone} lacks {expected}"
            );
        }
        assert_eq!(ticks.len().to_string(), count, "{zone}");
        let text = ticks.iter().fold(String::new(), |mut text, tick| {
            writeln!(text, "{tick}").unwrap();
            text
        });
        let digest = Sha256::digest(text.as_bytes());
        let digest = digest.iter().fold(String::new(), |mut hex, byte| {
            write!(hex, "{byte:02x}").unwrap();
            hex
        });
        assert_eq!(digest, hash, "{zone}");
    }
    server.finish().await;
}
