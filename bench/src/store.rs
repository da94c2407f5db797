//! The store: documents indexed and searchable, by wall time and by CPU second.

use std::time::Instant;

use anyhow::Result;
use bytes::Bytes;
use canarytrace_es::{
    IndexTarget, Refresh, SearchRequest, SearchService,
    bulk::{BulkItem, BulkOperation},
};
use canarytrace_process::self_usage;
use canarytrace_store::{Store, StoreConfig};
use serde_json::json;

const DOCUMENTS: u64 = 20_000;
const BATCH: u64 = 500;

pub(crate) async fn bench() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let store = Store::open(&StoreConfig {
        folder: folder.path().to_owned(),
    })?;
    let (started, before) = (Instant::now(), self_usage().cpu_s);
    let mut bytes = 0;
    for start in (0..DOCUMENTS).step_by(BATCH.try_into()?) {
        let items: Vec<BulkItem> = (start..start + BATCH).map(item).collect();
        bytes += items.iter().map(|item| item.source.len()).sum::<usize>();
        store.bulk(items, Refresh::Later).await?;
    }
    store.refresh(&IndexTarget::new("*")).await?;
    let (wall, cpu) = (started.elapsed().as_secs_f64(), self_usage().cpu_s - before);
    let count = DOCUMENTS as f64;
    println!(
        "store, {DOCUMENTS} documents ({:.1} MB), durable and searchable",
        bytes as f64 / 1e6
    );
    println!(
        "  indexing  {:.0} documents/s of wall time, {:.0} documents per CPU second",
        count / wall,
        count / cpu
    );
    let body = json!({"size": 10, "sort": [{"timestamp": "desc"}], "query": {"term": {"response.status": "404"}}, "aggs": {
        "hours": {"date_histogram": {"field": "timestamp", "fixed_interval": "1h"}, "aggs": {
            "hosts": {"terms": {"field": "context.keyword"}, "aggs": {"p": {"percentiles": {"field": "har.time"}}}}}}}});
    let mut times = Vec::new();
    for _ in 0..20 {
        let started = Instant::now();
        store
            .search(
                &IndexTarget::new("c.*"),
                SearchRequest::parse(body.clone())?,
            )
            .await?;
        times.push(started.elapsed().as_secs_f64() * 1000.0);
    }
    println!(
        "  searching {:.1} ms: term, sort, date_histogram with terms with percentiles (median of 20)",
        crate::median(times)
    );
    println!(
        "  memory    {:.0} MiB peak",
        self_usage().peak_rss_bytes as f64 / f64::from(1 << 20)
    );
    store.close().await?;
    Ok(())
}

fn item(number: u64) -> BulkItem {
    let source = json!({
        "uuid": format!("{:032x}", number / 40), "uuidAction": format!("{number:020x}"), "monitor": "shop", "spec": "smoke.js",
        "labels": ["mode=smoke", "engine=wdio"], "timestamp": 1_795_341_600_000_u64 + number * 900, "sequence": number % 40,
        "url": format!("https://shop.example/assets/{}.js?v={number}", number % 97), "context": format!("Smoke https://shop.example/{}", number % 7),
        "request": {"method": "GET", "type": "Script", "headers": {"accept": "*/*", "user-agent": "Mozilla/5.0 Chrome/156"}},
        "response": {"status": if number.is_multiple_of(50) { "404" } else { "200" }, "mimeType": "text/javascript", "headers": {"content-type": "text/javascript", "cache-control": "max-age=60"}},
        "har": {"time": (number % 500) as f64 + 0.5, "wait": (number % 300) as f64},
    });
    BulkItem {
        operation: BulkOperation::Create,
        index: "c.request-log-2026.11.22".to_owned(),
        id: Some(format!("id-{number:08}")),
        if_seq_no: None,
        source: Bytes::from(source.to_string()),
    }
}
