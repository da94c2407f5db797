//! The supervisor: starts the runner, delivers what it writes, and completes the record whatever becomes of it.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    io::{BufRead, Seek, SeekFrom},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use canarytrace_es::Client;
use canarytrace_evidence::{
    Delivery, Destination, EvidenceError, LogStream, RunDirectory, RunExtras, Secrets,
    close_documents, har,
};
use canarytrace_model::{
    record::{RunRecord, RunState, SupervisorId},
    time::{Moment, RunClock},
    verdict::{Cause, Verdict},
};
use canarytrace_process::{ChildSpec, Containment, Group, Limits, Stdio, own_identity, self_usage};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout},
    sync::Notify,
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::job::{RunJob, RunSummary, RunnerMessage};
use crate::typed::{TypedLines, next_typed};

/// How a run is supervised.
#[derive(Debug)]
pub struct SupervisorConfig {
    pub job: RunJob,
    /// Parent of run directories.
    pub out: PathBuf,
    /// The program and arguments of the hidden runner.
    pub program: PathBuf,
    pub arguments: Vec<OsString>,
    pub destination: Destination,
    pub containment: Containment,
    pub limits: Limits,
    /// Of the whole run.
    pub timeout: Duration,
    /// Ends the run early.
    pub cancel: CancellationToken,
    /// Notified when the first navigation may begin (only with `wait_for_go`).
    pub go: Arc<Notify>,
    /// What a person types while the run goes on.
    pub typed: TypedLines,
}

/// What a supervised run tells while it runs.
#[derive(Clone, Debug)]
pub enum Notice {
    /// A line for the user.
    Line(String),
    /// A document, when no store is configured.
    Document(String),
    Prepared,
    Timed(bool),
}

/// A run that is over.
#[derive(Debug)]
pub struct RunResult {
    pub record: RunRecord,
    pub directory: PathBuf,
    /// It was stopped before it was due: there was no run, and nothing is left of it.
    pub withdrawn: bool,
}

/// After the run, so long is tried to deliver the rest; what is left goes out later.
const FINAL_DELIVERY: Duration = Duration::from_secs(15);
const RETRY: Duration = Duration::from_millis(250);
const RETRY_LIMIT: Duration = Duration::from_secs(5);
/// A runner that has said all may take so long to exit.
const EXIT_LIMIT: Duration = Duration::from_secs(10);
/// A runner's line; longer ones mean something is wrong.
const RUNNER_ENVIRONMENT: [&str; 1] = ["RUST_BACKTRACE"];

/// Runs a job to its end. An error means that not even the run directory could be written.
pub async fn supervise(
    mut config: SupervisorConfig,
    notice: &mut dyn FnMut(Notice),
) -> Result<RunResult, EvidenceError> {
    let clock = RunClock::start();
    let identity = own_identity();
    config.job.record.started_at = clock.started_at();
    config.job.record.supervisor = Some(SupervisorId {
        pid: identity.pid,
        start_ticks: identity.start_ticks,
        boot_id: identity.boot_id,
    });
    config.job.record.store = config
        .destination
        .store
        .as_ref()
        .map(|client| client.url().to_owned());
    let secrets = Secrets::new(config.job.secrets.iter().cloned());
    let directory = RunDirectory::create(&config.out, &config.job.record, secrets.clone())?;
    config.job.directory = directory
        .path()
        .canonicalize()
        .unwrap_or_else(|_| directory.path().to_owned());
    let path = config.job.directory.clone();
    drop(directory);

    let courier = Courier::start(&config, path.clone());
    let mut run = Run {
        record: config.job.record.clone(),
        summary: None,
        failure: None,
        revision: None,
        printed: 0,
        begun: !config.job.wait_for_go,
    };
    let end = run.carry_out(&config, &courier, notice).await;
    if matches!(end, End::Cancelled) && !run.begun {
        std::fs::remove_dir_all(&path).map_err(|source| EvidenceError::Write {
            path: path.clone(),
            source,
        })?;
        return Ok(RunResult {
            record: run.record,
            directory: path,
            withdrawn: true,
        });
    }
    let directory = RunDirectory::open_to_close(&path, &run.record, secrets)?;
    run.finish(directory, end, &config, &clock)?;
    if config.destination.store.is_none() {
        run.print_documents(&path, notice);
    }
    courier.finish(&mut run.record).await;
    canarytrace_evidence::store_record(&path, &run.record)?;
    Ok(RunResult {
        record: run.record,
        directory: path,
        withdrawn: false,
    })
}

/// What the name of a run's process group begins with.
pub(crate) const RUN_GROUP: &str = "run-";

/// The process group of a run.
pub fn group_name(uuid: &canarytrace_model::RunId) -> String {
    format!("{RUN_GROUP}{uuid}")
}

/// How the runner ended.
enum End {
    ByItself,
    Crashed(String),
    Late,
    Cancelled,
    NotStarted(String),
}

struct Run {
    record: RunRecord,
    summary: Option<RunSummary>,
    /// Why the runner gave up, in its own words.
    failure: Option<String>,
    revision: Option<String>,
    /// Bytes of the documents that were printed.
    printed: u64,
    /// The first navigation was allowed.
    begun: bool,
}

impl Run {
    async fn carry_out(
        &mut self,
        config: &SupervisorConfig,
        courier: &Courier,
        notice: &mut dyn FnMut(Notice),
    ) -> End {
        let name = group_name(&self.record.uuid);
        let mut group = match Group::create(&config.containment, &name, &config.limits) {
            Ok(group) => group,
            Err(error) => return End::NotStarted(format!("no process group: {error}")),
        };
        info!(containment = %config.containment, "run is contained");
        let started = start_runner(&mut group, config).await;
        let end = match started {
            Ok((child, stdin, lines)) => {
                self.watch(config, courier, notice, child, stdin, lines)
                    .await
            }
            Err(reason) => End::NotStarted(reason),
        };
        let usage = group.usage();
        let emptied = tokio::task::spawn_blocking(move || group.kill_all()).await;
        if let Ok(Err(error)) = emptied {
            warn!(%error, "processes of the run are left");
        }
        crate::run::remove_leftovers_of(&config.job);
        match end {
            End::Crashed(reason) if usage.oom_kills.is_some_and(|kills| kills > 0) => {
                End::Crashed(format!("{reason}; the memory limit of the run was reached"))
            }
            end => end,
        }
    }

    async fn watch(
        &mut self,
        config: &SupervisorConfig,
        courier: &Courier,
        notice: &mut dyn FnMut(Notice),
        mut child: Child,
        mut stdin: ChildStdin,
        mut lines: Lines<BufReader<ChildStdout>>,
    ) -> End {
        let deadline = tokio::time::sleep(config.timeout);
        tokio::pin!(deadline);
        loop {
            tokio::select! {
                line = lines.next_line() => match line {
                    Ok(Some(line)) => self.receive(&line, config, courier, notice),
                    Ok(None) | Err(_) => break,
                },
                () = &mut deadline => return End::Late,
                () = config.cancel.cancelled() => return End::Cancelled,
                Some(text) = next_typed(&config.typed) => {
                    if stdin.write_all(format!(">{text}\n").as_bytes()).await.is_err() {
                        warn!("the runner does not listen");
                    }
                }
                () = config.go.notified() => {
                    self.begun = true;
                    deadline.as_mut().reset(tokio::time::Instant::now() + config.timeout);
                    self.record.started_at = Moment::now();
                    if stdin.write_all(b"go\n").await.is_err() {
                        warn!("the runner does not listen");
                    }
                }
            }
        }
        drop(stdin);
        match tokio::time::timeout(EXIT_LIMIT, child.wait()).await {
            Ok(Ok(status)) if self.summary.is_some() || status.success() => End::ByItself,
            Ok(Ok(status)) => End::Crashed(
                self.failure
                    .take()
                    .unwrap_or_else(|| format!("the runner process ended with {status}")),
            ),
            Ok(Err(error)) => End::Crashed(error.to_string()),
            Err(_) if self.summary.is_some() => End::ByItself,
            Err(_) => {
                End::Crashed("the runner process closed its output and did not exit".to_owned())
            }
        }
    }

    fn receive(
        &mut self,
        line: &str,
        config: &SupervisorConfig,
        courier: &Courier,
        notice: &mut dyn FnMut(Notice),
    ) {
        let message: RunnerMessage = match serde_json::from_str(line) {
            Ok(message) => message,
            Err(error) => {
                warn!(%error, "the runner said something that is not understood");
                return;
            }
        };
        match message {
            RunnerMessage::Line(text) => notice(Notice::Line(text)),
            RunnerMessage::Documents if config.destination.store.is_some() => courier.wake(),
            RunnerMessage::Documents => self.print_documents(&config.job.directory, notice),
            RunnerMessage::Prepared => notice(Notice::Prepared),
            RunnerMessage::Timed(busy) => notice(Notice::Timed(busy)),
            RunnerMessage::Browser {
                version,
                settled_ms,
                ..
            } => {
                self.record.browser_version = Some(version);
                self.record.overhead.settled_ms = Some(settled_ms);
            }
            RunnerMessage::Revision(revision) => self.revision = Some(revision),
            RunnerMessage::Step(step) => self.record.steps.push(step),
            RunnerMessage::Attachment(name) => self.record.attachments.push(name),
            RunnerMessage::Failed(reason) => self.failure = Some(reason),
            RunnerMessage::Ended(summary) => self.summary = Some(*summary),
        }
    }

    /// Without a store the documents go to standard output, one JSON object a line.
    fn print_documents(&mut self, path: &std::path::Path, notice: &mut dyn FnMut(Notice)) {
        let Ok(mut lines) = lines_from(&path.join("documents.ndjson"), self.printed) else {
            return;
        };
        loop {
            let (mut action, mut source) = (String::new(), String::new());
            let read = lines
                .read_line(&mut action)
                .and_then(|_| lines.read_line(&mut source));
            // The last line may be half written: it is printed next time.
            if read.is_err() || !source.ends_with('\n') {
                return;
            }
            self.printed += (action.len() + source.len()) as u64;
            notice(Notice::Document(source.trim_end().to_owned()));
        }
    }

    /// Completes documents and record.
    fn finish(
        &mut self,
        mut directory: RunDirectory,
        end: End,
        config: &SupervisorConfig,
        clock: &RunClock,
    ) -> Result<(), EvidenceError> {
        let summary = self.summary.take();
        let (verdict, err_type) = match (end, &summary) {
            (_, Some(summary)) => (summary.verdict.clone(), "Error"),
            (End::ByItself, None) => (
                Verdict::blame(Cause::Runner, "the runner ended without saying how"),
                "RunnerError",
            ),
            (End::Crashed(reason), None) => {
                (Verdict::blame(Cause::Runner, reason), "RunnerCrashed")
            }
            (End::Late, None) => (late(config.timeout), "RunTimeout"),
            (End::Cancelled, None) => (
                Verdict::blame(
                    Cause::Runner,
                    "the run was stopped from outside before it ended",
                ),
                "RunStopped",
            ),
            (End::NotStarted(reason), None) => (
                Verdict::blame(
                    Cause::Runner,
                    format!("the runner could not be started: {reason}"),
                ),
                "RunnerError",
            ),
        };
        let now = clock.now();
        self.record.state = RunState::Ended;
        self.record.ended_at = Some(now);
        self.record.exit_code = Some(verdict.exit_code());
        self.record.verdict = Some(verdict.clone());
        self.record.overhead.class = "light".to_owned();
        let mut extras = RunExtras {
            revision: self.revision.take(),
            ..RunExtras::default()
        };
        if let Some(summary) = summary {
            self.record.overhead.runner_cpu_s =
                Some(round(summary.runner_cpu_s + self_usage().cpu_s));
            self.record.overhead.runner_peak_rss_bytes = Some(summary.runner_peak_rss_bytes);
            self.record.overhead.browser_cpu_s = summary.browser_cpu_s.map(round);
            self.record.overhead.dropped_events = summary.dropped_events;
            self.record.overhead.dropped_frames = summary.dropped_frames;
            self.record.overhead.class = summary.overhead_class.as_str().to_owned();
            extras.vitals = summary.vitals;
            extras.transfer_bytes = summary.transfer_bytes;
            extras.requests_failed = summary.requests_failed;
            extras.console_errors = summary.console_errors;
            for problem in summary.problems {
                directory.log(LogStream::Supervisor, now, &problem);
            }
        }
        self.attach_har(&mut directory, &verdict, config, now);
        close_documents(
            &mut directory,
            &self.record,
            &verdict,
            err_type,
            verdict.detail.as_deref().unwrap_or_default(),
            extras,
            now,
        )?;
        self.record.counts = directory.counts().clone();
        self.record.delivered.pending = directory.counts().values().sum();
        directory.write_record(&self.record)
    }
}

impl Run {
    /// The archive is made from the documents, so a killed runner has one, too; the log goes with it.
    fn attach_har(
        &mut self,
        directory: &mut RunDirectory,
        verdict: &Verdict,
        config: &SupervisorConfig,
        now: Moment,
    ) {
        if config.job.collectors.har.is_wanted(verdict.is_passed()) {
            self.make_har(directory, now);
            match directory.attach_log() {
                Ok(name) => self.record.attachments.extend(name),
                Err(error) => {
                    tracing::warn!(%error, "the run's log is not kept with its attachments")
                }
            }
        }
        directory.forget_bodies();
    }

    fn make_har(&mut self, directory: &mut RunDirectory, now: Moment) {
        let name = format!("{}.har", self.record.uuid);
        let attached = har(directory.path(), &self.record.version).and_then(|har| match har {
            Some(har) => directory
                .attach(&name, har.to_string().as_bytes())
                .map(Some),
            None => Ok(None),
        });
        match attached {
            Ok(Some(_)) => self.record.attachments.push(name),
            Ok(None) => {}
            Err(error) => directory.log(
                LogStream::Supervisor,
                now,
                &format!("no HAR of the run: {error}"),
            ),
        }
    }
}

/// The text of a file from an offset on: what was printed is not read again.
fn lines_from(
    path: &std::path::Path,
    offset: u64,
) -> std::io::Result<std::io::BufReader<std::fs::File>> {
    let mut file = std::fs::File::open(path)?;
    file.seek(SeekFrom::Start(offset))?;
    Ok(std::io::BufReader::new(file))
}

/// A runner that is alive ends itself before this.
fn late(limit: Duration) -> Verdict {
    Verdict::blame(
        Cause::Runner,
        format!(
            "the run did not end within its limit of {}s and was ended",
            limit.as_secs()
        ),
    )
}

fn round(seconds: f64) -> f64 {
    (seconds * 1000.0).round() / 1000.0
}

async fn start_runner(
    group: &mut Group,
    config: &SupervisorConfig,
) -> Result<(Child, ChildStdin, Lines<BufReader<ChildStdout>>), String> {
    let mut spec = ChildSpec::new(&config.program)
        .args(config.arguments.iter().cloned())
        .streams(Stdio::Piped, Stdio::Piped, Stdio::Inherit);
    spec.environment = BTreeMap::from([(RUNNER_ENVIRONMENT[0].into(), "0".into())]);
    spec.no_new_privileges = true;
    // When we are killed, its standard input closes and it ends its browser: killed with us it could not.
    spec.die_with_parent = false;
    let mut child = group.spawn(&spec).map_err(|error| error.to_string())?;
    let (Some(mut stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
        return Err("no streams".to_owned());
    };
    let mut text = serde_json::to_vec(&config.job).map_err(|error| error.to_string())?;
    text.push(b'\n');
    stdin
        .write_all(&text)
        .await
        .map_err(|error| format!("the runner takes no job: {error}"))?;
    Ok((child, stdin, BufReader::new(stdout).lines()))
}

/// Delivers while the run goes on.
struct Courier {
    path: PathBuf,
    destination: Destination,
    wake: Arc<Notify>,
    task: JoinSet<()>,
    stop: CancellationToken,
}

impl Courier {
    fn start(config: &SupervisorConfig, path: PathBuf) -> Self {
        let (wake, stop) = (Arc::new(Notify::new()), CancellationToken::new());
        let mut task = JoinSet::new();
        if let Some(client) = config.destination.store.clone() {
            task.spawn(deliver_while_running(
                path.clone(),
                client,
                Arc::clone(&wake),
                stop.clone(),
            ));
        }
        Self {
            path,
            destination: config.destination.clone(),
            wake,
            task,
            stop,
        }
    }

    fn wake(&self) {
        self.wake.notify_one();
    }

    /// Sends the rest, bounded in time, and fills in what was delivered.
    async fn finish(mut self, record: &mut RunRecord) {
        self.stop.cancel();
        while self.task.join_next().await.is_some() {}
        let mut delivery = Delivery::resume(&self.path);
        if !self.destination.is_nowhere() {
            let mut reason = String::new();
            let uuid = record.uuid.as_str();
            let rest = deliver_rest(&mut delivery, &self.destination, uuid, &mut reason);
            let in_time = tokio::time::timeout(FINAL_DELIVERY, rest).await.is_ok();
            if !in_time || !reason.is_empty() {
                warn!(
                    reason,
                    "the store did not take everything; the rest stays on disk and is sent later"
                );
            }
        }
        record.delivered = delivery.state();
        if self.destination.is_nowhere() {
            record.delivered.pending_attachments = 0;
        }
    }
}

async fn deliver_while_running(
    path: PathBuf,
    client: Client,
    wake: Arc<Notify>,
    stop: CancellationToken,
) {
    let mut delivery = Delivery::resume(&path);
    let mut pause = RETRY;
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = wake.notified() => {}
        }
        while let Err(error) = delivery.deliver_documents(&client).await {
            tracing::debug!(%error, "delivery is postponed");
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(pause) => {}
            }
            pause = (pause * 2).min(RETRY_LIMIT);
        }
        pause = RETRY;
    }
}

/// Tries until everything is delivered or trying again is of no use; `reason` is then why.
async fn deliver_rest(
    delivery: &mut Delivery,
    destination: &Destination,
    uuid: &str,
    reason: &mut String,
) {
    let mut pause = RETRY;
    loop {
        match delivery.deliver(destination, uuid).await {
            Ok(()) => return reason.clear(),
            Err(error) => {
                *reason = error.to_string();
                if !error.is_temporary() {
                    return;
                }
            }
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(RETRY_LIMIT);
    }
}
