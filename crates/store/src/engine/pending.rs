//! What is written and not published yet.

use std::{collections::HashMap, io, sync::Arc};

use bytes::Bytes;
use foldhash::fast::RandomState;

use super::log::Place;

/// By the ids of documents, which are hashed several times for each of them.
pub(crate) type ById<T> = HashMap<Arc<str>, T, RandomState>;

/// A document that is in the log and not in a committed segment yet.
#[derive(Clone, Debug)]
pub(crate) struct Pending {
    pub(crate) version: u64,
    pub(crate) sequence: u64,
    /// None: deleted.
    pub(crate) source: Option<Source>,
}

impl Pending {
    /// As it is in the log, there.
    pub(super) fn logged(mut self, place: Place) -> Self {
        if let Some(source) = &mut self.source {
            *source = Source::Logged(place);
        }
        self
    }
}

/// A write that is in the log only.
pub(crate) struct Unpublished {
    pub(crate) id: Arc<str>,
    pub(crate) frame: Vec<u8>,
    /// The frame ends in so many bytes of the document.
    pub(crate) source_bytes: usize,
}

/// A document as it was sent.
#[derive(Clone, Debug)]
pub(crate) enum Source {
    Here(Bytes),
    Logged(Place),
}

impl Source {
    pub(crate) fn read(&self) -> io::Result<Bytes> {
        match self {
            Source::Here(bytes) => Ok(bytes.clone()),
            Source::Logged(place) => place.read(),
        }
    }
}
