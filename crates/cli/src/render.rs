//! Pages of the UI drawn by a browser of this machine, for reports.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use canarytrace_driver::{
    Area, Browser, BrowserBinary, LaunchConfig, find_browser, find_chromedriver,
};
use canarytrace_server::{Picture, Renderer};
use serde_json::json;
use tokio::{sync::Semaphore, task::JoinSet};
use tracing::{info, warn};

use crate::{job::is_root, variables::Variables};

/// How long a page may take until it says that it is complete.
const COMPLETE_LIMIT: Duration = Duration::from_secs(45);
const COMMAND_LIMIT: Duration = Duration::from_secs(30);
const LOOK_PAUSE: Duration = Duration::from_millis(100);
const WINDOW_HEIGHT: u32 = 900;
/// The attribute that the UI sets when nothing is being loaded any more.
const IS_COMPLETE: &str = "return document.documentElement.dataset.complete === 'yes'";

/// Starts a browser for each drawing, one at a time: runs must not be disturbed by more.
pub(crate) struct PageRenderer {
    binary: BrowserBinary,
    chromedriver: PathBuf,
    environment: Vec<(String, String)>,
    arguments: Vec<String>,
    base: String,
    turn: Semaphore,
    drawn: AtomicU64,
}

impl PageRenderer {
    /// None where there is no browser: reports say so when they are asked for.
    pub(crate) fn find(base: &str, variables: &Variables) -> Option<Arc<dyn Renderer>> {
        let search_path = variables.get("PATH").unwrap_or_default();
        let found = find_browser(None, search_path.as_ref())
            .and_then(|binary| Ok((binary, find_chromedriver(search_path.as_ref())?)));
        let (binary, chromedriver) = match found {
            Ok(found) => found,
            Err(error) => {
                info!(%error, "no reports as PDF or PNG");
                return None;
            }
        };
        let flags = variables.get("CANARYTRACE_BROWSER_FLAGS");
        Some(Arc::new(Self {
            binary,
            chromedriver,
            environment: variables.base().into_iter().collect(),
            arguments: flags
                .unwrap_or_default()
                .split_whitespace()
                .map(str::to_owned)
                .collect(),
            base: base.to_owned(),
            turn: Semaphore::new(1),
            drawn: AtomicU64::new(0),
        }))
    }

    fn launch_config(&self, width: u32) -> LaunchConfig {
        let number = self.drawn.fetch_add(1, Ordering::Relaxed);
        let environment = self.environment.iter();
        LaunchConfig {
            browser: self.binary.clone(),
            chromedriver: self.chromedriver.clone(),
            headed: false,
            window: (width, WINDOW_HEIGHT),
            arguments: self.arguments.clone(),
            accept_insecure_certificates: false,
            workspace: format!("canarytrace-report-{}-{number}", std::process::id()),
            temporary_folder: std::env::temp_dir(),
            environment: environment
                .map(|(name, value)| (name.into(), value.into()))
                .collect(),
            without_sandbox: is_root(),
            command_timeout: COMMAND_LIMIT,
        }
    }
}

impl PageRenderer {
    /// Cookies are those of an open page: a small one of the server is opened first.
    async fn enter(&self, browser: &Browser, name: &str, value: String) -> Result<(), String> {
        let said = |error: &dyn std::fmt::Display| error.to_string();
        let page = format!("{}/healthz", self.base);
        browser
            .webdriver
            .navigate(&page)
            .await
            .map_err(|error| said(&error))?;
        let cookie = json!({"name": name, "value": value, "path": "/", "httpOnly": true, "sameSite": "Strict"});
        browser
            .webdriver
            .add_cookie(&cookie)
            .await
            .map_err(|error| said(&error))
    }
}

#[async_trait]
impl Renderer for PageRenderer {
    async fn render(
        &self,
        path: &str,
        picture: Picture,
        width: u32,
        cookie: Option<(&'static str, String)>,
    ) -> Result<Bytes, String> {
        let _turn = self
            .turn
            .acquire()
            .await
            .map_err(|error| error.to_string())?;
        let (browser, mut events) = Browser::launch(&self.launch_config(width))
            .await
            .map_err(|error| error.to_string())?;
        // Nobody looks at what the page tells; an unread queue would only count what it drops.
        let mut unread = JoinSet::new();
        unread.spawn(async move { while events.recv().await.is_some() {} });
        let drawn = async {
            if let Some((name, value)) = cookie {
                self.enter(&browser, name, value).await?;
            }
            draw(&browser, &format!("{}{path}", self.base), picture).await
        };
        let drawn = drawn.await;
        for problem in browser.close().await.problems {
            warn!(problem, "after a report");
        }
        unread.shutdown().await;
        drawn
    }
}

async fn draw(browser: &Browser, url: &str, picture: Picture) -> Result<Bytes, String> {
    browser
        .webdriver
        .navigate(url)
        .await
        .map_err(|error| error.to_string())?;
    let complete = async {
        loop {
            let said = browser.webdriver.execute(IS_COMPLETE, &[]).await;
            if said.map_err(|error| error.to_string())? == true {
                return Ok(());
            }
            tokio::time::sleep(LOOK_PAUSE).await;
        }
    };
    tokio::time::timeout(COMPLETE_LIMIT, complete)
        .await
        .unwrap_or_else(|_| Err("it was not complete in time".to_owned()))?;
    let content = match picture {
        Picture::Pdf => browser.pdf(true).await,
        Picture::Png => browser.picture(&[], Area::FullPage).await,
    };
    content.map(Bytes::from).map_err(|error| error.to_string())
}
