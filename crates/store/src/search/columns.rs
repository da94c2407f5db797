//! Reading values of a field in one segment, whatever types its column holds.

use tantivy::{
    DocId, SegmentReader,
    columnar::{Column, DynamicColumn, StrColumn},
};

/// A value of a document.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum FieldValue {
    Whole(i64),
    Decimal(f64),
    Text(String),
}

impl FieldValue {
    pub(crate) fn as_f64(&self) -> Option<f64> {
        match self {
            FieldValue::Whole(number) => Some(*number as f64),
            FieldValue::Decimal(number) => Some(*number),
            FieldValue::Text(_) => None,
        }
    }
}

/// The columns of one field in one segment; a field that the segment does not have has none.
#[derive(Clone, Default)]
pub(crate) struct FieldColumns {
    whole: Option<Column<i64>>,
    unsigned: Option<Column<u64>>,
    decimal: Option<Column<f64>>,
    pub(crate) text: Option<StrColumn>,
}

impl FieldColumns {
    pub(crate) fn open(segment: &SegmentReader, path: &str) -> tantivy::Result<Self> {
        let mut columns = Self::default();
        for handle in segment
            .fast_fields()
            .dynamic_column_handles(&format!("exact.{path}"))?
        {
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
        if let Some(column) = &self.whole {
            column
                .values_for_doc(doc)
                .for_each(|number| each(FieldValue::Whole(number)));
        }
        if let Some(column) = &self.unsigned {
            column.values_for_doc(doc).for_each(|number| {
                each(
                    i64::try_from(number)
                        .map_or(FieldValue::Decimal(number as f64), FieldValue::Whole),
                )
            });
        }
        if let Some(column) = &self.decimal {
            column
                .values_for_doc(doc)
                .for_each(|number| each(FieldValue::Decimal(number)));
        }
    }

    /// The numbers of a document as floats.
    pub(crate) fn floats(&self, doc: DocId, mut each: impl FnMut(f64)) {
        self.numbers(doc, |value| {
            if let Some(number) = value.as_f64() {
                each(number);
            }
        });
    }

    /// The term ordinals of a document; ordered as the texts are.
    pub(crate) fn ordinals(&self, doc: DocId, mut each: impl FnMut(u64)) {
        if let Some(column) = &self.text {
            column.ords().values_for_doc(doc).for_each(&mut each);
        }
    }

    pub(crate) fn resolve(&self, ordinal: u64) -> String {
        let mut text = String::new();
        if let Some(column) = &self.text
            && let Err(error) = column.ord_to_str(ordinal, &mut text)
        {
            tracing::error!(%error, ordinal, "a term cannot be read");
        }
        text
    }

    /// Whether the field's columns may hold something in this segment.
    pub(crate) fn has_text(&self) -> bool {
        self.text.is_some()
    }
}
