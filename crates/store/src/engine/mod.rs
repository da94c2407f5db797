//! The store: its folder, its indices, and the one thread that writes.

pub(crate) mod aliases;
pub(crate) mod columns;
pub(crate) mod files;
mod incoming;
pub(crate) mod index;
mod log;
mod memory;
mod registry;
mod row;
pub(crate) mod templates;
mod writer;

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, RwLock, mpsc},
    thread,
    time::Duration,
};

use canarytrace_es::{Alias, EsError, IndexTarget};
use serde_json::{Value, json};
use thiserror::Error;
use tokio::sync::oneshot;

pub(crate) use index::Index;
pub(crate) use registry::Registry;
pub(crate) use writer::Request;
use writer::Writer;

use crate::{contexts::Contexts, mapping::Mapping};

/// Where a store lives.
#[derive(Clone, Debug)]
pub struct StoreConfig {
    pub folder: PathBuf,
}

#[derive(Debug, Error)]
pub enum StoreError {
    #[error("data folder {} is used by another process; hint: stop it or choose another --data", .0.display())]
    Locked(PathBuf),
    #[error("the store's files: {0}")]
    Files(#[from] io::Error),
    #[error("the index: {0}")]
    Index(#[from] tantivy::TantivyError),
    #[error("{} is damaged: {}", .0.display(), .1)]
    Damaged(PathBuf, String),
    #[error("the store is closed")]
    Closed,
}

impl From<tantivy::directory::error::OpenDirectoryError> for StoreError {
    fn from(error: tantivy::directory::error::OpenDirectoryError) -> Self {
        StoreError::Index(error.into())
    }
}

impl From<StoreError> for EsError {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "the store failed");
        EsError::internal(error.to_string())
    }
}

/// An open store; cheap to clone.
#[derive(Clone, Debug)]
pub struct Store {
    pub(crate) shared: Arc<Shared>,
    pub(crate) contexts: Arc<Contexts>,
    writer: mpsc::SyncSender<Request>,
    thread: Arc<Mutex<Option<thread::JoinHandle<()>>>>,
}

/// What readers and the writer share.
#[derive(Debug)]
pub(crate) struct Shared {
    folder: PathBuf,
    indices: RwLock<BTreeMap<String, Arc<Index>>>,
    index_templates: Registry,
    component_templates: Registry,
    legacy_templates: Registry,
    aliases: Registry,
    /// Held for its lock, until the store is closed.
    lock: Mutex<Option<File>>,
}

const WRITE_QUEUE: usize = 1024;
/// A write is visible after this at the latest.
pub(crate) const REFRESH_INTERVAL: Duration = Duration::from_secs(1);
/// An index nobody searched for so long is not refreshed until somebody does.
pub(crate) const SEARCH_IDLE: Duration = Duration::from_secs(30);

impl Store {
    /// Opens a folder, making it if need be, and brings the indices up to the end of the log.
    pub fn open(config: &StoreConfig) -> Result<Self, StoreError> {
        memory::share();
        let folder = config.folder.clone();
        files::create_folder(&folder.join("indices"))?;
        let lock =
            files::lock_folder(&folder)?.ok_or_else(|| StoreError::Locked(folder.clone()))?;
        let shared = Arc::new(Shared {
            indices: RwLock::new(open_indices(&folder.join("indices"))?),
            index_templates: Registry::open(folder.join("templates.json"))?,
            component_templates: Registry::open(folder.join("component_templates.json"))?,
            legacy_templates: Registry::open(folder.join("legacy_templates.json"))?,
            aliases: Registry::open(folder.join("aliases.json"))?,
            folder: folder.clone(),
            lock: Mutex::new(Some(lock)),
        });
        let (log, payloads) = log::Log::open(&folder.join("log"))?;
        let mut writer = Writer::new(Arc::clone(&shared), log);
        writer.replay(payloads)?;
        let (sender, requests) = mpsc::sync_channel(WRITE_QUEUE);
        let thread = thread::Builder::new()
            .name("store".to_owned())
            .spawn(move || writer.run(&requests))?;
        Ok(Self {
            shared,
            contexts: Arc::default(),
            writer: sender,
            thread: Arc::new(Mutex::new(Some(thread))),
        })
    }

    /// Commits everything and ends the writing thread.
    pub async fn close(&self) -> Result<(), StoreError> {
        self.request(|reply| Request::Close { reply }).await??;
        let thread = self
            .thread
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(thread) = thread {
            tokio::task::spawn_blocking(move || thread.join())
                .await
                .ok();
        }
        *self
            .shared
            .lock
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = None;
        Ok(())
    }

    pub(crate) async fn request<T>(
        &self,
        make: impl FnOnce(oneshot::Sender<T>) -> Request,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        let mut request = make(reply);
        // The queue is bounded: a full one makes writers wait here, not grow.
        loop {
            match self.writer.try_send(request) {
                Ok(()) => break,
                Err(mpsc::TrySendError::Full(back)) => {
                    request = back;
                    tokio::time::sleep(Duration::from_millis(2)).await;
                }
                Err(mpsc::TrySendError::Disconnected(_)) => return Err(StoreError::Closed),
            }
        }
        answer.await.map_err(|_| StoreError::Closed)
    }
}

impl Shared {
    pub(crate) fn index(&self, name: &str) -> Option<Arc<Index>> {
        self.indices
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(name)
            .cloned()
    }

    pub(crate) fn all(&self) -> Vec<Arc<Index>> {
        self.indices
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .values()
            .cloned()
            .collect()
    }

    pub(crate) fn resolve(&self, target: &IndexTarget) -> Result<Vec<Arc<Index>>, EsError> {
        let selected = self.select(target)?;
        Ok(selected.into_iter().map(|one| one.index).collect())
    }

    /// Makes an index with what its templates say, extended by `body`.
    pub(crate) fn create_index(&self, name: &str, body: &Value) -> Result<Arc<Index>, EsError> {
        check_index_name(name)?;
        if self.is_alias(name) {
            return Err(EsError::new(
                400,
                "invalid_index_name_exception",
                format!("Invalid index name [{name}], already exists as alias"),
            ));
        }
        let mut start = self.start_of(name);
        start.add(body);
        let mapping = Mapping::parse(&start.mappings)?;
        for (alias, body) in &start.aliases {
            self.check_alias_name(alias)?;
            Alias::parse(body)?;
        }
        let mut indices = self.indices.write().unwrap_or_else(PoisonError::into_inner);
        if indices.contains_key(name) {
            return Err(EsError::new(
                400,
                "resource_already_exists_exception",
                format!("index [{name}] already exists"),
            ));
        }
        let uuid = format!(
            "{:016x}{:08x}",
            std::time::SystemTime::now()
                .duration_since(std::time::UNIX_EPOCH)
                .map_or(0, |since| since.as_nanos() as u64),
            crc32fast::hash(name.as_bytes())
        );
        let index = Index::create(
            &self.folder.join("indices").join(name),
            name,
            &uuid,
            mapping,
            start.settings,
        )?;
        let index = Arc::new(index);
        indices.insert(name.to_owned(), Arc::clone(&index));
        drop(indices);
        self.aliases.change(|all| {
            for (alias, body) in &start.aliases {
                let members = all
                    .entry(alias.replace("{index}", name))
                    .or_insert_with(|| json!({}));
                members[name] = Alias::parse(body)?.to_json();
            }
            Ok(())
        })?;
        Ok(index)
    }

    pub(crate) fn by_name(&self) -> BTreeMap<String, Arc<Index>> {
        self.indices
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(crate) fn remove_index(&self, name: &str) -> Result<(), StoreError> {
        let index = self
            .indices
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(name);
        if let Some(index) = index {
            // Renamed first: a half-removed folder must not look like an index.
            let doomed = self.folder.join(format!("removed-{}", index.uuid));
            fs::rename(index.folder(), &doomed)?;
            File::open(self.folder.join("indices"))?.sync_all()?;
            fs::remove_dir_all(doomed)?;
            self.forget_aliases(name)
                .map_err(|error| StoreError::Files(io::Error::other(error)))?;
        }
        Ok(())
    }
}

/// A name is a folder, too.
fn check_index_name(name: &str) -> Result<(), EsError> {
    let wrong = |reason: &str| {
        Err(EsError::new(
            400,
            "invalid_index_name_exception",
            format!("Invalid index name [{name}], {reason}"),
        ))
    };
    if name.is_empty() || name == "." || name == ".." || name.len() > 200 {
        return wrong("must not be empty, '.', '..' or longer than 200 bytes");
    }
    if name.starts_with(['-', '_', '+']) {
        return wrong("must not start with '_', '-', or '+'");
    }
    if name.to_lowercase() != name {
        return wrong("must be lowercase");
    }
    if name
        .chars()
        .any(|character| "\\/*?\"<>| ,#:".contains(character) || character.is_control())
    {
        return wrong(
            "must not contain the following characters [ , \", *, \\, <, |, ,, >, /, ?, #, :]",
        );
    }
    Ok(())
}

fn open_indices(folder: &Path) -> Result<BTreeMap<String, Arc<Index>>, StoreError> {
    let mut indices = BTreeMap::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else {
            continue;
        };
        // A folder without state was being made when the process died; its log frames make it again.
        if !entry.path().join("index.json").exists() {
            fs::remove_dir_all(entry.path())?;
            continue;
        }
        indices.insert(name.clone(), Arc::new(Index::open(&entry.path(), &name)?));
    }
    Ok(indices)
}
