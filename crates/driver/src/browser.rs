//! A running browser: hands, eyes, and its end.

use std::time::Duration;

use canarytrace_process::{process_usage, stopped_name};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tracing::warn;
use url::Url;

use crate::{
    bidi::Bidi,
    devtools::{BrowserEvent, DevTools},
    launch::{LaunchConfig, LaunchError, LocalDriver, capabilities},
    webdriver::WebDriver,
};

/// One browser with one session.
#[derive(Debug)]
pub struct Browser {
    pub webdriver: WebDriver,
    pub devtools: DevTools,
    pub bidi: Bidi,
    /// What was asked of the end-point.
    pub requested_capabilities: Value,
    /// Host of the WebDriver end-point.
    pub host: String,
    local: Option<LocalDriver>,
    /// Of a new window, CSS pixels.
    pub(crate) window: (u32, u32),
    /// The browser context of a session that was renewed.
    pub(crate) context: Option<String>,
}

/// What browser and chromedriver have used.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct BrowserUsage {
    pub cpu_s: f64,
    pub processes: usize,
}

/// How closing went.
#[derive(Debug, Default)]
pub struct Closed {
    /// What could not be cleaned up, in words.
    pub problems: Vec<String>,
}

const PAGE_LIMIT: Duration = Duration::from_secs(10);
const CLOSE_LIMIT: Duration = Duration::from_secs(5);

impl Browser {
    /// Starts chromedriver and a browser. When it fails nothing is left running.
    pub async fn launch(
        config: &LaunchConfig,
    ) -> Result<(Self, mpsc::Receiver<BrowserEvent>), LaunchError> {
        let local = LocalDriver::start(config).await?;
        let capabilities = capabilities(config);
        let endpoint = local.endpoint.clone();
        match Self::open(config, &endpoint, capabilities, Some(local)).await {
            Ok(opened) => Ok(opened),
            Err((error, local)) => {
                if let Some(local) = local {
                    close_local(local).await;
                }
                Err(error)
            }
        }
    }

    /// Opens a session at a remote W3C end-point (a Selenium container, a grid).
    pub async fn connect(
        config: &LaunchConfig,
        endpoint: &Url,
    ) -> Result<(Self, mpsc::Receiver<BrowserEvent>), LaunchError> {
        let mut capabilities = capabilities(config);
        if let Some(options) = capabilities
            .pointer_mut("/goog:chromeOptions")
            .and_then(Value::as_object_mut)
        {
            options.remove("binary");
        }
        Self::open(config, endpoint, capabilities, None)
            .await
            .map_err(|(error, _)| error)
    }

    async fn open(
        config: &LaunchConfig,
        endpoint: &Url,
        capabilities: Value,
        local: Option<LocalDriver>,
    ) -> Result<(Self, mpsc::Receiver<BrowserEvent>), (LaunchError, Option<LocalDriver>)> {
        let webdriver =
            match WebDriver::new_session(endpoint, &capabilities, config.command_timeout).await {
                Ok(webdriver) => webdriver,
                Err(error) => return Err((LaunchError::Session(error), local)),
            };
        let attached = async {
            let url = devtools_url(&webdriver, endpoint).await?;
            let (devtools, events) = DevTools::connect(&url).await?;
            devtools.page_ready(PAGE_LIMIT).await?;
            Ok((devtools, events))
        };
        match attached.await {
            Ok((devtools, events)) => {
                let host = endpoint.host_str().unwrap_or_default().to_owned();
                let own = local.as_ref().map(|local| &local.endpoint);
                Ok((
                    Self {
                        bidi: Bidi::new(&webdriver, own, config.command_timeout),
                        webdriver,
                        devtools,
                        requested_capabilities: capabilities,
                        host,
                        local,
                        window: config.window,
                        context: None,
                    },
                    events,
                ))
            }
            Err(error) => {
                if let Err(error) = webdriver.delete_session().await {
                    warn!(%error, "a session could not be deleted");
                }
                Err((error, local))
            }
        }
    }

    /// `Chrome/156.0.8078.79`, from the session's capabilities.
    pub fn version(&self) -> String {
        let text = |name: &str| {
            self.webdriver
                .capabilities()
                .get(name)
                .and_then(Value::as_str)
                .unwrap_or("unknown")
        };
        format!("{}/{}", text("browserName"), text("browserVersion"))
    }

    /// Whether a graphics processor draws the page; none when the browser does not tell.
    pub async fn draws_by_hardware(&self) -> Option<bool> {
        let asked = self.devtools.call("SystemInfo.getInfo", json!({}));
        let info = tokio::time::timeout(Duration::from_secs(2), asked).await;
        let info = info.ok()?.ok()?;
        let compositing = info
            .pointer("/gpu/featureStatus/gpu_compositing")?
            .as_str()?;
        Some(compositing.starts_with("enabled"))
    }

    /// CPU of the browser's and the driver's processes so far; none for a remote one.
    pub fn usage(&self) -> Option<BrowserUsage> {
        let pids = self.local.as_ref()?.group.pids();
        let usages: Vec<_> = pids.iter().filter_map(|pid| process_usage(*pid)).collect();
        Some(BrowserUsage {
            cpu_s: usages
                .iter()
                .map(|usage| usage.cpu_s + usage.children_cpu_s)
                .sum(),
            processes: usages.len(),
        })
    }

    /// The `net::ERR_…` of the browser's own error page, if that is what is shown: some refusals (an unsafe port) end
    /// there without an error of the driver.
    pub async fn error_page(&self, window: Option<&str>) -> Option<String> {
        const ERROR_PAGE: &str = "location.href.startsWith('chrome-error:') \
            ? (document.querySelector('.error-code') || {}).textContent || 'ERR_FAILED' : null";
        let shown = self
            .devtools
            .evaluate(window, ERROR_PAGE, CLOSE_LIMIT)
            .await;
        let code = shown.ok()?.as_str()?.trim().to_owned();
        Some(format!("net::{code}"))
    }

    /// Processes of browser and driver that are stopped by a signal; none of a remote one.
    pub fn stopped_processes(&self) -> Vec<String> {
        let pids = self.local.as_ref().map(|local| local.group.pids());
        let pids = pids.unwrap_or_default();
        pids.into_iter().filter_map(stopped_name).collect()
    }

    /// Forgets cookies, caches and storage of every origin.
    pub async fn clear_state(&self, origin: &str) -> Result<(), crate::devtools::DevToolsError> {
        let limit = CLOSE_LIMIT;
        self.devtools
            .call_page(None, "Network.clearBrowserCookies", json!({}), limit)
            .await?;
        self.devtools
            .call_page(None, "Network.clearBrowserCache", json!({}), limit)
            .await?;
        if origin.starts_with("http") {
            let params = json!({"origin": origin, "storageTypes": "all"});
            self.devtools
                .call_page(None, "Storage.clearDataForOrigin", params, limit)
                .await?;
        }
        Ok(())
    }

    /// Ends the session, every process and the profile.
    pub async fn close(self) -> Closed {
        let mut closed = Closed::default();
        self.devtools.close().await;
        match self.local {
            // A fresh profile is thrown away: nothing is gained by letting the browser shut down in its own time.
            Some(local) => closed.problems.extend(close_local(local).await),
            None => {
                match tokio::time::timeout(CLOSE_LIMIT, self.webdriver.delete_session()).await {
                    Ok(Ok(())) => {}
                    Ok(Err(error)) => closed.problems.push(error.to_string()),
                    Err(_) => closed
                        .problems
                        .push("the remote session did not end in time".to_owned()),
                }
            }
        }
        closed
    }
}

async fn close_local(local: LocalDriver) -> Vec<String> {
    let LocalDriver {
        mut group,
        mut child,
        workspace,
        mut output,
        ..
    } = local;
    let cleaning = tokio::task::spawn_blocking(move || {
        let killed = group
            .kill_all()
            .map_err(|error| format!("processes are left: {error}"));
        let removed = workspace
            .remove()
            .map_err(|error| format!("the profile is left: {error}"));
        [killed, removed]
            .into_iter()
            .filter_map(Result::err)
            .collect::<Vec<_>>()
    });
    let problems = cleaning
        .await
        .unwrap_or_else(|error| vec![error.to_string()]);
    drop(child.wait().await);
    output.shutdown().await;
    for problem in &problems {
        warn!(problem, "a browser was not cleaned up");
    }
    problems
}

/// In the order that works everywhere: the grid's own, the local one, the container's fixed port.
async fn devtools_url(webdriver: &WebDriver, endpoint: &Url) -> Result<String, LaunchError> {
    let capability = |pointer: &str| {
        webdriver
            .capabilities()
            .pointer(pointer)
            .and_then(Value::as_str)
    };
    if let Some(url) = capability("/se:cdp") {
        return Ok(url.to_owned());
    }
    let host = endpoint.host_str().unwrap_or("localhost");
    let is_local = matches!(host, "127.0.0.1" | "localhost" | "[::1]");
    let address = match capability("/goog:chromeOptions/debuggerAddress") {
        Some(address) if is_local => address.to_owned(),
        _ => format!("{host}:9222"),
    };
    let unknown = |reason: String| {
        LaunchError::NoDevTools(format!("http://{address}/json/version: {reason}"))
    };
    let http = reqwest::Client::builder()
        .no_proxy()
        .timeout(PAGE_LIMIT)
        .build()
        .map_err(|error| unknown(error.to_string()))?;
    let answer = http
        .get(format!("http://{address}/json/version"))
        .send()
        .await
        .map_err(|error| unknown(error.to_string()))?;
    let version: Value = answer
        .json()
        .await
        .map_err(|error| unknown(error.to_string()))?;
    let url = version
        .get("webSocketDebuggerUrl")
        .and_then(Value::as_str)
        .ok_or_else(|| unknown("no socket named".to_owned()))?;
    let mut url = Url::parse(url).map_err(|error| unknown(error.to_string()))?;
    if let Some((host, port)) = address.rsplit_once(':') {
        url.set_host(Some(host))
            .map_err(|error| unknown(error.to_string()))?;
        url.set_port(port.parse().ok()).ok();
    }
    Ok(url.to_string())
}
