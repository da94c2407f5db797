//! One tree of processes under one containment.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsString,
    fs::File,
    io,
    os::fd::{AsRawFd, RawFd},
    path::{Path, PathBuf},
    process::ExitStatus,
    sync::Mutex,
    time::{Duration, Instant},
};

use thiserror::Error;
use tokio::process::{Child, Command};
use tracing::debug;

use crate::{Containment, cgroup::Cgroup, cgroup_v1::LegacyGroups, procfs, signals};

/// What a group may use; enforced where the containment can.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Limits {
    pub cpus: Option<f64>,
    pub memory_bytes: Option<u64>,
    pub processes: Option<u64>,
}

/// Where a stream of a child goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stdio {
    Null,
    Piped,
    Inherit,
}

/// A child to start.
#[derive(Clone, Debug)]
pub struct ChildSpec {
    pub program: PathBuf,
    pub arguments: Vec<OsString>,
    /// The whole environment; nothing is inherited.
    pub environment: BTreeMap<OsString, OsString>,
    pub working_directory: Option<PathBuf>,
    pub stdin: Stdio,
    pub stdout: Stdio,
    pub stderr: Stdio,
    /// No privileges by set-uid programs below this child. The browser's own sandbox works without them.
    pub no_new_privileges: bool,
    /// The kernel kills the child when we die. Without it the child must notice by itself, and can clean up.
    pub die_with_parent: bool,
}

impl ChildSpec {
    pub fn new(program: impl AsRef<Path>) -> Self {
        Self {
            program: program.as_ref().to_owned(),
            arguments: Vec::new(),
            environment: BTreeMap::new(),
            working_directory: None,
            stdin: Stdio::Null,
            stdout: Stdio::Null,
            stderr: Stdio::Null,
            no_new_privileges: false,
            die_with_parent: true,
        }
    }

    #[must_use]
    pub fn args(mut self, arguments: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        self.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }

    #[must_use]
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.environment.insert(name.into(), value.into());
        self
    }

    #[must_use]
    pub fn streams(mut self, stdin: Stdio, stdout: Stdio, stderr: Stdio) -> Self {
        (self.stdin, self.stdout, self.stderr) = (stdin, stdout, stderr);
        self
    }
}

#[derive(Debug, Error)]
#[error("{} cannot be started: {source}", program.display())]
pub struct SpawnError {
    pub program: PathBuf,
    #[source]
    pub source: io::Error,
}

/// What a group has used.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct GroupUsage {
    pub cpu_s: Option<f64>,
    pub peak_memory_bytes: Option<u64>,
    pub oom_kills: Option<u64>,
}

/// A tree of processes. Dropping it kills what is left.
#[derive(Debug)]
pub struct Group {
    containment: Containment,
    cgroup: Option<Cgroup>,
    /// Beside a v2 group without controllers.
    legacy: LegacyGroups,
    /// Children that were started directly; the roots of what `/proc` is searched from.
    roots: Vec<u32>,
    emptied: bool,
}

/// Every child this process has started directly; whoever else is our child was orphaned below one of them.
static STARTED: Mutex<BTreeSet<u32>> = Mutex::new(BTreeSet::new());

fn started() -> std::sync::MutexGuard<'static, BTreeSet<u32>> {
    STARTED
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Runs a program of our own to its end. A group that is emptied meanwhile must not take it for an orphan.
pub(crate) fn run_beside(command: &mut std::process::Command) -> io::Result<ExitStatus> {
    let mut started = started();
    let mut child = command.spawn()?;
    started.insert(child.id());
    drop(started);
    child.wait()
}

/// How long killed processes may take to disappear.
const KILL_LIMIT: Duration = Duration::from_secs(10);

impl Group {
    /// An empty group. `name` must be unique on this machine while the group lives.
    pub fn create(containment: &Containment, name: &str, limits: &Limits) -> io::Result<Self> {
        // Orphans come to us, not to an init that may never collect them (we are pid 1 in a container).
        signals::become_subreaper()?;
        let mut legacy = LegacyGroups::default();
        let cgroup = match containment {
            Containment::CgroupV2 { parent } => {
                let cgroup = Cgroup::create(parent, name)?;
                keep_if(apply(&cgroup, limits), &cgroup)?;
                Some(cgroup)
            }
            Containment::CgroupHybrid { parent } => {
                let cgroup = Cgroup::create(parent, name)?;
                legacy = keep_if(LegacyGroups::create(name, limits), &cgroup)?;
                Some(cgroup)
            }
            Containment::PidNamespace | Containment::Subreaper => None,
        };
        Ok(Self {
            containment: containment.clone(),
            cgroup,
            legacy,
            roots: Vec::new(),
            emptied: false,
        })
    }

    /// Starts a child inside the group. The child is killed when the returned handle is dropped, and by the kernel
    /// when this thread's process dies.
    pub fn spawn(&mut self, spec: &ChildSpec) -> Result<Child, SpawnError> {
        let failed = |source: io::Error| SpawnError {
            program: spec.program.clone(),
            source,
        };
        let join = self
            .cgroup
            .iter()
            .map(Cgroup::join_file)
            .chain(self.legacy.join_files())
            .map(|path| File::options().write(true).open(path))
            .collect::<io::Result<Vec<File>>>()
            .map_err(failed)?;
        let mut command = self.command(spec);
        command
            .env_clear()
            .envs(&spec.environment)
            .stdin(stdio(spec.stdin))
            .stdout(stdio(spec.stdout))
            .stderr(stdio(spec.stderr))
            .kill_on_drop(true);
        if let Some(directory) = &spec.working_directory {
            command.current_dir(directory);
        }
        prepare(&mut command, &join, spec);
        let mut started = started();
        let child = command.spawn().map_err(failed)?;
        started.extend(child.id());
        drop(started);
        self.roots.extend(child.id());
        self.emptied = false;
        Ok(child)
    }

    fn command(&self, spec: &ChildSpec) -> Command {
        if self.containment == Containment::PidNamespace {
            let mut command = Command::new("unshare");
            command
                .args(["--pid", "--fork", "--kill-child", "--mount-proc", "--"])
                .arg(&spec.program)
                .args(&spec.arguments);
            return command;
        }
        let mut command = Command::new(&spec.program);
        command.args(&spec.arguments);
        command
    }

    /// The living processes of the group.
    pub fn pids(&self) -> Vec<u32> {
        match &self.cgroup {
            Some(cgroup) => cgroup.pids(),
            None => {
                let mut pids: Vec<u32> = self
                    .roots
                    .iter()
                    .copied()
                    .filter(|pid| procfs::read_stat(*pid).is_some_and(|stat| !stat.is_gone()))
                    .collect();
                pids.extend(
                    self.roots
                        .iter()
                        .flat_map(|root| procfs::descendants(*root)),
                );
                if self.containment == Containment::Subreaper {
                    pids.extend(orphans());
                }
                pids.sort_unstable();
                pids.dedup();
                pids
            }
        }
    }

    /// Kills every process of the group and waits until none is left. Blocks; call it off the async threads.
    pub fn kill_all(&mut self) -> io::Result<()> {
        if self.emptied {
            return Ok(());
        }
        let deadline = Instant::now() + KILL_LIMIT;
        if let Some(cgroup) = &self.cgroup {
            cgroup.kill()?;
        }
        // A tree is read process by process: one whose parent dies meanwhile is seen at neither place. Twice is enough,
        // because by then it has been handed to us.
        let mut looks = if self.cgroup.is_some() { 1 } else { 2 };
        loop {
            let pids = self.pids();
            if pids.is_empty() {
                looks -= 1;
                if looks == 0 {
                    break;
                }
            }
            if self.cgroup.is_none() {
                pids.iter().copied().for_each(signals::send_kill);
            }
            if Instant::now() >= deadline {
                return Err(io::Error::new(
                    io::ErrorKind::TimedOut,
                    format!("processes {pids:?} survive SIGKILL for {KILL_LIMIT:?}"),
                ));
            }
            if self.containment == Containment::Subreaper {
                orphans().into_iter().for_each(signals::reap);
            }
            std::thread::park_timeout(Duration::from_millis(5));
        }
        if let Some(cgroup) = &self.cgroup {
            cgroup.remove()?;
        }
        self.legacy.remove()?;
        procfs::zombie_children()
            .into_iter()
            .filter(|pid| !started().contains(pid))
            .for_each(signals::reap);
        self.emptied = true;
        Ok(())
    }

    /// What the group's containment has counted.
    pub fn usage(&self) -> GroupUsage {
        let Some(cgroup) = &self.cgroup else {
            return GroupUsage::default();
        };
        let legacy = &self.legacy;
        GroupUsage {
            cpu_s: cgroup
                .counter("cpu.stat", Some("usage_usec "))
                .map(|microseconds| microseconds as f64 / 1e6),
            peak_memory_bytes: cgroup
                .counter("memory.peak", None)
                .or_else(|| legacy.counter("memory", "memory.max_usage_in_bytes", None)),
            oom_kills: cgroup
                .counter("memory.events", Some("oom_kill "))
                .or_else(|| legacy.counter("memory", "memory.oom_control", Some("oom_kill "))),
        }
    }
}

/// Empties a group that a process which is gone has left under that name; answers whether there was one.
pub fn kill_abandoned(containment: &Containment, name: &str) -> io::Result<bool> {
    let (Containment::CgroupV2 { parent } | Containment::CgroupHybrid { parent }) = containment
    else {
        return Ok(false);
    };
    let Some(cgroup) = Cgroup::existing(parent, name) else {
        return Ok(false);
    };
    cgroup.kill()?;
    cgroup.remove()?;
    LegacyGroups::existing(name).remove()?;
    Ok(true)
}

impl Drop for Group {
    fn drop(&mut self) {
        if !self.emptied {
            debug!("a process group is dropped before it was emptied");
            if let Err(error) = self.kill_all() {
                tracing::warn!(%error, "a process group could not be emptied");
            }
        }
    }
}

/// Children of ours that we never started. A program in subreaper mode has one group at a time.
fn orphans() -> Vec<u32> {
    let own = std::process::id();
    let started = started();
    let direct = procfs::descendants(own).into_iter().filter(|pid| {
        !started.contains(pid) && procfs::read_stat(*pid).is_some_and(|stat| stat.parent == own)
    });
    direct
        .flat_map(|pid| [pid].into_iter().chain(procfs::descendants(pid)))
        .collect()
}

/// A group whose limits cannot be set is of no use and must not stay.
fn keep_if<T>(limited: io::Result<T>, cgroup: &Cgroup) -> io::Result<T> {
    if limited.is_err() {
        cgroup.remove()?;
    }
    limited
}

fn apply(cgroup: &Cgroup, limits: &Limits) -> io::Result<()> {
    if let Some(cpus) = limits.cpus {
        cgroup.set("cpu.max", &format!("{} 100000", (cpus * 100_000.0).round()))?;
    }
    if let Some(bytes) = limits.memory_bytes {
        cgroup.set("memory.max", &bytes.to_string())?;
        cgroup.set("memory.oom.group", "1")?;
    }
    if let Some(processes) = limits.processes {
        cgroup.set("pids.max", &processes.to_string())?;
    }
    Ok(())
}

fn stdio(stdio: Stdio) -> std::process::Stdio {
    match stdio {
        Stdio::Null => std::process::Stdio::null(),
        Stdio::Piped => std::process::Stdio::piped(),
        Stdio::Inherit => std::process::Stdio::inherit(),
    }
}

#[expect(
    unsafe_code,
    reason = "the child joins its cgroup between fork and exec, before it can fork itself"
)]
fn prepare(command: &mut Command, join: &[File], spec: &ChildSpec) {
    let (no_new_privileges, die_with_parent) = (spec.no_new_privileges, spec.die_with_parent);
    let join: Vec<RawFd> = join.iter().map(AsRawFd::as_raw_fd).collect();
    let parent = std::process::id();
    let prepare = move || {
        for fd in join.iter().copied() {
            // SAFETY: the descriptor is open in the parent until spawn returns; write is async-signal-safe.
            if unsafe { libc::write(fd, c"0".as_ptr().cast(), 1) } != 1 {
                return Err(io::Error::last_os_error());
            }
        }
        signals::process_group_of_own()?;
        if die_with_parent {
            signals::die_with_parent()?;
            // SAFETY: getppid has no arguments. The parent may have died before the line above took effect.
            if u32::try_from(unsafe { libc::getppid() }).ok() != Some(parent) {
                return Err(io::Error::from_raw_os_error(libc::ESRCH));
            }
        }
        if no_new_privileges {
            signals::no_new_privileges()
        } else {
            Ok(())
        }
    };
    // SAFETY: the closure only makes async-signal-safe system calls and allocates nothing.
    unsafe { command.pre_exec(prepare) };
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> ChildSpec {
        ChildSpec::new("/bin/sh")
            .args(["-c", script])
            .env("PATH", "/usr/bin:/bin")
            .streams(Stdio::Null, Stdio::Piped, Stdio::Null)
    }

    /// A subreaper's group is all orphans of this process: one test at a time.
    static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

    async fn check_tree_dies(containment: Containment) {
        let _alone = ALONE.lock().await;
        let name = format!("test-{}", std::process::id());
        let mut group = Group::create(&containment, &name, &Limits::default()).unwrap();
        // The inner sleep is orphaned and has left its session: only containment finds it.
        let mut child = group
            .spawn(&shell(
                "setsid sh -c 'sleep 300 & sleep 300' & echo ready; wait",
            ))
            .unwrap();
        let mut stdout = tokio::io::BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        tokio::io::AsyncBufReadExt::read_line(&mut stdout, &mut line)
            .await
            .unwrap();
        let deadline = Instant::now() + Duration::from_secs(5);
        while group.pids().len() < 4 {
            assert!(Instant::now() < deadline, "{:?}", group.pids());
            tokio::task::yield_now().await;
        }
        let pids = group.pids();
        group.kill_all().unwrap();
        for pid in pids {
            assert!(
                procfs::read_stat(pid).is_none_or(|stat| stat.state == 'Z'),
                "{pid} lives"
            );
        }
    }

    #[tokio::test]
    async fn the_strongest_containment_empties_a_tree() {
        check_tree_dies(Containment::detect()).await;
    }

    #[tokio::test]
    async fn a_pid_namespace_empties_a_tree() {
        check_tree_dies(Containment::named("pid-namespace").unwrap()).await;
    }

    #[tokio::test]
    async fn a_subreaper_empties_a_tree() {
        check_tree_dies(Containment::Subreaper).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_probe_is_nobodys_orphan() {
        let _alone = ALONE.lock().await;
        let emptying = std::thread::spawn(|| {
            for name in 0..60 {
                let limits = Limits::default();
                let name = format!("probe-{name}");
                let mut group = Group::create(&Containment::Subreaper, &name, &limits).unwrap();
                group.kill_all().unwrap();
            }
        });
        while !emptying.is_finished() {
            assert_eq!(
                Containment::named("pid-namespace"),
                Ok(Containment::PidNamespace)
            );
        }
        emptying.join().unwrap();
    }

    #[tokio::test]
    async fn memory_is_limited_and_its_end_is_counted() {
        let _alone = ALONE.lock().await;
        let limits = Limits {
            memory_bytes: Some(64 << 20),
            ..Limits::default()
        };
        let name = format!("memory-{}", std::process::id());
        let containment = Containment::named("cgroup").unwrap();
        let mut group = Group::create(&containment, &name, &limits).unwrap();
        let hungry = "exec perl -e '$x = \"x\" x 300_000_000; print length $x'";
        let child = group.spawn(&shell(hungry)).unwrap();
        let output = child.wait_with_output().await.unwrap();
        assert!(!output.status.success(), "{output:?}");
        let usage = group.usage();
        assert!(usage.oom_kills > Some(0), "{usage:?}");
        assert!(usage.peak_memory_bytes <= limits.memory_bytes, "{usage:?}");
        group.kill_all().unwrap();
        assert!(!kill_abandoned(&containment, &name).unwrap());
    }

    #[tokio::test]
    async fn a_missing_program_is_named() {
        let mut group = Group::create(&Containment::Subreaper, "none", &Limits::default()).unwrap();
        let error = group
            .spawn(&ChildSpec::new("/no/such/program"))
            .unwrap_err();
        assert!(error.to_string().contains("/no/such/program"), "{error}");
    }

    #[tokio::test]
    async fn a_child_sees_only_its_environment() {
        let _alone = ALONE.lock().await;
        let mut group = Group::create(
            &Containment::detect(),
            &format!("env-{}", std::process::id()),
            &Limits::default(),
        )
        .unwrap();
        let child = group
            .spawn(&shell("env | grep -v -E '^(PWD|_|SHLVL|OLDPWD)=' | sort").env("A", "1"))
            .unwrap();
        let output = child.wait_with_output().await.unwrap();
        assert_eq!(
            String::from_utf8_lossy(&output.stdout),
            "A=1\nPATH=/usr/bin:/bin\n"
        );
        group.kill_all().unwrap();
    }
}
