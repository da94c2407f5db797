//! Faults of ours: network, browser, driver, runner, machine, configuration.

use std::{
    process::{Child, Command, Stdio},
    time::Duration,
};

use serde_json::{Value, json};

use super::{Cause, Fault, World};
use crate::{Said, binary, eventually, processes, signal};

pub(super) fn faults() -> Vec<Fault> {
    network()
        .into_iter()
        .chain(processes_of_ours())
        .chain(machine())
        .map(|(name, wanted, cause)| Fault {
            name,
            wanted,
            cause,
        })
        .collect()
}

type Row = (&'static str, &'static str, Cause);

fn network() -> [Row; 5] {
    [
        (
            "own network away: name does not resolve",
            "network",
            |world| without_control(world, "http://no-such-host.invalid/"),
        ),
        ("own network away: no answer", "network", |world| {
            without_control(world, &world.blackhole())
        }),
        ("own network away: no interface", "network", no_interface),
        ("own proxy away", "network", |world| {
            let flags = "--disable-gpu --disable-quic --proxy-server=127.0.0.1:1 --proxy-bypass-list=<-loopback>";
            world.smoke_with(&world.shop.url, &[("CANARYTRACE_BROWSER_FLAGS", flags)])
        }),
        ("git server away", "network", |world| {
            let arguments = ["--script", "a.js", "--git", "http://127.0.0.1:1/a.git"];
            Said::from(world.command(&world.folder(), &arguments).output().unwrap()).record()
        }),
    ]
}

fn processes_of_ours() -> [Row; 11] {
    [
        ("browser killed", "browser", |world| {
            killing(world, "/chromium/chromium --", "KILL")
        }),
        ("renderer killed", "browser", |world| {
            killing(world, "--type=renderer", "KILL")
        }),
        ("driver killed", "browser", |world| {
            killing(world, "chromedriver --port", "KILL")
        }),
        ("driver frozen", "browser", |world| {
            killing(world, "chromedriver --port", "STOP")
        }),
        ("browser frozen", "browser", |world| {
            killing(world, "/chromium/chromium --", "STOP")
        }),
        ("renderer frozen", "browser", |world| {
            killing(world, "--type=renderer", "STOP")
        }),
        ("no browser found", "browser", |world| {
            Said::from(
                world
                    .command(
                        &world.folder(),
                        &["http://localhost/", "--browser", "/no/browser"],
                    )
                    .output()
                    .unwrap(),
            )
            .record()
        }),
        ("end-point away", "browser", |world| {
            Said::from(
                world
                    .command(
                        &world.folder(),
                        &["http://localhost/", "--browser", "http://127.0.0.1:1"],
                    )
                    .output()
                    .unwrap(),
            )
            .record()
        }),
        ("runner killed", "runner", |world| {
            killing(world, "canarytrace runner", "KILL")
        }),
        ("runner frozen", "runner", |world| {
            world.during(&["--timeout", "8s"], |_| {
                strike("canarytrace runner", "STOP")
            })
        }),
        ("run stopped from outside", "runner", |world| {
            world.during(&[], |child| signal(child.id(), "TERM"))
        }),
    ]
}

fn machine() -> [Row; 8] {
    [
        ("memory limit reached", "runner", |world| {
            let url = world.shop.page("/greedy");
            world.monitor(&format!("\"{url}\""), "    browser: { memory: 900MiB }\n")
        }),
        ("CPU starved", "runner", starved),
        ("disk full", "runner", |world| full_disk(world)),
        ("a URL that is none", "configuration", |world| {
            world.smoke("shop.example")
        }),
        ("a port the browser refuses", "configuration", |world| {
            world.smoke("http://127.0.0.1:6000/")
        }),
        ("spec missing in the repository", "configuration", |world| {
            cloned(world, "missing.js", &[])
        }),
        (
            "revision missing in the repository",
            "configuration",
            |world| cloned(world, "fault.js", &["--revision", "nowhere"]),
        ),
        (
            "a third party fails beside a page that needs nothing of it",
            "passed",
            |world| world.smoke(&world.shop.page("/third-api")),
        ),
    ]
}

fn without_control(world: &World, url: &str) -> Value {
    world.smoke_with(url, &[("CANARYTRACE_CONTROL_URL", &world.nobody())])
}

fn strike(victim: &str, name: &str) {
    // Of several renderers any may be the page's; of the others the first is the one that counts.
    let count = if victim.contains("renderer") { 8 } else { 1 };
    for pid in processes(victim).into_iter().take(count) {
        signal(pid, name);
    }
}

fn killing(world: &World, victim: &str, name: &str) -> Value {
    world.during(&[], |_: &Child| strike(victim, name))
}

/// `canarytrace run` below another program.
fn inside(world: &World, program: &str, arguments: &[&str]) -> Value {
    let mut command = Command::new(program);
    command.args(arguments).env_clear();
    command.env("PATH", std::env::var_os("PATH").unwrap());
    command.env("CANARYTRACE_BROWSER_FLAGS", "--disable-gpu --disable-quic");
    world.limits(&mut command);
    command.env("CANARYTRACE_CONTROL_URL", "http://192.0.2.8/");
    Said::from(command.output().unwrap()).record()
}

fn no_interface(world: &World) -> Value {
    let script = format!(
        "ip link set lo up && exec {} run --json --out {} http://192.0.2.7/",
        binary().display(),
        world.folder().display()
    );
    inside(
        world,
        "unshare",
        &["--net", "--map-root-user", "sh", "-c", &script],
    )
}

fn full_disk(world: &World) -> Value {
    let script = format!(
        "mount -t tmpfs -o size=200k none {folder} && exec {} run --json --out {folder}/runs {}",
        binary().display(),
        world.shop.page("/talkative"),
        folder = world.folder().display(),
    );
    inside(
        world,
        "unshare",
        &["--mount", "--map-root-user", "sh", "-c", &script],
    )
}

/// Busy loops on every core from the moment on when a page is asked for that needs a second of CPU.
fn starved(world: &World) -> Value {
    let url = world.shop.page("/heavy");
    let before = world.shop.count("/heavy");
    let check = format!("{{ url: \"{url}\", expect: {{ load: 2s }} }}");
    std::thread::scope(|scope| {
        let run = scope.spawn(|| world.monitor(&check, "    timeout: 60s\n"));
        eventually("the page's request", Duration::from_secs(30), || {
            (world.shop.count("/heavy") > before).then_some(())
        });
        let mut busy = busy_loops();
        let record = run.join().unwrap();
        for child in &mut busy {
            child.kill().unwrap();
            child.wait().unwrap();
        }
        record
    })
}

fn busy_loops() -> Vec<Child> {
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    let start = |_| {
        Command::new("sh")
            .args(["-c", "while :; do :; done"])
            .stdin(Stdio::null())
            .spawn()
            .unwrap()
    };
    (0..cores * 6).map(start).collect()
}

fn cloned(world: &World, spec: &str, more: &[&str]) -> Value {
    let repository = world.folder();
    std::fs::write(repository.join("fault.js"), "it('x', async () => {});").unwrap();
    for arguments in [
        vec!["init", "-q"],
        vec!["add", "."],
        vec![
            "-c",
            "user.name=t",
            "-c",
            "user.email=t@t",
            "commit",
            "-qm",
            "one",
        ],
    ] {
        let done = Command::new("git")
            .current_dir(&repository)
            .args(arguments)
            .status();
        assert!(done.unwrap().success());
    }
    let mut arguments = vec!["--script", spec, "--git", repository.to_str().unwrap()];
    arguments.extend(more);
    let said = Said::from(world.command(&world.folder(), &arguments).output().unwrap());
    if said.stdout.is_empty() {
        return json!({"verdict": {"detail": said.stderr}});
    }
    said.record()
}
