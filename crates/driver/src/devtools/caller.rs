//! Commands to the browser and its pages, over the connection that another task owns.

use std::{
    borrow::Cow,
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use serde_json::{Value, json};
use thiserror::Error;
use tokio::sync::{mpsc, oneshot, watch};

use super::{Dialog, interception::Interceptions, navigations::Navigations};

/// Of a call that names no other limit.
pub(super) const CALL_LIMIT: Duration = Duration::from_secs(10);
/// The name of the world that our own code runs in.
const OWN_WORLD: &str = "canarytrace";
pub(crate) const NEW_DOCUMENT: &str = "Page.addScriptToEvaluateOnNewDocument";

/// Parameters of [`NEW_DOCUMENT`]: `source` runs before a page's scripts, unseen by them.
pub(crate) fn new_document(source: &str) -> Value {
    json!({"source": source, "worldName": OWN_WORLD})
}

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

/// Makes calls over a connection; cheap to clone.
#[derive(Clone, Debug)]
pub struct Caller {
    pub(super) commands: mpsc::Sender<Command>,
    pub(super) pages: watch::Receiver<Vec<Page>>,
    pub(super) trace: watch::Sender<Option<TraceHeader>>,
    /// What runs in each page before its own scripts.
    pub(super) early: watch::Sender<Option<String>>,
    pub(super) interceptions: Interceptions,
    /// Scripts of a user that run before a page's own: ours by number, the browser's by session.
    pub(super) scripts: Arc<Mutex<BTreeMap<u64, InitScript>>>,
    /// The dialog that is open.
    pub(super) dialog: Arc<Mutex<Option<Dialog>>>,
    pub(super) navigations: Navigations,
    pub(super) hidden: Arc<Mutex<Hidden>>,
}

/// Pages that belong to a tool, not to the run.
#[derive(Debug, Default)]
pub(super) struct Hidden {
    /// The next page that no other page opens is one.
    pub(super) next: bool,
    pub(super) targets: Vec<String>,
}

/// A script that runs before a page's own ones, in every page.
#[derive(Clone, Debug)]
pub(super) struct InitScript {
    pub(super) source: String,
    /// Session and the browser's number of it.
    pub(super) added: Vec<(String, Value)>,
}

/// A caller that does not keep its connection open.
#[derive(Clone, Debug)]
pub(super) struct WeakCaller {
    commands: mpsc::WeakSender<Command>,
    pages: watch::Receiver<Vec<Page>>,
    trace: watch::Sender<Option<TraceHeader>>,
    early: watch::Sender<Option<String>>,
    interceptions: Interceptions,
    pub(super) scripts: Arc<Mutex<BTreeMap<u64, InitScript>>>,
    pub(super) dialog: Arc<Mutex<Option<Dialog>>>,
    pub(super) navigations: Navigations,
    hidden: Arc<Mutex<Hidden>>,
}

impl WeakCaller {
    pub(super) fn upgrade(self) -> Option<Caller> {
        Some(Caller {
            commands: self.commands.upgrade()?,
            pages: self.pages,
            trace: self.trace,
            early: self.early,
            interceptions: self.interceptions,
            scripts: self.scripts,
            dialog: self.dialog,
            navigations: self.navigations,
            hidden: self.hidden,
        })
    }

    /// Whether a page that just came up, opened by no other, is to be left alone.
    pub(super) fn hides(&self, target: &str) -> bool {
        let mut hidden = self.hidden.lock().unwrap_or_else(PoisonError::into_inner);
        let hides = std::mem::take(&mut hidden.next);
        if hides {
            hidden.targets.push(target.to_owned());
        }
        hides
    }
}

/// Parameters of `Fetch.enable`: every request waits for us when it leaves and when its response has come.
pub(super) const FETCH_PATTERNS: &str = r#"{"patterns": [{"urlPattern": "*", "requestStage": "Request"}, {"urlPattern": "*", "requestStage": "Response"}]}"#;

/// A header that every request to one origin carries.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct TraceHeader {
    pub(super) name: String,
    pub(super) value: String,
}

/// A page that is attached and whose domains are on.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Page {
    pub(crate) target_id: String,
    pub(crate) session_id: String,
}

pub(super) struct Command {
    pub(super) session: Option<String>,
    pub(super) method: Cow<'static, str>,
    pub(super) params: Value,
    pub(super) reply: Reply,
}

pub(super) type Reply = oneshot::Sender<Result<Value, DevToolsError>>;

impl Caller {
    pub(super) fn downgrade(&self) -> WeakCaller {
        WeakCaller {
            commands: self.commands.downgrade(),
            pages: self.pages.clone(),
            trace: self.trace.clone(),
            early: self.early.clone(),
            interceptions: self.interceptions.clone(),
            scripts: Arc::clone(&self.scripts),
            dialog: Arc::clone(&self.dialog),
            navigations: self.navigations.clone(),
            hidden: Arc::clone(&self.hidden),
        }
    }

    /// Whether the next page that comes up, opened by no other, is none of the run's: it is not watched.
    pub(crate) fn hide_next_page(&self, hides: bool) {
        self.hidden
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .next = hides;
    }

    /// Says which pages are none of the run's.
    pub(crate) fn hide_pages(&self, targets: impl Iterator<Item = String>) {
        let mut hidden = self.hidden.lock().unwrap_or_else(PoisonError::into_inner);
        hidden.targets.extend(targets);
    }

    /// Target ids of the pages that are none of the run's.
    pub fn hidden_pages(&self) -> Vec<String> {
        let hidden = self.hidden.lock().unwrap_or_else(PoisonError::into_inner);
        hidden.targets.clone()
    }

    /// The latest navigation of each page.
    pub fn navigations(&self) -> &Navigations {
        &self.navigations
    }

    /// The dialog that a page shows now.
    pub fn dialog(&self) -> Option<Dialog> {
        self.dialog
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// The rules about requests that leave; they work after [`Caller::intercept`].
    pub fn interceptions(&self) -> &Interceptions {
        &self.interceptions
    }

    /// Makes every request of every page wait for the rules.
    pub async fn intercept(&self) -> Result<(), DevToolsError> {
        let params: Value = serde_json::from_str(FETCH_PATTERNS).unwrap_or_default();
        self.each_page("Fetch.enable", &params).await
    }

    /// Ends what [`Caller::intercept`] began, if no tracing header needs it.
    pub async fn stop_intercepting(&self) -> Result<(), DevToolsError> {
        if self.trace.borrow().is_some() {
            return Ok(());
        }
        self.each_page("Fetch.disable", &json!({})).await
    }

    /// One command to every page.
    pub async fn each_page(
        &self,
        method: &'static str,
        params: &Value,
    ) -> Result<(), DevToolsError> {
        let pages = self.pages.borrow().clone();
        for page in pages {
            self.send(Some(page.session_id), method, params.clone(), CALL_LIMIT)
                .await?;
        }
        Ok(())
    }

    /// Runs `source` in every page that is open before its own scripts, from the next document on; answers its number.
    pub async fn add_init_script(&self, source: &str) -> Result<u64, DevToolsError> {
        let pages = self.pages.borrow().clone();
        let mut added = Vec::new();
        for page in pages {
            let params = json!({"source": source});
            let session = Some(page.session_id.clone());
            let answer = self.send(session, NEW_DOCUMENT, params, CALL_LIMIT).await?;
            added.push((
                page.session_id,
                answer.get("identifier").cloned().unwrap_or_default(),
            ));
        }
        let mut scripts = self.scripts.lock().unwrap_or_else(PoisonError::into_inner);
        let number = scripts.keys().max().map_or(1, |number| number + 1);
        scripts.insert(
            number,
            InitScript {
                source: source.to_owned(),
                added,
            },
        );
        Ok(number)
    }

    /// Takes a script of [`Caller::add_init_script`] back; a page that is gone has forgotten it by itself.
    pub async fn remove_init_script(&self, number: u64) {
        let script = self
            .scripts
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&number);
        for (session, identifier) in script.map(|script| script.added).unwrap_or_default() {
            let params = json!({"identifier": identifier});
            let removed = self.send(
                Some(session),
                "Page.removeScriptToEvaluateOnNewDocument",
                params,
                CALL_LIMIT,
            );
            drop(removed.await);
        }
    }

    /// No script of a user runs in pages that come up from now on.
    pub(crate) fn forget_init_scripts(&self) {
        self.scripts
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }

    /// Waits until a page is attached with its domains enabled.
    pub async fn page_ready(&self, limit: Duration) -> Result<(), DevToolsError> {
        self.wait_for_pages(limit, |pages| !pages.is_empty()).await
    }

    /// Waits until the attached pages are as wanted; [`DevToolsError::NoPage`] when they are not in time.
    pub(crate) async fn wait_for_pages(
        &self,
        limit: Duration,
        mut wanted: impl FnMut(&[Page]) -> bool,
    ) -> Result<(), DevToolsError> {
        let mut pages = self.pages.clone();
        match tokio::time::timeout(limit, pages.wait_for(|pages| wanted(pages))).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(_)) => Err(DevToolsError::Closed),
            Err(_) => Err(DevToolsError::NoPage),
        }
    }

    /// Opens a page with parameters of `Target.createTarget`; answers its target id.
    pub(crate) async fn open_page(&self, params: Value) -> Result<String, DevToolsError> {
        let made = self.call("Target.createTarget", params).await?;
        let target = made.get("targetId").and_then(Value::as_str);
        Ok(target.unwrap_or_default().to_owned())
    }

    /// Closes the page with that target id.
    pub(crate) async fn close_page(&self, target: &str) -> Result<(), DevToolsError> {
        let params = json!({"targetId": target});
        self.call("Target.closeTarget", params).await.map(drop)
    }

    /// A command to the browser itself.
    pub async fn call(
        &self,
        method: impl Into<Cow<'static, str>>,
        params: Value,
    ) -> Result<Value, DevToolsError> {
        self.send(None, method, params, CALL_LIMIT).await
    }

    /// A command to the page with that target id (a WebDriver window handle), or to the first page.
    pub async fn call_page(
        &self,
        target: Option<&str>,
        method: impl Into<Cow<'static, str>>,
        params: Value,
        limit: Duration,
    ) -> Result<Value, DevToolsError> {
        let session = self.page(target)?.session_id;
        self.send(Some(session), method, params, limit).await
    }

    /// The page with that target id, or the first one.
    fn page(&self, target: Option<&str>) -> Result<Page, DevToolsError> {
        let pages = self.pages.borrow();
        let wanted = target.and_then(|target| pages.iter().find(|page| page.target_id == target));
        let page = wanted.or_else(|| pages.first());
        page.cloned().ok_or(DevToolsError::NoPage)
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

    /// Runs `source` in every page from its next document on, before its own scripts and in the world of
    /// [`Caller::evaluate_apart`].
    pub async fn prepare_pages(&self, source: &str) -> Result<(), DevToolsError> {
        self.early.send_replace(Some(source.to_owned()));
        let pages = self.pages.borrow().clone();
        for page in pages {
            let session = Some(page.session_id);
            self.send(session, NEW_DOCUMENT, new_document(source), CALL_LIMIT)
                .await?;
        }
        Ok(())
    }

    /// Evaluates in a world of its own: same page, but its scripts see nothing of it.
    pub async fn evaluate_apart(
        &self,
        target: Option<&str>,
        expression: &str,
        limit: Duration,
    ) -> Result<Value, DevToolsError> {
        // The top frame of a page has the id of its target.
        let frame = self.page(target)?.target_id;
        let params = json!({"frameId": frame, "worldName": OWN_WORLD});
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

    pub(super) async fn send(
        &self,
        session: Option<String>,
        method: impl Into<Cow<'static, str>>,
        params: Value,
        limit: Duration,
    ) -> Result<Value, DevToolsError> {
        let method = method.into();
        let name = method.clone().into_owned();
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
            .map_err(|_| DevToolsError::Deadline(name, limit))?
    }
}
