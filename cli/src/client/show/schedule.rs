//! Schedules and their ticks.

use baton_client::proto::schedule::Timing;
use baton_client::proto::{OverlapPolicy, Schedule, ScheduleTick, TickOutcome};

use super::detail::{Sheet, actor};
use super::table::{self, drawn};
use super::text::{clean, short, span, time};

/// Characters of an expression in a table.
const TIMING: usize = 40;

pub(super) fn table(schedules: &[Schedule]) -> String {
    let mut table = table::table(&["NAME", "WHEN", "TYPE", "OVERLAP", "NEXT", "FIRED", "PASSED OVER"]);
    for schedule in schedules {
        let task_type = schedule.task.as_ref().map(|task| task.r#type.as_str());
        table.add_row(vec![
            clean(&schedule.name),
            short(&when(schedule), TIMING),
            clean(task_type.unwrap_or_default()),
            overlap(schedule.overlap_policy()).to_owned(),
            next(schedule),
            schedule.fired_count.to_string(),
            (schedule.skipped_count + schedule.missed_count).to_string(),
        ]);
    }
    drawn(table)
}

pub(super) fn sheet(schedule: &Schedule) -> String {
    let mut sheet = Sheet::default();
    sheet.put("name", clean(&schedule.name));
    sheet.put("namespace", clean(&schedule.namespace));
    sheet.put("description", clean(&schedule.description));
    sheet.put("when", clean(&when(schedule)));
    sheet.put("phase", schedule.phase.as_ref().map(span).unwrap_or_default());
    sheet.put("start", time(schedule.start_time));
    sheet.put("end", time(schedule.end_time));
    sheet.put("jitter", schedule.jitter.as_ref().map(span).unwrap_or_default());
    sheet.put("overlap", overlap(schedule.overlap_policy()));
    let window = schedule.catchup_window.as_ref();
    sheet.put("catch-up", window.map(span).unwrap_or_default());
    if let Some(task) = &schedule.task {
        sheet.put("type", clean(&task.r#type));
        sheet.put("queue", clean(&task.queue));
        sheet.put("title", clean(&task.title));
    }
    sheet.put("next", next(schedule));
    sheet.put("note", clean(&schedule.note));
    sheet.put("creator", actor(schedule.creator.as_ref()));
    sheet.put("created", time(schedule.create_time));
    sheet.put("updated", time(schedule.update_time));
    sheet.put("fired", schedule.fired_count.to_string());
    sheet.put("skipped", schedule.skipped_count.to_string());
    sheet.put("missed", schedule.missed_count.to_string());
    for waiting in &schedule.waiting_times {
        sheet.put("waiting", time(Some(*waiting)));
    }
    for tick in &schedule.recent_ticks {
        sheet.put("tick", told(tick));
    }
    sheet.put("etag", clean(&schedule.etag));
    sheet.text()
}

/// Ticks that are still to come.
pub(super) fn ticks(ticks: &[ScheduleTick]) -> String {
    let mut table = table::table(&["TICK", "ACTED ON"]);
    for tick in ticks {
        table.add_row(vec![time(tick.tick_time), time(tick.fire_time)]);
    }
    drawn(table)
}

fn told(tick: &ScheduleTick) -> String {
    let name = tick.outcome().as_str_name();
    let outcome = name.strip_prefix("TICK_OUTCOME_").unwrap_or(name);
    let made = match tick.outcome() {
        TickOutcome::Fired | TickOutcome::Triggered => format!(" {}", clean(&tick.task_id)),
        TickOutcome::Skipped | TickOutcome::Missed | TickOutcome::Unspecified => String::new(),
    };
    format!("{} {outcome}{made}", time(tick.tick_time))
}

fn when(schedule: &Schedule) -> String {
    match &schedule.timing {
        Some(Timing::Cron(cron)) if schedule.time_zone.is_empty() || schedule.time_zone == "UTC" => {
            cron.clone()
        }
        Some(Timing::Cron(cron)) => format!("{cron} ({})", schedule.time_zone),
        Some(Timing::Interval(every)) => format!("every {}", span(every)),
        None => String::new(),
    }
}

fn next(schedule: &Schedule) -> String {
    match schedule.next_time {
        _ if schedule.paused => "paused".to_owned(),
        None => "over".to_owned(),
        next => time(next),
    }
}

fn overlap(policy: OverlapPolicy) -> &'static str {
    let name = policy.as_str_name();
    name.strip_prefix("OVERLAP_POLICY_").unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NINE: prost_types::Timestamp = prost_types::Timestamp {
        seconds: 1_795_338_000,
        nanos: 0,
    };

    #[test]
    fn a_schedule_shows_when_it_acts_and_what_it_did() {
        let mut schedule = Schedule {
            name: "nightly".to_owned(),
            timing: Some(Timing::Cron("30 2 * * *".to_owned())),
            time_zone: "Europe/Berlin".to_owned(),
            next_time: Some(NINE),
            recent_ticks: vec![ScheduleTick {
                tick_time: Some(NINE),
                fire_time: Some(NINE),
                outcome: TickOutcome::Fired.into(),
                task_id: "019a".to_owned(),
            }],
            fired_count: 7,
            ..Schedule::default()
        };
        schedule.set_overlap_policy(OverlapPolicy::BufferOne);
        let rows = table(std::slice::from_ref(&schedule));
        assert!(rows.contains("30 2 * * * (Europe/Berlin)"), "{rows}");
        assert!(
            rows.contains("BUFFER_ONE") && rows.contains("2026-11-22T09:00:00Z"),
            "{rows}"
        );
        let text = sheet(&schedule);
        assert!(text.contains("2026-11-22T09:00:00Z FIRED 019a"), "{text}");
        schedule.paused = true;
        assert!(table(&[schedule]).contains("paused"));
    }
}
