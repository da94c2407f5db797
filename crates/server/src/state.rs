//! What handlers share, and what the server needs from others.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    sync::Arc,
};

use async_trait::async_trait;
use bytes::Bytes;
use canarytrace_es::{Engine, EsError, Forwarder, SearchService};
use canarytrace_model::links::RunLink;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use tokio::sync::broadcast;
use utoipa::ToSchema;

use crate::{Alerts, FrameOrigins, ServedBranding, access::Access};

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
pub type InForce = Arc<dyn Fn() -> InForceView + Send + Sync>;

/// What the server runs with, without secrets.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = InForce)]
pub struct InForceView {
    pub arguments: BTreeMap<String, serde_json::Value>,
    pub variables: BTreeMap<String, String>,
    /// None: there is no file.
    #[schema(required)]
    pub file: Option<ConfigurationFile>,
}

/// canarytrace.yaml as it is now; either its text or why there is none.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ConfigurationFile {
    pub path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// The part of each monitor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub monitors: Option<BTreeMap<String, String>>,
}

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

/// What a page is drawn as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
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
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Monitor)]
pub struct MonitorView {
    pub id: String,
    pub kind: &'static str,
    /// URLs or the script.
    pub target: String,
    #[schema(required)]
    pub schedule: Option<String>,
    pub state: MonitorState,
    /// RFC 3339.
    #[schema(required)]
    pub next_run: Option<String>,
    /// The run that is going on.
    #[schema(required)]
    pub running: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
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
