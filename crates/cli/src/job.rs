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
    stack::{Monitor, MonitorId, SecretSource, UrlCheckJob, When, Window},
    time::Moment,
};
use canarytrace_runner::{
    BrowserJob, BrowserTarget, CollectorSwitches, GitJob, JourneyJob, Mode, RunJob, SmokeJob,
    TraceRequests, git_password,
};

use crate::{
    arguments::RunArguments,
    configuration::{self, Configuration},
    failure::Failure,
    variables::Variables,
};

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
const GIT_LIMIT_MS: u64 = 60_000;
const DEFAULT_TESTS_PATH: &str = "/opt/canary/tests";

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
            plan_monitor(&configuration, &monitor, arguments, variables)
        }
        _ => plan_variables(arguments, variables),
    }
}

fn plan_variables(arguments: &RunArguments, variables: &Variables) -> Result<Planned, Failure> {
    let uuid = run_id(arguments)?;
    let journey = is_journey(arguments, variables)?;
    let base_url = match (&arguments.base_url, arguments.urls.is_empty()) {
        (_, false) => arguments.urls.join(";"),
        (Some(base_url), true) => base_url.clone(),
        (None, true) => variables.get("BASE_URL").unwrap_or_default().to_owned(),
    };
    let spec = arguments
        .script
        .clone()
        .or_else(|| variables.get("SPEC").map(str::to_owned));
    let mode = if journey {
        journey_mode(arguments, variables, &uuid, spec.as_deref(), &base_url)?
    } else {
        smoke_mode(variables, &base_url)?
    };
    let (mode_name, spec, monitor) = match &mode {
        Mode::Smoke(smoke) => {
            let host = smoke.checks.first().and_then(|check| {
                url::Url::parse(&check.url)
                    .ok()?
                    .host_str()
                    .map(str::to_owned)
            });
            (
                "smoke",
                "smoke.js".to_owned(),
                host.unwrap_or_else(|| "smoke".to_owned()),
            )
        }
        Mode::UserJourney(journey) => ("user-journey", journey.spec.clone(), journey.spec.clone()),
    };
    let monitor = match variables.get("CANARYTRACE_MONITOR") {
        Some(id) => MonitorId::parse(id)
            .map_err(|reason| Failure::usage(format!("CANARYTRACE_MONITOR: {reason}")))?,
        None => MonitorId::slug(&monitor),
    };
    let mut labels = automatic_labels(mode_name);
    labels.extend(variables.get("LABELS").map(str::to_owned));
    labels.extend(arguments.labels.iter().cloned());
    let mut secrets = variables.secrets();
    secrets.extend(secret_of_git(&mode));
    let timeout = arguments
        .timeout
        .map_or_else(|| default_timeout(&mode), |span| span.0);
    let trace = trace(variables, &base_url);
    let job = RunJob {
        record: record(uuid, variables, monitor, mode_name, spec, labels),
        directory: PathBuf::new(),
        mode,
        browser: browser(arguments, variables, Window::default(), true)?,
        collectors: CollectorSwitches {
            performance_entries: variables.switch("PERFORMANCE_ENTRIES_INTERCEPT", true),
            memory: variables.switch("MEMORY_INTERCEPT", true),
            coverage: variables.switch("COVERAGE_AUDIT", false),
            hero_elements: variables.switch("HERO_ELEMENTS", true),
            request_log: request_log(variables),
            console: variables.switch("CONSOLE_INTERCEPT", true),
            screenshot: if variables.switch("CAPTURE_EVERY_SCREEN", false) {
                When::Always
            } else if variables.switch("ATTACHMENTS", true) {
                When::OnFailure
            } else {
                When::Never
            },
            full_page: variables.switch("CANARYTRACE_FULL_PAGE", false),
            dom: when(variables, "CANARYTRACE_DOM")?,
            har: when(variables, "CANARYTRACE_HAR")?,
            bodies: variables.switch("CANARYTRACE_BODIES", false),
            filmstrip: match variables.get("CANARYTRACE_FILMSTRIP") {
                Some(_) => when(variables, "CANARYTRACE_FILMSTRIP")?,
                None => When::Never,
            },
        },
        secrets,
        base_url,
        wait_for_timeout_ms: milliseconds(variables, "WAIT_FOR_TIMEOUT", 30_000)?,
        step_timeout_ms: milliseconds(variables, "CANARYTRACE_STEP_TIMEOUT", 120_000)?,
        timeout_ms: whole_ms(timeout),
        command_limit_ms: milliseconds(variables, "CANARYTRACE_COMMAND_LIMIT", COMMAND_LIMIT_MS)?,
        control_url: variables.get("CANARYTRACE_CONTROL_URL").map(str::to_owned),
        availability_check: variables.switch("AVAILABILITY_CHECK", false),
        print_environment: variables
            .switch("ENV_PRINT", false)
            .then(|| variables.printed()),
        post_data_path: variables.get("POST_DATA_PATH").map(str::to_owned),
        attachments_url: None,
        trace,
        wait_for_go: arguments.controlled,
        cpus: None,
        memory_bytes: None,
        settle_ms: milliseconds(variables, "CANARYTRACE_SETTLE", SETTLE_MS)?,
    };
    let store = arguments
        .store
        .clone()
        .or_else(|| variables.get("ELASTIC_CLUSTER").map(str::to_owned));
    Ok(Planned {
        job,
        store,
        timeout,
    })
}

/// `MODE` decides; without it `EDITION` and `SMOKE` of older manifests, then whether a script is named.
fn is_journey(arguments: &RunArguments, variables: &Variables) -> Result<bool, Failure> {
    if arguments.script.is_some() || !arguments.urls.is_empty() {
        return Ok(arguments.script.is_some());
    }
    match variables.get("MODE") {
        Some("smoke") => return Ok(false),
        Some("user-journey") => return Ok(true),
        Some(other) => {
            return Err(Failure::with_hint(
                format!("MODE `{other}` is not known"),
                "it is smoke or user-journey",
            ));
        }
        None => {}
    }
    if let Some(edition) = variables.get("EDITION") {
        tracing::warn!("EDITION is the old name of MODE");
        return Ok(edition == "canarytrace");
    }
    if variables.switch("SMOKE", false) {
        return Ok(false);
    }
    Ok(variables.get("SPEC").is_some())
}

fn smoke_mode(variables: &Variables, base_url: &str) -> Result<Mode, Failure> {
    let checks: Vec<UrlCheckJob> = base_url
        .split(';')
        .map(str::trim)
        .filter(|url| !url.is_empty())
        .map(|url| UrlCheckJob {
            url: url.to_owned(),
            ..UrlCheckJob::default()
        })
        .collect();
    if checks.is_empty() {
        return Err(Failure::with_hint(
            "there is nothing to check",
            "canarytrace run https://shop.example/, or set BASE_URL",
        ));
    }
    if checks.len() > 5 {
        tracing::warn!(
            urls = checks.len(),
            "more than 5 URLs in one run; several monitors would tell more"
        );
    }
    Ok(Mode::Smoke(SmokeJob {
        checks,
        pause_ms: milliseconds(variables, "PAUSE_BETWEEN_SMOKE", 0)?,
        open_limit_ms: milliseconds(variables, "CANARYTRACE_OPEN_LIMIT", OPEN_LIMIT_MS)?,
    }))
}

fn journey_mode(
    arguments: &RunArguments,
    variables: &Variables,
    uuid: &RunId,
    spec: Option<&str>,
    base_url: &str,
) -> Result<Mode, Failure> {
    let spec =
        spec.ok_or_else(|| Failure::with_hint("no script is named", "--script FILE, or set SPEC"))?;
    let git_url = arguments
        .git
        .clone()
        .or_else(|| variables.get("GIT_REPOSITORY").map(str::to_owned));
    let environment = variables.all().clone();
    let base_url = (!base_url.is_empty()).then(|| base_url.to_owned());
    let (root, spec, git) = match git_url {
        Some(url) => {
            let revision = arguments
                .revision
                .clone()
                .or_else(|| variables.get("GIT_REVISION").map(str::to_owned));
            let (root, git) = git_job(uuid, url, revision, established_key(), variables);
            (root, spec.trim_start_matches("./").to_owned(), Some(git))
        }
        None => {
            let (root, spec) = local_script(spec, variables)?;
            (root, spec, None)
        }
    };
    Ok(Mode::UserJourney(Box::new(JourneyJob {
        root,
        spec,
        base_url,
        git,
        environment,
    })))
}

/// The password in the repository's address is a secret, whether it was declared or not.
fn secret_of_git(mode: &Mode) -> Option<String> {
    match mode {
        Mode::UserJourney(journey) => git_password(&journey.git.as_ref()?.url),
        Mode::Smoke(_) => None,
    }
}

fn established_key() -> Option<PathBuf> {
    Some(PathBuf::from("/secret/ssh-privatekey")).filter(|path| path.exists())
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

/// A file below `TESTS_PATH`, or one named by its path; then its folder is what it may import from.
fn local_script(spec: &str, variables: &Variables) -> Result<(PathBuf, String), Failure> {
    let tests = Path::new(variables.get("TESTS_PATH").unwrap_or(DEFAULT_TESTS_PATH));
    if Path::new(spec).is_relative() && tests.join(spec).is_file() {
        return Ok((tests.to_owned(), spec.trim_start_matches("./").to_owned()));
    }
    let path = Path::new(spec);
    let working = std::env::current_dir().map_err(Failure::broken)?;
    if path.is_relative() && working.join(path).is_file() && !spec.contains("..") {
        return Ok((working, spec.trim_start_matches("./").to_owned()));
    }
    match (path.is_file(), path.parent(), path.file_name()) {
        (true, Some(folder), Some(name)) => {
            Ok((folder.to_owned(), name.to_string_lossy().into_owned()))
        }
        _ => Err(Failure::with_hint(
            format!("script `{spec}` does not exist"),
            format!("looked in {} and {}", working.display(), tests.display()),
        )),
    }
}

fn plan_monitor(
    configuration: &Configuration,
    monitor: &Monitor,
    arguments: &RunArguments,
    variables: &Variables,
) -> Result<Planned, Failure> {
    let stack = &configuration.stack;
    let uuid = run_id(arguments)?;
    let (environment, mut secrets) = configuration::resolve_env(monitor, variables)?;
    let mode = monitor_mode(configuration, monitor, &uuid, environment, variables)?;
    secrets.extend(secret_of_git(&mode));
    let (mode_name, spec) = match &mode {
        Mode::Smoke(_) => ("smoke", "smoke.js".to_owned()),
        Mode::UserJourney(journey) => ("user-journey", journey.spec.clone()),
    };
    let base_url = match &monitor.base_url {
        Some(base_url) => base_url.clone(),
        None => monitor
            .urls
            .iter()
            .map(|check| check.url.as_str())
            .collect::<Vec<_>>()
            .join(";"),
    };
    let mut labels = automatic_labels(mode_name);
    labels.extend(
        stack
            .defaults
            .labels
            .iter()
            .chain(&monitor.labels)
            .chain(&arguments.labels)
            .cloned(),
    );
    let window = monitor
        .browser
        .window
        .or(stack.defaults.browser.window)
        .unwrap_or_default();
    let timeout = arguments
        .timeout
        .or(monitor.timeout)
        .or(stack.defaults.timeout)
        .map_or_else(|| default_timeout(&mode), |span| span.0);
    let job = RunJob {
        record: record(uuid, variables, monitor.id.clone(), mode_name, spec, labels),
        directory: PathBuf::new(),
        mode,
        browser: browser(arguments, variables, window, false)?,
        collectors: CollectorSwitches {
            performance_entries: true,
            memory: true,
            coverage: monitor.collect.coverage,
            hero_elements: true,
            request_log: true,
            console: true,
            screenshot: monitor.collect.screenshot.unwrap_or(When::OnFailure),
            full_page: monitor.collect.full_page,
            dom: monitor.collect.dom.unwrap_or(When::OnFailure),
            har: monitor.collect.har.unwrap_or(When::OnFailure),
            bodies: monitor.collect.bodies,
            filmstrip: monitor.collect.filmstrip.unwrap_or(When::Never),
        },
        secrets,
        base_url,
        wait_for_timeout_ms: 30_000,
        step_timeout_ms: whole_ms(timeout),
        timeout_ms: whole_ms(timeout),
        command_limit_ms: milliseconds(variables, "CANARYTRACE_COMMAND_LIMIT", COMMAND_LIMIT_MS)?,
        control_url: monitor
            .control_url
            .clone()
            .or_else(|| stack.defaults.control_url.clone())
            .or_else(|| variables.get("CANARYTRACE_CONTROL_URL").map(str::to_owned)),
        availability_check: false,
        print_environment: None,
        post_data_path: None,
        attachments_url: None,
        trace: None,
        wait_for_go: arguments.controlled,
        cpus: monitor.browser.cpus.or(stack.defaults.browser.cpus),
        memory_bytes: monitor
            .browser
            .memory
            .or(stack.defaults.browser.memory)
            .map(|bytes| bytes.0),
        settle_ms: SETTLE_MS,
    };
    let store = arguments
        .store
        .clone()
        .or_else(|| stack.store.as_ref()?.url.clone())
        .or_else(|| variables.get("ELASTIC_CLUSTER").map(str::to_owned));
    Ok(Planned {
        job,
        store,
        timeout,
    })
}

/// What a monitor of canarytrace.yaml does.
fn monitor_mode(
    configuration: &Configuration,
    monitor: &Monitor,
    uuid: &RunId,
    environment: BTreeMap<String, String>,
    variables: &Variables,
) -> Result<Mode, Failure> {
    let Some(script) = &monitor.script else {
        return Ok(Mode::Smoke(SmokeJob {
            checks: monitor
                .urls
                .iter()
                .cloned()
                .map(UrlCheckJob::from)
                .collect(),
            pause_ms: 0,
            open_limit_ms: milliseconds(variables, "CANARYTRACE_OPEN_LIMIT", OPEN_LIMIT_MS)?,
        }));
    };
    let (root, git) = match &monitor.git {
        None => (
            configuration
                .folder()
                .canonicalize()
                .map_err(Failure::broken)?,
            None,
        ),
        Some(source) => {
            let key = match &source.ssh_key {
                None => None,
                Some(SecretSource::File(path)) => Some(PathBuf::from(path)),
                Some(SecretSource::Env(_)) => {
                    return Err(Failure::usage(format!(
                        "monitor `{}`: ssh_key must be a file: {{ file: PATH }}",
                        monitor.id
                    )));
                }
            };
            let (root, git) = git_job(
                uuid,
                source.url.clone(),
                source.revision.clone(),
                key,
                variables,
            );
            (root, Some(git))
        }
    };
    let base_url = monitor.base_url.clone();
    Ok(Mode::UserJourney(Box::new(JourneyJob {
        root,
        spec: script.trim_start_matches("./").to_owned(),
        base_url,
        git,
        environment,
    })))
}

/// The header goes to the origins that are watched, and to those that `CANARYTRACE_TRACE_ORIGINS` names.
fn trace(variables: &Variables, base_url: &str) -> Option<TraceRequests> {
    let header = variables
        .get("TRACE_ID_NAME")
        .filter(|name| *name != "no")?;
    let more = variables
        .get("CANARYTRACE_TRACE_ORIGINS")
        .unwrap_or_default();
    let mut origins: Vec<String> = base_url
        .split(';')
        .chain(more.split(';'))
        .filter_map(|url| url::Url::parse(url.trim()).ok())
        .map(|url| url.origin().ascii_serialization())
        .collect();
    origins.sort();
    origins.dedup();
    Some(TraceRequests {
        header: header.to_owned(),
        origins,
    })
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
fn is_root() -> bool {
    std::fs::metadata("/proc/self")
        .is_ok_and(|metadata| std::os::unix::fs::MetadataExt::uid(&metadata) == 0)
}

/// The old switches turn the request log on, too; an explicit value but `allow` turns it off.
fn request_log(variables: &Variables) -> bool {
    let old = ["REQUEST_INTERCEPT", "RESPONSE_INTERCEPT"]
        .iter()
        .any(|name| variables.switch(name, false));
    if old {
        tracing::warn!("REQUEST_INTERCEPT and RESPONSE_INTERCEPT are old names of REQUEST_LOG");
    }
    old || variables.switch("REQUEST_LOG", true)
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

/// `always`, `on_failure` or `never`; without a word of its own as `ATTACHMENTS` says.
fn when(variables: &Variables, name: &str) -> Result<When, Failure> {
    match variables.get(name) {
        None if !variables.switch("ATTACHMENTS", true) => Ok(When::Never),
        None | Some("on_failure") => Ok(When::OnFailure),
        Some("always") => Ok(When::Always),
        Some("never") => Ok(When::Never),
        Some(other) => Err(Failure::usage(format!(
            "{name} `{other}` is not known: always, on_failure, never"
        ))),
    }
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
