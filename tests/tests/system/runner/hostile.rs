//! `process` under attack: what a task says is data, and what a program may take is bounded.

use baton_client::{NewTask, value};
use serde_json::{Value, json};

use super::{Handlers, Place, done, error, gone, output};
use crate::workers::server;

#[tokio::test]
async fn what_a_task_says_is_data() {
    let server = server().await;
    let place = Place::new();
    place.program("echo", "#!/bin/sh\ncat \"$2\"");
    place.program("count", "#!/bin/sh\nprintf '[%d, \"%s\"]' $# \"$1\"");
    let text = "[programs.echo]\ncommand = ['$folder/echo']\nenvironment = ['PATH']\n\
         [programs.count]\ncommand = ['$folder/count']\n\
         [handlers.echo]\nkind = 'process'\nprogram = 'echo'\n";
    // A type is part of a file's name.
    let types = ["-rf", "../../up", "--payload"];
    let mut text = text.to_owned();
    for name in types {
        text += &format!(
            "[handlers.{}]\nkind = 'process'\nprogram = 'count'\n",
            json!(name)
        );
    }
    let handlers = Handlers::start(&server, place.runner(&text));
    let hostile = json!({
        "; rm -rf $folder": "; touch $folder/pwned",
        "substitution": "$(touch $folder/pwned)",
        "backticks": "`touch $folder/pwned`",
        "newline": "a\ntouch $folder/pwned\n",
        "dash": "--payload /etc/passwd",
        "quotes": "'\"\\",
        "nul": "\u{0001}\u{001b}[2J",
    });
    let hostile: Value = serde_json::from_str(&place.fill(&hostile.to_string())).unwrap();
    let task = done(&server, NewTask::new("echo").input_json(&hostile)).await;
    assert_eq!(output(&task)["agentResult"]["input"], hostile);
    for name in types {
        let task = done(&server, NewTask::new(name)).await;
        assert_eq!(output(&task)["agentResult"], json!([2, "--payload"]), "{name:?}");
    }
    assert!(!place.path("pwned").exists());
    // What is not JSON is not handed on.
    let bytes = NewTask::new("echo").input_payload(value::bytes(vec![0xff, 0], "image/x"));
    assert_eq!(error(&done(&server, bytes).await).0, "INVALID_INPUT");
    handlers.stop().await;
    server.finish().await;
}

#[tokio::test]
async fn a_program_sees_nothing_of_the_worker() {
    let server = server().await;
    let place = Place::new();
    place.program(
        "look",
        "#!/bin/sh\nenv | cut -d= -f1 | grep -v '^_$\\|^PWD$\\|^SHLVL$\\|^OLDPWD$' | sort | tr '\\n' ' ' > names\nls -l /proc/self/fd > fds\n\
         printf '{\"names\": \"%s\", \"here\": \"%s\", \"tmp\": \"%s\", \"open\": \"%s\", \"id\": \"%s\", \"leader\": \"%s\"}' \
         \"$(cat names)\" \"$PWD\" \"$TMPDIR\" \"$(sed 's/.* -> //' fds | tr '\\n' ' ')\" \"$BATON_TASK_ID\" \"$(cut -d' ' -f5 /proc/$$/stat) $$\"",
    );
    let runner = place.runner(
        "[programs.look]\ncommand = ['$folder/look']\nenvironment = ['PATH', 'NOT_SET_ANYWHERE']\nvariables = { OWN = 'x' }\n\
         [handlers.look]\nkind = 'process'\nprogram = 'look'\n",
    );
    let handlers = Handlers::start(&server, runner);
    let task = done(&server, NewTask::new("look")).await;
    let seen = output(&task)["agentResult"].clone();
    assert_eq!(
        seen["names"],
        "BATON_ATTEMPT BATON_FENCE BATON_TASK_ID BATON_TASK_TYPE OWN PATH TMPDIR "
    );
    assert_eq!(seen["id"], *task.id);
    // Its folder is its own, and gone with it.
    assert_eq!(seen["here"], seen["tmp"]);
    assert!(seen["here"].as_str().unwrap().contains("/run-"), "{seen}");
    assert!(!std::path::Path::new(seen["here"].as_str().unwrap()).exists());
    // Three, the one by which they are counted, and none of the worker's own: sockets, locks, the database.
    let open = seen["open"].as_str().unwrap();
    assert!(open.contains("/proc/"), "{seen}");
    assert!(
        !["socket:", "baton.db", "/lock"]
            .iter()
            .any(|own| open.contains(own)),
        "{seen}"
    );
    // The first of its own process group.
    let (group, own) = seen["leader"].as_str().unwrap().split_once(' ').unwrap();
    assert_eq!(group, own);
    handlers.stop().await;
    server.finish().await;
}

#[tokio::test]
async fn a_program_takes_no_more_than_it_may() {
    let server = server().await;
    let place = Place::new();
    place.program("loud", "#!/bin/sh\nhead -c 100000000 /dev/zero");
    place.program(
        "shouts",
        "#!/bin/sh\nyes '' | head -c 100000 >&2\nhead -c 1000000 /dev/zero >&2\necho 1",
    );
    place.program("spins", "#!/bin/sh\nwhile :; do :; done");
    place.program("fills", "#!/bin/sh\nexec head -c 3000000 /dev/zero > big");
    place.program(
        "eats",
        "#!/bin/sh\nhead -c 300000000 /dev/zero | tail -c 200000000 > /dev/null && echo 1",
    );
    place.program("dumps", "#!/bin/sh\nulimit -c");
    let mut text = String::new();
    for (name, limits) in [
        ("loud", "output_kib = 64"),
        ("shouts", "log_kib = 16"),
        ("spins", "cpu_secs = 1"),
        ("fills", "file_mib = 1"),
        ("eats", "memory_mib = 64"),
        ("dumps", ""),
    ] {
        text += &format!(
            "[programs.{name}]\ncommand = ['$folder/{name}']\nenvironment = ['PATH']\nlimits = {{ {limits} }}\n\
             [handlers.{name}]\nkind = 'process'\nprogram = '{name}'\n"
        );
    }
    let handlers = Handlers::start(&server, place.runner(&text));
    for (name, code, words) in [
        ("loud", "PROGRAM_OUTPUT_LIMIT", "64 KiB"),
        ("spins", "PROGRAM_KILLED", "processor time"),
        ("fills", "PROGRAM_KILLED", "file size"),
        ("eats", "PROGRAM_FAILED", "exit code"),
    ] {
        let (found, message) = error(&done(&server, NewTask::new(name)).await);
        assert_eq!(found, code, "{name}: {message}");
        assert!(message.contains(words), "{name}: {message}");
    }
    assert_eq!(
        output(&done(&server, NewTask::new("shouts")).await)["agentResult"],
        1
    );
    assert_eq!(
        output(&done(&server, NewTask::new("dumps")).await)["agentResult"],
        0
    );
    handlers.stop().await;
    assert_eq!(place.left(), Vec::<String>::new());
    server.finish().await;
}

/// Bounded: a bomb that stays in its group is gone with the program, however many it has started.
#[tokio::test]
async fn whoever_a_program_leaves_behind_is_ended_with_it() {
    let server = server().await;
    let place = Place::new();
    place.program(
        "bomb",
        "#!/bin/sh\ncase $1 in --payload) for i in 1 2 3 4 5; do $0 again & done; until [ -s $folder/pids ]; do :; done; echo '\"boom\"';;\n\
         again) for i in 1 2 3 4 5 6 7 8 9 10; do sleep 1000 & echo $! >> $folder/pids; done; wait;; esac",
    );
    // It leaves the group and keeps the pipes: it is not ended, but nobody waits for it either.
    place.program("daemon", "#!/bin/sh\nsetsid sleep 5 &\necho '\"left\"'");
    let runner = place.runner(
        "[programs.bomb]\ncommand = ['$folder/bomb']\nenvironment = ['PATH']\n\
         [programs.daemon]\ncommand = ['$folder/daemon']\nenvironment = ['PATH']\n\
         [handlers.bomb]\nkind = 'process'\nprogram = 'bomb'\n\
         [handlers.daemon]\nkind = 'process'\nprogram = 'daemon'\n",
    );
    let handlers = Handlers::start(&server, runner);
    assert_eq!(
        output(&done(&server, NewTask::new("bomb")).await)["agentResult"],
        "boom"
    );
    let pids = std::fs::read_to_string(place.path("pids")).unwrap();
    gone(&pids.split_whitespace().collect::<Vec<_>>()).await;
    let task = done(&server, NewTask::new("daemon")).await;
    let output = output(&task);
    assert_eq!(output["agentResult"], "left");
    assert!(output["durationMs"].as_u64().unwrap() < 5_000, "{output}");
    handlers.stop().await;
    server.finish().await;
}
