//! What the limits of this process's own cgroup have done to it.

use std::{
    fs,
    path::{Path, PathBuf},
};

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
    let groups = Groups::read();
    let cpu = |name| counter(&groups.path("cpu")?.join("cpu.stat"), name);
    let memory = |file, name| counter(&groups.path("memory")?.join(file), name);
    let usage = || {
        let text = fs::read_to_string(groups.legacy("cpuacct")?.join("cpuacct.usage")).ok()?;
        text.trim().parse::<u64>().ok()
    };
    OwnGroupSample {
        cpu_us: usage()
            .map(|nanoseconds| nanoseconds / 1000)
            .or_else(|| cpu("usage_usec")),
        throttled_us: cpu("throttled_usec")
            .or_else(|| cpu("throttled_time").map(|nanoseconds| nanoseconds / 1000)),
        oom_kills: memory("memory.events", "oom_kill")
            .or_else(|| memory("memory.oom_control", "oom_kill")),
    }
}

/// Other groups of ours beside the own one whose name begins so; none when we are in none of our groups.
pub fn sibling_groups(prefix: &str) -> Option<u32> {
    let groups = Groups::read();
    let own = groups
        .own
        .lines()
        .find_map(|line| line.strip_prefix("0::/"))?;
    let path = groups.mount(|kind, _| kind == "cgroup2")?.join(own);
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

/// `/proc/self/cgroup` against `/proc/mounts`.
struct Groups {
    own: String,
    mounts: String,
}

impl Groups {
    fn read() -> Self {
        Self {
            own: fs::read_to_string("/proc/self/cgroup").unwrap_or_default(),
            mounts: fs::read_to_string("/proc/mounts").unwrap_or_default(),
        }
    }

    /// The folder of the own group under a controller; under the one hierarchy of v2 if it has no other.
    fn path(&self, controller: &str) -> Option<PathBuf> {
        self.legacy(controller).or_else(|| {
            let own = self
                .own
                .lines()
                .find_map(|line| line.strip_prefix("0::/"))?;
            Some(self.mount(|kind, _| kind == "cgroup2")?.join(own))
        })
    }

    fn legacy(&self, controller: &str) -> Option<PathBuf> {
        let has = |list: &str| list.split(',').any(|name| name == controller);
        let own = self.own.lines().find_map(|line| {
            let mut fields = line.splitn(3, ':');
            let (_, list, path) = (fields.next()?, fields.next()?, fields.next()?);
            has(list).then_some(path)
        })?;
        let mount = self.mount(|kind, options| kind == "cgroup" && has(options))?;
        let path = mount.join(own.trim_start_matches('/'));
        // In a container the own path may be that of the host, and the mount shows the own group alone.
        Some(if path.is_dir() { path } else { mount })
    }

    fn mount(&self, is_wanted: impl Fn(&str, &str) -> bool) -> Option<PathBuf> {
        self.mounts.lines().find_map(|line| {
            let fields: Vec<&str> = line.split(' ').collect();
            let [_, path, kind, options, ..] = fields.as_slice() else {
                return None;
            };
            is_wanted(kind, options).then(|| PathBuf::from(path))
        })
    }
}

fn counter(path: &Path, name: &str) -> Option<u64> {
    let text = fs::read_to_string(path).ok()?;
    text.lines().find_map(|line| {
        let (own, value) = line.split_once(' ')?;
        (own == name).then(|| value.trim().parse().ok())?
    })
}
