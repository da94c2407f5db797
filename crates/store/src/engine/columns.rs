//! How a document lies in tantivy's index.

use tantivy::{
    DocId, IndexSettings, SegmentReader,
    schema::{
        FAST, Field, INDEXED, IndexRecordOption, JsonObjectOptions, STORED, STRING, Schema,
        TextFieldIndexing,
    },
    store::{Compressor, ZstdCompressor},
};

/// The words of a text are made before the index sees it.
pub(crate) const PREPARED: &str = "prepared";
pub(crate) const SEQUENCE: &str = "_seq_no";
pub(crate) const VERSION: &str = "_version";
/// The beginning of the names of columns with keywords and the like, by JSON path. A name is hashed and compared with each
/// value, so these are short.
pub(crate) const EXACT: &str = "e";
/// Of columns with numbers.
pub(crate) const NUMBERS: &str = "n";
/// Of columns that tell how many words a text has, or that something is there that has no other column.
pub(crate) const LENGTHS: &str = "l";
/// Documents are compressed together in blocks of so many bytes.
const BLOCK_BYTES: usize = 32 << 10;
const COMPRESSION_LEVEL: i32 = 1;

/// The columns every index has.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Columns {
    pub(crate) id: Field,
    pub(crate) source: Field,
    pub(super) sequence: Field,
    pub(crate) version: Field,
    /// Exact texts, by JSON path: columns only, as the numbers.
    pub(super) exact: Field,
    /// Numbers, by JSON path: columns only.
    pub(super) numbers: Field,
    /// Analysed texts, by JSON path: terms with positions.
    pub(crate) text: Field,
    pub(super) lengths: Field,
}

pub(crate) fn schema() -> (Schema, Columns) {
    let mut schema = Schema::builder();
    let text = JsonObjectOptions::default().set_indexing_options(
        TextFieldIndexing::default()
            .set_tokenizer(PREPARED)
            .set_fieldnorms(false)
            .set_index_option(IndexRecordOption::WithFreqsAndPositions),
    );
    let column = || JsonObjectOptions::default().set_fast("raw");
    let columns = Columns {
        id: schema.add_text_field("_id", STRING | STORED),
        source: schema.add_bytes_field("_source", STORED),
        sequence: schema.add_u64_field(SEQUENCE, FAST),
        version: schema.add_u64_field(VERSION, FAST | INDEXED),
        exact: schema.add_json_field(EXACT, column()),
        numbers: schema.add_json_field(NUMBERS, column()),
        text: schema.add_json_field("text", text),
        lengths: schema.add_json_field(LENGTHS, column()),
    };
    (schema.build(), columns)
}

/// A path as the name of one member, dots and all, where tantivy takes it apart.
pub(crate) fn member(path: &str) -> String {
    path.replace('\\', r"\\").replace('.', r"\.")
}

/// The name of a column of some kind, by which tantivy finds it.
pub(crate) fn column_name(kind: &str, path: &str) -> String {
    format!("{kind}.{}", member(path))
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
