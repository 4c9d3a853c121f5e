//! Every state x every command: the whole lifecycle on one page, checked as a snapshot, and the diagram that
//! ARCHITECTURE.md shows of it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use crate::samples::{command, command_variants, variants};
use crate::support::{leased_states, task_in, token};
use baton_domain::transitions::is_legal;
use baton_domain::{Command, CommandName, Rejection, Span, State, Task, Timestamp, Token, decide};

/// A minute on, so that a scheduled task is due.
fn later(task: &Task) -> Timestamp {
    task.update_time.plus(Span::from_secs(61))
}

#[test]
fn every_state_meets_every_command() {
    let mut page = String::new();
    for state in State::ALL {
        writeln!(page, "{state}").expect("a string takes it");
        let task = task_in(*state);
        assert_eq!(task.state, *state, "the sample is in the state it is for");
        let mut refused = Vec::new();
        for name in CommandName::ALL {
            match decide(&task, &command(*name), later(&task)) {
                Ok(outcome) => {
                    let events: Vec<_> = outcome.events.iter().map(|e| format!("{}", e.kind)).collect();
                    let reason = &outcome.task.state_reason;
                    writeln!(
                        page,
                        "  {name:<18} {:<15} {reason:<22} {}",
                        outcome.task.state.name(),
                        events.join(" + ")
                    )
                    .expect("a string takes it");
                }
                Err(Rejection::IllegalMove { .. } | Rejection::NothingDue) if !is_legal(*state, *name) => {
                    refused.push(name.name());
                }
                Err(rejection) => {
                    writeln!(page, "  {name:<18} refused: {rejection}").expect("a string takes it")
                }
            }
        }
        writeln!(page, "  refused: {}\n", refused.join(" ")).expect("a string takes it");
    }
    insta::assert_snapshot!("grid", page);
}

/// What the holder is answered with its token, in every state that its lease brings the task to; and without one.
#[test]
fn every_state_of_a_leased_task_meets_its_holder() {
    let mut page = String::new();
    for (name, task) in leased_states() {
        writeln!(page, "{} ({name})", task.state).expect("a string takes it");
        for name in CommandName::ALL.iter().filter(|name| name.is_of_holder()) {
            let with = |fence| {
                let command = Command {
                    token: Some(Token { fence, call: 9 }),
                    ..command(*name)
                };
                decide(&task, &command, task.update_time)
            };
            let bare = decide(&task, &command(*name), task.update_time);
            let answers = [with(task.fence), bare, with(task.fence - 1)].map(|answer| match answer {
                Ok(outcome) if outcome.replayed => "as it is".to_owned(),
                Ok(outcome) => {
                    let fence = outcome.task.fence - task.fence;
                    format!("{} fence +{fence}", outcome.task.state)
                }
                Err(Rejection::IllegalMove { .. }) => "illegal".to_owned(),
                Err(Rejection::LeaseRequired { .. }) => "lease required".to_owned(),
                Err(refused) => refused.to_string(),
            });
            let [newest, none, stale] = answers;
            writeln!(
                page,
                "  {name:<18} newest: {newest:<24} none: {none:<24} older: {stale}"
            )
            .expect("a string takes it");
        }
        page.push('\n');
    }
    insta::assert_snapshot!("grid_of_holders", page);
}

#[test]
fn an_illegal_move_names_what_is_allowed() {
    let task = task_in(State::Pending);
    let refused =
        decide(&task, &command(CommandName::Complete), later(&task)).expect_err("a pending task is not done");
    let Rejection::IllegalMove {
        command,
        from,
        allowed,
    } = &refused
    else {
        panic!("{refused:?}")
    };
    assert_eq!((command, from), (&CommandName::Complete, &State::Pending));
    assert!(allowed.contains(&CommandName::Queue) && !allowed.contains(&CommandName::Tick));
    assert_eq!(refused.to_string(), "cannot complete a task in state PENDING");
}

/// All moves between states: from the grid, plus those that depend on more than the state.
fn arrows() -> BTreeMap<(State, State), BTreeSet<&'static str>> {
    let mut arrows: BTreeMap<(State, State), BTreeSet<&'static str>> = BTreeMap::new();
    let mut add = |task: &Task, at: Timestamp, command: &Command| {
        let Ok(outcome) = decide(task, command, at) else {
            return;
        };
        if !outcome.is_deleted() && outcome.task.state != task.state {
            arrows
                .entry((task.state, outcome.task.state))
                .or_default()
                .insert(command.action.name().name());
        }
    };
    for state in State::ALL {
        for name in CommandName::ALL {
            for task in variants(&task_in(*state)) {
                for command in command_variants(*name) {
                    let held = Command {
                        token: token(&task, 9),
                        ..command.clone()
                    };
                    add(&task, task.update_time, &held);
                    add(&task, later(&task), &command);
                }
            }
        }
    }
    arrows
}

#[test]
fn the_diagram_in_architecture_md_is_fresh() {
    let mut diagram = String::from("```mermaid\nstateDiagram-v2\n    [*] --> PENDING: create\n");
    for ((from, to), names) in arrows() {
        let names: Vec<_> = names.into_iter().collect();
        writeln!(diagram, "    {from} --> {to}: {}", names.join(", ")).expect("a string takes it");
    }
    for last in [State::Completed, State::Cancelled] {
        writeln!(diagram, "    {last} --> [*]").expect("a string takes it");
    }
    diagram.push_str("```");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../ARCHITECTURE.md");
    let page = std::fs::read_to_string(&path).expect("ARCHITECTURE.md is there");
    let (begin, end) = ("<!-- diagram: begin -->\n", "\n<!-- diagram: end -->");
    let from = page.find(begin).expect("the page marks where the diagram begins") + begin.len();
    let to = page.find(end).expect("the page marks where the diagram ends");
    if page[from..to] != diagram {
        if std::env::var_os("BATON_UPDATE").is_some() {
            let fresh = format!("{}{diagram}{}", &page[..from], &page[to..]);
            std::fs::write(&path, fresh).expect("ARCHITECTURE.md can be written");
            return;
        }
        panic!("the diagram is stale: run BATON_UPDATE=1 cargo test -p baton-domain --test rules");
    }
}

#[test]
fn final_states_have_no_way_out_and_resting_ones_two() {
    for ((from, _), names) in arrows() {
        assert!(
            !matches!(from, State::Completed | State::Cancelled),
            "{from} is final"
        );
        if from.is_resting() {
            assert!(
                names.is_subset(&BTreeSet::from(["retry", "discard"])),
                "{from} is left by {names:?}"
            );
        }
    }
}
