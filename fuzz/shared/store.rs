//! A store for fuzz targets, and for the test that replays what they found.

use std::sync::LazyLock;

use bytes::Bytes;
use canarytrace_es::{IndexTarget, Refresh, SearchRequest, SearchService, bulk};
use canarytrace_store::{Store, StoreConfig};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

struct Filled {
    store: Store,
    runtime: Runtime,
    _folder: TempDir,
}

/// With one index of documents in which something is odd each.
static FILLED: LazyLock<Filled> = LazyLock::new(|| {
    let folder = tempfile::tempdir().expect("a folder for the store");
    let runtime = Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime");
    let store = runtime.block_on(async {
        let store = Store::open(&StoreConfig {
            folder: folder.path().to_owned(),
        });
        let store = store.expect("an empty store opens");
        store
            .create_index("odd", mapping())
            .await
            .expect("the index is made");
        write(&store, "odd", DOCUMENTS).await;
        store
    });
    Filled {
        store,
        runtime,
        _folder: folder,
    }
});

fn mapping() -> Value {
    json!({"mappings": {"properties": {
        "k": {"type": "keyword"}, "t": {"type": "text"}, "n": {"type": "long"}, "d": {"type": "double"},
        "b": {"type": "boolean"}, "at": {"type": "date"}, "ip": {"type": "ip"}, "tree": {"type": "flattened"},
        "other": {"type": "alias", "path": "k"}, "s": {"type": "scaled_float", "scaling_factor": 100},
    }}})
}

const DOCUMENTS: &str = r#"{"k":"a","t":"the quick brown fox","n":1,"d":0.5,"b":true,"at":"2026-03-29T00:59:59Z","ip":"10.0.0.1","s":1.25}
{"k":["a","b"],"t":"Größe 😀","n":[2,-9223372036854775808],"d":-1e300,"b":false,"at":"2026-03-29T01:00:00Z","ip":"::1"}
{"k":"","t":"","n":9223372036854775807,"d":1e300,"at":"1969-12-31T23:59:59.999Z","tree":{"x":{"y":"z"}}}
{"k":"c","at":["2026-10-25T00:30:00Z","2026-10-25T01:30:00Z"],"n":0,"d":-0.0,"s":-0.01}
{"t":["fox fox","lazy dog"],"ip":["10.0.0.1","192.168.0.1"],"b":[true,false]}
{"at":"9999-12-31T23:59:59Z","n":3}
{"at":"0001-01-01T00:00:00Z","n":4,"k":"a"}
{}
"#;

async fn write(store: &Store, index: &str, documents: &str) {
    let mut body = String::new();
    for document in documents.lines() {
        body.push_str("{\"index\":{}}\n");
        body.push_str(document);
        body.push('\n');
    }
    if let Ok(items) = bulk::parse(&Bytes::from(body), Some(index)) {
        let results = store.bulk(items, Refresh::Now).await;
        for result in results.expect("the store takes documents") {
            if let Err(error) = result.outcome {
                assert_ne!(error.status, 500, "{error}");
            }
        }
    }
}

/// A search body from anybody; whether it was answered rather than refused.
pub(crate) fn search(text: &str) -> bool {
    let request = serde_json::from_str(text).map(SearchRequest::parse);
    let Ok(Ok(request)) = request else {
        return false;
    };
    let Filled { store, runtime, .. } = &*FILLED;
    match runtime.block_on(store.search(&IndexTarget::new("odd"), request)) {
        Ok(answer) => !answer.into_json().to_string().is_empty(),
        Err(error) => {
            assert_ne!(error.status, 500, "{error}");
            false
        }
    }
}

/// A mapping in the first line, documents in the others; whether the mapping was taken and a document with it.
pub(crate) fn fill(text: &str) -> bool {
    let (mapping, documents) = text.split_once('\n').unwrap_or((text, ""));
    let Ok(mapping) = serde_json::from_str::<Value>(mapping) else {
        return false;
    };
    let Filled { store, runtime, .. } = &*FILLED;
    runtime.block_on(async {
        let body = json!({"mappings": mapping});
        if let Err(error) = store.create_index("made", body).await {
            assert_ne!(error.status, 500, "{error}");
            return false;
        }
        write(store, "made", documents).await;
        let target = IndexTarget::new("made");
        let everything = SearchRequest::parse(json!({"fields": ["*"], "sort": ["_doc"]}));
        let everything = everything.expect("a search for everything");
        let found = store.search(&target, everything).await;
        let found = found.expect("whatever was indexed is found");
        let deleted = store.delete_indices(&target).await;
        deleted.expect("an index is deleted");
        !found.hits.is_empty()
    })
}
