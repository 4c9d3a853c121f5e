//! Types a parsed filter: fields of the schema, values of the field's kind.

use super::ast::{Comparator, Node, Restriction, Word};
use super::scan::quote;
use super::{Field, Filter, FilterError, Kind, Op, Schema, Value};
use crate::limits::{LABEL_KEY_CHARS, LABEL_VALUE_CHARS};
use crate::task::{AttemptOutcome, Priority, State};
use crate::time::Timestamp;

const LABELS: &str = "labels";

pub(super) fn compile(node: Node, schema: Schema) -> Result<Filter, FilterError> {
    match node {
        Node::And(nodes) => {
            let members = compile_all(nodes, schema, |member| match member {
                Filter::And(inner) => inner,
                other => vec![other],
            });
            members.map(Filter::And)
        }
        Node::Or(nodes) => {
            let members = compile_all(nodes, schema, |member| match member {
                Filter::Or(inner) => inner,
                other => vec![other],
            });
            members.map(Filter::Or)
        }
        Node::Not(node) => Ok(Filter::Not(Box::new(compile(*node, schema)?))),
        Node::Restriction(restriction) if schema.knows_labels() && restriction.path[0].text == LABELS => {
            label(restriction)
        }
        Node::Restriction(restriction) => scalar(&restriction, schema),
    }
}

/// Compiles the parts of a list; `flatten` opens those that are a list of the same kind.
fn compile_all(
    nodes: Vec<Node>,
    schema: Schema,
    flatten: fn(Filter) -> Vec<Filter>,
) -> Result<Vec<Filter>, FilterError> {
    let mut members = Vec::with_capacity(nodes.len());
    for node in nodes {
        members.extend(flatten(compile(node, schema)?));
    }
    Ok(members)
}

fn label(restriction: Restriction) -> Result<Filter, FilterError> {
    let Restriction {
        path,
        comparator,
        comparator_position,
        argument,
    } = restriction;
    let mut keys = path.into_iter().skip(1);
    match (keys.next(), keys.next()) {
        (None, _) => match comparator {
            Comparator::Has if !argument.is_star() => label_key(argument).map(Filter::HasLabel),
            Comparator::Has | Comparator::Compare(_) => Err(FilterError::new(
                comparator_position,
                r#"labels are a map: write labels.KEY = "value", or labels:KEY for a label that is set"#,
            )),
        },
        (Some(_), Some(second)) => Err(FilterError::new(
            second.position,
            r#"a label key with other than letters, digits and _ is quoted: labels."a.b""#,
        )),
        (Some(key), None) => match comparator {
            Comparator::Has if argument.is_star() => label_key(key).map(Filter::HasLabel),
            Comparator::Has => compare_label(key, Op::Equal, argument),
            Comparator::Compare(op) => compare_label(key, op, argument),
        },
    }
}

fn compare_label(key: Word, op: Op, argument: Word) -> Result<Filter, FilterError> {
    refuse_star(&argument)?;
    if argument.text.chars().count() > LABEL_VALUE_CHARS {
        let message = format!("a label value has at most {LABEL_VALUE_CHARS} characters");
        return Err(FilterError::new(argument.position, message));
    }
    Ok(Filter::CompareLabel {
        key: label_key(key)?,
        op,
        value: argument.text,
    })
}

fn label_key(key: Word) -> Result<String, FilterError> {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'/' | b'-');
    if (1..=LABEL_KEY_CHARS).contains(&key.text.len()) && key.text.bytes().all(allowed) {
        return Ok(key.text);
    }
    let message = format!(
        "{} is no label key: 1 to {LABEL_KEY_CHARS} letters, digits and any of . _ / -",
        quote(&key.text)
    );
    Err(FilterError::new(key.position, message))
}

fn scalar(restriction: &Restriction, schema: Schema) -> Result<Filter, FilterError> {
    let field = find_field(&restriction.path, schema)?;
    let argument = &restriction.argument;
    let op = match restriction.comparator {
        Comparator::Compare(op) => op,
        Comparator::Has if argument.is_star() => return Ok(Filter::Has(field)),
        Comparator::Has => {
            let name = field.name();
            let message =
                format!("for {name}, : takes * only ({name}:* is a {name} that is set); compare it with =");
            return Err(FilterError::new(argument.position, message));
        }
    };
    refuse_star(argument)?;
    let kind = field.kind();
    if matches!(kind, Kind::State | Kind::Priority | Kind::Outcome | Kind::Id) {
        refuse_order(field, op, restriction.comparator_position)?;
    }
    let value = match kind {
        Kind::Text => text_value(field, argument)?,
        Kind::State => Value::State(enum_value(
            field,
            argument,
            "TASK_STATE_",
            State::ALL,
            State::name,
        )?),
        Kind::Priority => Value::Priority(enum_value(
            field,
            argument,
            "TASK_PRIORITY_",
            Priority::ALL,
            Priority::name,
        )?),
        Kind::Outcome => Value::Outcome(enum_value(
            field,
            argument,
            "ATTEMPT_OUTCOME_",
            AttemptOutcome::ALL,
            AttemptOutcome::name,
        )?),
        Kind::Time => time_value(field, argument)?,
        Kind::Int => int_value(field, argument)?,
        Kind::Id => id_value(field, argument)?,
    };
    Ok(Filter::Compare { field, op, value })
}

fn find_field(path: &[Word], schema: Schema) -> Result<Field, FilterError> {
    let name = path
        .iter()
        .map(|word| word.text.as_str())
        .collect::<Vec<_>>()
        .join(".");
    let quoted = path.iter().any(|word| word.quoted);
    if let Some(field) = schema
        .fields()
        .iter()
        .find(|field| !quoted && field.name() == name)
    {
        return Ok(*field);
    }
    let allowed = schema
        .fields()
        .iter()
        .map(|field| field.name())
        .collect::<Vec<_>>()
        .join(", ");
    let labels = if schema.knows_labels() { ", labels.KEY" } else { "" };
    let message = format!("unknown field {}: allowed are {allowed}{labels}", quote(&name));
    Err(FilterError::new(path[0].position, message))
}

fn refuse_star(argument: &Word) -> Result<(), FilterError> {
    if argument.is_star() {
        return Err(FilterError::new(
            argument.position,
            "* stands after : only; quote it if it is meant",
        ));
    }
    Ok(())
}

fn refuse_order(field: Field, op: Op, position: usize) -> Result<(), FilterError> {
    match op {
        Op::Equal | Op::NotEqual => Ok(()),
        Op::Less | Op::LessOrEqual | Op::Greater | Op::GreaterOrEqual => {
            let message = format!("{} takes = and != only, found {}", field.name(), op.symbol());
            Err(FilterError::new(position, message))
        }
    }
}

fn text_value(field: Field, argument: &Word) -> Result<Value, FilterError> {
    if argument.text.is_empty() {
        let name = field.name();
        let message = format!("an empty {name} counts as not set: write NOT {name}:*");
        return Err(FilterError::new(argument.position, message));
    }
    Ok(Value::Text(argument.text.clone()))
}

/// Finds the member that `argument` names, with or without the `prefix` of the proto enum.
fn enum_value<E: Copy>(
    field: Field,
    argument: &Word,
    prefix: &str,
    members: &[E],
    name: fn(E) -> &'static str,
) -> Result<E, FilterError> {
    let short = argument.text.strip_prefix(prefix).unwrap_or(&argument.text);
    if let Some(member) = members.iter().find(|member| name(**member) == short) {
        return Ok(*member);
    }
    let allowed = members
        .iter()
        .map(|member| name(*member))
        .collect::<Vec<_>>()
        .join(", ");
    Err(wrong_value(field, argument, &format!("allowed are {allowed}")))
}

fn time_value(field: Field, argument: &Word) -> Result<Value, FilterError> {
    let expected = "a time is written as 2026-11-22T09:30:00Z, with Z or an offset";
    let time: jiff::Timestamp = argument
        .text
        .parse()
        .map_err(|_| wrong_value(field, argument, expected))?;
    let micros = i64::try_from(time.as_nanosecond().div_euclid(1_000));
    let micros = micros.map_err(|_| wrong_value(field, argument, expected))?;
    Ok(Value::Time(Timestamp::from_micros(micros)))
}

fn int_value(field: Field, argument: &Word) -> Result<Value, FilterError> {
    let number = argument.text.parse();
    number
        .map(Value::Int)
        .map_err(|_| wrong_value(field, argument, "a whole number of 64 bits is expected"))
}

fn id_value(field: Field, argument: &Word) -> Result<Value, FilterError> {
    let id = argument.text.parse();
    id.map(Value::Id)
        .map_err(|_| wrong_value(field, argument, "a UUID is expected"))
}

fn wrong_value(field: Field, argument: &Word, expected: &str) -> FilterError {
    let message = format!(
        "{} is no value for {}: {expected}",
        quote(&argument.text),
        field.name()
    );
    FilterError::new(argument.position, message)
}
