//! Controllers of the old hierarchy, for limits and counters on hybrid hosts; the tree itself is held by the v2 group.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use crate::{Limits, hierarchy::Hierarchy};

const FOLDER: &str = "canarytrace";
const REMOVE_LIMIT: Duration = Duration::from_secs(5);
/// What is limited or counted.
const CONTROLLERS: [&str; 4] = ["memory", "cpu", "pids", "cpuacct"];

/// A group of one name under each controller that lets us.
#[derive(Debug, Default)]
pub(crate) struct LegacyGroups {
    groups: Vec<(&'static str, PathBuf)>,
}

impl LegacyGroups {
    /// Makes the groups and sets the limits. A controller that is not there limits nothing and counts nothing.
    pub(crate) fn create(name: &str, limits: &Limits) -> io::Result<Self> {
        let mut groups = Self::default();
        let hierarchy = Hierarchy::read();
        // A group of the cpu controller competes as one task with its neighbours: only made to be limited.
        let is_wanted = |controller: &str| match controller {
            "cpu" => limits.cpus.is_some(),
            "pids" => limits.processes.is_some(),
            _ => true,
        };
        for controller in CONTROLLERS.into_iter().filter(|name| is_wanted(name)) {
            let made = parents(&hierarchy, controller)
                .into_iter()
                .find_map(|parent| {
                    let path = parent.join(name);
                    fs::create_dir_all(&parent).ok()?;
                    fs::create_dir(&path).ok()?;
                    Some(path)
                });
            groups.groups.extend(made.map(|path| (controller, path)));
        }
        let limited = groups.limit(limits);
        if limited.is_err() {
            groups.remove()?;
        }
        limited.map(|()| groups)
    }

    /// The groups that a process which is gone has left under that name.
    pub(crate) fn existing(name: &str) -> Self {
        let hierarchy = Hierarchy::read();
        let found = CONTROLLERS.into_iter().flat_map(|controller| {
            let paths = parents(&hierarchy, controller)
                .into_iter()
                .map(move |parent| parent.join(name));
            paths
                .filter(|path| path.is_dir())
                .map(move |path| (controller, path))
        });
        Self {
            groups: found.collect(),
        }
    }

    fn limit(&self, limits: &Limits) -> io::Result<()> {
        if let Some(bytes) = limits.memory_bytes {
            self.set("memory", "memory.limit_in_bytes", bytes.to_string())?;
        }
        if let Some(cpus) = limits.cpus {
            let quota = (cpus * 100_000.0).round().to_string();
            self.set("cpu", "cpu.cfs_period_us", "100000".to_owned())?;
            self.set("cpu", "cpu.cfs_quota_us", quota)?;
        }
        if let Some(processes) = limits.processes {
            self.set("pids", "pids.max", processes.to_string())?;
        }
        Ok(())
    }

    fn path(&self, controller: &str) -> Option<&Path> {
        let found = self.groups.iter().find(|(name, _)| *name == controller);
        found.map(|(_, path)| path.as_path())
    }

    fn set(&self, controller: &str, file: &str, value: String) -> io::Result<()> {
        self.path(controller)
            .map_or(Ok(()), |path| fs::write(path.join(file), value))
    }

    /// The files a process writes `0` to in order to join.
    pub(crate) fn join_files(&self) -> impl Iterator<Item = PathBuf> {
        self.groups
            .iter()
            .map(|(_, path)| path.join("cgroup.procs"))
    }

    /// A single number, or the number behind a name.
    pub(crate) fn counter(&self, controller: &str, file: &str, name: Option<&str>) -> Option<u64> {
        let text = fs::read_to_string(self.path(controller)?.join(file)).ok()?;
        match name {
            None => text.trim().parse().ok(),
            Some(name) => text
                .lines()
                .find_map(|line| line.strip_prefix(name)?.trim().parse().ok()),
        }
    }

    /// Removes the groups; their processes must have been killed.
    pub(crate) fn remove(&self) -> io::Result<()> {
        let deadline = Instant::now() + REMOVE_LIMIT;
        for (_, path) in &self.groups {
            loop {
                match fs::remove_dir(path) {
                    Err(error) if error.kind() == io::ErrorKind::NotFound => break,
                    Err(error) if Instant::now() >= deadline => return Err(error),
                    Err(_) => std::thread::park_timeout(Duration::from_millis(5)),
                    Ok(()) => break,
                }
            }
        }
        Ok(())
    }
}

/// Where groups of a controller can be: below our own group, so that its limits hold for us too, else at the top.
fn parents(hierarchy: &Hierarchy, controller: &str) -> Vec<PathBuf> {
    let places = [
        hierarchy.legacy_group(controller),
        hierarchy.legacy_mount(controller),
    ];
    places
        .into_iter()
        .flatten()
        .map(|base| base.join(FOLDER))
        .collect()
}
