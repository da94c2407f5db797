//! Durability under a file layer that throws away every write not yet synced.
//!
//! A kill proves little: the page cache survives it. Here `fsync` and `fdatasync` of this test program are our own: each
//! call that names a file keeps a copy of the file as it is then, each call that names a folder keeps the names in it.
//! What a power cut leaves is made from those copies alone (a file never synced is empty, a name never synced is not
//! there), and a store opened on it must hold every document that had been acknowledged.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(
    unsafe_code,
    reason = "this program's fsync and fdatasync stand in for the C library's"
)]

use std::{
    collections::BTreeMap,
    ffi::c_int,
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;
use canarytrace_es::{
    IndexTarget, Refresh, SearchRequest, SearchService,
    bulk::{BulkItem, BulkOperation},
};
use canarytrace_store::{Store, StoreConfig};
use serde_json::{Value, json};

/// A file beyond reuse of its inode number.
type Identity = (u64, u128);

/// One call of `fsync` or `fdatasync`.
#[derive(Clone, Debug)]
enum Sync {
    File(Identity, Arc<Vec<u8>>),
    Folder(PathBuf, BTreeMap<String, Entry>),
}

#[derive(Clone, Debug)]
enum Entry {
    File(Identity),
    Folder,
}

/// Every call below the watched folder, in order.
struct Recorder {
    root: PathBuf,
    calls: Vec<Sync>,
}

static RECORDER: Mutex<Option<Recorder>> = Mutex::new(None);
/// There is one recorder for all tests of this program.
static ONE_AT_A_TIME: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

fn record(root: &Path) {
    *RECORDER.lock().unwrap() = Some(Recorder {
        root: root.to_owned(),
        calls: Vec::new(),
    });
}

#[unsafe(no_mangle)]
extern "C" fn fsync(descriptor: c_int) -> c_int {
    synced(descriptor)
}

#[unsafe(no_mangle)]
extern "C" fn fdatasync(descriptor: c_int) -> c_int {
    synced(descriptor)
}

/// The real call is left out: only what is remembered counts.
fn synced(descriptor: c_int) -> c_int {
    let path = fs::read_link(format!("/proc/self/fd/{descriptor}")).unwrap();
    let mut recorder = RECORDER.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(recorder) = recorder
        .as_mut()
        .filter(|recorder| path.starts_with(&recorder.root))
    {
        let metadata = fs::metadata(format!("/proc/self/fd/{descriptor}")).unwrap();
        recorder.calls.push(if metadata.is_dir() {
            Sync::Folder(path.clone(), entries(&path))
        } else {
            let content = fs::read(format!("/proc/self/fd/{descriptor}"));
            Sync::File(identity(&metadata), Arc::new(content.unwrap()))
        });
    }
    0
}

fn identity(metadata: &fs::Metadata) -> Identity {
    let born = metadata.created().unwrap();
    let born = born.duration_since(std::time::UNIX_EPOCH).unwrap();
    (metadata.ino(), born.as_nanos())
}

fn entries(folder: &Path) -> BTreeMap<String, Entry> {
    let entries = fs::read_dir(folder).unwrap().flatten();
    let entries = entries.filter_map(|entry| {
        // A file may be removed while we look; then it has no name to keep.
        let metadata = entry.metadata().ok()?;
        let kept = if metadata.is_dir() {
            Entry::Folder
        } else {
            Entry::File(identity(&metadata))
        };
        Some((entry.file_name().into_string().unwrap(), kept))
    });
    entries.collect()
}

/// What is on the disk after the first `count` calls and a power cut.
fn power_cut(root: &Path, calls: &[Sync], to: &Path) {
    let mut contents: BTreeMap<Identity, Arc<Vec<u8>>> = BTreeMap::new();
    let mut folders: BTreeMap<PathBuf, BTreeMap<String, Entry>> = BTreeMap::new();
    for call in calls {
        match call {
            Sync::File(identity, content) => drop(contents.insert(*identity, Arc::clone(content))),
            Sync::Folder(path, names) => drop(folders.insert(path.clone(), names.clone())),
        }
    }
    restore(root, to, &folders, &contents);
}

fn restore(
    from: &Path,
    to: &Path,
    folders: &BTreeMap<PathBuf, BTreeMap<String, Entry>>,
    contents: &BTreeMap<Identity, Arc<Vec<u8>>>,
) {
    fs::create_dir_all(to).unwrap();
    for (name, entry) in folders.get(from).into_iter().flatten() {
        match entry {
            Entry::Folder => restore(&from.join(name), &to.join(name), folders, contents),
            Entry::File(identity) => {
                let content = contents.get(identity).map(|content| content.as_slice());
                fs::write(to.join(name), content.unwrap_or_default()).unwrap();
            }
        }
    }
}

fn calls() -> Vec<Sync> {
    let recorder = RECORDER.lock().unwrap();
    recorder.as_ref().unwrap().calls.clone()
}

/// Documents by id, and how many calls had been made when they were acknowledged to be so.
struct Acknowledged {
    calls: usize,
    documents: BTreeMap<String, Value>,
}

/// A store that is written to, refreshed, closed and opened again.
struct Session {
    folder: PathBuf,
    store: Option<Store>,
    documents: BTreeMap<String, Value>,
    history: Vec<Acknowledged>,
}

const INDICES: [&str; 3] = ["c.a-2026.11.20", "c.a-2026.11.21", "c.b-2026.11.22"];

impl Session {
    fn store(&mut self) -> &Store {
        let folder = self.folder.clone();
        self.store
            .get_or_insert_with(|| Store::open(&StoreConfig { folder }).unwrap())
    }

    async fn write(&mut self, step: u64) {
        let mut items = Vec::new();
        let mut after = self.documents.clone();
        for number in 0..(1 + step % 7) {
            let index = INDICES[usize::try_from((step + number) % 3).unwrap()];
            let id = format!("{index}/{}", (step * 5 + number) % 40);
            let delete = (step + number) % 5 == 4;
            let source =
                json!({"step": step, "number": number, format!("field{}", step % 11): "x"});
            items.push(BulkItem {
                operation: if delete {
                    BulkOperation::Delete
                } else {
                    BulkOperation::Index
                },
                index: index.to_owned(),
                id: Some(id.clone()),
                if_seq_no: None,
                source: Bytes::from(source.to_string()),
            });
            if delete {
                after.remove(&id);
            } else {
                after.insert(id, source);
            }
        }
        let refresh = if step.is_multiple_of(4) {
            Refresh::Now
        } else {
            Refresh::Later
        };
        self.store().bulk(items, refresh).await.unwrap();
        self.documents = after;
        self.history.push(Acknowledged {
            calls: calls().len(),
            documents: self.documents.clone(),
        });
    }

    async fn close(&mut self) {
        if let Some(store) = self.store.take() {
            store.close().await.unwrap();
        }
    }
}

async fn everything(folder: &Path) -> BTreeMap<String, Value> {
    let store = Store::open(&StoreConfig {
        folder: folder.to_owned(),
    })
    .unwrap();
    let request = SearchRequest::parse(json!({"size": 1000})).unwrap();
    let target = IndexTarget::new("*");
    store.refresh(&target).await.unwrap();
    let answer = store.search(&target, request).await.unwrap();
    let found = answer
        .hits
        .into_iter()
        .map(|hit| (hit.id, hit.source.unwrap()))
        .collect();
    store.close().await.unwrap();
    found
}

#[tokio::test]
async fn what_was_acknowledged_survives_a_power_cut_at_any_moment() {
    let _alone = ONE_AT_A_TIME.lock().await;
    let home = tempfile::tempdir().unwrap();
    let root = home.path().canonicalize().unwrap().join("data");
    record(&root);
    let mut session = Session {
        folder: root.clone(),
        store: None,
        documents: BTreeMap::new(),
        history: Vec::new(),
    };
    for step in 0..60 {
        session.write(step).await;
        if step % 16 == 15 {
            // A checkpoint: the log is cut.
            session.close().await;
        }
    }
    session.close().await;
    let all = calls();
    assert!(all.len() > 150, "only {} calls were recorded", all.len());

    let start = session.history.first().unwrap().calls;
    // Every thirteenth moment, and the last.
    let moments = (start..all.len()).step_by(13).chain([all.len()]);
    for count in moments {
        let cut = home.path().join(format!("cut-{count}"));
        power_cut(&root, &all[..count], &cut);
        let found = everything(&cut).await;
        // One request may have been under way: it is there as a whole, or in part, or not at all.
        let done = session.history.iter().rposition(|past| past.calls <= count);
        let done = done.unwrap();
        let acknowledged = &session.history[done].documents;
        let next = session.history.get(done + 1);
        for (id, source) in acknowledged {
            let newer = next.and_then(|next| next.documents.get(id));
            let deleted = next.is_some_and(|next| !next.documents.contains_key(id));
            match found.get(id) {
                Some(now) => assert!(now == source || Some(now) == newer, "{id} after {count}"),
                None => assert!(deleted, "{id} is lost after {count} of {}", all.len()),
            }
        }
        for id in found.keys() {
            let known = acknowledged.contains_key(id)
                || next.is_some_and(|next| next.documents.contains_key(id));
            assert!(known, "{id} was deleted and is back after {count}");
        }
        fs::remove_dir_all(&cut).unwrap();
    }
}

#[tokio::test]
async fn an_index_may_be_answered_before_it_is_on_disk() {
    let _alone = ONE_AT_A_TIME.lock().await;
    let home = tempfile::tempdir().unwrap();
    let root = home.path().canonicalize().unwrap().join("data");
    record(&root);
    let store = Store::open(&StoreConfig {
        folder: root.clone(),
    })
    .unwrap();
    let settings = json!({"settings": {"index.translog.durability": "async"}});
    store.create_index("soon", settings).await.unwrap();
    store.create_index("now", json!({})).await.unwrap();
    let write = |index: &str, id: &str| BulkItem {
        operation: BulkOperation::Index,
        index: index.to_owned(),
        id: Some(id.to_owned()),
        if_seq_no: None,
        source: Bytes::from_static(b"{\"n\":1}"),
    };
    let before = calls().len();
    let soon = vec![write("soon", "1"), write("soon", "2")];
    store.bulk(soon, Refresh::Later).await.unwrap();
    assert_eq!(calls().len(), before, "it was waited for the disk");
    // What has to wait takes along what did not.
    let now = vec![write("now", "3")];
    store.bulk(now, Refresh::Later).await.unwrap();
    let all = calls();
    assert!(all.len() > before);
    let cut = home.path().join("cut");
    power_cut(&root, &all, &cut);
    let found = everything(&cut).await;
    assert_eq!(found.into_keys().collect::<Vec<_>>(), ["1", "2", "3"]);
    store.close().await.unwrap();
}
