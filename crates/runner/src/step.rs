//! One test step: begin, do, collect, judge, end.

use std::time::{Duration, Instant};

use canarytrace_driver::{Area, Browser};
use canarytrace_evidence::{EvidenceError, LogStream};
use canarytrace_model::{
    ActionId,
    documents::{CacheState, HostPressure, ReportEvent, Vitals},
    record::StepRecord,
    verdict::Verdict,
};
use canarytrace_process::{
    HostSample, OwnGroupSample, host_sample, own_group_sample, sibling_groups,
};

use crate::{
    collect::{
        Collectors,
        film::{Film, now_ms},
        memory::MemorySampler,
        network::Exchange,
        performance::PerformanceCollector,
    },
    collection::Visit,
    facts::{HostFacts, StepFacts},
    gather,
    job::{CollectorSwitches, RunnerMessage},
    judge::judge,
    report::{Reporter, StepName},
    spec_report::Played,
    supervisor::RUN_GROUP,
    typed::{TypedLines, next_typed},
};

/// Everything a step works with.
#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) browser: Browser,
    pub(crate) collectors: Collectors,
    pub(crate) performance: PerformanceCollector,
    pub(crate) reporter: Reporter,
    pub(crate) switches: CollectorSwitches,
    pub(crate) film: Option<Film>,
    /// Bytes of response bodies that the run may still keep.
    pub(crate) bodies_left: usize,
    /// A page was opened in this run.
    pub(crate) visited: bool,
    /// Cookies and cache were cleared after the latest page.
    pub(crate) cleared: bool,
    /// The latest page that was opened.
    pub(crate) page: String,
    /// Of the first page that was timed.
    pub(crate) vitals: Option<Vitals>,
    /// Of the first step that was not passed.
    pub(crate) verdict: Verdict,
    /// A form was sent to the site.
    pub(crate) posted: bool,
    /// Asked when the network fails.
    pub(crate) control_url: Option<String>,
    /// The run is to be over by then.
    pub(crate) deadline: Instant,
    /// The step that is going on, or went on last.
    pub(crate) step: Option<StepName>,
    /// Of a person at a terminal.
    pub(crate) typed: Option<TypedLines>,
    pub(crate) pause_on_failure: bool,
    /// What was played so far.
    pub(crate) played: Vec<Played>,
    /// The script has taken this step's coverage itself.
    pub(crate) coverage_taken: bool,
}

/// A step that has begun.
#[derive(Debug)]
pub(crate) struct OpenStep {
    pub(crate) name: StepName,
    started: Instant,
    host: HostSample,
    group: OwnGroupSample,
    pub(crate) memory: Option<MemorySampler>,
}

const NAVIGATION_SETTLE: Duration = Duration::from_secs(2);
/// How much longer a page that does not answer is waited for.
const BUSY_LIMIT: Duration = Duration::from_secs(3);
const EVIDENCE_LIMIT: Duration = Duration::from_secs(15);

impl Stage {
    pub(crate) fn suite(&mut self, title: &str, full_title: &str) -> Result<(), EvidenceError> {
        self.reporter.event(ReportEvent::SuiteStart, |report| {
            report.title = Some(title.to_owned());
            report.full_title = Some(full_title.to_owned());
        })
    }

    pub(crate) fn begin(
        &mut self,
        title: &str,
        parent: &str,
        full_title: String,
    ) -> Result<OpenStep, EvidenceError> {
        let name = StepName {
            action: ActionId::random(),
            title: title.to_owned(),
            full_title,
            parent: parent.to_owned(),
        };
        self.step = Some(name.clone());
        self.reporter
            .event(ReportEvent::TestStepStart, |report| set_name(report, &name))?;
        self.reporter
            .line(format!("testStepStart: {parent} {title}"));
        // A smoke check clears the cache before each URL; a journey has a cold one until its first page.
        self.reporter.overhead.cache = if self.visited && !self.cleared {
            CacheState::Warm
        } else {
            CacheState::Cold
        };
        self.reporter.overhead.other_runs = sibling_groups(RUN_GROUP);
        self.reporter.tell(&RunnerMessage::Timed(true));
        self.collectors.begin_step(&name);
        if let Some(film) = &self.film {
            film.begin(now_ms());
        }
        Ok(OpenStep {
            name,
            started: Instant::now(),
            host: host_sample(),
            group: own_group_sample(),
            memory: self
                .switches
                .memory
                .then(|| MemorySampler::start(self.browser.devtools.clone(), self.reporter.clock)),
        })
    }

    /// Ends a step: its duration is taken first, what is collected afterwards does not count.
    pub(crate) async fn end(
        &mut self,
        mut step: OpenStep,
        mut facts: StepFacts,
    ) -> Result<Verdict, EvidenceError> {
        let duration = step.started.elapsed();
        let strip = self.film.as_ref().map(Film::end).unwrap_or_default();
        let now = host_sample();
        let host = pressure(&step.host, &now, duration);
        let navigation = self.collectors.navigation();
        let navigated = navigation.is_some();
        self.collectors.end_step();
        if let Some(navigation) = navigation {
            self.page = navigation.url.clone();
            facts.unanswered = navigation.status.is_none();
            facts.url.get_or_insert(navigation.url);
            if facts.status_counts {
                facts.status = facts.status.or(navigation.status);
            }
        }
        if facts.browser_gone.is_none() {
            facts.browser_gone = self.collectors.browser_gone().map(str::to_owned);
        }
        let alive = facts.browser_gone.is_none();
        self.visited |= navigated;
        self.cleared &= !navigated;
        facts.host = host_facts(&host, &step, &now, duration);
        facts.dialog = self.collectors.dialog().filter(|_| alive);
        if facts.dialog.is_some() {
            // The page stands still until it is answered.
            let dismissed = self.browser.webdriver.dismiss_alert();
            tokio::time::timeout(EVIDENCE_LIMIT, dismissed).await.ok();
        }
        if gather::is_failing(&facts) {
            // Now, not after the collectors: a page goes on, and what failed it passes.
            self.gather(&mut facts, alive).await;
        }
        // Before the first visit there is only the browser's own empty page.
        let is_page = alive && self.visited && facts.net_error.is_none();
        let timeline = if is_page && self.switches.performance_entries {
            self.read_timeline(navigated).await
        } else {
            None
        };
        self.reporter.tell(&RunnerMessage::Timed(false));
        let exchanges = self.collectors.take_exchanges(false);
        self.posted |= exchanges.iter().any(is_form);
        let visit = Visit {
            navigated,
            timeline,
            exchanges,
            host: host.clone(),
        };
        self.collect(&mut step, visit, is_page).await?;
        let exceptions = self.collectors.end_console()?;
        let page = facts.url.clone().unwrap_or_else(|| self.page.clone());
        facts.exceptions = gather::exception_facts(&page, &exceptions);
        let verdict = judge(&facts);
        if self.switches.filmstrip.is_wanted(verdict.is_passed()) {
            self.reporter.filmstrip(&step.name, strip)?;
        }
        let mut screenshot = None;
        if alive && self.page_answers(&facts, &step.name).await {
            screenshot = self.screenshot(&step.name, &verdict).await?;
            self.dom_copy(&step.name, &verdict).await?;
        }
        self.close(&step.name, duration, &verdict, screenshot, host)?;
        if !verdict.is_passed() && self.pause_on_failure && alive {
            self.pause(&step.name, &verdict).await;
        }
        Ok(verdict)
    }

    /// Leaves the browser as it is until a person goes on.
    async fn pause(&mut self, step: &StepName, verdict: &Verdict) {
        let Some(typed) = self.typed.clone() else {
            return;
        };
        let detail = verdict.detail.as_deref().unwrap_or_default();
        self.reporter.line(format!(
            "paused: {} failed: {detail}; press Enter to go on",
            step.full_title
        ));
        next_typed(&typed).await;
    }

    async fn gather(&mut self, facts: &mut StepFacts, alive: bool) {
        if alive {
            gather::ask_browser(&self.browser, facts).await;
        }
        gather::ask_network(facts, self.control_url.as_deref()).await;
        let page = facts.url.clone().unwrap_or_else(|| self.page.clone());
        facts.requests = self
            .collectors
            .look(|exchanges| gather::request_facts(&page, exchanges.iter()));
        facts.posted = self.posted
            || self
                .collectors
                .look(|exchanges| exchanges.iter().any(is_form));
    }

    /// What is left of the run's time, less what closing needs.
    pub(crate) fn time_left(&self) -> Duration {
        const CLOSING: Duration = Duration::from_secs(3);
        self.deadline
            .saturating_duration_since(Instant::now())
            .saturating_sub(CLOSING)
            .max(Duration::from_secs(1))
    }

    /// A journey says itself what it expects of a status: an error answer alone fails no step of it.
    pub(crate) async fn end_journey_step(
        &mut self,
        step: OpenStep,
        facts: StepFacts,
        failed: bool,
    ) -> Result<(), EvidenceError> {
        let facts = StepFacts {
            status_counts: failed,
            ..facts
        };
        self.end(step, facts).await.map(drop)
    }

    /// A page that did not answer a moment ago may only be busy: it is given one more chance before its evidence is taken.
    async fn page_answers(&mut self, facts: &StepFacts, step: &StepName) -> bool {
        if facts
            .browser
            .as_ref()
            .is_none_or(|browser| browser.page_answers)
        {
            return true;
        }
        let answer = self.browser.devtools.evaluate(None, "1", BUSY_LIMIT).await;
        if answer.is_err() {
            let title = &step.full_title;
            self.reporter.line(format!(
                "no screenshot of {title}: its page does not answer"
            ));
        }
        answer.is_ok()
    }

    async fn screenshot(
        &mut self,
        step: &StepName,
        verdict: &Verdict,
    ) -> Result<Option<String>, EvidenceError> {
        if !self.switches.screenshot.is_wanted(verdict.is_passed()) {
            return Ok(None);
        }
        let area = if self.switches.full_page {
            Area::FullPage
        } else {
            Area::Viewport
        };
        let secrets = self.reporter.secrets().clone();
        let picture = self.browser.picture(secrets.values(), area);
        match tokio::time::timeout(EVIDENCE_LIMIT, picture).await {
            Ok(Ok(picture)) => self.reporter.screenshot(step, &picture).map(Some),
            Ok(Err(error)) => {
                self.reporter
                    .line(format!("no screenshot of {}: {error}", step.full_title));
                Ok(None)
            }
            Err(_) => Ok(None),
        }
    }

    async fn dom_copy(&mut self, step: &StepName, verdict: &Verdict) -> Result<(), EvidenceError> {
        if !self.switches.dom.is_wanted(verdict.is_passed()) {
            return Ok(());
        }
        let secrets = self.reporter.secrets().clone();
        let copy = self.browser.dom_copy(secrets.values());
        match tokio::time::timeout(EVIDENCE_LIMIT, copy).await {
            Ok(Ok(copy)) => self.reporter.dom_copy(step, &copy),
            Ok(Err(error)) => {
                let text = format!("no copy of the page of {}: {error}", step.full_title);
                self.reporter.log(LogStream::Runner, &text);
                Ok(())
            }
            Err(_) => Ok(()),
        }
    }

    fn close(
        &mut self,
        step: &StepName,
        duration: Duration,
        verdict: &Verdict,
        screenshot: Option<String>,
        host: HostPressure,
    ) -> Result<(), EvidenceError> {
        let duration_ms = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        self.reporter.totals.steps_ms += duration_ms;
        let overhead = self.reporter.overhead;
        let screenshot = screenshot.map(|name| self.reporter.attachment_name(name));
        self.reporter.event(ReportEvent::TestStepEnd, |report| {
            set_name(report, step);
            report.test_step_duration = Some(duration_ms);
            report.passed = Some(verdict.is_passed());
            report.attachments = Some(screenshot.unwrap_or_else(|| "no".to_owned()));
            report.verdict = Some(verdict.clone());
            report.overhead = Some(overhead);
            report.host = Some(host);
            if !verdict.is_passed() {
                report.err_message.clone_from(&verdict.detail);
                let name = verdict
                    .facts
                    .get("errorName")
                    .and_then(serde_json::Value::as_str)
                    .unwrap_or("Error");
                report.err_type = Some(name.to_owned());
            }
        })?;
        self.reporter.line(format!(
            "testStepEnd: {} {} ({duration_ms} ms)",
            step.parent, step.title
        ));
        self.played.push(Played {
            suite: step.parent.clone(),
            title: step.title.clone(),
            passed: verdict.is_passed(),
        });
        self.reporter.tell(&RunnerMessage::Step(StepRecord {
            uuid_action: step.action.to_string(),
            title: step.title.clone(),
            full_title: step.full_title.clone(),
            duration_ms,
            verdict: verdict.clone(),
        }));
        if self.verdict.is_passed() && !verdict.is_passed() {
            self.verdict = verdict.clone();
        }
        Ok(())
    }

    /// What is still open when the run ends belongs to its last step.
    pub(crate) fn leftovers(&mut self, step: &StepName) -> Result<(), EvidenceError> {
        let exchanges = self.collectors.take_exchanges(true);
        self.collectors.end_console()?;
        if self.switches.request_log {
            self.reporter.exchanges(step, &exchanges)?;
        }
        Ok(())
    }

    pub(crate) async fn navigation_settled(&self) -> Option<crate::collect::network::Navigation> {
        self.collectors.navigation_settled(NAVIGATION_SETTLE).await
    }
}

/// A request by which a page sends what was typed.
fn is_form(exchange: &Exchange) -> bool {
    let kind = exchange.request.resource_type.as_deref();
    exchange.request.method == "POST" && matches!(kind, Some("Document" | "XHR" | "Fetch"))
}

fn host_facts(
    host: &HostPressure,
    step: &OpenStep,
    now: &HostSample,
    duration: Duration,
) -> HostFacts {
    let group = own_group_sample();
    let since = |now: Option<u64>, then: Option<u64>| Some(now?.saturating_sub(then?));
    let throttled = since(group.throttled_us, step.group.throttled_us);
    let elapsed_us = duration.as_micros() as f64;
    let own_us = since(group.cpu_us, step.group.cpu_us);
    HostFacts {
        cpu_pressure_percent: host.cpu_pressure_percent,
        others_cpu_percent: own_us.and_then(|own_us| now.others_since(&step.host, own_us)),
        throttled_percent: throttled
            .filter(|microseconds| *microseconds > 0 && elapsed_us > 0.0)
            .map(|microseconds| microseconds as f64 * 100.0 / elapsed_us),
        oom_kills: since(group.oom_kills, step.group.oom_kills).unwrap_or(0),
    }
}

fn set_name(report: &mut canarytrace_model::documents::Report, step: &StepName) {
    report.uuid_action = Some(step.action.clone());
    report.title = Some(step.title.clone());
    report.full_title = Some(step.full_title.clone());
    report.parent = Some(step.parent.clone());
}

fn pressure(before: &HostSample, now: &HostSample, elapsed: Duration) -> HostPressure {
    let (cpu_pressure_percent, steal_percent) = now.since(before, elapsed.as_secs_f64());
    HostPressure {
        cpu_pressure_percent,
        steal_percent,
        load1: now.load1,
    }
}
