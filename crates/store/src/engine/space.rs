//! Room on the disk: before there is none left, writes are refused, as Elasticsearch does beyond its flood stage.

use std::{
    io,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
};

use canarytrace_es::EsError;

/// What is logged must still fit into segments.
const RESERVE: u64 = 256 << 20;
/// Of a small disk only this part is held back.
const RESERVED_PART: u64 = 20;

#[derive(Debug)]
pub(crate) struct Space {
    folder: PathBuf,
    is_full: AtomicBool,
}

impl Space {
    pub(crate) fn of(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            is_full: AtomicBool::new(false),
        }
    }

    /// Looks at the disk; writes go on when a half more than the reserve is free again.
    pub(crate) fn look(&self) {
        let Ok((all, free)) = disk(&self.folder) else {
            return;
        };
        let reserve = RESERVE.min(all / RESERVED_PART);
        let was_full = self.is_full.load(Ordering::SeqCst);
        let is_full = free
            < if was_full {
                reserve + reserve / 2
            } else {
                reserve
            };
        self.is_full.store(is_full, Ordering::SeqCst);
        match (was_full, is_full) {
            (false, true) => tracing::error!(
                folder = %self.folder.display(), free, reserve,
                "the disk is full: the store only reads until there is room"
            ),
            (true, false) => tracing::info!(free, "there is room again: the store takes writes"),
            _ => {}
        }
    }

    /// The disk said so itself.
    pub(crate) fn is_used_up(&self) {
        self.is_full.store(true, Ordering::SeqCst);
    }

    /// Refuses a write to an index while there is no room.
    pub(crate) fn check(&self, index: &str) -> Result<(), EsError> {
        if !self.is_full.load(Ordering::SeqCst) {
            return Ok(());
        }
        Err(EsError::new(
            429,
            "cluster_block_exception",
            format!(
                "index [{index}] blocked by: [TOO_MANY_REQUESTS/12/disk usage exceeded flood-stage watermark, index has read-only-allow-delete block];"
            ),
        ))
    }
}

/// Bytes of the disk that a folder is on, and those that are free for us.
pub(super) fn disk(folder: &Path) -> io::Result<(u64, u64)> {
    let disk = rustix::fs::statvfs(folder)?;
    Ok((disk.f_blocks * disk.f_frsize, disk.f_bavail * disk.f_frsize))
}
