//! From flags, variables and canarytrace.yaml to a job.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Duration,
};

use canarytrace_model::{
    RunId,
    index::DEFAULT_PREFIX,
    record::{Delivered, Overhead, RunRecord, RunState},
    stack::{MonitorId, Window},
    time::Moment,
};
use canarytrace_runner::{BrowserJob, BrowserTarget, GitJob, Mode, RunJob, git_password};

use crate::{arguments::RunArguments, configuration, failure::Failure, variables::Variables};

mod monitor;
mod specs;
mod variables;

pub(crate) use specs::expand;

/// A job with what its supervisor needs.
#[derive(Debug)]
pub(crate) struct Planned {
    pub(crate) job: RunJob,
    pub(crate) store: Option<String>,
    pub(crate) timeout: Duration,
}

const VERSION: &str = env!("CARGO_PKG_VERSION");
const OPEN_LIMIT_MS: u64 = 60_000;
const COMMAND_LIMIT_MS: u64 = 30_000;
const SETTLE_MS: u64 = 600;
/// WebdriverIO's own `waitforTimeout`.
const WEBDRIVERIO_WAIT_MS: u64 = 5_000;
const GIT_LIMIT_MS: u64 = 60_000;

/// The flags a run by variables gives the browser, as the established product does (`reference` section 8).
const ESTABLISHED_FLAGS: [&str; 5] = [
    "--allow-running-insecure-content",
    "--disable-device-discovery-notifications",
    "--load-media-router-component-extension=0",
    "--disable-site-isolation-trials",
    "--start-fullscreen",
];

pub(crate) fn plan(arguments: &RunArguments, variables: &Variables) -> Result<Planned, Failure> {
    match (&arguments.config, &arguments.monitor) {
        (Some(path), Some(id)) => {
            let configuration = configuration::read(path)?;
            let monitor = configuration.monitor(id)?.clone();
            monitor::plan(&configuration, &monitor, arguments, variables)
        }
        _ => variables::plan(arguments, variables),
    }
}

/// The password in the repository's address is a secret, whether it was declared or not.
fn secret_of_git(mode: &Mode) -> Option<String> {
    match mode {
        Mode::UserJourney(journey) => git_password(&journey.git.as_ref()?.url),
        Mode::Smoke(_) => None,
    }
}

/// The clone has the name of its run, so that it is removed with it.
fn git_job(
    uuid: &RunId,
    url: String,
    revision: Option<String>,
    ssh_key: Option<PathBuf>,
    variables: &Variables,
) -> (PathBuf, GitJob) {
    let folder = Path::new(variables.get("TMPDIR").unwrap_or("/tmp")).join(format!(
        "{}-clone",
        canarytrace_runner::workspace_name(uuid)
    ));
    let git = GitJob {
        url,
        revision,
        ssh_key,
        search_path: variables.get("PATH").unwrap_or("/usr/bin:/bin").to_owned(),
        home: folder.join("home"),
        network: variables.network(),
        limit_ms: GIT_LIMIT_MS,
    };
    (folder.join("scripts"), git)
}

fn automatic_labels(mode: &str) -> Vec<String> {
    vec![
        format!("mode=canarytrace-{mode}-pro-{VERSION}"),
        "engine=wdio".to_owned(),
    ]
}

fn run_id(arguments: &RunArguments) -> Result<RunId, Failure> {
    match &arguments.uuid {
        Some(uuid) => RunId::parse(uuid).ok_or_else(|| {
            Failure::usage(format!("run id `{uuid}` must be 32 lower-case hex digits"))
        }),
        None => Ok(RunId::random()),
    }
}

fn record(
    uuid: RunId,
    variables: &Variables,
    monitor: MonitorId,
    mode: &str,
    spec: String,
    labels: Vec<String>,
) -> RunRecord {
    RunRecord {
        state: RunState::Running,
        uuid,
        monitor: monitor.as_str().to_owned(),
        mode: mode.to_owned(),
        spec,
        labels,
        index_prefix: variables
            .get("INDEX_PREFIX")
            .unwrap_or(DEFAULT_PREFIX)
            .to_owned(),
        started_at: Moment::now(),
        ended_at: None,
        exit_code: None,
        verdict: None,
        steps: Vec::new(),
        counts: BTreeMap::new(),
        attachments: Vec::new(),
        delivered: Delivered::default(),
        overhead: Overhead::default(),
        version: VERSION.to_owned(),
        browser_version: None,
        store: None,
        supervisor: None,
    }
}

fn browser(
    arguments: &RunArguments,
    variables: &Variables,
    window: Window,
    established: bool,
) -> Result<BrowserJob, Failure> {
    let wanted = arguments
        .browser
        .as_deref()
        .or_else(|| variables.get("CANARYTRACE_BROWSER"))
        .unwrap_or("auto");
    let target = match wanted {
        "auto" => match variables.get("AT_DRIVER_HOST_NAME") {
            Some(host) => BrowserTarget::Remote(format!("http://{host}:4444")),
            None => BrowserTarget::Auto,
        },
        url if url.starts_with("http://") || url.starts_with("https://") => {
            BrowserTarget::Remote(url.to_owned())
        }
        path => BrowserTarget::Path(PathBuf::from(path)),
    };
    let mut flags: Vec<String> = variables
        .get("CANARYTRACE_BROWSER_FLAGS")
        .map(|flags| flags.split_whitespace().map(str::to_owned).collect())
        .unwrap_or_default();
    if established {
        flags.extend(ESTABLISHED_FLAGS.iter().map(|flag| (*flag).to_owned()));
    }
    Ok(BrowserJob {
        target,
        headed: arguments.headed,
        window,
        arguments: flags,
        accept_insecure_certificates: established,
        without_sandbox: is_root(),
        environment: variables.base(),
    })
}

/// Chromium refuses its sandbox to root.
pub(crate) fn is_root() -> bool {
    std::fs::metadata("/proc/self")
        .is_ok_and(|metadata| std::os::unix::fs::MetadataExt::uid(&metadata) == 0)
}

/// 60 s per URL, or 5 min for a script, and 30 s.
fn default_timeout(mode: &Mode) -> Duration {
    let work = match mode {
        Mode::Smoke(smoke) => {
            Duration::from_millis(smoke.open_limit_ms + smoke.pause_ms)
                * u32::try_from(smoke.checks.len()).unwrap_or(u32::MAX)
        }
        Mode::UserJourney(_) => Duration::from_secs(300),
    };
    work + Duration::from_secs(30)
}

fn whole_ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn milliseconds(variables: &Variables, name: &str, default: u64) -> Result<u64, Failure> {
    match variables.get(name) {
        None => Ok(default),
        Some(text) => text.trim().parse().map_err(|_| {
            Failure::usage(format!("{name} `{text}` must be a number of milliseconds"))
        }),
    }
}
