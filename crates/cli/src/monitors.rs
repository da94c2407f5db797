//! The monitors of this machine: those of canarytrace.yaml and those added in the UI.

use std::{collections::BTreeSet, path::PathBuf, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use canarytrace_es::{
    IndexTarget, Refresh, SearchRequest, SearchService,
    bulk::{BulkItem, BulkOperation},
};
use canarytrace_model::stack::{MonitorId, Schedule as ModelSchedule, Span};
use canarytrace_scheduler::{ExecutorHandle, MonitorPlan, MonitorStatus, RunPhase};
use canarytrace_server::{MonitorState, MonitorView, Schedule, ScheduleError};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::json;
use tokio::sync::Mutex;
use tracing::{info, warn};

use crate::{
    configuration::{self, Configuration},
    failure::Failure,
};

/// Monitors that were added in the UI; state, not telemetry.
const ADDED_INDEX: &str = ".canarytrace-monitors";
/// Monitors that were paused in the UI.
const PAUSED_INDEX: &str = ".canarytrace-paused";
const ADDED_INTERVAL: Duration = Duration::from_secs(300);

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Paused {
    id: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Added {
    id: String,
    url: String,
}

/// Keeps the executor's monitors as file and UI want them.
pub(crate) struct LocalSchedule {
    executor: ExecutorHandle,
    path: Option<PathBuf>,
    service: Arc<dyn SearchService>,
    current: Mutex<Current>,
}

#[derive(Default)]
struct Current {
    configuration: Option<Configuration>,
    added: Vec<Added>,
    /// Monitors whose schedule is out of force.
    paused: BTreeSet<String>,
    /// Of the file when it was last looked at.
    text: Option<Vec<u8>>,
    problem: Option<String>,
}

impl LocalSchedule {
    pub(crate) async fn start(
        executor: ExecutorHandle,
        path: Option<PathBuf>,
        service: Arc<dyn SearchService>,
    ) -> Result<Arc<Self>, Failure> {
        let configuration = path.as_deref().map(configuration::read).transpose()?;
        let text = path.as_ref().and_then(|path| std::fs::read(path).ok());
        let added = read_state::<Added>(&*service, ADDED_INDEX).await;
        let paused = read_state::<Paused>(&*service, PAUSED_INDEX).await;
        let schedule = Self {
            executor,
            path,
            service,
            current: Mutex::new(Current {
                configuration,
                added,
                paused: paused.into_iter().map(|paused| paused.id).collect(),
                text,
                problem: None,
            }),
        };
        schedule.put_in_force().await;
        Ok(Arc::new(schedule))
    }

    async fn put_in_force(&self) {
        let current = self.current.lock().await;
        let mut plans: Vec<MonitorPlan> = current.configuration.iter().flat_map(plans).collect();
        for added in &current.added {
            if plans.iter().all(|plan| plan.id != added.id) {
                plans.push(added_plan(added));
            }
        }
        for plan in &mut plans {
            if current.paused.contains(&plan.id) {
                plan.schedule = None;
            }
        }
        self.executor.replace(plans).await;
    }

    async fn write_state(
        &self,
        operation: BulkOperation,
        index: &str,
        id: &str,
        document: &impl Serialize,
    ) -> Result<(), ScheduleError> {
        let refused = |error: &dyn std::fmt::Display| ScheduleError::Refused(error.to_string());
        let source = serde_json::to_vec(document).map_err(|error| refused(&error))?;
        let item = BulkItem {
            operation,
            index: index.to_owned(),
            id: Some(id.to_owned()),
            if_seq_no: None,
            source: match operation {
                BulkOperation::Delete => Bytes::new(),
                _ => Bytes::from(source),
            },
        };
        let written = self.service.bulk(vec![item], Refresh::Now).await;
        written.map(drop).map_err(|error| refused(&error))
    }

    /// Picks the file up when it changes; an invalid one is told and the old one stays in force.
    pub(crate) async fn watch(self: Arc<Self>, pause: Duration) {
        let Some(path) = self.path.clone() else {
            return;
        };
        loop {
            tokio::time::sleep(pause).await;
            let text = tokio::fs::read(&path).await.ok();
            let mut current = self.current.lock().await;
            if text == current.text {
                continue;
            }
            current.text = text;
            match configuration::read(&path) {
                Ok(configuration) => {
                    info!(file = %path.display(), "configuration changed");
                    current.configuration = Some(configuration);
                    current.problem = None;
                    drop(current);
                    self.put_in_force().await;
                }
                Err(error) => {
                    warn!(%error, "the changed configuration is invalid; the old one stays in force");
                    current.problem = Some(error.to_string());
                }
            }
        }
    }
}

/// All documents of an index of ours; none when it cannot be read.
async fn read_state<T: DeserializeOwned>(service: &dyn SearchService, index: &str) -> Vec<T> {
    let Ok(request) = SearchRequest::parse(json!({"size": 1000})) else {
        return Vec::new();
    };
    match service.search(&IndexTarget::new(index), request).await {
        Ok(answer) => answer
            .hits
            .into_iter()
            .filter_map(|hit| serde_json::from_value(hit.source?).ok())
            .collect(),
        Err(_) => Vec::new(),
    }
}

fn plans(configuration: &Configuration) -> Vec<MonitorPlan> {
    let path = configuration
        .path
        .canonicalize()
        .unwrap_or_else(|_| configuration.path.clone());
    let plan = |monitor: &canarytrace_model::stack::Monitor| MonitorPlan {
        id: monitor.id.to_string(),
        schedule: monitor.schedule.clone(),
        arguments: vec![
            "--config".to_owned(),
            path.display().to_string(),
            "--monitor".to_owned(),
            monitor.id.to_string(),
        ],
        kind: if monitor.script.is_some() {
            "user-journey"
        } else {
            "smoke"
        },
        target: monitor.script.clone().unwrap_or_else(|| {
            monitor
                .urls
                .iter()
                .map(|check| check.url.as_str())
                .collect::<Vec<_>>()
                .join(" ")
        }),
    };
    configuration.stack.monitors.iter().map(plan).collect()
}

fn added_plan(added: &Added) -> MonitorPlan {
    MonitorPlan {
        id: added.id.clone(),
        schedule: Some(ModelSchedule::Every(Span(ADDED_INTERVAL))),
        arguments: vec![
            added.url.clone(),
            "--set".to_owned(),
            format!("CANARYTRACE_MONITOR={}", added.id),
        ],
        kind: "smoke",
        target: added.url.clone(),
    }
}

fn view(status: MonitorStatus, paused: &BTreeSet<String>) -> MonitorView {
    let state = match (status.phase, &status.plan.schedule) {
        (RunPhase::Running, _) => MonitorState::Running,
        (RunPhase::Queued, _) => MonitorState::Queued,
        (RunPhase::Waiting, None) if paused.contains(&status.plan.id) => MonitorState::Paused,
        (RunPhase::Waiting, None) => MonitorState::Manual,
        (RunPhase::Waiting, Some(_)) => MonitorState::Waiting,
    };
    MonitorView {
        id: status.plan.id,
        kind: status.plan.kind,
        target: status.plan.target,
        schedule: status.plan.schedule.map(|schedule| match schedule {
            ModelSchedule::Every(span) => format!("every {span}"),
            ModelSchedule::Cron {
                expression,
                timezone,
            } => format!("{expression} {timezone}"),
        }),
        state,
        next_run: status.next_due.map(|due| due.to_string()),
        running: status.running,
    }
}

#[async_trait]
impl Schedule for LocalSchedule {
    async fn monitors(&self) -> Vec<MonitorView> {
        let status = self.executor.status().await;
        let paused = &self.current.lock().await.paused;
        let views = status.into_iter().map(|status| view(status, paused));
        views.collect()
    }

    async fn run_now(&self, id: &str) -> Result<String, ScheduleError> {
        self.executor
            .run_now(id)
            .await
            .ok_or_else(|| ScheduleError::Unknown(id.to_owned()))
    }

    async fn add_url(&self, url: &str) -> Result<String, ScheduleError> {
        let parsed = url::Url::parse(url.trim()).map_err(|error| {
            ScheduleError::Refused(format!(
                "`{url}` is not a URL: {error}; write it with https://"
            ))
        })?;
        if !matches!(parsed.scheme(), "http" | "https") || !parsed.has_host() {
            return Err(ScheduleError::Refused(format!(
                "`{url}` must begin with http:// or https://"
            )));
        }
        let name = format!("{}{}", parsed.host_str().unwrap_or_default(), parsed.path());
        let added = Added {
            id: MonitorId::slug(&name).as_str().to_owned(),
            url: parsed.to_string(),
        };
        self.write_state(BulkOperation::Index, ADDED_INDEX, &added.id, &added)
            .await?;
        let mut current = self.current.lock().await;
        current.added.retain(|own| own.id != added.id);
        current.added.push(added.clone());
        drop(current);
        self.put_in_force().await;
        Ok(added.id)
    }

    async fn set_paused(&self, id: &str, paused: bool) -> Result<(), ScheduleError> {
        let known = self.executor.status().await;
        if known.iter().all(|status| status.plan.id != id) {
            return Err(ScheduleError::Unknown(id.to_owned()));
        }
        let operation = if paused {
            BulkOperation::Index
        } else {
            BulkOperation::Delete
        };
        let document = Paused { id: id.to_owned() };
        self.write_state(operation, PAUSED_INDEX, id, &document)
            .await?;
        let mut current = self.current.lock().await;
        if paused {
            current.paused.insert(id.to_owned());
        } else {
            current.paused.remove(id);
        }
        drop(current);
        self.put_in_force().await;
        Ok(())
    }

    async fn problem(&self) -> Option<String> {
        self.current.lock().await.problem.clone()
    }
}
