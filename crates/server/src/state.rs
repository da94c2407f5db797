//! What handlers share, and what the server needs from others.

use std::{collections::BTreeSet, net::SocketAddr, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use canarytrace_es::{Engine, EsError, Forwarder, SearchService};
use canarytrace_model::{branding::Accent, links::RunLink};
use serde::{Deserialize, Serialize};
use thiserror::Error;
use tokio::sync::broadcast;

use crate::{FrameOrigins, access::Access};

/// Shared by all handlers.
#[derive(Clone)]
pub struct AppState {
    pub service: Arc<dyn SearchService>,
    pub backend: Backend,
    pub attachments: Arc<dyn Attachments>,
    pub schedule: Option<Arc<dyn Schedule>>,
    pub alerts: Option<Arc<dyn Alerts>>,
    /// The address that is listened on.
    pub address: SocketAddr,
    pub version: &'static str,
    pub ui: bool,
    /// Users; none: everybody on this machine may do everything.
    pub access: Option<Arc<Access>>,
    pub branding: Arc<ServedBranding>,
    /// Where else a run is known.
    pub run_links: Arc<Vec<RunLink>>,
    /// Whose pages may show dashboards in a frame.
    pub frames: FrameOrigins,
    /// Draws pages for reports; none where no browser was found.
    pub renderer: Option<Arc<dyn Renderer>>,
    /// What the server runs with, without secrets.
    pub in_force: Option<InForce>,
    /// How long daily indices are kept; none: nothing is deleted by age.
    pub retention_days: Option<u64>,
    /// Names of indices that were written to, for pages that are open.
    pub changes: broadcast::Sender<BTreeSet<String>>,
}

/// Arguments, variables and configuration as they are now.
pub type InForce = Arc<dyn Fn() -> serde_json::Value + Send + Sync>;

/// Who answers Elasticsearch's paths.
#[derive(Clone)]
pub enum Backend {
    /// A cluster that they are passed on to.
    Cluster(Forwarder),
    /// An engine of our own.
    Engine(Arc<dyn Engine>),
}

impl AppState {
    pub(crate) fn engine(&self) -> Result<&dyn Engine, EsError> {
        match &self.backend {
            Backend::Engine(engine) => Ok(engine.as_ref()),
            Backend::Cluster(_) => Err(EsError::internal("a cluster answers this path itself")),
        }
    }
}

/// Where attachments of runs are kept.
#[async_trait]
pub trait Attachments: Send + Sync {
    async fn put(&self, uuid: &str, name: &str, content: Bytes) -> std::io::Result<()>;
    async fn get(&self, uuid: &str, name: &str) -> std::io::Result<Option<Bytes>>;
}

/// Name, logo and colors of the company whose UI this is.
#[derive(Clone, Debug, Default)]
pub struct ServedBranding {
    pub name: Option<String>,
    pub accent: Option<Accent>,
    pub footer: Option<String>,
    pub logo: Option<Logo>,
}

#[derive(Clone, Debug)]
pub struct Logo {
    pub media_type: &'static str,
    pub content: Bytes,
}

/// What a page is drawn as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Picture {
    /// A4, as many pages as it takes.
    Pdf,
    /// The whole page in one picture.
    Png,
}

/// Draws pages of the UI with a browser.
#[async_trait]
pub trait Renderer: Send + Sync {
    /// Draws a path of this server in a window of so many CSS pixels, when the page says that it is complete; `cookie` is
    /// name and value of the session in whose name it is asked for.
    async fn render(
        &self,
        path: &str,
        picture: Picture,
        width: u32,
        cookie: Option<(&'static str, String)>,
    ) -> Result<Bytes, String>;
}

/// The monitors that are run here.
#[async_trait]
pub trait Schedule: Send + Sync {
    async fn monitors(&self) -> Vec<MonitorView>;
    /// Queues a run and answers its id.
    async fn run_now(&self, id: &str) -> Result<String, ScheduleError>;
    /// Adds a monitor of one URL, queues its first run, and answers the monitor's id.
    async fn add_url(&self, url: &str) -> Result<String, ScheduleError>;
    /// Takes a monitor's schedule out of force, or puts it back; told across restarts.
    async fn set_paused(&self, id: &str, paused: bool) -> Result<(), ScheduleError>;
    /// Why the configuration file is not in force, if it is not.
    async fn problem(&self) -> Option<String>;
}

#[derive(Debug, Error)]
pub enum ScheduleError {
    #[error("there is no monitor `{0}`")]
    Unknown(String),
    #[error("{0}")]
    Refused(String),
}

/// A monitor as the UI shows it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MonitorView {
    pub id: String,
    pub kind: &'static str,
    /// URLs or the script.
    pub target: String,
    pub schedule: Option<String>,
    pub state: MonitorState,
    /// RFC 3339.
    pub next_run: Option<String>,
    /// The run that is going on.
    pub running: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum MonitorState {
    Waiting,
    Queued,
    Running,
    /// No schedule: runs only when asked.
    Manual,
    /// Its schedule is out of force until somebody resumes it.
    Paused,
}

/// What a person does to an incident.
#[derive(Clone, Debug)]
pub enum IncidentAction {
    Acknowledge(String),
    Note(String),
    /// Send once more what was given up.
    Retry,
}

/// The listener that runs here.
#[async_trait]
pub trait Alerts: Send + Sync {
    /// Rules with what they measured last, problems, channels, silences.
    async fn state(&self) -> Result<serde_json::Value, AlertError>;
    async fn act(&self, incident: &str, action: IncidentAction, by: &str)
    -> Result<(), AlertError>;
    /// Answers the silence's id.
    async fn silence(&self, silence: serde_json::Value, by: &str) -> Result<String, AlertError>;
    async fn unsilence(&self, id: &str) -> Result<(), AlertError>;
    /// A window as `listener.maintenance` of canarytrace.yaml; answers its id.
    async fn add_maintenance(&self, window: serde_json::Value) -> Result<String, AlertError>;
    async fn remove_maintenance(&self, id: &str) -> Result<(), AlertError>;
    async fn stored_rules(&self) -> Result<String, AlertError>;
    /// Refused when a rule is not understood.
    async fn store_rules(&self, text: &str) -> Result<(), AlertError>;
    async fn try_rules(
        &self,
        text: &str,
        from: &str,
        to: &str,
    ) -> Result<serde_json::Value, AlertError>;
    /// What a rule in force would have measured over a time.
    async fn trace_rule(
        &self,
        title: &str,
        from: &str,
        to: &str,
    ) -> Result<serde_json::Value, AlertError>;
    async fn try_channel(&self, channel: &str) -> Result<(), AlertError>;
    /// The report of a day (`2026-11-25`; none: yesterday) and period (`day`, `week`, `month`) as HTML.
    async fn report(&self, day: Option<&str>, period: Option<&str>) -> Result<String, AlertError>;
}

#[derive(Debug, Error)]
pub enum AlertError {
    #[error("there is no incident `{0}`")]
    Unknown(String),
    #[error("{0}")]
    Refused(String),
    #[error(transparent)]
    Store(#[from] EsError),
}
