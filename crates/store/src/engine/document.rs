//! Reading documents into what an index takes.

use std::sync::Arc;

use canarytrace_es::EsError;
use serde_json::Value;

use super::Index;
use crate::mapping::{Indexed, Mapping};

/// Reads one document after another, into the same memory unless somebody still has what was read before.
#[derive(Debug, Default)]
pub(super) struct DocumentReader(Arc<Indexed>);

impl DocumentReader {
    /// Reads a document for an index, whose mapping is extended by what is new in it.
    pub(super) fn read(&mut self, index: &Index, source: &[u8]) -> Result<Arc<Indexed>, EsError> {
        if Arc::get_mut(&mut self.0).is_none() {
            self.0 = Arc::default();
        }
        let before = index.mapping();
        let is_read = Arc::get_mut(&mut self.0).is_some_and(|own| before.read(source, own));
        if !is_read {
            self.0 = Arc::new(read_tree(index, before, source)?);
        }
        Ok(Arc::clone(&self.0))
    }
}

fn read_tree(index: &Index, before: Arc<Mapping>, source: &[u8]) -> Result<Indexed, EsError> {
    let value: Value = serde_json::from_slice(source)
        .map_err(|error| EsError::mapper_parsing(format!("failed to parse: {error}")))?;
    let map = value
        .as_object()
        .ok_or_else(|| EsError::mapper_parsing("failed to parse: a document must be an object"))?;
    let mut mapping = Arc::clone(&before);
    let indexed = Mapping::index(&mut mapping, map)?;
    if !Arc::ptr_eq(&mapping, &before) {
        index.set_mapping(mapping);
    }
    Ok(indexed)
}
