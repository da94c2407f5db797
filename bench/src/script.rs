//! A script of twenty steps: ours and WebdriverIO's testrunner, above what a bare DevTools client needs; and what one
//! command costs beyond the driver.

use std::{path::Path, time::Instant};

use anyhow::{Context, Result};
use canarytrace_driver::find_browser;
use canarytrace_process::{ChildSpec, Containment, Group, Limits, Stdio};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    task::JoinSet,
};

use crate::{floor, median, peers, site};

const ROUNDS: usize = 5;
const STEPS: usize = 20;
const COMMANDS: usize = 1000;
/// Files beside the script, as a repository has them, and how many of them a script takes.
const FILES: usize = 300;
const TAKEN: usize = 20;
const FIRST: &str = "first.js";

pub(crate) async fn bench() -> Result<()> {
    let mut tasks = JoinSet::new();
    let url = site::serve(&mut tasks).await?;
    let path = std::env::var_os("PATH").context("no PATH")?;
    let browser = find_browser(None, &path)?.path;
    let binary = std::env::current_exe()?.with_file_name("canarytrace");
    let folder = tempfile::tempdir()?;
    let spec = twenty_steps();
    std::fs::write(folder.path().join("spec.js"), &spec)?;
    std::fs::write(folder.path().join("many.js"), many_commands())?;
    std::fs::write(folder.path().join(FIRST), first_command())?;
    for number in 0..FILES {
        std::fs::write(
            folder.path().join(format!("page{number}.js")),
            "module.exports = class Page { get title() { return $('h1'); } };\n",
        )?;
    }
    let (mut floors, mut ours, mut cpus, mut memories) = (vec![], vec![], vec![], vec![]);
    let (mut theirs, mut their_cpus, mut their_memories) = (vec![], vec![], vec![]);
    floor::steps(&browser, &url, STEPS - 1).await?;
    for _ in 0..ROUNDS {
        floors.push(floor::steps(&browser, &url, STEPS - 1).await?.as_secs_f64());
        let played = play(&binary, folder.path(), "spec.js", &url).await?;
        ours.push(played.wall_s);
        cpus.push(played.number("runnerCpuS"));
        memories.push(played.number("runnerPeakRssBytes") / f64::from(1 << 20));
        let peer = peers::webdriverio(&url, &browser, &spec).await?;
        theirs.push(peer.wall_s);
        their_cpus.push(peer.cpu_s);
        their_memories.push(peer.memory_bytes as f64 / f64::from(1 << 20));
    }
    let (floor, ours, theirs) = (median(floors), median(ours), median(theirs));
    let (cpu, their_cpu) = (median(cpus), median(their_cpus));
    let (memory, their_memory) = (median(memories), median(their_memories));
    println!("a script of {STEPS} steps, medians of {ROUNDS}; bare DevTools client {floor:.3} s");
    println!(
        "  wall      {ours:.3} s, WebdriverIO {theirs:.3} s: above the floor {:.3} of WebdriverIO's (goal at most 0.200)",
        (ours - floor) / (theirs - floor)
    );
    println!(
        "  CPU       {cpu:.3} s, WebdriverIO {their_cpu:.3} s: {:.3} (goal at most 0.100)",
        cpu / their_cpu
    );
    println!(
        "  memory    {memory:.1} MiB, WebdriverIO {their_memory:.1} MiB: {:.3} (goal at most 0.125)",
        memory / their_memory
    );
    command(&binary, folder.path(), &url).await?;
    start(&binary, folder.path(), &browser, &url).await
}

/// What a command costs beyond the driver: in turn, a script asks and then its very session is asked by nothing but HTTP.
async fn command(binary: &Path, folder: &Path, url: &str) -> Result<()> {
    let driver = Driver::start().await?;
    let out = tempfile::tempdir()?;
    let mut child = runner(binary, folder, url, "many.js", out.path());
    child = child.env("CANARYTRACE_BROWSER", &driver.base);
    let mut group = Group::create(&Containment::Subreaper, "ours", &Limits::default())?;
    let mut child = group.spawn(&child)?;
    let stderr = child.stderr.take().context("no output")?;
    let mut lines = BufReader::new(stderr).lines();
    let (mut ours, mut directs) = (vec![], vec![]);
    while let Some(line) = lines.next_line().await? {
        if let Some((_, session)) = line.split_once("ask session ") {
            directs.push(driver.ask(session.trim()).await?);
        }
        if let Some((_, took)) = line.split_once("per command ") {
            ours.push(took.trim().parse::<f64>()?);
        }
    }
    child.wait().await?;
    driver.end().await?;
    anyhow::ensure!(
        ours.len() == ROUNDS && directs.len() == ROUNDS,
        "the script did not end"
    );
    let (ours, direct) = (median(ours), median(directs));
    println!(
        "  command   {ours:.3} ms, the driver asked directly {direct:.3} ms, in one session: {:.3} ms more (goal at most 0.3)",
        ours - direct
    );
    Ok(())
}

/// From the start of `canarytrace run` to the first command, less the time that the browser is left alone on purpose, and
/// what a browser with its driver needs.
async fn start(binary: &Path, folder: &Path, browser: &Path, url: &str) -> Result<()> {
    let (mut settled, mut at_once, mut floors) = (vec![], vec![], vec![]);
    for _ in 0..ROUNDS {
        settled.push(first(binary, folder, url, &[]).await?);
        at_once.push(first(binary, folder, url, &[("CANARYTRACE_SETTLE", "0")]).await?);
        let started = Instant::now();
        let driver = Driver::start().await?;
        driver.open(browser).await?;
        floors.push(started.elapsed().as_secs_f64() * 1000.0);
        driver.end().await?;
    }
    let floor = median(floors);
    println!(
        "  start     to the first command with {FILES} files beside it, beyond a browser and its driver ({floor:.0} ms): {:.0} ms and the settling, in which the script is loaded (goal at most 30); without settling {:.0} ms",
        median(settled) - floor,
        median(at_once) - floor
    );
    Ok(())
}

/// Milliseconds to the first command, less the settling.
async fn first(binary: &Path, folder: &Path, url: &str, variables: &[(&str, &str)]) -> Result<f64> {
    let began = epoch_ms()?;
    let played = play_with(binary, folder, FIRST, url, variables).await?;
    let mut said = played.said.lines();
    let at = said.find_map(|line| line.split("first command at ").nth(1));
    let at: f64 = at.context("no first command")?.trim().parse()?;
    Ok(at - began - played.number("settledMs"))
}

fn epoch_ms() -> Result<f64> {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
    Ok(since.as_secs_f64() * 1000.0)
}

fn first_command() -> String {
    let taken: String = (0..TAKEN)
        .map(|number| format!("require('./page{number}');\n"))
        .collect();
    format!(
        "{taken}describe('page', () => {{ it('begins', async () => {{ console.log('first command at', Date.now()); await browser.url('/'); }}); }});\n"
    )
}

fn twenty_steps() -> String {
    let mut spec = String::from(
        "describe('page', () => {\n  it('opens', async () => { await browser.url('/'); await expect(browser).toHaveTitle('Bench'); });\n",
    );
    for number in 1..STEPS {
        spec.push_str(&format!("  it('looks {number}', async () => {{ expect(await $('h1').getText()).toBe('A large paint'); }});\n"));
    }
    spec + "});\n"
}

/// Long enough for [`COMMANDS`] by HTTP alone.
const PAUSE_MS: u32 = 6_000;

fn many_commands() -> String {
    format!(
        "describe('page', () => {{ it('asks', async function () {{ this.timeout(120000); await browser.url('/'); await browser.getTitle(); \
         for (let round = 0; round < {ROUNDS}; round += 1) {{ console.log('ask session', browser.sessionId); await browser.pause({PAUSE_MS}); \
         const before = Date.now(); for (let i = 0; i < {COMMANDS}; i += 1) await browser.getTitle(); console.log('per command', (Date.now() - before) / {COMMANDS}); }} }}); }});\n"
    )
}

struct Played {
    wall_s: f64,
    record: Value,
    said: String,
}

impl Played {
    fn number(&self, name: &str) -> f64 {
        let value = self.record.pointer(&format!("/overhead/{name}"));
        value.and_then(Value::as_f64).unwrap_or(f64::NAN)
    }
}

async fn play(binary: &Path, folder: &Path, spec: &str, url: &str) -> Result<Played> {
    play_with(binary, folder, spec, url, &[]).await
}

fn runner(binary: &Path, folder: &Path, url: &str, spec: &str, out: &Path) -> ChildSpec {
    let mut child = ChildSpec::new(binary)
        .args([
            "run",
            "--json",
            "--base-url",
            url,
            "--script",
            spec,
            "--out",
        ])
        .args([out])
        .streams(Stdio::Null, Stdio::Piped, Stdio::Piped);
    child.working_directory = Some(folder.to_owned());
    for name in ["PATH", "HOME"] {
        child = child.env(name, std::env::var_os(name).unwrap_or_default());
    }
    child.env("CANARYTRACE_BROWSER_FLAGS", "--disable-gpu --disable-quic")
}

async fn play_with(
    binary: &Path,
    folder: &Path,
    spec: &str,
    url: &str,
    variables: &[(&str, &str)],
) -> Result<Played> {
    let out = tempfile::tempdir()?;
    let mut child = runner(binary, folder, url, spec, out.path());
    for (name, value) in variables {
        child = child.env(name, value);
    }
    let mut group = Group::create(&Containment::Subreaper, "ours", &Limits::default())?;
    let started = Instant::now();
    let output = group.spawn(&child)?.wait_with_output().await?;
    let wall_s = started.elapsed().as_secs_f64();
    let text = String::from_utf8(output.stdout)?;
    let record: Value = serde_json::from_str(text.lines().last().context("no record")?)?;
    anyhow::ensure!(output.status.success(), "the script did not pass: {record}");
    Ok(Played {
        wall_s,
        record,
        said: String::from_utf8(output.stderr)?,
    })
}

/// A chromedriver, asked by nothing but HTTP.
struct Driver {
    client: reqwest::Client,
    base: String,
    group: Group,
    /// Ends when it is dropped.
    _child: tokio::process::Child,
}

impl Driver {
    async fn start() -> Result<Self> {
        let port = std::net::TcpListener::bind("127.0.0.1:0")?
            .local_addr()?
            .port();
        let mut group = Group::create(&Containment::Subreaper, "driver", &Limits::default())?;
        let mut spec = ChildSpec::new("/usr/bin/chromedriver")
            .args([format!("--port={port}")])
            .streams(Stdio::Null, Stdio::Null, Stdio::Null);
        spec.environment = std::env::vars_os().collect();
        let child = group.spawn(&spec)?;
        let client = reqwest::Client::builder().no_proxy().build()?;
        let base = format!("http://127.0.0.1:{port}");
        let deadline = Instant::now() + std::time::Duration::from_secs(10);
        while client.get(format!("{base}/status")).send().await.is_err() {
            anyhow::ensure!(Instant::now() < deadline, "chromedriver does not answer");
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        Ok(Self {
            client,
            base,
            group,
            _child: child,
        })
    }

    /// Opens a browser.
    async fn open(&self, browser: &Path) -> Result<()> {
        let options = json!({"binary": browser, "args": ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]});
        let capabilities =
            json!({"capabilities": {"alwaysMatch": {"goog:chromeOptions": options}}});
        let session = self.client.post(format!("{}/session", self.base));
        let answer: Value = session.json(&capabilities).send().await?.json().await?;
        anyhow::ensure!(answer.pointer("/value/sessionId").is_some(), "no session");
        Ok(())
    }

    /// Milliseconds of one command of a session.
    async fn ask(&self, session: &str) -> Result<f64> {
        let url = format!("{}/session/{session}/title", self.base);
        let started = Instant::now();
        for _ in 0..COMMANDS {
            self.client.get(&url).send().await?.bytes().await?;
        }
        Ok(started.elapsed().as_secs_f64() * 1000.0 / COMMANDS as f64)
    }

    async fn end(self) -> Result<()> {
        let mut group = self.group;
        Ok(tokio::task::spawn_blocking(move || group.kill_all()).await??)
    }
}
