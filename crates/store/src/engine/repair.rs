//! Making indices again from the documents they hold, and telling which need it.

use std::{
    fs,
    path::{Path, PathBuf},
};

use bytes::Bytes;
use tantivy::{Index as TantivyIndex, TantivyDocument, schema::Value};

use super::{
    Index, StoreConfig, StoreError,
    columns::numbers,
    directory::Folder,
    document::DocumentReader,
    files::{create_folder, lock_folder},
    frame::read_frame,
    index::{STATE, State},
    log,
    pending::{Pending, Source},
};
use crate::mapping::{FieldLimit, Mapping};

/// Documents that were logged while their index could not take them, in its folder.
pub(crate) const WAITING: &str = "waiting.log";
/// An index that is being made again, and one that is being deleted, beside the others.
const REBUILT: &str = "rebuilt-";
pub(super) const REMOVED: &str = "removed-";
/// Documents are published in parts of so many.
const PART: u64 = 20_000;

/// What is wrong with an index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    pub index: String,
    pub reason: String,
}

/// An index that was made again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rebuilt {
    pub index: String,
    pub documents: u64,
    /// Could not be read.
    pub lost: u64,
}

/// Reads every file of every index and compares checksums. The store must not be open.
pub fn verify(config: &StoreConfig) -> Result<Vec<Damage>, StoreError> {
    let _lock = taken(&config.folder)?;
    let mut damages = Vec::new();
    for (name, folder) in folders(&config.folder)? {
        if let Err(error) = verify_one(&folder, &name) {
            damages.push(Damage {
                index: name,
                reason: error.to_string(),
            });
        }
    }
    Ok(damages)
}

fn verify_one(folder: &Path, name: &str) -> Result<(), StoreError> {
    Index::open(folder, name)?.verify()
}

/// Makes indices again from their documents: those named, or those that are damaged. The store must not be open.
pub fn rebuild(config: &StoreConfig, names: &[String]) -> Result<Vec<Rebuilt>, StoreError> {
    let _lock = taken(&config.folder)?;
    let mut rebuilt = Vec::new();
    for (name, folder) in folders(&config.folder)? {
        let is_wanted = if names.is_empty() {
            folder.join(WAITING).exists() || verify_one(&folder, &name).is_err()
        } else {
            names.contains(&name)
        };
        if is_wanted {
            rebuilt.push(rebuild_one(&folder, &name)?);
        }
    }
    Ok(rebuilt)
}

fn taken(folder: &Path) -> Result<fs::File, StoreError> {
    lock_folder(folder)?.ok_or_else(|| StoreError::Locked(folder.to_owned()))
}

fn folders(store: &Path) -> Result<Vec<(String, PathBuf)>, StoreError> {
    let mut folders: Vec<(String, PathBuf)> = fs::read_dir(store.join("indices"))?
        .flatten()
        .filter(|entry| entry.path().join(STATE).exists())
        .filter_map(|entry| Some((entry.file_name().into_string().ok()?, entry.path())))
        .collect();
    folders.sort();
    Ok(folders)
}

/// Ends what a crash has interrupted.
pub(super) fn clean_up(store: &Path) -> Result<(), StoreError> {
    for entry in fs::read_dir(store)?.flatten() {
        let Ok(file) = entry.file_name().into_string() else {
            continue;
        };
        if let Some(name) = file.strip_prefix(REBUILT) {
            let place = store.join("indices").join(name);
            // The old one was away and the new one, which is complete then, not yet there.
            if place.exists() {
                fs::remove_dir_all(entry.path())?;
            } else {
                fs::rename(entry.path(), place)?;
            }
        }
    }
    for entry in fs::read_dir(store)?.flatten() {
        if entry.file_name().to_string_lossy().starts_with(REMOVED) {
            fs::remove_dir_all(entry.path())?;
        }
    }
    Ok(())
}

/// Writes the index beside, then puts it in the place of the old one.
pub(crate) fn rebuild_one(folder: &Path, name: &str) -> Result<Rebuilt, StoreError> {
    let state = State::read(folder)?;
    let mapping = FieldLimit::of(&state.settings)
        .and_then(|limit| Mapping::parse(&state.mapping, limit))
        .map_err(|error| StoreError::Damaged(folder.to_owned(), error.reason))?;
    let store = folder.parent().and_then(Path::parent).unwrap_or(folder);
    let beside = store.join(format!("{REBUILT}{name}"));
    if beside.exists() {
        fs::remove_dir_all(&beside)?;
    }
    create_folder(&beside)?;
    let index = Index::create(&beside, name, &state.uuid, mapping, state.settings)?;
    let mut report = Rebuilt {
        index: name.to_owned(),
        documents: 0,
        lost: 0,
    };
    copy(folder, &index, &mut report)?;
    add_waiting(&folder.join(WAITING), &index, &mut report)?;
    index.close_writer()?;
    drop(index);
    let old = store.join(format!("{REMOVED}{name}"));
    fs::rename(folder, &old)?;
    fs::rename(&beside, folder)?;
    for parent in [Some(store), folder.parent()].into_iter().flatten() {
        fs::File::open(parent)?.sync_all()?;
    }
    fs::remove_dir_all(old)?;
    Ok(report)
}

/// Every document that can be read.
fn copy(folder: &Path, into: &Index, report: &mut Rebuilt) -> Result<(), StoreError> {
    let old = TantivyIndex::open(Folder::open(folder)?)?;
    let schema = old.schema();
    let (id, source) = (schema.get_field("_id")?, schema.get_field("_source")?);
    for segment in old.searchable_segments()? {
        let expected = u64::from(segment.meta().num_docs());
        let before = report.documents;
        // A damaged file may make its reader panic.
        let read = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let reader = tantivy::SegmentReader::open(&segment)?;
            let store = reader.get_store_reader(1)?;
            for doc in reader.doc_ids_alive() {
                let document: TantivyDocument = store.get(doc)?;
                let text = document.get_first(id).and_then(|value| value.as_str());
                let bytes = document
                    .get_first(source)
                    .and_then(|value| value.as_bytes());
                if let (Some(id), Some(bytes)) = (text, bytes) {
                    let (sequence, version) = numbers(&reader, doc)?;
                    add(into, id, bytes, sequence, version)?;
                    report.documents += 1;
                }
            }
            Ok::<_, StoreError>(())
        }));
        match read {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(%error, index = into.name, "a segment is damaged"),
            Err(_) => tracing::error!(index = into.name, "a segment is damaged"),
        }
        report.lost += expected.saturating_sub(report.documents - before);
    }
    Ok(())
}

fn add_waiting(path: &Path, into: &Index, report: &mut Rebuilt) -> Result<(), StoreError> {
    for payload in log::read_file(path)? {
        let Some((frame, bytes)) = read_frame(&payload) else {
            continue;
        };
        if frame.uuid != into.uuid || frame.sequence < into.next_sequence() {
            continue;
        }
        if frame.delete {
            let gone = Pending {
                version: frame.version,
                sequence: frame.sequence,
                source: None,
            };
            into.apply(frame.id.into(), gone, None)?;
        } else {
            // Whatever version of it was there before goes.
            add(
                into,
                &frame.id,
                &bytes,
                frame.sequence,
                frame.version.max(2),
            )?;
            report.documents += 1;
        }
    }
    Ok(())
}

fn add(
    into: &Index,
    id: &str,
    bytes: &[u8],
    sequence: u64,
    version: u64,
) -> Result<(), StoreError> {
    let indexed = DocumentReader::default()
        .read(into, bytes)
        .map_err(|error| StoreError::Damaged(into.folder().to_owned(), error.reason))?;
    let pending = Pending {
        version,
        sequence,
        source: Some(Source::Here(Bytes::copy_from_slice(bytes))),
    };
    into.apply(id.into(), pending, Some(indexed))?;
    if sequence % PART == PART - 1 {
        into.commit()?;
    }
    Ok(())
}
