//! What flags say, in the language of filters.

/// `field = "value"`. A JSON string is one of its strings.
pub(super) fn equal(field: &str, value: &str) -> String {
    format!("{field} = {}", quoted(value))
}

/// A label, whatever its key has in it.
pub(super) fn label(key: &str, value: &str) -> String {
    equal(&format!("labels.{}", quoted(key)), value)
}

/// One of these values of an enum; nothing where there are none.
pub(super) fn one_of<'a>(field: &str, values: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let all: Vec<_> = values
        .into_iter()
        .map(|value| format!("{field} = {value}"))
        .collect();
    (!all.is_empty()).then(|| all.join(" OR "))
}

/// All of them at once; one that says nothing asks for nothing.
pub(super) fn all_of(parts: &[String]) -> String {
    let said: Vec<_> = parts.iter().filter(|part| !part.trim().is_empty()).collect();
    match said.as_slice() {
        [only] => (*only).clone(),
        many => {
            let each = many.iter().map(|one| format!("({one})"));
            each.collect::<Vec<_>>().join(" AND ")
        }
    }
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
