//! One QuickJS engine on a thread of its own.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use rquickjs::{
    AsyncContext, AsyncRuntime, CatchResultExt, CaughtError, Ctx, Function, Object, Promise, Value,
    context::EvalOptions,
    module::Module,
    prelude::{Async, Func},
};
use serde_json::Value as Json;
use thiserror::Error;
use tokio::sync::{mpsc, oneshot};

use crate::{
    SuiteNode,
    loader::{ScriptFiles, evaluate_commonjs, is_module, require},
};

/// What a script runs with.
#[derive(Clone, Debug)]
pub struct EngineConfig {
    /// The folder whose files may be imported.
    pub root: PathBuf,
    /// The spec, relative to the root.
    pub spec: String,
    /// `process.env`.
    pub environment: BTreeMap<String, String>,
    /// `browser.config`.
    pub configuration: Json,
    pub memory_limit_bytes: usize,
    /// Of loading the spec.
    pub load_limit: Duration,
}

/// A command of the script; the answer is JSON text.
#[derive(Debug)]
pub struct CommandRequest {
    pub name: String,
    pub arguments: Json,
    pub reply: oneshot::Sender<String>,
}

/// What a script says besides commands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EngineOutput {
    /// `console.*`
    Console { level: String, text: String },
    /// A line for stdout.
    Line(String),
}

/// Whose fault an error is, as far as the engine can tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScriptErrorKind {
    /// An expectation did not hold, or the script threw an `Error` of its own.
    Assertion,
    /// Something awaited did not happen, or an element is missing.
    Element,
    /// The page could not be opened.
    Navigation,
    /// The hook or test did not end in time.
    Deadline,
    /// Browser or driver are gone.
    Browser,
    /// The spec is not there.
    Missing,
    /// The script itself is wrong.
    Script,
    /// `this.skip()`.
    Skipped,
}

/// An error of a script with its place.
#[derive(Clone, Debug, Error, PartialEq)]
#[error("{name}: {message}")]
pub struct ScriptError {
    pub kind: ScriptErrorKind,
    pub name: String,
    pub message: String,
    /// `file:line:column` of the script.
    pub place: Option<String>,
    pub stack: String,
}

enum Request {
    Call {
        id: u32,
        limit: Duration,
        reply: oneshot::Sender<Result<(), ScriptError>>,
    },
}

/// A loaded script.
#[derive(Debug)]
pub struct ScriptEngine {
    requests: mpsc::Sender<Request>,
    tree: SuiteNode,
    thread: Option<thread::JoinHandle<()>>,
}

type Loaded = Result<SuiteNode, ScriptError>;
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
        let host = Host { commands, output };
        let thread = thread::Builder::new()
            .name("script".to_owned())
            .stack_size(THREAD_STACK_BYTES)
            .spawn(move || run_thread(config, host, request_receiver, loaded))
            .map_err(|error| {
                internal(&format!("the script's thread cannot be started: {error}"))
            })?;
        let tree = loading
            .await
            .map_err(|_| internal("the script's thread ended"))??;
        Ok((
            Self {
                requests,
                tree,
                thread: Some(thread),
            },
            command_receiver,
            output_receiver,
        ))
    }

    /// What the spec declared.
    pub fn tree(&self) -> &SuiteNode {
        &self.tree
    }

    /// Runs one hook or test under its deadline.
    pub async fn call(&self, id: u32, limit: Duration) -> Result<(), ScriptError> {
        let (reply, answer) = oneshot::channel();
        self.requests
            .send(Request::Call { id, limit, reply })
            .await
            .map_err(|_| internal("the script's thread ended"))?;
        answer
            .await
            .map_err(|_| internal("the script's thread ended"))?
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

fn internal(message: &str) -> ScriptError {
    ScriptError {
        kind: ScriptErrorKind::Script,
        name: "InternalError".to_owned(),
        message: message.to_owned(),
        place: None,
        stack: String::new(),
    }
}

#[derive(Clone)]
struct Host {
    commands: mpsc::Sender<CommandRequest>,
    output: mpsc::Sender<EngineOutput>,
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
    let deadline = Deadline::default();
    let engine = match Engine::create(&config, host, &deadline).await {
        Ok(engine) => engine,
        Err(error) => {
            loaded.send(Err(error)).ok();
            return;
        }
    };
    let tree = engine.load(&config, &deadline).await;
    let usable = tree.is_ok();
    if loaded.send(tree).is_err() || !usable {
        return;
    }
    while let Some(Request::Call { id, limit, reply }) = requests.recv().await {
        let result = engine.call(id, limit, &deadline).await;
        reply.send(result).ok();
    }
}

/// Milliseconds since the engine's start at which running JavaScript is interrupted; 0 is never.
#[derive(Clone)]
struct Deadline {
    at_ms: Arc<AtomicU64>,
    start: Instant,
}

impl Default for Deadline {
    fn default() -> Self {
        Self {
            at_ms: Arc::default(),
            start: Instant::now(),
        }
    }
}

impl Deadline {
    fn set(&self, limit: Duration) {
        let at = self.start.elapsed() + limit;
        self.at_ms.store(
            u64::try_from(at.as_millis()).unwrap_or(u64::MAX),
            Ordering::Relaxed,
        );
    }

    fn clear(&self) {
        self.at_ms.store(0, Ordering::Relaxed);
    }

    fn passed(&self) -> bool {
        let at = self.at_ms.load(Ordering::Relaxed);
        at != 0 && self.start.elapsed().as_millis() >= u128::from(at)
    }
}

struct Engine {
    /// Keeps the runtime alive as long as its context.
    _runtime: AsyncRuntime,
    context: AsyncContext,
}

impl Engine {
    async fn create(
        config: &EngineConfig,
        host: Host,
        deadline: &Deadline,
    ) -> Result<Self, ScriptError> {
        let failed = |error: rquickjs::Error| {
            internal(&format!("the script engine cannot be started: {error}"))
        };
        let runtime = AsyncRuntime::new().map_err(failed)?;
        runtime.set_memory_limit(config.memory_limit_bytes).await;
        runtime.set_max_stack_size(STACK_BYTES).await;
        let watch = deadline.clone();
        runtime
            .set_interrupt_handler(Some(Box::new(move || watch.passed())))
            .await;
        let files = ScriptFiles {
            root: config.root.clone(),
        };
        runtime.set_loader(files.clone(), files.clone()).await;
        let context = AsyncContext::full(&runtime).await.map_err(failed)?;
        let config = config.clone();
        context
            .async_with(async |ctx| {
                install(&ctx, &config, host, files)
                    .catch(&ctx)
                    .map_err(|error| script_error(&error))
            })
            .await?;
        Ok(Self {
            _runtime: runtime,
            context,
        })
    }

    async fn load(&self, config: &EngineConfig, deadline: &Deadline) -> Loaded {
        let files = ScriptFiles {
            root: config.root.clone(),
        };
        let source = files.read(&config.spec).map_err(|message| ScriptError {
            kind: ScriptErrorKind::Missing,
            ..internal(&message)
        })?;
        deadline.set(config.load_limit);
        let spec = config.spec.clone();
        let loading = self.context.async_with(async |ctx| {
            let evaluated = evaluate_spec(&ctx, &spec, source).await;
            let tree = evaluated.and_then(|()| {
                ctx.globals()
                    .get::<_, Function<'_>>("__tree")?
                    .call::<_, String>(())
            });
            tree.catch(&ctx).map_err(|error| script_error(&error))
        });
        let tree = tokio::time::timeout(config.load_limit, loading).await;
        deadline.clear();
        let tree =
            tree.map_err(|_| late(&format!("loading {}", config.spec), config.load_limit))??;
        serde_json::from_str(&tree).map_err(|error| internal(&error.to_string()))
    }

    async fn call(&self, id: u32, limit: Duration, deadline: &Deadline) -> Result<(), ScriptError> {
        deadline.set(limit);
        let calling = self.context.async_with(async |ctx| {
            let called = ctx
                .globals()
                .get::<_, Function<'_>>("__call")
                .and_then(|function| function.call::<_, Promise<'_>>((id,)));
            let outcome = match called {
                Ok(promise) => promise.into_future::<()>().await,
                Err(error) => Err(error),
            };
            outcome.catch(&ctx).map_err(|error| script_error(&error))
        });
        let outcome = tokio::time::timeout(limit, calling).await;
        let interrupted = deadline.passed();
        deadline.clear();
        match outcome {
            Ok(Err(_)) if interrupted => Err(late("the step", limit)),
            Ok(outcome) => outcome,
            Err(_) => Err(late("the step", limit)),
        }
    }
}

fn late(what: &str, limit: Duration) -> ScriptError {
    ScriptError {
        kind: ScriptErrorKind::Deadline,
        name: "Error".to_owned(),
        message: format!(
            "Timeout of {}ms exceeded: {what} did not end in time",
            limit.as_millis()
        ),
        place: None,
        stack: String::new(),
    }
}

async fn evaluate_spec(ctx: &Ctx<'_>, spec: &str, source: String) -> rquickjs::Result<()> {
    if is_module(spec, &source) {
        let evaluated = Module::evaluate(ctx.clone(), spec, source)?;
        return evaluated.into_future::<()>().await;
    }
    evaluate_commonjs(ctx, spec, &source).map(drop)
}

fn install(
    ctx: &Ctx<'_>,
    config: &EngineConfig,
    host: Host,
    files: ScriptFiles,
) -> rquickjs::Result<()> {
    let object = Object::new(ctx.clone())?;
    let commands = host.commands;
    object.set(
        "command",
        Func::from(Async(move |name: String, arguments: String| {
            command(commands.clone(), name, arguments)
        })),
    )?;
    object.set(
        "sleep",
        Func::from(Async(|milliseconds: f64| async move {
            tokio::time::sleep(Duration::from_secs_f64(
                (milliseconds / 1000.0).clamp(0.0, 86_400.0),
            ))
            .await;
        })),
    )?;
    let output = host.output.clone();
    object.set(
        "log",
        Func::from(move |level: String, text: String| {
            output.try_send(EngineOutput::Console { level, text }).ok();
        }),
    )?;
    let output = host.output;
    object.set(
        "line",
        Func::from(move |text: String| {
            output.try_send(EngineOutput::Line(text)).ok();
        }),
    )?;
    let environment =
        serde_json::to_string(&config.environment).unwrap_or_else(|_| "{}".to_owned());
    object.set("environment", Func::from(move || environment.clone()))?;
    let configuration = config.configuration.to_string();
    object.set("configuration", Func::from(move || configuration.clone()))?;
    ctx.globals().set("__host", object)?;
    ctx.globals().set("__modules", Object::new(ctx.clone())?)?;
    install_require(ctx, files)?;
    for (name, source) in SOURCES {
        let mut options = EvalOptions::default();
        options.strict = true;
        options.filename = Some((*name).to_owned());
        ctx.eval_with_options::<(), _>(*source, options)?;
    }
    Ok(())
}

fn install_require<'js>(ctx: &Ctx<'js>, files: ScriptFiles) -> rquickjs::Result<()> {
    // A named lifetime ties the answer to the context, which a closure's elided ones would not.
    fn bind<F>(function: F) -> F
    where
        F: for<'js> Fn(Ctx<'js>, String, String) -> rquickjs::Result<Value<'js>>,
    {
        function
    }
    let require = bind(move |ctx, base, name| require(&ctx, &files, &base, &name));
    ctx.globals().set("__require", Func::from(require))
}

const SOURCES: &[(&str, &str)] = &[
    ("canarytrace:prelude.js", include_str!("js/prelude.js")),
    ("canarytrace:mocha.js", include_str!("js/mocha.js")),
    ("canarytrace:commands.js", include_str!("js/commands.js")),
    ("canarytrace:browser.js", include_str!("js/browser.js")),
    ("canarytrace:expect.js", include_str!("js/expect.js")),
];

async fn command(
    commands: mpsc::Sender<CommandRequest>,
    name: String,
    arguments: String,
) -> String {
    let gone = || {
        r#"{"error":{"kind":"browser","name":"Error","message":"the browser is gone"}}"#.to_owned()
    };
    let (reply, answer) = oneshot::channel();
    let arguments = serde_json::from_str(&arguments).unwrap_or(Json::Null);
    if commands
        .send(CommandRequest {
            name,
            arguments,
            reply,
        })
        .await
        .is_err()
    {
        return gone();
    }
    answer.await.unwrap_or_else(|_| gone())
}

fn script_error(error: &CaughtError<'_>) -> ScriptError {
    let exception = match error {
        CaughtError::Exception(exception) => exception,
        CaughtError::Value(value) => {
            let text = value
                .as_string()
                .and_then(|text| text.to_string().ok())
                .unwrap_or_else(|| format!("{value:?}"));
            return ScriptError {
                kind: ScriptErrorKind::Assertion,
                name: "Error".to_owned(),
                message: text,
                place: None,
                stack: String::new(),
            };
        }
        CaughtError::Error(error) => return internal(&error.to_string()),
    };
    let object = exception.as_object();
    let text = |name: &str| {
        object
            .get::<_, Option<String>>(name)
            .ok()
            .flatten()
            .unwrap_or_default()
    };
    let (name, message, stack) = (text("name"), text("message"), text("stack"));
    let name = if name.is_empty() {
        "Error".to_owned()
    } else {
        name
    };
    ScriptError {
        kind: classify(&text("kind"), &name),
        place: place(&stack),
        name,
        message,
        stack: user_stack(&stack),
    }
}

/// An error in the script is one of JavaScript's own; a plain `Error` is what scripts throw when a page is wrong.
fn classify(kind: &str, name: &str) -> ScriptErrorKind {
    match (kind, name) {
        ("element" | "timeout", _) => ScriptErrorKind::Element,
        ("navigation", _) => ScriptErrorKind::Navigation,
        ("browser", _) => ScriptErrorKind::Browser,
        ("script", _)
        | (
            "",
            "TypeError" | "ReferenceError" | "SyntaxError" | "RangeError" | "InternalError"
            | "EvalError",
        ) => ScriptErrorKind::Script,
        (_, "Pending") => ScriptErrorKind::Skipped,
        _ => ScriptErrorKind::Assertion,
    }
}

fn user_stack(stack: &str) -> String {
    stack
        .lines()
        .filter(|line| !line.contains("canarytrace:") && !line.contains("(native)"))
        .collect::<Vec<_>>()
        .join("\n")
}

/// `file:line:column` of the first frame of the script.
fn place(stack: &str) -> Option<String> {
    let stack = user_stack(stack);
    let line = stack
        .lines()
        .find(|line| line.contains(':'))?
        .trim()
        .trim_start_matches("at ");
    let inner = line
        .rsplit_once('(')
        .map_or(line, |(_, inner)| inner.trim_end_matches(')'));
    Some(inner.trim().to_owned())
}
