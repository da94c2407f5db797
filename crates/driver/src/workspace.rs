//! The folder a browser lives in: profile and temporary files, on tmpfs when there is room.

use std::{
    io,
    path::{Path, PathBuf},
};

use tempfile::TempDir;

/// What a fresh profile may need.
const ROOM_BYTES: u64 = 1 << 30;

/// A folder that is removed with everything in it.
#[derive(Debug)]
pub(crate) struct Workspace {
    folder: TempDir,
}

impl Workspace {
    /// `fallback` is where the folder goes when `/dev/shm` has no room.
    pub(crate) fn create(fallback: &Path) -> io::Result<Self> {
        let shared_memory = Path::new("/dev/shm");
        let parent = if free_bytes(shared_memory) >= ROOM_BYTES {
            shared_memory
        } else {
            fallback
        };
        let folder = tempfile::Builder::new()
            .prefix("canarytrace-")
            .tempdir_in(parent)?;
        std::fs::create_dir(folder.path().join("tmp"))?;
        Ok(Self { folder })
    }

    pub(crate) fn temporary(&self) -> PathBuf {
        self.folder.path().join("tmp")
    }

    pub(crate) fn root(&self) -> &Path {
        self.folder.path()
    }

    /// Removes the folder; the processes that used it must be gone.
    pub(crate) fn remove(self) -> io::Result<()> {
        self.folder.close()
    }
}

#[expect(unsafe_code, reason = "statvfs fills a plain struct")]
fn free_bytes(path: &Path) -> u64 {
    use std::os::unix::ffi::OsStrExt;
    let Ok(path) = std::ffi::CString::new(path.as_os_str().as_bytes()) else {
        return 0;
    };
    // SAFETY: zeroed is a valid statvfs, the path is NUL-terminated and both outlive the call.
    unsafe {
        let mut stat: libc::statvfs = std::mem::zeroed();
        if libc::statvfs(path.as_ptr(), &mut stat) == 0 {
            stat.f_bavail.saturating_mul(stat.f_frsize)
        } else {
            0
        }
    }
}
