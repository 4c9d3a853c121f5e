//! Who may name what: the dependency rule of ARCHITECTURE.md, where cargo cannot hold it.

use super::source::Source;
use super::{File, Violation};

/// Names of crates, and the folders or files that alone may use them.
struct Reserved {
    crates: &'static [&'static str],
    folders: &'static [&'static str],
    because: &'static str,
}

const RESERVED: &[Reserved] = &[
    Reserved {
        crates: &[
            "tonic",
            "tonic_health",
            "tonic_prost",
            "tonic_reflection",
            "tonic_types",
            "tonic_web",
        ],
        folders: &[
            "proto/",
            "server/src/api/",
            "server/src/net/",
            "client/",
            "tests/",
            "bench/",
        ],
        because: "gRPC stops at the server's edge and at the client",
    },
    Reserved {
        crates: &["baton_proto"],
        folders: &[
            "proto/",
            // Puts the server together: it hands the contract to reflection.
            "server/src/lib.rs",
            "server/src/api/",
            "server/src/net/",
            "client/",
            "cli/",
            "tests/",
            "bench/",
            "fuzz/",
        ],
        because: "wire types stop at the server's edge; inside are the domain's",
    },
    Reserved {
        crates: &["sea_orm", "sea_orm_migration", "sqlx"],
        // The load generator writes raw rows beside the store's, to compare.
        folders: &["server/src/store/", "migrations/", "bench/"],
        because: "only the store talks to the database",
    },
    Reserved {
        crates: &[
            "hyper",
            "hyper_util",
            "reqwest",
            "rustls",
            "rustls_native_certs",
            "tokio_rustls",
        ],
        folders: &["server/src/net/", "client/", "egress/", "tests/", "bench/"],
        because: "whoever sends to a URL does it through baton-egress, which judges the address",
    },
];

/// A folder and the crates that nothing in it names.
struct Pure {
    folder: &'static str,
    crates: &'static [&'static str],
    because: &'static str,
}

const PURE: &[Pure] = &[Pure {
    folder: "server/domain/",
    crates: &[
        "tokio",
        "tonic",
        "prost",
        "prost_types",
        "sea_orm",
        "sqlx",
        "serde",
        "serde_json",
        "rand",
        "baton_proto",
    ],
    because: "the domain is pure: values in, values out",
}];

/// A module of the server and its siblings that nothing in it names.
struct Below {
    module: &'static str,
    never: &'static [&'static str],
}

/// api -> engine -> store; feed and timers stand beside the engine.
const BELOW: &[Below] = &[
    Below {
        module: "seams",
        never: &["api", "net", "engine", "feed", "timers", "store"],
    },
    Below {
        module: "store",
        never: &["api", "net", "engine", "feed", "timers"],
    },
    Below {
        module: "feed",
        never: &["api", "net", "engine", "timers"],
    },
    Below {
        module: "engine",
        never: &["api", "net", "timers"],
    },
    Below {
        module: "timers",
        never: &["api", "net"],
    },
];

pub(super) fn check(file: &File, source: &Source) -> Vec<Violation> {
    let mut violations = Vec::new();
    for index in 0..source.tokens.len() {
        let name = source.text(index);
        if names_crate(source, index) {
            let because = forbidden_crate(&file.path, name, source.tokens[index].in_test);
            violations.extend(because.map(|why| violation(file, source, index, name, why)));
        }
        for (at, module) in names_modules(source, index) {
            if is_above(&file.path, module) {
                let why = "the layers depend in one direction only";
                violations.push(violation(file, source, at, &format!("crate::{module}"), why));
            }
        }
    }
    violations
}

fn violation(file: &File, source: &Source, index: usize, name: &str, because: &str) -> Violation {
    Violation::new(
        file,
        source.tokens[index].line,
        format!("may not name {name}: {because}"),
    )
}

/// Whether the token at `index` starts a path that begins with a crate's name.
fn names_crate(source: &Source, index: usize) -> bool {
    let before = source.text(index.wrapping_sub(1));
    before == "use" || (source.text(index + 1) == "::" && before != "::")
}

/// A test may look behind every layer, at the rows or at the wire; the domain's tests stay as pure as the domain.
fn forbidden_crate(path: &str, name: &str, in_test: bool) -> Option<&'static str> {
    let within = |folders: &[&str]| folders.iter().any(|folder| path.starts_with(folder));
    let reserved = RESERVED
        .iter()
        .find(|rule| !in_test && rule.crates.contains(&name) && !within(rule.folders));
    let pure = PURE
        .iter()
        .find(|rule| path.starts_with(rule.folder) && rule.crates.contains(&name));
    reserved
        .map(|rule| rule.because)
        .or(pure.map(|rule| rule.because))
}

/// The modules named by `crate::a` or `crate::{a, b::c}` at `index`, each with its place.
fn names_modules(source: &Source, index: usize) -> Vec<(usize, &str)> {
    if source.text(index) != "crate" || source.text(index + 1) != "::" {
        return Vec::new();
    }
    let first = index + 2;
    if source.text(first) != "{" {
        return vec![(first, source.text(first))];
    }
    let mut depth = 0_usize;
    let mut modules = Vec::new();
    for at in first..source.closing(first) {
        match source.text(at) {
            "{" => depth += 1,
            "}" => depth -= 1,
            name if depth == 1 && matches!(source.text(at - 1), "{" | ",") => modules.push((at, name)),
            _ => {}
        }
    }
    modules
}

fn is_above(path: &str, module: &str) -> bool {
    let Some(inside) = path.strip_prefix("server/src/") else {
        return false;
    };
    let own = inside.split(['/', '.']).next().unwrap_or_default();
    BELOW
        .iter()
        .any(|rule| rule.module == own && rule.never.contains(&module))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(path: &str, text: &str) -> Vec<String> {
        let file = File {
            path: path.to_owned(),
            text: text.to_owned(),
            bytes: 0,
        };
        check(&file, &Source::parse(&file).unwrap())
            .into_iter()
            .map(|violation| violation.message)
            .collect()
    }

    #[test]
    fn a_crate_is_named_in_its_folders_only() {
        let text = "use tonic::Status;";
        assert_eq!(
            messages("server/src/engine/a.rs", text),
            ["may not name tonic: gRPC stops at the server's edge and at the client"]
        );
        assert!(messages("server/src/api/a.rs", text).is_empty());
        assert_eq!(messages("cli/src/a.rs", "fn a() -> sqlx::Result<()> {}").len(), 1);
        assert_eq!(messages("cli/src/a.rs", "use {std::fmt, sea_orm::Set};").len(), 1);
        assert_eq!(messages("server/src/feed/a.rs", "use baton_proto as p;").len(), 1);
    }

    #[test]
    fn a_module_or_variable_of_the_same_name_is_no_crate() {
        assert!(
            messages(
                "cli/src/a.rs",
                "use crate::tonic::A; fn a(sqlx: u8) -> u8 { sqlx }"
            )
            .is_empty()
        );
    }

    #[test]
    fn a_test_may_look_behind_a_layer() {
        let text = "#[cfg(test)] mod tests { use sqlx::Row; }";
        assert!(messages("server/src/engine/a.rs", text).is_empty());
        assert_eq!(messages("server/domain/src/a.rs", text).len(), 1);
    }

    #[test]
    fn the_domain_is_pure() {
        assert_eq!(
            messages("server/domain/src/a.rs", "#[derive(serde::Serialize)] struct A;").len(),
            1
        );
        assert!(messages("server/domain/src/a.rs", "use uuid::Uuid;").is_empty());
    }

    #[test]
    fn a_layer_names_none_above_it() {
        assert_eq!(
            messages("server/src/store/a.rs", "use crate::engine::Command;"),
            ["may not name crate::engine: the layers depend in one direction only"]
        );
        assert_eq!(
            messages("server/src/store.rs", "fn a(b: crate::api::B) {}").len(),
            1
        );
        assert!(messages("server/src/engine/a.rs", "use crate::{store::{api, net}, seams};").is_empty());
        assert_eq!(
            messages("server/src/engine/a.rs", "use crate::{seams, api::B};").len(),
            1
        );
    }
}
