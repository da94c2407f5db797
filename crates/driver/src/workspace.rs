//! The folder a browser lives in: profile and temporary files, on tmpfs when there is room.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// What a fresh profile may need.
const ROOM_BYTES: u64 = 1 << 30;

const SHARED_MEMORY: &str = "/dev/shm";

/// A folder that is removed with everything in it. It has the name of its run, so that whoever survives a killed run
/// can remove it, too.
#[derive(Debug)]
pub(crate) struct Workspace {
    folder: PathBuf,
}

impl Workspace {
    /// `fallback` is where the folder goes when `/dev/shm` has no room.
    pub(crate) fn create(name: &str, fallback: &Path) -> io::Result<Self> {
        let shared_memory = Path::new(SHARED_MEMORY);
        let parent = if free_bytes(shared_memory) >= ROOM_BYTES {
            shared_memory
        } else {
            fallback
        };
        let folder = parent.join(name);
        fs::create_dir_all(folder.join("tmp"))?;
        Ok(Self { folder })
    }

    /// Gives the browser, whose home the folder is, the authorities that the user's browsers trust beside the usual ones:
    /// sites of a company often have its own. A copy, because a browser writes to it; keys are left out.
    pub(crate) fn trust_as(&self, home: &Path) -> io::Result<()> {
        const DATABASES: [&str; 2] = [".pki/nssdb", ".local/share/pki/nssdb"];
        for database in DATABASES {
            let certificates = home.join(database).join("cert9.db");
            if certificates.is_file() {
                let own = self.folder.join(database);
                fs::create_dir_all(&own)?;
                fs::copy(certificates, own.join("cert9.db"))?;
            }
        }
        Ok(())
    }

    pub(crate) fn temporary(&self) -> PathBuf {
        self.folder.join("tmp")
    }

    pub(crate) fn root(&self) -> &Path {
        &self.folder
    }

    /// Removes the folder; the processes that used it must be gone.
    pub(crate) fn remove(self) -> io::Result<()> {
        fs::remove_dir_all(&self.folder)
    }
}

/// Removes what a killed browser of that name has left; its processes must be gone.
pub fn remove_workspace(name: &str, fallback: &Path) {
    for parent in [Path::new(SHARED_MEMORY), fallback] {
        match fs::remove_dir_all(parent.join(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!(%error, name, "a browser's folder is left")
            }
            _ => {}
        }
    }
}

/// Zero where the disk cannot be asked.
fn free_bytes(path: &Path) -> u64 {
    rustix::fs::statvfs(path).map_or(0, |disk| disk.f_bavail.saturating_mul(disk.f_frsize))
}
