//! A document as tantivy takes it, without a copy of its values.

use std::sync::Arc;

use bytes::Bytes;
use tantivy::schema::{
    Document, Field, Value,
    document::{ReferenceValue, ReferenceValueLeaf},
};

use super::{columns::Columns, pending::Pending};
use crate::mapping::{Cell, Indexed, Path};

#[derive(Debug)]
pub(crate) struct Row {
    columns: Columns,
    id: Arc<str>,
    source: Bytes,
    sequence: u64,
    version: u64,
    indexed: Arc<Indexed>,
}

impl Row {
    pub(crate) fn new(
        columns: Columns,
        id: &Arc<str>,
        pending: &Pending,
        source: Bytes,
        indexed: Arc<Indexed>,
    ) -> Self {
        Self {
            columns,
            id: Arc::clone(id),
            source,
            sequence: pending.sequence,
            version: pending.version,
            indexed,
        }
    }

    /// Holds on to nothing of the request that brought it.
    pub(crate) fn apart(mut self) -> Self {
        self.source = Bytes::copy_from_slice(&self.source);
        self
    }

    pub(crate) fn source_bytes(&self) -> usize {
        self.source.len()
    }
}

/// A value of a row.
#[derive(Clone, Debug)]
pub(crate) enum Part<'a> {
    Text(&'a str),
    Bytes(&'a [u8]),
    Number(u64),
    Cell(Cell, &'a Indexed),
    Cells(&'a [(Path, Cell)], &'a Indexed),
}

impl<'a> Value<'a> for Part<'a> {
    type ArrayIter = std::iter::Empty<Self>;
    type ObjectIter = Parts<'a>;

    fn as_value(&self) -> ReferenceValue<'a, Self> {
        ReferenceValue::Leaf(match self {
            Part::Text(text) => ReferenceValueLeaf::Str(text),
            Part::Bytes(bytes) => ReferenceValueLeaf::Bytes(bytes),
            Part::Number(number) => ReferenceValueLeaf::U64(*number),
            Part::Cell(Cell::Whole(number), _) => ReferenceValueLeaf::I64(*number),
            Part::Cell(Cell::Unsigned(number), _) => ReferenceValueLeaf::U64(*number),
            Part::Cell(Cell::Decimal(number), _) => ReferenceValueLeaf::F64(*number),
            Part::Cell(text, indexed) => ReferenceValueLeaf::Str(indexed.text(*text)),
            Part::Cells(cells, indexed) => {
                return ReferenceValue::Object(Parts(cells.iter(), indexed));
            }
        })
    }
}

pub(crate) struct Parts<'a>(std::slice::Iter<'a, (Path, Cell)>, &'a Indexed);

impl<'a> Iterator for Parts<'a> {
    type Item = (&'a str, Part<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        self.0
            .next()
            .map(|(path, cell)| (&**path, Part::Cell(*cell, self.1)))
    }
}

impl Document for Row {
    type Value<'a> = Part<'a>;
    type FieldsValuesIter<'a> = std::array::IntoIter<(Field, Part<'a>), 8>;

    fn iter_fields_and_values(&self) -> Self::FieldsValuesIter<'_> {
        let (columns, indexed) = (&self.columns, &*self.indexed);
        [
            (columns.id, Part::Text(&self.id)),
            (columns.source, Part::Bytes(&self.source)),
            (columns.sequence, Part::Number(self.sequence)),
            (columns.version, Part::Number(self.version)),
            (columns.exact, Part::Cells(&indexed.exact, indexed)),
            (columns.numbers, Part::Cells(&indexed.numbers, indexed)),
            (columns.text, Part::Cells(&indexed.words, indexed)),
            (columns.lengths, Part::Cells(&indexed.lengths, indexed)),
        ]
        .into_iter()
    }
}
