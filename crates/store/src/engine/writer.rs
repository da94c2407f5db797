//! The one thread that writes: takes what waits, decides, logs it in one go, applies it, answers.

use std::{
    collections::BTreeMap,
    io,
    sync::{Arc, mpsc},
    time::{Duration, Instant},
};

use canarytrace_es::{
    EsError,
    bulk::{BulkItem, BulkItemResult},
};
use serde_json::Value;
use tokio::sync::oneshot;

use super::{
    Index, REFRESH_INTERVAL, SEARCH_IDLE, Shared, StoreError,
    frame::read_frame,
    group::{Desk, Group, IndexWrites, durability},
    log::{self, Frames, Log, Place},
    memory,
    merging::{Activity, Looked},
    pending::{Pending, Source},
    repair::WAITING,
    settings,
};

/// What the thread is asked to do.
pub(crate) enum Request {
    Bulk {
        items: Vec<BulkItem>,
        refresh: bool,
        reply: oneshot::Sender<Result<Vec<BulkItemResult>, EsError>>,
    },
    Refresh {
        indices: Vec<Arc<Index>>,
        reply: oneshot::Sender<Result<(), StoreError>>,
    },
    Merge {
        indices: Vec<Arc<Index>>,
        reply: oneshot::Sender<Result<(), StoreError>>,
    },
    Create {
        name: String,
        body: Value,
        reply: oneshot::Sender<Result<(), EsError>>,
    },
    PutMapping {
        indices: Vec<Arc<Index>>,
        body: Value,
        reply: oneshot::Sender<Result<(), EsError>>,
    },
    PutSettings {
        indices: Vec<Arc<Index>>,
        changes: Value,
        /// What is there stays as it is.
        keep: bool,
        reply: oneshot::Sender<Result<(), EsError>>,
    },
    Delete {
        names: Vec<String>,
        reply: oneshot::Sender<Result<(), StoreError>>,
    },
    Close {
        reply: oneshot::Sender<Result<(), StoreError>>,
    },
}

/// Items, whether to refresh, and where the results go.
type BulkRequest = (
    Vec<BulkItem>,
    bool,
    oneshot::Sender<Result<Vec<BulkItemResult>, EsError>>,
);

/// What need not be on disk before it is answered is there after so long, as in Elasticsearch.
const SYNC_INTERVAL: Duration = Duration::from_secs(5);
/// How often the thread looks for indices to refresh, and for files to merge and to close.
const TICK: Duration = Duration::from_millis(200);
/// What could not be published is tried again after this.
const RETRY: Duration = Duration::from_secs(5);
/// Bulk requests that are logged together.
const GROUP: usize = 64;
const CHECKPOINT_INTERVAL: Duration = Duration::from_secs(30);
/// A store that nobody has written to for so long makes everything durable in segments, and frees what that took.
const QUIET: Duration = Duration::from_secs(3);
const CHECKPOINT_BYTES: u64 = 64 << 20;
/// So much of the log is carried over when it is cut, of the indices that have the least: a segment costs as much as some
/// thousand documents.
const CARRIED_BYTES: usize = 8 << 20;
/// Segments in the making, of all indices together.
const MAX_BUFFERED: usize = 96 << 20;
/// An index that nobody has written to for so long has a pause.
const PAUSE: Duration = Duration::from_secs(10);
/// An index that nobody has written to for so long becomes one segment.
const REST: Duration = Duration::from_secs(3600);
/// The files of an index that nobody has searched for so long are closed.
const READER_IDLE: Duration = Duration::from_secs(60);

pub(crate) struct Writer {
    shared: Arc<Shared>,
    log: Log,
    desk: Desk,
    last_tick: Instant,
    last_checkpoint: Instant,
    last_write: Instant,
    last_release: Instant,
    /// When something could not be published.
    failed_at: Option<Instant>,
    /// By uuid: written to since all of their segments were made one.
    unsettled: BTreeMap<String, Arc<Index>>,
    merging: Option<Arc<Index>>,
}

impl Writer {
    pub(crate) fn new(shared: Arc<Shared>, log: Log) -> Self {
        Self {
            shared,
            log,
            desk: Desk::default(),
            last_tick: Instant::now(),
            last_checkpoint: Instant::now(),
            last_write: Instant::now(),
            last_release: Instant::now(),
            failed_at: None,
            unsettled: BTreeMap::new(),
            merging: None,
        }
    }

    /// Brings indices up to the log's end and cuts it.
    pub(crate) fn replay(&mut self, payloads: Vec<Vec<u8>>) -> Result<(), StoreError> {
        for payload in payloads {
            let Some((frame, source)) = read_frame(&payload) else {
                continue;
            };
            if self.shared.damages.check(&frame.name).is_err() {
                let waiting = self.shared.index_folder(&frame.name).join(WAITING);
                log::add_to_file(&waiting, &payload)?;
                continue;
            }
            // An index that was deleted, or deleted and made again, has another identity.
            let Some(index) = self
                .shared
                .index(&frame.name)
                .filter(|index| index.uuid == frame.uuid)
            else {
                continue;
            };
            if frame.sequence < index.next_sequence() {
                continue;
            }
            let indexed = if frame.delete {
                None
            } else {
                let read = self.desk.documents.read(&index, &source);
                Some(read.map_err(|error| {
                    StoreError::Damaged(index.folder().to_owned(), error.reason)
                })?)
            };
            let pending = Pending {
                version: frame.version,
                sequence: frame.sequence,
                source: (!frame.delete).then(|| Source::Here(source.into())),
            };
            self.unsettled
                .insert(index.uuid.clone(), Arc::clone(&index));
            // A document of the log may be in the segments already, under an older number.
            index.apply(
                frame.id.into(),
                Pending {
                    version: pending.version.max(2),
                    ..pending
                },
                indexed,
            )?;
        }
        self.checkpoint()
    }

    pub(crate) fn run(mut self, requests: &mpsc::Receiver<Request>) {
        loop {
            match requests.recv_timeout(TICK) {
                Ok(Request::Close { reply }) => {
                    let closed = self.close();
                    reply.send(closed).ok();
                    return;
                }
                Ok(request) => {
                    if let Some(reply) = self.serve(request, requests) {
                        reply.send(self.close()).ok();
                        return;
                    }
                }
                Err(mpsc::RecvTimeoutError::Timeout) => {}
                Err(mpsc::RecvTimeoutError::Disconnected) => {
                    if let Err(error) = self.close() {
                        tracing::error!(%error, "the store could not be closed");
                    }
                    return;
                }
            }
            let is_early = self.last_tick.elapsed() < TICK;
            if is_early || self.failed_at.is_some_and(|at| at.elapsed() < RETRY) {
                continue;
            }
            self.last_tick = Instant::now();
            self.failed_at = None;
            if let Err(error) = self.tick() {
                tracing::error!(%error, "the store could not refresh; it tries again");
                self.failed_at = Some(Instant::now());
            }
        }
    }

    /// Serves a request and, with it, the bulk requests that wait behind it. Answers the reply of a close among them.
    fn serve(
        &mut self,
        request: Request,
        requests: &mpsc::Receiver<Request>,
    ) -> Option<oneshot::Sender<Result<(), StoreError>>> {
        let mut group = Vec::new();
        let mut next = Some(request);
        while let Some(request) = next.take() {
            match request {
                Request::Bulk {
                    items,
                    refresh,
                    reply,
                } => {
                    group.push((items, refresh, reply));
                    if group.len() < GROUP {
                        next = requests.try_recv().ok();
                    }
                }
                other => {
                    self.write_group(std::mem::take(&mut group));
                    match other {
                        Request::Refresh { indices, reply } => drop(
                            reply.send(indices.iter().try_for_each(|index| self.commit(index))),
                        ),
                        Request::Merge { indices, reply } => {
                            drop(reply.send(indices.iter().try_for_each(|index| self.merge(index))))
                        }
                        Request::Create { name, body, reply } => {
                            drop(reply.send(self.shared.create_index(&name, &body).map(drop)))
                        }
                        Request::PutMapping {
                            indices,
                            body,
                            reply,
                        } => drop(reply.send(put_mapping(&indices, &body))),
                        Request::PutSettings {
                            indices,
                            changes,
                            keep,
                            reply,
                        } => drop(reply.send(put_settings(&indices, &changes, keep))),
                        Request::Delete { names, reply } => {
                            let removed = names
                                .iter()
                                .try_for_each(|name| self.shared.remove_index(name));
                            self.forget_removed();
                            drop(reply.send(removed));
                        }
                        Request::Close { reply } => return Some(reply),
                        Request::Bulk { .. } => {}
                    }
                    next = requests.try_recv().ok();
                }
            }
        }
        self.write_group(group);
        None
    }

    fn write_group(&mut self, group: Vec<BulkRequest>) {
        if group.is_empty() {
            return;
        }
        self.last_write = Instant::now();
        self.shared.space.look();
        let (mut requests, mut replies) = (Vec::new(), Vec::new());
        for (items, refresh, reply) in group {
            requests.push(items);
            replies.push((refresh, reply));
        }
        let (results, indices) = Group::new(&self.shared, &mut self.desk).take(requests);
        let logged = self.log.append(&self.desk.frames, durability(&indices));
        self.desk.frames.clear();
        let places = match logged {
            Ok(places) => places,
            Err(error) => {
                indices.iter().for_each(|own| own.index.forget_built());
                let refused = self.refusal(&error);
                replies
                    .into_iter()
                    .for_each(|(_, reply)| drop(reply.send(Err(refused.clone()))));
                return;
            }
        };
        let refresh = replies.iter().any(|(refresh, _)| *refresh);
        let applied = self.apply(indices, places, refresh);
        for (results, (_, reply)) in results.into_iter().zip(replies) {
            let answer = applied
                .as_ref()
                .map(|()| results)
                .map_err(|error| EsError::internal(error.to_string()));
            reply.send(answer).ok();
        }
    }

    /// What is answered when the log cannot be written.
    fn refusal(&self, error: &io::Error) -> EsError {
        tracing::error!(%error, "the log cannot be written; nothing of these requests was taken");
        if error.kind() == io::ErrorKind::StorageFull {
            self.shared.space.is_used_up();
        }
        let reason = format!("the store's log cannot be written: {error}");
        EsError::new(507, "insufficient_storage", reason)
    }

    fn apply(
        &mut self,
        indices: Vec<IndexWrites>,
        places: Vec<Place>,
        refresh: bool,
    ) -> Result<(), StoreError> {
        let (mut places, mut touched) = (places.into_iter(), Vec::new());
        for own in indices {
            let Some(index) = own.record(&mut places) else {
                continue;
            };
            self.unsettled
                .entry(index.uuid.clone())
                .or_insert_with(|| Arc::clone(&index));
            touched.push(index);
        }
        if refresh {
            touched.iter().try_for_each(|index| self.commit(index))?;
        }
        if let Err(error) = self.bound_memory() {
            tracing::error!(%error, "segments cannot be written");
        }
        Ok(())
    }

    /// Makes one segment of an index, and waits for it.
    fn merge(&self, index: &Arc<Index>) -> Result<(), StoreError> {
        self.commit(index)?;
        index.close_writer()?;
        index.merge(Activity::Resting)?;
        index.close_writer()
    }

    /// Publishes what an index has; a damaged one is set aside with what waits for it.
    fn commit(&self, index: &Arc<Index>) -> Result<(), StoreError> {
        match index.commit() {
            Err(error) if error.is_damage() => {
                for write in index.unpublished()? {
                    log::add_to_file(&index.folder().join(WAITING), &write.frame)?;
                }
                self.shared.set_aside(&index.name, &error.to_string());
                Ok(())
            }
            other => other,
        }
    }

    /// Publishes what has been written to longest ago when the segments in the making take too much.
    fn bound_memory(&self) -> Result<(), StoreError> {
        let all: Vec<_> = self.unsettled.values().collect();
        while all.iter().map(|index| index.memory()).sum::<usize>() > MAX_BUFFERED {
            let written = all.iter().filter(|index| index.memory() > 0);
            match written.max_by_key(|index| index.quiet_for()) {
                Some(index) => self.commit(index)?,
                None => break,
            }
        }
        Ok(())
    }

    /// What was deleted or set aside has no files to look after.
    fn forget_removed(&mut self) {
        let shared = Arc::clone(&self.shared);
        self.unsettled.retain(|uuid, index| {
            let own = shared.index(&index.name);
            own.is_some_and(|own| own.uuid == *uuid)
        });
    }

    /// Keeps segments few, one index at a time, and closes what nobody uses.
    fn maintain(&mut self) -> Result<(), StoreError> {
        if let Some(index) = &self.merging {
            if index.is_merging()? {
                return Ok(());
            }
            self.merging = None;
        }
        let mut resting = Vec::new();
        for (uuid, index) in &self.unsettled {
            let activity = activity(index);
            match index.merge(activity)? {
                Looked::Merges => {
                    self.merging = Some(Arc::clone(index));
                    break;
                }
                Looked::Nothing if activity != Activity::Busy => self.shared.share(index),
                Looked::Nothing | Looked::Before => {}
            }
            if activity == Activity::Resting {
                resting.push(uuid.clone());
            }
        }
        for uuid in resting {
            self.unsettled.remove(&uuid);
        }
        Ok(())
    }

    /// Closes the files of indices that nobody searches.
    fn release_readers(&mut self) {
        if self.last_release.elapsed() < READER_IDLE / 2 {
            return;
        }
        self.last_release = Instant::now();
        for index in self.shared.all() {
            let is_written = index.quiet_for().is_some_and(|quiet| quiet < READER_IDLE);
            if is_written {
                continue;
            }
            index.release_published();
            if !index.searched_within(READER_IDLE) {
                index.release_reader();
            }
        }
        memory::give_back();
    }

    /// Refreshes what is due, and checkpoints now and then.
    fn tick(&mut self) -> Result<(), StoreError> {
        self.forget_removed();
        for index in self.unsettled.values() {
            if index
                .dirty_for()
                .is_some_and(|dirty| dirty >= REFRESH_INTERVAL)
                && index.searched_within(SEARCH_IDLE)
            {
                self.commit(index)?;
            }
        }
        self.log.sync_after(SYNC_INTERVAL)?;
        self.maintain()?;
        self.release_readers();
        let is_old = self.last_checkpoint.elapsed() > CHECKPOINT_INTERVAL;
        let is_quiet = self.last_write.elapsed() > QUIET;
        if self.log.length() > 0 && is_quiet {
            self.checkpoint()?;
            memory::give_back();
        } else if self.log.length() > CHECKPOINT_BYTES || (self.log.length() > 0 && is_old) {
            self.shorten_log()?;
        }
        Ok(())
    }

    /// Everything is in durable segments afterwards, and the log is empty.
    fn checkpoint(&mut self) -> Result<(), StoreError> {
        for index in self.unsettled.values() {
            self.commit(index)?;
        }
        self.cut_log(&[])
    }

    /// As a checkpoint, but what is not worth a segment stays in the log.
    fn shorten_log(&mut self) -> Result<(), StoreError> {
        let (mut carried, mut left) = (Vec::new(), CARRIED_BYTES);
        let mut by_size: Vec<_> = self.unsettled.values().collect();
        by_size.sort_by_key(|index| index.unpublished_bytes());
        for index in by_size {
            let bytes = index.unpublished_bytes();
            if index.may_be_carried() && bytes <= left {
                left -= bytes;
                carried.push(Arc::clone(index));
            } else {
                self.commit(index)?;
            }
        }
        self.cut_log(&carried)
    }

    fn cut_log(&mut self, carried: &[Arc<Index>]) -> Result<(), StoreError> {
        let (mut writes, mut frames) = (Vec::new(), Frames::default());
        for index in carried {
            for mut write in index.unpublished()? {
                let frame = std::mem::take(&mut write.frame);
                frames.push(|bytes| bytes.extend_from_slice(&frame));
                writes.push((index, write));
            }
        }
        let places = self.log.cut(&frames)?;
        for ((index, write), place) in writes.into_iter().zip(places) {
            index.moved(&write.id, place.tail(write.source_bytes));
        }
        self.last_checkpoint = Instant::now();
        Ok(())
    }

    fn close(&mut self) -> Result<(), StoreError> {
        self.checkpoint()?;
        self.shared
            .all()
            .iter()
            .try_for_each(|index| index.close_writer())
    }
}

fn activity(index: &Index) -> Activity {
    if index.dirty_for().is_some() {
        return Activity::Busy;
    }
    match index.quiet_for() {
        Some(quiet) if quiet <= PAUSE => Activity::Busy,
        Some(quiet) if quiet <= REST => Activity::Pausing,
        _ => Activity::Resting,
    }
}

/// All of the indices or none.
fn put_mapping(indices: &[Arc<Index>], body: &Value) -> Result<(), EsError> {
    let extended = indices
        .iter()
        .map(|index| index.mapping().extended(body))
        .collect::<Result<Vec<_>, _>>()?;
    for (index, mapping) in indices.iter().zip(extended) {
        index.set_mapping(Arc::new(mapping));
        index.save_state()?;
    }
    Ok(())
}

/// All of the indices or none.
fn put_settings(indices: &[Arc<Index>], changes: &Value, keep: bool) -> Result<(), EsError> {
    let changed = indices
        .iter()
        .map(|index| settings::changed(&index.settings(), changes, &index.name, keep))
        .collect::<Result<Vec<_>, _>>()?;
    for (index, settings) in indices.iter().zip(changed) {
        index.change_settings(settings)?;
        index.save_state()?;
    }
    Ok(())
}
