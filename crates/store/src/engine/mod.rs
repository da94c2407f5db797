//! The store: its folder, its indices, and the one thread that writes.

pub(crate) mod files;
pub(crate) mod index;
mod log;
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

use canarytrace_es::{EsError, IndexTarget, IndexTemplate, query};
use serde_json::{Value, json};
use thiserror::Error;
use tokio::sync::oneshot;

pub(crate) use index::Index;
pub(crate) use writer::Request;
use writer::Writer;

use crate::mapping::Mapping;

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
    writer: mpsc::SyncSender<Request>,
    thread: Arc<Mutex<Option<thread::JoinHandle<()>>>>,
}

/// What readers and the writer share.
#[derive(Debug)]
pub(crate) struct Shared {
    folder: PathBuf,
    indices: RwLock<BTreeMap<String, Arc<Index>>>,
    templates: RwLock<BTreeMap<String, Value>>,
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
        let folder = config.folder.clone();
        files::create_folder(&folder.join("indices"))?;
        let lock =
            files::lock_folder(&folder)?.ok_or_else(|| StoreError::Locked(folder.clone()))?;
        let shared = Arc::new(Shared {
            indices: RwLock::new(open_indices(&folder.join("indices"))?),
            templates: RwLock::new(read_templates(&folder)?),
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
        let indices = self.indices.read().unwrap_or_else(PoisonError::into_inner);
        let names = target.resolve(indices.keys().map(String::as_str))?;
        Ok(names
            .iter()
            .filter_map(|name| indices.get(name).cloned())
            .collect())
    }

    /// Makes an index with the mapping of the template that fits best, extended by `body`.
    pub(crate) fn create_index(&self, name: &str, body: &Value) -> Result<Arc<Index>, EsError> {
        check_index_name(name)?;
        let mapping = Mapping::parse(&merged(
            self.template_mappings(name),
            body.get("mappings").unwrap_or(&Value::Null),
        ))?;
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
        )?;
        let index = Arc::new(index);
        indices.insert(name.to_owned(), Arc::clone(&index));
        Ok(index)
    }

    fn template_mappings(&self, name: &str) -> Value {
        let templates = self
            .templates
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        let fitting = templates.values().filter(|body| {
            let patterns = body
                .get("index_patterns")
                .and_then(Value::as_array)
                .cloned()
                .unwrap_or_default();
            patterns
                .iter()
                .filter_map(Value::as_str)
                .any(|pattern| query::wildcard_matches(pattern, name))
        });
        let best =
            fitting.max_by_key(|body| body.get("priority").and_then(Value::as_u64).unwrap_or(0));
        best.and_then(|body| body.pointer("/template/mappings").cloned())
            .unwrap_or_else(|| json!({}))
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
        }
        Ok(())
    }

    pub(crate) fn put_template(&self, template: IndexTemplate) -> Result<(), EsError> {
        let properties = template
            .body
            .pointer("/template/mappings")
            .cloned()
            .unwrap_or_else(|| json!({}));
        Mapping::parse(&properties)?;
        if template
            .body
            .get("index_patterns")
            .and_then(Value::as_array)
            .is_none_or(Vec::is_empty)
        {
            return Err(EsError::illegal_argument(format!(
                "index template [{}] needs [index_patterns]",
                template.name
            )));
        }
        let mut templates = self
            .templates
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        templates.insert(template.name, template.body);
        let text = serde_json::to_vec(&*templates)
            .map_err(|error| EsError::internal(error.to_string()))?;
        files::replace(&self.folder.join("templates.json"), &text).map_err(StoreError::from)?;
        Ok(())
    }

    pub(crate) fn templates(&self, names: &str) -> Vec<IndexTemplate> {
        let templates = self
            .templates
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        let is_wanted = |name: &str| {
            let mut names = names.split(',');
            names.any(|pattern| query::wildcard_matches(pattern, name))
        };
        templates
            .iter()
            .filter(|(name, _)| is_wanted(name))
            .map(|(name, body)| IndexTemplate {
                name: name.clone(),
                body: body.clone(),
            })
            .collect()
    }
}

/// A template's mappings with those of a request on top: its properties are added, its other members win.
fn merged(mut template: Value, own: &Value) -> Value {
    let own = own.as_object().into_iter().flatten();
    for (name, value) in own {
        match (name.as_str(), template.get_mut(name), value) {
            ("properties", Some(Value::Object(all)), Value::Object(own)) => {
                all.extend(own.clone());
            }
            _ => {
                if let Some(template) = template.as_object_mut() {
                    template.insert(name.clone(), value.clone());
                }
            }
        }
    }
    template
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

fn read_templates(folder: &Path) -> Result<BTreeMap<String, Value>, StoreError> {
    let path = folder.join("templates.json");
    match fs::read(&path) {
        Ok(text) => serde_json::from_slice(&text)
            .map_err(|error| StoreError::Damaged(path, error.to_string())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(BTreeMap::new()),
        Err(error) => Err(error.into()),
    }
}
