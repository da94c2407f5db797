//! Reading values of a field in one segment, whatever types its column holds.

use std::{
    ops::Bound,
    sync::{Arc, OnceLock},
};

use tantivy::{
    BitSet, DocId, SegmentReader,
    columnar::{Column, ColumnIndex, DynamicColumn, StrColumn, column_index::Set},
};

use super::value::FieldValue;
use crate::engine::columns::{EXACT, LENGTHS, NUMBERS, column_name};

/// The columns of one field in one segment; a field that the segment does not have has none.
#[derive(Clone, Default)]
pub(crate) struct FieldColumns {
    whole: Option<Column<i64>>,
    unsigned: Option<Column<u64>>,
    decimal: Option<Column<f64>>,
    pub(crate) text: Option<StrColumn>,
    /// All terms of a small dictionary, once one of them was asked for.
    terms: OnceLock<Vec<Arc<str>>>,
}

/// Dictionaries up to so many terms are read as a whole.
const SMALL_DICTIONARY: usize = 1024;

/// So many texts are looked for one after another.
const FEW_TEXTS: usize = 4;

impl FieldColumns {
    pub(crate) fn open(segment: &SegmentReader, path: &str) -> tantivy::Result<Self> {
        let mut columns = Self::default();
        let all = segment.fast_fields();
        let mut handles = all.dynamic_column_handles(&column_name(EXACT, path))?;
        // A field has texts or numbers; to look for its columns takes longer than to open them.
        if handles.is_empty() {
            handles = all.dynamic_column_handles(&column_name(NUMBERS, path))?;
        }
        for handle in handles {
            match handle.open()? {
                DynamicColumn::I64(column) => columns.whole = Some(column),
                DynamicColumn::U64(column) => columns.unsigned = Some(column),
                DynamicColumn::F64(column) => columns.decimal = Some(column),
                DynamicColumn::Str(column) => columns.text = Some(column),
                _ => {}
            }
        }
        Ok(columns)
    }

    /// The numbers of a document, exact.
    pub(crate) fn numbers(&self, doc: DocId, mut each: impl FnMut(FieldValue)) {
        self.numbers_of(&[doc], |_, number| each(number));
    }

    /// Calls with each number of each document; in the order of the documents, as a segment has one column for the numbers of a
    /// field.
    pub(crate) fn numbers_of(&self, docs: &[DocId], mut each: impl FnMut(DocId, FieldValue)) {
        if let Some(column) = &self.whole {
            each_value_of(column, docs, |doc, number| {
                each(doc, FieldValue::Whole(number));
            });
        }
        if let Some(column) = &self.unsigned {
            each_value_of(column, docs, |doc, number| {
                each(doc, FieldValue::of_unsigned(number))
            });
        }
        if let Some(column) = &self.decimal {
            each_value_of(column, docs, |doc, number| {
                each(doc, FieldValue::Decimal(number));
            });
        }
    }

    /// As [`Self::numbers_of`], as floats.
    pub(crate) fn floats_of(&self, docs: &[DocId], mut each: impl FnMut(DocId, f64)) {
        self.numbers_of(docs, |doc, value| {
            if let Some(number) = value.as_f64() {
                each(doc, number);
            }
        });
    }

    /// Calls with each term ordinal of each document; ordered as the documents are, and as the texts.
    pub(crate) fn ordinals_of(&self, docs: &[DocId], each: impl FnMut(DocId, u64)) {
        if let Some(column) = &self.text {
            each_value_of(column.ords(), docs, each);
        }
    }

    /// Whether a document has any value.
    pub(crate) fn has_any(&self, doc: DocId) -> bool {
        let texts = self.text.as_ref().map(|column| &column.ords().index);
        let numbers = [
            self.whole.as_ref().map(|column| &column.index),
            self.unsigned.as_ref().map(|column| &column.index),
            self.decimal.as_ref().map(|column| &column.index),
        ];
        let mut all = numbers.into_iter().chain([texts]).flatten();
        all.any(|index| index.has_value(doc))
    }

    /// The least and the greatest of the numbers, if they are whole ones.
    pub(crate) fn whole_bounds(&self) -> Option<(i64, i64)> {
        let column = self.whole.as_ref()?;
        Some((column.min_value(), column.max_value()))
    }

    /// The documents with a number between bounds.
    pub(crate) fn between(
        &self,
        lower: &Bound<FieldValue>,
        upper: &Bound<FieldValue>,
        found: &mut BitSet,
    ) {
        let mut docs = Vec::new();
        if let (Some(column), Some((from, to))) = (&self.whole, whole_range(lower, upper)) {
            if from <= column.min_value() && column.max_value() <= to {
                present(column, found);
            } else {
                within(column, from, to, &mut docs);
            }
        }
        if let Some(column) = &self.decimal {
            let (from, to) = decimal_range(lower, upper);
            within(column, from, to, &mut docs);
        }
        if let Some(column) = &self.unsigned {
            let all: Vec<DocId> = (0..found.max_value()).collect();
            each_value_of(column, &all, |doc, number| {
                let value = FieldValue::of_unsigned(number);
                if value.is_above(lower) && value.is_below(upper) {
                    found.insert(doc);
                }
            });
        }
        for doc in docs {
            found.insert(doc);
        }
    }

    /// The least whole number of the segment.
    pub(crate) fn least_whole(&self) -> Option<i64> {
        self.whole.as_ref().map(Column::min_value)
    }

    /// The numbers of a document as floats.
    pub(crate) fn floats(&self, doc: DocId, mut each: impl FnMut(f64)) {
        self.floats_of(&[doc], |_, number| each(number));
    }

    /// The term ordinals of a document; ordered as the texts are.
    pub(crate) fn ordinals(&self, doc: DocId, mut each: impl FnMut(u64)) {
        self.ordinals_of(&[doc], |_, ordinal| each(ordinal));
    }

    /// The documents with one of these texts.
    pub(crate) fn one_of(&self, texts: &[String], found: &mut BitSet) -> tantivy::Result<()> {
        let Some(column) = &self.text else {
            return Ok(());
        };
        let mut wanted = Vec::new();
        for text in texts {
            wanted.extend(column.dictionary().term_ord(text)?);
        }
        if wanted.len() <= FEW_TEXTS {
            let mut docs = Vec::new();
            for ordinal in wanted {
                within(column.ords(), ordinal, ordinal, &mut docs);
            }
            for doc in docs {
                found.insert(doc);
            }
            return Ok(());
        }
        let mut accepted = vec![false; column.num_terms()];
        for ordinal in wanted {
            let at = usize::try_from(ordinal).ok();
            if let Some(own) = at.and_then(|at| accepted.get_mut(at)) {
                *own = true;
            }
        }
        self.with_accepted(&accepted, found);
        Ok(())
    }

    /// The documents with a text whose ordinal is accepted.
    pub(crate) fn with_accepted(&self, accepted: &[bool], found: &mut BitSet) {
        if !accepted.contains(&true) {
            return;
        }
        let all: Vec<DocId> = (0..found.max_value()).collect();
        self.ordinals_of(&all, |doc, ordinal| {
            let at = usize::try_from(ordinal).ok();
            if at.and_then(|at| accepted.get(at)) == Some(&true) {
                found.insert(doc);
            }
        });
    }

    /// The texts of ordinals in ascending order.
    pub(crate) fn resolve_all(&self, ordinals: &[u64]) -> Vec<Arc<str>> {
        let Some(column) = &self.text else {
            return Vec::new();
        };
        if column.num_terms() <= SMALL_DICTIONARY {
            return ordinals
                .iter()
                .map(|ordinal| self.resolve(*ordinal))
                .collect();
        }
        let mut texts = Vec::with_capacity(ordinals.len());
        let read = column
            .dictionary()
            .sorted_ords_to_term_cb(ordinals, |term| {
                texts.push(Arc::from(String::from_utf8_lossy(term)));
            });
        if let Err(error) = read {
            tracing::error!(%error, "terms cannot be read");
        }
        texts
    }

    pub(crate) fn resolve(&self, ordinal: u64) -> Arc<str> {
        if let Some(column) = &self.text
            && column.num_terms() <= SMALL_DICTIONARY
        {
            let terms = self.terms.get_or_init(|| all_terms(column));
            let at = usize::try_from(ordinal).ok();
            if let Some(term) = at.and_then(|at| terms.get(at)) {
                return Arc::clone(term);
            }
        }
        let mut text = String::new();
        if let Some(column) = &self.text
            && let Err(error) = column.ord_to_str(ordinal, &mut text)
        {
            tracing::error!(%error, ordinal, "a term cannot be read");
        }
        text.into()
    }

    /// How many different texts the segment has.
    pub(crate) fn texts(&self) -> usize {
        self.text.as_ref().map_or(0, |column| column.num_terms())
    }

    /// Whether the field's columns may hold something in this segment.
    pub(crate) fn has_text(&self) -> bool {
        self.text.is_some()
    }
}

fn all_terms(column: &StrColumn) -> Vec<Arc<str>> {
    let mut terms = Vec::with_capacity(column.num_terms());
    match column.dictionary().stream() {
        Ok(mut stream) => {
            while stream.advance() {
                terms.push(Arc::from(String::from_utf8_lossy(stream.key())));
            }
        }
        Err(error) => tracing::error!(%error, "terms cannot be read"),
    }
    terms
}

/// The documents with a value in a range. tantivy takes one that ends below the smallest value for that value.
fn within<T: PartialOrd + Copy + std::fmt::Debug + Send + Sync + 'static>(
    column: &Column<T>,
    from: T,
    to: T,
    docs: &mut Vec<DocId>,
) {
    if to >= column.min_value() && from <= column.max_value() {
        let all = 0..column.num_docs();
        let mut own = Vec::new();
        column.get_docids_for_value_range(from..=to, all, &mut own);
        docs.append(&mut own);
    }
}

/// Documents whose values are read together: asking a column for one value after another costs more than the values.
const BLOCK: usize = 512;
/// Fewer documents are not worth a block.
const FEW_DOCUMENTS: usize = 4;

/// Calls with each value of each document, in the order of the documents.
fn each_value_of<T: PartialOrd + Copy + std::fmt::Debug + Send + Sync + 'static>(
    column: &Column<T>,
    docs: &[DocId],
    mut each: impl FnMut(DocId, T),
) {
    if docs.len() <= FEW_DOCUMENTS {
        for doc in docs {
            each_value(column, *doc, |value| each(*doc, value));
        }
        return;
    }
    let (mut with_value, mut rows, mut values) = (Vec::new(), Vec::new(), Vec::new());
    for block in docs.chunks(BLOCK) {
        with_value.clear();
        rows.clear();
        column
            .index
            .docids_to_rowids(block, &mut with_value, &mut rows);
        values.resize(rows.len(), column.min_value());
        column.values.get_vals(&rows, &mut values);
        for (doc, value) in with_value.iter().zip(&values) {
            each(*doc, *value);
        }
    }
}

/// Calls with each value of a document; most columns have one for every document.
fn each_value<T: PartialOrd + Copy + std::fmt::Debug + Send + Sync + 'static>(
    column: &Column<T>,
    doc: DocId,
    mut each: impl FnMut(T),
) {
    match &column.index {
        ColumnIndex::Full => each(column.values.get_val(doc)),
        ColumnIndex::Optional(rows) => {
            if let Some(row) = rows.rank_if_exists(doc) {
                each(column.values.get_val(row));
            }
        }
        ColumnIndex::Empty { .. } => {}
        ColumnIndex::Multivalued(_) => column.values_for_doc(doc).for_each(each),
    }
}

/// The documents with any value.
fn present<T: PartialOrd + Copy + std::fmt::Debug + Send + Sync + 'static>(
    column: &Column<T>,
    found: &mut BitSet,
) {
    if matches!(column.index, ColumnIndex::Full) {
        *found = BitSet::with_max_value_and_full(found.max_value());
        return;
    }
    for doc in 0..found.max_value() {
        if column.index.has_value(doc) {
            found.insert(doc);
        }
    }
}

/// The documents that have something at this path.
pub(crate) fn with_value(
    segment: &SegmentReader,
    path: &str,
    found: &mut BitSet,
) -> tantivy::Result<()> {
    for kind in [EXACT, NUMBERS, LENGTHS] {
        let handles = segment
            .fast_fields()
            .dynamic_column_handles(&column_name(kind, path))?;
        for handle in handles {
            match handle.open()? {
                DynamicColumn::I64(column) => present(&column, found),
                DynamicColumn::U64(column) => present(&column, found),
                DynamicColumn::F64(column) => present(&column, found),
                DynamicColumn::Str(column) => present(column.ords(), found),
                _ => {}
            }
        }
    }
    Ok(())
}

/// How many words the texts of a field have.
pub(crate) fn lengths(segment: &SegmentReader, path: &str) -> tantivy::Result<Option<Column<i64>>> {
    segment
        .fast_fields()
        .column_opt(&column_name(LENGTHS, path))
}

/// How many documents have an exact text at a path, and how many texts they have.
pub(crate) fn exact_values(segment: &SegmentReader, path: &str) -> tantivy::Result<(u64, i64)> {
    let Some(column) = segment.fast_fields().str(&column_name(EXACT, path))? else {
        return Ok((0, 0));
    };
    let ordinals = column.ords();
    let documents = (0..segment.max_doc()).filter(|doc| ordinals.index.has_value(*doc));
    Ok((
        documents.count() as u64,
        i64::from(ordinals.values.num_vals()),
    ))
}

/// The whole numbers between two bounds, both included; none if there are none.
fn whole_range(lower: &Bound<FieldValue>, upper: &Bound<FieldValue>) -> Option<(i64, i64)> {
    let from = match lower {
        Bound::Included(FieldValue::Whole(number)) => *number,
        Bound::Excluded(FieldValue::Whole(number)) => number.checked_add(1)?,
        Bound::Included(FieldValue::Decimal(number)) => at_least(number.ceil())?,
        Bound::Excluded(FieldValue::Decimal(number)) => at_least(number.floor() + 1.0)?,
        Bound::Included(FieldValue::Unsigned(_)) | Bound::Excluded(FieldValue::Unsigned(_)) => {
            return None;
        }
        _ => i64::MIN,
    };
    let to = match upper {
        Bound::Included(FieldValue::Whole(number)) => *number,
        Bound::Excluded(FieldValue::Whole(number)) => number.checked_sub(1)?,
        Bound::Included(FieldValue::Decimal(number)) => at_most(number.floor())?,
        Bound::Excluded(FieldValue::Decimal(number)) => at_most(number.ceil() - 1.0)?,
        _ => i64::MAX,
    };
    (from <= to).then_some((from, to))
}

/// 2^63, the first number that is none of 64 bits with a sign.
const BEYOND: f64 = 9_223_372_036_854_775_808.0;

fn at_least(number: f64) -> Option<i64> {
    (number < BEYOND).then_some(number as i64)
}

fn at_most(number: f64) -> Option<i64> {
    (number >= -BEYOND).then_some(number as i64)
}

fn decimal_range(lower: &Bound<FieldValue>, upper: &Bound<FieldValue>) -> (f64, f64) {
    let number = |value: &FieldValue| value.as_f64().unwrap_or(f64::NAN);
    let from = match lower {
        Bound::Included(value) => number(value),
        Bound::Excluded(value) => number(value).next_up(),
        Bound::Unbounded => f64::NEG_INFINITY,
    };
    let to = match upper {
        Bound::Included(value) => number(value),
        Bound::Excluded(value) => number(value).next_down(),
        Bound::Unbounded => f64::INFINITY,
    };
    (from, to)
}
