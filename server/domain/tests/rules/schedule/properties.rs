//! However a clock runs, steps and stands still, whatever restarts between: no tick twice, and none is lost.

use std::collections::{BTreeSet, HashSet};

use baton_domain::schedule::{OverlapPolicy, TickOutcome, WAITING};
use baton_domain::{Schedule, ScheduleSpec, Span, TaskId, Timestamp};
use proptest::prelude::*;

use super::{NINE, cron, every, schedule};

/// What happens between two looks.
#[derive(Clone, Debug)]
enum Step {
    /// The clock goes on, or is put back.
    Clock(i64),
    /// Tasks settle: those whose id has this remainder by three.
    Settle(u8),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let clock =
        prop_oneof![4 => 1_i64..600, 1 => -7_200_i64..0, 1 => 3_600_i64..20_000].prop_map(Step::Clock);
    let step = prop_oneof![3 => clock, 1 => (0_u8..3).prop_map(Step::Settle)];
    prop::collection::vec(step, 1..60)
}

fn policies() -> impl Strategy<Value = OverlapPolicy> {
    prop::sample::select(OverlapPolicy::ALL)
}

fn specs() -> impl Strategy<Value = ScheduleSpec> {
    let timing = prop_oneof![
        (1_i64..900).prop_map(|secs| every(Span::from_secs(secs))),
        prop::sample::select(vec!["*/5 * * * *", "30 2,9,10 * * *", "0 * * * *"])
            .prop_map(|text| cron(text, "America/New_York")),
    ];
    (timing, policies(), 0_i64..1_000).prop_map(|(spec, overlap, jitter)| ScheduleSpec {
        overlap,
        jitter: Span::from_millis(jitter),
        ..spec
    })
}

/// Everything that became of ticks, one place for each.
#[derive(Default)]
struct Seen {
    fired: BTreeSet<Timestamp>,
    tasks: HashSet<TaskId>,
    passed_over: i64,
    settled: HashSet<TaskId>,
}

impl Seen {
    /// Lets the schedule do all that it has to do. The clock showed `latest` once.
    fn look(&mut self, mut schedule: Schedule, (now, latest): (Timestamp, Timestamp)) -> Schedule {
        while let Some(turn) = schedule.turn(now, 8, &|id| !self.settled.contains(&id)) {
            assert!(turn.fired.len() <= 8);
            self.settled.extend(&turn.cancelled);
            for fired in &turn.fired {
                assert!(fired.tick <= latest, "before its time");
                assert!(self.fired.insert(fired.tick), "a tick fired twice");
                assert!(self.tasks.insert(fired.task_id), "a task was made twice");
            }
            self.passed_over += i64::try_from(turn.skipped + turn.missed).expect("few");
            schedule = turn.schedule;
        }
        schedule
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn every_tick_is_accounted_for_once(spec in specs(), steps in steps()) {
        let mut schedule = schedule(spec.clone());
        let (mut now, mut latest, mut seen) = (NINE, NINE, Seen::default());
        for step in steps {
            match step {
                Step::Clock(secs) => {
                    now = Timestamp::from_micros(now.as_micros() + secs * 1_000_000);
                    latest = latest.max(now);
                }
                Step::Settle(rest) => {
                    let settled = seen.tasks.iter().filter(|id| id.0.as_bytes()[15] % 3 == rest);
                    let settled: Vec<_> = settled.copied().collect();
                    seen.settled.extend(settled);
                }
            }
            schedule = seen.look(schedule, (now, latest));
        }
        // All that were due, found anew.
        let all = std::iter::successors(spec.tick_after(schedule.id, NINE), |tick| {
            spec.tick_after(schedule.id, tick.time)
        });
        let due: BTreeSet<_> = all
            .take_while(|tick| tick.fire_time <= latest)
            .map(|tick| tick.time)
            .collect();
        let waiting: BTreeSet<_> = schedule.waiting.iter().copied().collect();
        prop_assert_eq!(waiting.len(), schedule.waiting.len());
        prop_assert!(waiting.len() <= WAITING && waiting.is_disjoint(&seen.fired));
        prop_assert!(seen.fired.union(&waiting).all(|tick| due.contains(tick)));
        let accounted = i64::try_from(seen.fired.len() + waiting.len()).unwrap() + seen.passed_over;
        prop_assert_eq!(accounted, i64::try_from(due.len()).unwrap());
        if spec.overlap == OverlapPolicy::AllowAll {
            prop_assert_eq!(&seen.fired, &due);
        }
        let fired = schedule.recent.iter().filter(|record| record.outcome == TickOutcome::Fired);
        prop_assert!(fired.into_iter().all(|record| seen.fired.contains(&record.tick)));
    }
}
