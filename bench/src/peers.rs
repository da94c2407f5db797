//! The peers: WebdriverIO's testrunner and Playwright Test on the same page, installed from npm into the user's cache
//! folder.

use std::{
    path::{Path, PathBuf},
    time::Instant,
};

use anyhow::{Context, Result};
use canarytrace_process::{
    ChildSpec, Containment, Group, Limits, ProcessUsage, Stdio, process_usage,
};
use tokio::io::AsyncReadExt;

/// What a check cost.
pub(crate) struct Peer {
    pub(crate) wall_s: f64,
    /// Node's processes, without browser and driver.
    pub(crate) cpu_s: f64,
    /// The same processes' highest resident sets, added up.
    pub(crate) memory_bytes: u64,
}

/// A test runner from npm.
struct Package {
    folder: &'static str,
    manifest: &'static str,
    /// In `node_modules/.bin`.
    program: &'static str,
    arguments: &'static [&'static str],
}

const WEBDRIVERIO: Package = Package {
    folder: "webdriverio",
    manifest: r#"{"private":true,"type":"module","dependencies":{"@wdio/cli":"9","@wdio/local-runner":"9","@wdio/mocha-framework":"9","@wdio/spec-reporter":"9"}}"#,
    program: "wdio",
    arguments: &["run", "wdio.conf.js"],
};
const PLAYWRIGHT: Package = Package {
    folder: "playwright",
    manifest: r#"{"private":true,"type":"module","dependencies":{"@playwright/test":"1"}}"#,
    program: "playwright",
    arguments: &["test"],
};
const FLAGS: &str = "'--headless=new', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking'";

/// A spec of one page.
pub(crate) const ONE_PAGE: &str = "describe('page', () => { it('opens', async () => { await browser.url('/'); await expect(browser).toHaveTitle('Bench'); }); });";

pub(crate) async fn webdriverio(url: &str, browser: &Path, script: &str) -> Result<Peer> {
    let folder = install(&WEBDRIVERIO).await?;
    let config = format!(
        "export const config = {{ runner: 'local', specs: ['./spec.js'], maxInstances: 1, logLevel: 'error', framework: 'mocha', reporters: ['spec'], baseUrl: '{url}',\n\
         capabilities: [{{ browserName: 'chrome', 'wdio:enforceWebDriverClassic': true, 'wdio:chromedriverOptions': {{ binary: '/usr/bin/chromedriver' }}, 'goog:chromeOptions': {{ binary: '{}', args: [{FLAGS}] }} }}] }};\n",
        browser.display()
    );
    std::fs::write(folder.join("wdio.conf.js"), config)?;
    std::fs::write(folder.join("spec.js"), script)?;
    run(&WEBDRIVERIO, &folder).await
}

/// With its trace on, which is what it records of a page.
pub(crate) async fn playwright(url: &str, browser: &Path) -> Result<Peer> {
    let folder = install(&PLAYWRIGHT).await?;
    let config = format!(
        "export default {{ testDir: '.', testMatch: 'page.spec.js', workers: 1, reporter: 'line', use: {{ baseURL: '{url}', trace: 'on', launchOptions: {{ executablePath: '{}', args: [{FLAGS}] }} }} }};\n",
        browser.display()
    );
    std::fs::write(folder.join("playwright.config.js"), config)?;
    std::fs::write(
        folder.join("page.spec.js"),
        "import { test, expect } from '@playwright/test';\ntest('opens', async ({ page }) => { await page.goto('/'); await expect(page).toHaveTitle('Bench'); });\n",
    )?;
    run(&PLAYWRIGHT, &folder).await
}

async fn install(package: &Package) -> Result<PathBuf> {
    let folder = canarytrace_e2e::cache().join(package.folder);
    std::fs::create_dir_all(&folder)?;
    std::fs::write(folder.join("package.json"), package.manifest)?;
    if !folder
        .join("node_modules/.bin")
        .join(package.program)
        .exists()
    {
        println!("installing {} into {}", package.folder, folder.display());
        let mut group = Group::create(&Containment::Subreaper, "npm", &Limits::default())?;
        let mut child = group.spawn(&spec("npm", &folder).args([
            "install",
            "--no-audit",
            "--no-fund",
            "--ignore-scripts",
        ]))?;
        anyhow::ensure!(child.wait().await?.success(), "npm install failed");
    }
    Ok(folder)
}

fn spec(program: &str, folder: &Path) -> ChildSpec {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path)
        .map(|folder| folder.join(program))
        .find(|path| path.is_file());
    let mut spec = ChildSpec::new(found.unwrap_or_else(|| program.into())).streams(
        Stdio::Null,
        Stdio::Piped,
        Stdio::Null,
    );
    spec.environment = std::env::vars_os().collect();
    spec.working_directory = Some(folder.to_owned());
    spec
}

/// The highest resident set of a process so far.
fn peak_bytes(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kibibytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kibibytes.unwrap_or(0) * 1024
}

/// Node's CPU is read while it lives: its last reading misses at most a few milliseconds.
async fn run(package: &Package, folder: &Path) -> Result<Peer> {
    let mut group = Group::create(&Containment::Subreaper, package.folder, &Limits::default())?;
    let started = Instant::now();
    let program = format!("node_modules/.bin/{}", package.program);
    let node = spec("node", folder).args([program]);
    let mut child = group.spawn(&node.args(package.arguments))?;
    let mut stdout = child.stdout.take().context("no stdout")?;
    let mut used: std::collections::HashMap<u32, ProcessUsage> = std::collections::HashMap::new();
    let mut said = String::new();
    let status = {
        let reading = stdout.read_to_string(&mut said);
        tokio::pin!(reading);
        loop {
            for pid in group.pids() {
                let name = std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
                if let (true, Some(usage)) = (
                    name.starts_with("node") || name.starts_with("MainThread"),
                    process_usage(pid),
                ) {
                    let peak = peak_bytes(pid)
                        .max(used.get(&pid).map_or(0, |before| before.peak_rss_bytes));
                    used.insert(
                        pid,
                        ProcessUsage {
                            peak_rss_bytes: peak,
                            ..usage
                        },
                    );
                }
            }
            tokio::select! {
                read = &mut reading => { read?; break child.wait().await?; }
                () = tokio::time::sleep(std::time::Duration::from_millis(20)) => {}
            }
        }
    };
    let wall_s = started.elapsed().as_secs_f64();
    tokio::task::spawn_blocking(move || group.kill_all()).await??;
    anyhow::ensure!(
        status.success(),
        "{} did not pass:\n{said}",
        package.program
    );
    Ok(Peer {
        wall_s,
        cpu_s: used.values().map(|usage| usage.cpu_s).sum(),
        memory_bytes: used.values().map(|usage| usage.peak_rss_bytes).sum(),
    })
}
