//! Sends a run directory's documents and attachments to a store and remembers how far it got.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::{Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use bytes::Bytes;
use canarytrace_es::{Client, ClientError, EsError};
use canarytrace_model::record::Delivered;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use tracing::warn;

use crate::{
    attachments::{AttachmentError, AttachmentStore, content_type},
    directory::{ATTACHMENTS, DOCUMENTS, EvidenceError, replace},
};

/// One bulk request holds at most this.
const BATCH_BYTES: usize = 4 << 20;
const BATCH_DOCUMENTS: usize = 1000;
const STATE: &str = "delivery.json";
const REJECTED: &str = "rejected.ndjson";

#[derive(Debug, Error)]
pub enum DeliveryError {
    #[error(transparent)]
    Store(#[from] ClientError),
    #[error(transparent)]
    Attachment(#[from] AttachmentError),
    #[error(transparent)]
    Evidence(#[from] EvidenceError),
}

impl DeliveryError {
    /// Whether trying again may succeed: a store that is away comes back, one that refuses us does not by itself.
    pub fn is_temporary(&self) -> bool {
        match self {
            DeliveryError::Store(error) => error.is_temporary(),
            DeliveryError::Attachment(error) => error.is_temporary(),
            DeliveryError::Evidence(_) => false,
        }
    }
}

/// Where a run goes.
#[derive(Clone, Debug, Default)]
pub struct Destination {
    /// Takes the documents; the attachments, too, when it is our server and they have no place of their own.
    pub store: Option<Client>,
    pub attachments: Option<AttachmentStore>,
}

impl Destination {
    pub fn is_nowhere(&self) -> bool {
        self.store.is_none() && self.attachments.is_none()
    }
}

/// How far delivery got; kept in `delivery.json`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Progress {
    /// Bytes of `documents.ndjson` that are settled.
    offset: u64,
    acked: u64,
    rejected: u64,
    /// Names of attachments that are stored.
    attachments: BTreeSet<String>,
    /// The store takes no attachments (it is not our server).
    #[serde(default)]
    attachments_refused: bool,
}

/// The delivery of one run directory.
#[derive(Debug)]
pub struct Delivery {
    folder: PathBuf,
    progress: Progress,
    /// Halved when the store says 413.
    batch_bytes: usize,
}

/// One document pair of the file.
struct Pair {
    start: usize,
    end: usize,
}

impl Delivery {
    /// Continues where an earlier delivery of the folder stopped.
    pub fn resume(folder: &Path) -> Self {
        let progress = fs::read(folder.join(STATE))
            .ok()
            .and_then(|text| serde_json::from_slice(&text).ok())
            .unwrap_or_default();
        Self {
            folder: folder.to_owned(),
            progress,
            batch_bytes: BATCH_BYTES,
        }
    }

    /// Sends every complete document that is on disk now. An error means: try again later, nothing is lost.
    pub async fn deliver_documents(&mut self, client: &Client) -> Result<(), DeliveryError> {
        while let Some((text, pairs)) = self.next_batch()? {
            self.send(client, &text, &pairs).await?;
        }
        Ok(())
    }

    /// Complete pairs that are not settled yet.
    fn pending(&self) -> Result<u64, EvidenceError> {
        let mut pending = 0;
        let mut ahead = Self {
            folder: self.folder.clone(),
            progress: self.progress.clone(),
            batch_bytes: BATCH_BYTES,
        };
        while let Some((text, pairs)) = ahead.next_batch()? {
            pending += pairs.len() as u64;
            ahead.progress.offset += pairs.last().map_or(text.len(), |pair| pair.end) as u64;
        }
        Ok(pending)
    }

    fn next_batch(&self) -> Result<Option<(Bytes, Vec<Pair>)>, EvidenceError> {
        let path = self.folder.join(DOCUMENTS);
        let failed = |source| EvidenceError::Read {
            path: path.clone(),
            source,
        };
        let mut file = File::open(&path).map_err(failed)?;
        file.seek(SeekFrom::Start(self.progress.offset))
            .map_err(failed)?;
        let mut limit = self.batch_bytes;
        loop {
            let mut text = Vec::new();
            Read::by_ref(&mut file)
                .take(limit as u64)
                .read_to_end(&mut text)
                .map_err(failed)?;
            let pairs = pairs(&text);
            if let Some(last) = pairs.last() {
                text.truncate(last.end);
                return Ok(Some((Bytes::from(text), pairs)));
            }
            if text.len() < limit {
                return Ok(None);
            }
            // A single document is larger than a batch: it goes alone.
            limit *= 2;
            file.seek(SeekFrom::Start(self.progress.offset))
                .map_err(failed)?;
        }
    }

    async fn send(
        &mut self,
        client: &Client,
        text: &Bytes,
        pairs: &[Pair],
    ) -> Result<(), DeliveryError> {
        match client.bulk_ndjson(text.clone()).await {
            Ok(results) => self.settle(text, pairs, &results),
            Err(error) if error.status() == Some(413) && pairs.len() > 1 => {
                self.batch_bytes = (text.len() / 2).max(1024);
                Ok(())
            }
            Err(error) if error.status() == Some(413) => {
                let refused = vec![(
                    413,
                    Some(EsError::new(413, "content_too_long", error.to_string())),
                )];
                self.settle(text, pairs, &refused)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Counts what the store said of each item, in order, up to the first one that has to be sent again.
    fn settle(
        &mut self,
        text: &Bytes,
        pairs: &[Pair],
        results: &[(u16, Option<EsError>)],
    ) -> Result<(), DeliveryError> {
        let mut settled = 0;
        let mut postponed = None;
        for (pair, (status, error)) in pairs.iter().zip(results) {
            match status {
                200..=299 | 409 => self.progress.acked += 1,
                429 | 500..=599 => {
                    postponed =
                        Some(error.clone().unwrap_or_else(|| {
                            EsError::new(*status, "item_postponed", "try again")
                        }));
                    break;
                }
                _ => {
                    self.reject(text.slice(pair.start..pair.end), *status, error.as_ref())?;
                    self.progress.rejected += 1;
                }
            }
            settled = pair.end;
        }
        self.progress.offset += settled as u64;
        self.save()?;
        match postponed {
            Some(error) => Err(ClientError::Answer {
                url: "bulk item".to_owned(),
                status: error.status,
                error,
            }
            .into()),
            None => Ok(()),
        }
    }

    /// A document that the store will never take is kept with the reason.
    fn reject(
        &self,
        pair: Bytes,
        status: u16,
        error: Option<&EsError>,
    ) -> Result<(), EvidenceError> {
        let path = self.folder.join(REJECTED);
        let reason = serde_json::json!({"status": status, "error": error.map(EsError::cause)});
        warn!(status, reason = %reason, "the store refused a document; it is kept in rejected.ndjson");
        let mut file = File::options()
            .create(true)
            .append(true)
            .open(&path)
            .map_err(|source| EvidenceError::Write {
                path: path.clone(),
                source,
            })?;
        let line = [reason.to_string().as_bytes(), b"\n", &pair].concat();
        file.write_all(&line)
            .map_err(|source| EvidenceError::Write { path, source })
    }

    /// Sends all that is on disk and not settled yet. An error means: try again later, nothing is lost.
    pub async fn deliver(
        &mut self,
        destination: &Destination,
        uuid: &str,
    ) -> Result<(), DeliveryError> {
        if let Some(client) = &destination.store {
            self.deliver_documents(client).await?;
        }
        for name in self.waiting_attachments() {
            let path = self.folder.join(ATTACHMENTS).join(&name);
            let content = fs::read(&path).map_err(|source| EvidenceError::Read { path, source })?;
            if self.put(destination, uuid, &name, content.into()).await? {
                self.progress.attachments.insert(name);
            } else {
                self.progress.attachments_refused = true;
            }
            self.save()?;
            if self.progress.attachments_refused {
                break;
            }
        }
        Ok(())
    }

    /// False when nobody takes attachments: the store is not our server.
    async fn put(
        &self,
        destination: &Destination,
        uuid: &str,
        name: &str,
        content: Bytes,
    ) -> Result<bool, DeliveryError> {
        if let Some(attachments) = &destination.attachments {
            attachments.put(uuid, name, content).await?;
            return Ok(true);
        }
        let Some(client) = &destination.store else {
            return Ok(false);
        };
        let path = format!("{uuid}/{name}");
        match client
            .put_attachment(&path, content_type(name), content)
            .await
        {
            Ok(()) => Ok(true),
            Err(error) if error.is_temporary() => Err(error.into()),
            Err(_) => Ok(false),
        }
    }

    /// Names of attachments that are on disk only.
    pub fn waiting_attachments(&self) -> Vec<String> {
        if self.progress.attachments_refused {
            return Vec::new();
        }
        let mut names: Vec<String> = fs::read_dir(self.folder.join(ATTACHMENTS))
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|entry| entry.file_name().into_string().ok())
            .filter(|name| !self.progress.attachments.contains(name))
            .collect();
        names.sort();
        names
    }

    /// What of the run is where.
    pub fn state(&self) -> Delivered {
        Delivered {
            acked: self.progress.acked,
            rejected: self.progress.rejected,
            // A file that cannot be read has something left.
            pending: self.pending().unwrap_or(1),
            pending_attachments: self.waiting_attachments().len() as u64,
        }
    }

    fn save(&self) -> Result<(), EvidenceError> {
        let path = self.folder.join(STATE);
        let text = serde_json::to_vec(&self.progress).map_err(|error| EvidenceError::Write {
            path: path.clone(),
            source: error.into(),
        })?;
        replace(&path, &text).map_err(|source| EvidenceError::Write { path, source })
    }
}

/// The complete pairs of lines in `text`, at most one batch.
fn pairs(text: &[u8]) -> Vec<Pair> {
    let mut pairs = Vec::new();
    let mut position = 0;
    let mut lines = text.split_inclusive(|byte| *byte == b'\n');
    while let (Some(action), Some(source)) = (lines.next(), lines.next()) {
        if !source.ends_with(b"\n") || pairs.len() == BATCH_DOCUMENTS {
            break;
        }
        let end = position + action.len() + source.len();
        pairs.push(Pair {
            start: position,
            end,
        });
        position = end;
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_torn_pair_is_not_sent() {
        assert_eq!(pairs(b"{}\n{}\n{}\n{").len(), 1);
        assert_eq!(pairs(b"{}\n{}\n").last().map(|pair| pair.end), Some(6));
        assert!(pairs(b"{}\n").is_empty());
    }
}
