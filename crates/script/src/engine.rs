//! One QuickJS engine on a thread of its own.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use canarytrace_driver::{BidiEvents, devtools::Interceptions};
use rquickjs::{
    AsyncContext, AsyncRuntime, CatchResultExt, Ctx, Function, Object, Persistent, Promise,
    context::EvalOptions, module::Module, prelude::Func,
};
use serde_json::{Value as Json, json};
use tokio::sync::{Notify, mpsc, oneshot};

use crate::{
    CommandRequest, EngineOutput, ScriptError, ScriptErrorKind, SuiteNode, Transpiler,
    error::{internal, script_error},
    files::ScriptFiles,
    host::{Host, install_globals},
    loader::evaluate_commonjs,
};

/// How a script's commands are meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ScriptStyle {
    /// Asynchronous when the spec, or a file of the repository that it imports, uses `await` or `async`.
    #[default]
    Detect,
    /// A command answers a promise.
    Asynchronous,
    /// A command returns when it is done.
    Blocking,
}

/// mocha's options.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MochaOptions {
    /// `bdd`, `tdd` or `qunit`.
    pub interface: Option<String>,
    /// A pattern that full titles must match.
    pub grep: Option<String>,
    pub bail: bool,
    pub retries: u32,
}

/// What a script runs with.
#[derive(Clone, Debug)]
pub struct EngineConfig {
    /// The folder whose files may be imported.
    pub root: PathBuf,
    /// The spec, relative to the root.
    pub spec: String,
    pub style: ScriptStyle,
    /// A WebdriverIO configuration, relative to the root.
    pub configuration_file: Option<String>,
    pub mocha: MochaOptions,
    /// `process.env`.
    pub environment: BTreeMap<String, String>,
    /// `browser.config`.
    pub configuration: Json,
    pub memory_limit_bytes: usize,
    /// Of loading the spec.
    pub load_limit: Duration,
    pub transpiler: Option<Transpiler>,
    /// The rules that the script's mocks are.
    pub interceptions: Interceptions,
    /// What the browser tells a script that speaks BiDi.
    pub bidi_events: BidiEvents,
}

/// One hook or test to run.
#[derive(Clone, Copy, Debug)]
pub struct Call {
    pub id: u32,
    /// The test that a hook runs for.
    pub test: Option<u32>,
    /// 0, or how often the test was tried before.
    pub attempt: u32,
    pub limit: Duration,
    /// What `this.timeout(…)` and a person's debugging may make of the limit.
    pub at_most: Duration,
}

struct Request {
    call: Call,
    reply: oneshot::Sender<CallOutcome>,
}

/// What came of a hook or test.
#[derive(Clone, Debug, PartialEq)]
pub struct CallOutcome {
    pub result: Result<(), ScriptError>,
    /// How often the test may be tried again, as it says by now.
    pub retries: u32,
}

impl From<ScriptError> for CallOutcome {
    fn from(error: ScriptError) -> Self {
        Self {
            result: Err(error),
            retries: 0,
        }
    }
}

/// A loaded script.
#[derive(Debug)]
pub struct ScriptEngine {
    requests: mpsc::Sender<Request>,
    tree: SuiteNode,
    style: ScriptStyle,
    thread: Option<thread::JoinHandle<()>>,
    deadline: Deadline,
    /// A call did not come back: there is nobody to run another.
    stuck: AtomicBool,
}

type Loaded = Result<(SuiteNode, ScriptStyle), ScriptError>;
/// Beyond a deadline, for the engine's way out.
const GRACE: Duration = Duration::from_millis(1500);
const COMMAND_QUEUE: usize = 64;
const OUTPUT_QUEUE: usize = 4096;
const STACK_BYTES: usize = 1 << 20;
/// The thread's own stack must hold the engine's with room for native frames.
const THREAD_STACK_BYTES: usize = 8 << 20;

impl ScriptEngine {
    /// Loads the spec. Commands arrive at the first receiver, output at the second.
    pub async fn start(
        config: EngineConfig,
    ) -> Result<
        (
            Self,
            mpsc::Receiver<CommandRequest>,
            mpsc::Receiver<EngineOutput>,
        ),
        ScriptError,
    > {
        let (commands, command_receiver) = mpsc::channel(COMMAND_QUEUE);
        let (output, output_receiver) = mpsc::channel(OUTPUT_QUEUE);
        let (requests, request_receiver) = mpsc::channel(1);
        let (loaded, loading) = oneshot::channel();
        let deadline = Deadline::default();
        let load_limit = config.load_limit;
        let host = Host {
            commands,
            output,
            deadline: deadline.clone(),
            files: ScriptFiles::new(&config.root, config.transpiler),
            interceptions: config.interceptions.clone(),
            bidi_events: config.bidi_events.clone(),
        };
        let thread = thread::Builder::new()
            .name("script".to_owned())
            .stack_size(THREAD_STACK_BYTES)
            .spawn(move || run_thread(config, host, request_receiver, loaded))
            .map_err(|error| {
                internal(&format!("the script's thread cannot be started: {error}"))
            })?;
        let (tree, style) = tokio::select! {
            loaded = loading => loaded.map_err(|_| internal("the script's thread ended"))??,
            () = deadline.overdue() => return Err(uninterruptible(load_limit)),
        };
        Ok((
            Self {
                requests,
                tree,
                style,
                thread: Some(thread),
                deadline,
                stuck: AtomicBool::new(false),
            },
            command_receiver,
            output_receiver,
        ))
    }

    /// What the spec declared.
    pub fn tree(&self) -> &SuiteNode {
        &self.tree
    }

    /// How its commands are meant; never [`ScriptStyle::Detect`].
    pub fn style(&self) -> ScriptStyle {
        self.style
    }

    /// Runs one hook or test under its deadline. After a call that could not be interrupted each further one fails.
    pub async fn call(&self, call: Call) -> CallOutcome {
        if self.stuck.load(Ordering::Relaxed) {
            return uninterruptible(Duration::ZERO).into();
        }
        let (reply, answer) = oneshot::channel();
        let calling = async {
            self.requests.send(Request { call, reply }).await.ok()?;
            answer.await.ok()
        };
        tokio::select! {
            outcome = calling => outcome.unwrap_or_else(|| internal("the script's thread ended").into()),
            () = self.deadline.overdue() => {
                self.stuck.store(true, Ordering::Relaxed);
                uninterruptible(call.limit).into()
            }
        }
    }

    /// Ends the engine; a script that cannot be interrupted keeps its thread until the process ends.
    pub fn stop(mut self) {
        let thread = self.thread.take();
        drop(self);
        if thread.is_some_and(|thread| !thread.is_finished()) {
            tracing::debug!("the script's thread is still ending");
        }
    }
}

fn run_thread(
    config: EngineConfig,
    host: Host,
    requests: mpsc::Receiver<Request>,
    loaded: oneshot::Sender<Loaded>,
) {
    let runtime = match tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            loaded.send(Err(internal(&error.to_string()))).ok();
            return;
        }
    };
    runtime.block_on(serve(config, host, requests, loaded));
}

async fn serve(
    config: EngineConfig,
    host: Host,
    mut requests: mpsc::Receiver<Request>,
    loaded: oneshot::Sender<Loaded>,
) {
    let (engine, tree) = match Engine::load(&config, host).await {
        Ok(opened) => opened,
        Err(error) => {
            loaded.send(Err(error)).ok();
            return;
        }
    };
    if loaded.send(Ok((tree, engine.style))).is_err() {
        return;
    }
    while let Some(Request { call, reply }) = requests.recv().await {
        let result = engine.call(call).await;
        let retries = engine.retries(call).await;
        reply.send(CallOutcome { result, retries }).ok();
    }
}

/// When running JavaScript is interrupted: milliseconds since the engine's start; 0 is never.
#[derive(Clone, Debug)]
pub(crate) struct Deadline {
    at_ms: Arc<AtomicU64>,
    /// The latest that it may be moved to.
    last_ms: Arc<AtomicU64>,
    /// Since when it is counted, and how long that is now.
    began_ms: Arc<AtomicU64>,
    limit_ms: Arc<AtomicU64>,
    start: Instant,
    moved: Arc<Notify>,
}

/// What is waited for at most where there is no deadline.
const UNLIMITED: Duration = Duration::from_secs(3600);

impl Default for Deadline {
    fn default() -> Self {
        Self {
            at_ms: Arc::default(),
            last_ms: Arc::default(),
            began_ms: Arc::default(),
            limit_ms: Arc::default(),
            start: Instant::now(),
            moved: Arc::default(),
        }
    }
}

impl Deadline {
    fn begin(&self, limit: Duration, at_most: Duration) {
        let began = milliseconds(self.start.elapsed());
        self.began_ms.store(began, Ordering::Relaxed);
        let last = began.saturating_add(milliseconds(at_most));
        self.last_ms.store(last, Ordering::Relaxed);
        self.allow(limit);
    }

    /// Gives the call so long from its beginning, as far as it may have it.
    pub(crate) fn allow(&self, limit: Duration) {
        let began = self.began_ms.load(Ordering::Relaxed);
        let most = self.last_ms.load(Ordering::Relaxed).saturating_sub(began);
        let limit = milliseconds(limit).min(most);
        self.limit_ms.store(limit, Ordering::Relaxed);
        self.at_ms.store(began + limit, Ordering::Relaxed);
        self.moved.notify_waiters();
    }

    /// What the call may take now.
    fn limit(&self) -> Duration {
        Duration::from_millis(self.limit_ms.load(Ordering::Relaxed))
    }

    /// A person takes their time.
    pub(crate) fn hold(&self) {
        self.allow(Duration::MAX);
    }

    fn clear(&self) {
        self.at_ms.store(0, Ordering::Relaxed);
    }

    pub(crate) fn passed(&self) -> bool {
        let at = self.at_ms.load(Ordering::Relaxed);
        at != 0 && self.start.elapsed().as_millis() >= u128::from(at)
    }

    pub(crate) fn left(&self) -> Duration {
        match self.at_ms.load(Ordering::Relaxed) {
            0 => UNLIMITED,
            at => Duration::from_millis(at).saturating_sub(self.start.elapsed()),
        }
    }

    /// Ends when what should have ended at it is still going on.
    async fn overdue(&self) {
        loop {
            self.reached().await;
            tokio::time::sleep(GRACE).await;
            if self.passed() {
                return;
            }
        }
    }

    /// Ends when it has passed, also when it was moved meanwhile.
    async fn reached(&self) {
        while !self.passed() {
            let moved = self.moved.notified();
            tokio::select! {
                () = tokio::time::sleep(self.left().max(Duration::from_millis(1))) => {}
                () = moved => {}
            }
        }
    }
}

/// The functions of the engine's own JavaScript that Rust calls; out of a script's reach.
struct Entries {
    run: Persistent<Function<'static>>,
    retries: Persistent<Function<'static>>,
    configure: Persistent<Function<'static>>,
    tree: Persistent<Function<'static>>,
}

struct Engine {
    /// Dropped before the context, or the runtime would still be in use.
    entries: Entries,
    context: AsyncContext,
    /// Keeps the runtime alive as long as its context.
    _runtime: AsyncRuntime,
    deadline: Deadline,
    files: ScriptFiles,
    style: ScriptStyle,
}

impl Engine {
    async fn load(config: &EngineConfig, host: Host) -> Result<(Self, SuiteNode), ScriptError> {
        let (deadline, files) = (host.deadline.clone(), host.files.clone());
        let missing = |message: String| ScriptError {
            kind: ScriptErrorKind::Missing,
            ..internal(&message)
        };
        files.read(&config.spec).map_err(missing)?;
        let style = match config.style {
            ScriptStyle::Detect if files.is_asynchronous(&config.spec)? => {
                ScriptStyle::Asynchronous
            }
            ScriptStyle::Detect => ScriptStyle::Blocking,
            style => style,
        };
        let engine = Self::create(config, host, style).await?;
        deadline.begin(config.load_limit, config.load_limit);
        if let Some(file) = &config.configuration_file {
            engine.configure(file).await?;
        }
        let tree = tokio::select! {
            tree = engine.evaluate(&config.spec) => Some(tree),
            () = deadline.reached() => None,
        };
        let late = deadline.passed();
        deadline.clear();
        let tree = match tree {
            Some(Ok(tree)) => tree,
            Some(Err(error)) if !late => return Err(engine.in_users_terms(error)),
            _ => {
                return Err(overdue(
                    &format!("Loading {}", config.spec),
                    config.load_limit,
                ));
            }
        };
        let tree = serde_json::from_str(&tree).map_err(|error| internal(&error.to_string()))?;
        Ok((engine, tree))
    }

    async fn create(
        config: &EngineConfig,
        host: Host,
        style: ScriptStyle,
    ) -> Result<Self, ScriptError> {
        let failed = |error: rquickjs::Error| {
            internal(&format!("the script engine cannot be started: {error}"))
        };
        let runtime = AsyncRuntime::new().map_err(failed)?;
        runtime.set_memory_limit(config.memory_limit_bytes).await;
        runtime.set_max_stack_size(STACK_BYTES).await;
        let watch = host.deadline.clone();
        runtime
            .set_interrupt_handler(Some(Box::new(move || watch.passed())))
            .await;
        let files = host.files.clone();
        runtime.set_loader(files.clone(), files.clone()).await;
        let context = AsyncContext::full(&runtime).await.map_err(failed)?;
        let deadline = host.deadline.clone();
        let config = config.clone();
        let entries = context
            .async_with(async |ctx| {
                install(&ctx, &config, &host, style)
                    .catch(&ctx)
                    .map_err(|error| script_error(&error))
            })
            .await?;
        Ok(Self {
            entries,
            context,
            _runtime: runtime,
            deadline,
            files,
            style,
        })
    }

    /// Reads a configuration of WebdriverIO and takes what applies.
    async fn configure(&self, file: &str) -> Result<(), ScriptError> {
        let configure = self.entries.configure.clone();
        let path = format!("/{file}");
        let loading = self.context.async_with(async |ctx| {
            let read = async {
                let module: Object<'_> = Module::import(&ctx, path)?.into_future().await?;
                configure.restore(&ctx)?.call::<_, ()>((module,))
            };
            read.await.catch(&ctx).map_err(|error| script_error(&error))
        });
        let loaded = tokio::select! {
            loaded = loading => loaded,
            () = self.deadline.reached() => Err(internal("it did not end in time")),
        };
        loaded.map_err(|error| ScriptError {
            message: format!("configuration `{file}` cannot be used: {}", error.message),
            ..self.in_users_terms(error)
        })
    }

    async fn evaluate(&self, spec: &str) -> Result<String, ScriptError> {
        let source = self.files.script(spec).map_err(|message| ScriptError {
            kind: ScriptErrorKind::Script,
            name: "SyntaxError".to_owned(),
            ..internal(&message)
        })?;
        let tree = self.entries.tree.clone();
        let files = self.files.clone();
        let spec = spec.to_owned();
        self.context
            .async_with(async |ctx| {
                let evaluated = evaluate_spec(&ctx, &files, &spec, source).await;
                let tree = evaluated.and_then(|()| tree.restore(&ctx)?.call::<_, String>(()));
                tree.catch(&ctx).map_err(|error| script_error(&error))
            })
            .await
    }

    async fn call(&self, call: Call) -> Result<(), ScriptError> {
        let Call {
            id,
            test,
            attempt,
            limit,
            at_most,
        } = call;
        self.deadline.begin(limit, at_most);
        let run = self.entries.run.clone();
        let calling = self.context.async_with(async |ctx| {
            let called = run
                .restore(&ctx)
                .and_then(|run| run.call::<_, Promise<'_>>((id, test, attempt)));
            let outcome = match called {
                Ok(promise) => promise.into_future::<()>().await,
                Err(error) => Err(error),
            };
            outcome.catch(&ctx).map_err(|error| script_error(&error))
        });
        let outcome = tokio::select! {
            outcome = calling => Some(outcome),
            () = self.deadline.reached() => None,
        };
        let late = self.deadline.passed();
        self.deadline.clear();
        match outcome {
            Some(Ok(())) => Ok(()),
            Some(Err(error)) if !late => Err(self.in_users_terms(error)),
            _ => Err(overdue("The execution", self.deadline.limit())),
        }
    }

    /// A test may say how often it is tried while it runs.
    async fn retries(&self, call: Call) -> u32 {
        let retries = self.entries.retries.clone();
        self.context
            .async_with(async |ctx| {
                let retries = retries.restore(&ctx)?;
                retries.call::<_, u32>((call.test.unwrap_or(call.id),))
            })
            .await
            .unwrap_or(0)
    }

    /// Places of transpiled sources are those of the user's own.
    fn in_users_terms(&self, mut error: ScriptError) -> ScriptError {
        if let Some(place) = error
            .place
            .as_deref()
            .and_then(|place| self.files.original(place))
        {
            error.place = Some(place);
        }
        error
    }
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn overdue(what: &str, limit: Duration) -> ScriptError {
    ScriptError {
        kind: ScriptErrorKind::Deadline,
        name: "Error".to_owned(),
        message: format!(
            "Timeout of {}ms exceeded. {what} took too long. Try to reduce its time or give it more with `this.timeout(…)`.",
            limit.as_millis()
        ),
        place: None,
        stack: String::new(),
    }
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

async fn evaluate_spec(
    ctx: &Ctx<'_>,
    files: &ScriptFiles,
    spec: &str,
    source: String,
) -> rquickjs::Result<()> {
    if files.is_module(spec, &source) {
        let module = Module::declare(ctx.clone(), spec, source)?;
        let meta = module.meta()?;
        meta.set("url", format!("file:///{spec}"))?;
        let (_, evaluated) = module.eval()?;
        return evaluated.into_future::<()>().await;
    }
    evaluate_commonjs(ctx, spec, &source).map(drop)
}

/// Runs the engine's own JavaScript: each file is a function of one object that they share and no script sees.
fn install(
    ctx: &Ctx<'_>,
    config: &EngineConfig,
    host: &Host,
    style: ScriptStyle,
) -> rquickjs::Result<Entries> {
    let own = Object::new(ctx.clone())?;
    let object = host.object(ctx)?;
    let environment =
        serde_json::to_string(&config.environment).unwrap_or_else(|_| "{}".to_owned());
    object.set("environment", Func::from(move || environment.clone()))?;
    let configuration = config.configuration.to_string();
    object.set("configuration", Func::from(move || configuration.clone()))?;
    own.set("host", object)?;
    own.set(
        "style",
        if style == ScriptStyle::Blocking {
            "blocking"
        } else {
            "asynchronous"
        },
    )?;
    let mocha = &config.mocha;
    let settings = json!({"spec": config.spec, "mochaInterface": mocha.interface, "mochaGrep": mocha.grep, "mochaBail": mocha.bail, "mochaRetries": mocha.retries});
    own.set("config", ctx.json_parse(settings.to_string())?)?;
    install_globals(ctx, host.files.clone())?;
    for (name, source) in SOURCES {
        let mut options = EvalOptions::default();
        options.strict = true;
        options.filename = Some(format!("canarytrace:{name}"));
        ctx.eval_with_options::<Function<'_>, _>(*source, options)?
            .call::<_, ()>((own.clone(),))?;
    }
    let entry = |name: &str| {
        own.get::<_, Function<'_>>(name)
            .map(|function| Persistent::save(ctx, function))
    };
    Ok(Entries {
        run: entry("run")?,
        retries: entry("retries")?,
        configure: entry("configure")?,
        tree: entry("tree")?,
    })
}

macro_rules! sources {
    ($($name:literal),* $(,)?) => { &[$(($name, include_str!(concat!("js/", $name)))),*] };
}

const SOURCES: &[(&str, &str)] = sources![
    "timers.js",
    "queue.js",
    "globals.js",
    "mocha.js",
    "commands/selector.js",
    "commands/page.js",
    "commands/results.js",
    "commands/element.js",
    "commands/actions.js",
    "commands/css.js",
    "commands/devices.js",
    "commands/emulate.js",
    "commands/element_commands.js",
    "commands/browser.js",
    "commands/events.js",
    "commands/bidi.js",
    "commands/mock.js",
    "commands/product.js",
    "configuration.js",
    "fetch.js",
    "expect.js",
    "modules.js",
];
