//! The floor: a bare DevTools client that does the same steps with the same waits.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use anyhow::Result;
use canarytrace_driver::devtools::DevTools;
use serde_json::json;

use crate::bare::BareBrowser;

/// As the runner settles a browser.
const SETTLE: Duration = Duration::from_millis(600);
const LIMIT: Duration = Duration::from_secs(30);
/// The runner's own wait for the largest paint.
const COLLECT: &str = include_str!("../../crates/runner/src/js/collect.js");

/// Opens the page in a fresh browser, waits until it is painted, reads its title; answers the wall time.
pub(crate) async fn visit(browser: &Path, url: &str) -> Result<Duration> {
    steps(browser, url, 0).await
}

/// The same, and asks the page so often for something more.
pub(crate) async fn steps(browser: &Path, url: &str, more: usize) -> Result<Duration> {
    let started = Instant::now();
    let bare = BareBrowser::start(browser).await?;
    let (devtools, mut events) = DevTools::connect(&bare.socket).await?;
    devtools.page_ready(LIMIT).await?;
    tokio::time::sleep(SETTLE).await;
    devtools
        .call_page(None, "Page.navigate", json!({"url": url}), LIMIT)
        .await?;
    devtools
        .evaluate(None, &format!("{COLLECT}(500, 5000, () => null)"), LIMIT)
        .await?;
    let title = devtools.evaluate(None, "document.title", LIMIT).await?;
    anyhow::ensure!(title == "Bench", "the floor saw another page: {title}");
    for _ in 0..more {
        devtools
            .evaluate(None, "document.querySelector('h1').innerText", LIMIT)
            .await?;
    }
    events.close();
    devtools.close().await;
    bare.end().await?;
    Ok(started.elapsed())
}
