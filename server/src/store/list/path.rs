//! The way to the rows: what of a filter an index serves.

use baton_domain::filter::{Field, Filter, Op, Value};
use baton_domain::{State, TaskId};

/// The narrowest set of rows that contains all matches and that an index can give in order of creation.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Path {
    /// These tasks only.
    Ids(Vec<TaskId>),
    /// The children of this task.
    Parent(TaskId),
    /// The tasks with this value of an indexed label.
    Label { key: String, value: String },
    /// The tasks in these states: at most [`STATES`].
    States(Vec<State>),
    /// All tasks of the namespace.
    All,
}

/// Each state is a scan of its own: all of them are more than one scan over all tasks, any less may skip a million.
const STATES: usize = State::ALL.len() - 1;

impl Path {
    pub(super) fn choose(filter: &Filter, indexed_labels: &[String]) -> Self {
        let required = match filter {
            Filter::And(members) => members.as_slice(),
            other => std::slice::from_ref(other),
        };
        let narrow = required
            .iter()
            .filter_map(|member| narrow(member, indexed_labels));
        let best = narrow.min_by_key(Self::breadth);
        best.unwrap_or_else(|| {
            let may_match = |state: &State| judge(filter, *state) != Some(false);
            let states: Vec<State> = State::ALL.iter().copied().filter(may_match).collect();
            if states.len() <= STATES {
                Self::States(states)
            } else {
                Self::All
            }
        })
    }

    const fn breadth(&self) -> u8 {
        match self {
            Self::Ids(_) => 0,
            Self::Parent(_) => 1,
            Self::Label { .. } => 2,
            Self::States(_) => 3,
            Self::All => 4,
        }
    }
}

/// What a condition that must hold says about the rows, if an index knows it.
fn narrow(required: &Filter, indexed_labels: &[String]) -> Option<Path> {
    match required {
        Filter::Compare {
            field: Field::Id,
            op: Op::Equal,
            value: Value::Id(id),
        } => Some(Path::Ids(vec![*id])),
        Filter::Compare {
            field: Field::ParentId,
            op: Op::Equal,
            value: Value::Id(id),
        } => Some(Path::Parent(*id)),
        Filter::CompareLabel {
            key,
            op: Op::Equal,
            value,
        } if indexed_labels.contains(key) => Some(Path::Label {
            key: key.clone(),
            value: value.clone(),
        }),
        Filter::Or(members) => {
            let ids = members.iter().map(|member| match narrow(member, &[]) {
                Some(Path::Ids(ids)) => Some(ids),
                Some(Path::Parent(_) | Path::Label { .. } | Path::States(_) | Path::All) | None => None,
            });
            let mut ids: Vec<TaskId> = ids.collect::<Option<Vec<_>>>()?.into_iter().flatten().collect();
            ids.sort_unstable();
            ids.dedup();
            Some(Path::Ids(ids))
        }
        Filter::And(_)
        | Filter::Not(_)
        | Filter::Compare { .. }
        | Filter::CompareLabel { .. }
        | Filter::Has(_)
        | Filter::HasLabel(_) => None,
    }
}

/// Whether tasks in `state` match, as far as the state alone tells.
fn judge(filter: &Filter, state: State) -> Option<bool> {
    match filter {
        Filter::And(members) => all(members.iter().map(|member| judge(member, state))),
        Filter::Or(members) => {
            all(members.iter().map(|member| judge(member, state).map(|it| !it))).map(|it| !it)
        }
        Filter::Not(inner) => judge(inner, state).map(|it| !it),
        Filter::Compare {
            field: Field::State,
            op,
            value: Value::State(wanted),
        } => Some(op.holds(Some(state.cmp(wanted)))),
        Filter::Compare { .. } | Filter::CompareLabel { .. } | Filter::Has(_) | Filter::HasLabel(_) => None,
    }
}

/// AND over what may be unknown: one false is enough.
fn all(mut verdicts: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    let mut known = Some(true);
    let has_false = verdicts.any(|verdict| {
        known = known.and(verdict);
        verdict == Some(false)
    });
    if has_false { Some(false) } else { known }
}

#[cfg(test)]
mod tests {
    use baton_domain::filter::Schema;
    use uuid::Uuid;

    use super::*;

    fn path(filter: &str) -> Path {
        Path::choose(
            &Filter::parse(filter, Schema::TASKS).unwrap(),
            &["run".to_owned()],
        )
    }

    fn id(n: u128) -> TaskId {
        TaskId(Uuid::from_u128(n))
    }

    #[test]
    fn the_narrowest_index_is_taken() {
        let (one, two) = (id(1), id(2));
        assert_eq!(path(""), Path::All);
        assert_eq!(path("queue = a"), Path::All);
        assert_eq!(
            path("state = QUEUED AND type = x"),
            Path::States(vec![State::Queued])
        );
        assert_eq!(
            path("state = QUEUED OR state = DEAD"),
            Path::States(vec![State::Queued, State::Dead])
        );
        assert_eq!(path("(state = QUEUED AND type = x) OR queue = a"), Path::All);
        assert_eq!(
            path("(state = QUEUED AND type = x) OR (state = DEAD AND queue = a)"),
            Path::States(vec![State::Queued, State::Dead])
        );
        let but_queued = State::ALL.iter().copied().filter(|state| *state != State::Queued);
        assert_eq!(path("NOT (state = QUEUED)"), Path::States(but_queued.collect()));
        assert_eq!(path("state = QUEUED AND state = DEAD"), Path::States(vec![]));
        let open = "state != COMPLETED AND state != FAILED AND state != DEAD AND state != CANCELLED";
        assert_eq!(
            path(open),
            Path::States(State::ALL.iter().copied().filter(|s| s.is_open()).collect())
        );
        assert_eq!(
            path(&format!("state = QUEUED AND parent_id = {one}")),
            Path::Parent(one)
        );
        assert_eq!(
            path(&format!("labels.run = x AND id = {one} AND parent_id = {two}")),
            Path::Ids(vec![one])
        );
        assert_eq!(
            path(&format!("id = {two} OR id = {one} OR id = {two}")),
            Path::Ids(vec![one, two])
        );
        assert_eq!(path(&format!("id = {one} OR queue = a")), Path::All);
        assert_eq!(path(&format!("NOT id = {one}")), Path::All);
    }

    #[test]
    fn only_indexed_labels_are_a_path_and_only_by_value() {
        let label = Path::Label {
            key: "run".to_owned(),
            value: "x".to_owned(),
        };
        assert_eq!(path("labels.run = x"), label);
        assert_eq!(path("labels.run = x AND state = QUEUED"), label);
        assert_eq!(path("labels.team = x"), Path::All);
        assert_eq!(path("labels.run != x"), Path::All);
        assert_eq!(path("labels:run"), Path::All);
        assert_eq!(path("labels.run = x OR labels.run = y"), Path::All);
    }
}
