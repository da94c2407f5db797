//! User-journey mode: walks the script's tree as mocha does, one call per hook and test.

use std::{
    sync::OnceLock,
    time::{Duration, Instant},
};

use canarytrace_driver::Browser;
use canarytrace_evidence::{EvidenceError, LogStream};
use canarytrace_model::verdict::{Cause, Verdict};
use canarytrace_script::{
    Call, CallOutcome, Callable, CommandRequest, EngineConfig, EngineOutput, MochaOptions,
    ScriptEngine, ScriptError, ScriptErrorKind, ScriptStyle, SuiteNode, TestNode,
    commands::{CommandContext, command_line, command_name, perform, reply_value, reply_with},
};
use serde_json::json;
use tokio::sync::mpsc;

use crate::{
    facts::{ScriptFailure, StepFacts},
    job::{JourneyJob, JourneyStyle, RunJob},
    product,
    report::StepName,
    step::Stage,
    transpiler::transpiler,
    typed::next_typed,
};

const MEMORY_LIMIT_BYTES: usize = 128 << 20;
const LOAD_LIMIT: Duration = Duration::from_secs(10);
/// Whatever a script asks for.
const MAX_RETRIES: u32 = 100;
const INTERVAL: Duration = Duration::from_millis(100);
/// A command that ended so short a time ago is part of what a script waits for: it asks again and again.
const RECENT: Duration = Duration::from_secs(1);

/// A loaded script with its channels.
pub(crate) struct Journey {
    engine: ScriptEngine,
    commands: mpsc::Receiver<CommandRequest>,
    output: mpsc::Receiver<EngineOutput>,
    context: CommandContext,
    step_limit: Duration,
    last_step: Option<StepName>,
    /// The command that was under way, or just over, when the last call failed.
    awaiting: Option<String>,
    /// The engine is in a native loop and takes no more calls.
    /// The first failure ends the run.
    bail: bool,
    log_commands: bool,
    /// How often the running test may be tried again, as it said last.
    retries: u32,
}

/// Hooks that enclose a test, in the order they run; each with the depth of its suite.
#[derive(Clone, Default)]
struct Enclosing {
    titles: Vec<String>,
    before_each: Vec<(usize, Callable)>,
    after_each: Vec<(usize, Callable)>,
}

/// What a failure ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Aborted {
    No,
    /// The suite at this depth and what is in it.
    Suite(usize),
    /// Everything: `bail`.
    Run,
}

fn first_test(node: &SuiteNode) -> Option<&TestNode> {
    let own = node.tests.iter().find(|test| !test.pending);
    own.or_else(|| node.suites.iter().find_map(first_test))
}

/// `browser.config`: what the run was given, else WebdriverIO's own defaults.
fn configuration(job: &RunJob, journey: &JourneyJob, browser: &Browser) -> serde_json::Value {
    let value = |name: &str| journey.environment.get(name).cloned().unwrap_or_default();
    let wait_ms = journey
        .wait_for_timeout_ms
        .unwrap_or(job.wait_for_timeout_ms);
    let mut explicit = Vec::new();
    if journey.base_url.is_some() {
        explicit.push("baseUrl");
    }
    if journey.wait_for_timeout_ms.is_some() {
        explicit.push("waitforTimeout");
    }
    json!({
        "explicit": explicit, "interactive": job.interactive,
        "username": value("USER"), "password": value("PASS"), "baseUrl": journey.base_url,
        "waitforTimeout": wait_ms, "waitforInterval": INTERVAL.as_millis() as u64,
        "stepTimeout": job.step_timeout_ms,
        "services": {
            "audit": value("PT_AUDIT") == "allow", "coverage": job.collectors.coverage,
            "hero": job.collectors.hero_elements, "store": true,
        },
        "logLevel": "warn", "connectionRetryCount": 1,
        "capabilities": browser.webdriver.capabilities(), "sessionId": browser.webdriver.session_id(),
    })
}

/// Hosts that the script may ask: that of the base URL, and those that were allowed.
fn fetch_hosts(journey: &JourneyJob) -> Vec<String> {
    let base = journey.base_url.as_deref().and_then(|base| {
        let url = url::Url::parse(base).ok()?;
        url.host_str().map(str::to_owned)
    });
    base.into_iter()
        .chain(journey.fetch_hosts.iter().cloned())
        .collect()
}

/// The configuration that was asked for, or the one that WebdriverIO would take.
fn configuration_file(journey: &JourneyJob) -> Result<Option<String>, ScriptError> {
    if let Some(file) = &journey.configuration_file {
        if !journey.root.join(file).is_file() {
            return Err(ScriptError {
                kind: ScriptErrorKind::Missing,
                name: "Error".to_owned(),
                message: format!("configuration `{file}` does not exist in the scripts' folder"),
                place: None,
                stack: String::new(),
            });
        }
        return Ok(Some(file.clone()));
    }
    let names =
        ["ts", "js", "mts", "mjs", "cts", "cjs"].map(|ending| format!("wdio.conf.{ending}"));
    let mut found = names.into_iter();
    Ok(found.find(|name| journey.root.join(name).is_file()))
}

impl Journey {
    pub(crate) async fn load(
        job: &RunJob,
        journey: &JourneyJob,
        browser: &Browser,
    ) -> Result<Self, ScriptError> {
        let environment = journey.environment.clone();
        let configuration_file = configuration_file(journey)?;
        let config = EngineConfig {
            root: journey.root.clone(),
            spec: journey.spec.clone(),
            style: match journey.style {
                JourneyStyle::Detect => ScriptStyle::Detect,
                JourneyStyle::Async => ScriptStyle::Asynchronous,
                JourneyStyle::Sync => ScriptStyle::Blocking,
            },
            configuration_file,
            mocha: MochaOptions::default(),
            configuration: configuration(job, journey, browser),
            environment,
            memory_limit_bytes: MEMORY_LIMIT_BYTES,
            load_limit: LOAD_LIMIT,
            transpiler: transpiler(),
            interceptions: browser.devtools.interceptions().clone(),
            bidi_events: browser.bidi.events().clone(),
        };
        browser.devtools.navigations().keep();
        let (engine, commands, output) = ScriptEngine::start(config).await?;
        let bail = engine.tree().bail;
        let context = CommandContext {
            base_url: journey.base_url.clone(),
            root: journey.root.clone(),
            schemes: journey.schemes.clone(),
            fetch_hosts: fetch_hosts(journey),
            http: OnceLock::new(),
            attachments: job.directory.join("attachments"),
            secrets: job.secrets.clone().into(),
        };
        Ok(Self {
            engine,
            commands,
            output,
            context,
            step_limit: Duration::from_millis(job.step_timeout_ms),
            last_step: None,
            awaiting: None,
            bail,
            log_commands: journey.log_commands,
            retries: 0,
        })
    }

    pub(crate) async fn run(mut self, stage: &mut Stage) -> Result<(), EvidenceError> {
        let tree = self.engine.tree().clone();
        if tree.test_count() == 0 {
            stage.verdict = Verdict::blame(
                Cause::Script,
                "the script declares no test: there is no `it` in it",
            );
        }
        self.suite(stage, &tree, Enclosing::default()).await?;
        self.drain_output(stage);
        if let Some(step) = self.last_step.take() {
            stage.leftovers(&step)?;
        }
        self.engine.stop();
        Ok(())
    }

    async fn suite(
        &mut self,
        stage: &mut Stage,
        node: &SuiteNode,
        mut enclosing: Enclosing,
    ) -> Result<Aborted, EvidenceError> {
        if !node.title.is_empty() {
            enclosing.titles.push(node.title.clone());
            stage.suite(&node.title, &enclosing.titles.join(" "))?;
        }
        let depth = enclosing.titles.len();
        let each = |hooks: &[Callable]| {
            hooks
                .iter()
                .map(|hook| (depth, hook.clone()))
                .collect::<Vec<_>>()
        };
        enclosing.before_each.extend(each(&node.before_each));
        enclosing.after_each.splice(0..0, each(&node.after_each));
        // As mocha does: hooks of a suite in which nothing would run are left alone.
        if !node.has_runnable() {
            return Ok(Aborted::No);
        }
        let mut aborted = self
            .hooks(stage, &node.before, &enclosing, first_test(node))
            .await?;
        for test in node.tests.iter().filter(|test| !test.pending) {
            if aborted != Aborted::No {
                break;
            }
            aborted = self.test(stage, test, &enclosing).await?;
        }
        for child in &node.suites {
            if aborted != Aborted::No {
                break;
            }
            aborted = Box::pin(self.suite(stage, child, enclosing.clone())).await?;
        }
        let ended = self.hooks(stage, &node.after, &enclosing, None).await?;
        let aborted = match (aborted, ended) {
            (Aborted::Run, _) | (_, Aborted::Run) => Aborted::Run,
            (Aborted::No, ended) => ended,
            (aborted, _) => aborted,
        };
        Ok(match aborted {
            // A hook that failed ends the suite it belongs to, not those around it.
            Aborted::Suite(of) if of >= depth => Aborted::No,
            aborted => aborted,
        })
    }

    /// Runs the `before` or `after` hooks of a suite; one that fails is a failed step of its own and ends the suite.
    async fn hooks(
        &mut self,
        stage: &mut Stage,
        hooks: &[Callable],
        enclosing: &Enclosing,
        before: Option<&TestNode>,
    ) -> Result<Aborted, EvidenceError> {
        for hook in hooks {
            let test = before.map(|test| test.id);
            if let Err(error) = self.call(stage, hook.id, test, 0, hook.timeout).await {
                let ended = Aborted::Suite(enclosing.titles.len());
                if error.kind == ScriptErrorKind::Skipped {
                    return Ok(ended);
                }
                let place = match (before, enclosing.titles.last()) {
                    (Some(test), _) => format!(" for \"{}\"", test.title),
                    (None, Some(suite)) => format!(" in \"{suite}\""),
                    (None, None) => String::new(),
                };
                let title = format!("{}{place}", hook.title);
                let (parent, full_title) = names(enclosing, &title);
                let step = stage.begin(&title, &parent, full_title)?;
                self.last_step = Some(step.name.clone());
                let awaiting = self.awaiting.take();
                let excerpt = self.excerpt(&error);
                stage.end(step, facts(error, excerpt, awaiting)).await?;
                return Ok(if self.bail { Aborted::Run } else { ended });
            }
        }
        Ok(Aborted::No)
    }

    async fn test(
        &mut self,
        stage: &mut Stage,
        test: &TestNode,
        enclosing: &Enclosing,
    ) -> Result<Aborted, EvidenceError> {
        let (parent, full_title) = names(enclosing, &test.title);
        let step = stage.begin(&test.title, &parent, full_title)?;
        self.last_step = Some(step.name.clone());
        let mut outcome = Ok(());
        let mut aborted = Aborted::No;
        self.retries = test.retries;
        for attempt in 0.. {
            (outcome, aborted) = self.attempt(stage, test, enclosing, attempt).await;
            let failed = matches!(&outcome, Err(error) if error.kind != ScriptErrorKind::Skipped);
            let again = failed && attempt < self.retries.min(MAX_RETRIES);
            if !again || aborted != Aborted::No || stage.time_left().is_zero() {
                break;
            }
        }
        let step_facts = match outcome {
            Err(error) if error.kind != ScriptErrorKind::Skipped => {
                let excerpt = self.excerpt(&error);
                facts(error, excerpt, self.awaiting.take())
            }
            _ => StepFacts::default(),
        };
        let failed = step_facts.script.is_some();
        stage.end_journey_step(step, step_facts, failed).await?;
        Ok(if failed && self.bail {
            Aborted::Run
        } else {
            aborted
        })
    }

    /// A test once, with the hooks around it; a hook that fails ends the suite it belongs to.
    async fn attempt(
        &mut self,
        stage: &mut Stage,
        test: &TestNode,
        enclosing: &Enclosing,
        attempt: u32,
    ) -> (Result<(), ScriptError>, Aborted) {
        let mut outcome = Ok(());
        let mut aborted = Aborted::No;
        for (depth, hook) in &enclosing.before_each {
            outcome = self
                .call(stage, hook.id, Some(test.id), attempt, hook.timeout)
                .await;
            if let Err(error) = &outcome {
                if error.kind != ScriptErrorKind::Skipped {
                    aborted = Aborted::Suite(*depth);
                }
                break;
            }
        }
        if outcome.is_ok() {
            outcome = self.call(stage, test.id, None, attempt, test.timeout).await;
        }
        for (depth, hook) in &enclosing.after_each {
            // Hooks of suites inside the one that ended are left out.
            if matches!(aborted, Aborted::Suite(of) if *depth > of) {
                continue;
            }
            let ended = self
                .call(stage, hook.id, Some(test.id), attempt, hook.timeout)
                .await;
            if ended.is_err() {
                aborted = Aborted::Suite(*depth);
                outcome = outcome.and(ended);
                break;
            }
        }
        (outcome, aborted)
    }

    /// Runs one hook or test, performing its commands meanwhile.
    async fn call(
        &mut self,
        stage: &mut Stage,
        id: u32,
        test: Option<u32>,
        attempt: u32,
        timeout: Option<u64>,
    ) -> Result<(), ScriptError> {
        let limit = match timeout {
            None | Some(0) => self.step_limit,
            Some(milliseconds) => Duration::from_millis(milliseconds),
        };
        let at_most = stage.time_left();
        let call = Call {
            id,
            test,
            attempt,
            limit: limit.min(at_most),
            at_most,
        };
        let outcome = self.call_and_perform(stage, call).await;
        self.drain_output(stage);
        self.retries = outcome.retries;
        outcome.result
    }

    async fn call_and_perform(&mut self, stage: &mut Stage, call: Call) -> CallOutcome {
        let Self {
            engine,
            commands,
            output,
            context,
            awaiting,
            log_commands,
            ..
        } = self;
        let mut latest: Option<(String, Instant)> = None;
        *awaiting = None;
        let calling = engine.call(call);
        tokio::pin!(calling);
        loop {
            tokio::select! {
                biased;
                outcome = &mut calling => {
                    *awaiting = latest
                        .filter(|(_, ended)| ended.elapsed() < RECENT)
                        .map(|(name, _)| name);
                    return outcome;
                }
                Some(said) = output.recv() => say(stage, said),
                Some(request) = commands.recv() => {
                    let name = command_name(&request);
                    // What the script said before it comes before it.
                    while let Ok(said) = output.try_recv() {
                        say(stage, said);
                    }
                    if *log_commands && let Some(line) = command_line(&request) {
                        stage.reporter.line(format!("[0-0] INFO webdriver: {line}"));
                    }
                    if request.name == "debug" {
                        let line = typed_line(stage, output).await;
                        reply_value(request, &json!({"line": line}));
                        continue;
                    }
                    if request.name == "reloadSession" {
                        reload_session(stage, request).await;
                        latest = Some((name, Instant::now()));
                        continue;
                    }
                    if product::is_ours(&request.name) {
                        product::perform(stage, request).await;
                        latest = Some((name, Instant::now()));
                        continue;
                    }
                    let performing = perform(&stage.browser, context, request);
                    tokio::select! {
                        outcome = &mut calling => {
                            *awaiting = Some(name);
                            return outcome;
                        }
                        () = performing => latest = Some((name, Instant::now())),
                    }
                }
            }
        }
    }

    /// The failing line with its neighbours, as a person reads it.
    fn excerpt(&self, error: &ScriptError) -> Option<String> {
        const NEIGHBOURS: usize = 2;
        const MAX_WIDTH: usize = 160;
        let mut parts = error.place.as_deref()?.rsplitn(3, ':');
        let column: usize = parts.next()?.parse().ok()?;
        let line: usize = parts.next()?.parse().ok()?;
        let source = std::fs::read_to_string(self.context.root.join(parts.next()?)).ok()?;
        let first = line.saturating_sub(NEIGHBOURS).max(1);
        let mut shown = Vec::new();
        for (number, text) in source.lines().enumerate().map(|(at, text)| (at + 1, text)) {
            if number < first || number > line + NEIGHBOURS {
                continue;
            }
            let mark = if number == line { '>' } else { ' ' };
            let text: String = text.chars().take(MAX_WIDTH).collect();
            shown.push(format!("{mark} {number:>4} | {text}"));
            if number == line && column <= MAX_WIDTH {
                shown.push(format!(
                    "       | {}^",
                    " ".repeat(column.saturating_sub(1))
                ));
            }
        }
        Some(shown.join("\n"))
    }

    fn drain_output(&mut self, stage: &mut Stage) {
        while let Ok(said) = self.output.try_recv() {
            say(stage, said);
        }
    }
}

/// The script goes on in a new session.
async fn reload_session(stage: &mut Stage, request: CommandRequest) {
    match stage.browser.renew().await {
        Ok(()) => {
            let webdriver = &stage.browser.webdriver;
            let session = json!({
                "sessionId": webdriver.session_id(), "capabilities": webdriver.capabilities(),
            });
            reply_value(request, &session);
        }
        Err(error) => reply_with(request, Err(format!("reloadSession: {error}"))),
    }
}

/// What a person types next, while what the script says goes on being shown.
async fn typed_line(
    stage: &mut Stage,
    output: &mut mpsc::Receiver<EngineOutput>,
) -> Option<String> {
    let typed = stage.typed.clone()?;
    loop {
        tokio::select! {
            line = next_typed(&typed) => return line,
            Some(said) = output.recv() => say(stage, said),
        }
    }
}

fn say(stage: &mut Stage, said: EngineOutput) {
    match said {
        EngineOutput::Console { level, text } => {
            stage
                .reporter
                .log(LogStream::Script, &format!("{level}: {text}"));
            stage.reporter.line(format!("[0-0] {text}"));
        }
        EngineOutput::Line(text) => stage.reporter.line(text),
    }
}

fn names(enclosing: &Enclosing, title: &str) -> (String, String) {
    let parent = enclosing.titles.last().cloned().unwrap_or_default();
    let full_title = enclosing
        .titles
        .iter()
        .map(String::as_str)
        .chain([title])
        .collect::<Vec<_>>()
        .join(" ");
    (parent, full_title)
}

fn facts(error: ScriptError, excerpt: Option<String>, awaiting: Option<String>) -> StepFacts {
    let gone = (error.kind == ScriptErrorKind::Browser).then(|| error.message.clone());
    let net_error = (error.kind == ScriptErrorKind::Navigation)
        .then(|| {
            error.message.split("net::ERR_").nth(1).map(|rest| {
                format!(
                    "net::ERR_{}",
                    rest.split(|c: char| !(c.is_ascii_uppercase() || c == '_'))
                        .next()
                        .unwrap_or_default()
                )
            })
        })
        .flatten();
    StepFacts {
        browser_gone: gone,
        net_error,
        script: Some(ScriptFailure {
            kind: error.kind,
            name: error.name,
            message: error.message,
            place: error.place,
            excerpt,
            awaiting,
        }),
        ..StepFacts::default()
    }
}
