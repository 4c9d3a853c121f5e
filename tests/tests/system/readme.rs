//! The README's tour, run as a reader would: every command with a real grpcurl and the real binary, its output compared.

use std::path::{Path, PathBuf};
use std::process::Command;

use baton_tests::harness::{Process, TestDatabase, binary};
use tempfile::TempDir;
use xtask::tools::{Tool, find_or_skip};

/// A command of the README and what it says comes out.
struct Shown {
    command: String,
    output: String,
}

/// The commands of every console block, in order: `$ ` begins one, `> ` goes on with it.
fn tour(readme: &str) -> Vec<Shown> {
    let mut tour: Vec<Shown> = Vec::new();
    for block in readme.split("```console\n").skip(1) {
        let block = block.split("\n```").next().unwrap_or_default();
        for line in block.lines() {
            if let Some(command) = line.strip_prefix("$ ") {
                tour.push(Shown {
                    command: command.to_owned(),
                    output: String::new(),
                });
                continue;
            }
            let last = tour.last_mut().expect("a block begins with a command");
            let (into, text) = match line.strip_prefix("> ") {
                Some(more) if last.output.is_empty() => (&mut last.command, more),
                _ => (&mut last.output, line),
            };
            into.push('\n');
            into.push_str(text);
        }
    }
    tour
}

/// What differs from run to run is made equal: moments, ages, and the widths of columns that follow from them.
fn comparable(output: &str) -> Vec<String> {
    let plain = |word: &str| {
        let moment = word.len() > 20 && word.contains("T") && word.ends_with("Z\",");
        let age = word.ends_with('s') && word.trim_end_matches('s').parse::<u32>().is_ok();
        if moment || age {
            "*".to_owned()
        } else {
            word.to_owned()
        }
    };
    let line = |line: &str| line.split_whitespace().map(plain).collect::<Vec<_>>().join(" ");
    output.lines().map(line).filter(|line| !line.is_empty()).collect()
}

fn run(command: &str, server: &Process, tools: &Path) -> String {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::iter::once(tools.to_owned()).chain(std::env::split_paths(&path));
    let address = server.address().to_string();
    let done = Command::new("bash")
        .args(["-c", &command.replace("127.0.0.1:50051", &address)])
        .env(
            "PATH",
            std::env::join_paths(folders).expect("folders make a path"),
        )
        .env("BATON_SERVER", format!("http://{address}"))
        .output()
        .expect("bash runs");
    String::from_utf8_lossy(&done.stdout).into_owned() + &String::from_utf8_lossy(&done.stderr)
}

/// A folder in which the README's words find the programs they mean.
fn tools(grpcurl: &Path) -> TempDir {
    let folder = TempDir::new().expect("a folder");
    let link = |program: &Path, name: &str| {
        std::os::unix::fs::symlink(program, folder.path().join(name)).expect("a link");
    };
    link(grpcurl, "grpcurl");
    link(binary(), "baton");
    folder
}

#[test]
fn every_command_of_the_tour_prints_what_the_readme_shows() {
    let Some(grpcurl) = find_or_skip(Tool::Grpcurl).expect("a tool that CI must have") else {
        return;
    };
    let grpcurl: PathBuf = std::fs::canonicalize(grpcurl).expect("grpcurl has a path");
    let readme = std::fs::read_to_string(xtask::root().join("README.md")).expect("the README reads");
    let tour = tour(&readme);
    assert!(tour.len() >= 10, "the README has a tour");
    let (database, tools) = (TestDatabase::new(), tools(&grpcurl));
    let server = Process::start(&database, |_| {}).expect("the server starts");
    for Shown { command, output } in tour {
        let printed = run(&command, &server, tools.path());
        assert_eq!(
            comparable(&printed),
            comparable(&output),
            "{command}\nprinted\n{printed}"
        );
    }
    server.terminate();
}
