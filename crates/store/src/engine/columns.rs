//! How a document lies in tantivy's index.

use std::collections::BTreeMap;

use bytes::Bytes;
use tantivy::{
    DocId, IndexSettings, SegmentReader, TantivyDocument,
    schema::{
        FAST, Field, INDEXED, IndexRecordOption, JsonObjectOptions, OwnedValue, STORED, STRING,
        Schema, TextFieldIndexing,
    },
    store::{Compressor, ZstdCompressor},
    tokenizer::TextAnalyzer,
};

use super::index::{Pending, STANDARD};
use crate::mapping::{Cell, Indexed};

pub(crate) const SEQUENCE: &str = "_seq_no";
pub(crate) const VERSION: &str = "_version";
/// The beginning of the names of columns with keywords and the like, by JSON path.
pub(crate) const EXACT: &str = "exact";
/// Of columns with numbers.
pub(crate) const NUMBERS: &str = "numbers";
/// Of columns that tell how many words a text has, or that something is there that has no other column.
pub(crate) const LENGTHS: &str = "lengths";
/// Documents are compressed together in blocks of so many bytes.
const BLOCK_BYTES: usize = 32 << 10;
const COMPRESSION_LEVEL: i32 = 1;

/// The columns every index has.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Columns {
    pub(crate) id: Field,
    pub(crate) source: Field,
    sequence: Field,
    pub(crate) version: Field,
    /// Exact texts, by JSON path: terms and columns.
    pub(crate) exact: Field,
    /// Numbers, by JSON path: columns only.
    numbers: Field,
    /// Analysed texts, by JSON path: terms with positions.
    pub(crate) text: Field,
    lengths: Field,
}

pub(crate) fn schema() -> (Schema, Columns) {
    let mut schema = Schema::builder();
    let exact = JsonObjectOptions::default()
        .set_indexing_options(
            TextFieldIndexing::default()
                .set_tokenizer("raw")
                .set_fieldnorms(false)
                .set_index_option(IndexRecordOption::Basic),
        )
        .set_fast("raw")
        .set_expand_dots_enabled();
    let text = JsonObjectOptions::default()
        .set_indexing_options(
            TextFieldIndexing::default()
                .set_tokenizer(STANDARD)
                .set_fieldnorms(false)
                .set_index_option(IndexRecordOption::WithFreqsAndPositions),
        )
        .set_expand_dots_enabled();
    let column = || {
        JsonObjectOptions::default()
            .set_fast("raw")
            .set_expand_dots_enabled()
    };
    let columns = Columns {
        id: schema.add_text_field("_id", STRING | STORED),
        source: schema.add_bytes_field("_source", STORED),
        sequence: schema.add_u64_field(SEQUENCE, FAST),
        version: schema.add_u64_field(VERSION, FAST | INDEXED),
        exact: schema.add_json_field(EXACT, exact),
        numbers: schema.add_json_field(NUMBERS, column()),
        text: schema.add_json_field("text", text),
        lengths: schema.add_json_field(LENGTHS, column()),
    };
    (schema.build(), columns)
}

/// Documents are compressed where they are written: a thread for each index would be hundreds.
pub(crate) fn layout() -> IndexSettings {
    IndexSettings {
        docstore_compress_dedicated_thread: false,
        docstore_blocksize: BLOCK_BYTES,
        docstore_compression: Compressor::Zstd(ZstdCompressor {
            compression_level: Some(COMPRESSION_LEVEL),
        }),
        ..IndexSettings::default()
    }
}

/// The sequence number and the version of a document.
pub(crate) fn numbers(segment: &SegmentReader, doc: DocId) -> tantivy::Result<(u64, u64)> {
    let columns = segment.fast_fields();
    let of = |name| Ok::<_, tantivy::TantivyError>(columns.u64(name)?.first(doc).unwrap_or(0));
    Ok((of(SEQUENCE)?, of(VERSION)?))
}

impl Columns {
    pub(crate) fn document(
        &self,
        id: &str,
        source: &Bytes,
        pending: &Pending,
        indexed: Indexed,
        analyzer: &mut TextAnalyzer,
    ) -> TantivyDocument {
        let mut document = TantivyDocument::default();
        document.add_text(self.id, id);
        document.add_bytes(self.source, source);
        document.add_u64(self.sequence, pending.sequence);
        document.add_u64(self.version, pending.version);
        let (mut exact, mut numbers, mut texts, mut lengths) = <[Tree; 4]>::default().into();
        for name in indexed.names {
            let words = indexed.texts.get(&name).map(|texts| {
                let of = |text: &String| words(analyzer, text);
                texts.iter().map(of).sum::<i64>()
            });
            if words.is_some() || !indexed.cells.contains_key(&name) {
                lengths.insert(name, OwnedValue::I64(words.unwrap_or(0)));
            }
        }
        for (path, cells) in indexed.cells {
            let (own, others): (Vec<Cell>, Vec<Cell>) = cells
                .into_iter()
                .partition(|cell| matches!(cell, Cell::Text(_)));
            put(&mut exact, &path, own);
            put(&mut numbers, &path, others);
        }
        for (path, values) in indexed.texts {
            put(
                &mut texts,
                &path,
                values.into_iter().map(Cell::Text).collect(),
            );
        }
        for (field, tree) in [
            (self.exact, exact),
            (self.numbers, numbers),
            (self.text, texts),
            (self.lengths, lengths),
        ] {
            document.add_object(field, tree);
        }
        document
    }
}

type Tree = BTreeMap<String, OwnedValue>;

fn put(tree: &mut Tree, path: &str, cells: Vec<Cell>) {
    if !cells.is_empty() {
        let values = cells.into_iter().map(owned).collect();
        tree.insert(path.to_owned(), array(values));
    }
}

fn words(analyzer: &mut TextAnalyzer, text: &str) -> i64 {
    let mut stream = analyzer.token_stream(text);
    let mut count = 0;
    while stream.advance() {
        count += 1;
    }
    count
}

fn owned(cell: Cell) -> OwnedValue {
    match cell {
        Cell::Text(text) => OwnedValue::Str(text),
        Cell::Whole(number) => OwnedValue::I64(number),
        Cell::Decimal(number) => OwnedValue::F64(number),
    }
}

fn array(mut values: Vec<OwnedValue>) -> OwnedValue {
    match values.len() {
        1 => values.remove(0),
        _ => OwnedValue::Array(values),
    }
}
