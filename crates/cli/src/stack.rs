//! The parts of a server, wired: how they start, what they share, and the order in which they end.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use canarytrace_es::{
    IndexTemplate, Refresh, SearchService,
    bulk::{BulkItem, BulkOperation},
};
use canarytrace_evidence::AttachmentStore;
use canarytrace_model::{
    documents::LedgerEntry,
    index::{DEFAULT_PREFIX, Service, templates},
    links::RunLink,
    stack::Span,
};
use canarytrace_scheduler::{Executor, ExecutorConfig, ExecutorHandle, Ledger, RunCommand};
use canarytrace_server::{
    AppState, Backend, FrameOrigins, InForce, InForceView, ServedBranding,
    access::Access,
    router,
    tls::{Certificates, serve_tls},
};
use canarytrace_store::{Store, StoreConfig};
use serde_json::json;
use tokio::{
    net::TcpListener,
    sync::{broadcast, mpsc},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::{
    alerting::{Alerting, Asked},
    attachments::{self, ServedAttachments},
    commands::{listen::listener_config, serve::runs_folder},
    configuration,
    failure::Failure,
    in_force,
    monitors::LocalSchedule,
    render::PageRenderer,
    retention::{DEFAULT_RETENTION, Keeper, Retention},
    runs, store,
    variables::Variables,
    watch::{Around, Reader, Watch},
};

/// Which parts run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Parts {
    pub(crate) ui: bool,
    pub(crate) scheduler: bool,
    pub(crate) listener: bool,
}

impl Parts {
    pub(crate) const ALL: Parts = Parts {
        ui: true,
        scheduler: true,
        listener: true,
    };

    /// As [`Parts::parse`] takes them; the store is always there.
    fn names(self) -> Vec<&'static str> {
        let parts = [
            ("store", true),
            ("ui", self.ui),
            ("scheduler", self.scheduler),
            ("listener", self.listener),
        ];
        let on = parts.into_iter().filter(|(_, is_on)| *is_on);
        on.map(|(name, _)| name).collect()
    }

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
            listener: has("listener"),
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
    /// Where runs and our own browser reach us, on this machine.
    pub(crate) address: SocketAddr,
    /// Where people reach us.
    pub(crate) public_url: String,
    /// Users, where there are some.
    pub(crate) access: Option<Arc<Access>>,
    /// Whose pages may show dashboards in a frame.
    pub(crate) frames: FrameOrigins,
    /// Look for a changed configuration more often (demo).
    pub(crate) fresh_pages: bool,
}

/// Where it is listened. With TLS, runs and our own browser have a port of their own on this machine.
pub(crate) struct Ports {
    pub(crate) plain: TcpListener,
    pub(crate) tls: Option<(TcpListener, Arc<Certificates>)>,
}

impl Ports {
    pub(crate) fn plain(listener: TcpListener) -> Self {
        Self {
            plain: listener,
            tls: None,
        }
    }
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
    attachments: AttachmentStore,
    /// Bytes that run directories may have while they wait for a store.
    undelivered_budget: u64,
}

/// What people may see of the settings; the file is read when somebody asks.
fn in_force(settings: &Settings, variables: &Variables) -> InForce {
    let store = settings.store.as_deref();
    let arguments = BTreeMap::from(
        [
            ("address", json!(settings.public_url)),
            ("data", json!(settings.data)),
            ("parts", json!(settings.parts.names())),
            (
                "store",
                json!(store.map_or_else(|| "embedded".to_owned(), in_force::without_password)),
            ),
            ("accounts", json!(settings.access.is_some())),
        ]
        .map(|(name, value)| (name.to_owned(), value)),
    );
    let (config, variables) = (settings.config.clone(), variables.clone());
    Arc::new(move || {
        let file = config.as_deref();
        InForceView {
            arguments: arguments.clone(),
            variables: variables.in_force(),
            file: file.map(|path| in_force::file(path, &variables)),
        }
    })
}

const GRACE: Duration = Duration::from_secs(20);
const CHANGES: usize = 256;
/// The established variable for the name and password of a store.
const STORE_AUTH: &str = "ELASTIC_HTTP_AUTH";
const LEDGER_QUEUE: usize = 1024;

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
        let credentials = settings
            .access
            .as_ref()
            .map(|access| access.runner_credentials());
        let client = store::client_as(&url, variables, credentials)?;
        let attachments = match attachments::bucket(variables)? {
            Some(bucket) => bucket,
            None => AttachmentStore::folder(&settings.data.join("attachments"))
                .map_err(|error| Failure::usage(error.to_string()))?,
        };
        let (service, backend, store): (Arc<dyn SearchService>, Backend, Option<Store>) =
            match &settings.store {
                Some(url) => {
                    let client = store::client(url, variables)?;
                    store::warn_without_templates(&client, DEFAULT_PREFIX).await;
                    let forwarder = store::forwarder(url, variables)?;
                    (Arc::new(client), Backend::Cluster(forwarder), None)
                }
                None => {
                    let store = Store::open(&StoreConfig {
                        folder: store_folder(&settings.data),
                    })
                    .map_err(Failure::broken)?;
                    let engine = Backend::Engine(Arc::new(store.clone()));
                    (Arc::new(store.clone()), engine, Some(store))
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
                backend,
                attachments: Arc::new(ServedAttachments(attachments.clone())),
                schedule: None,
                alerts: None,
                address: settings.address,
                version: env!("CARGO_PKG_VERSION"),
                ui: settings.parts.ui,
                branding: Arc::new(branding(&settings)?),
                run_links: Arc::new(run_links(&settings, variables)?),
                frames: settings.frames.clone(),
                access: settings.access.clone(),
                renderer: None,
                in_force: Some(in_force(&settings, variables)),
                retention_days: None,
                changes: broadcast::channel(CHANGES).0,
            },
            store,
            executor: None,
            executing: JoinSet::new(),
            stop_executor: CancellationToken::new(),
            background: JoinSet::new(),
            settings,
            client,
            attachments,
            undelivered_budget: runs::budget(variables)?,
        };
        stack.state.retention_days = stack.retention().age.map(|age| age.0.as_secs() / 86_400);
        stack.state.renderer = PageRenderer::find(&url, variables);
        if stack.settings.parts.scheduler {
            stack.start_scheduler(&url, variables).await?;
        }
        if stack.settings.parts.listener {
            stack.start_listener(variables)?;
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
                // Runs deliver to us, whatever cluster is behind.
                .chain(
                    self.settings
                        .access
                        .iter()
                        .map(|access| (STORE_AUTH.into(), access.runner_credentials().into())),
                )
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

    fn start_listener(&mut self, variables: &Variables) -> Result<(), Failure> {
        let (config, variables) = (self.settings.config.clone(), variables.clone());
        let url = self.settings.public_url.clone();
        let reader: Reader = Arc::new(move || {
            let read = || -> Result<Alerting, Failure> {
                let (own, folder) = listener_config(config.as_deref())?;
                let asked = Asked {
                    config: own.as_ref(),
                    folder: &folder,
                    rules: &[],
                    is_server: true,
                    url: Some(url.clone()),
                    allow_commands: variables.switch("CANARYTRACE_ALLOW_COMMANDS", false),
                };
                Alerting::read(&asked, &variables)
            };
            read().map_err(|failure| failure.in_one_line())
        });
        let alerting = reader().map_err(Failure::usage)?;
        let around = Around {
            away: self.settings.data.join("listener-away.json"),
            service: Arc::clone(&self.state.service),
            attachments: Some(Arc::clone(&self.state.attachments)),
            schedule: self.state.schedule.clone(),
        };
        let say = Arc::new(|line: &str| tracing::debug!("{line}"));
        let config = self.settings.config.as_deref();
        let watch = Arc::new(Watch::new(alerting, around, say, config, Some(reader)));
        self.state.alerts = Some(Arc::clone(&watch) as _);
        let changes = self.state.changes.subscribe();
        self.executing
            .spawn(watch.run(Some(changes), self.stop_executor.clone()));
        Ok(())
    }

    /// Serves until `stop`, then ends the parts in order: no new runs, running ones end, documents out, store closed.
    pub(crate) async fn serve(
        mut self,
        ports: Ports,
        stop: CancellationToken,
    ) -> Result<u8, Failure> {
        self.background.spawn(runs::complete_old(
            runs_folder(&self.settings.data),
            self.client.clone(),
        ));
        self.background.spawn(
            Keeper {
                service: Arc::clone(&self.state.service),
                indices: self.retention(),
                attachments: self.attachments.clone(),
                attachments_age: self.attachments_age(),
                runs: runs_folder(&self.settings.data),
                undelivered_budget: self.undelivered_budget,
            }
            .keep(),
        );
        let app = router(self.state.clone());
        let stop_serving = CancellationToken::new();
        let until = stop_serving.clone();
        let mut serving = JoinSet::new();
        if let Some((listener, certificates)) = ports.tls {
            let address = listener.local_addr().map_err(Failure::broken)?;
            let app = router(AppState {
                address,
                ..self.state.clone()
            });
            serving.spawn(serve_tls(listener, certificates, app, until.clone()));
        }
        serving.spawn(canarytrace_server::serve(ports.plain, app, until));
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
        if let Some(access) = &self.settings.access {
            access.finish().await;
        }
        if let Some(store) = &self.store {
            store.close().await.map_err(Failure::broken)?;
        }
        Ok(0)
    }

    fn store_config(&self) -> Option<canarytrace_model::stack::StoreConfig> {
        let path = self.settings.config.as_ref()?;
        configuration::read(path).ok()?.stack.store
    }

    /// Another store has its owner: nothing is deleted there unless the configuration says so.
    fn retention(&self) -> Retention {
        let configured = self.store_config().unwrap_or_default();
        let is_own = self.store.is_some();
        Retention {
            age: configured.retention.or(is_own.then_some(DEFAULT_RETENTION)),
            max_size: configured.max_size,
            rules: configured.indices,
            only_ours: !is_own,
        }
    }

    /// Of their own, else as long as the documents; a bucket may be shared, so nothing is deleted there unasked.
    fn attachments_age(&self) -> Option<Span> {
        let configured = self.store_config().unwrap_or_default();
        let is_folder = self.attachments.url().is_none();
        configured
            .attachment_retention
            .or_else(|| configured.retention.filter(|_| is_folder))
            .or_else(|| is_folder.then_some(DEFAULT_RETENTION))
    }
}

/// Of the configuration, if there is one.
fn branding(settings: &Settings) -> Result<ServedBranding, Failure> {
    let Some(path) = &settings.config else {
        return Ok(ServedBranding::default());
    };
    crate::branding::read(&configuration::read(path)?.stack.branding, path)
}

/// Those of the configuration, and Kibana where the established variable names it.
fn run_links(settings: &Settings, variables: &Variables) -> Result<Vec<RunLink>, Failure> {
    let mut links = match &settings.config {
        Some(path) => configuration::read(path)?.stack.links,
        None => Vec::new(),
    };
    links.extend(variables.get("KIBANA_ENDPOINT").map(RunLink::kibana));
    Ok(links)
}

/// Where the embedded store lives below a data folder.
pub(crate) fn store_folder(data: &Path) -> PathBuf {
    data.join("store")
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
