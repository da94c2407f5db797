//! `canarytrace run`: one run, supervised by this process.

use std::{path::PathBuf, sync::Arc, time::Duration};

use canarytrace_evidence::Destination;
use canarytrace_process::{Containment, Limits};
use canarytrace_runner::{Notice, RunResult, SupervisorConfig, supervise, typed_lines};
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;

use crate::{
    arguments::RunArguments,
    attachments,
    commands::runner::TYPED_LINES,
    control::{listen_to_parent, listen_to_person, stop_on_signals},
    failure::Failure,
    job::{self, Planned},
    measured::{self, Measured},
    store, terminal,
    variables::Variables,
};

/// How long a run may take that a person sits at.
const INTERACTIVE: Duration = Duration::from_secs(24 * 3600);

pub(crate) fn run(arguments: RunArguments, mut variables: Variables) -> Result<u8, Failure> {
    for (name, value) in &arguments.set {
        variables.set(name, value);
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Failure::broken)?;
    let mut code = 0;
    for arguments in runtime.block_on(job::expand(arguments, &variables))? {
        code = code.max(run_one(&runtime, &arguments, &variables)?);
    }
    runtime.shutdown_background();
    Ok(code)
}

fn run_one(
    runtime: &tokio::runtime::Runtime,
    arguments: &RunArguments,
    variables: &Variables,
) -> Result<u8, Failure> {
    let planned = job::plan(arguments, variables)?;
    let client = planned
        .store
        .as_ref()
        .map(|url| store::client(url, variables))
        .transpose()?;
    // The scheduler's server takes the attachments of its runs.
    let attachments = match arguments.controlled {
        true => None,
        false => attachments::bucket(variables)?,
    };
    let destination = Destination {
        store: client,
        attachments,
    };
    runtime.block_on(repeat(arguments, variables, planned, destination))
}

/// Answers the highest exit code of the runs.
async fn repeat(
    arguments: &RunArguments,
    variables: &Variables,
    planned: Planned,
    destination: Destination,
) -> Result<u8, Failure> {
    let cancel = stop_on_signals()?;
    let mut next = Some(planned);
    let (mut code, mut measured) = (0, Measured::new());
    for _ in 0..arguments.repeat {
        let planned = match next.take() {
            Some(planned) => planned,
            None => job::plan(arguments, variables)?,
        };
        let ended = carry_out(arguments, variables, planned, destination.clone(), &cancel).await?;
        code = code.max(ended.record.exit_code.unwrap_or(3));
        if ended.withdrawn {
            return Ok(0);
        }
        measured::add(&mut measured, &ended.directory);
        if cancel.is_cancelled() {
            break;
        }
    }
    if arguments.repeat > 1 {
        terminal::repeats(&measured);
    }
    Ok(code)
}

async fn carry_out(
    arguments: &RunArguments,
    variables: &Variables,
    mut planned: Planned,
    destination: Destination,
    cancel: &CancellationToken,
) -> Result<RunResult, Failure> {
    let go = Arc::new(Notify::new());
    if arguments.controlled {
        // When the scheduler is gone, so is the reason for the run.
        let (typing, _) = mpsc::channel(1);
        listen_to_parent(Arc::clone(&go), typing, cancel.clone())?;
    }
    let human = terminal::stdout_is_terminal() && !arguments.json;
    if human && terminal::stdin_is_terminal() && !arguments.controlled {
        planned.job.interactive = true;
        planned.job.pause_on_failure = arguments.pause_on_failure;
        if arguments.pause_on_failure || arguments.headed {
            // A person takes their time.
            planned.timeout = INTERACTIVE;
            planned.job.timeout_ms = u64::try_from(INTERACTIVE.as_millis()).unwrap_or(u64::MAX);
        }
    } else if arguments.pause_on_failure {
        return Err(Failure::with_hint(
            "--pause-on-failure needs a terminal",
            "leave it out when nobody is there to go on",
        ));
    }
    let (typing, typed) = mpsc::channel(TYPED_LINES);
    if planned.job.interactive {
        listen_to_person(typing)?;
    }
    let has_store = destination.store.is_some();
    let bucket = destination.attachments.as_ref();
    planned.job.attachments_url = bucket.and_then(|bucket| bucket.url().map(str::to_owned));
    let program = std::env::current_exe().map_err(Failure::broken)?;
    let out = arguments
        .out
        .clone()
        .or_else(|| variables.get("CANARYTRACE_OUT").map(PathBuf::from))
        .unwrap_or_else(|| "./canarytrace-runs".into());
    let limits = Limits {
        cpus: planned.job.cpus,
        memory_bytes: planned.job.memory_bytes,
        processes: None,
    };
    let config = SupervisorConfig {
        job: planned.job,
        out,
        program,
        arguments: vec!["runner".into()],
        destination,
        containment: containment(variables)?,
        limits,
        timeout: planned.timeout,
        cancel: cancel.clone(),
        go,
        typed: typed_lines(typed),
    };
    let controlled = arguments.controlled;
    let mut notice = |notice: Notice| tell(&notice, human, has_store, controlled);
    let (store_client, prefix) = (
        config.destination.store.clone(),
        config.job.record.index_prefix.clone(),
    );
    let unprepared = async {
        if let Some(client) = store_client {
            store::warn_without_templates(&client, &prefix).await;
        }
    };
    let (result, ()) = tokio::join!(supervise(config, &mut notice), unprepared);
    let result = result.map_err(|error| {
        Failure::broken(format!(
            "{error}; hint: choose another folder with --out, or make room"
        ))
    })?;
    if result.withdrawn {
        return Ok(result);
    }
    if human {
        terminal::summary(&result.record, &result.directory);
    } else if result.record.delivered.pending > 0 && has_store {
        terminal::progress(&format!(
            "{} documents are not delivered yet; they stay in {}",
            result.record.delivered.pending,
            result.directory.display()
        ));
    }
    if arguments.json {
        terminal::line(&serde_json::to_string(&result.record).map_err(Failure::broken)?);
    }
    Ok(result)
}

pub(crate) fn containment(variables: &Variables) -> Result<Containment, Failure> {
    let name = variables.get("CANARYTRACE_CONTAINMENT").unwrap_or("auto");
    Containment::named(name)
        .map_err(|reason| Failure::usage(format!("CANARYTRACE_CONTAINMENT: {reason}")))
}

/// On a terminal a person reads; with a store the established lines; piped without a store only documents.
fn tell(notice: &Notice, human: bool, has_store: bool, controlled: bool) {
    match notice {
        Notice::Prepared if controlled => terminal::line("@prepared"),
        Notice::Timed(true) if controlled => terminal::line("@timed"),
        Notice::Timed(false) if controlled => terminal::line("@calm"),
        Notice::Line(text) if has_store && !human => terminal::line(text),
        Notice::Line(text) => terminal::progress(text),
        Notice::Document(text) if !human => terminal::line(text),
        _ => {}
    }
}
