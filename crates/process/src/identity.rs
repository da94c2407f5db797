//! A process beyond pid reuse: pid, start time, boot.

use std::fs;

/// Identifies one process on this machine for good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessIdentity {
    pub pid: u32,
    /// Field 22 of `/proc/<pid>/stat`, clock ticks since boot.
    pub start_ticks: u64,
    pub boot_id: String,
}

/// This process.
pub fn own_identity() -> ProcessIdentity {
    let pid = std::process::id();
    ProcessIdentity {
        pid,
        start_ticks: start_ticks(pid).unwrap_or(0),
        boot_id: boot_id(),
    }
}

/// Whether that very process still runs (a zombie does not).
pub fn is_alive(identity: &ProcessIdentity) -> bool {
    identity.boot_id == boot_id() && start_ticks(identity.pid) == Some(identity.start_ticks)
}

fn boot_id() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id")
        .unwrap_or_default()
        .trim()
        .to_owned()
}

fn start_ticks(pid: u32) -> Option<u64> {
    let stat = crate::procfs::read_stat(pid)?;
    (stat.state != 'Z').then_some(stat.start_ticks)
}
