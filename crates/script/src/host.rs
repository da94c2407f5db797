//! What the engine's own JavaScript asks of the host.

use std::{
    path::Path,
    sync::mpsc as blocking,
    time::{Duration, Instant, UNIX_EPOCH},
};

use canarytrace_driver::{BidiEvents, devtools::Interceptions};
use rquickjs::{
    ArrayBuffer, Ctx, Function, Object, TypedArray, Value,
    context::EvalOptions,
    prelude::{Async, Func, Opt},
};
use serde_json::{Value as Json, json};
use tokio::sync::{mpsc, oneshot};

use crate::{digest::digest, engine::Deadline, files::ScriptFiles};

/// A command of the script; the answer is JSON text.
#[derive(Debug)]
pub struct CommandRequest {
    pub name: String,
    pub arguments: Json,
    pub reply: Reply,
}

/// Where the answer of a command goes.
#[derive(Debug)]
pub struct Reply(ReplyTo);

#[derive(Debug)]
enum ReplyTo {
    Waiting(oneshot::Sender<String>),
    Blocked(blocking::SyncSender<String>),
}

impl Reply {
    /// Answers; gives the text back when nobody waits any more.
    pub fn send(self, text: String) -> Result<(), String> {
        match self.0 {
            ReplyTo::Waiting(reply) => reply.send(text),
            ReplyTo::Blocked(reply) => reply.send(text).map_err(|error| error.0),
        }
    }
}

/// What a script says besides commands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EngineOutput {
    /// `console.*`
    Console { level: String, text: String },
    /// A line for stdout.
    Line(String),
}

/// The ends that lead out of the engine.
#[derive(Clone)]
pub(crate) struct Host {
    pub(crate) commands: mpsc::Sender<CommandRequest>,
    pub(crate) output: mpsc::Sender<EngineOutput>,
    pub(crate) deadline: Deadline,
    pub(crate) files: ScriptFiles,
    pub(crate) interceptions: Interceptions,
    pub(crate) bidi_events: BidiEvents,
}

const GONE: &str = r#"{"error":{"kind":"browser","name":"Error","message":"the browser is gone"}}"#;
const LATE: &str =
    r#"{"error":{"kind":"script","name":"Error","message":"the step's time is over"}}"#;
const MAX_RANDOM_BYTES: usize = 1 << 20;
const MAX_LINE_BYTES: usize = 64 << 10;
const MAX_FILE_BYTES: u64 = 32 << 20;

/// The packages that run inside the engine; bundled at build.
fn library(name: &str) -> Option<&'static str> {
    Some(match name {
        "node" => include_str!(concat!(env!("OUT_DIR"), "/library/node.js")),
        "expect" => include_str!(concat!(env!("OUT_DIR"), "/library/expect.js")),
        "chai" => include_str!(concat!(env!("OUT_DIR"), "/library/chai.js")),
        "roles" => include_str!(concat!(env!("OUT_DIR"), "/library/roles.js")),
        "html" => include_str!(concat!(env!("OUT_DIR"), "/library/html.js")),
        "intl" => include_str!(concat!(env!("OUT_DIR"), "/library/intl.js")),
        _ => return None,
    })
}

impl Host {
    /// An object with a function for each thing that can be asked.
    pub(crate) fn object<'js>(&self, ctx: &Ctx<'js>) -> rquickjs::Result<Object<'js>> {
        let object = Object::new(ctx.clone())?;
        self.set_commands(&object)?;
        self.set_mocks(&object)?;
        self.set_events(&object)?;
        self.set_time(&object)?;
        self.set_output(&object)?;
        self.set_values(&object)?;
        let files = self.files.clone();
        object.set(
            "file",
            Func::from(bind_file(move |ctx, operation, path| {
                file(&ctx, &files, &operation, &path)
            })),
        )?;
        object.set(
            "library",
            Func::from(bind_library(|ctx, name| evaluate_library(&ctx, &name))),
        )?;
        Ok(object)
    }

    fn set_commands(&self, object: &Object<'_>) -> rquickjs::Result<()> {
        let commands = self.commands.clone();
        object.set(
            "command",
            Func::from(Async(move |name: String, arguments: String| {
                command(commands.clone(), name, arguments)
            })),
        )?;
        let (commands, deadline) = (self.commands.clone(), self.deadline.clone());
        object.set(
            "commandNow",
            Func::from(move |name: String, arguments: String| {
                command_now(&commands, &deadline, name, &arguments)
            }),
        )
    }

    fn set_mocks(&self, object: &Object<'_>) -> rquickjs::Result<()> {
        let interceptions = self.interceptions.clone();
        object.set(
            "mockCalls",
            Func::from(move |rule: usize| {
                serde_json::to_string(&interceptions.calls(rule))
                    .unwrap_or_else(|_| "[]".to_owned())
            }),
        )?;
        let interceptions = self.interceptions.clone();
        object.set(
            "mockAsked",
            Func::from(Async(move || {
                let interceptions = interceptions.clone();
                async move {
                    let question = interceptions.next_question().await;
                    serde_json::to_string(&question).unwrap_or_default()
                }
            })),
        )?;
        let interceptions = self.interceptions.clone();
        object.set(
            "mockReply",
            Func::from(move |question: f64, answer: String| {
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "a number that we gave out"
                )]
                let question = question as u64;
                interceptions.reply(question, serde_json::from_str(&answer).ok());
            }),
        )
    }

    fn set_events(&self, object: &Object<'_>) -> rquickjs::Result<()> {
        let events = self.bidi_events.clone();
        object.set(
            "bidiEvent",
            Func::from(Async(move || {
                let events = events.clone();
                async move { events.next().await }
            })),
        )?;
        let events = self.bidi_events.clone();
        object.set("bidiEventNow", Func::from(move || events.try_next()))
    }

    fn set_time(&self, object: &Object<'_>) -> rquickjs::Result<()> {
        let seconds = |milliseconds: f64| {
            Duration::from_secs_f64((milliseconds / 1000.0).clamp(0.0, 86_400.0))
        };
        object.set(
            "sleep",
            Func::from(Async(move |milliseconds: f64| async move {
                tokio::time::sleep(seconds(milliseconds)).await;
            })),
        )?;
        let deadline = self.deadline.clone();
        object.set(
            "sleepNow",
            Func::from(move |milliseconds: f64| {
                std::thread::park_timeout(seconds(milliseconds).min(deadline.left()))
            }),
        )?;
        let deadline = self.deadline.clone();
        object.set("holdDeadline", Func::from(move || deadline.hold()))?;
        // `this.timeout(…)` of what runs; 0 is as long as there is.
        let deadline = self.deadline.clone();
        object.set(
            "allowTime",
            Func::from(move |milliseconds: f64| match milliseconds {
                0.0 => deadline.hold(),
                some => deadline.allow(seconds(some)),
            }),
        )?;
        object.set(
            "runJob",
            Func::from(|ctx: Ctx<'_>| ctx.execute_pending_job()),
        )
    }

    fn set_output(&self, object: &Object<'_>) -> rquickjs::Result<()> {
        let output = self.output.clone();
        object.set(
            "log",
            Func::from(move |level: String, text: String| {
                let text = shortened(text);
                output.try_send(EngineOutput::Console { level, text }).ok();
            }),
        )?;
        let output = self.output.clone();
        object.set(
            "line",
            Func::from(move |text: String| {
                output.try_send(EngineOutput::Line(shortened(text))).ok();
            }),
        )
    }

    fn set_values(&self, object: &Object<'_>) -> rquickjs::Result<()> {
        let protocol = canarytrace_driver::webdriver::protocol_names().to_string();
        object.set("protocol", Func::from(move || protocol.clone()))?;
        object.set(
            "encodeText",
            Func::from(bind_buffer(|ctx, text| {
                ArrayBuffer::new(ctx, text.into_bytes())
            })),
        )?;
        object.set(
            "decodeText",
            Func::from(
                |bytes: TypedArray<'_, u8>, fatal: Opt<bool>| -> Option<String> {
                    let bytes = copied(&bytes);
                    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
                    if fatal.0 == Some(true) {
                        return std::str::from_utf8(bytes).ok().map(str::to_owned);
                    }
                    Some(String::from_utf8_lossy(bytes).into_owned())
                },
            ),
        )?;
        object.set(
            "digest",
            Func::from(bind_digest(|ctx, algorithm, key, data| {
                let key = key.as_ref().map(copied);
                let bytes = digest(&algorithm, key.as_deref(), &copied(&data)).unwrap_or_default();
                ArrayBuffer::new(ctx, bytes)
            })),
        )?;
        object.set(
            "randomBytes",
            Func::from(bind_random(|ctx, count| {
                let mut bytes = vec![0_u8; count.min(MAX_RANDOM_BYTES)];
                getrandom::fill(&mut bytes).map_err(|error| {
                    rquickjs::Exception::throw_message(&ctx, &error.to_string())
                })?;
                ArrayBuffer::new(ctx, bytes)
            })),
        )
    }
}

// A named lifetime ties an answer to its context, which a closure's elided ones would not.
fn bind_file<F>(function: F) -> F
where
    F: for<'js> Fn(Ctx<'js>, String, String) -> rquickjs::Result<Object<'js>>,
{
    function
}

fn bind_library<F>(function: F) -> F
where
    F: for<'js> Fn(Ctx<'js>, String) -> rquickjs::Result<Value<'js>>,
{
    function
}

fn bind_buffer<F>(function: F) -> F
where
    F: for<'js> Fn(Ctx<'js>, String) -> rquickjs::Result<ArrayBuffer<'js>>,
{
    function
}

fn bind_random<F>(function: F) -> F
where
    F: for<'js> Fn(Ctx<'js>, usize) -> rquickjs::Result<ArrayBuffer<'js>>,
{
    function
}

fn bind_digest<F>(function: F) -> F
where
    F: for<'js> Fn(
        Ctx<'js>,
        String,
        Option<TypedArray<'js, u8>>,
        TypedArray<'js, u8>,
    ) -> rquickjs::Result<ArrayBuffer<'js>>,
{
    function
}

/// The bytes of an array of the script's.
#[expect(
    unsafe_code,
    reason = "the engine answers a view into its own memory only; it is copied at once"
)]
fn copied(array: &TypedArray<'_, u8>) -> Vec<u8> {
    // SAFETY: no JavaScript runs between the view and the copy, so nothing detaches or resizes the buffer.
    unsafe { array.as_bytes() }
        .map(<[u8]>::to_vec)
        .unwrap_or_default()
}

fn shortened(mut text: String) -> String {
    if text.len() > MAX_LINE_BYTES {
        let end = (0..=MAX_LINE_BYTES)
            .rev()
            .find(|at| text.is_char_boundary(*at));
        let left_out = text.len() - end.unwrap_or(0);
        text.truncate(end.unwrap_or(0));
        text.push_str(&format!("… ({left_out} more bytes)"));
    }
    text
}

fn evaluate_library<'js>(ctx: &Ctx<'js>, name: &str) -> rquickjs::Result<Value<'js>> {
    let Some(source) = library(name) else {
        return Err(rquickjs::Exception::throw_message(
            ctx,
            &format!("library `{name}` is not known"),
        ));
    };
    let mut options = EvalOptions::default();
    options.strict = false;
    options.filename = Some(format!("canarytrace:library/{name}.js"));
    ctx.eval_with_options(source, options)
}

/// Looks at a file of the clone: `open`, `stat` or `scandir`; what goes wrong is `{error: code}`.
fn file<'js>(
    ctx: &Ctx<'js>,
    files: &ScriptFiles,
    operation: &str,
    path: &str,
) -> rquickjs::Result<Object<'js>> {
    let answer = Object::new(ctx.clone())?;
    let Some(real) = files.real_path(path) else {
        answer.set("error", "ENOENT")?;
        return Ok(answer);
    };
    let code = |error: &std::io::Error| match error.kind() {
        std::io::ErrorKind::NotFound => "ENOENT",
        std::io::ErrorKind::PermissionDenied => "EACCES",
        _ => "EIO",
    };
    match operation {
        "open" if real.is_dir() => answer.set("error", "EISDIR")?,
        "open" => match read_file(&real) {
            Ok(bytes) => answer.set("data", ArrayBuffer::new(ctx.clone(), bytes)?)?,
            Err(error) => answer.set("error", code(&error))?,
        },
        "scandir" => match std::fs::read_dir(&real) {
            Ok(entries) => {
                let mut names: Vec<String> = entries
                    .flatten()
                    .map(|entry| entry.file_name().to_string_lossy().into_owned())
                    .collect();
                names.sort();
                answer.set("names", names)?;
            }
            Err(error) => answer.set(
                "error",
                if real.is_file() {
                    "ENOTDIR"
                } else {
                    code(&error)
                },
            )?,
        },
        _ => match std::fs::metadata(&real) {
            Ok(found) => {
                answer.set("kind", if found.is_dir() { "directory" } else { "file" })?;
                answer.set("size", found.len() as f64)?;
                let modified = found
                    .modified()
                    .ok()
                    .and_then(|time| time.duration_since(UNIX_EPOCH).ok());
                answer.set(
                    "modified",
                    modified.unwrap_or_default().as_secs_f64() * 1000.0,
                )?;
            }
            Err(error) => answer.set("error", code(&error))?,
        },
    }
    Ok(answer)
}

fn read_file(path: &Path) -> std::io::Result<Vec<u8>> {
    if std::fs::metadata(path)?.len() > MAX_FILE_BYTES {
        return Err(std::io::Error::other("too large"));
    }
    std::fs::read(path)
}

async fn command(
    commands: mpsc::Sender<CommandRequest>,
    name: String,
    arguments: String,
) -> String {
    let (reply, answer) = oneshot::channel();
    let arguments = serde_json::from_str(&arguments).unwrap_or(Json::Null);
    let reply = Reply(ReplyTo::Waiting(reply));
    if commands
        .send(CommandRequest {
            name,
            arguments,
            reply,
        })
        .await
        .is_err()
    {
        return GONE.to_owned();
    }
    answer.await.unwrap_or_else(|_| GONE.to_owned())
}

/// The same for a script that blocks: its thread waits here.
fn command_now(
    commands: &mpsc::Sender<CommandRequest>,
    deadline: &Deadline,
    name: String,
    arguments: &str,
) -> String {
    let (reply, answer) = blocking::sync_channel(1);
    let arguments = serde_json::from_str(arguments).unwrap_or(json!(null));
    let reply = Reply(ReplyTo::Blocked(reply));
    if commands
        .try_send(CommandRequest {
            name,
            arguments,
            reply,
        })
        .is_err()
    {
        return GONE.to_owned();
    }
    let began = Instant::now();
    loop {
        match answer.recv_timeout(deadline.left().min(Duration::from_millis(500))) {
            Ok(text) => return text,
            Err(blocking::RecvTimeoutError::Disconnected) => return GONE.to_owned(),
            Err(blocking::RecvTimeoutError::Timeout) if deadline.passed() => {
                tracing::debug!(
                    waited_ms = began.elapsed().as_millis(),
                    "a command outlived its step"
                );
                return LATE.to_owned();
            }
            Err(blocking::RecvTimeoutError::Timeout) => {}
        }
    }
}

/// The functions that modules are loaded by.
pub(crate) fn install_globals<'js>(ctx: &Ctx<'js>, files: ScriptFiles) -> rquickjs::Result<()> {
    fn bind<F>(function: F) -> F
    where
        F: for<'js> Fn(Ctx<'js>, String, String) -> rquickjs::Result<Value<'js>>,
    {
        function
    }
    let require = bind(move |ctx, base, name| crate::loader::require(&ctx, &files, &base, &name));
    let hidden: Function<'js> = ctx.eval(
        "(name, value) => Object.defineProperty(globalThis, name, { value, enumerable: false })",
    )?;
    hidden.call::<_, ()>(("__modules", Object::new(ctx.clone())?))?;
    hidden.call::<_, ()>(("__require", Function::new(ctx.clone(), require)?))
}
