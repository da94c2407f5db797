//! Tests that need another kernel than the host's: a Linux in user mode whose only cgroup tree is v2, with controllers.
//! Cargo starts each test program through `cargo xtask in-kernel PROGRAM ARGUMENTS`.

use std::{fs, process::Stdio};

use anyhow::{Context, Result, bail};

use crate::{
    host, prerequisites,
    run::{cargo_command, command, run},
};

pub(crate) fn test() -> Result<()> {
    prerequisites::kernel()?;
    let runner = format!(
        "CARGO_TARGET_{}_RUNNER",
        host()?.to_uppercase().replace('-', "_")
    );
    let this = std::env::current_exe().context("xtask does not know where it is")?;
    let tests = ["test", "--package", "canarytrace-process", "--no-fail-fast"];
    let mut cargo = cargo_command(&tests);
    cargo
        .args(["--lib", "--tests", "--", "--include-ignored"])
        .env(runner, format!("{} in-kernel", this.display()));
    run(&mut cargo)
}

/// What ends a run inside, with its exit code.
const END: &str = "in-kernel ended with ";

/// Runs a program twice: in the root of all groups, and in a group of its own as a service or a container has it.
pub(crate) fn inside(program: &[&str]) -> Result<()> {
    let folder = std::env::temp_dir().join(format!("xtask-kernel-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    let ended = boot(&folder, program);
    fs::remove_dir_all(&folder)?;
    ended
}

fn boot(folder: &std::path::Path, program: &[&str]) -> Result<()> {
    let script = folder.join("init.sh");
    let quoted: Vec<String> = program.iter().map(|word| format!("'{word}'")).collect();
    fs::write(&script, init(&quoted.join(" ")))?;
    command("chmod").arg("+x").arg(&script).status()?;
    // Without a timeout of its own a kernel that hangs would hang us.
    let mut kernel = command("timeout");
    kernel
        .args([
            "--kill-after=5",
            "180",
            "linux.uml",
            "mem=768M",
            "root=/dev/root",
        ])
        .args([
            "rootfstype=hostfs",
            "rootflags=/",
            "ro",
            "quiet",
            "loglevel=0",
            "con=null",
            "con0=fd:0,fd:1",
        ])
        .arg(format!("init={}", script.display()))
        .stdin(Stdio::null())
        .stderr(Stdio::null());
    let said = kernel.output().context("linux.uml cannot be started")?;
    let said = String::from_utf8_lossy(&said.stdout).replace('\r', "");
    let Some((text, code)) = said.split_once(END) else {
        bail!("the kernel came to no end:\n{said}");
    };
    print!("{text}");
    match code.lines().next() {
        Some("0 0") => Ok(()),
        code => bail!("a test failed inside of the kernel: {code:?}"),
    }
}

/// The first process of that kernel. The host's files are there, read-only.
fn init(program: &str) -> String {
    format!(
        "#!/bin/sh
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t cgroup2 cgroup2 /sys/fs/cgroup
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root CARGO_TERM_COLOR=never
{program} --test-threads=1 --color=never
root=$?
mkdir /sys/fs/cgroup/service
echo +cpu +memory +pids > /sys/fs/cgroup/cgroup.subtree_control
sh -c 'echo 0 > /sys/fs/cgroup/service/cgroup.procs; exec \"$@\"' sh {program} --test-threads=1 --color=never
echo \"{END}$root $?\"
echo o > /proc/sysrq-trigger
sleep 60
"
    )
}
