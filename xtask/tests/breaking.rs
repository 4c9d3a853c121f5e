//! The guard of the proto files fails on each kind of change that would break a client, and passes on growth.

use std::fs;
use std::path::Path;

use xtask::buf;
use xtask::tools::{Tool, find_or_skip};

/// A released contract in small.
const RELEASED: &str = r#"syntax = "proto3";
package baton.v1;
message GetRequest {
  string id = 1;
  int64 revision = 2;
}
message GetResponse {
  State state = 1;
}
enum State {
  STATE_UNSPECIFIED = 0;
  STATE_OPEN = 1;
}
service TaskService {
  rpc Get(GetRequest) returns (GetResponse);
}
"#;

/// What is planted, as (the change's name, a line of the contract, the line in its place).
const BREAKING: &[(&str, &str, &str)] = &[
    ("a removed field", "  int64 revision = 2;\n", ""),
    ("a renumbered field", "revision = 2", "revision = 3"),
    ("a retyped field", "int64 revision", "string revision"),
    ("a renamed field", "int64 revision", "int64 version"),
    ("a removed enum value", "  STATE_OPEN = 1;\n", ""),
    (
        "a removed call",
        "  rpc Get(GetRequest) returns (GetResponse);\n",
        "",
    ),
    (
        "a call that became a stream",
        "returns (GetResponse)",
        "returns (stream GetResponse)",
    ),
];

const GROWING: &[(&str, &str, &str)] = &[
    ("nothing", "", ""),
    (
        "a new field",
        "int64 revision = 2;",
        "int64 revision = 2;\n  string etag = 3;",
    ),
    (
        "a new enum value",
        "STATE_OPEN = 1;",
        "STATE_OPEN = 1;\n  STATE_DONE = 2;",
    ),
];

fn write(workspace: &Path, contract: &str) -> anyhow::Result<()> {
    let folder = workspace.join("proto/baton/v1");
    fs::create_dir_all(&folder)?;
    fs::write(folder.join("task_service.proto"), contract)?;
    fs::copy(xtask::root().join("buf.yaml"), workspace.join("buf.yaml"))?;
    Ok(())
}

#[test]
fn the_guard_refuses_what_breaks_a_client_and_nothing_else() -> anyhow::Result<()> {
    let Some(program) = find_or_skip(Tool::Buf)? else {
        return Ok(());
    };
    let workspace = tempfile::tempdir()?;
    let image = workspace.path().join("released.binpb");
    write(workspace.path(), RELEASED)?;
    buf::build(&program, workspace.path(), &image)?;

    for (change, cases) in [("breaking", BREAKING), ("growing", GROWING)] {
        for (name, line, planted) in cases {
            assert!(RELEASED.contains(line), "{name}: the contract has no such line");
            write(workspace.path(), &RELEASED.replacen(line, planted, 1))?;
            let refused = buf::compare(&program, workspace.path(), &image).is_err();
            assert_eq!(refused, change == "breaking", "{name}");
        }
    }
    Ok(())
}

/// The same with the real contract: a field taken out of it is noticed against its own image.
#[test]
fn the_guard_notices_a_field_taken_out_of_the_real_contract() -> anyhow::Result<()> {
    let Some(program) = find_or_skip(Tool::Buf)? else {
        return Ok(());
    };
    let workspace = tempfile::tempdir()?;
    let image = workspace.path().join("released.binpb");
    buf::build(&program, &xtask::root(), &image)?;

    let folder = Path::new("proto/baton/v1");
    fs::create_dir_all(workspace.path().join(folder))?;
    fs::copy(xtask::root().join("buf.yaml"), workspace.path().join("buf.yaml"))?;
    for entry in fs::read_dir(xtask::root().join(folder))? {
        let name = entry?.file_name();
        fs::copy(
            xtask::root().join(folder).join(&name),
            workspace.path().join(folder).join(&name),
        )?;
    }
    buf::compare(&program, workspace.path(), &image)?;

    let actor = workspace.path().join(folder).join("actor.proto");
    let contract = fs::read_to_string(&actor)?;
    let field = contract
        .lines()
        .find(|line| line.starts_with("  string "))
        .expect("actor.proto has a string field");
    fs::write(&actor, contract.replacen(field, "", 1))?;
    assert!(buf::compare(&program, workspace.path(), &image).is_err());
    Ok(())
}
