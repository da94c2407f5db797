//! Where the groups of this process are: `/proc/self/cgroup` against `/proc/mounts`, of either hierarchy.

use std::{fs, path::PathBuf};

/// Both files as they were read.
#[derive(Debug)]
pub(crate) struct Hierarchy {
    own: String,
    mounts: String,
}

impl Hierarchy {
    pub(crate) fn read() -> Self {
        Self {
            own: fs::read_to_string("/proc/self/cgroup").unwrap_or_default(),
            mounts: fs::read_to_string("/proc/mounts").unwrap_or_default(),
        }
    }

    /// The folder of the own group under a controller; under the one tree of v2 if it has no other.
    pub(crate) fn group(&self, controller: &str) -> Option<PathBuf> {
        self.legacy_group(controller)
            .or_else(|| self.unified_group())
    }

    /// In the tree of v2.
    pub(crate) fn unified_group(&self) -> Option<PathBuf> {
        let own = self
            .own
            .lines()
            .find_map(|line| line.strip_prefix("0::/"))?;
        Some(self.unified_mount()?.join(own))
    }

    /// The own group and those above it in the tree of v2.
    pub(crate) fn unified_path(&self) -> Vec<PathBuf> {
        let (Some(own), Some(mount)) = (self.unified_group(), self.unified_mount()) else {
            return Vec::new();
        };
        let above = own.ancestors().take_while(|path| path.starts_with(&mount));
        above.map(PathBuf::from).collect()
    }

    pub(crate) fn unified_mount(&self) -> Option<PathBuf> {
        self.mount(|kind, _| kind == "cgroup2")
    }

    /// In the tree of one controller of v1. In a container the own path may be that of the host, and the mount shows the
    /// own group alone.
    pub(crate) fn legacy_group(&self, controller: &str) -> Option<PathBuf> {
        let own = self.own.lines().find_map(|line| {
            let mut fields = line.splitn(3, ':');
            let (_, list, path) = (fields.next()?, fields.next()?, fields.next()?);
            lists(list, controller).then_some(path)
        })?;
        let mount = self.legacy_mount(controller)?;
        let path = mount.join(own.trim_start_matches('/'));
        Some(if path.is_dir() { path } else { mount })
    }

    pub(crate) fn legacy_mount(&self, controller: &str) -> Option<PathBuf> {
        self.mount(|kind, options| kind == "cgroup" && lists(options, controller))
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

fn lists(list: &str, controller: &str) -> bool {
    list.split(',').any(|name| name == controller)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_found_in_both_trees() {
        let hierarchy = Hierarchy {
            own: "4:cpu,cpuacct:/box\n0::/own/run\n".to_owned(),
            mounts: "cgroup /nowhere/cpu cgroup rw,cpu,cpuacct 0 0\ncgroup2 /nowhere/unified cgroup2 rw 0 0\n".to_owned(),
        };
        let unified = PathBuf::from("/nowhere/unified/own/run");
        assert_eq!(hierarchy.unified_group(), Some(unified.clone()));
        let path: Vec<PathBuf> = ["/own/run", "/own", ""]
            .map(|part| PathBuf::from(format!("/nowhere/unified{part}")))
            .to_vec();
        assert_eq!(hierarchy.unified_path(), path);
        assert_eq!(hierarchy.group("memory"), Some(unified));
        // The path of the host is not there: the mount is the own group.
        assert_eq!(hierarchy.group("cpuacct"), Some("/nowhere/cpu".into()));
    }
}
