//! One-page check: our wall time against the floor, our CPU and memory, and WebdriverIO's beside it.

use std::{path::PathBuf, time::Instant};

use anyhow::{Context, Result};
use canarytrace_driver::find_browser;
use canarytrace_process::{ChildSpec, Containment, Group, Limits, Stdio};
use serde_json::Value;
use tokio::task::JoinSet;

use crate::{floor, median, peers, site};

const ROUNDS: usize = 7;

pub(crate) async fn bench() -> Result<()> {
    let mut tasks = JoinSet::new();
    let url = site::serve(&mut tasks).await?;
    let path = std::env::var_os("PATH").context("no PATH")?;
    let browser = find_browser(None, &path)?.path;
    let binary = std::env::current_exe()?.with_file_name("canarytrace");
    anyhow::ensure!(
        binary.exists(),
        "{} is missing: cargo xtask dist",
        binary.display()
    );
    let (mut floors, mut walls, mut cpus, mut memories) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    floor::visit(&browser, &url).await?;
    for _ in 0..ROUNDS {
        floors.push(floor::visit(&browser, &url).await?.as_secs_f64());
        let (wall, record) = ours(&binary, &url).await?;
        let number = |name: &str| {
            record
                .pointer(&format!("/overhead/{name}"))
                .and_then(Value::as_f64)
                .unwrap_or(f64::NAN)
        };
        walls.push(wall);
        cpus.push(number("runnerCpuS"));
        memories.push(number("runnerPeakRssBytes") / f64::from(1 << 20));
    }
    let (floor, wall, cpu) = (median(floors), median(walls), median(cpus));
    println!("one-page check, medians of {ROUNDS}");
    println!(
        "  wall      {wall:.3} s, bare DevTools client {floor:.3} s: {:.3}x (goal at most 1.10x)",
        wall / floor
    );
    println!("  CPU       {cpu:.3} s, supervisor and runner (goal at most 0.10 s)");
    println!(
        "  memory    {:.1} MiB peak of the runner (goal at most 30 MiB)",
        median(memories)
    );
    println!(
        "  binary    {:.1} MB (goal below 60 MB)",
        std::fs::metadata(&binary)?.len() as f64 / 1e6
    );
    let named = [
        (
            "WebdriverIO",
            peers::webdriverio(&url, &browser, peers::ONE_PAGE).await?,
        ),
        (
            "Playwright Test, trace on",
            peers::playwright(&url, &browser).await?,
        ),
    ];
    for (name, peer) in named {
        println!(
            "  peer      {name}: {:.2} s wall, {:.2} s CPU without the browser: we use {:.3} of its CPU (goal at most 0.100)",
            peer.wall_s,
            peer.cpu_s,
            cpu / peer.cpu_s
        );
    }
    Ok(())
}

async fn ours(binary: &PathBuf, url: &str) -> Result<(f64, Value)> {
    let out = tempfile::tempdir()?;
    let mut spec = ChildSpec::new(binary)
        .args(["run", url, "--json", "--out"])
        .args([out.path()])
        .streams(Stdio::Null, Stdio::Piped, Stdio::Null);
    for name in ["PATH", "HOME"] {
        spec = spec.env(name, std::env::var_os(name).unwrap_or_default());
    }
    spec = spec.env("CANARYTRACE_BROWSER_FLAGS", "--disable-gpu --disable-quic");
    let mut group = Group::create(&Containment::Subreaper, "ours", &Limits::default())?;
    let started = Instant::now();
    let output = group.spawn(&spec)?.wait_with_output().await?;
    let wall = started.elapsed().as_secs_f64();
    let text = String::from_utf8(output.stdout)?;
    let record: Value = serde_json::from_str(text.lines().last().context("no record")?)?;
    anyhow::ensure!(output.status.success(), "the run did not pass: {record}");
    Ok((wall, record))
}
