//! The runner process: start, prepare, availability, execution, stop.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use canarytrace_driver::{
    Browser, LaunchConfig,
    devtools::{BrowserEvent, ScreencastFrame},
    find_browser, find_chromedriver, remove_workspace,
    webdriver::TimeoutSettings,
};
use canarytrace_evidence::{EvidenceError, LogStream, RunDirectory, Secrets};
use canarytrace_model::{
    RunId,
    documents::{OverheadClass, Rendering, ReportEvent},
    stack::When,
    time::RunClock,
    verdict::{Cause, Verdict},
};
use canarytrace_process::self_usage;
use tokio::sync::{
    Notify,
    mpsc::{self, Sender},
};
use url::Url;

use crate::{
    availability,
    cherry::CherryPath,
    collect::{
        Collectors, bodies, coverage,
        film::Film,
        performance::{EARLY, PerformanceCollector},
    },
    git,
    job::{BrowserTarget, JourneyJob, Mode, RunJob, RunSummary, RunnerMessage},
    journey::Journey,
    judge::{judge_git, judge_launch, judge_load},
    report::{self, Reporter},
    smoke, spec_report,
    step::Stage,
    typed::TypedLines,
};

/// A browser that was started.
struct Ready {
    browser: Browser,
    events: mpsc::Receiver<BrowserEvent>,
    /// It is ready for its first navigation then.
    settled_at: Instant,
}

/// Carries out a job in this process; `go` is notified when the first navigation may begin. Answers the exit code.
pub async fn run_job(job: RunJob, go: Arc<Notify>, typed: TypedLines) -> Result<u8, EvidenceError> {
    let clock = RunClock::start();
    let secrets = Secrets::new(job.secrets.iter().cloned());
    let directory = RunDirectory::open(&job.directory, &job.record, secrets.clone())?;
    let reporter = Reporter::new(directory, job.record.clone(), clock);
    let mut runner = Runner {
        started: Instant::now(),
        job,
        reporter: Some(reporter),
        typed,
    };
    let summary = match runner.run(&go).await {
        Ok(summary) => summary,
        Err(error) => {
            report::tell(&secrets, &RunnerMessage::Failed(error.to_string()));
            return Err(error);
        }
    };
    let exit_code = summary.verdict.exit_code();
    if let Some(reporter) = &runner.reporter {
        reporter.tell(&RunnerMessage::Ended(Box::new(summary)));
    }
    Ok(exit_code)
}

/// A new browser needs so long to become idle.
const SETTLED_MS: u64 = 500;

/// Of `executeAsync`, as WebDriver has it.
const SCRIPT_TIMEOUT: Duration = Duration::from_secs(30);

struct Runner {
    job: RunJob,
    started: Instant,
    /// Lent to the stage while there is one.
    reporter: Option<Reporter>,
    typed: TypedLines,
}

impl Runner {
    fn reporter(&mut self) -> &mut Reporter {
        self.reporter
            .as_mut()
            .expect("the stage has given the reporter back")
    }

    async fn run(&mut self, go: &Notify) -> Result<RunSummary, EvidenceError> {
        let (launched, cloned) = tokio::join!(self.open_browser(), self.clone_scripts());
        match (launched, cloned) {
            (Ok(ready), Ok(revision)) => {
                if let Some(revision) = revision {
                    self.reporter().tell(&RunnerMessage::Revision(revision));
                }
                self.execute(ready, go).await
            }
            (Ok(ready), Err(verdict)) => {
                let problems = ready.browser.close().await.problems;
                self.give_up("GitError", verdict, problems)
            }
            (Err(verdict), _) => self.give_up("BrowserError", verdict, Vec::new()),
        }
    }

    /// The run ends before its first step.
    fn give_up(
        &mut self,
        err_type: &str,
        verdict: Verdict,
        problems: Vec<String>,
    ) -> Result<RunSummary, EvidenceError> {
        let detail = verdict.detail.clone().unwrap_or_default();
        self.reporter().line(&detail);
        self.reporter().lifecycle_error(err_type, &verdict)?;
        Ok(RunSummary {
            problems,
            ..summary(verdict)
        })
    }

    async fn open_browser(&self) -> Result<Ready, Verdict> {
        let config = launch_config(&self.job).map_err(|error| judge_launch(&error))?;
        let opened = match &self.job.browser.target {
            BrowserTarget::Remote(endpoint) => {
                let endpoint = Url::parse(endpoint)
                    .map_err(|error| judge_launch(&format!("end-point `{endpoint}`: {error}")))?;
                Browser::connect(&config, &endpoint).await
            }
            _ => Browser::launch(&config).await,
        };
        let (mut browser, events) = opened.map_err(|error| judge_launch(&error.to_string()))?;
        let page_load = match &self.job.mode {
            Mode::Smoke(smoke) => Duration::from_millis(smoke.open_limit_ms),
            Mode::UserJourney(_) => Duration::from_millis(self.job.step_timeout_ms),
        };
        let timeouts = TimeoutSettings {
            page_load,
            script: Duration::from_millis(self.job.wait_for_timeout_ms).max(SCRIPT_TIMEOUT),
        };
        if let Err(error) = browser.webdriver.set_timeouts(timeouts).await {
            browser.close().await;
            return Err(judge_launch(&error.to_string()));
        }
        let settled_at = Instant::now() + Duration::from_millis(self.job.settle_ms);
        Ok(Ready {
            browser,
            events,
            settled_at,
        })
    }

    async fn clone_scripts(&self) -> Result<Option<String>, Verdict> {
        let Mode::UserJourney(journey) = &self.job.mode else {
            return Ok(None);
        };
        let JourneyJob {
            git: Some(git),
            root,
            ..
        } = journey.as_ref()
        else {
            return Ok(None);
        };
        for folder in [root, &git.home] {
            std::fs::create_dir_all(folder).map_err(|error| {
                Verdict::blame(
                    Cause::Runner,
                    format!("folder {} cannot be made: {error}", folder.display()),
                )
            })?;
        }
        git::clone(git, root)
            .await
            .map(Some)
            .map_err(|error| judge_git(&error))
    }

    async fn execute(&mut self, ready: Ready, go: &Notify) -> Result<RunSummary, EvidenceError> {
        let Ready {
            browser,
            events,
            settled_at,
        } = ready;
        let mut begun = self.started;
        let journey = match &self.job.mode {
            Mode::Smoke(_) => None,
            Mode::UserJourney(journey) => match Journey::load(&self.job, journey, &browser).await {
                Ok(journey) => Some(journey),
                Err(error) => {
                    let verdict = judge_load(&journey.spec, &error);
                    let problems = browser.close().await.problems;
                    return self.give_up(&error.name, verdict, problems);
                }
            },
        };
        let settled_ms = self.job.settle_ms;
        let version = browser.version();
        self.reporter().tell(&RunnerMessage::Browser {
            version,
            settled_ms,
        });
        self.watch_more(&browser).await;
        self.state_pedigree(&browser).await;
        // A page loads up to 50 % slower right after the launch; clone, script and preparation overlap with this wait.
        tokio::time::sleep_until(settled_at.into()).await;
        self.reporter().tell(&RunnerMessage::Prepared);
        if self.job.wait_for_go {
            go.notified().await;
            // The run begins now; what came before was preparation.
            self.reporter().clock = RunClock::start();
            begun = Instant::now();
        }
        if self.job.availability_check {
            for target in self
                .job
                .base_url
                .clone()
                .split(';')
                .filter(|target| !target.is_empty())
            {
                let lines = availability::probe(target.trim()).await;
                lines
                    .into_iter()
                    .for_each(|line| self.reporter().line(line));
            }
        }
        self.test_start(&browser)?;
        if let Some(printed) = self.job.print_environment.take() {
            self.reporter().environment(&printed)?;
        }
        let stored = self.job.collectors.console;
        let (film, frames) = self.film(&browser);
        let collectors = Collectors::start(events, self.reporter().console(stored), frames);
        let reporter = self
            .reporter
            .take()
            .expect("the reporter is here before the stage begins");
        let mut stage = Stage {
            browser,
            collectors,
            performance: PerformanceCollector::default(),
            reporter,
            switches: self.job.collectors,
            film,
            bodies_left: bodies::MAX_RUN,
            visited: false,
            cleared: false,
            page: String::new(),
            vitals: None,
            verdict: Verdict::passed(),
            posted: false,
            control_url: self.job.control_url.clone(),
            deadline: begun + Duration::from_millis(self.job.timeout_ms),
            step: None,
            coverage_taken: false,
            played: Vec::new(),
            typed: self.job.interactive.then(|| Arc::clone(&self.typed)),
            pause_on_failure: self.job.pause_on_failure,
        };
        let outcome = match (&self.job.mode, journey) {
            (Mode::Smoke(smoke), _) => smoke::run(&mut stage, smoke).await,
            (Mode::UserJourney(_), Some(journey)) => journey.run(&mut stage).await,
            (Mode::UserJourney(_), None) => Ok(()),
        };
        self.stop(stage, outcome).await
    }

    /// What every number of this run is to be read with.
    async fn state_pedigree(&mut self, browser: &Browser) {
        let by_hardware = browser.draws_by_hardware().await;
        let (settled, cpus, memory_bytes) = (
            self.job.settle_ms >= SETTLED_MS,
            self.job.cpus,
            self.job.memory_bytes,
        );
        let overhead = &mut self.reporter().overhead;
        overhead.settled = settled;
        overhead.cpus = cpus;
        overhead.memory_bytes = memory_bytes;
        overhead.rendering = by_hardware.map(|by_hardware| {
            if by_hardware {
                Rendering::Hardware
            } else {
                Rendering::Software
            }
        });
    }

    /// Turns on what a run may ask for beyond the usual; what cannot be is said, and no reason to end the run.
    async fn watch_more(&mut self, browser: &Browser) {
        if self.job.collectors.performance_entries
            && let Err(error) = browser.devtools.prepare_pages(EARLY).await
        {
            let text = format!("interactions and long lists of resources are not seen: {error}");
            self.reporter().log(LogStream::Runner, &text);
        }
        if self.job.collectors.coverage {
            match coverage::start(&browser.devtools).await {
                Ok(()) => self.reporter().overhead.class = OverheadClass::Coverage,
                Err(error) => {
                    self.job.collectors.coverage = false;
                    let text = format!("coverage cannot be taken: {error}");
                    self.reporter().log(LogStream::Runner, &text);
                }
            }
        }
        if self.job.collectors.bodies {
            self.reporter().overhead.class = OverheadClass::Bodies;
        }
        if let Some(url) = self.job.attachments_url.clone() {
            self.reporter().keep_attachments_at(url);
        }
        match self.job.post_data_path.as_deref().map(CherryPath::parse) {
            Some(Ok(cherry)) => self.reporter().pick(cherry),
            Some(Err(reason)) => self.reporter().line(reason),
            None => {}
        }
        if let Some(trace) = &self.job.trace {
            let uuid = self.job.record.uuid.as_str();
            let traced = browser
                .devtools
                .trace_requests(&trace.origins, &trace.header, uuid)
                .await;
            if let Err(error) = traced {
                let text = format!("requests do not carry {}: {error}", trace.header);
                self.reporter().log(LogStream::Runner, &text);
            }
        }
    }

    /// Heavier than all else: it is what the class of the run's numbers says.
    fn film(&mut self, browser: &Browser) -> (Option<Film>, Option<Sender<ScreencastFrame>>) {
        if self.job.collectors.filmstrip == When::Never {
            return (None, None);
        }
        self.reporter().overhead.class = OverheadClass::Filmstrip;
        let secrets = self.reporter().secrets().clone();
        let (film, frames) = Film::start(browser.devtools.clone(), secrets.values());
        (Some(film), Some(frames))
    }

    fn test_start(&mut self, browser: &Browser) -> Result<(), EvidenceError> {
        let base_url = self.job.base_url.clone();
        let (host, capabilities) = (browser.host.clone(), browser.requested_capabilities.clone());
        let session = browser.webdriver.session_id().to_owned();
        self.reporter().event(ReportEvent::TestStart, |report| {
            report.selenium_cluster = Some(host);
            report.base_url = Some(base_url);
            report.capabilities = Some(capabilities);
            report.session_id = Some(session);
        })
    }

    async fn stop(
        &mut self,
        stage: Stage,
        outcome: Result<(), EvidenceError>,
    ) -> Result<RunSummary, EvidenceError> {
        let Stage {
            browser,
            collectors,
            mut reporter,
            vitals,
            verdict,
            film,
            played,
            ..
        } = stage;
        let dropped = collectors.dropped_events() + browser.devtools.dropped_events();
        let console_errors = collectors.console_errors();
        let browser_cpu_s = browser.usage().map(|usage| usage.cpu_s);
        if outcome.is_ok() {
            let (steps_ms, total_ms) = (
                reporter.totals.steps_ms,
                u64::try_from(reporter.clock.elapsed().as_millis()).unwrap_or(u64::MAX),
            );
            let passed = verdict.is_passed();
            reporter.event(ReportEvent::TestEnd, |report| {
                report.total_test_steps_duration = Some(steps_ms);
                report.total_runner_duration = Some(total_ms);
                // A run that ended by itself has no `passed`: with it, it would count as a lifecycle error.
                report.verdict = Some(verdict.clone());
            })?;
            reporter.line(format!(
                "{} in chrome - {}",
                if passed { "PASSED" } else { "FAILED" },
                self.job.record.spec
            ));
            let version = browser.webdriver.capabilities().get("browserVersion");
            let block = spec_report::Block {
                spec: &self.job.record.spec,
                browser: version
                    .and_then(|version| version.as_str())
                    .unwrap_or_default(),
                session: browser.webdriver.session_id(),
                steps: &played,
                took: reporter.clock.elapsed(),
            };
            for line in spec_report::lines(&block) {
                reporter.line(line);
            }
        }
        let drift = reporter.clock.wall_clock_drift_ms();
        if drift.abs() > 1000 {
            reporter.log(
                LogStream::Runner,
                &format!("the wall clock moved by {drift} ms during the run"),
            );
        }
        collectors.stop().await;
        let mut dropped_frames = 0;
        if let Some(film) = film {
            dropped_frames = film.dropped();
            film.stop().await;
        }
        let problems = browser.close().await.problems;
        let (totals, overhead) = (reporter.totals, reporter.overhead);
        self.reporter = Some(reporter);
        outcome?;
        Ok(RunSummary {
            vitals,
            transfer_bytes: totals.transfer_bytes,
            requests_failed: totals.requests_failed,
            console_errors,
            dropped_events: dropped,
            dropped_frames,
            browser_cpu_s,
            problems,
            overhead_class: overhead.class,
            ..summary(verdict)
        })
    }
}

fn summary(verdict: Verdict) -> RunSummary {
    let usage = self_usage();
    RunSummary {
        verdict,
        overhead_class: OverheadClass::Light,
        vitals: None,
        transfer_bytes: 0,
        requests_failed: 0,
        console_errors: 0,
        dropped_events: 0,
        dropped_frames: 0,
        browser_cpu_s: None,
        runner_cpu_s: usage.cpu_s,
        runner_peak_rss_bytes: usage.peak_rss_bytes,
        problems: Vec::new(),
    }
}

fn launch_config(job: &RunJob) -> Result<LaunchConfig, String> {
    let browser = &job.browser;
    let search_path = browser.environment.get("PATH").cloned().unwrap_or_default();
    let (binary, chromedriver) = match &browser.target {
        // A remote end-point has its own binaries.
        BrowserTarget::Remote(_) => (
            canarytrace_driver::BrowserBinary {
                path: PathBuf::new(),
                headless_shell: false,
            },
            PathBuf::new(),
        ),
        target => {
            let wanted = match target {
                BrowserTarget::Path(path) => Some(path.as_path()),
                _ => None,
            };
            let binary =
                find_browser(wanted, search_path.as_ref()).map_err(|error| error.to_string())?;
            (
                binary,
                find_chromedriver(search_path.as_ref()).map_err(|error| error.to_string())?,
            )
        }
    };
    Ok(LaunchConfig {
        browser: binary,
        chromedriver,
        headed: browser.headed,
        window: (browser.window.width, browser.window.height),
        arguments: browser.arguments.clone(),
        accept_insecure_certificates: browser.accept_insecure_certificates,
        workspace: workspace_name(&job.record.uuid),
        temporary_folder: temporary_folder(job),
        environment: browser
            .environment
            .iter()
            .map(|(name, value)| (name.into(), value.into()))
            .collect(),
        without_sandbox: browser.without_sandbox,
        command_timeout: Duration::from_millis(job.command_limit_ms),
    })
}

/// The browser's folder of a run.
pub fn workspace_name(uuid: &RunId) -> String {
    format!("canarytrace-{uuid}")
}

fn temporary_folder(job: &RunJob) -> PathBuf {
    job.browser
        .environment
        .get("TMPDIR")
        .map_or_else(|| PathBuf::from("/tmp"), PathBuf::from)
}

/// Removes what the processes of a run may have left outside of its run directory; they must be gone.
pub fn remove_leftovers(uuid: &RunId, temporary_folder: &Path) {
    remove_workspace(&workspace_name(uuid), temporary_folder);
    remove_workspace(&format!("{}-clone", workspace_name(uuid)), temporary_folder);
}

pub(crate) fn remove_leftovers_of(job: &RunJob) {
    remove_leftovers(&job.record.uuid, &temporary_folder(job));
}
