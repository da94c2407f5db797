//! On a kernel with controllers in the tree of cgroup v2: `cargo xtask test kernel` starts one of its own for this.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    path::{Path, PathBuf},
    process::Output,
};

use canarytrace_process::{
    ChildSpec, Containment, Group, GroupUsage, Limits, Stdio, kill_abandoned, own_group_sample,
};

/// Our group as it was before anything moved us: `/sys/fs/cgroup` is where v2 alone is mounted.
fn base() -> PathBuf {
    let own = std::fs::read_to_string("/proc/self/cgroup").unwrap();
    let own = own.trim().strip_prefix("0::/").unwrap();
    let own = own.strip_suffix("canarytrace-host").unwrap_or(own);
    PathBuf::from("/sys/fs/cgroup").join(own.trim_end_matches('/'))
}

async fn run(script: &str, limits: &Limits) -> (Output, GroupUsage) {
    let name = format!("v2-{}", std::process::id());
    let mut group = Group::create(&Containment::detect(), &name, limits).unwrap();
    let spec = ChildSpec::new("/bin/sh")
        .args(["-c", script])
        .env("PATH", "/usr/bin:/bin")
        .streams(Stdio::Null, Stdio::Piped, Stdio::Piped);
    let output = group
        .spawn(&spec)
        .unwrap()
        .wait_with_output()
        .await
        .unwrap();
    let usage = group.usage();
    group.kill_all().unwrap();
    (output, usage)
}

const BUSY: &str = "perl -e '$end = time + 2; 1 while time < $end'";

#[test]
#[ignore = "needs a kernel with cgroup v2 alone"]
fn controllers_are_handed_down_below_the_own_group() {
    let base = base();
    let parent = base.join("canarytrace");
    assert_eq!(Containment::detect(), Containment::CgroupV2 { parent });
    let handed = std::fs::read_to_string(base.join("cgroup.subtree_control")).unwrap();
    assert!(
        ["cpu", "memory", "pids"]
            .iter()
            .all(|name| handed.contains(name)),
        "{handed}"
    );
}

#[tokio::test]
#[ignore = "needs a kernel with cgroup v2 alone"]
async fn cpu_is_limited_and_counted() {
    let limits = Limits {
        cpus: Some(0.25),
        ..Limits::default()
    };
    let (_, limited) = run(BUSY, &limits).await;
    let (_, free) = run(BUSY, &Limits::default()).await;
    // Two seconds of it at least, but for a second's fraction that `time` does not see.
    assert!(free.cpu_s.unwrap() > 0.8, "{free:?}");
    assert!(
        limited.cpu_s.unwrap() < free.cpu_s.unwrap() / 2.0,
        "{limited:?} {free:?}"
    );
}

#[tokio::test]
#[ignore = "needs a kernel with cgroup v2 alone"]
async fn memory_is_limited_and_its_end_is_counted() {
    let limits = Limits {
        memory_bytes: Some(48 << 20),
        ..Limits::default()
    };
    let hungry = "exec perl -e '$x = \"x\" x 100_000_000; print length $x'";
    let (output, usage) = run(hungry, &limits).await;
    assert!(!output.status.success(), "{output:?}");
    assert!(
        usage.oom_kills > Some(0) && usage.peak_memory_bytes <= limits.memory_bytes,
        "{usage:?}"
    );
}

#[tokio::test]
#[ignore = "needs a kernel with cgroup v2 alone"]
async fn processes_are_limited() {
    let limits = Limits {
        processes: Some(8),
        ..Limits::default()
    };
    let many = "for n in 1 2 3 4 5 6 7 8 9 10; do sleep 60 > /dev/null 2>&1 & done; echo all";
    let (output, _) = run(many, &limits).await;
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("fork"), "{output:?}");
}

#[tokio::test]
#[ignore = "needs a kernel with cgroup v2 alone"]
async fn what_a_dead_process_has_left_is_killed() {
    let (containment, name) = (
        Containment::detect(),
        format!("left-{}", std::process::id()),
    );
    let mut group = Group::create(&containment, &name, &Limits::default()).unwrap();
    let mut child = group
        .spawn(&ChildSpec::new("/bin/sleep").args(["300"]))
        .unwrap();
    assert!(kill_abandoned(&containment, &name).unwrap());
    assert!(!child.wait().await.unwrap().success());
    assert!(!kill_abandoned(&containment, &name).unwrap());
    group.kill_all().unwrap();
}

/// The limit of a pod or a service, above the groups that we make.
#[tokio::test]
#[ignore = "needs a kernel with cgroup v2 alone"]
async fn a_limit_above_is_seen() {
    let base = base();
    Containment::detect();
    // The root of all has none.
    let limit = base.join("cpu.max");
    if base != Path::new("/sys/fs/cgroup") {
        std::fs::write(&limit, "10000 100000").unwrap();
        run(BUSY, &Limits::default()).await;
        let throttled = own_group_sample().throttled_us.unwrap();
        std::fs::write(&limit, "max").unwrap();
        assert!(throttled > 100_000, "{throttled}");
    }
}
