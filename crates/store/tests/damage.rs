//! What becomes of a store whose files were damaged, whose disk is full, or that an older version has written.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::disallowed_methods, reason = "mount is no child of a run")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use bytes::Bytes;
use canarytrace_es::{
    EsError, IndexTarget, Refresh, SearchRequest, SearchService,
    bulk::{BulkItem, BulkItemResult, BulkOperation},
};
use canarytrace_store::{Store, StoreConfig, rebuild, verify};
use serde_json::json;

fn config(folder: &Path) -> StoreConfig {
    StoreConfig {
        folder: folder.to_owned(),
    }
}

async fn put(
    store: &Store,
    index: &str,
    ids: std::ops::Range<usize>,
    filler: &str,
) -> Vec<BulkItemResult> {
    let items = items(index, ids, filler);
    store.bulk(items, Refresh::Later).await.unwrap()
}

fn items(index: &str, ids: std::ops::Range<usize>, filler: &str) -> Vec<BulkItem> {
    let item = |id: usize| BulkItem {
        operation: BulkOperation::Index,
        index: index.to_owned(),
        id: Some(id.to_string()),
        if_seq_no: None,
        source: Bytes::from(
            json!({"number": id, "word": format!("w{id}"), "filler": filler}).to_string(),
        ),
    };
    ids.map(item).collect()
}

async fn count(store: &Store, target: &str) -> Result<u64, EsError> {
    let target = IndexTarget::new(target);
    store.refresh(&target).await?;
    let request = SearchRequest::parse(json!({"size": 0, "track_total_hits": true})).unwrap();
    let answer = store.search(&target, request).await?;
    Ok(answer.total.unwrap().value)
}

fn file_of(folder: &Path, index: &str, extension: &str) -> PathBuf {
    let files = fs::read_dir(folder.join("indices").join(index)).unwrap();
    let mut paths = files.flatten().map(|entry| entry.path());
    paths
        .find(|path| path.extension().is_some_and(|own| own == extension))
        .unwrap()
}

fn flip(path: &Path, at: usize) {
    let mut bytes = fs::read(path).unwrap();
    bytes[at] ^= 0x20;
    fs::write(path, bytes).unwrap();
}

/// Two indices in closed files.
async fn two(folder: &Path) {
    let store = Store::open(&config(folder)).unwrap();
    put(&store, "good", 0..50, "").await;
    put(&store, "bad", 0..50, "").await;
    store.close().await.unwrap();
}

#[tokio::test]
async fn a_flipped_byte_costs_one_index_and_says_which() {
    let folder = tempfile::tempdir().unwrap();
    two(folder.path()).await;
    assert_eq!(verify(&config(folder.path())).unwrap(), []);
    flip(&file_of(folder.path(), "bad", "fast"), 100);
    let damages = verify(&config(folder.path())).unwrap();
    assert_eq!(damages.len(), 1);
    assert_eq!(damages[0].index, "bad");
    assert!(damages[0].reason.contains(".fast"), "{damages:?}");
    // As after a crash: the mark of a store that was closed is not there.
    fs::remove_file(folder.path().join("closed")).unwrap();
    let store = Store::open(&config(folder.path())).unwrap();
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while store.health().await.unwrap().status != "red" {
        assert!(std::time::Instant::now() < deadline, "nobody noticed");
        tokio::task::yield_now().await;
    }
    assert_eq!(count(&store, "good").await.unwrap(), 50);
    assert_eq!(count(&store, "*").await.unwrap(), 50);
    let refused = count(&store, "bad").await.unwrap_err();
    assert_eq!(
        (refused.status, refused.kind.as_str()),
        (503, "no_shard_available_action_exception")
    );
    let written = put(&store, "bad", 50..51, "").await;
    assert_eq!(written[0].outcome.as_ref().unwrap_err().status, 503);
    store.close().await.unwrap();
    drop(store);
    let rebuilt = rebuild(&config(folder.path()), &[]).unwrap();
    assert_eq!(rebuilt.len(), 1);
    assert_eq!(
        (rebuilt[0].index.as_str(), rebuilt[0].documents),
        ("bad", 50)
    );
    let store = Store::open(&config(folder.path())).unwrap();
    assert_eq!(count(&store, "bad").await.unwrap(), 50);
    assert_eq!(store.health().await.unwrap().status, "green");
}

#[tokio::test]
async fn a_list_of_segments_that_is_gone_costs_one_index() {
    let folder = tempfile::tempdir().unwrap();
    two(folder.path()).await;
    fs::write(folder.path().join("indices/bad/meta.json"), "{").unwrap();
    let store = Store::open(&config(folder.path())).unwrap();
    assert_eq!(count(&store, "*").await.unwrap(), 50);
    assert_eq!(count(&store, "bad").await.unwrap_err().status, 503);
    let deleted = store
        .delete_indices(&IndexTarget::new("bad"))
        .await
        .unwrap();
    assert_eq!(deleted, ["bad"]);
    assert_eq!(store.health().await.unwrap().status, "green");
    put(&store, "bad", 0..3, "").await;
    assert_eq!(count(&store, "bad").await.unwrap(), 3);
}

#[tokio::test]
async fn what_was_logged_for_a_damaged_index_waits_for_it() {
    let folder = tempfile::tempdir().unwrap();
    two(folder.path()).await;
    let store = Store::open(&config(folder.path())).unwrap();
    put(&store, "bad", 40..60, "new").await;
    // Never closed: these documents are in the log only.
    let copy = tempfile::tempdir().unwrap();
    let status = Command::new("cp")
        .args(["-r", &format!("{}/.", folder.path().display())])
        .arg(copy.path())
        .status();
    assert!(status.unwrap().success());
    let list = copy.path().join("indices/bad/meta.json");
    let whole = fs::read(&list).unwrap();
    fs::write(&list, "{").unwrap();
    let second = Store::open(&config(copy.path())).unwrap();
    assert_eq!(count(&second, "bad").await.unwrap_err().status, 503);
    second.close().await.unwrap();
    drop(second);
    fs::write(&list, whole).unwrap();
    let rebuilt = rebuild(&config(copy.path()), &[]).unwrap();
    assert_eq!(rebuilt.len(), 1, "{rebuilt:?}");
    let second = Store::open(&config(copy.path())).unwrap();
    assert_eq!(count(&second, "bad").await.unwrap(), 60);
    let document = second.get("bad", "45").await.unwrap().unwrap();
    assert_eq!(document.source["filler"], "new");
}

/// A file system that is soon full; needs the right to mount.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn new(megabytes: u32) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mount = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={megabytes}m"), "small"])
            .arg(folder.path())
            .status();
        assert!(
            mount.unwrap().success(),
            "a small disk must be mounted: run as root"
        );
        Self(folder)
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        Command::new("umount")
            .arg("-l")
            .arg(self.0.path())
            .status()
            .ok();
    }
}

#[tokio::test]
async fn a_full_disk_makes_the_store_read_only_until_there_is_room() {
    let disk = SmallDisk::new(40);
    let folder = disk.0.path().join("store");
    let store = Store::open(&config(&folder)).unwrap();
    assert!(
        put(&store, "kept", 0..20, "")
            .await
            .iter()
            .all(|item| item.outcome.is_ok())
    );
    store.refresh(&IndexTarget::new("*")).await.unwrap();
    let ballast = disk.0.path().join("ballast");
    fs::write(&ballast, vec![7; (38 << 20) + (600 << 10)]).unwrap();
    let refused = put(&store, "kept", 20..21, "").await;
    let error = refused[0].outcome.as_ref().unwrap_err();
    assert_eq!(
        (error.status, error.kind.as_str()),
        (429, "cluster_block_exception")
    );
    assert!(error.reason.contains("read-only-allow-delete"), "{error}");
    assert_eq!(
        store
            .create_index("new", json!({}))
            .await
            .unwrap_err()
            .status,
        429
    );
    assert_eq!(count(&store, "kept").await.unwrap(), 20);
    fs::remove_file(&ballast).unwrap();
    assert!(put(&store, "kept", 20..30, "").await[0].outcome.is_ok());
    assert_eq!(count(&store, "kept").await.unwrap(), 30);
}

#[tokio::test]
async fn what_the_log_had_no_room_for_leaves_nothing() {
    let disk = SmallDisk::new(40);
    let store = Store::open(&config(&disk.0.path().join("store"))).unwrap();
    put(&store, "kept", 0..10, "published").await;
    assert_eq!(count(&store, "kept").await.unwrap(), 10);
    put(&store, "kept", 10..20, "logged").await;
    let ballast = disk.0.path().join("ballast");
    fs::write(&ballast, vec![7; 28 << 20]).unwrap();
    let large = items("kept", 15..40, &"large ".repeat(150 << 10));
    let refused = store.bulk(large, Refresh::Later).await.unwrap_err();
    assert_eq!(refused.status, 507, "{refused}");
    fs::remove_file(&ballast).unwrap();
    let written = put(&store, "kept", 20..22, "new").await;
    let number = written[0].outcome.as_ref().unwrap().seq_no;
    assert_eq!(number, 20);
    assert_eq!(count(&store, "kept").await.unwrap(), 22);
    let document = store.get("kept", "15").await.unwrap().unwrap();
    assert_eq!(
        (document.source["filler"].as_str(), document.version),
        (Some("logged"), 1)
    );
    for (word, expected) in [("large", 0), ("logged", 10), ("new", 2)] {
        let request = json!({"query": {"match": {"filler": word}}});
        let request = SearchRequest::parse(request).unwrap();
        let answer = store.search(&IndexTarget::new("kept"), request).await;
        assert_eq!(answer.unwrap().total.unwrap().value, expected, "{word}");
    }
}

#[tokio::test]
async fn a_segment_that_did_not_fit_is_made_again() {
    use std::io::Write;
    let disk = SmallDisk::new(24);
    let folder = disk.0.path().join("store");
    let store = Store::open(&config(&folder)).unwrap();
    put(&store, "kept", 0..20, "old").await;
    assert_eq!(count(&store, "kept").await.unwrap(), 20);
    put(&store, "kept", 10..40, "new").await;
    let ballast = disk.0.path().join("ballast");
    let mut file = fs::File::create(&ballast).unwrap();
    while file.write_all(&[7; 4096]).is_ok() {}
    drop(file);
    let refused = store.refresh(&IndexTarget::new("kept")).await;
    assert!(refused.is_err(), "there was room");
    fs::remove_file(&ballast).unwrap();
    assert_eq!(count(&store, "kept").await.unwrap(), 40);
    let document = store.get("kept", "15").await.unwrap().unwrap();
    assert_eq!(
        (document.source["filler"].as_str(), document.version),
        (Some("new"), 2)
    );
    store.close().await.unwrap();
    drop(store);
    let store = Store::open(&config(&folder)).unwrap();
    assert_eq!(count(&store, "kept").await.unwrap(), 40);
}

#[tokio::test]
async fn what_an_older_version_wrote_is_upgraded() {
    use tantivy::{
        Index, TantivyDocument,
        schema::{FAST, STORED, STRING, Schema},
    };
    let folder = tempfile::tempdir().unwrap();
    let index = folder.path().join("indices/old");
    fs::create_dir_all(&index).unwrap();
    let state = json!({"uuid": "u", "mapping": {"properties": {"number": {"type": "long"}}}, "settings": {}});
    fs::write(index.join("index.json"), state.to_string()).unwrap();
    let mut schema = Schema::builder();
    let id = schema.add_text_field("_id", STRING | STORED);
    let source = schema.add_bytes_field("_source", STORED);
    let sequence = schema.add_u64_field("_seq_no", FAST | STORED);
    let version = schema.add_u64_field("_version", FAST | STORED);
    let old = Index::create_in_dir(&index, schema.build()).unwrap();
    let mut writer = old.writer_with_num_threads(1, 15_000_000).unwrap();
    for number in 0..5_u64 {
        let mut document = TantivyDocument::default();
        document.add_text(id, number.to_string());
        document.add_bytes(source, json!({"number": number}).to_string().as_bytes());
        document.add_u64(sequence, number);
        document.add_u64(version, 1);
        writer.add_document(document).unwrap();
    }
    let mut prepared = writer.prepare_commit().unwrap();
    prepared.set_payload("5");
    prepared.commit().unwrap();
    drop((writer, old));
    let store = Store::open(&config(folder.path())).unwrap();
    assert_eq!(count(&store, "old").await.unwrap(), 5);
    let found = store.get("old", "3").await.unwrap().unwrap();
    assert_eq!((found.source, found.seq_no), (json!({"number": 3}), 3));
    store.close().await.unwrap();
    drop(store);
    fs::write(folder.path().join("format"), "99").unwrap();
    let refused = Store::open(&config(folder.path())).unwrap_err().to_string();
    assert!(refused.contains("format 99"), "{refused}");
}
