//! What is too little for a segment is carried on by the log when the log is cut.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(
    clippy::disallowed_methods,
    reason = "the test starts itself again, and names the folder to it"
)]

use std::{fs, path::Path};

use bytes::Bytes;
use canarytrace_es::{
    IndexTarget, Refresh, SearchRequest, SearchService,
    bulk::{BulkItem, BulkOperation},
};
use canarytrace_store::{Store, StoreConfig};
use serde_json::{Value, json};

/// Names the folder in the process that is to be killed.
const KILLED_FOLDER: &str = "CANARYTRACE_TEST_CARRIED_FOLDER";
const NAME: &str = "what_the_log_carries_on_survives_a_kill";

fn open(folder: &Path) -> Store {
    let folder = folder.to_owned();
    Store::open(&StoreConfig { folder }).unwrap()
}

fn item(operation: BulkOperation, index: &str, id: usize, source: &Value) -> BulkItem {
    BulkItem {
        operation,
        index: index.to_owned(),
        id: Some(id.to_string()),
        if_seq_no: None,
        source: Bytes::from(source.to_string()),
    }
}

async fn write(store: &Store, items: Vec<BulkItem>) {
    for result in store.bulk(items, Refresh::Later).await.unwrap() {
        result.outcome.unwrap();
    }
}

/// The numbers of the log's segments.
fn segments(folder: &Path) -> Vec<u64> {
    let files = fs::read_dir(folder.join("log")).unwrap().flatten();
    let number = |file: fs::DirEntry| file.path().file_stem()?.to_str()?.parse().ok();
    files.filter_map(number).collect()
}

/// Little in one index, and in another so much that the log is cut; then ends as a kill does.
async fn write_and_die(folder: &Path) -> ! {
    let store = open(folder);
    let mapping = json!({"mappings": {"properties": {"filler": {"type": "text", "index": false}}}});
    store.create_index("large", mapping).await.unwrap();
    let few = (0..20).map(|id| item(BulkOperation::Index, "small", id, &json!({"n": id})));
    write(&store, few.collect()).await;
    let changes = vec![
        item(BulkOperation::Index, "small", 3, &json!({"n": "33"})),
        item(BulkOperation::Delete, "small", 4, &json!({})),
    ];
    write(&store, changes).await;
    let first = segments(folder);
    let filler = json!({"filler": "x".repeat(1 << 20)});
    for id in 0.. {
        write(
            &store,
            vec![item(BulkOperation::Index, "large", id, &filler)],
        )
        .await;
        let now = segments(folder);
        if now.len() == 1 && now != first {
            // What comes after the cut is in the log, too.
            let last = item(BulkOperation::Index, "small", 99, &json!({"n": id}));
            write(&store, vec![last]).await;
            break;
        }
    }
    std::process::abort()
}

async fn total(store: &Store, index: &str) -> u64 {
    let target = IndexTarget::new(index);
    store.refresh(&target).await.unwrap();
    let request = SearchRequest::parse(json!({"size": 0, "track_total_hits": true})).unwrap();
    let answer = store.search(&target, request).await.unwrap();
    answer.total.unwrap().value
}

#[tokio::test]
async fn what_the_log_carries_on_survives_a_kill() {
    if let Some(folder) = std::env::var_os(KILLED_FOLDER) {
        write_and_die(Path::new(&folder)).await;
    }
    let folder = tempfile::tempdir().unwrap();
    let killed = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", NAME])
        .env(KILLED_FOLDER, folder.path())
        .output()
        .unwrap();
    assert_eq!(killed.status.code(), None, "{killed:?}");
    // Nothing of the small index was made into a segment.
    let files = fs::read_dir(folder.path().join("indices/small")).unwrap();
    let mut names = files.flatten().map(|file| file.path());
    assert!(!names.any(|path| path.extension().is_some_and(|own| own == "store")));
    let recovered = open(folder.path());
    assert_eq!(total(&recovered, "small").await, 20);
    assert!(total(&recovered, "large").await > 10);
    let changed = recovered.get("small", "3").await.unwrap().unwrap();
    assert_eq!((changed.source, changed.version), (json!({"n": "33"}), 2));
    assert_eq!(recovered.get("small", "4").await.unwrap(), None);
    assert!(recovered.get("small", "99").await.unwrap().is_some());
}
