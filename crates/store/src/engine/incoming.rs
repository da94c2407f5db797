//! What was written to an index and is not in its published segments yet.
//!
//! Documents go into a segment that is built in the writing thread: an index at rest has neither a buffer nor a thread.

use std::collections::HashMap;

use tantivy::{
    Index as TantivyIndex, IndexWriter, Segment, SegmentMeta, Term,
    indexer::{AddOperation, SegmentWriter},
    query::{BooleanQuery, Occur, Query, TermQuery},
    schema::IndexRecordOption,
};

use super::{StoreError, columns::Columns, row::Row};

/// How a term table begins; it grows.
const FIRST_MEMORY: usize = 1 << 20;
/// A segment that has become so large is written, though nobody sees it yet.
const SEGMENT_BYTES: usize = 48 << 20;

/// Fewer bytes of documents are held as they are: a segment in the making counts ten megabytes and has seven files from its
/// first. A dozen indices that are filled together would have no room for much else, and end in segments of some hundred documents.
const HELD_BYTES: usize = 1 << 20;
/// What a held document takes, in its size as it was sent.
const ROW_SIZE: usize = 4;

/// Segments in the making, and older versions that go when they are published.
#[derive(Default)]
pub(crate) struct Incoming {
    open: Option<(Segment, SegmentWriter)>,
    finished: Vec<SegmentMeta>,
    /// By id: the version that stays; none of a deleted document.
    replaced: HashMap<String, Option<u64>>,
    /// Documents of which no segment is made yet.
    held: Vec<Row>,
    held_bytes: usize,
    source_bytes: usize,
    /// Ids of which everything that was published before goes.
    cleared: Vec<String>,
}

impl Incoming {
    /// Only this version of the document stays; none: nothing of it.
    pub(crate) fn replace(&mut self, id: &str, version: Option<u64>) {
        self.replaced.insert(id.to_owned(), version);
    }

    /// Whatever an interrupted commit has published of the document goes.
    pub(crate) fn clear(&mut self, id: &str) {
        self.cleared.push(id.to_owned());
    }

    pub(crate) fn add(&mut self, index: &TantivyIndex, document: Row) -> Result<(), StoreError> {
        self.source_bytes += document.source_bytes();
        if self.open.is_some() {
            return self.build(index, document);
        }
        self.held_bytes += document.source_bytes();
        self.held.push(document.apart());
        if self.held_bytes > HELD_BYTES {
            self.build_held(index)?;
        }
        Ok(())
    }

    fn build_held(&mut self, index: &TantivyIndex) -> Result<(), StoreError> {
        self.held_bytes = 0;
        for document in std::mem::take(&mut self.held) {
            self.build(index, document)?;
        }
        Ok(())
    }

    fn build(&mut self, index: &TantivyIndex, document: Row) -> Result<(), StoreError> {
        let (_, writer) = match &mut self.open {
            Some(open) => open,
            empty => {
                let segment = index.new_segment();
                let writer = SegmentWriter::for_segment(FIRST_MEMORY, segment.clone())?;
                empty.insert((segment, writer))
            }
        };
        let opstamp = u64::from(writer.max_doc());
        writer.add_document(AddOperation { opstamp, document })?;
        if writer.mem_usage() > SEGMENT_BYTES {
            self.finish()?;
        }
        Ok(())
    }

    /// Bytes of the documents that were added, as they were sent.
    pub(crate) fn source_bytes(&self) -> usize {
        self.source_bytes
    }

    /// Bytes that documents and the segment in the making take.
    pub(crate) fn memory(&self) -> usize {
        let open = self.open.as_ref();
        self.held_bytes * ROW_SIZE + open.map_or(0, |(_, writer)| writer.mem_usage())
    }

    /// Writes the segment in the making. After an error its documents are gone from here.
    fn finish(&mut self) -> Result<(), StoreError> {
        if let Some((segment, writer)) = self.open.take() {
            let documents = writer.max_doc();
            writer.finalize()?;
            self.finished
                .push(segment.with_max_doc(documents).meta().clone());
        }
        Ok(())
    }

    /// Deletes what was to be cleared, and answers whether there was something: that has to be committed before anything is added.
    pub(crate) fn hand_over_cleared(&mut self, writer: &IndexWriter, columns: Columns) -> bool {
        for id in &self.cleared {
            writer.delete_term(Term::from_field_text(columns.id, id));
        }
        !std::mem::take(&mut self.cleared).is_empty()
    }

    /// Hands everything to a writer, which publishes it with its next commit.
    pub(crate) fn hand_over(
        &mut self,
        index: &TantivyIndex,
        writer: &IndexWriter,
        columns: Columns,
    ) -> Result<(), StoreError> {
        self.build_held(index)?;
        self.finish()?;
        for segment in &self.finished {
            writer.add_segment(segment.clone())?;
        }
        for (id, version) in &self.replaced {
            let by_id = Term::from_field_text(columns.id, id);
            match version {
                None => drop(writer.delete_term(by_id)),
                Some(version) => {
                    let exact = |term| -> Box<dyn Query> {
                        Box::new(TermQuery::new(term, IndexRecordOption::Basic))
                    };
                    let kept = Term::from_field_u64(columns.version, *version);
                    let others = BooleanQuery::new(vec![
                        (Occur::Must, exact(by_id)),
                        (Occur::MustNot, exact(kept)),
                    ]);
                    writer.delete_query(Box::new(others))?;
                }
            }
        }
        Ok(())
    }
}
