//! A script of twenty steps: ours and WebdriverIO's testrunner, above what a bare DevTools client needs; and what one
//! command costs beyond the driver.

use std::{path::Path, time::Instant};

use anyhow::{Context, Result};
use canarytrace_driver::find_browser;
use canarytrace_process::{ChildSpec, Containment, Group, Limits, Stdio};
use serde_json::{Value, json};
use tokio::task::JoinSet;

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
    let direct = direct(&browser, &url).await?;
    let played = play(&binary, folder.path(), "many.js", &url).await?;
    let said = played
        .said
        .lines()
        .find_map(|line| line.split("per command ").nth(1));
    let ours: f64 = said.context("the script said nothing")?.trim().parse()?;
    println!(
        "  command   {ours:.3} ms, the driver asked directly {direct:.3} ms: {:.3} ms more (goal at most 0.3)",
        ours - direct
    );
    start(&binary, folder.path(), &browser, &url).await
}

/// From the start of `canarytrace run` to the first command, less the time that the browser is left alone on purpose, and
/// what a browser with its driver needs.
async fn start(binary: &Path, folder: &Path, browser: &Path, url: &str) -> Result<()> {
    let (mut settled, mut at_once, mut floors) = (vec![], vec![], vec![]);
    for _ in 0..ROUNDS {
        settled.push(first(binary, folder, url, &[]).await?);
        at_once.push(first(binary, folder, url, &[("CANARYTRACE_SETTLE", "0")]).await?);
        let started = Instant::now();
        let session = DirectSession::start(browser).await?;
        floors.push(started.elapsed().as_secs_f64() * 1000.0);
        session.end().await?;
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

fn many_commands() -> String {
    format!(
        "describe('page', () => {{ it('asks', async () => {{ await browser.url('/'); await browser.getTitle(); const before = Date.now(); for (let i = 0; i < {COMMANDS}; i += 1) await browser.getTitle(); console.log('per command', (Date.now() - before) / {COMMANDS}); }}); }});\n"
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

async fn play_with(
    binary: &Path,
    folder: &Path,
    spec: &str,
    url: &str,
    variables: &[(&str, &str)],
) -> Result<Played> {
    let out = tempfile::tempdir()?;
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
        .args([out.path()])
        .streams(Stdio::Null, Stdio::Piped, Stdio::Piped);
    child.working_directory = Some(folder.to_owned());
    for name in ["PATH", "HOME"] {
        child = child.env(name, std::env::var_os(name).unwrap_or_default());
    }
    child = child.env("CANARYTRACE_BROWSER_FLAGS", "--disable-gpu --disable-quic");
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

/// A session of chromedriver, asked by nothing but HTTP.
struct DirectSession {
    client: reqwest::Client,
    url: String,
    group: Group,
    /// Ends when it is dropped.
    _driver: tokio::process::Child,
}

impl DirectSession {
    async fn start(browser: &Path) -> Result<Self> {
        let port = std::net::TcpListener::bind("127.0.0.1:0")?
            .local_addr()?
            .port();
        let mut group = Group::create(&Containment::Subreaper, "driver", &Limits::default())?;
        let mut spec = ChildSpec::new("/usr/bin/chromedriver")
            .args([format!("--port={port}")])
            .streams(Stdio::Null, Stdio::Null, Stdio::Null);
        spec.environment = std::env::vars_os().collect();
        let driver = group.spawn(&spec)?;
        let client = reqwest::Client::builder().no_proxy().build()?;
        let base = format!("http://127.0.0.1:{port}");
        let deadline = Instant::now() + std::time::Duration::from_secs(10);
        while client.get(format!("{base}/status")).send().await.is_err() {
            anyhow::ensure!(Instant::now() < deadline, "chromedriver does not answer");
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        let options = json!({"binary": browser, "args": ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]});
        let capabilities =
            json!({"capabilities": {"alwaysMatch": {"goog:chromeOptions": options}}});
        let answer: Value = client
            .post(format!("{base}/session"))
            .json(&capabilities)
            .send()
            .await?
            .json()
            .await?;
        let id = answer
            .pointer("/value/sessionId")
            .and_then(Value::as_str)
            .context("no session")?;
        let url = format!("{base}/session/{id}");
        Ok(Self {
            client,
            url,
            group,
            _driver: driver,
        })
    }

    async fn end(self) -> Result<()> {
        self.client.delete(&self.url).send().await?;
        let mut group = self.group;
        Ok(tokio::task::spawn_blocking(move || group.kill_all()).await??)
    }
}

/// Milliseconds of one command without us.
async fn direct(browser: &Path, url: &str) -> Result<f64> {
    let session = DirectSession::start(browser).await?;
    let (client, base) = (&session.client, &session.url);
    client
        .post(format!("{base}/url"))
        .json(&json!({"url": url}))
        .send()
        .await?;
    let ask = async || {
        client
            .get(format!("{base}/title"))
            .send()
            .await?
            .bytes()
            .await
    };
    ask().await?;
    let started = Instant::now();
    for _ in 0..COMMANDS {
        ask().await?;
    }
    let each = started.elapsed().as_secs_f64() * 1000.0 / COMMANDS as f64;
    session.end().await?;
    Ok(each)
}
