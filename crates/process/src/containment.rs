//! Which containment this host allows.

use std::{fmt, path::PathBuf};

use crate::{cgroup, group};

/// How a tree of processes is held together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Containment {
    /// A delegated cgroup v2 with controllers: limits, measuring and `cgroup.kill`.
    CgroupV2 { parent: PathBuf },
    /// The v2 tree of a hybrid host has no controllers, but `cgroup.kill`; those of the old hierarchy limit and count.
    CgroupHybrid { parent: PathBuf },
    /// A PID namespace whose init is the child.
    PidNamespace,
    /// Orphans come back to us, and are found in `/proc`.
    Subreaper,
}

impl Containment {
    /// The strongest containment that works here, tried for real.
    pub fn detect() -> Self {
        Self::cgroup()
            .or_else(Self::pid_namespace)
            .unwrap_or(Containment::Subreaper)
    }

    /// The containment of a name: `auto`, `cgroup`, `pid-namespace` or `subreaper`. An error says why it is not to be had.
    pub fn named(name: &str) -> Result<Self, String> {
        let missing = || format!("containment `{name}` is not possible on this host");
        match name {
            "auto" => Ok(Self::detect()),
            "cgroup" => Self::cgroup().ok_or_else(missing),
            "pid-namespace" => Self::pid_namespace().ok_or_else(missing),
            "subreaper" => Ok(Containment::Subreaper),
            _ => Err(format!(
                "containment `{name}` is not known: auto, cgroup, pid-namespace, subreaper"
            )),
        }
    }

    fn cgroup() -> Option<Self> {
        let (parent, controllers) = cgroup::usable_parent()?;
        Some(if controllers {
            Containment::CgroupV2 { parent }
        } else {
            Containment::CgroupHybrid { parent }
        })
    }

    fn pid_namespace() -> Option<Self> {
        pid_namespace_works().then_some(Containment::PidNamespace)
    }
}

impl fmt::Display for Containment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Containment::CgroupV2 { parent } => write!(f, "cgroup v2 below {}", parent.display()),
            Containment::CgroupHybrid { parent } => write!(
                f,
                "cgroup v2 without controllers below {}",
                parent.display()
            ),
            Containment::PidNamespace => f.write_str("pid namespace"),
            Containment::Subreaper => f.write_str("subreaper"),
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "this crate is where children are started"
)]
fn pid_namespace_works() -> bool {
    let mut unshare = std::process::Command::new("unshare");
    unshare
        .args(["--pid", "--fork", "--kill-child", "--mount-proc", "true"])
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null());
    group::run_beside(&mut unshare).is_ok_and(|status| status.success())
}
