//! The peer: WebdriverIO's own testrunner on the same page, installed from npm into the user's cache folder.

use std::{
    path::{Path, PathBuf},
    time::Instant,
};

use anyhow::{Context, Result};
use canarytrace_process::{ChildSpec, Containment, Group, Limits, Stdio, process_usage};
use tokio::io::AsyncReadExt;

/// What a check cost.
pub(crate) struct Peer {
    pub(crate) wall_s: f64,
    /// Node's processes, without browser and driver.
    pub(crate) cpu_s: f64,
}

const PACKAGE: &str = r#"{"private":true,"type":"module","dependencies":{"@wdio/cli":"9","@wdio/local-runner":"9","@wdio/mocha-framework":"9","@wdio/spec-reporter":"9"}}"#;

pub(crate) async fn check(url: &str, browser: &Path) -> Result<Peer> {
    let folder = install().await?;
    let config = format!(
        "export const config = {{ runner: 'local', specs: ['./spec.js'], maxInstances: 1, logLevel: 'error', framework: 'mocha', reporters: ['spec'], baseUrl: '{url}',\n\
         capabilities: [{{ browserName: 'chrome', 'wdio:enforceWebDriverClassic': true, 'wdio:chromedriverOptions': {{ binary: '/usr/bin/chromedriver' }}, 'goog:chromeOptions': {{ binary: '{}', args: ['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking'] }} }}] }};\n",
        browser.display()
    );
    std::fs::write(folder.join("wdio.conf.js"), config)?;
    std::fs::write(
        folder.join("spec.js"),
        "describe('page', () => { it('opens', async () => { await browser.url('/'); await expect(browser).toHaveTitle('Bench'); }); });",
    )?;
    run(&folder).await
}

async fn install() -> Result<PathBuf> {
    let cache = std::env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache")));
    let folder = cache.context("no HOME")?.join("canarytrace/webdriverio");
    std::fs::create_dir_all(&folder)?;
    std::fs::write(folder.join("package.json"), PACKAGE)?;
    if !folder.join("node_modules/.bin/wdio").exists() {
        println!("installing WebdriverIO into {}", folder.display());
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

/// Node's CPU is read while it lives: its last reading misses at most a few milliseconds.
async fn run(folder: &Path) -> Result<Peer> {
    let mut group = Group::create(&Containment::Subreaper, "wdio", &Limits::default())?;
    let started = Instant::now();
    let mut child = group.spawn(&spec("node", folder).args([
        "node_modules/.bin/wdio",
        "run",
        "wdio.conf.js",
    ]))?;
    let mut stdout = child.stdout.take().context("no stdout")?;
    let mut cpu: std::collections::HashMap<u32, f64> = std::collections::HashMap::new();
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
                    cpu.insert(pid, usage.cpu_s);
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
    anyhow::ensure!(status.success(), "WebdriverIO did not pass:\n{said}");
    Ok(Peer {
        wall_s,
        cpu_s: cpu.values().sum(),
    })
}
