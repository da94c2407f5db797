//! One index: a tantivy index, its mapping, and the documents that are not committed yet.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, RwLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use canarytrace_es::{EsError, SegmentDetails};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tantivy::{
    DocId, DocSet, Index as TantivyIndex, IndexReader, IndexWriter, ReloadPolicy, Searcher,
    SegmentMeta, SegmentReader, TERMINATED, TantivyDocument, Term,
    indexer::{IndexWriterOptions, NoMergePolicy},
    schema::{Field, IndexRecordOption},
    tokenizer::TextAnalyzer,
};

use super::{
    StoreError,
    columns::{Columns, PREPARED, layout, numbers, schema},
    directory::{Folder, is_segment_file},
    document::DocumentReader,
    files::{create_folder, replace},
    frame::{Frame, write_frame},
    incoming::Incoming,
    log::{Durability, Place},
    merging::{Activity, Looked, candidates},
    pending::{ById, Pending, Source, Unpublished},
    published::PublishedIds,
    row::Row,
    settings,
};
use crate::{
    analysis::Prepared,
    mapping::{FieldLimit, Indexed, Mapping},
};

/// A thread that waits for a merge.
type Merge = JoinHandle<tantivy::Result<()>>;

/// Of stored documents, kept while one is read.
const STORE_BLOCKS: usize = 1;
/// What is unpublished for longer is not carried over when the log is cut.
const CARRIED_FOR: Duration = Duration::from_secs(60);
pub(super) const STATE: &str = "index.json";

/// What is kept beside the segments.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct State {
    pub(super) uuid: String,
    pub(super) mapping: Value,
    #[serde(default)]
    pub(super) settings: Value,
    /// Epoch ms; zero of an index that was made before this was kept.
    #[serde(default)]
    created_at: i64,
}

impl State {
    pub(super) fn read(folder: &Path) -> Result<Self, StoreError> {
        serde_json::from_slice(&fs::read(folder.join(STATE))?)
            .map_err(|error| StoreError::Damaged(folder.to_owned(), error.to_string()))
    }
}

/// An open index.
pub(crate) struct Index {
    pub(crate) name: String,
    pub(crate) uuid: String,
    settings: RwLock<Value>,
    /// Of the settings: asked with each write.
    is_async: AtomicBool,
    /// Epoch ms.
    pub(crate) created_at: i64,
    folder: PathBuf,
    tantivy: TantivyIndex,
    pub(crate) columns: Columns,
    mapping: RwLock<Arc<Mapping>>,
    incoming: Mutex<Incoming>,
    /// A segment could not be written: what it had is in `pending` alone.
    has_lost: AtomicBool,
    /// Open while there are commits and merges.
    writer: Mutex<Option<IndexWriter>>,
    /// Open while somebody searches.
    reader: Mutex<Option<IndexReader>>,
    pending: RwLock<ById<Pending>>,
    /// There while documents are written.
    published: Mutex<Option<PublishedIds>>,
    next_sequence: AtomicU64,
    /// When the first uncommitted write came.
    dirty_since: Mutex<Option<Instant>>,
    /// One segment is being made of some.
    merging: Mutex<Option<Merge>>,
    /// In which activity nothing of them was to be merged; none: there are others since.
    looked_at: Mutex<Option<Activity>>,
    last_search: Mutex<Option<Instant>>,
    last_write: Mutex<Option<Instant>>,
}

impl std::fmt::Debug for Index {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Index")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// A writer only publishes and merges.
fn options() -> IndexWriterOptions {
    IndexWriterOptions::builder()
        .num_worker_threads(1)
        .num_merge_threads(1)
        .build()
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

impl Index {
    /// Makes a new index on disk.
    pub(crate) fn create(
        folder: &Path,
        name: &str,
        uuid: &str,
        mapping: Mapping,
        settings: Value,
    ) -> Result<Self, StoreError> {
        create_folder(folder)?;
        let (schema, columns) = schema();
        let directory = Folder::open(folder)?;
        let tantivy = TantivyIndex::create(directory, schema, layout())?;
        let mut index = Self::assemble(folder, name, uuid, tantivy, columns, mapping, 0)?;
        index.set_settings(settings);
        index.created_at = jiff::Timestamp::now().as_millisecond();
        index.save_state()?;
        if let Some(parent) = folder.parent() {
            fs::File::open(parent)?.sync_all()?;
        }
        Ok(index)
    }

    /// Opens an index as its last commit left it.
    pub(crate) fn open(folder: &Path, name: &str) -> Result<Self, StoreError> {
        let state = State::read(folder)?;
        let (current, columns) = schema();
        let tantivy = TantivyIndex::open(Folder::open(folder)?)?;
        if tantivy.schema() != current {
            return Err(StoreError::Outdated(name.to_owned()));
        }
        remove_unreferenced(folder, &tantivy)?;
        let payload = tantivy
            .load_metas()?
            .payload
            .and_then(|payload| payload.parse().ok())
            .unwrap_or(0);
        let mapping = FieldLimit::of(&state.settings)
            .and_then(|limit| Mapping::parse(&state.mapping, limit))
            .map_err(|error| StoreError::Damaged(folder.to_owned(), error.reason))?;
        let mut index = Self::assemble(
            folder,
            name,
            &state.uuid,
            tantivy,
            columns,
            mapping,
            payload,
        )?;
        index.set_settings(state.settings);
        index.created_at = state.created_at;
        Ok(index)
    }

    fn assemble(
        folder: &Path,
        name: &str,
        uuid: &str,
        tantivy: TantivyIndex,
        columns: Columns,
        mapping: Mapping,
        next_sequence: u64,
    ) -> Result<Self, StoreError> {
        let words = TextAnalyzer::from(Prepared::default());
        tantivy.tokenizers().register(PREPARED, words);
        Ok(Self {
            name: name.to_owned(),
            uuid: uuid.to_owned(),
            settings: RwLock::default(),
            is_async: AtomicBool::new(false),
            created_at: 0,
            folder: folder.to_owned(),
            tantivy,
            columns,
            mapping: RwLock::new(Arc::new(mapping)),
            incoming: Mutex::default(),
            has_lost: AtomicBool::new(false),
            writer: Mutex::new(None),
            reader: Mutex::new(None),
            pending: RwLock::default(),
            published: Mutex::new(None),
            next_sequence: AtomicU64::new(next_sequence),
            dirty_since: Mutex::new(None),
            merging: Mutex::new(None),
            looked_at: Mutex::new(None),
            last_search: Mutex::new(None),
            last_write: Mutex::new(None),
        })
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn mapping(&self) -> Arc<Mapping> {
        Arc::clone(
            &self
                .mapping
                .read()
                .unwrap_or_else(std::sync::PoisonError::into_inner),
        )
    }

    pub(crate) fn set_mapping(&self, mapping: Arc<Mapping>) {
        *self
            .mapping
            .write()
            .unwrap_or_else(std::sync::PoisonError::into_inner) = mapping;
    }

    /// What it was made with, and what was changed since, as it is told.
    pub(crate) fn settings(&self) -> Value {
        self.settings
            .read()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .clone()
    }

    pub(crate) fn set_settings(&self, settings: Value) {
        let is_async = settings::is_async(&settings);
        self.is_async.store(is_async, Ordering::Relaxed);
        *self
            .settings
            .write()
            .unwrap_or_else(std::sync::PoisonError::into_inner) = settings;
    }

    /// When writes are answered.
    pub(crate) fn durability(&self) -> Durability {
        match self.is_async.load(Ordering::Relaxed) {
            true => Durability::Async,
            false => Durability::Request,
        }
    }

    /// Other settings, and what follows from them.
    pub(crate) fn change_settings(&self, settings: Value) -> Result<(), EsError> {
        if let Some(mapping) = self.mapping().limited(FieldLimit::of(&settings)?) {
            self.set_mapping(Arc::new(mapping));
        }
        self.set_settings(settings);
        Ok(())
    }

    /// The sequence number of the next write; numbers below it are taken.
    pub(crate) fn next_sequence(&self) -> u64 {
        self.next_sequence.load(Ordering::SeqCst)
    }

    pub(crate) fn searcher(&self) -> Result<Searcher, StoreError> {
        let mut guard = lock(&self.reader);
        let reader = match &mut *guard {
            Some(reader) => reader,
            empty => {
                let builder = self.tantivy.reader_builder();
                empty.insert(builder.reload_policy(ReloadPolicy::Manual).try_into()?)
            }
        };
        Ok(reader.searcher())
    }

    fn reload(&self) -> Result<(), StoreError> {
        lock(&self.reader)
            .as_ref()
            .map_or(Ok(()), |reader| Ok(reader.reload()?))
    }

    /// Closes the segments' files; the next search opens them again.
    pub(crate) fn release_reader(&self) {
        *lock(&self.reader) = None;
    }

    pub(crate) fn mark_searched(&self) {
        *lock(&self.last_search) = Some(Instant::now());
    }

    pub(crate) fn searched_within(&self, limit: Duration) -> bool {
        lock(&self.last_search).is_some_and(|at| at.elapsed() < limit)
    }

    /// For how long a write has been invisible.
    pub(crate) fn dirty_for(&self) -> Option<Duration> {
        lock(&self.dirty_since).map(|since| since.elapsed())
    }

    /// For how long nothing was written.
    pub(crate) fn quiet_for(&self) -> Option<Duration> {
        lock(&self.last_write).map(|at| at.elapsed())
    }

    /// What is known of an id, committed or not.
    pub(crate) fn lookup(&self, id: &str) -> Result<Option<Pending>, StoreError> {
        match self.unpublished_of(id) {
            Some(pending) => Ok(Some(pending)),
            None => self.published(id),
        }
    }

    /// As [`lookup`](Self::lookup), for a document that is most likely new.
    pub(crate) fn lookup_new(&self, id: &str) -> Result<Option<Pending>, StoreError> {
        match self.unpublished_of(id) {
            Some(pending) => Ok(Some(pending)),
            None if self.may_be_published(id)? => self.published(id),
            None => Ok(None),
        }
    }

    fn unpublished_of(&self, id: &str) -> Option<Pending> {
        let pending = self
            .pending
            .read()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        pending.get(id).cloned()
    }

    fn may_be_published(&self, id: &str) -> Result<bool, StoreError> {
        let mut published = lock(&self.published);
        let ids = match &mut *published {
            Some(ids) => ids,
            empty => {
                let searcher = self.searcher()?;
                empty.insert(self.contained(|| PublishedIds::read(&searcher, self.columns.id))?)
            }
        };
        Ok(ids.may_have(id.as_bytes()))
    }

    /// What was pending is published.
    fn add_published(&self) {
        let mut published = lock(&self.published);
        let Some(ids) = &mut *published else {
            return;
        };
        let pending = self
            .pending
            .read()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        pending.keys().for_each(|id| ids.add(id.as_bytes()));
        if ids.is_full() {
            *published = None;
        }
    }

    /// Forgets what only writing needs.
    pub(crate) fn release_published(&self) {
        *lock(&self.published) = None;
    }

    fn published(&self, id: &str) -> Result<Option<Pending>, StoreError> {
        let searcher = self.searcher()?;
        let term = Term::from_field_text(self.columns.id, id);
        for segment in searcher.segment_readers() {
            let Some(doc) = living(segment, &term)? else {
                continue;
            };
            let document: TantivyDocument = segment.get_store_reader(STORE_BLOCKS)?.get(doc)?;
            let (sequence, version) = numbers(segment, doc)?;
            return Ok(Some(Pending {
                version,
                sequence,
                source: Some(Source::Here(
                    source(&document, self.columns.source).to_vec().into(),
                )),
            }));
        }
        Ok(None)
    }

    /// Builds a write into the segment in the making, where it waits for the commit.
    pub(crate) fn build(
        &self,
        id: &Arc<str>,
        pending: &Pending,
        indexed: Option<Arc<Indexed>>,
    ) -> Result<(), StoreError> {
        self.add(&mut lock(&self.incoming), id, pending, indexed)
            .inspect_err(|_| self.has_lost.store(true, Ordering::SeqCst))
    }

    /// Forgets what was built and could not be logged, with all that was built before; the next commit makes that again.
    pub(crate) fn forget_built(&self) {
        *lock(&self.incoming) = Incoming::default();
        self.has_lost.store(true, Ordering::SeqCst);
    }

    /// Takes over writes that are in the log, in their order.
    pub(crate) fn record(&self, writes: impl Iterator<Item = (Arc<str>, Pending)>) {
        let mut pending = self
            .pending
            .write()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut last = None;
        for (id, write) in writes {
            last = Some(write.sequence);
            pending.insert(id, write);
        }
        let Some(last) = last else {
            return;
        };
        self.next_sequence.fetch_max(last + 1, Ordering::SeqCst);
        let now = Instant::now();
        lock(&self.dirty_since).get_or_insert(now);
        *lock(&self.last_write) = Some(now);
    }

    /// Applies a write that is in the log, or needs none.
    pub(crate) fn apply(
        &self,
        id: Arc<str>,
        pending: Pending,
        indexed: Option<Arc<Indexed>>,
    ) -> Result<(), StoreError> {
        let built = self.build(&id, &pending, indexed);
        self.record(std::iter::once((id, pending)));
        built
    }

    fn add(
        &self,
        incoming: &mut Incoming,
        id: &Arc<str>,
        pending: &Pending,
        indexed: Option<Arc<Indexed>>,
    ) -> Result<(), StoreError> {
        let stays = pending.source.as_ref().map(|_| pending.version);
        if pending.version > 1 || stays.is_none() {
            incoming.replace(id, stays);
        }
        let row = match (indexed, &pending.source) {
            (Some(indexed), Some(source)) => {
                Row::new(self.columns, id, pending, source.read()?, indexed)
            }
            _ => return Ok(()),
        };
        incoming.add(&self.tantivy, row)
    }

    /// Makes the segments again from what is known of the writes, after one of them could not be written.
    fn add_again(&self, incoming: &mut Incoming) -> Result<(), StoreError> {
        *incoming = Incoming::default();
        let pending = self
            .pending
            .read()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut documents = DocumentReader::default();
        for (id, pending) in pending.iter() {
            let indexed = match &pending.source {
                Some(source) => Some(
                    documents
                        .read(self, &source.read()?)
                        .map_err(|error| StoreError::Damaged(self.folder.clone(), error.reason))?,
                ),
                None => None,
            };
            incoming.clear(id);
            self.add(incoming, id, pending, indexed)?;
        }
        self.has_lost.store(false, Ordering::SeqCst);
        Ok(())
    }

    /// Bytes of documents that wait to be published.
    pub(crate) fn memory(&self) -> usize {
        lock(&self.incoming).memory()
    }

    /// Makes every applied write visible and durable in the segments. Called by the one writing thread.
    pub(crate) fn commit(&self) -> Result<(), StoreError> {
        if lock(&self.dirty_since).is_none() {
            return Ok(());
        }
        // The mapping must not be older than the segments: what it names could not be read otherwise.
        self.save_state()?;
        let published = self.contained(|| self.publish());
        if let Err(error) = published {
            // What the writer has taken is forgotten with it; the next time all of it is made again.
            *lock(&self.writer) = None;
            self.has_lost.store(true, Ordering::SeqCst);
            return Err(error);
        }
        self.reload()?;
        self.add_published();
        if lock(&self.merging).is_none() {
            *lock(&self.writer) = None;
        }
        *lock(&self.incoming) = Incoming::default();
        *lock(&self.dirty_since) = None;
        // Not cleared: that would keep the room of a busy day for as long as the index is open.
        *self
            .pending
            .write()
            .unwrap_or_else(std::sync::PoisonError::into_inner) = ById::default();
        Ok(())
    }

    /// A damaged file may make its reader panic; that is this index's trouble alone.
    fn contained<T, E: Into<StoreError>>(
        &self,
        read: impl FnOnce() -> Result<T, E>,
    ) -> Result<T, StoreError> {
        match std::panic::catch_unwind(std::panic::AssertUnwindSafe(read)) {
            Ok(read) => read.map_err(Into::into),
            Err(_) => {
                let reason = "its segments cannot be read".to_owned();
                Err(StoreError::Damaged(self.folder.clone(), reason))
            }
        }
    }

    fn publish(&self) -> Result<(), StoreError> {
        let mut incoming = lock(&self.incoming);
        if self.has_lost.load(Ordering::SeqCst) {
            self.add_again(&mut incoming)?;
        }
        let mut guard = lock(&self.writer);
        let writer = self.writer(&mut guard)?;
        if incoming.hand_over_cleared(writer, self.columns) {
            // Until the documents are there again, the log has to be read from where it had to be.
            let payload = self.tantivy.load_metas()?.payload.unwrap_or_default();
            let mut prepared = writer.prepare_commit()?;
            prepared.set_payload(&payload);
            prepared.commit()?;
        }
        incoming.hand_over(&self.tantivy, writer, self.columns)?;
        let mut prepared = writer.prepare_commit()?;
        prepared.set_payload(&self.next_sequence().to_string());
        prepared.commit()?;
        // tantivy syncs the new list of segments, not the name it is renamed to.
        fs::File::open(&self.folder)?.sync_all()?;
        *lock(&self.looked_at) = None;
        Ok(())
    }

    /// What is only in the log, oldest first.
    pub(crate) fn unpublished(&self) -> Result<Vec<Unpublished>, StoreError> {
        let pending = self
            .pending
            .read()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut writes: Vec<_> = pending.iter().collect();
        writes.sort_by_key(|(_, pending)| pending.sequence);
        let unpublished = |(id, pending): (&Arc<str>, &Pending)| {
            let source = pending.source.as_ref().map(Source::read).transpose()?;
            let source = source.unwrap_or_default();
            let mut frame = Vec::with_capacity(source.len() + id.len() + 256);
            write_frame(&Frame::of(self, id, pending), &source, &mut frame);
            Ok(Unpublished {
                id: Arc::clone(id),
                frame,
                source_bytes: source.len(),
            })
        };
        writes.into_iter().map(unpublished).collect()
    }

    /// Whether the log may carry on what is unpublished.
    pub(crate) fn may_be_carried(&self) -> bool {
        let is_young = self.dirty_for().is_some_and(|dirty| dirty < CARRIED_FOR);
        is_young && !self.has_lost.load(Ordering::SeqCst)
    }

    /// Of documents as they were sent.
    pub(crate) fn unpublished_bytes(&self) -> usize {
        lock(&self.incoming).source_bytes()
    }

    /// A document is elsewhere in the log.
    pub(crate) fn moved(&self, id: &str, place: Place) {
        let mut pending = self
            .pending
            .write()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let own = pending.get_mut(id).and_then(|own| own.source.as_mut());
        if let Some(source) = own {
            *source = Source::Logged(place);
        }
    }

    /// Opened for a commit or a merge: it takes three threads and some megabytes.
    fn writer<'a>(
        &self,
        guard: &'a mut Option<IndexWriter>,
    ) -> Result<&'a mut IndexWriter, StoreError> {
        Ok(match guard {
            Some(writer) => writer,
            empty => {
                let writer: IndexWriter = self.tantivy.writer_with_options(options())?;
                writer.set_merge_policy(Box::new(NoMergePolicy));
                empty.insert(writer)
            }
        })
    }

    /// Commits, waits for a merge, and gives the writer's threads back.
    pub(crate) fn close_writer(&self) -> Result<(), StoreError> {
        self.commit()?;
        let merging = lock(&self.merging).take();
        if let Some(merge) = merging {
            self.end_merge(merge)?;
        }
        Ok(())
    }

    /// Ends a merge that has come to its end; answers whether one is still going on.
    pub(crate) fn is_merging(&self) -> Result<bool, StoreError> {
        let mut merging = lock(&self.merging);
        let Some(merge) = merging.take_if(|merge| merge.is_finished()) else {
            return Ok(merging.is_some());
        };
        drop(merging);
        self.end_merge(merge)?;
        Ok(false)
    }

    fn end_merge(&self, merge: Merge) -> Result<(), StoreError> {
        if let Ok(Err(error)) = merge.join() {
            tracing::warn!(%error, index = self.name, "segments could not be merged");
        }
        *lock(&self.writer) = None;
        *lock(&self.looked_at) = None;
        self.reload()
    }

    /// Merges segments in the background, if that is worth it.
    pub(crate) fn merge(&self, activity: Activity) -> Result<Looked, StoreError> {
        // Their list is a file, which need not be read again for the same answer.
        if *lock(&self.looked_at) == Some(activity) {
            return Ok(Looked::Before);
        }
        let ids = candidates(&self.tantivy.searchable_segment_metas()?, activity);
        if ids.is_empty() {
            *lock(&self.looked_at) = Some(activity);
            return Ok(Looked::Nothing);
        }
        let mut guard = lock(&self.writer);
        let merge = self.writer(&mut guard)?.merge(&ids);
        let wait = move || merge.wait().map(drop);
        let thread = std::thread::Builder::new().name("merge".to_owned());
        *lock(&self.merging) = Some(thread.spawn(wait)?);
        Ok(Looked::Merges)
    }

    /// Compares the checksums of all files.
    pub(crate) fn verify(&self) -> Result<(), StoreError> {
        let damaged = self.tantivy.validate_checksum()?;
        let mut names: Vec<String> = damaged
            .iter()
            .map(|path| path.display().to_string())
            .collect();
        names.sort();
        if names.is_empty() {
            return Ok(());
        }
        let reason = format!("checksum of {}", names.join(", "));
        Err(StoreError::Damaged(self.folder.clone(), reason))
    }

    pub(crate) fn save_state(&self) -> Result<(), StoreError> {
        let state = State {
            uuid: self.uuid.clone(),
            mapping: self.mapping().to_json(),
            settings: self.settings(),
            created_at: self.created_at,
        };
        let text = serde_json::to_vec(&state)
            .map_err(|error| StoreError::Damaged(self.folder.clone(), error.to_string()))?;
        let path = self.folder.join(STATE);
        if fs::read(&path).is_ok_and(|current| current == text) {
            return Ok(());
        }
        replace(&path, &text)?;
        Ok(())
    }

    /// Documents and deleted ones in committed segments, and bytes on disk.
    pub(crate) fn size(&self) -> (u64, u64, u64) {
        let segments = self.tantivy.searchable_segment_metas().unwrap_or_default();
        let sum = |of: fn(&SegmentMeta) -> u32| segments.iter().map(of).map(u64::from).sum();
        let files = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let bytes = files
            .filter_map(|entry| entry.metadata().ok())
            .map(|metadata| metadata.len())
            .sum();
        (
            sum(SegmentMeta::num_docs),
            sum(SegmentMeta::num_deleted_docs),
            bytes,
        )
    }

    pub(crate) fn segments(&self) -> Vec<SegmentDetails> {
        let segments = self.tantivy.searchable_segment_metas().unwrap_or_default();
        let segment = |one: &SegmentMeta| SegmentDetails {
            name: format!("_{}", one.id().short_uuid_string()),
            documents: u64::from(one.num_docs()),
            deleted: u64::from(one.num_deleted_docs()),
        };
        segments.iter().map(segment).collect()
    }
}

/// The one document of a segment that has a term and was not deleted.
fn living(segment: &SegmentReader, term: &Term) -> tantivy::Result<Option<DocId>> {
    let index = segment.inverted_index(term.field())?;
    let Some(mut postings) = index.read_postings(term, IndexRecordOption::Basic)? else {
        return Ok(None);
    };
    let alive = segment.alive_bitset();
    while postings.doc() != TERMINATED {
        if alive.is_none_or(|alive| alive.is_alive(postings.doc())) {
            return Ok(Some(postings.doc()));
        }
        postings.advance();
    }
    Ok(None)
}

/// Removes what an interrupted commit has left: the log's replay writes files of the same names.
fn remove_unreferenced(folder: &Path, tantivy: &TantivyIndex) -> Result<(), StoreError> {
    let referenced = tantivy.load_metas()?.list_segment_files();
    for entry in fs::read_dir(folder)? {
        let name = PathBuf::from(entry?.file_name());
        if is_segment_file(&name) && !referenced.contains(&name) {
            fs::remove_file(folder.join(name))?;
        }
    }
    Ok(())
}

pub(crate) fn source(document: &TantivyDocument, field: Field) -> &[u8] {
    use tantivy::schema::Value as _;
    document
        .get_first(field)
        .and_then(|value| value.as_bytes())
        .unwrap_or_default()
}

pub(crate) fn parse_source(bytes: &[u8]) -> Result<Value, EsError> {
    serde_json::from_slice(bytes)
        .map_err(|error| EsError::internal(format!("a stored document cannot be read: {error}")))
}
