//! A run of one monitor of canarytrace.yaml.

use std::{collections::BTreeMap, path::PathBuf};

use canarytrace_model::{
    RunId,
    stack::{Collect, Monitor, ScriptStyle, SecretSource, UrlCheckJob, When},
};
use canarytrace_runner::{CollectorSwitches, JourneyJob, JourneyStyle, Mode, RunJob, SmokeJob};

use super::{
    COMMAND_LIMIT_MS, OPEN_LIMIT_MS, Planned, SETTLE_MS, WEBDRIVERIO_WAIT_MS, automatic_labels,
    browser, default_timeout, git_job, milliseconds, record, run_id, secret_of_git, whole_ms,
};
use crate::{
    arguments::RunArguments,
    configuration::{self, Configuration},
    failure::Failure,
    variables::Variables,
};

pub(super) fn plan(
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
        collectors: collectors(&monitor.collect),
        secrets,
        base_url,
        wait_for_timeout_ms: WEBDRIVERIO_WAIT_MS,
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
        interactive: false,
        pause_on_failure: false,
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

fn collectors(collect: &Collect) -> CollectorSwitches {
    CollectorSwitches {
        performance_entries: true,
        memory: true,
        coverage: collect.coverage,
        hero_elements: true,
        request_log: true,
        console: true,
        screenshot: collect.screenshot.unwrap_or(When::OnFailure),
        full_page: collect.full_page,
        dom: collect.dom.unwrap_or(When::OnFailure),
        har: collect.har.unwrap_or(When::OnFailure),
        bodies: collect.bodies,
        filmstrip: collect.filmstrip.unwrap_or(When::Never),
    }
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
        configuration_file: monitor.script_config.clone(),
        style: match monitor.script_style {
            ScriptStyle::Detect => JourneyStyle::Detect,
            ScriptStyle::Async => JourneyStyle::Async,
            ScriptStyle::Sync => JourneyStyle::Sync,
        },
        fetch_hosts: monitor.allow_hosts.clone(),
        schemes: monitor.allow_schemes.clone(),
        wait_for_timeout_ms: None,
        log_commands: false,
    })))
}
