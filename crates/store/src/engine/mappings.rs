//! Mappings that indices have in common: those of a month of daily indices are mostly the same, and larger than the rest of them.

use std::sync::{Arc, Mutex, Weak};

use super::index::lock;
use crate::mapping::Mapping;

#[derive(Debug, Default)]
pub(crate) struct Mappings(Mutex<Vec<Weak<Mapping>>>);

impl Mappings {
    /// The same mapping as another index has it, if one does.
    pub(crate) fn shared(&self, mapping: Arc<Mapping>) -> Arc<Mapping> {
        let mut known = lock(&self.0);
        known.retain(|own| own.strong_count() > 0);
        let same = known.iter().filter_map(Weak::upgrade);
        if let Some(same) = same.into_iter().find(|own| **own == *mapping) {
            return same;
        }
        known.push(Arc::downgrade(&mapping));
        mapping
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::mapping::FieldLimit;

    #[test]
    fn what_is_the_same_is_kept_once() {
        let mappings = Mappings::default();
        let parsed = |kind: &str| {
            let body = json!({"properties": {"a": {"type": kind}}});
            Arc::new(Mapping::parse(&body, FieldLimit::default()).unwrap())
        };
        let first = mappings.shared(parsed("keyword"));
        assert!(Arc::ptr_eq(&first, &mappings.shared(parsed("keyword"))));
        assert!(!Arc::ptr_eq(&first, &mappings.shared(parsed("long"))));
        drop(first);
        let again = mappings.shared(parsed("keyword"));
        assert!(Arc::ptr_eq(&again, &mappings.shared(parsed("keyword"))));
    }
}
