//! The floor: a bare DevTools client that does the same steps with the same waits.

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use canarytrace_driver::devtools::DevTools;
use canarytrace_process::{ChildSpec, Containment, Group, Limits, Stdio};
use serde_json::json;
use tokio::io::{AsyncBufReadExt, BufReader};

/// As the runner settles a browser.
const SETTLE: Duration = Duration::from_millis(600);
const LIMIT: Duration = Duration::from_secs(30);
/// The runner's own wait for the largest paint.
const COLLECT: &str = include_str!("../../crates/runner/src/js/collect.js");

/// Opens the page in a fresh browser, waits until it is painted, reads its title; answers the wall time.
pub(crate) async fn visit(browser: &PathBuf, url: &str) -> Result<Duration> {
    let started = Instant::now();
    let profile = tempfile::tempdir_in("/dev/shm")?;
    let mut group = Group::create(&Containment::Subreaper, "floor", &Limits::default())?;
    let spec = ChildSpec::new(browser)
        .args([
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
        ])
        .args([
            "--disable-component-update",
            "--disable-sync",
            "--window-size=1920,1080",
            "--remote-debugging-port=0",
            "about:blank",
        ])
        .args([format!("--user-data-dir={}", profile.path().display())])
        .env("TMPDIR", profile.path())
        .env("HOME", profile.path())
        .streams(Stdio::Null, Stdio::Null, Stdio::Piped);
    let mut child = group.spawn(&spec)?;
    let mut lines = BufReader::new(child.stderr.take().context("no stderr")?).lines();
    let socket = loop {
        let line = lines.next_line().await?.context("the browser ended")?;
        if let Some(url) = line.strip_prefix("DevTools listening on ") {
            break url.to_owned();
        }
    };
    let (devtools, mut events) = DevTools::connect(&socket).await?;
    devtools.page_ready(LIMIT).await?;
    tokio::time::sleep(SETTLE).await;
    devtools
        .call_page(None, "Page.navigate", json!({"url": url}), LIMIT)
        .await?;
    devtools
        .evaluate(None, &format!("{COLLECT}(500, 5000)"), LIMIT)
        .await?;
    let title = devtools.evaluate(None, "document.title", LIMIT).await?;
    anyhow::ensure!(title == "Bench", "the floor saw another page: {title}");
    events.close();
    devtools.close().await;
    tokio::task::spawn_blocking(move || group.kill_all()).await??;
    child.wait().await?;
    Ok(started.elapsed())
}
