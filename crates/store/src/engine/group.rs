//! Bulk requests that are decided, logged and answered together.
//!
//! Items are taken index by index, those of an index in their order: a document is read, checked and built into the segment
//! in the making at once, while all of that is in the processor's cache. What is built is published with the index's next
//! commit, so it may come before the log; when the log cannot be written it is thrown away.

use std::{collections::HashMap, sync::Arc};

use canarytrace_es::{
    EsError,
    bulk::{BulkItem, BulkItemResult, BulkOperation, WriteResult, Written},
};
use foldhash::fast::RandomState;
use serde_json::json;

use super::{
    Index, Shared,
    document::DocumentReader,
    frame::{Frame, write_frame},
    log::{Durability, Frames, Place},
    pending::{ById, Pending, Source},
};

/// A longer id is refused, as by Elasticsearch.
const MAX_ID_BYTES: usize = 512;

/// A write that was decided and waits for the log.
#[derive(Debug)]
struct Write {
    id: Arc<str>,
    pending: Pending,
    /// The frame ends in so many bytes of the document.
    source_bytes: usize,
}

/// What a group writes to one index.
#[derive(Debug)]
pub(super) struct IndexWrites {
    pub(super) index: Arc<Index>,
    /// In their order, which is that of their frames.
    writes: Vec<Write>,
    /// Where the last of them stands that a document has.
    last: ById<usize>,
    next_sequence: u64,
}

impl IndexWrites {
    fn new(index: Arc<Index>) -> Self {
        Self {
            writes: Vec::new(),
            last: ById::default(),
            next_sequence: index.next_sequence(),
            index,
        }
    }

    /// Takes over what is in the log, there; answers the index, if something is written to it.
    pub(super) fn record(self, places: &mut impl Iterator<Item = Place>) -> Option<Arc<Index>> {
        if self.writes.is_empty() {
            return None;
        }
        let writes = self.writes.into_iter().zip(places);
        self.index.record(writes.map(|(write, place)| {
            let place = place.tail(write.source_bytes);
            (write.id, write.pending.logged(place))
        }));
        Some(self.index)
    }
}

/// What reading and deciding needs from one group to the next.
#[derive(Debug, Default)]
pub(super) struct Desk {
    pub(super) documents: DocumentReader,
    pub(super) frames: Frames,
    generated: u64,
}

/// Decides the items of a group.
pub(super) struct Group<'a> {
    shared: &'a Shared,
    desk: &'a mut Desk,
    indices: Vec<IndexWrites>,
}

impl<'a> Group<'a> {
    pub(super) fn new(shared: &'a Shared, desk: &'a mut Desk) -> Self {
        Self {
            shared,
            desk,
            indices: Vec::new(),
        }
    }

    /// Decides the items of some requests. Answers the results of each, in the order of its items, and what is to be logged, in
    /// the order of the frames.
    pub(super) fn take(
        mut self,
        requests: Vec<Vec<BulkItem>>,
    ) -> (Vec<Vec<BulkItemResult>>, Vec<IndexWrites>) {
        let counts: Vec<usize> = requests.iter().map(Vec::len).collect();
        let mut results: Vec<Option<BulkItemResult>> = Vec::new();
        results.resize_with(counts.iter().sum(), || None);
        for items in by_index(requests.into_iter().flatten()) {
            for (at, item) in items {
                let result = self.item(item);
                if let Some(place) = results.get_mut(at) {
                    *place = Some(result);
                }
            }
        }
        let mut results = results.into_iter().flatten();
        let results = counts
            .into_iter()
            .map(|count| results.by_ref().take(count).collect())
            .collect();
        (results, self.indices)
    }

    fn item(&mut self, mut item: BulkItem) -> BulkItemResult {
        let id = item.id.take().unwrap_or_else(|| self.desk.generate_id());
        let outcome = self.decide(&item, &id);
        let (operation, index) = (item.operation, item.index);
        BulkItemResult {
            operation,
            index,
            id,
            outcome,
        }
    }

    fn decide(&mut self, item: &BulkItem, id: &str) -> Result<Written, EsError> {
        if id.len() > MAX_ID_BYTES {
            return Err(EsError::illegal_argument(format!(
                "id is too long, must be no longer than {MAX_ID_BYTES} bytes but was: {}",
                id.len()
            )));
        }
        self.shared.space.check(&item.index)?;
        let (own, desk) = self.writes_to(item)?;
        let current = match own.last.get(id).and_then(|at| own.writes.get(*at)) {
            Some(write) => Some(write.pending.clone()),
            None => own.index.lookup_new(id)?,
        };
        check_condition(item, id, current.as_ref())?;
        let delete = item.operation == BulkOperation::Delete;
        let indexed = match delete {
            true => None,
            false => Some(desk.documents.read(&own.index, &item.source)?),
        };
        let pending = Pending {
            version: current.as_ref().map_or(1, |pending| pending.version + 1),
            sequence: own.next_sequence,
            source: (!delete).then(|| Source::Here(item.source.clone())),
        };
        own.next_sequence += 1;
        let frame = Frame::of(&own.index, id, &pending);
        desk.frames
            .push(|bytes| write_frame(&frame, &item.source, bytes));
        let id = Arc::<str>::from(id);
        if let Err(error) = own.index.build(&id, &pending, indexed) {
            // It will be in the log: the next commit makes what could not be written again.
            tracing::error!(%error, index = own.index.name, "a segment cannot be written");
        }
        let written = Written {
            result: result(
                delete,
                current.is_some_and(|pending| pending.source.is_some()),
            ),
            version: pending.version,
            seq_no: pending.sequence,
        };
        own.last.insert(Arc::clone(&id), own.writes.len());
        own.writes.push(Write {
            id,
            pending,
            source_bytes: item.source.len(),
        });
        Ok(written)
    }

    /// What is written to an item's index, which is made if need be.
    fn writes_to(&mut self, item: &BulkItem) -> Result<(&mut IndexWrites, &mut Desk), EsError> {
        let last = self.indices.last();
        if last.is_none_or(|last| last.index.name != item.index) {
            let index = match self.shared.index(&item.index) {
                Some(index) => index,
                None if item.operation == BulkOperation::Delete => {
                    return Err(EsError::index_not_found(&item.index));
                }
                None => self.shared.create_index(&item.index, &json!({}))?,
            };
            self.indices.push(IndexWrites::new(index));
        }
        let last = self.indices.last_mut();
        let last = last.ok_or_else(|| EsError::index_not_found(&item.index))?;
        Ok((last, self.desk))
    }
}

impl Desk {
    fn generate_id(&mut self) -> String {
        self.generated += 1;
        let now = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .map_or(0, |since| since.as_nanos() as u64);
        format!("{now:016x}{:08x}", self.generated & 0xffff_ffff)
    }
}

/// When the writes of a group may be answered.
pub(super) fn durability(indices: &[IndexWrites]) -> Durability {
    let waits = |own: &IndexWrites| own.index.durability() == Durability::Request;
    let mut written = indices.iter().filter(|own| !own.writes.is_empty());
    match written.any(waits) {
        true => Durability::Request,
        false => Durability::Async,
    }
}

/// Items by the names of their indices, with their places among all.
fn by_index(items: impl Iterator<Item = BulkItem>) -> Vec<Vec<(usize, BulkItem)>> {
    let mut all: Vec<Vec<(usize, BulkItem)>> = Vec::new();
    let mut places: HashMap<String, usize, RandomState> = HashMap::default();
    for numbered in items.enumerate() {
        let name = &numbered.1.index;
        let place = match places.get(name) {
            Some(place) => *place,
            None => {
                places.insert(name.clone(), all.len());
                all.push(Vec::new());
                all.len() - 1
            }
        };
        if let Some(own) = all.get_mut(place) {
            own.push(numbered);
        }
    }
    all
}

/// Refuses what asks for another state of the document.
fn check_condition(item: &BulkItem, id: &str, current: Option<&Pending>) -> Result<(), EsError> {
    let live = current.filter(|pending| pending.source.is_some());
    if let Some(wanted) = item.if_seq_no
        && live.map(|pending| pending.sequence) != Some(wanted)
    {
        let found = live.map_or_else(
            || "the document does not exist".to_owned(),
            |pending| format!("current has seqNo [{}]", pending.sequence),
        );
        let reason = format!("required seqNo [{wanted}], {found}");
        return Err(EsError::version_conflict(id, &reason));
    }
    if let (BulkOperation::Create, Some(pending)) = (item.operation, live) {
        let version = pending.version;
        let reason = format!("document already exists (current version [{version}])");
        return Err(EsError::version_conflict(id, &reason));
    }
    Ok(())
}

fn result(delete: bool, was_there: bool) -> WriteResult {
    match (delete, was_there) {
        (true, true) => WriteResult::Deleted,
        (true, false) => WriteResult::NotFound,
        (false, true) => WriteResult::Updated,
        (false, false) => WriteResult::Created,
    }
}
