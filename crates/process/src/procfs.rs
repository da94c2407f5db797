//! What `/proc` says about processes and the host.

use std::{collections::HashMap, fs};

/// CPU and memory of one process.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ProcessUsage {
    /// User + system, of the process itself, seconds.
    pub cpu_s: f64,
    /// User + system of children that have been waited for, seconds.
    pub children_cpu_s: f64,
    /// Highest resident set so far, bytes.
    pub peak_rss_bytes: u64,
}

/// A reading of the host's counters; two of them make a [`HostSample::since`].
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct HostSample {
    /// Microseconds in which some task waited for a CPU (`/proc/pressure/cpu`, `some total`).
    pub cpu_stall_us: Option<u64>,
    /// Jiffies over all CPUs: all, and stolen by the hypervisor.
    pub total_jiffies: u64,
    pub steal_jiffies: u64,
    /// Not idle and not waiting for a disk.
    pub busy_jiffies: u64,
    pub load1: Option<f64>,
}

pub(crate) struct Stat {
    pub(crate) state: char,
    pub(crate) parent: u32,
    pub(crate) start_ticks: u64,
    threads: u64,
    ticks: u64,
    children_ticks: u64,
}

impl Stat {
    /// Nothing of it runs any more. A leader that has ended is a zombie while its threads still end, and its children stay
    /// with it until they have.
    pub(crate) fn is_gone(&self) -> bool {
        self.state == 'X' || self.state == 'Z' && self.threads <= 1
    }
}

pub(crate) fn read_stat(pid: u32) -> Option<Stat> {
    parse_stat(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// The command name may hold spaces and parentheses: fields are counted from the last `)`.
fn parse_stat(text: &str) -> Option<Stat> {
    let (_, rest) = text.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let number = |position: usize| {
        fields
            .get(position)
            .and_then(|field| field.parse::<u64>().ok())
    };
    Some(Stat {
        state: fields.first()?.chars().next()?,
        parent: u32::try_from(number(1)?).ok()?,
        ticks: number(11)? + number(12)?,
        children_ticks: number(13)? + number(14)?,
        threads: number(17)?,
        start_ticks: number(19)?,
    })
}

/// Of a live process; none when it is gone.
pub fn process_usage(pid: u32) -> Option<ProcessUsage> {
    let stat = read_stat(pid)?;
    let ticks_per_second = 100.0; // USER_HZ, fixed by the kernel's interface
    Some(ProcessUsage {
        cpu_s: stat.ticks as f64 / ticks_per_second,
        children_cpu_s: stat.children_ticks as f64 / ticks_per_second,
        peak_rss_bytes: peak_rss(pid).unwrap_or(0),
    })
}

/// The command name of a process that is stopped by a signal; none of one that is not.
pub fn stopped_name(pid: u32) -> Option<String> {
    let stat = read_stat(pid).filter(|stat| matches!(stat.state, 'T' | 't'))?;
    let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    Some(format!("{} (pid {pid}, state {})", name.trim(), stat.state))
}

/// Of this process.
pub fn self_usage() -> ProcessUsage {
    process_usage(std::process::id()).unwrap_or_default()
}

fn peak_rss(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim()
        .strip_suffix(" kB")?
        .trim()
        .parse::<u64>()
        .ok()
        .map(|kibibytes| kibibytes * 1024)
}

/// All living descendants of a process, children before grandchildren.
pub fn descendants(root: u32) -> Vec<u32> {
    let mut children: HashMap<u32, Vec<u32>> = HashMap::new();
    for pid in fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
    {
        if let Some(stat) = read_stat(pid).filter(|stat| !stat.is_gone()) {
            children.entry(stat.parent).or_default().push(pid);
        }
    }
    let mut found = children.remove(&root).unwrap_or_default();
    let mut next = 0;
    while let Some(pid) = found.get(next).copied() {
        found.extend(children.remove(&pid).unwrap_or_default());
        next += 1;
    }
    found
}

/// Children of this process that have ended and wait to be collected.
pub(crate) fn zombie_children() -> Vec<u32> {
    let own = std::process::id();
    let pids = fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(|pid| read_stat(*pid).is_some_and(|stat| stat.parent == own && stat.state == 'Z'))
        .collect()
}

/// Reads the host's counters now.
pub fn host_sample() -> HostSample {
    let stall = fs::read_to_string("/proc/pressure/cpu")
        .ok()
        .and_then(|text| {
            let line = text.lines().find(|line| line.starts_with("some"))?;
            line.rsplit_once("total=")?.1.trim().parse().ok()
        });
    let stat = fs::read_to_string("/proc/stat").unwrap_or_default();
    let jiffies: Vec<u64> = stat
        .lines()
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .skip(1)
        .take(8)
        .filter_map(|field| field.parse().ok())
        .collect();
    HostSample {
        cpu_stall_us: stall,
        total_jiffies: jiffies.iter().sum(),
        steal_jiffies: jiffies.get(7).copied().unwrap_or(0),
        busy_jiffies: jiffies.iter().sum::<u64>() - jiffies.iter().skip(3).take(2).sum::<u64>(),
        load1: fs::read_to_string("/proc/loadavg")
            .ok()
            .and_then(|text| text.split_whitespace().next()?.parse().ok()),
    }
}

impl HostSample {
    /// Share of all CPUs' time that others than a group with `own_us` of CPU time have used since `earlier`, percent.
    pub fn others_since(&self, earlier: &HostSample, own_us: u64) -> Option<f64> {
        let total = self.total_jiffies.saturating_sub(earlier.total_jiffies);
        let busy = self.busy_jiffies.saturating_sub(earlier.busy_jiffies);
        let own = own_us as f64 / 10_000.0;
        (total > 0).then(|| ((busy as f64 - own) * 100.0 / total as f64).max(0.0))
    }

    /// Since `earlier`, which lies `elapsed_s` back: share of time some task waited for a CPU, and of CPU time stolen;
    /// percent.
    pub fn since(&self, earlier: &HostSample, elapsed_s: f64) -> (Option<f64>, Option<f64>) {
        let pressure = self
            .cpu_stall_us
            .zip(earlier.cpu_stall_us)
            .filter(|_| elapsed_s > 0.0);
        let pressure = pressure
            .map(|(now, then)| (now.saturating_sub(then) as f64 / 1e4 / elapsed_s).min(100.0));
        let total = self.total_jiffies.saturating_sub(earlier.total_jiffies);
        let stolen = self.steal_jiffies.saturating_sub(earlier.steal_jiffies);
        (
            pressure,
            (total > 0).then(|| stolen as f64 * 100.0 / total as f64),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zombie_with_threads_is_not_gone() {
        let stat = |state: char, threads: u32| {
            let line =
                format!("7 (a) b) {state} 5 7 7 0 -1 0 0 0 0 0 1 2 3 4 20 0 {threads} 0 99 0 0");
            parse_stat(&line).unwrap()
        };
        assert_eq!(stat('Z', 2).start_ticks, 99);
        assert!(stat('Z', 1).is_gone());
        assert!(!stat('Z', 2).is_gone());
        assert!(!stat('S', 1).is_gone());
    }

    #[test]
    fn stat_is_read_past_a_hostile_command_name() {
        let stat =
            parse_stat("42 (a) b) S 7 42 42 0 -1 0 1 2 3 4 100 50 20 10 20 0 1 0 987654 1 2 3")
                .unwrap();
        assert_eq!(
            (
                stat.state,
                stat.parent,
                stat.ticks,
                stat.children_ticks,
                stat.start_ticks
            ),
            ('S', 7, 150, 30, 987_654)
        );
    }

    #[test]
    fn this_process_has_used_memory() {
        assert!(self_usage().peak_rss_bytes > 100_000);
    }
}
