//! Starting chromedriver and a browser with a fresh profile.

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
    time::Duration,
};

use canarytrace_process::{ChildSpec, Containment, Group, Limits, SpawnError, Stdio};
use serde_json::{Value, json};
use thiserror::Error;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, BufReader},
    process::{Child, ChildStdout},
    task::JoinSet,
};
use url::Url;

use crate::{
    devtools::DevToolsError, find::BrowserBinary, webdriver::WebDriverError, workspace::Workspace,
};

/// What a browser is started with.
#[derive(Clone, Debug)]
pub struct LaunchConfig {
    pub browser: BrowserBinary,
    pub chromedriver: PathBuf,
    pub headed: bool,
    /// CSS pixels.
    pub window: (u32, u32),
    /// Additional flags.
    pub arguments: Vec<String>,
    pub accept_insecure_certificates: bool,
    /// Name of the browser's folder, unique on this machine.
    pub workspace: String,
    /// Where temporary files go when `/dev/shm` has no room.
    pub temporary_folder: PathBuf,
    /// What the browser may know of the environment (`PATH`, `DISPLAY`, `LANG`, …).
    pub environment: BTreeMap<OsString, OsString>,
    /// Root cannot use the browser's sandbox.
    pub without_sandbox: bool,
    /// Of a WebDriver command that waits for no page.
    pub command_timeout: Duration,
}

#[derive(Debug, Error)]
pub enum LaunchError {
    #[error("no folder for the browser's profile: {0}")]
    Workspace(#[source] std::io::Error),
    #[error(transparent)]
    Spawn(#[from] SpawnError),
    #[error("chromedriver did not become ready within {0:?}; it said: {1}")]
    NotReady(Duration, String),
    #[error("chromedriver ended at once; it said: {0}")]
    Ended(String),
    #[error("no browser session: {0}")]
    Session(#[source] WebDriverError),
    #[error(transparent)]
    DevTools(#[from] DevToolsError),
    #[error("the browser's DevTools address is unknown: {0}")]
    NoDevTools(String),
}

const READY_LIMIT: Duration = Duration::from_secs(20);

/// chromedriver and everything below it.
#[derive(Debug)]
pub(crate) struct LocalDriver {
    pub(crate) group: Group,
    pub(crate) child: Child,
    pub(crate) endpoint: Url,
    pub(crate) workspace: Workspace,
    /// Empties the output pipe, so that chromedriver never blocks on it.
    pub(crate) output: JoinSet<()>,
}

/// chromedriver takes a free port in two steps, and somebody else may come in between.
const STARTS: u32 = 3;

impl LocalDriver {
    pub(crate) async fn start(config: &LaunchConfig) -> Result<Self, LaunchError> {
        let mut left = STARTS;
        loop {
            left -= 1;
            match Self::start_once(config).await {
                Err(LaunchError::Ended(said)) if left > 0 => {
                    tracing::warn!(said, "chromedriver ended at once and is started again");
                }
                started => return started,
            }
        }
    }

    async fn start_once(config: &LaunchConfig) -> Result<Self, LaunchError> {
        let workspace = Workspace::create(&config.workspace, &config.temporary_folder)
            .map_err(LaunchError::Workspace)?;
        let mut spec = ChildSpec::new(&config.chromedriver)
            .args(["--port=0", "--log-level=WARNING"])
            .streams(Stdio::Null, Stdio::Piped, Stdio::Null);
        spec.environment = config.environment.clone();
        if let Some(home) = config.environment.get(OsStr::new("HOME"))
            && let Err(error) = workspace.trust_as(Path::new(home))
        {
            tracing::warn!(%error, "authorities that the user trusts are not known to the browser");
        }
        spec = spec
            .env("TMPDIR", workspace.temporary())
            .env("HOME", workspace.root());
        // The supervisor's containment already holds the whole run; here only chromedriver's tree is meant.
        let mut group = Group::create(&Containment::Subreaper, "chromedriver", &Limits::default())
            .map_err(LaunchError::Workspace)?;
        let mut child = group.spawn(&spec)?;
        let stdout = child
            .stdout
            .take()
            .ok_or_else(|| LaunchError::NotReady(READY_LIMIT, "no output".to_owned()))?;
        let mut reader = BufReader::new(stdout);
        let port = wait_for_port(&mut reader).await?;
        let endpoint = Url::parse(&format!("http://127.0.0.1:{port}/"))
            .map_err(|error| LaunchError::NoDevTools(error.to_string()))?;
        let mut output = JoinSet::new();
        output.spawn(drain(reader));
        Ok(Self {
            group,
            child,
            endpoint,
            workspace,
            output,
        })
    }
}

async fn wait_for_port(reader: &mut BufReader<ChildStdout>) -> Result<u16, LaunchError> {
    let mut said = String::new();
    let ready = async {
        let mut line = String::new();
        while reader
            .read_line(&mut line)
            .await
            .is_ok_and(|length| length > 0)
        {
            if let Some(port) = line.split("started successfully on port ").nth(1) {
                return port.trim().trim_end_matches('.').parse().ok();
            }
            said.push_str(&line);
            line.clear();
        }
        None
    };
    match tokio::time::timeout(READY_LIMIT, ready).await {
        Ok(Some(port)) => Ok(port),
        Ok(None) => Err(LaunchError::Ended(said.trim().to_owned())),
        Err(_) => Err(LaunchError::NotReady(READY_LIMIT, said.trim().to_owned())),
    }
}

async fn drain(mut reader: BufReader<ChildStdout>) {
    let mut buffer = [0; 4096];
    while reader
        .read(&mut buffer)
        .await
        .is_ok_and(|length| length > 0)
    {}
}

/// Flags that keep a browser quiet: no first-run pages, no updates, no background requests.
const QUIET: [&str; 14] = [
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-breakpad",
    "--disable-default-apps",
    "--disable-client-side-phishing-detection",
    "--disable-domain-reliability",
    "--disable-notifications",
    "--disable-background-timer-throttling",
    "--disable-hang-monitor",
    "--mute-audio",
    "--password-store=basic",
];

/// The capabilities of a session. No `--user-data-dir`: chromedriver makes a fresh profile in our `TMPDIR` and starts on
/// an empty page only then; with a profile of our own the new-tab page would load instead.
pub(crate) fn capabilities(config: &LaunchConfig) -> Value {
    let mut arguments: Vec<String> = QUIET.iter().map(|flag| (*flag).to_owned()).collect();
    if !config.headed && !config.browser.headless_shell {
        arguments.push("--headless=new".to_owned());
    }
    if config.without_sandbox {
        arguments.push("--no-sandbox".to_owned());
    }
    arguments.push(format!(
        "--window-size={},{}",
        config.window.0, config.window.1
    ));
    for argument in &config.arguments {
        if !arguments.contains(argument) {
            arguments.push(argument.clone());
        }
    }
    json!({
        "browserName": "chrome",
        "acceptInsecureCerts": config.accept_insecure_certificates,
        "pageLoadStrategy": "normal",
        "unhandledPromptBehavior": "ignore",
        "goog:chromeOptions": {"binary": config.browser.path, "args": arguments, "excludeSwitches": ["enable-automation"]},
    })
}
