//! What a program may take: set between fork and exec, so that nothing of it runs without.

use std::io;

use rustix::process::{Resource, Rlimit, setrlimit};
use tokio::process::Command;

use crate::config::ProgramLimits;

const MIB: u64 = 1024 * 1024;

/// Makes the program the first of a process group of its own, with these limits.
pub(crate) fn apply(command: &mut Command, limits: &ProgramLimits) {
    let limits = resources(limits);
    command.process_group(0);
    let set = move || {
        for (resource, limit) in &limits {
            setrlimit(*resource, *limit)?;
        }
        confine()
    };
    #[expect(unsafe_code, reason = "there is no other place between fork and exec")]
    // SAFETY: `set` makes system calls only, on values made before the fork: it takes no lock and allocates nothing.
    unsafe {
        command.pre_exec(set);
    }
}

fn resources(limits: &ProgramLimits) -> Vec<(Resource, Rlimit)> {
    let ProgramLimits {
        cpu_secs,
        memory_mib,
        file_mib,
        open_files,
        processes,
        timeout_secs: _,
        grace_ms: _,
        output_kib: _,
        log_kib: _,
    } = limits;
    let at_most = |value: u64| Rlimit {
        current: Some(value),
        maximum: Some(value),
    };
    let mut set = vec![
        // A dump of its memory would lie around with all it knew.
        (Resource::Core, at_most(0)),
        (Resource::Fsize, at_most(file_mib.saturating_mul(MIB))),
    ];
    if let Some(seconds) = *cpu_secs {
        let limit = Rlimit {
            current: Some(seconds),
            // SIGXCPU first, by which the program is known to have taken too much; then SIGKILL.
            maximum: Some(seconds.saturating_add(1)),
        };
        set.push((Resource::Cpu, limit));
    }
    let memory = memory_mib.map(|mib| mib.saturating_mul(MIB));
    set.extend(memory.map(|bytes| (Resource::As, at_most(bytes))));
    set.extend(open_files.map(|count| (Resource::Nofile, at_most(count))));
    set.extend(processes.map(|count| (Resource::Nproc, at_most(count))));
    set
}

/// A program that outlives its worker would do work that somebody else has been given; one that gains rights, by a program
/// of root's that anybody may run, could not be ended.
#[cfg(target_os = "linux")]
fn confine() -> io::Result<()> {
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?;
    rustix::thread::set_no_new_privs(true)?;
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn confine() -> io::Result<()> {
    Ok(())
}
