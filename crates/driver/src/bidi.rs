//! WebDriver BiDi, for scripts that speak it: <https://www.w3.org/TR/webdriver-bidi/>.
//!
//! chromedriver speaks it in sessions that ask for it, with a page of its own that translates. A run does without until a
//! script sends its first frame: then a second session is attached to the same browser, and the page that translates is
//! hidden from everybody else.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures_util::{SinkExt, StreamExt};
use serde::Deserialize;
use serde_json::{Value, json};
use thiserror::Error;
use tokio::{
    sync::{Notify, mpsc, oneshot},
    task::JoinSet,
};
use tokio_tungstenite::tungstenite::Message;
use url::Url;

use crate::{
    devtools::{DevTools, DevToolsError},
    socket::{self, Socket},
    webdriver::{WebDriver, WebDriverError},
};

/// Of one command; WebdriverIO waits as long.
const ANSWER_LIMIT: Duration = Duration::from_secs(60);
const CLOSE_LIMIT: Duration = Duration::from_secs(2);
const POLL: Duration = Duration::from_millis(5);
const COMMAND_QUEUE: usize = 64;
/// Events that a script has not taken yet; the oldest make room.
const MAX_EVENTS: usize = 10_000;

#[derive(Debug, Error)]
pub enum BidiError {
    #[error("WebDriver BiDi is not available at a remote end-point")]
    Remote,
    #[error(transparent)]
    DevTools(#[from] DevToolsError),
    #[error("no WebDriver BiDi session: {0}")]
    Session(#[from] WebDriverError),
    #[error("WebDriver BiDi at {0} cannot be reached: {1}")]
    Connect(String, String),
    #[error("the WebDriver BiDi connection is closed")]
    Closed,
    #[error("WebDriver BiDi did not answer within {0:?}")]
    Deadline(Duration),
}

/// What the browser told over BiDi: `{type: "event", method, params}` as text. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct BidiEvents {
    waiting: Arc<Mutex<VecDeque<String>>>,
    arrived: Arc<Notify>,
}

impl BidiEvents {
    fn lock(&self) -> MutexGuard<'_, VecDeque<String>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, event: String) {
        let mut waiting = self.lock();
        if waiting.len() >= MAX_EVENTS {
            waiting.pop_front();
        }
        waiting.push_back(event);
        drop(waiting);
        self.arrived.notify_one();
    }

    /// The next one, if it is there.
    pub fn try_next(&self) -> Option<String> {
        self.lock().pop_front()
    }

    /// The next one, as soon as it is there.
    pub async fn next(&self) -> String {
        loop {
            let arrived = self.arrived.notified();
            if let Some(event) = self.try_next() {
                return event;
            }
            arrived.await;
        }
    }
}

/// The way to a browser's BiDi; attached when it is first used.
#[derive(Debug)]
pub struct Bidi {
    /// None of a remote browser: the end-point would look for the address on its own machine.
    local: Option<LocalAddress>,
    events: BidiEvents,
    attached: tokio::sync::Mutex<Option<Attached>>,
}

/// Where another session finds the browser.
#[derive(Debug)]
pub(crate) struct LocalAddress {
    pub(crate) endpoint: Url,
    /// `host:port` of DevTools.
    pub(crate) debugger: String,
    pub(crate) command_timeout: Duration,
}

#[derive(Debug)]
struct Attached {
    session: WebDriver,
    commands: mpsc::Sender<Command>,
    /// Ends with the struct.
    _task: JoinSet<()>,
}

#[derive(Debug)]
struct Command {
    id: u64,
    frame: Value,
    reply: oneshot::Sender<Value>,
}

impl Bidi {
    pub(crate) fn new(webdriver: &WebDriver, endpoint: Option<&Url>, limit: Duration) -> Self {
        let debugger = webdriver
            .capabilities()
            .pointer("/goog:chromeOptions/debuggerAddress")
            .and_then(Value::as_str);
        let local = endpoint
            .zip(debugger)
            .map(|(endpoint, debugger)| LocalAddress {
                endpoint: endpoint.clone(),
                debugger: debugger.to_owned(),
                command_timeout: limit,
            });
        Self {
            local,
            events: BidiEvents::default(),
            attached: tokio::sync::Mutex::default(),
        }
    }

    pub(crate) fn address(&self) -> Option<&LocalAddress> {
        self.local.as_ref()
    }

    /// Ends the connection; the next command makes another one, without what was subscribed to.
    pub(crate) async fn detach(&self) {
        let Some(attached) = self.attached.lock().await.take() else {
            return;
        };
        // The browser stays: this session did not start it.
        if let Err(error) = attached.session.delete_session().await {
            tracing::debug!(%error, "a BiDi session was gone before it was ended");
        }
    }

    /// What is told from now on.
    pub fn events(&self) -> &BidiEvents {
        &self.events
    }

    /// Sends `{id, method, params}` and answers the frame with that id, which may be one of an error.
    pub async fn send(
        &self,
        devtools: &DevTools,
        id: u64,
        method: &str,
        params: &Value,
    ) -> Result<Value, BidiError> {
        let (reply, answer) = oneshot::channel();
        let command = Command {
            id,
            frame: json!({"id": id, "method": method, "params": params}),
            reply,
        };
        let commands = self.commands(devtools).await?;
        commands
            .send(command)
            .await
            .map_err(|_| BidiError::Closed)?;
        let answer = tokio::time::timeout(ANSWER_LIMIT, answer)
            .await
            .map_err(|_| BidiError::Deadline(ANSWER_LIMIT))?
            .map_err(|_| BidiError::Closed)?;
        if method == "session.end" {
            self.detach().await;
        }
        Ok(answer)
    }

    async fn commands(&self, devtools: &DevTools) -> Result<mpsc::Sender<Command>, BidiError> {
        let mut attached = self.attached.lock().await;
        if let Some(attached) = attached.as_ref().filter(|one| !one.commands.is_closed()) {
            return Ok(attached.commands.clone());
        }
        let address = self.local.as_ref().ok_or(BidiError::Remote)?;
        let decoy = Decoy::open(devtools).await?;
        let before = targets(devtools).await?;
        let opened = Attached::open(address, self.events.clone()).await;
        decoy.close(devtools).await?;
        let opened = opened?;
        let after = targets(devtools).await?;
        devtools.hide_pages(after.into_iter().filter(|target| !before.contains(target)));
        let commands = opened.commands.clone();
        *attached = Some(opened);
        Ok(commands)
    }
}

/// A session that attaches to a running browser empties the page that was opened last: here it finds one to empty.
struct Decoy {
    target: String,
}

impl Decoy {
    async fn open(devtools: &DevTools) -> Result<Self, DevToolsError> {
        devtools.hide_next_page(true);
        let params = json!({"url": "about:blank", "background": true});
        let target = devtools.open_page(params).await;
        devtools.hide_next_page(false);
        Ok(Self { target: target? })
    }

    async fn close(self, devtools: &DevTools) -> Result<(), DevToolsError> {
        devtools.close_page(&self.target).await?;
        let gone = async {
            while targets(devtools).await?.contains(&self.target) {
                tokio::time::sleep(POLL).await;
            }
            Ok(())
        };
        // One that lingers is seen by the script, which is no reason to fail.
        tokio::time::timeout(CLOSE_LIMIT, gone)
            .await
            .unwrap_or(Ok(()))
    }
}

/// Ids of everything that is open in the browser.
async fn targets(devtools: &DevTools) -> Result<Vec<String>, DevToolsError> {
    let mut answer = devtools.call("Target.getTargets", json!({})).await?;
    let targets = answer.get_mut("targetInfos").map(Value::take);
    let targets: Vec<Target> = targets
        .and_then(|targets| serde_json::from_value(targets).ok())
        .unwrap_or_default();
    Ok(targets.into_iter().map(|target| target.target_id).collect())
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Target {
    target_id: String,
}

impl Attached {
    async fn open(address: &LocalAddress, events: BidiEvents) -> Result<Self, BidiError> {
        let capabilities = json!({
            "browserName": "chrome", "webSocketUrl": true, "unhandledPromptBehavior": "ignore",
            "goog:chromeOptions": {"debuggerAddress": address.debugger},
        });
        let session =
            WebDriver::new_session(&address.endpoint, &capabilities, address.command_timeout)
                .await?;
        let url = session.capabilities().get("webSocketUrl");
        let url = url.and_then(Value::as_str).unwrap_or_default().to_owned();
        let socket = socket::connect(&url)
            .await
            .map_err(|error| BidiError::Connect(url, error))?;
        let (commands, receiver) = mpsc::channel(COMMAND_QUEUE);
        let mut task = JoinSet::new();
        task.spawn(run(socket, receiver, events));
        Ok(Self {
            session,
            commands,
            _task: task,
        })
    }
}

/// Owns the socket until nobody needs it.
async fn run(mut socket: Socket, mut commands: mpsc::Receiver<Command>, events: BidiEvents) {
    let mut pending: HashMap<u64, oneshot::Sender<Value>> = HashMap::new();
    loop {
        tokio::select! {
            command = commands.recv() => {
                let Some(Command { id, frame, reply }) = command else { break };
                pending.retain(|_, reply| !reply.is_closed());
                pending.insert(id, reply);
                if socket.send(Message::text(frame.to_string())).await.is_err() { break }
            }
            message = socket.next() => match message {
                Some(Ok(Message::Text(text))) => receive(text.as_str(), &mut pending, &events),
                Some(Ok(Message::Close(_)) | Err(_)) | None => break,
                Some(Ok(_)) => {}
            },
        }
    }
    drop(socket.close(None).await);
}

fn receive(text: &str, pending: &mut HashMap<u64, oneshot::Sender<Value>>, events: &BidiEvents) {
    let Ok(frame) = serde_json::from_str::<Value>(text) else {
        tracing::warn!("a WebDriver BiDi frame is not understood");
        return;
    };
    match frame.get("id").and_then(Value::as_u64) {
        Some(id) => {
            // A script whose step is over no longer waits.
            if let Some(reply) = pending.remove(&id) {
                reply.send(frame).ok();
            }
        }
        None if frame.get("method").is_some() => events.push(text.to_owned()),
        None => {}
    }
}
