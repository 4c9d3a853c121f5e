//! The order in which the members of an atomic batch come into being: what is waited for first.

use std::collections::HashMap;

use baton_domain::{NewTask, Rejection, TaskId};

use super::error::Error;
use super::job::CreateRequest;

#[derive(Clone, Copy, PartialEq)]
enum Mark {
    New,
    Open,
    Done,
}

/// Indexes of `members` such that a member comes after its parent and after every member it depends on.
pub(super) fn creation_order(members: &[CreateRequest]) -> Result<Vec<usize>, Error> {
    if let [alone] = members
        && !names(&alone.new, alone.new.id)
    {
        return Ok(vec![0]);
    }
    let mut index = HashMap::with_capacity(members.len());
    for (n, member) in members.iter().enumerate() {
        if index.insert(member.new.id, n).is_some() {
            let source = Box::new(Error::TaskIdReused { id: member.new.id });
            return Err(Error::InBatch { index: n, source });
        }
    }
    let mut marks = vec![Mark::New; members.len()];
    let mut order = Vec::with_capacity(members.len());
    for start in 0..members.len() {
        // Depth first with an own stack: a chain of a thousand members must not be a thousand calls deep.
        let mut path = vec![(start, references(&members[start], &index))];
        if marks[start] != Mark::New {
            continue;
        }
        marks[start] = Mark::Open;
        while let Some((member, rest)) = path.last_mut() {
            let member = *member;
            match rest.pop() {
                None => {
                    marks[member] = Mark::Done;
                    order.push(member);
                    path.pop();
                }
                Some(next) if marks[next] == Mark::Open => {
                    let from = path.iter().position(|(m, _)| *m == next).unwrap_or_default();
                    let mut circle: Vec<TaskId> =
                        path[from..].iter().map(|(m, _)| members[*m].new.id).collect();
                    circle.push(members[next].new.id);
                    return Err(Error::InBatch {
                        index: member,
                        source: Box::new(Rejection::DependencyCycle { path: circle }.into()),
                    });
                }
                Some(next) if marks[next] == Mark::New => {
                    marks[next] = Mark::Open;
                    path.push((next, references(&members[next], &index)));
                }
                Some(_) => {}
            }
        }
    }
    Ok(order)
}

/// Whether `task` waits for the task with `id` or belongs to it.
fn names(task: &NewTask, id: TaskId) -> bool {
    task.parent_id == Some(id) || task.dependencies.iter().any(|d| d.task_id == id)
}

fn references(member: &CreateRequest, index: &HashMap<TaskId, usize>) -> Vec<usize> {
    let dependencies = member.new.dependencies.iter().map(|d| d.task_id);
    dependencies
        .chain(member.new.parent_id)
        .filter_map(|id| index.get(&id).copied())
        .collect()
}
