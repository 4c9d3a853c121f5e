//! Who used the processor, and how much memory a process holds, as Linux counts them.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow};
use serde::Serialize;

/// A unit of `/proc/stat`; the kernel shows it in hundredths of a second on every machine.
const TICK: Duration = Duration::from_millis(10);

/// Processor time of a process so far, all threads together.
///
/// Errors: there is no such process, or no Linux.
pub(crate) fn time_of(pid: u32) -> anyhow::Result<Duration> {
    let mut nanoseconds = 0;
    for entry in fs::read_dir(format!("/proc/{pid}/task"))? {
        nanoseconds += time_of_thread(&entry?.path()).unwrap_or(0);
    }
    Ok(Duration::from_nanos(nanoseconds))
}

/// `None` where the thread has just ended.
fn time_of_thread(folder: &Path) -> Option<u64> {
    let text = fs::read_to_string(folder.join("schedstat")).ok()?;
    text.split_whitespace().next()?.parse().ok()
}

/// Memory that a process holds now, in bytes: its resident set.
///
/// Errors: there is no such process, or no Linux.
pub(crate) fn resident_bytes(pid: u32) -> anyhow::Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    resident_in(&status).with_context(|| format!("no VmRSS of process {pid}"))
}

/// Bytes as the report tells them.
pub(crate) fn mebibytes(bytes: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    let bytes = bytes as f64;
    bytes / f64::from(1 << 20)
}

fn resident_in(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kibibytes * 1024)
}

/// Processors' worth of time that each party used in one stretch: 1.0 is one core all the time.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Shares {
    /// The server under test, or what stands in its place.
    pub(crate) server: f64,
    /// The load generator.
    pub(crate) client: f64,
    /// Everything else on the machine: what disturbs.
    pub(crate) others: f64,
}

/// Counters at the beginning of a stretch.
pub(crate) struct Meter {
    server: u32,
    programs: &'static [&'static str],
    began: Instant,
    before: [Duration; 3],
}

impl Meter {
    /// Begins a stretch in which `server` is the process under test, and with it all processes that run one of these
    /// programs.
    ///
    /// Errors: it does not run.
    pub(crate) fn start(server: u32, programs: &'static [&'static str]) -> anyhow::Result<Self> {
        Ok(Meter {
            server,
            programs,
            began: Instant::now(),
            before: read(server, programs)?,
        })
    }

    /// Ends the stretch.
    ///
    /// Errors: the process under test has ended.
    pub(crate) fn stop(&self) -> anyhow::Result<Shares> {
        let seconds = self.began.elapsed().as_secs_f64();
        let after = read(self.server, self.programs)?;
        let [server, client, all] = [0, 1, 2]
            .map(|party: usize| after[party].saturating_sub(self.before[party]).as_secs_f64() / seconds);
        Ok(Shares {
            server,
            client,
            others: (all - server - client).max(0.0),
        })
    }
}

fn read(server: u32, programs: &[&str]) -> anyhow::Result<[Duration; 3]> {
    let all =
        busy(&fs::read_to_string("/proc/stat")?).ok_or_else(|| anyhow!("/proc/stat has another form"))?;
    let beside = running(programs)?.into_iter().filter(|pid| *pid != server);
    // One that ends meanwhile takes its time with it.
    let beside: Duration = beside.filter_map(|pid| time_of(pid).ok()).sum();
    Ok([time_of(server)? + beside, time_of(std::process::id())?, all])
}

/// The processes that run one of these programs.
fn running(programs: &[&str]) -> anyhow::Result<Vec<u32>> {
    if programs.is_empty() {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let path = entry?.path();
        let pid = path.file_name().and_then(|name| name.to_str()?.parse().ok());
        let name = fs::read_to_string(path.join("comm")).unwrap_or_default();
        if let Some(pid) = pid.filter(|_| programs.contains(&name.trim_end())) {
            found.push(pid);
        }
    }
    Ok(found)
}

/// Time that was not idle, all processors together: user, nice, system, irq, softirq and steal.
fn busy(stat: &str) -> Option<Duration> {
    let fields = stat.lines().next()?.strip_prefix("cpu ")?;
    let ticks: Vec<u32> = fields
        .split_whitespace()
        .map_while(|field| field.parse().ok())
        .collect();
    let [user, nice, system, _idle, _iowait, irq, softirq, steal] = *ticks.first_chunk()?;
    Some(TICK * (user + nice + system + irq + softirq + steal))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn busy_leaves_idle_and_waiting_out() {
        let stat = "cpu  1 2 4 1000 1000 8 16 32 7 7\ncpu0 9 9 9 9 9 9 9 9 0 0\n";
        assert_eq!(busy(stat), Some(Duration::from_millis(630)));
        assert_eq!(busy("intr 1 2 3"), None);
    }

    #[test]
    fn resident_memory_is_in_kibibytes() {
        assert_eq!(resident_in("Name:\tx\nVmRSS:\t    2048 kB\n"), Some(2 << 20));
        assert_eq!(resident_in("Name:\tx\n"), None);
    }

    #[test]
    fn a_meter_sees_its_own_process_work() {
        let own = std::process::id();
        let meter = Meter::start(own, &["no such program"]).unwrap();
        let before = time_of(own).unwrap();
        let mut sum = 0_u64;
        while time_of(own).unwrap() < before + Duration::from_millis(5) {
            sum = std::hint::black_box(sum + 1);
        }
        let shares = meter.stop().unwrap();
        assert!(shares.client > 0.0 && shares.server > 0.0, "{shares:?}");
        assert!(resident_bytes(own).unwrap() > 100_000);
    }
}
