//! A run by the variables of the established product.

use std::path::{Path, PathBuf};

use canarytrace_model::{
    RunId,
    stack::{MonitorId, UrlCheckJob, When, Window},
};
use canarytrace_runner::{
    CollectorSwitches, JourneyJob, JourneyStyle, Mode, RunJob, SmokeJob, TraceRequests,
};

use super::{
    COMMAND_LIMIT_MS, OPEN_LIMIT_MS, Planned, SETTLE_MS, WEBDRIVERIO_WAIT_MS, automatic_labels,
    browser, default_timeout, git_job, milliseconds, record, run_id, secret_of_git, whole_ms,
};
use crate::{arguments::RunArguments, failure::Failure, variables::Variables};

pub(super) const DEFAULT_TESTS_PATH: &str = "/opt/canary/tests";

pub(super) fn plan(arguments: &RunArguments, variables: &Variables) -> Result<Planned, Failure> {
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
        collectors: collectors(variables)?,
        secrets,
        base_url,
        wait_for_timeout_ms: default_wait_ms(variables),
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
        interactive: false,
        pause_on_failure: false,
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

/// The switches of the established product, and ours.
fn collectors(variables: &Variables) -> Result<CollectorSwitches, Failure> {
    Ok(CollectorSwitches {
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
    let mut environment = variables.all().clone();
    let base_url = (!base_url.is_empty()).then(|| base_url.to_owned());
    if let Some(base_url) = &base_url {
        // A script reads it there, whichever way it was given.
        environment.insert("BASE_URL".to_owned(), base_url.clone());
    }
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
        configuration_file: variables
            .get("CONFIG")
            .map(|file| file.trim_start_matches("./").to_owned()),
        style: style(variables)?,
        fetch_hosts: list(variables, "CANARYTRACE_FETCH_HOSTS"),
        schemes: list(variables, "CANARYTRACE_ALLOW_SCHEMES"),
        wait_for_timeout_ms: match variables.get("WAIT_FOR_TIMEOUT") {
            Some(_) => Some(milliseconds(variables, "WAIT_FOR_TIMEOUT", 0)?),
            None => None,
        },
        log_commands: matches!(variables.get("LOG_LEVEL"), Some("trace" | "debug" | "info")),
        environment,
    })))
}

/// Of all waits when nothing says otherwise: a run by `SPEC` has the established product's, others WebdriverIO's.
fn default_wait_ms(variables: &Variables) -> u64 {
    if variables.get("SPEC").is_some() {
        30_000
    } else {
        WEBDRIVERIO_WAIT_MS
    }
}

fn style(variables: &Variables) -> Result<JourneyStyle, Failure> {
    match variables.get("CANARYTRACE_SCRIPT_STYLE") {
        None | Some("detect") => Ok(JourneyStyle::Detect),
        Some("async") => Ok(JourneyStyle::Async),
        Some("sync") => Ok(JourneyStyle::Sync),
        Some(other) => Err(Failure::usage(format!(
            "CANARYTRACE_SCRIPT_STYLE `{other}` must be detect, async or sync"
        ))),
    }
}

/// A list whose items are parted by `;` or `,`.
fn list(variables: &Variables, name: &str) -> Vec<String> {
    let items = variables.get(name).unwrap_or_default().split([';', ',']);
    items
        .map(|item| item.trim().to_owned())
        .filter(|item| !item.is_empty())
        .collect()
}

pub(super) fn established_key() -> Option<PathBuf> {
    Some(PathBuf::from("/secret/ssh-privatekey")).filter(|path| path.exists())
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
