//! The log: every write is here, and on disk, before it is answered.
//!
//! A frame is `length (u32) | crc32 (u32) | payload`. A torn frame ends the log: it was never answered. Segments are numbered files; a checkpoint starts a new one and removes the older.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;

use super::files::create_folder;

const HEADER: usize = 8;
/// Of the memory in which frames are put together.
const KEPT_BYTES: usize = 2 << 20;
/// A frame holds one document.
const MAX_FRAME: usize = 256 << 20;

/// Where bytes lie in the log; the file can be read for as long as somebody knows the place.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    file: Arc<File>,
    offset: u64,
    length: usize,
}

impl Place {
    /// The last bytes of it.
    pub(crate) fn tail(mut self, length: usize) -> Self {
        self.offset += (self.length - length.min(self.length)) as u64;
        self.length = length.min(self.length);
        self
    }

    pub(crate) fn read(&self) -> io::Result<Bytes> {
        let mut bytes = vec![0; self.length];
        self.file.read_exact_at(&mut bytes, self.offset)?;
        Ok(bytes.into())
    }
}

/// Frames that are logged in one go.
#[derive(Debug, Default)]
pub(crate) struct Frames {
    bytes: Vec<u8>,
    /// Where each payload begins, and its length.
    payloads: Vec<(usize, usize)>,
}

impl Frames {
    /// Adds a frame whose payload is written by `write`.
    pub(crate) fn push(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        let header = self.bytes.len();
        self.bytes.resize(header + HEADER, 0);
        write(&mut self.bytes);
        let start = header + HEADER;
        let payload = self.bytes.get(start..).unwrap_or_default();
        let (length, sum) = (payload.len(), crc32fast::hash(payload));
        // What is too large for its header is refused before it is written.
        let told = u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes();
        let parts = told.into_iter().chain(sum.to_le_bytes());
        let places = self.bytes.iter_mut().skip(header);
        places.zip(parts).for_each(|(to, from)| *to = from);
        self.payloads.push((start, length));
    }

    /// Keeps some memory for the next ones.
    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.bytes.shrink_to(KEPT_BYTES);
        self.payloads.clear();
    }
}

/// The log, open for appending.
#[derive(Debug)]
pub(crate) struct Log {
    folder: PathBuf,
    file: Arc<File>,
    number: u64,
    length: u64,
    /// Since when something is not known to be on disk.
    unsynced_since: Option<Instant>,
}

/// When an answer may be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Durability {
    /// When the write is on disk (`index.translog.durability: request`).
    Request,
    /// Before that; it is there soon (`async`).
    Async,
}

impl Log {
    /// Opens the log of a folder and answers the payloads that it holds, oldest first.
    pub(crate) fn open(folder: &Path) -> io::Result<(Self, Vec<Vec<u8>>)> {
        create_folder(folder)?;
        let numbers = segments(folder)?;
        let mut payloads = Vec::new();
        for number in &numbers {
            read_segment(&segment(folder, *number), &mut payloads)?;
        }
        let number = numbers.last().map_or(1, |last| last + 1);
        let log = Self {
            folder: folder.to_owned(),
            file: Arc::new(create(folder, number)?),
            number,
            length: 0,
            unsynced_since: None,
        };
        Ok((log, payloads))
    }

    /// Appends frames and waits until they are on disk, if that is wanted; answers where their payloads are. After an error nothing
    /// of them is in the log.
    pub(crate) fn append(
        &mut self,
        frames: &Frames,
        durability: Durability,
    ) -> io::Result<Vec<Place>> {
        let Frames { bytes, payloads } = frames;
        if payloads.is_empty() {
            return Ok(Vec::new());
        }
        if payloads.iter().any(|(_, length)| *length > MAX_FRAME) {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "a document is too large for the log",
            ));
        }
        let place = |(start, length): &(usize, usize)| Place {
            file: Arc::clone(&self.file),
            offset: self.length + *start as u64,
            length: *length,
        };
        let places = payloads.iter().map(place).collect();
        let written = (&*self.file)
            .write_all(bytes)
            .and_then(|()| match durability {
                Durability::Request => self.file.sync_data(),
                Durability::Async => Ok(()),
            });
        match written {
            Ok(()) => {
                self.unsynced_since = match durability {
                    Durability::Request => None,
                    Durability::Async => self.unsynced_since.or_else(|| Some(Instant::now())),
                };
                self.length += bytes.len() as u64;
                Ok(places)
            }
            Err(error) => {
                self.file.set_len(self.length)?;
                Err(error)
            }
        }
    }

    /// Puts on disk what has been waiting for that for so long.
    pub(crate) fn sync_after(&mut self, wait: Duration) -> io::Result<()> {
        if self
            .unsynced_since
            .is_some_and(|since| since.elapsed() >= wait)
        {
            self.file.sync_data()?;
            self.unsynced_since = None;
        }
        Ok(())
    }

    pub(crate) fn length(&self) -> u64 {
        self.length
    }

    /// Everything so far is in the indices, on disk, but for what is carried over: starts a new segment with that and removes
    /// the older ones. Answers where what was carried over is now.
    pub(crate) fn cut(&mut self, carried: &Frames) -> io::Result<Vec<Place>> {
        let older = segments(&self.folder)?;
        self.number += 1;
        self.file = Arc::new(create(&self.folder, self.number)?);
        (self.length, self.unsynced_since) = (0, None);
        let places = self.append(carried, Durability::Request)?;
        for number in older {
            fs::remove_file(segment(&self.folder, number))?;
        }
        Ok(places)
    }
}

fn segment(folder: &Path, number: u64) -> PathBuf {
    folder.join(format!("{number:012}.log"))
}

fn segments(folder: &Path) -> io::Result<Vec<u64>> {
    let mut numbers: Vec<u64> = fs::read_dir(folder)?
        .filter_map(|entry| {
            entry
                .ok()?
                .file_name()
                .to_str()?
                .strip_suffix(".log")?
                .parse()
                .ok()
        })
        .collect();
    numbers.sort_unstable();
    Ok(numbers)
}

fn create(folder: &Path, number: u64) -> io::Result<File> {
    let file = OpenOptions::new()
        .append(true)
        .read(true)
        .create_new(true)
        .open(segment(folder, number))?;
    File::open(folder)?.sync_all()?;
    Ok(file)
}

/// A torn frame at the end was never answered. A damaged one with others behind it was: it is told, kept aside with its file,
/// and the others count.
fn read_segment(path: &Path, payloads: &mut Vec<Vec<u8>>) -> io::Result<()> {
    let mut bytes = Vec::new();
    File::open(path)?.read_to_end(&mut bytes)?;
    let mut rest = bytes.as_slice();
    loop {
        while let Some(payload) = next_frame(&mut rest) {
            payloads.push(payload.to_vec());
        }
        let offset = bytes.len() - rest.len();
        let Some(gap) = gap(rest) else {
            if !rest.is_empty() {
                tracing::warn!(path = %path.display(), offset, "the log ends in a torn frame, which was never answered");
            }
            return Ok(());
        };
        let kept = path.with_extension("damaged");
        fs::copy(path, &kept)?;
        tracing::error!(
            path = %path.display(), offset, bytes = gap, kept = %kept.display(),
            "the log is damaged: documents that were acknowledged are lost there"
        );
        rest = rest.get(gap..).unwrap_or_default();
    }
}

/// How many bytes to leave out until whole frames go on; none if there is no more.
fn gap(rest: &[u8]) -> Option<usize> {
    (1..rest.len().saturating_sub(HEADER)).find(|skipped| {
        let mut behind = rest.get(*skipped..).unwrap_or_default();
        next_frame(&mut behind).is_some_and(|payload| payload.starts_with(b"{"))
    })
}

/// Appends a frame to a file of its own, on disk afterwards.
pub(crate) fn add_to_file(path: &Path, payload: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().append(true).create(true).open(path)?;
    let length = u32::try_from(payload.len()).map_err(io::Error::other)?;
    file.write_all(&length.to_le_bytes())?;
    file.write_all(&crc32fast::hash(payload).to_le_bytes())?;
    file.write_all(payload)?;
    file.sync_all()
}

/// The frames of such a file; none if it is not there.
pub(crate) fn read_file(path: &Path) -> io::Result<Vec<Vec<u8>>> {
    let mut payloads = Vec::new();
    if path.exists() {
        read_segment(path, &mut payloads)?;
    }
    Ok(payloads)
}

fn next_frame<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let number = |bytes: &[u8]| bytes.try_into().ok().map(u32::from_le_bytes);
    let length = number(rest.get(..4)?)? as usize;
    let checksum = number(rest.get(4..HEADER)?)?;
    let payload = rest.get(HEADER..HEADER.checked_add(length)?)?;
    if crc32fast::hash(payload) != checksum {
        return None;
    }
    *rest = rest.get(HEADER + length..)?;
    Some(payload)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames(payloads: &[&str]) -> Frames {
        let mut frames = Frames::default();
        for payload in payloads {
            frames.push(|bytes| bytes.extend_from_slice(payload.as_bytes()));
        }
        frames
    }

    #[test]
    fn frames_survive_and_a_torn_one_is_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let (mut log, _) = Log::open(folder.path()).unwrap();
        log.append(&frames(&["one", "two"]), Durability::Request)
            .unwrap();
        drop(log);
        let path = segment(folder.path(), 1);
        let mut bytes = fs::read(&path).unwrap();
        let whole = bytes.clone();
        bytes.extend_from_slice(&whole[..9]);
        fs::write(&path, bytes).unwrap();
        let (mut log, payloads) = Log::open(folder.path()).unwrap();
        assert_eq!(payloads, [b"one".to_vec(), b"two".to_vec()]);
        log.append(&frames(&["three"]), Durability::Request)
            .unwrap();
        drop(log);
        assert_eq!(Log::open(folder.path()).unwrap().1.len(), 3);
    }

    #[test]
    fn a_damaged_frame_is_left_out_and_the_others_count() {
        let folder = tempfile::tempdir().unwrap();
        let (mut log, _) = Log::open(folder.path()).unwrap();
        let payloads = ["{one}", "{two}", "{three}"];
        log.append(&frames(&payloads), Durability::Request).unwrap();
        let path = segment(folder.path(), 1);
        let all = fs::read(&path).unwrap();
        // In the text of the second, in its length, in its checksum.
        for at in [24, 13, 17] {
            let mut bytes = all.clone();
            bytes[at] ^= 0x41;
            fs::write(&path, bytes).unwrap();
            let mut read = Vec::new();
            read_segment(&path, &mut read).unwrap();
            let whole = [payloads[0], payloads[2]].map(|text| text.as_bytes().to_vec());
            assert_eq!(read, whole, "{at}");
            assert!(path.with_extension("damaged").exists());
        }
    }

    #[test]
    fn a_damaged_last_frame_ends_the_log() {
        let folder = tempfile::tempdir().unwrap();
        let (mut log, _) = Log::open(folder.path()).unwrap();
        log.append(&frames(&["one", "two"]), Durability::Request)
            .unwrap();
        let path = segment(folder.path(), 1);
        let mut bytes = fs::read(&path).unwrap();
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        fs::write(&path, bytes).unwrap();
        assert_eq!(Log::open(folder.path()).unwrap().1, [b"one".to_vec()]);
    }

    #[test]
    fn a_cut_log_is_empty() {
        let folder = tempfile::tempdir().unwrap();
        let (mut log, _) = Log::open(folder.path()).unwrap();
        log.append(&frames(&["one"]), Durability::Request).unwrap();
        log.cut(&frames(&[])).unwrap();
        log.append(&frames(&["two"]), Durability::Request).unwrap();
        drop(log);
        assert_eq!(Log::open(folder.path()).unwrap().1, [b"two".to_vec()]);
    }

    #[test]
    fn what_is_carried_over_outlives_the_older_segments() {
        let folder = tempfile::tempdir().unwrap();
        let (mut log, _) = Log::open(folder.path()).unwrap();
        log.append(&frames(&["one", "two"]), Durability::Request)
            .unwrap();
        let places = log.cut(&frames(&["two"])).unwrap();
        log.append(&frames(&["three"]), Durability::Request)
            .unwrap();
        assert_eq!(*places[0].read().unwrap(), b"two"[..]);
        drop(log);
        assert_eq!(
            Log::open(folder.path()).unwrap().1,
            [b"two".to_vec(), b"three".to_vec()]
        );
    }
}
