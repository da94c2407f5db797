//! A document as tantivy takes it, without a copy of its values.

use bytes::Bytes;
use tantivy::schema::{
    Document, Field, Value,
    document::{ReferenceValue, ReferenceValueLeaf},
};

use super::{columns::Columns, index::Pending};
use crate::mapping::{Cell, Indexed, Path};

/// Values with their JSON paths; a path may come more than once.
type Cells = Vec<(Path, Cell)>;

#[derive(Debug)]
pub(crate) struct Row {
    columns: Columns,
    id: String,
    source: Bytes,
    sequence: u64,
    version: u64,
    exact: Cells,
    numbers: Cells,
    texts: Cells,
    lengths: Cells,
}

impl Row {
    pub(crate) fn new(
        columns: Columns,
        id: &str,
        pending: &Pending,
        source: Bytes,
        indexed: Indexed,
    ) -> Self {
        let mut row = Self {
            columns,
            id: id.to_owned(),
            source,
            sequence: pending.sequence,
            version: pending.version,
            exact: Vec::with_capacity(indexed.cells.len()),
            numbers: Vec::with_capacity(indexed.cells.len()),
            texts: Vec::with_capacity(indexed.texts.len()),
            lengths: Vec::with_capacity(indexed.texts.len()),
        };
        for (path, cell) in indexed.cells {
            match &cell {
                Cell::Text(_) => row.exact.push((path, cell)),
                Cell::Whole(_) | Cell::Decimal(_) => row.numbers.push((path, cell)),
            }
        }
        for (path, text, words) in indexed.texts {
            row.add_length(&path, words);
            row.texts.push((path, Cell::Text(text)));
        }
        for path in &indexed.others {
            row.add_length(path, 0);
        }
        row
    }

    /// Holds on to nothing of the request that brought it.
    pub(crate) fn apart(mut self) -> Self {
        self.source = Bytes::copy_from_slice(&self.source);
        self
    }

    pub(crate) fn source_bytes(&self) -> usize {
        self.source.len()
    }

    fn add_length(&mut self, path: &Path, words: i64) {
        let own = self.lengths.iter_mut().find(|(other, _)| other == path);
        match own {
            Some((_, Cell::Whole(length))) => *length += words,
            _ => self.lengths.push((Path::clone(path), Cell::Whole(words))),
        }
    }
}

/// A value of a row.
#[derive(Clone, Debug)]
pub(crate) enum Part<'a> {
    Text(&'a str),
    Bytes(&'a [u8]),
    Number(u64),
    Cell(&'a Cell),
    Cells(&'a [(Path, Cell)]),
}

impl<'a> Value<'a> for Part<'a> {
    type ArrayIter = std::iter::Empty<Self>;
    type ObjectIter = Parts<'a>;

    fn as_value(&self) -> ReferenceValue<'a, Self> {
        ReferenceValue::Leaf(match self {
            Part::Text(text) => ReferenceValueLeaf::Str(text),
            Part::Bytes(bytes) => ReferenceValueLeaf::Bytes(bytes),
            Part::Number(number) => ReferenceValueLeaf::U64(*number),
            Part::Cell(Cell::Text(text)) => ReferenceValueLeaf::Str(text),
            Part::Cell(Cell::Whole(number)) => ReferenceValueLeaf::I64(*number),
            Part::Cell(Cell::Decimal(number)) => ReferenceValueLeaf::F64(*number),
            Part::Cells(cells) => return ReferenceValue::Object(Parts(cells.iter())),
        })
    }
}

pub(crate) struct Parts<'a>(std::slice::Iter<'a, (Path, Cell)>);

impl<'a> Iterator for Parts<'a> {
    type Item = (&'a str, Part<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        self.0
            .next()
            .map(|(path, cell)| (&**path, Part::Cell(cell)))
    }
}

impl Document for Row {
    type Value<'a> = Part<'a>;
    type FieldsValuesIter<'a> = std::array::IntoIter<(Field, Part<'a>), 8>;

    fn iter_fields_and_values(&self) -> Self::FieldsValuesIter<'_> {
        let columns = &self.columns;
        [
            (columns.id, Part::Text(&self.id)),
            (columns.source, Part::Bytes(&self.source)),
            (columns.sequence, Part::Number(self.sequence)),
            (columns.version, Part::Number(self.version)),
            (columns.exact, Part::Cells(&self.exact)),
            (columns.numbers, Part::Cells(&self.numbers)),
            (columns.text, Part::Cells(&self.texts)),
            (columns.lengths, Part::Cells(&self.lengths)),
        ]
        .into_iter()
    }
}
