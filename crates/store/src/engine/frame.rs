//! What a frame of the log says: which write it is, and the document.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::{index::Index, pending::Pending};

/// A frame's first line; the document follows.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Frame<'a> {
    pub(super) name: Cow<'a, str>,
    pub(super) uuid: Cow<'a, str>,
    pub(super) id: Cow<'a, str>,
    pub(super) sequence: u64,
    pub(super) version: u64,
    pub(super) delete: bool,
}

impl<'a> Frame<'a> {
    pub(super) fn of(index: &'a Index, id: &'a str, pending: &Pending) -> Self {
        Self {
            name: index.name.as_str().into(),
            uuid: index.uuid.as_str().into(),
            id: id.into(),
            sequence: pending.sequence,
            version: pending.version,
            delete: pending.source.is_none(),
        }
    }
}

pub(super) fn write_frame(frame: &Frame<'_>, source: &[u8], bytes: &mut Vec<u8>) {
    serde_json::to_writer(&mut *bytes, frame).expect("a frame is plain data");
    bytes.push(b'\n');
    bytes.extend_from_slice(source);
}

pub(super) fn read_frame(payload: &[u8]) -> Option<(Frame<'static>, Vec<u8>)> {
    let end = payload.iter().position(|byte| *byte == b'\n')?;
    let frame = serde_json::from_slice(payload.get(..end)?).ok()?;
    Some((frame, payload.get(end + 1..)?.to_vec()))
}
