//! One cgroup directory: created, joined, limited, read, emptied, removed.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use crate::hierarchy::Hierarchy;

/// The folder under the host's hierarchy that holds our groups.
const FOLDER: &str = "canarytrace";
/// Where this process goes when its own group is to hand controllers down, which a group with members cannot.
const OWN_FOLDER: &str = "canarytrace-host";
/// How long an emptied group may take to become removable.
const REMOVE_LIMIT: Duration = Duration::from_secs(10);

/// A group of its own; removed when dropped empty.
#[derive(Debug)]
pub(crate) struct Cgroup {
    path: PathBuf,
}

/// Where groups can be made, and whether cpu and memory controllers work there.
pub(crate) fn usable_parent() -> Option<(PathBuf, bool)> {
    let hierarchy = Hierarchy::read();
    let (own, mount) = (hierarchy.unified_group()?, hierarchy.unified_mount()?);
    // Whoever started us may have gone there before.
    let own = match own.parent() {
        Some(base) if own.ends_with(OWN_FOLDER) => base.to_owned(),
        _ => own,
    };
    [own, mount].into_iter().find_map(|base| {
        let parent = base.join(FOLDER);
        fs::create_dir_all(&parent).ok()?;
        let controllers = enable_controllers(&base, &parent);
        let probe = Cgroup::create(&parent, &format!("probe-{}", std::process::id())).ok()?;
        let usable = probe.path.join("cgroup.kill").exists()
            && fs::write(probe.path.join("cgroup.kill"), "1").is_ok();
        probe.remove().ok();
        usable.then_some((parent, controllers))
    })
}

/// A group with members cannot hand controllers down: when we are the only one, as in a container or a service to which its
/// group was delegated, we move below it.
fn enable_controllers(base: &Path, parent: &Path) -> bool {
    let control =
        |path: &Path| fs::write(path.join("cgroup.subtree_control"), "+cpu +memory +pids").is_ok();
    let available = fs::read_to_string(base.join("cgroup.controllers")).unwrap_or_default();
    let handed_down = || control(base) || move_below(base, || control(base));
    available.contains("memory") && handed_down() && control(parent)
}

/// Moves this process into a group below its own; back again when that was of no use.
fn move_below(base: &Path, was_of_use: impl Fn() -> bool) -> bool {
    let join = |group: &Path| fs::write(group.join("cgroup.procs"), "0").is_ok();
    let members = fs::read_to_string(base.join("cgroup.procs")).unwrap_or_default();
    if members.trim() != std::process::id().to_string() {
        return false;
    }
    let below = base.join(OWN_FOLDER);
    let moved = fs::create_dir_all(&below).is_ok() && join(&below);
    if moved && was_of_use() {
        return true;
    }
    if moved {
        join(base);
        fs::remove_dir(&below).ok();
    }
    false
}

impl Cgroup {
    pub(crate) fn create(parent: &Path, name: &str) -> io::Result<Self> {
        let path = parent.join(name);
        fs::create_dir(&path)?;
        Ok(Self { path })
    }

    pub(crate) fn existing(parent: &Path, name: &str) -> Option<Self> {
        let path = parent.join(name);
        path.is_dir().then_some(Self { path })
    }

    /// The file a process writes `0` to in order to join.
    pub(crate) fn join_file(&self) -> PathBuf {
        self.path.join("cgroup.procs")
    }

    pub(crate) fn set(&self, file: &str, value: &str) -> io::Result<()> {
        fs::write(self.path.join(file), value)
    }

    pub(crate) fn pids(&self) -> Vec<u32> {
        let text = fs::read_to_string(self.join_file()).unwrap_or_default();
        text.lines().filter_map(|line| line.parse().ok()).collect()
    }

    /// A counter such as `usage_usec` of `cpu.stat`, or the single number of `memory.peak`.
    pub(crate) fn counter(&self, file: &str, name: Option<&str>) -> Option<u64> {
        let text = fs::read_to_string(self.path.join(file)).ok()?;
        match name {
            None => text.trim().parse().ok(),
            Some(name) => text
                .lines()
                .find_map(|line| line.strip_prefix(name)?.trim().parse().ok()),
        }
    }

    /// A group that is gone has nobody left.
    pub(crate) fn kill(&self) -> io::Result<()> {
        match self.set("cgroup.kill", "1") {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            answer => answer,
        }
    }

    /// Removes the group; processes that are just dying are waited for.
    pub(crate) fn remove(&self) -> io::Result<()> {
        let deadline = Instant::now() + REMOVE_LIMIT;
        loop {
            match fs::remove_dir(&self.path) {
                Ok(()) => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
                Err(error) if Instant::now() >= deadline => return Err(error),
                Err(_) => {
                    self.pids().into_iter().for_each(crate::signals::reap);
                    std::thread::park_timeout(Duration::from_millis(5));
                }
            }
        }
    }
}
