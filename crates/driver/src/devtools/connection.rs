//! The socket and the one loop that owns it.

use std::{
    borrow::Cow,
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures_util::{SinkExt, StreamExt};
use serde::Deserialize;
use serde_json::{Value, json};
use thiserror::Error;
use tokio::{
    net::TcpStream,
    sync::{mpsc, oneshot, watch},
    task::JoinSet,
};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream,
    tungstenite::{Message, protocol::WebSocketConfig},
};
use tracing::{debug, warn};

use super::{BrowserEvent, TargetKind, decode, read_envelope};

/// Events that may wait for their reader before they are dropped and counted.
const EVENT_QUEUE: usize = 20_000;
const FULL_QUEUE_LIMIT: Duration = Duration::from_secs(2);
const COMMAND_QUEUE: usize = 256;
/// A full-page screenshot of a long page is tens of megabytes.
const MESSAGE_LIMIT: usize = 256 << 20;
/// The name of the world that our own code runs in.
pub(crate) const OWN_WORLD: &str = "canarytrace";
/// Of a call that names no other limit.
const CALL_LIMIT: Duration = Duration::from_secs(10);

#[derive(Clone, Debug, Error, PartialEq)]
pub enum DevToolsError {
    #[error("DevTools at {0} cannot be reached: {1}")]
    Connect(String, String),
    #[error("the DevTools connection is closed")]
    Closed,
    #[error("DevTools did not answer {0} within {1:?}")]
    Deadline(String, Duration),
    #[error("DevTools refused {method}: {message}")]
    Refused { method: String, message: String },
    #[error("no page is attached")]
    NoPage,
    #[error("the page threw: {0}")]
    Exception(String),
}

/// The connection; closing ends its task. Calls are those of its [`Caller`].
#[derive(Debug)]
pub struct DevTools {
    caller: Caller,
    dropped: Arc<AtomicU64>,
    task: JoinSet<()>,
}

impl std::ops::Deref for DevTools {
    type Target = Caller;

    fn deref(&self) -> &Caller {
        &self.caller
    }
}

/// Makes calls over a connection; cheap to clone.
#[derive(Clone, Debug)]
pub struct Caller {
    commands: mpsc::Sender<Command>,
    pages: watch::Receiver<Vec<Page>>,
    trace: watch::Sender<Option<TraceHeader>>,
}

/// A header that every request to one origin carries.
#[derive(Clone, Debug, PartialEq)]
struct TraceHeader {
    name: String,
    value: String,
}

/// A page that is attached and whose domains are on.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Page {
    pub(crate) target_id: String,
    pub(crate) session_id: String,
}

struct Command {
    session: Option<String>,
    method: &'static str,
    params: Value,
    reply: Reply,
}

type Reply = oneshot::Sender<Result<Value, DevToolsError>>;
type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

impl DevTools {
    /// Connects to a browser's socket and attaches to everything in it. Events arrive at the receiver.
    pub async fn connect(url: &str) -> Result<(Self, mpsc::Receiver<BrowserEvent>), DevToolsError> {
        let config = WebSocketConfig::default()
            .max_message_size(Some(MESSAGE_LIMIT))
            .max_frame_size(Some(MESSAGE_LIMIT));
        let connecting = tokio_tungstenite::connect_async_with_config(url, Some(config), true);
        let (socket, _) = tokio::time::timeout(CALL_LIMIT, connecting)
            .await
            .map_err(|_| DevToolsError::Connect(url.to_owned(), "time is up".to_owned()))?
            .map_err(|error| DevToolsError::Connect(url.to_owned(), error.to_string()))?;
        let (commands, command_receiver) = mpsc::channel(COMMAND_QUEUE);
        let (events, event_receiver) = mpsc::channel(EVENT_QUEUE);
        let (pages_sender, pages) = watch::channel(Vec::new());
        let (trace, trace_header) = watch::channel(None);
        let dropped = Arc::new(AtomicU64::new(0));
        let mut connection = Connection {
            socket,
            next_id: 1,
            pending: HashMap::new(),
            setups: HashMap::new(),
            setup_replies: HashMap::new(),
            events,
            pages: pages_sender,
            trace: trace_header,
            dropped: Arc::clone(&dropped),
        };
        connection.attach_to_all(None).await?;
        let mut task = JoinSet::new();
        task.spawn(connection.run(command_receiver));
        Ok((
            Self {
                caller: Caller {
                    commands,
                    pages,
                    trace,
                },
                dropped,
                task,
            },
            event_receiver,
        ))
    }

    /// Events that were dropped because nobody read them in time.
    pub fn dropped_events(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Ends the connection and its task.
    pub async fn close(self) {
        let Self {
            caller, mut task, ..
        } = self;
        drop(caller);
        if tokio::time::timeout(Duration::from_secs(1), task.join_next())
            .await
            .is_err()
        {
            task.shutdown().await;
        }
    }
}

impl Caller {
    /// Waits until a page is attached with its domains enabled.
    pub async fn page_ready(&self, limit: Duration) -> Result<(), DevToolsError> {
        let mut pages = self.pages.clone();
        let ready = pages.wait_for(|pages| !pages.is_empty());
        match tokio::time::timeout(limit, ready).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(_)) => Err(DevToolsError::Closed),
            Err(_) => Err(DevToolsError::NoPage),
        }
    }

    /// A command to the browser itself.
    pub async fn call(&self, method: &'static str, params: Value) -> Result<Value, DevToolsError> {
        self.send(None, method, params, CALL_LIMIT).await
    }

    /// A command to the page with that target id (a WebDriver window handle), or to the first page.
    pub async fn call_page(
        &self,
        target: Option<&str>,
        method: &'static str,
        params: Value,
        limit: Duration,
    ) -> Result<Value, DevToolsError> {
        let session = {
            let pages = self.pages.borrow();
            let wanted =
                target.and_then(|target| pages.iter().find(|page| page.target_id == target));
            wanted
                .or_else(|| pages.first())
                .map(|page| page.session_id.clone())
                .ok_or(DevToolsError::NoPage)?
        };
        self.send(Some(session), method, params, limit).await
    }

    /// The text of a finished response; none when it is no text, or is not kept any more because its page is gone.
    pub async fn response_text(
        &self,
        session: Option<&str>,
        request_id: &str,
        limit: Duration,
    ) -> Option<String> {
        let params = json!({"requestId": request_id});
        let session = session.map(str::to_owned);
        let method = "Network.getResponseBody";
        let mut body = self.send(session, method, params, limit).await.ok()?;
        if body.get("base64Encoded") == Some(&Value::Bool(true)) {
            return None;
        }
        match body.get_mut("body").map(Value::take) {
            Some(Value::String(text)) => Some(text),
            _ => None,
        }
    }

    /// Evaluates in a world of its own: same page, but its scripts see nothing of it.
    pub(crate) async fn evaluate_apart(
        &self,
        target: Option<&str>,
        expression: &str,
        limit: Duration,
    ) -> Result<Value, DevToolsError> {
        let tree = self
            .call_page(target, "Page.getFrameTree", json!({}), limit)
            .await?;
        let frame = tree.pointer("/frameTree/frame/id").and_then(Value::as_str);
        let params = json!({"frameId": frame.unwrap_or_default(), "worldName": OWN_WORLD});
        let world = self
            .call_page(target, "Page.createIsolatedWorld", params, limit)
            .await?;
        let context = world.get("executionContextId").cloned();
        self.evaluate_in(target, context, expression, limit).await
    }

    /// The pages that are attached, now and later.
    pub(crate) fn pages(&self) -> watch::Receiver<Vec<Page>> {
        self.pages.clone()
    }

    /// Adds a header to every request to some origins (`https://host:port`), and to no other: elsewhere it would make a
    /// preflight of a request that needed none. Such requests pass through us, which costs a fraction of a millisecond.
    pub async fn trace_requests(
        &self,
        origins: &[String],
        name: &str,
        value: &str,
    ) -> Result<(), DevToolsError> {
        self.trace.send_replace(Some(TraceHeader {
            name: name.to_owned(),
            value: value.to_owned(),
        }));
        let pattern =
            |origin| json!({"urlPattern": format!("{origin}/*"), "requestStage": "Request"});
        let patterns: Vec<Value> = origins.iter().map(pattern).collect();
        let params = json!({"patterns": patterns});
        self.call_page(None, "Fetch.enable", params, CALL_LIMIT)
            .await
            .map(drop)
    }

    /// Evaluates an expression (a promise is awaited) in the top frame and answers its value.
    pub async fn evaluate(
        &self,
        target: Option<&str>,
        expression: &str,
        limit: Duration,
    ) -> Result<Value, DevToolsError> {
        self.evaluate_in(target, None, expression, limit).await
    }

    /// As [`Caller::evaluate`], in an execution context other than the page's own.
    pub(crate) async fn evaluate_in(
        &self,
        target: Option<&str>,
        context: Option<Value>,
        expression: &str,
        limit: Duration,
    ) -> Result<Value, DevToolsError> {
        let mut params = json!({"expression": expression, "awaitPromise": true, "returnByValue": true, "userGesture": false});
        if let (Some(context), Some(params)) = (context, params.as_object_mut()) {
            params.insert("contextId".to_owned(), context);
        }
        let mut answer = self
            .call_page(target, "Runtime.evaluate", params, limit)
            .await?;
        if let Some(details) = answer.get("exceptionDetails") {
            let text = details
                .pointer("/exception/description")
                .or_else(|| details.get("text"))
                .and_then(Value::as_str);
            return Err(DevToolsError::Exception(
                text.unwrap_or("unknown").to_owned(),
            ));
        }
        Ok(answer
            .pointer_mut("/result/value")
            .map(Value::take)
            .unwrap_or(Value::Null))
    }

    async fn send(
        &self,
        session: Option<String>,
        method: &'static str,
        params: Value,
        limit: Duration,
    ) -> Result<Value, DevToolsError> {
        let (reply, answer) = oneshot::channel();
        let sent = async {
            self.commands
                .send(Command {
                    session,
                    method,
                    params,
                    reply,
                })
                .await
                .map_err(|_| DevToolsError::Closed)?;
            answer.await.map_err(|_| DevToolsError::Closed)?
        };
        tokio::time::timeout(limit, sent)
            .await
            .map_err(|_| DevToolsError::Deadline(method.to_owned(), limit))?
    }
}

/// What is being enabled on a new target before it may go on.
struct Setup {
    outstanding: usize,
    page: Option<Page>,
    waiting: bool,
}

struct Connection {
    socket: Socket,
    next_id: u64,
    pending: HashMap<u64, (&'static str, Reply)>,
    setups: HashMap<String, Setup>,
    /// Reply id to session.
    setup_replies: HashMap<u64, String>,
    events: mpsc::Sender<BrowserEvent>,
    pages: watch::Sender<Vec<Page>>,
    trace: watch::Receiver<Option<TraceHeader>>,
    dropped: Arc<AtomicU64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Paused {
    request_id: String,
    request: PausedRequest,
}

#[derive(Deserialize)]
struct PausedRequest {
    #[serde(default)]
    headers: serde_json::Map<String, Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Attached {
    session_id: String,
    target_info: TargetInfo,
    #[serde(default)]
    waiting_for_debugger: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TargetInfo {
    target_id: String,
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Detached {
    session_id: String,
}

#[derive(Deserialize)]
struct Refusal {
    #[serde(default)]
    message: String,
}

impl Connection {
    async fn run(mut self, mut commands: mpsc::Receiver<Command>) {
        loop {
            tokio::select! {
                command = commands.recv() => match command {
                    None => break,
                    Some(command) => if self.issue(command).await.is_err() { break },
                },
                message = self.socket.next() => match message {
                    Some(Ok(Message::Text(text))) => if self.receive(text.as_str()).await.is_err() { break },
                    Some(Ok(Message::Close(_)) | Err(_)) | None => break,
                    Some(Ok(_)) => {}
                },
            }
        }
        self.pages.send_replace(Vec::new());
        self.emit(BrowserEvent::Disconnected).await;
        drop(self.socket.close(None).await);
    }

    async fn issue(&mut self, command: Command) -> Result<(), DevToolsError> {
        let id = self
            .write(command.session.as_deref(), command.method, &command.params)
            .await?;
        self.pending.insert(id, (command.method, command.reply));
        self.pending.retain(|_, (_, reply)| !reply.is_closed());
        Ok(())
    }

    async fn write(
        &mut self,
        session: Option<&str>,
        method: &str,
        params: &Value,
    ) -> Result<u64, DevToolsError> {
        let id = self.next_id;
        self.next_id += 1;
        let frame = match session {
            Some(session) => {
                json!({"id": id, "method": method, "params": params, "sessionId": session})
            }
            None => json!({"id": id, "method": method, "params": params}),
        };
        self.socket
            .send(Message::text(frame.to_string()))
            .await
            .map_err(|_| DevToolsError::Closed)?;
        Ok(id)
    }

    /// New targets of a parent wait for us; browser interface targets made a third of all frames and are left out.
    async fn attach_to_all(&mut self, parent: Option<&str>) -> Result<u64, DevToolsError> {
        let kinds = [
            "page",
            "iframe",
            "worker",
            "shared_worker",
            "service_worker",
        ];
        let filter: Vec<Value> = kinds.iter().map(|kind| json!({"type": kind})).collect();
        let params = json!({"autoAttach": true, "waitForDebuggerOnStart": true, "flatten": true, "filter": filter});
        self.write(parent, "Target.setAutoAttach", &params).await
    }

    async fn receive(&mut self, text: &str) -> Result<(), DevToolsError> {
        let envelope = match read_envelope(text) {
            Ok(envelope) => envelope,
            Err(error) => {
                warn!(%error, "a DevTools frame is not understood");
                return Ok(());
            }
        };
        match (envelope.id, envelope.method.as_deref(), envelope.params) {
            (Some(id), _, _) => {
                let refusal = envelope.error.map(|error| {
                    serde_json::from_str::<Refusal>(error.get())
                        .map_or_else(|_| error.get().to_owned(), |refusal| refusal.message)
                });
                self.replied(id, envelope.result.map(|result| result.get()), refusal)
                    .await
            }
            (None, Some("Target.attachedToTarget"), Some(params)) => {
                match serde_json::from_str::<Attached>(params.get()) {
                    Ok(attached) => self.attached(attached).await,
                    Err(_) => Ok(()),
                }
            }
            (None, Some("Target.detachedFromTarget"), Some(params)) => {
                if let Ok(detached) = serde_json::from_str::<Detached>(params.get()) {
                    self.setups.remove(&detached.session_id);
                    self.pages.send_if_modified(|pages| {
                        let before = pages.len();
                        pages.retain(|page| page.session_id != detached.session_id);
                        pages.len() != before
                    });
                }
                Ok(())
            }
            (None, Some("Fetch.requestPaused"), Some(params)) => {
                match serde_json::from_str::<Paused>(params.get()) {
                    Ok(paused) => self.go_on(envelope.session_id.as_deref(), paused).await,
                    Err(_) => Ok(()),
                }
            }
            (None, Some(method), Some(params)) => {
                if let Some(mut event) = decode(method, params) {
                    match &mut event {
                        BrowserEvent::Request(request) => {
                            request.session = envelope.session_id.map(Cow::into_owned);
                        }
                        BrowserEvent::Frame(frame) => {
                            frame.session = envelope.session_id.map(Cow::into_owned);
                        }
                        _ => {}
                    }
                    self.emit(event).await;
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Lets a request that waits for us leave, with its tracing header.
    async fn go_on(&mut self, session: Option<&str>, paused: Paused) -> Result<(), DevToolsError> {
        let trace = self.trace.borrow().clone();
        let headers = paused
            .request
            .headers
            .into_iter()
            .filter_map(|(name, value)| Some((name, value.as_str()?.to_owned())))
            .chain(trace.map(|trace| (trace.name, trace.value)))
            .map(|(name, value)| json!({"name": name, "value": value}));
        let headers: Vec<Value> = headers.collect();
        let params = json!({"requestId": paused.request_id, "headers": headers});
        self.write(session, "Fetch.continueRequest", &params)
            .await
            .map(drop)
    }

    /// A full queue holds the socket up for a while, so that a burst is not lost; then the event is dropped and counted.
    async fn emit(&self, event: BrowserEvent) {
        let sent = match self.events.try_send(event) {
            Err(mpsc::error::TrySendError::Full(event)) => self
                .events
                .send_timeout(event, FULL_QUEUE_LIMIT)
                .await
                .is_ok(),
            sent => sent.is_ok(),
        };
        if !sent {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    async fn replied(
        &mut self,
        id: u64,
        result: Option<&str>,
        refusal: Option<String>,
    ) -> Result<(), DevToolsError> {
        if let Some((method, reply)) = self.pending.remove(&id) {
            let answer = match refusal {
                Some(message) => Err(DevToolsError::Refused {
                    method: method.to_owned(),
                    message,
                }),
                None => Ok(result
                    .and_then(|result| serde_json::from_str(result).ok())
                    .unwrap_or(Value::Null)),
            };
            if reply.send(answer).is_err() {
                debug!(method, "nobody waits for this answer any more");
            }
            return Ok(());
        }
        let Some(session) = self.setup_replies.remove(&id) else {
            return Ok(());
        };
        let Some(setup) = self.setups.get_mut(&session) else {
            return Ok(());
        };
        setup.outstanding -= 1;
        if setup.outstanding > 0 {
            return Ok(());
        }
        let Some(setup) = self.setups.remove(&session) else {
            return Ok(());
        };
        if setup.waiting {
            self.write(
                Some(&session),
                "Runtime.runIfWaitingForDebugger",
                &json!({}),
            )
            .await?;
        }
        if let Some(page) = setup.page {
            self.pages.send_modify(|pages| pages.push(page));
        }
        Ok(())
    }

    /// Enables the domains of a new target, then lets it go on. A worker lacks some of them: a refusal is an answer too.
    async fn attached(&mut self, attached: Attached) -> Result<(), DevToolsError> {
        let session = attached.session_id;
        let kind = match attached.target_info.kind.as_str() {
            "page" => TargetKind::Page,
            "iframe" => TargetKind::Frame,
            kind if kind.contains("worker") => TargetKind::Worker,
            _ => TargetKind::Other,
        };
        let domains: &[&str] = match kind {
            TargetKind::Page | TargetKind::Frame => &[
                "Network.enable",
                "Page.enable",
                "Runtime.enable",
                "Log.enable",
                "Console.enable",
                "Inspector.enable",
            ],
            TargetKind::Worker => &[
                "Network.enable",
                "Runtime.enable",
                "Log.enable",
                "Console.enable",
            ],
            TargetKind::Other => &[],
        };
        let mut ids = Vec::new();
        for domain in domains {
            ids.push(self.write(Some(&session), domain, &json!({})).await?);
        }
        ids.push(self.attach_to_all(Some(&session)).await?);
        let page = (kind == TargetKind::Page).then(|| Page {
            target_id: attached.target_info.target_id,
            session_id: session.clone(),
        });
        self.setups.insert(
            session.clone(),
            Setup {
                outstanding: ids.len(),
                page,
                waiting: attached.waiting_for_debugger,
            },
        );
        self.setup_replies
            .extend(ids.into_iter().map(|id| (id, session.clone())));
        Ok(())
    }
}
