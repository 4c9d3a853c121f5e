//! What an edit makes of a schedule.

use super::{Cron, OverlapPolicy, Schedule, ScheduleSpec, Timing, Zone};
use crate::create::NewTask;
use crate::rejection::Rejection;
use crate::time::{Span, Timestamp};

/// New values of fields; `None`: as it is. Of a field that may be absent the inner `None` clears it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ScheduleEdit {
    /// See [`ScheduleSpec::description`].
    pub description: Option<String>,
    /// Takes the place of whatever timing there is.
    pub cron: Option<Cron>,
    /// Takes the place of whatever timing there is; the phase stays where there is one.
    pub interval: Option<Span>,
    /// For an interval only.
    pub phase: Option<Span>,
    /// See [`ScheduleSpec::zone`].
    pub zone: Option<Zone>,
    /// See [`ScheduleSpec::start_time`].
    pub start_time: Option<Option<Timestamp>>,
    /// See [`ScheduleSpec::end_time`].
    pub end_time: Option<Option<Timestamp>>,
    /// See [`ScheduleSpec::jitter`].
    pub jitter: Option<Span>,
    /// See [`ScheduleSpec::overlap`].
    pub overlap: Option<OverlapPolicy>,
    /// See [`ScheduleSpec::catchup`].
    pub catchup: Option<Span>,
    /// See [`Schedule::template`].
    pub template: Option<Box<NewTask>>,
}

impl Schedule {
    /// The schedule after `edit`. Where that touches its ticks, it goes on with the first one after `now`; a tick that is
    /// due and not yet acted on is then one of the past.
    ///
    /// # Errors
    /// [`Rejection::InvalidField`] where its parts do not go together any more.
    pub fn edit(&self, edit: ScheduleEdit, now: Timestamp) -> Result<Self, Rejection> {
        let ScheduleEdit {
            description,
            cron,
            interval,
            phase,
            zone,
            start_time,
            end_time,
            jitter,
            overlap,
            catchup,
            template,
        } = edit;
        let before = &self.spec;
        let spec = ScheduleSpec {
            description: description.unwrap_or_else(|| before.description.clone()),
            timing: timing(&before.timing, (cron, interval, phase))?,
            zone: zone.unwrap_or_else(|| before.zone.clone()),
            start_time: start_time.unwrap_or(before.start_time),
            end_time: end_time.unwrap_or(before.end_time),
            jitter: jitter.unwrap_or(before.jitter),
            overlap: overlap.unwrap_or(before.overlap),
            catchup: catchup.unwrap_or(before.catchup),
        };
        spec.check()?;
        let same_ticks = before.timing == spec.timing
            && before.zone == spec.zone
            && (before.start_time, before.end_time, before.jitter)
                == (spec.start_time, spec.end_time, spec.jitter);
        let next = match self.paused {
            true => None,
            false if same_ticks => self.next,
            false => spec.tick_after(self.id, now),
        };
        Ok(Self {
            next,
            template: template.unwrap_or_else(|| self.template.clone()),
            spec,
            ..self.edited(now)
        })
    }
}

fn timing(
    before: &Timing,
    (cron, interval, phase): (Option<Cron>, Option<Span>, Option<Span>),
) -> Result<Timing, Rejection> {
    if let Some(cron) = cron {
        return Ok(Timing::Cron(cron));
    }
    match (interval, before) {
        (Some(every), Timing::Interval { phase: before, .. }) => Ok(Timing::Interval {
            every,
            phase: phase.unwrap_or(*before),
        }),
        (Some(every), Timing::Cron(_)) => Ok(Timing::Interval {
            every,
            phase: phase.unwrap_or(Span::ZERO),
        }),
        (None, Timing::Interval { every, phase: before }) => Ok(Timing::Interval {
            every: *every,
            phase: phase.unwrap_or(*before),
        }),
        (None, Timing::Cron(_)) if phase.is_some_and(|phase| phase > Span::ZERO) => {
            Err(Rejection::InvalidField {
                field: "schedule.phase",
                why: "must be absent: the schedule goes by a cron expression".to_owned(),
            })
        }
        (None, Timing::Cron(cron)) => Ok(Timing::Cron(cron.clone())),
    }
}
