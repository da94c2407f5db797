//! The parts of a server, wired: how they start, what they share, and the order in which they end.

use std::{collections::BTreeSet, net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use canarytrace_es::{
    IndexTarget, IndexTemplate, Refresh, SearchService,
    bulk::{BulkItem, BulkOperation},
};
use canarytrace_model::{
    documents::LedgerEntry,
    index::{DEFAULT_PREFIX, Service, templates},
    stack::Span,
    time::Moment,
};
use canarytrace_scheduler::{Executor, ExecutorConfig, ExecutorHandle, Ledger, RunCommand};
use canarytrace_server::{AppState, Attachments, router};
use canarytrace_store::{Store, StoreConfig};
use tokio::{
    net::TcpListener,
    sync::{broadcast, mpsc},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::{
    commands::serve::runs_folder, configuration, failure::Failure, monitors::LocalSchedule, runs,
    store, variables::Variables,
};

/// Which parts run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Parts {
    pub(crate) ui: bool,
    pub(crate) scheduler: bool,
}

impl Parts {
    pub(crate) const ALL: Parts = Parts {
        ui: true,
        scheduler: true,
    };

    pub(crate) fn parse(names: &[String]) -> Result<Self, Failure> {
        const KNOWN: [&str; 4] = ["store", "ui", "scheduler", "listener"];
        if let Some(unknown) = names.iter().find(|name| !KNOWN.contains(&name.as_str())) {
            return Err(Failure::with_hint(
                format!("part `{unknown}` is not known"),
                format!("parts are {}", KNOWN.join(", ")),
            ));
        }
        let has = |name: &str| names.is_empty() || names.iter().any(|own| own == name);
        Ok(Self {
            ui: has("ui"),
            scheduler: has("scheduler"),
        })
    }
}

/// What a server is started with.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) data: PathBuf,
    pub(crate) config: Option<PathBuf>,
    pub(crate) store: Option<String>,
    pub(crate) parts: Parts,
    pub(crate) address: SocketAddr,
    /// Look for a changed configuration more often (demo).
    pub(crate) fresh_pages: bool,
}

/// A server that is ready to serve.
pub(crate) struct Stack {
    state: AppState,
    store: Option<Store>,
    pub(crate) executor: Option<ExecutorHandle>,
    executing: JoinSet<()>,
    stop_executor: CancellationToken,
    background: JoinSet<()>,
    settings: Settings,
    client: canarytrace_es::Client,
    /// Bytes that run directories may have while they wait for a store.
    undelivered_budget: u64,
}

const GRACE: Duration = Duration::from_secs(20);
const CHANGES: usize = 256;
const LEDGER_QUEUE: usize = 1024;
const RETENTION_INTERVAL: Duration = Duration::from_secs(600);
const DEFAULT_RETENTION: Span = Span(Duration::from_secs(14 * 86_400));

impl Stack {
    pub(crate) async fn start(settings: Settings, variables: &Variables) -> Result<Self, Failure> {
        std::fs::create_dir_all(runs_folder(&settings.data)).map_err(|error| {
            Failure::usage(format!(
                "data folder {} cannot be made: {error}",
                settings.data.display()
            ))
        })?;
        // Runs talk to us even when the store is elsewhere: we take attachments, and open pages hear the news.
        let url = format!("http://{}", settings.address);
        let client = store::client(&url, variables)?;
        let forwarder = settings
            .store
            .as_ref()
            .map(|url| store::forwarder(url, variables))
            .transpose()?;
        let (service, store): (Arc<dyn SearchService>, Option<Store>) = match &settings.store {
            Some(url) => {
                let client = store::client(url, variables)?;
                store::warn_without_templates(&client, DEFAULT_PREFIX).await;
                (Arc::new(client), None)
            }
            None => {
                let store = Store::open(&StoreConfig {
                    folder: settings.data.join("store"),
                })
                .map_err(Failure::broken)?;
                (Arc::new(store.clone()), Some(store))
            }
        };
        if store.is_some() {
            for template in templates(DEFAULT_PREFIX) {
                service
                    .put_template(IndexTemplate {
                        name: template.name,
                        body: template.body,
                    })
                    .await
                    .map_err(Failure::broken)?;
            }
        }
        let mut stack = Self {
            state: AppState {
                service,
                forwarder,
                attachments: Arc::new(AttachmentFolder {
                    folder: settings.data.join("attachments"),
                }),
                schedule: None,
                address: settings.address,
                version: env!("CARGO_PKG_VERSION"),
                ui: settings.parts.ui,
                changes: broadcast::channel(CHANGES).0,
            },
            store,
            executor: None,
            executing: JoinSet::new(),
            stop_executor: CancellationToken::new(),
            background: JoinSet::new(),
            settings,
            client,
            undelivered_budget: runs::budget(variables)?,
        };
        if stack.settings.parts.scheduler {
            stack.start_scheduler(&url, variables).await?;
        }
        Ok(stack)
    }

    async fn start_scheduler(&mut self, url: &str, variables: &Variables) -> Result<(), Failure> {
        let program = std::env::current_exe().map_err(Failure::broken)?;
        let out = runs_folder(&self.settings.data);
        let out = out.canonicalize().map_err(Failure::broken)?;
        let command = RunCommand {
            program,
            arguments: vec![
                "run".into(),
                "--controlled".into(),
                "--store".into(),
                url.into(),
                "--out".into(),
                out.into(),
            ],
            environment: variables
                .all()
                .iter()
                .map(|(name, value)| (name.into(), value.into()))
                .collect(),
        };
        let (sender, receiver) = mpsc::channel(LEDGER_QUEUE);
        self.background.spawn(write_ledger(
            Arc::clone(&self.state.service),
            self.state.changes.clone(),
            receiver,
        ));
        let slots =
            std::thread::available_parallelism().map_or(1, |cores| (cores.get() / 2).max(1));
        let (executor, handle) = Executor::new(ExecutorConfig {
            command,
            slots,
            grace: GRACE,
            ledger: Arc::new(LedgerQueue(sender)),
        });
        let stop = self.stop_executor.clone();
        self.executing.spawn(executor.run(stop));
        let schedule = LocalSchedule::start(
            handle.clone(),
            self.settings.config.clone(),
            Arc::clone(&self.state.service),
        )
        .await?;
        self.background
            .spawn(Arc::clone(&schedule).watch(if self.settings.fresh_pages {
                Duration::from_millis(200)
            } else {
                Duration::from_secs(1)
            }));
        self.state.schedule = Some(schedule);
        self.executor = Some(handle);
        Ok(())
    }

    /// Serves until `stop`, then ends the parts in order: no new runs, running ones end, documents out, store closed.
    pub(crate) async fn serve(
        mut self,
        listener: TcpListener,
        stop: CancellationToken,
    ) -> Result<u8, Failure> {
        self.background.spawn(runs::complete_old(
            runs_folder(&self.settings.data),
            self.client.clone(),
        ));
        let retention = Retention {
            age: self.retention(),
            only_ours: self.store.is_none(),
        };
        self.background.spawn(keep_retention(
            Arc::clone(&self.state.service),
            retention,
            runs_folder(&self.settings.data),
            self.undelivered_budget,
        ));
        let app = router(self.state.clone());
        let stop_serving = CancellationToken::new();
        let until = stop_serving.clone();
        let mut serving = JoinSet::new();
        serving.spawn(canarytrace_server::serve(listener, app, until));
        stop.cancelled().await;
        info!("stopping: runs may end within {}s", GRACE.as_secs());
        self.stop_executor.cancel();
        while self.executing.join_next().await.is_some() {}
        self.background.shutdown().await;
        stop_serving.cancel();
        if tokio::time::timeout(Duration::from_secs(2), serving.join_next())
            .await
            .is_err()
        {
            // Pages that listen for news keep their connection open.
            serving.shutdown().await;
        }
        if let Some(store) = &self.store {
            store.close().await.map_err(Failure::broken)?;
        }
        Ok(0)
    }

    /// Another store has its owner: nothing is deleted there unless the configuration says so.
    fn retention(&self) -> Option<Span> {
        let configured = self
            .settings
            .config
            .as_ref()
            .and_then(|path| configuration::read(path).ok());
        configured
            .and_then(|configuration| configuration.stack.store?.retention)
            .or_else(|| self.store.as_ref().map(|_| DEFAULT_RETENTION))
    }
}

/// Attachments in a folder of the data folder.
struct AttachmentFolder {
    folder: PathBuf,
}

#[async_trait]
impl Attachments for AttachmentFolder {
    async fn put(&self, uuid: &str, name: &str, content: Bytes) -> std::io::Result<()> {
        let folder = self.folder.join(uuid);
        tokio::fs::create_dir_all(&folder).await?;
        let temporary = folder.join(format!(".{name}.new"));
        tokio::fs::write(&temporary, content).await?;
        tokio::fs::rename(temporary, folder.join(name)).await
    }

    async fn get(&self, uuid: &str, name: &str) -> std::io::Result<Option<Bytes>> {
        match tokio::fs::read(self.folder.join(uuid).join(name)).await {
            Ok(content) => Ok(Some(Bytes::from(content))),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// Hands ledger entries to the task that stores them.
struct LedgerQueue(mpsc::Sender<LedgerEntry>);

impl Ledger for LedgerQueue {
    fn record(&self, entry: LedgerEntry) {
        if self.0.try_send(entry).is_err() {
            warn!("the ledger's queue is full; an entry is only in this log");
        }
    }
}

async fn write_ledger(
    service: Arc<dyn SearchService>,
    changes: broadcast::Sender<BTreeSet<String>>,
    mut entries: mpsc::Receiver<LedgerEntry>,
) {
    while let Some(entry) = entries.recv().await {
        let index = Service::Ledger.index(DEFAULT_PREFIX, entry.timestamp);
        let Ok(source) = serde_json::to_vec(&entry) else {
            continue;
        };
        let item = BulkItem {
            operation: BulkOperation::Index,
            index: index.clone(),
            id: None,
            if_seq_no: None,
            source: Bytes::from(source),
        };
        let mut pause = Duration::from_millis(250);
        // The entry waits as long as the store is away; the queue behind it is bounded.
        while let Err(error) = service.bulk(vec![item.clone()], Refresh::Later).await {
            warn!(%error, "the ledger cannot be written");
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_secs(30));
        }
        changes.send(BTreeSet::from([index])).ok();
    }
}

/// Which daily indices are deleted.
struct Retention {
    age: Option<Span>,
    /// Leave indices of others alone.
    only_ours: bool,
}

impl Retention {
    fn has_expired(&self, name: &str, now: Moment) -> bool {
        let Some(age) = self.age else { return false };
        let age_ms = i64::try_from(age.0.as_millis()).unwrap_or(i64::MAX);
        let oldest = Moment::from_epoch_ms(now.epoch_ms() - age_ms).index_date();
        let is_ours = Service::ALL
            .iter()
            .any(|service| name.starts_with(&format!("{DEFAULT_PREFIX}{}-", service.name())));
        (is_ours || !self.only_ours) && is_older(name, &oldest)
    }
}

/// Deletes daily indices that are too old, and delivered run directories after a day.
async fn keep_retention(
    service: Arc<dyn SearchService>,
    retention: Retention,
    runs: PathBuf,
    undelivered_budget: u64,
) {
    loop {
        if let Ok(indices) = service.indices(&IndexTarget::new("*")).await {
            for index in indices
                .into_iter()
                .filter(|index| retention.has_expired(&index.name, Moment::now()))
            {
                match service.delete_indices(&IndexTarget::new(&index.name)).await {
                    Ok(_) => info!(index = index.name, "deleted by retention"),
                    Err(error) => warn!(%error, index = index.name, "retention failed"),
                }
            }
        }
        runs::remove_delivered(&runs);
        runs::keep_within(&runs, undelivered_budget);
        tokio::time::sleep(RETENTION_INTERVAL).await;
    }
}

/// Daily names end in `-YYYY.MM.DD`, which sorts as text.
fn is_older(name: &str, oldest: &str) -> bool {
    let Some((_, date)) = name.rsplit_once('-') else {
        return false;
    };
    date.len() == 10
        && date
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'.')
        && date < oldest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retention_leaves_indices_of_others_alone() {
        let now = Moment::from_epoch_ms(1_795_305_600_000); // 2026-11-22
        let retention = |only_ours| Retention {
            age: Some(DEFAULT_RETENTION),
            only_ours,
        };
        assert!(retention(true).has_expired("c.report-2026.11.01", now));
        assert!(!retention(true).has_expired("c.report-2026.11.20", now));
        assert!(!retention(true).has_expired("filebeat-2026.11.01", now));
        assert!(retention(false).has_expired("filebeat-2026.11.01", now));
    }

    #[test]
    fn retention_reads_the_date_of_a_name() {
        assert!(is_older("c.report-2026.11.07", "2026.11.08"));
        assert!(!is_older("c.report-2026.11.08", "2026.11.08"));
        assert!(!is_older("c.listener", "2026.11.08"));
        assert!(!is_older("c.request-log-notadate", "2026.11.08"));
    }
}
