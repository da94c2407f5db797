//! The store: its folder, its indices, and the one thread that writes.

pub(crate) mod aliases;
pub(crate) mod columns;
mod damage;
mod directory;
mod document;
pub(crate) mod files;
mod frame;
mod group;
mod incoming;
pub(crate) mod index;
mod log;
mod mappings;
mod memory;
mod merging;
pub(crate) mod pending;
mod published;
mod registry;
mod repair;
mod row;
mod settings;
mod space;
mod switches;
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

pub(crate) use aliases::Selected;
use damage::Damages;
pub(crate) use index::Index;
use mappings::Mappings;
pub(crate) use registry::Registry;
pub use repair::{Damage, Rebuilt, rebuild, verify};
use space::Space;
use switches::Switches;
pub(crate) use writer::Request;
use writer::Writer;

use crate::{
    contexts::Contexts,
    mapping::{FieldLimit, Mapping},
};

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
    #[error("index {0} is of an older format")]
    Outdated(String),
    #[error("{} was written by a newer version (format {found}, this one knows {FORMAT}); hint: run that version", .folder.display())]
    Newer { folder: PathBuf, found: u32 },
    #[error("the store is closed")]
    Closed,
}

impl StoreError {
    /// What is on the disk is not what was written: trying again does not help.
    fn is_damage(&self) -> bool {
        use tantivy::TantivyError;
        matches!(
            self,
            StoreError::Damaged(..)
                | StoreError::Index(
                    TantivyError::DataCorruption(_) | TantivyError::OpenReadError(_)
                )
        )
    }
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
    pub(crate) cluster_settings: Switches,
    pub(crate) damages: Damages,
    pub(crate) space: Space,
    mappings: Mappings,
    /// Held for its lock, until the store is closed.
    lock: Mutex<Option<File>>,
}

const WRITE_QUEUE: usize = 1024;
/// A write is visible after this at the latest.
pub(crate) const REFRESH_INTERVAL: Duration = Duration::from_secs(1);
/// An index nobody searched for so long is not refreshed until somebody does.
pub(crate) const SEARCH_IDLE: Duration = Duration::from_secs(30);

impl Shared {
    /// The disk that the folder is on, and what is left of it for us; none where it cannot be asked.
    pub(crate) fn disk_bytes(&self) -> Option<(u64, u64)> {
        space::disk(&self.folder).ok()
    }
}

impl Store {
    /// Opens a folder, making it if need be, and brings the indices up to the end of the log.
    pub fn open(config: &StoreConfig) -> Result<Self, StoreError> {
        let folder = config.folder.clone();
        files::create_folder(&folder.join("indices"))?;
        let lock =
            files::lock_folder(&folder)?.ok_or_else(|| StoreError::Locked(folder.clone()))?;
        check_format(&folder)?;
        repair::clean_up(&folder)?;
        let damages = Damages::default();
        let shared = Arc::new(Shared {
            indices: RwLock::new(open_indices(&folder.join("indices"), &damages)?),
            damages,
            space: Space::of(&folder),
            mappings: Mappings::default(),
            index_templates: Registry::open(folder.join("templates.json"))?,
            component_templates: Registry::open(folder.join("component_templates.json"))?,
            legacy_templates: Registry::open(folder.join("legacy_templates.json"))?,
            aliases: Registry::open(folder.join("aliases.json"))?,
            cluster_settings: Switches::open(folder.join("cluster_settings.json"))?,
            folder: folder.clone(),
            lock: Mutex::new(Some(lock)),
        });
        shared.space.look();
        shared.all().iter().for_each(|index| shared.share(index));
        let was_closed = take_mark(&folder)?;
        let (log, payloads) = log::Log::open(&folder.join("log"))?;
        let mut writer = Writer::new(Arc::clone(&shared), log);
        writer.replay(payloads)?;
        if !was_closed {
            verify_behind(&shared)?;
        }
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
        files::replace(&self.shared.folder.join(CLOSED), b"")?;
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

    pub(crate) fn index_folder(&self, name: &str) -> PathBuf {
        self.folder.join("indices").join(name)
    }

    /// Lets an index have its mapping in common with others.
    fn share(&self, index: &Index) {
        index.set_mapping(self.mappings.shared(index.mapping()));
    }

    /// Takes an index out of service.
    fn set_aside(&self, name: &str, reason: &str) {
        self.damages.add(name, reason);
        let mut indices = self.indices.write().unwrap_or_else(PoisonError::into_inner);
        indices.remove(name);
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
        self.damages.check(name)?;
        self.space.check(name)?;
        if self.is_alias(name) {
            return Err(EsError::new(
                400,
                "invalid_index_name_exception",
                format!("Invalid index name [{name}], already exists as alias"),
            ));
        }
        let mut start = self.start_of(name);
        start.add(body);
        let mapping = Mapping::parse(&start.mappings, FieldLimit::of(&start.settings)?)?;
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
        self.share(&index);
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
        if index.is_some() || self.damages.remove(name) {
            // Renamed first: a half-removed folder must not look like an index.
            let doomed = self.folder.join(format!("{}{name}", repair::REMOVED));
            if doomed.exists() {
                fs::remove_dir_all(&doomed)?;
            }
            fs::rename(self.index_folder(name), &doomed)?;
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

/// Of the files below a store's folder.
const FORMAT: u32 = 4;
/// Lies in the folder while nobody has the store open and all was written.
const CLOSED: &str = "closed";

fn check_format(folder: &Path) -> Result<(), StoreError> {
    let path = folder.join("format");
    let found = match fs::read_to_string(&path) {
        Ok(text) => text.trim().parse().unwrap_or(u32::MAX),
        // The first format did not say so.
        Err(error) if error.kind() == io::ErrorKind::NotFound => 1,
        Err(error) => return Err(error.into()),
    };
    if found > FORMAT {
        return Err(StoreError::Newer {
            folder: folder.to_owned(),
            found,
        });
    }
    if found < FORMAT {
        files::replace(&path, format!("{FORMAT}\n").as_bytes())?;
    }
    Ok(())
}

/// Whether the store was closed when it was last used; from now on it is open.
fn take_mark(folder: &Path) -> Result<bool, StoreError> {
    match fs::remove_file(folder.join(CLOSED)) {
        Ok(()) => {
            File::open(folder)?.sync_all()?;
            Ok(true)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Looks for damaged files after a crash, while the store is already in use.
fn verify_behind(shared: &Arc<Shared>) -> io::Result<()> {
    let shared = Arc::downgrade(shared);
    let names: Vec<String> = shared
        .upgrade()
        .map(|shared| shared.by_name().into_keys().collect())
        .unwrap_or_default();
    thread::Builder::new()
        .name("verify".to_owned())
        .spawn(move || {
            for name in names {
                // The store is not held meanwhile: it may be closed, and opened again, while a large file is read.
                let Some(index) = shared.upgrade().map(|shared| shared.index(&name)) else {
                    return;
                };
                let Some(Err(error)) = index.map(|index| index.verify()) else {
                    continue;
                };
                let Some(shared) = shared.upgrade() else {
                    return;
                };
                if error.is_damage() && shared.index(&name).is_some() {
                    shared.set_aside(&name, &error.to_string());
                }
            }
        })?;
    Ok(())
}

fn open_indices(
    folder: &Path,
    damages: &Damages,
) -> Result<BTreeMap<String, Arc<Index>>, StoreError> {
    let mut indices = BTreeMap::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else {
            continue;
        };
        // A folder without state was being made when the process died; its log frames make it again.
        if !entry.path().join(index::STATE).exists() {
            fs::remove_dir_all(entry.path())?;
            continue;
        }
        match open_index(&entry.path(), &name) {
            Ok(index) => drop(indices.insert(name, Arc::new(index))),
            Err(error) => damages.add(&name, &error.to_string()),
        }
    }
    Ok(indices)
}

/// Opens an index, from an older format after it was made again.
fn open_index(folder: &Path, name: &str) -> Result<Index, StoreError> {
    match Index::open(folder, name) {
        Err(StoreError::Outdated(_)) => {
            let report = repair::rebuild_one(folder, name)?;
            tracing::info!(
                index = name,
                documents = report.documents,
                "upgraded to this version's format"
            );
            Index::open(folder, name)
        }
        opened => opened,
    }
}
