//! The store through its public face.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use bytes::Bytes;
use canarytrace_es::{
    Engine, IndexTarget, IndexTemplate, Refresh, SearchRequest, SearchService,
    bulk::{BulkItem, BulkItemResult, BulkOperation},
    query::Query,
};
use canarytrace_store::{Store, StoreConfig};
use serde_json::{Value, json};

fn open(folder: &std::path::Path) -> Store {
    Store::open(&StoreConfig {
        folder: folder.to_owned(),
    })
    .unwrap()
}

fn item(operation: BulkOperation, id: &str, source: &Value) -> BulkItem {
    BulkItem {
        operation,
        index: "c.test-2026.11.22".to_owned(),
        id: Some(id.to_owned()),
        if_seq_no: None,
        source: Bytes::from(source.to_string()),
    }
}

async fn put(store: &Store, documents: &[Value]) -> Vec<BulkItemResult> {
    let items = documents
        .iter()
        .enumerate()
        .map(|(number, document)| item(BulkOperation::Index, &number.to_string(), document))
        .collect();
    store.bulk(items, Refresh::Now).await.unwrap()
}

async fn search(store: &Store, body: Value) -> Value {
    let request = SearchRequest::parse(body).unwrap();
    store
        .search(&IndexTarget::new("c.test-*"), request)
        .await
        .unwrap()
        .into_json()
}

/// The ids that a query finds, sorted.
async fn ids(store: &Store, query: Value) -> Vec<String> {
    let answer = search(
        store,
        json!({"query": query, "size": 1000, "sort": ["_doc"]}),
    )
    .await;
    let mut ids: Vec<String> = answer["hits"]["hits"]
        .as_array()
        .unwrap()
        .iter()
        .map(|hit| hit["_id"].as_str().unwrap().to_owned())
        .collect();
    ids.sort();
    ids
}

fn shop() -> Vec<Value> {
    vec![
        json!({"name": "https://h/site.css", "text": "The quick brown fox", "n": 5, "f": 1.5, "ok": true, "at": "2026-11-22T10:00:00.000Z", "tags": ["a", "b"], "o": {"x": 1}}),
        json!({"name": "https://h/app.js", "text": "Quick foxes jump", "n": 50, "f": -2.25, "ok": false, "at": "2026-11-22T11:30:00.000Z", "tags": ["b"]}),
        json!({"name": "other", "text": "nothing of the kind", "n": 500, "ok": true, "at": "2026-11-23T00:00:00.000Z", "tags": []}),
    ]
}

#[tokio::test]
async fn queries_find_what_elasticsearch_finds() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    put(&store, &shop()).await;
    let checks = [
        (json!({"match_all": {}}), "012"),
        (json!({"term": {"name.keyword": "other"}}), "2"),
        (json!({"term": {"n": 50}}), "1"),
        (json!({"term": {"n": "50"}}), "1"),
        (json!({"term": {"f": 1.5}}), "0"),
        (json!({"term": {"ok": false}}), "1"),
        (json!({"terms": {"tags.keyword": ["a", "z"]}}), "0"),
        (json!({"match": {"text": "QUICK kind"}}), "012"),
        (
            json!({"match": {"text": {"query": "quick fox", "operator": "and"}}}),
            "0",
        ),
        (json!({"match_phrase": {"text": "quick brown"}}), "0"),
        (json!({"match_phrase": {"text": "brown quick"}}), ""),
        (json!({"range": {"n": {"gt": 5, "lte": 500}}}), "12"),
        (json!({"range": {"f": {"lt": 0}}}), "1"),
        (
            json!({"range": {"at": {"gte": "2026-11-22", "lt": "2026-11-22||+1d"}}}),
            "01",
        ),
        (json!({"range": {"at": {"lte": "2026-11-22"}}}), "01"),
        (json!({"range": {"at": {"gt": "2026-11-22T10"}}}), "12"),
        (json!({"exists": {"field": "f"}}), "01"),
        (json!({"exists": {"field": "tags"}}), "01"),
        (json!({"exists": {"field": "o"}}), "0"),
        (json!({"wildcard": {"name.keyword": "*css"}}), "0"),
        (json!({"prefix": {"name.keyword": "https://"}}), "01"),
        (json!({"ids": {"values": ["0", "2", "9"]}}), "02"),
        (json!({"bool": {"must_not": [{"term": {"ok": true}}]}}), "1"),
        (
            json!({"bool": {"should": [{"term": {"n": 5}}, {"term": {"n": 500}}], "minimum_should_match": 1, "filter": [{"term": {"ok": true}}]}}),
            "02",
        ),
        (
            json!({"bool": {"filter": [{"match_all": {}}], "should": [{"term": {"n": 5}}]}}),
            "012",
        ),
        (
            json!({"query_string": {"query": "ok:true AND n:>=500"}}),
            "2",
        ),
        (json!({"query_string": {"query": "brown"}}), "0"),
        (json!({"query_string": {"query": "NOT ok:true"}}), "1"),
        (json!({"term": {"missing": 1}}), ""),
    ];
    for (query, expected) in checks {
        assert_eq!(
            ids(&store, query.clone()).await.concat(),
            expected,
            "{query}"
        );
    }
    store.close().await.unwrap();
}

#[tokio::test]
async fn what_is_not_supported_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    put(&store, &shop()).await;
    let parsed = [
        json!({"query": {"more_like_this": {"a": "b"}}}),
        json!({"aggs": {"a": {"geo_bounds": {"field": "x"}}}}),
        json!({"query": {"term": {"a": 1, "b": 2}}}),
        json!({"suggest": {}}),
    ];
    for body in parsed {
        assert_eq!(
            SearchRequest::parse(body.clone()).unwrap_err().status,
            400,
            "{body}"
        );
    }
    let run = [
        json!({"sort": ["text"]}),
        json!({"sort": ["nowhere"]}),
        json!({"aggs": {"a": {"terms": {"field": "text"}}}}),
        json!({"query": {"range": {"at": {"gt": "soon"}}}}),
        json!({"query": {"term": {"n": "many"}}}),
    ];
    for body in run {
        let request = SearchRequest::parse(body.clone()).unwrap();
        let error = store
            .search(&IndexTarget::new("c.test-*"), request)
            .await
            .unwrap_err();
        assert_eq!(error.status, 400, "{body}: {error}");
    }
}

#[tokio::test]
async fn sorting_paging_and_search_after() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    put(&store, &shop()).await;
    let page = async |body: Value| -> Vec<(String, Value)> {
        let answer = search(&store, body).await;
        answer["hits"]["hits"]
            .as_array()
            .unwrap()
            .iter()
            .map(|hit| (hit["_id"].as_str().unwrap().to_owned(), hit["sort"].clone()))
            .collect()
    };
    let by_name = page(json!({"sort": [{"name.keyword": "desc"}], "_source": false})).await;
    assert_eq!(
        by_name
            .iter()
            .map(|(id, _)| id.as_str())
            .collect::<String>(),
        "201"
    );
    let by_f = page(json!({"sort": [{"f": {"order": "asc"}}, "n"]})).await;
    assert_eq!(
        by_f,
        [
            ("1".to_owned(), json!([-2.25, 50])),
            ("0".to_owned(), json!([1.5, 5])),
            ("2".to_owned(), json!(["Infinity", 500]))
        ]
    );
    let after =
        page(json!({"sort": [{"at": "asc"}], "size": 1, "search_after": [1_795_341_600_000_i64]}))
            .await;
    assert_eq!(after, [("1".to_owned(), json!([1_795_347_000_000_i64]))]);
    let after = page(
        json!({"sort": [{"name.keyword": "asc"}], "size": 1, "search_after": ["https://h/b"]}),
    )
    .await;
    assert_eq!(after[0].0, "0");
    assert_eq!(
        page(json!({"sort": ["n"], "from": 1, "size": 1})).await[0].0,
        "1"
    );
}

#[tokio::test]
async fn aggregations_nest() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    put(&store, &shop()).await;
    let answer = search(&store, json!({"size": 0, "aggs": {
        "by_day": {"date_histogram": {"field": "at", "calendar_interval": "1d"}, "aggs": {"n": {"stats": {"field": "n"}}, "ok": {"terms": {"field": "ok"}}}},
        "hours": {"date_histogram": {"field": "at", "fixed_interval": "1h", "min_doc_count": 1}},
        "tags": {"terms": {"field": "tags.keyword", "order": {"total": "desc"}}, "aggs": {"total": {"sum": {"field": "n"}}}},
        "p": {"percentiles": {"field": "n", "percents": [50, 100]}},
        "c": {"cardinality": {"field": "name.keyword"}},
        "slow": {"filter": {"range": {"n": {"gte": 50}}}, "aggs": {"max": {"max": {"field": "at"}}}},
        "f": {"filters": {"filters": {"ok": {"term": {"ok": true}}}, "other_bucket_key": "rest"}},
        "none": {"avg": {"field": "nowhere"}}
    }})).await;
    let aggs = &answer["aggregations"];
    let days = aggs["by_day"]["buckets"].as_array().unwrap();
    assert_eq!(
        (
            days.len(),
            &days[0]["key_as_string"],
            &days[0]["doc_count"],
            &days[0]["n"]["avg"]
        ),
        (
            2,
            &json!("2026-11-22T00:00:00.000Z"),
            &json!(2),
            &json!(27.5)
        )
    );
    assert_eq!(
        days[0]["ok"]["buckets"][0],
        json!({"key": 0, "key_as_string": "false", "doc_count": 1})
    );
    assert_eq!(aggs["hours"]["buckets"].as_array().unwrap().len(), 3);
    assert_eq!(
        aggs["tags"]["buckets"][0],
        json!({"key": "b", "doc_count": 2, "total": {"value": 55.0}})
    );
    assert_eq!(aggs["p"]["values"], json!({"50.0": 50.0, "100.0": 500.0}));
    assert_eq!(aggs["c"]["value"], 3);
    assert_eq!(
        (
            &aggs["slow"]["doc_count"],
            &aggs["slow"]["max"]["value_as_string"]
        ),
        (&json!(2), &json!("2026-11-23T00:00:00.000Z"))
    );
    assert_eq!(
        aggs["f"]["buckets"],
        json!({"ok": {"doc_count": 2}, "rest": {"doc_count": 1}})
    );
    assert_eq!(aggs["none"]["value"], Value::Null);
}

#[tokio::test]
async fn writes_conflict_as_they_should() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let document = json!({"a": 1});
    let outcome = async |item: BulkItem| {
        store
            .bulk(vec![item], Refresh::Later)
            .await
            .unwrap()
            .remove(0)
    };
    assert_eq!(
        outcome(item(BulkOperation::Create, "1", &document))
            .await
            .status(),
        201
    );
    assert_eq!(
        outcome(item(BulkOperation::Create, "1", &document))
            .await
            .status(),
        409
    );
    let updated = outcome(item(BulkOperation::Index, "1", &json!({"a": 2}))).await;
    assert_eq!(
        (updated.status(), updated.outcome.as_ref().unwrap().version),
        (200, 2)
    );
    let seq_no = updated.outcome.unwrap().seq_no;
    let guarded = |seq_no| BulkItem {
        if_seq_no: Some(seq_no),
        ..item(BulkOperation::Index, "1", &json!({"a": 3}))
    };
    assert_eq!(outcome(guarded(seq_no + 7)).await.status(), 409);
    assert_eq!(outcome(guarded(seq_no)).await.status(), 200);
    assert_eq!(
        store
            .get("c.test-2026.11.22", "1")
            .await
            .unwrap()
            .unwrap()
            .source,
        json!({"a": 3})
    );
    assert_eq!(
        outcome(item(BulkOperation::Delete, "1", &document))
            .await
            .status(),
        200
    );
    assert_eq!(
        outcome(item(BulkOperation::Delete, "1", &document))
            .await
            .status(),
        404
    );
    assert!(store.get("c.test-2026.11.22", "1").await.unwrap().is_none());
    assert_eq!(
        outcome(item(BulkOperation::Create, "1", &document))
            .await
            .status(),
        201
    );
    let bad = outcome(item(BulkOperation::Index, "2", &json!({"a": "text"}))).await;
    assert!(bad.outcome.unwrap_err().reason.contains("[a]"));
    let twice = store
        .bulk(
            vec![
                item(BulkOperation::Create, "3", &document),
                item(BulkOperation::Create, "3", &document),
            ],
            Refresh::Now,
        )
        .await
        .unwrap();
    assert_eq!(
        twice.iter().map(BulkItemResult::status).collect::<Vec<_>>(),
        [201, 409]
    );
    assert_eq!(ids(&store, json!({"match_all": {}})).await.concat(), "13");
}

#[tokio::test]
async fn what_is_published_is_known_however_much_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let create = |from: usize, to: usize| -> Vec<BulkItem> {
        let one = |id: usize| item(BulkOperation::Create, &id.to_string(), &json!({"n": id}));
        (from..to).map(one).collect()
    };
    for part in 0..6 {
        let items = create(part * 700, (part + 1) * 700);
        let created = store.bulk(items, Refresh::Now).await.unwrap();
        assert!(created.iter().all(|item| item.outcome.is_ok()), "{part}");
    }
    let again = store.bulk(create(0, 4200), Refresh::Now).await.unwrap();
    for item in again {
        assert_eq!(item.outcome.unwrap_err().status, 409, "{}", item.id);
    }
    let request = json!({"size": 0, "track_total_hits": true});
    assert_eq!(
        search(&store, request).await["hits"]["total"]["value"],
        4200
    );
}

/// Names the folder in the process that is to be killed.
const KILLED_FOLDER: &str = "CANARYTRACE_TEST_KILLED_FOLDER";

/// Writes, then ends as a kill does: no destructor runs, no thread finishes.
async fn write_and_die(folder: &std::path::Path) -> ! {
    let store = open(folder);
    let template = json!({"index_patterns": ["c.test-*"], "priority": 1, "template": {"mappings": {"properties": {"name": {"type": "keyword"}}}}});
    store
        .put_template(IndexTemplate {
            name: "c.test".to_owned(),
            body: template,
        })
        .await
        .unwrap();
    put(&store, &shop()).await;
    store
        .bulk(
            vec![
                item(BulkOperation::Index, "late", &json!({"name": "late"})),
                item(BulkOperation::Delete, "0", &json!({})),
                item(BulkOperation::Index, "1", &json!({"name": "new"})),
            ],
            Refresh::Later,
        )
        .await
        .unwrap();
    std::process::abort()
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "the test starts itself again")]
async fn a_store_that_was_not_closed_has_everything() {
    if let Some(folder) = std::env::var_os(KILLED_FOLDER) {
        write_and_die(std::path::Path::new(&folder)).await;
    }
    let folder = tempfile::tempdir().unwrap();
    let killed = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "a_store_that_was_not_closed_has_everything"])
        .env(KILLED_FOLDER, folder.path())
        .output()
        .unwrap();
    assert_eq!(killed.status.code(), None, "{killed:?}");
    let recovered = open(folder.path());
    assert_eq!(
        ids(&recovered, json!({"match_all": {}})).await,
        ["1", "2", "late"]
    );
    assert_eq!(
        ids(&recovered, json!({"term": {"name": "new"}})).await,
        ["1"]
    );
    let mappings = recovered.mappings(&IndexTarget::new("*")).await.unwrap();
    assert_eq!(
        mappings["c.test-2026.11.22"]["mappings"]["properties"]["name"],
        json!({"type": "keyword"})
    );
    recovered.close().await.unwrap();
    let again = open(folder.path());
    assert_eq!(
        ids(&again, json!({"match_all": {}})).await,
        ["1", "2", "late"]
    );
    assert!(
        Store::open(&StoreConfig {
            folder: folder.path().to_owned()
        })
        .unwrap_err()
        .to_string()
        .contains("used by another process")
    );
}

#[tokio::test]
async fn deleted_indices_stay_deleted_and_names_are_checked() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    put(&store, &shop()).await;
    assert_eq!(
        store
            .delete_indices(&IndexTarget::new("c.test-*"))
            .await
            .unwrap(),
        ["c.test-2026.11.22"]
    );
    store.close().await.unwrap();
    let store = open(folder.path());
    assert!(
        store
            .indices(&IndexTarget::new("*"))
            .await
            .unwrap()
            .is_empty()
    );
    for name in ["../evil", "Upper", "_x", "a b", ""] {
        assert_eq!(
            store
                .create_index(name, json!({}))
                .await
                .unwrap_err()
                .status,
            400,
            "{name}"
        );
    }
}

#[tokio::test]
async fn a_mapping_says_what_becomes_of_unknown_fields() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    for dynamic in [json!(false), json!("strict")] {
        let name = format!("c.test-{}", dynamic.as_str().unwrap_or("ignored"));
        let mappings = json!({"dynamic": dynamic, "properties": {"known": {"type": "keyword"}}});
        store
            .create_index(&name, json!({"mappings": mappings}))
            .await
            .unwrap();
        let mut write = item(
            BulkOperation::Index,
            "1",
            &json!({"known": "a", "other": {"deep": 1}}),
        );
        write.index = name.clone();
        let results = store.bulk(vec![write], Refresh::Now).await.unwrap();
        assert_eq!(results[0].outcome.is_ok(), dynamic == false, "{results:?}");
    }
    assert_eq!(ids(&store, json!({"term": {"known": "a"}})).await, ["1"]);
    assert!(
        ids(&store, json!({"exists": {"field": "other.deep"}}))
            .await
            .is_empty()
    );
    let reopened = store.mappings(&IndexTarget::new("c.test-ignored")).await;
    assert_eq!(
        reopened.unwrap()["c.test-ignored"]["mappings"]["dynamic"],
        "false"
    );
    store.close().await.unwrap();
}

#[tokio::test]
async fn updates_stay_single_while_segments_are_merged() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let target = IndexTarget::new("kept");
    for round in 0..60 {
        let items = (0..30).map(|id| BulkItem {
            operation: BulkOperation::Index,
            index: "kept".to_owned(),
            id: Some(id.to_string()),
            if_seq_no: None,
            source: Bytes::from(json!({"round": round}).to_string()),
        });
        store.bulk(items.collect(), Refresh::Now).await.unwrap();
        let all = store
            .count(&target, Query::MatchAll, json!({}))
            .await
            .unwrap();
        assert_eq!(all, 30, "round {round}");
        let body = json!({"query": {"term": {"round": round}}});
        let found = store
            .search(&target, SearchRequest::parse(body).unwrap())
            .await
            .unwrap();
        assert_eq!(found.total.unwrap().value, 30, "round {round}");
    }
}

#[tokio::test]
async fn an_index_that_was_deleted_does_not_keep_the_log_from_being_cut() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    put(&store, &[json!({"a": 1})]).await;
    put(&store, &[json!({"a": 2})]).await;
    let target = IndexTarget::new("c.test-2026.11.22");
    store.delete_indices(&target).await.unwrap();
    put(&store, &[json!({"a": 3})]).await;
    store.delete_indices(&target).await.unwrap();
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    let logged = || -> u64 {
        let files = std::fs::read_dir(folder.path().join("log")).unwrap();
        files
            .flatten()
            .map(|file| file.metadata().map_or(0, |data| data.len()))
            .sum()
    };
    while logged() > 0 {
        assert!(std::time::Instant::now() < deadline, "the log is never cut");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn persistent_settings_outlive_a_start_and_transient_ones_do_not() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let name = "action.destructive_requires_name";
    let both = json!({"persistent": {name: false}, "transient": {name: true}});
    store.put_cluster_settings(both).await.unwrap();
    let refused = json!({"persistent": {name: null}, "transient": {"no.such": 1}});
    store.put_cluster_settings(refused).await.unwrap_err();
    let set = store.cluster_settings();
    assert_eq!(set.destructive_requires_name(), Some(true));
    store.close().await.unwrap();
    drop(store);
    let set = open(folder.path()).cluster_settings();
    assert_eq!(
        set.to_json(true),
        json!({"persistent": {name: "false"}, "transient": {}})
    );
}

#[tokio::test]
async fn what_would_take_too_much_memory_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let mapping =
        json!({"mappings": {"properties": {"large": {"type": "object", "enabled": false}}}});
    store
        .create_index("c.test-2026.11.22", mapping)
        .await
        .unwrap();
    // Pairs of their values are more buckets than one answer may have.
    let values: Vec<u32> = (0..300).collect();
    let large = "x".repeat(1 << 20);
    let documents = vec![json!({"large": {"text": large}, "a": values, "b": values}); 100];
    put(&store, &documents).await;
    let asked = |body: Value| {
        let request = SearchRequest::parse(body).unwrap();
        let store = &store;
        async move { store.search(&IndexTarget::new("c.test-*"), request).await }
    };
    let error = asked(json!({"size": 100})).await.unwrap_err();
    assert_eq!(
        (error.status, &*error.kind),
        (429, "circuit_breaking_exception")
    );
    let parts = asked(json!({"size": 100, "_source": ["b"]})).await.unwrap();
    assert_eq!(parts.hits.len(), 100);
    let pairs = |size: usize| {
        let inner = json!({"b": {"terms": {"field": "b", "size": size}}});
        json!({"size": 0, "aggs": {"a": {"terms": {"field": "a", "size": size}, "aggs": inner}}})
    };
    let error = asked(pairs(300)).await.unwrap_err();
    assert_eq!(
        (error.status, &*error.kind),
        (503, "too_many_buckets_exception")
    );
    asked(pairs(200)).await.unwrap();
}
