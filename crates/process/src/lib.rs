//! Child processes: spawn, contain, limit, measure, and end a whole tree.
//!
//! A [`Group`] is one tree of processes with one containment, chosen by [`Containment::detect`] at start: a cgroup v2
//! that can be limited, a v2 tree without controllers (hybrid hosts) that can still be emptied by `cgroup.kill` and is
//! limited by the old hierarchy's controllers, a PID
//! namespace, or, when nothing else is allowed, a subreaper that finds its descendants in `/proc`.
//!
//! Invariants: only this crate starts children; after [`Group::kill_all`] no process of the tree is left, whatever it
//! did to its parents; a child gets the environment it is given and nothing else.

mod cgroup;
mod cgroup_v1;
mod containment;
mod group;
mod hierarchy;
mod identity;
mod own_group;
mod procfs;
mod signals;

pub use containment::Containment;
pub use group::{ChildSpec, Group, GroupUsage, Limits, SpawnError, Stdio, kill_abandoned};
pub use identity::{ProcessIdentity, is_alive, own_identity};
pub use own_group::{OwnGroupSample, own_group_sample, sibling_groups};
pub use procfs::{
    HostSample, ProcessUsage, descendants, host_sample, process_usage, self_usage, stopped_name,
};
pub use signals::{
    become_subreaper, die_with_parent, process_group_of_own, send_kill, send_terminate,
};
