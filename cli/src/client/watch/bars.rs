//! A watch on a terminal: a bar for every running task, and above them a line for what else happens.

use std::collections::HashMap;
use std::io;

use baton_client::proto::{Progress, Task, TaskEvent, WatchTasksResponse, task_event::Detail};
use baton_client::{EventType, State, WatchItem};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::client::show::table::watched;
use crate::client::show::text::short;

/// More do not fit a terminal; what runs beyond them gets its bar when one is free and it moves.
const BARS: usize = 20;
/// Tasks whose titles are kept.
const TITLES: usize = 10_000;
const TITLE: usize = 30;
const STEP: usize = 40;

pub(super) struct Bars {
    screen: MultiProgress,
    bars: HashMap<String, ProgressBar>,
    titles: HashMap<String, String>,
    style: ProgressStyle,
}

impl Bars {
    pub(super) fn new() -> Self {
        Self::on(ProgressDrawTarget::stdout())
    }

    fn on(target: ProgressDrawTarget) -> Self {
        let style = ProgressStyle::with_template("{prefix:30} [{bar:24}] {pos:>3}% {msg}")
            .unwrap_or_else(|_| ProgressStyle::default_bar())
            .progress_chars("=> ");
        Bars {
            screen: MultiProgress::with_draw_target(target),
            bars: HashMap::new(),
            titles: HashMap::new(),
            style,
        }
    }

    pub(super) fn show(&mut self, item: &WatchItem) -> io::Result<()> {
        match item {
            WatchItem::Snapshot(task) => self.found(task),
            WatchItem::Event(event) => self.happened(event),
            WatchItem::Left(event) => {
                self.happened(event)?;
                self.end(&event.task_id);
                Ok(())
            }
            // The bars say all there is to say.
            _ => Ok(()),
        }
    }

    /// A task of the snapshot: what does not run is no news.
    fn found(&mut self, task: &Task) -> io::Result<()> {
        self.remember(task);
        if task.state() == State::InProgress {
            self.advance(&task.id, task.progress.as_ref());
        }
        Ok(())
    }

    fn happened(&mut self, event: &TaskEvent) -> io::Result<()> {
        let told = match &event.detail {
            Some(Detail::Progress(told)) => Some(told),
            Some(Detail::Created(created)) => {
                created.task.iter().for_each(|task| self.remember(task));
                None
            }
            Some(_) | None => None,
        };
        if event.r#type() != EventType::Progress {
            self.say(event)?;
        }
        if event.to_state() == State::InProgress && event.r#type() != EventType::Deleted {
            self.advance(&event.task_id, told);
        } else {
            self.end(&event.task_id);
        }
        Ok(())
    }

    fn say(&self, event: &TaskEvent) -> io::Result<()> {
        let message = WatchTasksResponse {
            events: vec![event.clone()],
            ..WatchTasksResponse::default()
        };
        watched(&message).into_iter().try_for_each(|line| {
            let title = self.titles.get(&event.task_id).map_or("", String::as_str);
            self.screen.println(format!("{line}  {title}").trim_end())
        })
    }

    fn remember(&mut self, task: &Task) {
        let name = [&task.title, &task.r#type, &task.id]
            .into_iter()
            .find(|name| !name.is_empty());
        if let Some(name) = name
            && self.titles.len() < TITLES
        {
            self.titles.insert(task.id.clone(), short(name, TITLE));
        }
    }

    /// Moves the bar of a running task; makes it first where there is none.
    fn advance(&mut self, id: &str, told: Option<&Progress>) {
        if !self.bars.contains_key(id) {
            if self.bars.len() >= BARS {
                return;
            }
            let title = self.titles.get(id).cloned().unwrap_or_else(|| short(id, TITLE));
            let bar = self.screen.add(
                ProgressBar::new(100)
                    .with_style(self.style.clone())
                    .with_prefix(title),
            );
            bar.tick();
            self.bars.insert(id.to_owned(), bar);
        }
        let Some((bar, told)) = self.bars.get(id).zip(told) else {
            return;
        };
        if let Some(percent) = told.percent {
            bar.set_position(u64::try_from(percent).unwrap_or_default());
        }
        let words = if told.message.is_empty() {
            &told.current_step
        } else {
            &told.message
        };
        bar.set_message(short(words, STEP));
    }

    /// A task that runs no more has no bar.
    fn end(&mut self, id: &str) {
        if let Some(bar) = self.bars.remove(id) {
            bar.finish_and_clear();
            self.screen.remove(&bar);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(id: &str, event_type: EventType, to: State, detail: Option<Detail>) -> WatchItem {
        WatchItem::Event(Box::new(TaskEvent {
            task_id: id.to_owned(),
            r#type: event_type.into(),
            to_state: to.into(),
            detail,
            ..TaskEvent::default()
        }))
    }

    fn progress(id: &str, percent: i32) -> WatchItem {
        let told = Progress {
            percent: Some(percent),
            current_step: "reading".to_owned(),
            ..Progress::default()
        };
        event(
            id,
            EventType::Progress,
            State::InProgress,
            Some(Detail::Progress(told)),
        )
    }

    #[test]
    fn a_running_task_has_a_bar_until_it_ends() {
        let mut bars = Bars::on(ProgressDrawTarget::hidden());
        bars.show(&event("1", EventType::Started, State::InProgress, None))
            .unwrap();
        bars.show(&progress("1", 40)).unwrap();
        assert_eq!(bars.bars["1"].position(), 40);
        assert_eq!(bars.bars["1"].message(), "reading");
        bars.show(&event("1", EventType::Completed, State::Completed, None))
            .unwrap();
        assert!(bars.bars.is_empty());
    }

    #[test]
    fn a_task_of_the_snapshot_has_its_title_and_its_progress() {
        let mut bars = Bars::on(ProgressDrawTarget::hidden());
        let task = Task {
            id: "1".to_owned(),
            title: "Write".to_owned(),
            state: State::InProgress.into(),
            progress: Some(Progress {
                percent: Some(70),
                ..Progress::default()
            }),
            ..Task::default()
        };
        bars.show(&WatchItem::Snapshot(Box::new(task))).unwrap();
        assert_eq!(
            (bars.bars["1"].prefix().as_str(), bars.bars["1"].position()),
            ("Write", 70)
        );
    }

    #[test]
    fn bars_beyond_the_terminal_wait_for_a_place() {
        let mut bars = Bars::on(ProgressDrawTarget::hidden());
        for id in 0..=BARS {
            bars.show(&progress(&id.to_string(), 1)).unwrap();
        }
        assert_eq!(bars.bars.len(), BARS);
        bars.show(&event("0", EventType::Paused, State::Paused, None))
            .unwrap();
        bars.show(&progress(&BARS.to_string(), 2)).unwrap();
        assert_eq!(bars.bars[&BARS.to_string()].position(), 2);
    }
}
