//! User-journey mode: walks the script's tree as mocha does, one call per hook and test.

use std::time::{Duration, Instant};

use canarytrace_driver::Browser;
use canarytrace_evidence::{EvidenceError, LogStream};
use canarytrace_model::verdict::{Cause, Verdict};
use canarytrace_script::{
    Callable, CommandRequest, EngineConfig, EngineOutput, ScriptEngine, ScriptError,
    ScriptErrorKind, SuiteNode,
    commands::{CommandContext, perform},
};
use serde_json::json;
use tokio::sync::mpsc;

use crate::{
    facts::{ScriptFailure, StepFacts},
    job::{JourneyJob, RunJob},
    report::StepName,
    step::Stage,
};

const MEMORY_LIMIT_BYTES: usize = 128 << 20;
const LOAD_LIMIT: Duration = Duration::from_secs(10);
const INTERVAL: Duration = Duration::from_millis(100);
/// A command that ended so short a time ago is part of what a script waits for: it asks again and again.
const RECENT: Duration = Duration::from_secs(1);
/// A script that QuickJS cannot interrupt is given up after this; within what closing a run is left.
const UNINTERRUPTIBLE: Duration = Duration::from_millis(1500);

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
    stuck: bool,
}

fn uninterruptible(limit: Duration) -> ScriptError {
    ScriptError {
        kind: ScriptErrorKind::Script,
        name: "Error".to_owned(),
        message: format!(
            "the script did not end within {}ms and could not be interrupted",
            limit.as_millis()
        ),
        place: None,
        stack: String::new(),
    }
}

/// Hooks that enclose a test, outermost first.
#[derive(Clone, Default)]
struct Enclosing {
    titles: Vec<String>,
    before_each: Vec<Callable>,
    after_each: Vec<Callable>,
}

impl Journey {
    pub(crate) async fn load(
        job: &RunJob,
        journey: &JourneyJob,
        browser: &Browser,
    ) -> Result<Self, ScriptError> {
        let environment = journey.environment.clone();
        let value = |name: &str| environment.get(name).cloned().unwrap_or_default();
        let configuration = json!({
            "username": value("USER"), "password": value("PASS"), "baseUrl": journey.base_url,
            "waitforTimeout": job.wait_for_timeout_ms, "waitforInterval": INTERVAL.as_millis() as u64,
            "expectTimeout": 3000, "expectInterval": 100, "logLevel": "warn", "connectionRetryCount": 1,
            "capabilities": browser.webdriver.capabilities(), "sessionId": browser.webdriver.session_id(),
        });
        let config = EngineConfig {
            root: journey.root.clone(),
            spec: journey.spec.clone(),
            environment,
            configuration,
            memory_limit_bytes: MEMORY_LIMIT_BYTES,
            load_limit: LOAD_LIMIT,
        };
        let (engine, commands, output) = ScriptEngine::start(config).await?;
        let context = CommandContext {
            base_url: journey.base_url.clone(),
            interval: INTERVAL,
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
            stuck: false,
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
    ) -> Result<(), EvidenceError> {
        if !node.title.is_empty() {
            enclosing.titles.push(node.title.clone());
            stage.suite(&node.title, &enclosing.titles.join(" "))?;
        }
        enclosing
            .before_each
            .extend(node.before_each.iter().cloned());
        enclosing
            .after_each
            .splice(0..0, node.after_each.iter().cloned());
        if self
            .hooks(stage, &node.before, "before all", &enclosing)
            .await?
        {
            for test in node.tests.iter().filter(|test| !test.pending) {
                self.test(stage, &test.title, test.id, test.timeout, &enclosing)
                    .await?;
            }
            for child in &node.suites {
                Box::pin(self.suite(stage, child, enclosing.clone())).await?;
            }
        }
        self.hooks(stage, &node.after, "after all", &enclosing)
            .await?;
        Ok(())
    }

    /// Runs hooks of a suite; one that fails is a failed step of its own, and answers false.
    async fn hooks(
        &mut self,
        stage: &mut Stage,
        hooks: &[Callable],
        kind: &str,
        enclosing: &Enclosing,
    ) -> Result<bool, EvidenceError> {
        for hook in hooks {
            if let Err(error) = self.call(stage, hook.id, hook.timeout).await {
                if error.kind == ScriptErrorKind::Skipped {
                    return Ok(false);
                }
                let title = format!("\"{kind}\" hook");
                let (parent, full_title) = names(enclosing, &title);
                let step = stage.begin(&title, &parent, full_title)?;
                self.last_step = Some(step.name.clone());
                let awaiting = self.awaiting.take();
                stage.end(step, facts(error, awaiting)).await?;
                return Ok(false);
            }
        }
        Ok(true)
    }

    async fn test(
        &mut self,
        stage: &mut Stage,
        title: &str,
        id: u32,
        timeout: Option<u64>,
        enclosing: &Enclosing,
    ) -> Result<(), EvidenceError> {
        let (parent, full_title) = names(enclosing, title);
        let step = stage.begin(title, &parent, full_title)?;
        self.last_step = Some(step.name.clone());
        let mut outcome = Ok(());
        for hook in &enclosing.before_each {
            if outcome.is_ok() {
                outcome = self.call(stage, hook.id, hook.timeout).await;
            }
        }
        if outcome.is_ok() {
            outcome = self.call(stage, id, timeout).await;
        }
        for hook in &enclosing.after_each {
            let ended = self.call(stage, hook.id, hook.timeout).await;
            outcome = outcome.and(ended);
        }
        let step_facts = match outcome {
            Ok(()) => StepFacts::default(),
            Err(error) => facts(error, self.awaiting.take()),
        };
        let failed = step_facts.script.is_some();
        stage.end_journey_step(step, step_facts, failed).await
    }

    /// Runs one hook or test, performing its commands meanwhile.
    async fn call(
        &mut self,
        stage: &mut Stage,
        id: u32,
        timeout: Option<u64>,
    ) -> Result<(), ScriptError> {
        let limit = match timeout {
            None | Some(0) => self.step_limit,
            Some(milliseconds) => Duration::from_millis(milliseconds),
        };
        if self.stuck {
            return Err(uninterruptible(Duration::ZERO));
        }
        let limit = limit.min(stage.time_left());
        let outcome = self.call_and_perform(stage, id, limit).await;
        self.drain_output(stage);
        outcome.unwrap_or_else(|| {
            self.stuck = true;
            Err(uninterruptible(limit))
        })
    }

    /// None: the engine did not come back.
    async fn call_and_perform(
        &mut self,
        stage: &mut Stage,
        id: u32,
        limit: Duration,
    ) -> Option<Result<(), ScriptError>> {
        let Self {
            engine,
            commands,
            output,
            context,
            awaiting,
            ..
        } = self;
        let mut latest: Option<(String, Instant)> = None;
        *awaiting = None;
        let calling = tokio::time::timeout(limit + UNINTERRUPTIBLE, engine.call(id, limit));
        tokio::pin!(calling);
        loop {
            tokio::select! {
                biased;
                outcome = &mut calling => {
                    *awaiting = latest
                        .filter(|(_, ended)| ended.elapsed() < RECENT)
                        .map(|(name, _)| name);
                    return outcome.ok();
                }
                Some(said) = output.recv() => say(stage, said),
                Some(request) = commands.recv() => {
                    let name = request.name.clone();
                    let performing = perform(&stage.browser, context, request);
                    tokio::select! {
                        outcome = &mut calling => {
                            *awaiting = Some(name);
                            return outcome.ok();
                        }
                        () = performing => latest = Some((name, Instant::now())),
                    }
                }
            }
        }
    }

    fn drain_output(&mut self, stage: &mut Stage) {
        while let Ok(said) = self.output.try_recv() {
            say(stage, said);
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

fn facts(error: ScriptError, awaiting: Option<String>) -> StepFacts {
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
            awaiting,
        }),
        ..StepFacts::default()
    }
}
