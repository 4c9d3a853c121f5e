//! Things that no Rust file of ours says, because there is something better to say.

use super::source::Source;
use super::{File, Violation};

/// A sequence of tokens that is refused.
struct Ban {
    pattern: &'static [&'static str],
    place: Place,
    instead: &'static str,
}

/// The one file with unsafe code: what is set between fork and exec.
const UNSAFE: &str = "runner/src/process/limits.rs";

/// Where a ban holds.
enum Place {
    Everywhere,
    Tests,
}

const BANS: &[Ban] = &[
    Ban {
        pattern: &["#", "[", "ignore"],
        place: Place::Everywhere,
        instead: "a test that does not run tests nothing: make it run, or remove it",
    },
    Ban {
        pattern: &["#", "[", "allow", "("],
        place: Place::Everywhere,
        instead: "use #[expect(.., reason = \"..\")]: it fails once it is needed no more",
    },
    Ban {
        pattern: &["#", "!", "[", "allow", "("],
        place: Place::Everywhere,
        instead: "use #![expect(.., reason = \"..\")]: it fails once it is needed no more",
    },
    Ban {
        pattern: &["sleep", "("],
        place: Place::Tests,
        instead: "a test waits for the signal itself, within a time limit; a sleep is slow or flaky",
    },
];

pub(super) fn check(file: &File, source: &Source) -> Vec<Violation> {
    let mut violations = Vec::new();
    for ban in BANS {
        for index in source.find(ban.pattern) {
            let token = &source.tokens[index];
            let holds = match ban.place {
                Place::Everywhere => true,
                Place::Tests => token.in_test,
            };
            if holds {
                violations.push(Violation::new(
                    file,
                    token.line,
                    format!("{}: {}", ban.pattern.concat(), ban.instead),
                ));
            }
        }
    }
    violations.extend(expectations(file, source));
    violations
}

/// A lint that is expected to fire has a reason; those that hold the seams have it nowhere else.
fn expectations(file: &File, source: &Source) -> Vec<Violation> {
    let mut violations = Vec::new();
    for index in source
        .find(&["expect", "("])
        .filter(|&index| source.text(index.wrapping_sub(1)) == "[")
    {
        let token = &source.tokens[index];
        let inside = &source.tokens[index..source.closing(index + 1)];
        let says = |word: &str| inside.iter().any(|token| token.text == word);
        if !says("reason") {
            violations.push(Violation::new(
                file,
                token.line,
                "expect(..) without `reason = \"..\"`",
            ));
        }
        if says("unsafe_code") && file.path != UNSAFE {
            violations.push(Violation::new(
                file,
                token.line,
                "unsafe code stands in one place: see ADR 0012",
            ));
        }
        let is_seam = ["server/src/seams", "server/src/store"]
            .iter()
            .any(|seam| file.path.starts_with(seam));
        if says("disallowed_methods") && !is_seam && !token.in_test {
            violations.push(Violation::new(
                file,
                token.line,
                "only the seams and the store call what clippy.toml disallows",
            ));
        }
    }
    violations
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unsafe_code_has_one_place() {
        let text = "#[expect(unsafe_code, reason = \"why\")]\nunsafe {}";
        assert!(messages(UNSAFE, text).is_empty());
        assert_eq!(messages("runner/src/a.rs", text), ["runner/src/a.rs:1"]);
    }

    fn messages(path: &str, text: &str) -> Vec<String> {
        let file = File {
            path: path.to_owned(),
            text: text.to_owned(),
            bytes: 0,
        };
        let source = Source::parse(&file).unwrap();
        check(&file, &source)
            .iter()
            .map(|violation| format!("{}:{}", violation.path, violation.line))
            .collect()
    }

    #[test]
    fn ignored_tests_and_silenced_lints_are_refused() {
        assert_eq!(
            messages("a/src/b.rs", "#[test]\n#[ignore]\nfn a() {}"),
            ["a/src/b.rs:2"]
        );
        assert_eq!(
            messages("a/src/b.rs", "#[test]\n#[ignore = \"slow\"]\nfn a() {}"),
            ["a/src/b.rs:2"]
        );
        assert_eq!(
            messages("a/src/b.rs", "#[allow(dead_code)]\nfn a() {}"),
            ["a/src/b.rs:1"]
        );
        assert_eq!(messages("a/src/b.rs", "#![allow(dead_code)]"), ["a/src/b.rs:1"]);
    }

    #[test]
    fn sleeping_is_refused_in_tests_only() {
        let text =
            "fn a() { sleep(1); }\n#[cfg(test)]\nmod tests {\n fn b() { tokio::time::sleep(1).await; }\n}";
        assert_eq!(messages("a/src/b.rs", text), ["a/src/b.rs:4"]);
        assert_eq!(
            messages("tests/api/b.rs", "fn a() { sleep(1); }"),
            ["tests/api/b.rs:1"]
        );
    }

    #[test]
    fn an_expected_lint_has_a_reason() {
        assert_eq!(
            messages("a/src/b.rs", "#[expect(dead_code)]\nfn a() {}"),
            ["a/src/b.rs:1"]
        );
        assert!(
            messages(
                "a/src/b.rs",
                "#[expect(dead_code, reason = \"x\")]\nfn a() { b.expect(\"c\") }"
            )
            .is_empty()
        );
    }

    #[test]
    fn the_clock_and_randomness_are_let_in_at_the_seams_only() {
        let text = "#[expect(clippy::disallowed_methods, reason = \"x\")]\nfn a() {}";
        assert_eq!(
            messages("server/src/engine/b.rs", text),
            ["server/src/engine/b.rs:1"]
        );
        assert!(messages("server/src/seams.rs", text).is_empty());
        assert!(messages("server/tests/b.rs", text).is_empty());
    }
}
