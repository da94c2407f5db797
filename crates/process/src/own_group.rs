//! What the limits of this process's own cgroup have done to it.

use std::{fs, path::Path, sync::OnceLock};

use crate::hierarchy::Hierarchy;

/// Counters of the own group; two samples make a difference.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct OwnGroupSample {
    /// Time in which the CPU limit held the group's tasks back, µs.
    pub throttled_us: Option<u64>,
    /// CPU time of all its tasks, µs.
    pub cpu_us: Option<u64>,
    /// Processes killed because the memory limit was reached.
    pub oom_kills: Option<u64>,
}

/// Reads the counters now, of either hierarchy.
pub fn own_group_sample() -> OwnGroupSample {
    let groups = own();
    let cpu = |name| counter(&groups.group("cpu")?.join("cpu.stat"), name);
    // A limit of any group above holds us back, too, and is counted there only.
    let throttled = || {
        let above = groups.unified_path();
        let counted = above
            .iter()
            .filter_map(|group| counter(&group.join("cpu.stat"), "throttled_usec"));
        counted.reduce(u64::saturating_add)
    };
    let memory = |file, name| counter(&groups.group("memory")?.join(file), name);
    let usage = || {
        let text =
            fs::read_to_string(groups.legacy_group("cpuacct")?.join("cpuacct.usage")).ok()?;
        text.trim().parse::<u64>().ok()
    };
    OwnGroupSample {
        cpu_us: usage()
            .map(|nanoseconds| nanoseconds / 1000)
            .or_else(|| cpu("usage_usec")),
        throttled_us: cpu("throttled_time")
            .map(|nanoseconds| nanoseconds / 1000)
            .or_else(throttled),
        oom_kills: memory("memory.events", "oom_kill")
            .or_else(|| memory("memory.oom_control", "oom_kill")),
    }
}

/// Other groups of ours beside the own one whose name begins so; none when we are in none of our groups.
pub fn sibling_groups(prefix: &str) -> Option<u32> {
    let path = own().unified_group()?;
    let name = path.file_name()?.to_str()?.to_owned();
    if !name.starts_with(prefix) {
        return None;
    }
    let siblings = fs::read_dir(path.parent()?).ok()?.flatten();
    let others = siblings.filter(|entry| {
        let sibling = entry.file_name().into_string().unwrap_or_default();
        // A group whose supervisor was killed stays, empty, until the next start.
        let members = || fs::read_to_string(entry.path().join("cgroup.procs"));
        sibling.starts_with(prefix)
            && sibling != name
            && members().is_ok_and(|members| !members.is_empty())
    });
    u32::try_from(others.count()).ok()
}

/// A process stays in the groups that it was started in.
fn own() -> &'static Hierarchy {
    static OWN: OnceLock<Hierarchy> = OnceLock::new();
    OWN.get_or_init(Hierarchy::read)
}

fn counter(path: &Path, name: &str) -> Option<u64> {
    let text = fs::read_to_string(path).ok()?;
    text.lines().find_map(|line| {
        let (own, value) = line.split_once(' ')?;
        (own == name).then(|| value.trim().parse().ok())?
    })
}
