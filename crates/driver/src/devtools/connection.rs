//! The socket and the one loop that owns it.

use std::{
    borrow::Cow,
    collections::HashMap,
    sync::{
        Arc, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures_util::{SinkExt, StreamExt};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
};
use tokio_tungstenite::tungstenite::Message;
use tracing::{debug, warn};

use super::{
    BrowserEvent, Caller, DevToolsError, Dialog, Page, TargetKind,
    caller::{Command, FETCH_PATTERNS, NEW_DOCUMENT, Reply, TraceHeader, WeakCaller, new_document},
    decode,
    interception::{self, Interceptions, Paused, request_headers},
    navigations::Navigations,
    read_envelope,
};
use crate::socket::{self, Socket};

/// Events that may wait for their reader before they are dropped and counted.
const EVENT_QUEUE: usize = 20_000;
const FULL_QUEUE_LIMIT: Duration = Duration::from_secs(2);
const COMMAND_QUEUE: usize = 256;

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

impl DevTools {
    /// Connects to a browser's socket and attaches to everything in it. Events arrive at the receiver.
    pub async fn connect(url: &str) -> Result<(Self, mpsc::Receiver<BrowserEvent>), DevToolsError> {
        let socket = socket::connect(url)
            .await
            .map_err(|error| DevToolsError::Connect(url.to_owned(), error))?;
        let (commands, command_receiver) = mpsc::channel(COMMAND_QUEUE);
        let (events, event_receiver) = mpsc::channel(EVENT_QUEUE);
        let (pages_sender, pages) = watch::channel(Vec::new());
        let (trace, trace_header) = watch::channel(None);
        let (early, early_script) = watch::channel(None);
        let dropped = Arc::new(AtomicU64::new(0));
        let caller = Caller {
            commands,
            pages,
            trace,
            early,
            interceptions: Interceptions::default(),
            scripts: Arc::default(),
            dialog: Arc::default(),
            navigations: Navigations::default(),
            hidden: Arc::default(),
        };
        let mut connection = Connection {
            socket,
            next_id: 1,
            pending: HashMap::new(),
            setups: HashMap::new(),
            setup_replies: HashMap::new(),
            events,
            pages: pages_sender,
            trace: trace_header,
            early: early_script,
            dropped: Arc::clone(&dropped),
            interceptions: caller.interceptions.clone(),
            caller: caller.downgrade(),
            deciding: JoinSet::new(),
        };
        connection.attach_to_all(None).await?;
        let mut task = JoinSet::new();
        task.spawn(connection.run(command_receiver));
        Ok((
            Self {
                caller,
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

/// What is being enabled on a new target before it may go on.
struct Setup {
    outstanding: usize,
    page: Option<Page>,
    waiting: bool,
}

struct Connection {
    socket: Socket,
    next_id: u64,
    pending: HashMap<u64, (Cow<'static, str>, Reply)>,
    setups: HashMap<String, Setup>,
    /// Reply id to session.
    setup_replies: HashMap<u64, String>,
    events: mpsc::Sender<BrowserEvent>,
    pages: watch::Sender<Vec<Page>>,
    trace: watch::Receiver<Option<TraceHeader>>,
    early: watch::Receiver<Option<String>>,
    dropped: Arc<AtomicU64>,
    interceptions: Interceptions,
    /// Weak, or the connection would keep itself open.
    caller: WeakCaller,
    deciding: JoinSet<()>,
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
    opener_id: Option<String>,
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
            .write(command.session.as_deref(), &command.method, &command.params)
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

    /// Target id of the page that a session belongs to.
    fn page_of(&self, session: Option<&str>) -> Option<String> {
        let pages = self.pages.borrow();
        let page = pages
            .iter()
            .find(|page| Some(&*page.session_id) == session)?;
        Some(page.target_id.clone())
    }

    fn set_dialog(&self, dialog: Option<Dialog>) {
        *self
            .caller
            .dialog
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = dialog;
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
                    Ok(paused) => self.paused(envelope.session_id.as_deref(), paused).await,
                    Err(_) => Ok(()),
                }
            }
            (None, Some(method), Some(params)) => {
                if let Some(mut event) = decode(method, params) {
                    let page = || self.page_of(envelope.session_id.as_deref());
                    self.caller.navigations.observe(page, &event);
                    match &mut event {
                        BrowserEvent::Request(request) => {
                            request.session = envelope.session_id.map(Cow::into_owned);
                        }
                        BrowserEvent::Frame(frame) => {
                            frame.session = envelope.session_id.map(Cow::into_owned);
                        }
                        BrowserEvent::DialogOpened(dialog) => {
                            self.set_dialog(Some(dialog.clone()));
                        }
                        BrowserEvent::DialogClosed => self.set_dialog(None),
                        _ => {}
                    }
                    self.emit(event).await;
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Lets a request that waits for us leave, with its tracing header; a rule of the script decides in a task of its own.
    async fn paused(&mut self, session: Option<&str>, paused: Paused) -> Result<(), DevToolsError> {
        let trace = self.trace.borrow().clone();
        if self.interceptions.is_active()
            && let Some(caller) = self.caller.clone().upgrade()
        {
            let rules = self.interceptions.clone();
            let session = session.map(str::to_owned);
            self.deciding.spawn(async move {
                if let Err(error) =
                    interception::handle(caller, rules, trace, session, paused).await
                {
                    debug!(%error, "a request was gone before it was decided about");
                }
            });
            while self.deciding.try_join_next().is_some() {}
            return Ok(());
        }
        let headers = request_headers(&paused, trace, None);
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
                    method: method.into_owned(),
                    message,
                }),
                None => Ok(result
                    .and_then(|result| serde_json::from_str(result).ok())
                    .unwrap_or(Value::Null)),
            };
            if reply.send(answer).is_err() {
                debug!("nobody waits for this answer any more");
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

    /// The scripts of a user that a new page runs before its own.
    fn init_scripts(&self, kind: TargetKind) -> Vec<String> {
        if kind != TargetKind::Page {
            return Vec::new();
        }
        let scripts = self.caller.scripts.lock();
        let scripts = scripts.unwrap_or_else(PoisonError::into_inner);
        scripts
            .values()
            .map(|script| script.source.clone())
            .collect()
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
        let opener = &attached.target_info.opener_id;
        if kind == TargetKind::Page
            && opener.is_none()
            && self.caller.hides(&attached.target_info.target_id)
        {
            let go_on = "Runtime.runIfWaitingForDebugger";
            self.write(Some(&session), go_on, &json!({})).await?;
            let params = json!({"sessionId": session});
            self.write(None, "Target.detachFromTarget", &params).await?;
            return Ok(());
        }
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
        let early = self.early.borrow().clone();
        if let Some(source) = early.filter(|_| kind == TargetKind::Page) {
            let params = new_document(&source);
            ids.push(self.write(Some(&session), NEW_DOCUMENT, &params).await?);
        }
        for source in self.init_scripts(kind) {
            let params = json!({"source": source});
            ids.push(self.write(Some(&session), NEW_DOCUMENT, &params).await?);
        }
        if self.interceptions.is_active() && kind != TargetKind::Other {
            let params = serde_json::from_str(FETCH_PATTERNS).unwrap_or_default();
            ids.push(self.write(Some(&session), "Fetch.enable", &params).await?);
        }
        ids.push(self.attach_to_all(Some(&session)).await?);
        // A service worker answers some of this only when it runs: it must not wait for its answers. What was sent before
        // is carried out before.
        let mut waiting = attached.waiting_for_debugger;
        if waiting && kind != TargetKind::Page {
            let go_on = "Runtime.runIfWaitingForDebugger";
            self.write(Some(&session), go_on, &json!({})).await?;
            waiting = false;
        }
        let page = (kind == TargetKind::Page).then(|| Page {
            target_id: attached.target_info.target_id,
            session_id: session.clone(),
        });
        self.setups.insert(
            session.clone(),
            Setup {
                outstanding: ids.len(),
                page,
                waiting,
            },
        );
        self.setup_replies
            .extend(ids.into_iter().map(|id| (id, session.clone())));
        Ok(())
    }
}
