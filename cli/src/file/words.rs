//! Words that are nearly right.

/// How alike two words are that one may have been meant for the other.
const ALIKE: f64 = 0.75;

/// That a word is not known, and what may have been meant.
pub(super) fn unknown<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    match near(word, &known) {
        Some(near) => format!("is not known; did you mean `{near}`?"),
        None if known.len() <= 12 => format!("is not known; there are {}", known.join(", ")),
        None => "is not known".to_owned(),
    }
}

fn near<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let alike = |other: &&str| strsim::jaro_winkler(&word.to_lowercase(), &other.to_lowercase());
    let best = known.iter().max_by(|a, b| alike(a).total_cmp(&alike(b)))?;
    (alike(best) >= ALIKE).then_some(*best)
}

/// What serde says of a field or variant that it does not know: the word, and what it knows.
pub(super) fn of_serde(message: &str) -> Option<(String, Vec<String>)> {
    if !message.starts_with("unknown field") && !message.starts_with("unknown variant") {
        return None;
    }
    let mut quoted = message.split('`').skip(1).step_by(2).map(str::to_owned);
    let word = quoted.next()?;
    Some((word, quoted.collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_near_word_is_told() {
        assert_eq!(
            unknown("overlp_policy", ["cron", "overlap_policy"]),
            "is not known; did you mean `overlap_policy`?"
        );
        assert_eq!(unknown("zzz", ["a", "b"]), "is not known; there are a, b");
        let (word, known) =
            of_serde("unknown field `programm`, expected one of `program`, `config`").unwrap();
        assert_eq!((word.as_str(), known.len()), ("programm", 2));
        assert_eq!(of_serde("missing field `kind`"), None);
    }
}
