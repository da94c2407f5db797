//! Which ids an index has published, told quickly and almost exactly: of a new document's id, which nearly every write brings,
//! no segment has to be asked.

use fastbloom::BloomFilter;
use foldhash::quality::RandomState;
use tantivy::{Searcher, schema::Field};

/// Of the ids that were not published, so many are said to be.
const FALSE_POSITIVES: f64 = 0.01;
/// As few ids have room at least.
const MIN_ROOM: usize = 1 << 10;
/// More ids than this make it less exact: 20 MB are taken by so many.
const MAX_ROOM: usize = 1 << 24;

/// The ids of all published documents of one index, and maybe of some that are deleted.
#[derive(Debug)]
pub(super) struct PublishedIds {
    filter: BloomFilter<RandomState>,
    count: usize,
    room: usize,
}

impl PublishedIds {
    /// Reads the ids of all segments; there is room for as many again.
    pub(super) fn read(searcher: &Searcher, id: Field) -> tantivy::Result<Self> {
        let mut dictionaries = Vec::new();
        for segment in searcher.segment_readers() {
            dictionaries.push(segment.inverted_index(id)?);
        }
        let count: usize = dictionaries.iter().map(|ids| ids.terms().num_terms()).sum();
        let room = (count * 2).clamp(MIN_ROOM, MAX_ROOM);
        let mut published = Self {
            filter: BloomFilter::with_false_pos(FALSE_POSITIVES)
                .hasher(RandomState::default())
                .expected_items(room),
            count: 0,
            room,
        };
        for ids in &dictionaries {
            let mut terms = ids.terms().stream()?;
            while terms.advance() {
                published.add(terms.key());
            }
        }
        Ok(published)
    }

    pub(super) fn add(&mut self, id: &[u8]) {
        self.filter.insert(id);
        self.count += 1;
    }

    pub(super) fn may_have(&self, id: &[u8]) -> bool {
        self.filter.contains(id)
    }

    /// It has to be read again to be exact.
    pub(super) fn is_full(&self) -> bool {
        self.count >= self.room && self.room < MAX_ROOM
    }
}
