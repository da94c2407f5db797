//! Reading documents into what an index takes.

use std::sync::Arc;

use canarytrace_es::EsError;
use serde_json::Value;

use super::Index;
use crate::mapping::{Indexed, Mapping};

/// Of larger documents the memory is not kept.
const KEPT_BYTES: usize = 256 << 10;

/// Reads one document after another, into the same memory unless somebody still has what was read before.
#[derive(Debug, Default)]
pub(super) struct DocumentReader(Option<Arc<Indexed>>);

impl DocumentReader {
    /// Reads a document for an index, whose mapping is extended by what is new in it.
    pub(super) fn read(&mut self, index: &Index, source: &[u8]) -> Result<Arc<Indexed>, EsError> {
        let mut document = self.0.take().unwrap_or_default();
        if Arc::get_mut(&mut document).is_none() {
            document = Arc::default();
        }
        let before = index.mapping();
        let is_read = Arc::get_mut(&mut document).is_some_and(|own| before.read(source, own));
        if !is_read {
            return Ok(Arc::new(read_tree(index, before, source)?));
        }
        if source.len() <= KEPT_BYTES {
            self.0 = Some(Arc::clone(&document));
        }
        Ok(document)
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
