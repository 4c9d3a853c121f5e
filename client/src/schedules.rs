//! Schedules: tasks that come into being by themselves.

use std::time::Duration;

use baton_proto::v1::schedule::Timing;
use baton_proto::v1::{
    CreateScheduleRequest, DeleteScheduleRequest, GetScheduleRequest, ListSchedulesRequest, OverlapPolicy,
    PauseScheduleRequest, PreviewScheduleRequest, ResumeScheduleRequest, Schedule, TriggerScheduleRequest,
    UpdateScheduleRequest,
};
use futures::stream::{Stream, TryStreamExt, iter, try_unfold};
use prost_types::{FieldMask, Timestamp};

use crate::call::Call;
use crate::{Client, Error, NewTask, value};

/// A schedule to be: a name, when it ticks, and what a tick makes. Of the [`NewTask`] the task alone counts: its id, delay,
/// hold and key are those of one task.
///
/// ```
/// use std::time::Duration;
/// use baton_client::{NewSchedule, NewTask};
///
/// let often = NewSchedule::every("my-task", Duration::from_secs(300), NewTask::new("my-task"));
/// let nightly = NewSchedule::cron("nightly", "30 2 * * *", NewTask::new("report.generate"))
///     .time_zone("Europe/Berlin");
/// ```
#[derive(Clone, Debug, PartialEq)]
#[must_use]
pub struct NewSchedule {
    schedule: Schedule,
}

impl NewSchedule {
    /// One that ticks every so often, at least every second.
    pub fn every(name: impl Into<String>, interval: Duration, task: NewTask) -> Self {
        Self::new(name, Timing::Interval(value::span(interval)), task)
    }

    /// One that ticks at the local times of a cron expression, such as `30 2 * * MON-FRI`.
    pub fn cron(name: impl Into<String>, expression: impl Into<String>, task: NewTask) -> Self {
        Self::new(name, Timing::Cron(expression.into()), task)
    }

    fn new(name: impl Into<String>, timing: Timing, task: NewTask) -> Self {
        let request: baton_proto::v1::CreateTaskRequest = task.into();
        let schedule = Schedule {
            name: name.into(),
            timing: Some(timing),
            task: Some(request.task.unwrap_or_default()),
            ..Schedule::default()
        };
        Self { schedule }
    }

    /// The zone whose local times the expression names. Default UTC.
    pub fn time_zone(self, name: impl Into<String>) -> Self {
        self.with(|schedule| schedule.time_zone = name.into())
    }

    /// What a tick does while a task of this schedule is open. Default SKIP.
    pub fn overlap(self, policy: OverlapPolicy) -> Self {
        self.with(|schedule| schedule.set_overlap_policy(policy))
    }

    /// How late a tick may be and still make its task. Default 24 hours.
    pub fn catchup_window(self, window: Duration) -> Self {
        self.with(|schedule| schedule.catchup_window = Some(value::span(window)))
    }

    /// By how much a tick is put off at most. Default not at all.
    pub fn jitter(self, jitter: Duration) -> Self {
        self.with(|schedule| schedule.jitter = Some(value::span(jitter)))
    }

    /// Changes any field.
    pub fn with(mut self, change: impl FnOnce(&mut Schedule)) -> Self {
        change(&mut self.schedule);
        self
    }
}

impl From<NewSchedule> for Schedule {
    fn from(new: NewSchedule) -> Self {
        new.schedule
    }
}

impl Client {
    /// Creates a schedule, from a [`NewSchedule`] or a whole message.
    pub fn create_schedule(&self, schedule: impl Into<Schedule>) -> Call<CreateScheduleRequest> {
        self.call(CreateScheduleRequest {
            schedule: Some(schedule.into()),
            ..Default::default()
        })
    }

    /// Answers a schedule.
    pub fn get_schedule(&self, name: impl Into<String>) -> Call<GetScheduleRequest> {
        self.call(GetScheduleRequest {
            name: name.into(),
            ..Default::default()
        })
    }

    /// Answers schedules by their names: by `.await` one page, by [`all`](Call::<ListSchedulesRequest>::all) everything as a
    /// stream.
    pub fn list_schedules(&self) -> Call<ListSchedulesRequest> {
        self.call(ListSchedulesRequest::default())
    }

    /// Edits fields of the schedule that `schedule.name` names: those that `fields` names (`cron`, `jitter`, ...), or every
    /// field of `schedule` that is not empty, where `fields` is empty.
    pub fn update_schedule<'a>(
        &self,
        schedule: Schedule,
        fields: impl IntoIterator<Item = &'a str>,
    ) -> Call<UpdateScheduleRequest> {
        let paths: Vec<_> = fields.into_iter().map(str::to_owned).collect();
        self.call(UpdateScheduleRequest {
            schedule: Some(schedule),
            update_mask: (!paths.is_empty()).then_some(FieldMask { paths }),
            ..Default::default()
        })
    }

    /// Deletes a schedule; its tasks stay.
    pub fn delete_schedule(&self, name: impl Into<String>) -> Call<DeleteScheduleRequest> {
        self.call(DeleteScheduleRequest {
            name: name.into(),
            ..Default::default()
        })
    }

    /// Stops a schedule for now.
    pub fn pause_schedule(&self, name: impl Into<String>) -> Call<PauseScheduleRequest> {
        self.call(PauseScheduleRequest {
            name: name.into(),
            ..Default::default()
        })
    }

    /// Lets a paused schedule go on.
    pub fn resume_schedule(&self, name: impl Into<String>) -> Call<ResumeScheduleRequest> {
        self.call(ResumeScheduleRequest {
            name: name.into(),
            ..Default::default()
        })
    }

    /// Makes a schedule's task now; answers it and the schedule.
    pub fn trigger_schedule(&self, name: impl Into<String>) -> Call<TriggerScheduleRequest> {
        self.call(TriggerScheduleRequest {
            name: name.into(),
            ..Default::default()
        })
    }

    /// Answers the next ticks of a schedule, by default 10.
    pub fn preview_schedule(&self, name: impl Into<String>) -> Call<PreviewScheduleRequest> {
        self.call(PreviewScheduleRequest {
            name: name.into(),
            ..Default::default()
        })
    }

    /// As [`Self::preview_schedule`], of a schedule that is not there yet.
    pub fn preview_new_schedule(&self, schedule: impl Into<Schedule>) -> Call<PreviewScheduleRequest> {
        self.call(PreviewScheduleRequest {
            schedule: Some(schedule.into()),
            ..Default::default()
        })
    }
}

/// What calls by name can be told.
macro_rules! by_name {
    ($($request:ident)+) => {$(
        impl Call<$request> {
            /// The namespace, in place of the client's.
            pub fn namespace(self, namespace: impl Into<String>) -> Self {
                self.with(|request| request.namespace = namespace.into())
            }
        }
    )+};
}

by_name! {
    GetScheduleRequest ListSchedulesRequest DeleteScheduleRequest PauseScheduleRequest ResumeScheduleRequest
    TriggerScheduleRequest PreviewScheduleRequest
}

impl Call<PauseScheduleRequest> {
    /// For people: why.
    pub fn note(self, note: impl Into<String>) -> Self {
        self.with(|request| request.note = note.into())
    }
}

impl Call<ResumeScheduleRequest> {
    /// For people.
    pub fn note(self, note: impl Into<String>) -> Self {
        self.with(|request| request.note = note.into())
    }
}

impl Call<PreviewScheduleRequest> {
    /// How many ticks, 1 to 1,000. Default 10.
    pub fn count(self, count: i32) -> Self {
        self.with(|request| request.count = count)
    }

    /// Only ticks after that moment. Default now.
    pub fn after(self, time: Timestamp) -> Self {
        self.with(|request| request.after_time = Some(time))
    }
}

impl Call<ListSchedulesRequest> {
    /// How many a page has at most, 1 to 1,000. Default 50.
    pub fn page_size(self, size: i32) -> Self {
        self.with(|request| request.page_size = size)
    }

    /// Where to go on: the `next_page_token` of the page before.
    pub fn page_token(self, token: impl Into<String>) -> Self {
        self.with(|request| request.page_token = token.into())
    }

    /// All pages as one stream; each page is asked for when it is needed.
    pub fn all(self) -> impl Stream<Item = Result<Schedule, Error>> + Send + 'static {
        let pages = try_unfold(Some(self), |call| async move {
            let Some(call) = call else { return Ok(None) };
            let page = call.clone().await?;
            let more = !page.next_page_token.is_empty();
            let next = more.then(|| call.page_token(page.next_page_token));
            Ok::<_, Error>(Some((iter(page.schedules.into_iter().map(Ok)), next)))
        });
        pages.try_flatten()
    }
}
