//! What handlers share, and what the server needs from others.

use std::{collections::BTreeSet, net::SocketAddr, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use canarytrace_es::{Engine, EsError, Forwarder, SearchService};
use serde::Serialize;
use thiserror::Error;
use tokio::sync::broadcast;

/// Shared by all handlers.
#[derive(Clone)]
pub struct AppState {
    pub service: Arc<dyn SearchService>,
    pub backend: Backend,
    pub attachments: Arc<dyn Attachments>,
    pub schedule: Option<Arc<dyn Schedule>>,
    /// The address that is listened on.
    pub address: SocketAddr,
    pub version: &'static str,
    pub ui: bool,
    /// Names of indices that were written to, for pages that are open.
    pub changes: broadcast::Sender<BTreeSet<String>>,
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

/// The monitors that are run here.
#[async_trait]
pub trait Schedule: Send + Sync {
    async fn monitors(&self) -> Vec<MonitorView>;
    /// Queues a run and answers its id.
    async fn run_now(&self, id: &str) -> Result<String, ScheduleError>;
    /// Adds a monitor of one URL, queues its first run, and answers the monitor's id.
    async fn add_url(&self, url: &str) -> Result<String, ScheduleError>;
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
}
