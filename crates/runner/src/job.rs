//! What the runner is told and what it tells.

use std::{collections::BTreeMap, path::PathBuf};

use canarytrace_model::{
    documents::{OverheadClass, Vitals},
    record::{RunRecord, StepRecord},
    stack::{UrlCheckJob, When, Window},
    verdict::Verdict,
};
use serde::{Deserialize, Serialize};

use crate::git::GitJob;

/// Everything a runner needs; its environment is empty.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RunJob {
    pub record: RunRecord,
    /// The run directory; it exists.
    pub directory: PathBuf,
    pub mode: Mode,
    pub browser: BrowserJob,
    pub collectors: CollectorSwitches,
    /// Values that must never be written.
    pub secrets: Vec<String>,
    /// `BASE_URL`, unsplit.
    pub base_url: String,
    /// Of all `waitFor*`, ms.
    pub wait_for_timeout_ms: u64,
    /// Of one hook or test, ms.
    pub step_timeout_ms: u64,
    /// Of the whole run, from its first step on; ms.
    pub timeout_ms: u64,
    /// Of a WebDriver command that waits for no page; ms.
    pub command_limit_ms: u64,
    /// Asked when the network fails, to tell an outage of the site from one of our own network.
    pub control_url: Option<String>,
    pub availability_check: bool,
    /// Print and store the variables that the run was started with.
    pub print_environment: Option<PrintedVariables>,
    /// `POST_DATA_PATH`.
    pub post_data_path: Option<String>,
    /// Of the bucket that takes the attachments: documents name them by address then.
    pub attachments_url: Option<String>,
    pub trace: Option<TraceRequests>,
    /// Wait for a line on standard input before the first navigation.
    pub wait_for_go: bool,
    /// A person sits at a terminal: `browser.debug()` asks them.
    #[serde(default)]
    pub interactive: bool,
    /// A failed step waits until they go on.
    #[serde(default)]
    pub pause_on_failure: bool,
    /// What the run is limited to.
    pub cpus: Option<f64>,
    pub memory_bytes: Option<u64>,
    /// Leave the browser alone so long before the first navigation, ms.
    pub settle_ms: u64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Mode {
    Smoke(SmokeJob),
    UserJourney(Box<JourneyJob>),
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SmokeJob {
    pub checks: Vec<UrlCheckJob>,
    pub pause_ms: u64,
    /// Of opening one URL, ms.
    pub open_limit_ms: u64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct JourneyJob {
    /// The folder scripts are imported from; with `git` the clone goes there.
    pub root: PathBuf,
    pub spec: String,
    pub base_url: Option<String>,
    pub git: Option<GitJob>,
    /// `process.env` of the script.
    pub environment: BTreeMap<String, String>,
    /// A WebdriverIO configuration of the repository that was asked for by name; otherwise one is looked for.
    #[serde(default)]
    pub configuration_file: Option<String>,
    /// How its commands are meant.
    #[serde(default)]
    pub style: JourneyStyle,
    /// Hosts that the script's `fetch` may ask, beside that of the base URL.
    #[serde(default)]
    pub fetch_hosts: Vec<String>,
    /// Schemes besides `http` and `https` whose pages the script may open, such as `file`.
    #[serde(default)]
    pub schemes: Vec<String>,
    /// Of all `waitFor*`, when it was said; otherwise the configuration's or WebdriverIO's own counts.
    #[serde(default)]
    pub wait_for_timeout_ms: Option<u64>,
    /// Each command of the script is a line, as WebdriverIO's driver log has it.
    #[serde(default)]
    pub log_commands: bool,
}

/// How the commands of a script are meant.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JourneyStyle {
    /// By the script's own `async` and `await`.
    #[default]
    Detect,
    Async,
    Sync,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct BrowserJob {
    pub target: BrowserTarget,
    pub headed: bool,
    pub window: Window,
    pub arguments: Vec<String>,
    pub accept_insecure_certificates: bool,
    pub without_sandbox: bool,
    /// What the browser may know of the environment.
    pub environment: BTreeMap<String, String>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BrowserTarget {
    Auto,
    Path(PathBuf),
    /// A WebDriver end-point.
    Remote(String),
}

/// Variables as they may be seen.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct PrintedVariables {
    /// The values of secret ones are masked.
    pub variables: BTreeMap<String, String>,
    /// Names of the secret ones.
    pub masked: Vec<String>,
}

/// A header with the run's id on every request to some origins.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TraceRequests {
    /// `TRACE_ID_NAME`.
    pub header: String,
    /// `https://host:port`; others would need a preflight for it.
    pub origins: Vec<String>,
}

/// What is collected.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct CollectorSwitches {
    pub performance_entries: bool,
    pub memory: bool,
    /// Costs the page time: documents say so.
    pub coverage: bool,
    pub hero_elements: bool,
    pub request_log: bool,
    pub console: bool,
    pub screenshot: When,
    /// The whole page rather than what the window shows.
    pub full_page: bool,
    pub dom: When,
    pub har: When,
    /// Texts of responses go into the archive, too.
    pub bodies: bool,
    /// Small pictures of the page while a step goes on.
    pub filmstrip: When,
}

/// One line of the runner's standard output.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunnerMessage {
    /// A line for the user.
    Line(String),
    /// Documents were appended.
    Documents,
    /// Browser, script and collectors are ready.
    Prepared,
    /// A timed navigation begins or is over.
    Timed(bool),
    Browser {
        version: String,
        settled_ms: u64,
    },
    Revision(String),
    Step(StepRecord),
    Attachment(String),
    /// The runner can go no further, and why.
    Failed(String),
    /// The runner is done.
    Ended(Box<RunSummary>),
}

/// What a runner that ended by itself says about the run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RunSummary {
    pub verdict: Verdict,
    pub overhead_class: OverheadClass,
    pub vitals: Option<Vitals>,
    pub transfer_bytes: u64,
    pub requests_failed: u64,
    pub console_errors: u64,
    pub dropped_events: u64,
    #[serde(default)]
    pub dropped_frames: u64,
    pub browser_cpu_s: Option<f64>,
    pub runner_cpu_s: f64,
    pub runner_peak_rss_bytes: u64,
    /// What could not be cleaned up.
    pub problems: Vec<String>,
}
