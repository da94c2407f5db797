//! A value as a column or a request has it, and how two of them compare.

use std::{cmp::Ordering, ops::Bound};

use serde_json::Number;

/// A value of a document.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum FieldValue {
    Whole(i64),
    /// Beyond what a whole number is.
    Unsigned(u64),
    Decimal(f64),
    Text(String),
}

impl FieldValue {
    pub(crate) fn of_unsigned(number: u64) -> Self {
        i64::try_from(number).map_or(FieldValue::Unsigned(number), FieldValue::Whole)
    }

    /// As a column would have a number of a request.
    pub(crate) fn of_number(number: &Number) -> Self {
        match (number.as_i64(), number.as_u64()) {
            (Some(whole), _) => FieldValue::Whole(whole),
            (None, Some(unsigned)) => FieldValue::Unsigned(unsigned),
            (None, None) => FieldValue::Decimal(number.as_f64().unwrap_or(0.0)),
        }
    }

    pub(crate) fn as_f64(&self) -> Option<f64> {
        match self {
            FieldValue::Whole(number) => Some(*number as f64),
            FieldValue::Unsigned(number) => Some(*number as f64),
            FieldValue::Decimal(number) => Some(*number),
            FieldValue::Text(_) => None,
        }
    }
    /// Whole numbers are compared exactly; with a decimal both are floats.
    pub(crate) fn compare(&self, other: &Self) -> Ordering {
        match (self, other) {
            (FieldValue::Whole(a), FieldValue::Whole(b)) => a.cmp(b),
            (FieldValue::Unsigned(a), FieldValue::Unsigned(b)) => a.cmp(b),
            (FieldValue::Whole(_), FieldValue::Unsigned(_)) => Ordering::Less,
            (FieldValue::Unsigned(_), FieldValue::Whole(_)) => Ordering::Greater,
            (FieldValue::Text(a), FieldValue::Text(b)) => a.cmp(b),
            (a, b) => a
                .as_f64()
                .unwrap_or(f64::NAN)
                .total_cmp(&b.as_f64().unwrap_or(f64::NAN)),
        }
    }

    pub(crate) fn is_above(&self, lower: &Bound<Self>) -> bool {
        match lower {
            Bound::Unbounded => true,
            Bound::Included(bound) => self.compare(bound).is_ge(),
            Bound::Excluded(bound) => self.compare(bound).is_gt(),
        }
    }

    pub(crate) fn is_below(&self, upper: &Bound<Self>) -> bool {
        match upper {
            Bound::Unbounded => true,
            Bound::Included(bound) => self.compare(bound).is_le(),
            Bound::Excluded(bound) => self.compare(bound).is_lt(),
        }
    }
}
