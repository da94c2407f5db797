//! The one thread that writes: takes what waits, decides, logs it in one go, applies it, answers.

use std::{
    collections::HashMap,
    sync::{Arc, mpsc},
    time::{Duration, Instant},
};

use canarytrace_es::{
    EsError,
    bulk::{BulkItem, BulkItemResult, BulkOperation, WriteResult, Written},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::{
    Index, REFRESH_INTERVAL, SEARCH_IDLE, Shared, StoreError,
    index::{Pending, Source},
    log::{Log, Place},
    memory,
};
use crate::mapping::{Indexed, Mapping};

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
type BulkReply = (
    Vec<BulkItemResult>,
    bool,
    oneshot::Sender<Result<Vec<BulkItemResult>, EsError>>,
);

/// How often the thread looks for indices to refresh.
const TICK: Duration = Duration::from_millis(200);
/// Bulk requests that are logged together.
const GROUP: usize = 64;
const CHECKPOINT_INTERVAL: Duration = Duration::from_secs(30);
/// A store that nobody has written to for so long makes everything durable in segments, and frees what that took.
const QUIET: Duration = Duration::from_secs(3);
const CHECKPOINT_BYTES: u64 = 64 << 20;
/// Segments in the making, of all indices together.
const MAX_BUFFERED: usize = 64 << 20;
/// A day's indices of one prefix are about a dozen; each open writer holds three threads.
const MAX_WRITERS: usize = 32;
/// A day of runs every quarter of an hour is written to all the time.
const WRITER_IDLE: Duration = Duration::from_secs(10);

/// A frame's first line; the document follows.
#[derive(Debug, Serialize, Deserialize)]
struct Frame {
    name: String,
    uuid: String,
    id: String,
    sequence: u64,
    version: u64,
    delete: bool,
}

/// A write that was decided and waits for the log.
struct Prepared {
    index: Arc<Index>,
    id: String,
    pending: Pending,
    indexed: Option<Indexed>,
    frame: Vec<u8>,
    /// The frame ends in so many bytes of the document.
    source_bytes: usize,
}

/// What earlier items of the same group will have written.
type Overlay = HashMap<(String, String), Pending>;

pub(crate) struct Writer {
    shared: Arc<Shared>,
    log: Log,
    last_checkpoint: Instant,
    last_write: Instant,
    /// Next sequence number per index uuid, ahead of what is applied.
    sequences: HashMap<String, u64>,
    generated: u64,
}

impl Writer {
    pub(crate) fn new(shared: Arc<Shared>, log: Log) -> Self {
        Self {
            shared,
            log,
            last_checkpoint: Instant::now(),
            last_write: Instant::now(),
            sequences: HashMap::new(),
            generated: 0,
        }
    }

    /// Brings indices up to the log's end and cuts it.
    pub(crate) fn replay(&mut self, payloads: Vec<Vec<u8>>) -> Result<(), StoreError> {
        for payload in payloads {
            let Some((frame, source)) = read_frame(&payload) else {
                continue;
            };
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
                Some(index_document(&index, &source).map_err(|error| {
                    StoreError::Damaged(index.folder().to_owned(), error.reason)
                })?)
            };
            let pending = Pending {
                version: frame.version,
                sequence: frame.sequence,
                source: (!frame.delete).then(|| Source::Here(source.into())),
            };
            // A document of the log may be in the segments already, under an older number.
            index.apply(
                &frame.id,
                Pending {
                    version: pending.version.max(2),
                    ..pending
                },
                indexed,
                None,
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
            if let Err(error) = self.tick() {
                tracing::error!(%error, "the store could not refresh");
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
                        Request::Refresh { indices, reply } => {
                            drop(reply.send(indices.iter().try_for_each(|index| index.commit())))
                        }
                        Request::Create { name, body, reply } => {
                            drop(reply.send(self.shared.create_index(&name, &body).map(drop)))
                        }
                        Request::PutMapping {
                            indices,
                            body,
                            reply,
                        } => drop(reply.send(put_mapping(&indices, &body))),
                        Request::Delete { names, reply } => drop(
                            reply.send(
                                names
                                    .iter()
                                    .try_for_each(|name| self.shared.remove_index(name)),
                            ),
                        ),
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
        let (mut prepared, mut overlay, mut replies): (Vec<Prepared>, Overlay, Vec<BulkReply>) =
            Default::default();
        for (items, refresh, reply) in group {
            let results = items
                .into_iter()
                .map(|item| self.prepare(item, &mut prepared, &mut overlay))
                .collect();
            replies.push((results, refresh, reply));
        }
        let frames: Vec<Vec<u8>> = prepared
            .iter_mut()
            .map(|write| std::mem::take(&mut write.frame))
            .collect();
        let places = match self.log.append(&frames) {
            Ok(places) => places,
            Err(error) => {
                tracing::error!(%error, "the log cannot be written; nothing of these requests was taken");
                self.sequences.clear();
                let refused = EsError::new(
                    507,
                    "insufficient_storage",
                    format!("the store's log cannot be written: {error}"),
                );
                replies
                    .into_iter()
                    .for_each(|(.., reply)| drop(reply.send(Err(refused.clone()))));
                return;
            }
        };
        let applied = self.apply(
            prepared,
            places,
            replies.iter().any(|(_, refresh, _)| *refresh),
        );
        for (results, _, reply) in replies {
            let answer = applied
                .as_ref()
                .map(|()| results)
                .map_err(|error| EsError::internal(error.to_string()));
            reply.send(answer).ok();
        }
    }

    fn apply(
        &mut self,
        prepared: Vec<Prepared>,
        places: Vec<Place>,
        refresh: bool,
    ) -> Result<(), StoreError> {
        let mut touched: Vec<Arc<Index>> = Vec::new();
        for (write, place) in prepared.into_iter().zip(places) {
            let place = place.tail(write.source_bytes);
            write
                .index
                .apply(&write.id, write.pending, write.indexed, Some(place))?;
            if !touched.iter().any(|index| index.uuid == write.index.uuid) {
                touched.push(write.index);
            }
        }
        if refresh {
            touched.iter().try_for_each(|index| index.commit())?;
        }
        self.bound_memory()
    }

    /// Publishes what has been written to longest ago when the segments in the making take too much.
    fn bound_memory(&self) -> Result<(), StoreError> {
        let all = self.shared.all();
        while all.iter().map(|index| index.memory()).sum::<usize>() > MAX_BUFFERED {
            let written = all.iter().filter(|index| index.memory() > 0);
            match written.max_by_key(|index| index.quiet_for()) {
                Some(index) => index.commit()?,
                None => break,
            }
        }
        Ok(())
    }

    /// Ends the writers of indices that nobody writes to any more, and the quietest when there are too many.
    fn close_writers(&self) -> Result<(), StoreError> {
        let mut open: Vec<Arc<Index>> = self.shared.all();
        open.retain(|index| index.has_writer() && index.dirty_for().is_none());
        open.sort_by_key(|index| index.quiet_for());
        let is_old = |index: &Index| index.quiet_for().is_none_or(|quiet| quiet > WRITER_IDLE);
        for (at, index) in open.iter().enumerate() {
            if at >= MAX_WRITERS || (is_old(index) && index.settle()?) {
                index.close_writer()?;
            }
        }
        Ok(())
    }

    fn prepare(
        &mut self,
        item: BulkItem,
        prepared: &mut Vec<Prepared>,
        overlay: &mut Overlay,
    ) -> BulkItemResult {
        let id = item.id.clone().unwrap_or_else(|| self.generate_id());
        let (operation, index) = (item.operation, item.index.clone());
        let outcome = self.decide(item, &id, prepared, overlay);
        BulkItemResult {
            operation,
            index,
            id,
            outcome,
        }
    }

    fn decide(
        &mut self,
        item: BulkItem,
        id: &str,
        prepared: &mut Vec<Prepared>,
        overlay: &mut Overlay,
    ) -> Result<Written, EsError> {
        if id.len() > 512 {
            return Err(EsError::illegal_argument(format!(
                "id is too long, must be no longer than 512 bytes but was: {}",
                id.len()
            )));
        }
        let index = match self.shared.index(&item.index) {
            Some(index) => index,
            None if item.operation == BulkOperation::Delete => {
                return Err(EsError::index_not_found(&item.index));
            }
            None => self.shared.create_index(&item.index, &json!({}))?,
        };
        let key = (index.uuid.clone(), id.to_owned());
        let current = match overlay.get(&key) {
            Some(pending) => Some(pending.clone()),
            None => index.lookup(id)?,
        };
        let live = current.as_ref().filter(|pending| pending.source.is_some());
        if let Some(wanted) = item.if_seq_no
            && live.map(|pending| pending.sequence) != Some(wanted)
        {
            let found = live.map_or_else(
                || "the document does not exist".to_owned(),
                |pending| format!("current has seqNo [{}]", pending.sequence),
            );
            return Err(EsError::version_conflict(
                id,
                &format!("required seqNo [{wanted}], {found}"),
            ));
        }
        if let (BulkOperation::Create, Some(pending)) = (item.operation, live) {
            return Err(EsError::version_conflict(
                id,
                &format!(
                    "document already exists (current version [{}])",
                    pending.version
                ),
            ));
        }
        let delete = item.operation == BulkOperation::Delete;
        let indexed = if delete {
            None
        } else {
            Some(index_document(&index, &item.source)?)
        };
        let sequence = self.take_sequence(&index);
        let version = current.as_ref().map_or(1, |pending| pending.version + 1);
        let result = match (delete, live.is_some()) {
            (true, true) => WriteResult::Deleted,
            (true, false) => WriteResult::NotFound,
            (false, true) => WriteResult::Updated,
            (false, false) => WriteResult::Created,
        };
        let frame = Frame {
            name: index.name.clone(),
            uuid: index.uuid.clone(),
            id: id.to_owned(),
            sequence,
            version,
            delete,
        };
        let frame = write_frame(&frame, &item.source);
        let source_bytes = item.source.len();
        let pending = Pending {
            version,
            sequence,
            source: (!delete).then_some(Source::Here(item.source)),
        };
        overlay.insert(key, pending.clone());
        prepared.push(Prepared {
            index,
            id: id.to_owned(),
            pending,
            indexed,
            frame,
            source_bytes,
        });
        Ok(Written {
            result,
            version,
            seq_no: sequence,
        })
    }

    fn take_sequence(&mut self, index: &Index) -> u64 {
        let next = self
            .sequences
            .entry(index.uuid.clone())
            .or_insert_with(|| index.next_sequence());
        *next += 1;
        *next - 1
    }

    fn generate_id(&mut self) -> String {
        self.generated += 1;
        let now = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .map_or(0, |since| since.as_nanos() as u64);
        format!("{now:016x}{:08x}", self.generated & 0xffff_ffff)
    }

    /// Refreshes what is due, and checkpoints now and then.
    fn tick(&mut self) -> Result<(), StoreError> {
        for index in self.shared.all() {
            if index
                .dirty_for()
                .is_some_and(|dirty| dirty >= REFRESH_INTERVAL)
                && index.searched_within(SEARCH_IDLE)
            {
                index.commit()?;
            }
        }
        self.close_writers()?;
        let is_old = self.last_checkpoint.elapsed() > CHECKPOINT_INTERVAL;
        let is_quiet = self.last_write.elapsed() > QUIET;
        if self.log.length() > CHECKPOINT_BYTES || (self.log.length() > 0 && (is_old || is_quiet)) {
            self.checkpoint()?;
        }
        Ok(())
    }

    /// Everything is in durable segments afterwards, and the log is empty.
    fn checkpoint(&mut self) -> Result<(), StoreError> {
        for index in self.shared.all() {
            index.commit()?;
        }
        self.log.cut()?;
        memory::give_back();
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

/// Reads a document and indexes it, extending the mapping by what is new in it.
pub(super) fn index_document(index: &Index, source: &[u8]) -> Result<Indexed, EsError> {
    let value: Value = serde_json::from_slice(source)
        .map_err(|error| EsError::mapper_parsing(format!("failed to parse: {error}")))?;
    let map = value
        .as_object()
        .ok_or_else(|| EsError::mapper_parsing("failed to parse: a document must be an object"))?;
    let before = index.mapping();
    let mut mapping = Arc::clone(&before);
    let indexed = Mapping::index(&mut mapping, map)?;
    if !Arc::ptr_eq(&mapping, &before) {
        index.set_mapping(mapping);
    }
    Ok(indexed)
}

fn write_frame(frame: &Frame, source: &[u8]) -> Vec<u8> {
    let mut bytes = serde_json::to_vec(frame).expect("a frame is plain data");
    bytes.push(b'\n');
    bytes.extend_from_slice(source);
    bytes
}

fn read_frame(payload: &[u8]) -> Option<(Frame, Vec<u8>)> {
    let end = payload.iter().position(|byte| *byte == b'\n')?;
    let frame = serde_json::from_slice(payload.get(..end)?).ok()?;
    Some((frame, payload.get(end + 1..)?.to_vec()))
}
