//! The store is killed at random moments while it is written to: what was acknowledged is there afterwards, once.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use canarytrace_history::Random;
use serde_json::{Value, json};

use crate::{Server, request};

const BATCH: u64 = 20;
const WRITERS: usize = 3;
/// Every so many kills all documents are looked at.
const WHOLE: u64 = 50;
const PAGE: usize = 10_000;

#[derive(Default)]
struct Known {
    acknowledged: BTreeSet<u64>,
    sent: u64,
}

/// What so many kills have shown.
#[derive(Debug)]
pub struct Report {
    /// Kills after something was acknowledged.
    pub under_load: u64,
    pub acknowledged: usize,
    pub sent: u64,
}

/// Panics with what was lost, or was there twice.
pub fn kill_store(count: u64, seed: u64) -> Report {
    rustls::crypto::ring::default_provider()
        .install_default()
        .ok();
    let data = tempfile::tempdir().unwrap();
    let known = Arc::new(Mutex::new(Known::default()));
    let next = Arc::new(AtomicU64::new(0));
    let mut random = Random::new(seed);
    let mut under_load = 0;
    for number in 0..count {
        let server = Server::start(data.path(), &["--only", "store"]);
        let ends = Arc::new(AtomicBool::new(false));
        let before = known
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .acknowledged
            .len();
        let writers: Vec<_> = (0..WRITERS)
            .map(|_| {
                let (url, ends) = (server.url.clone(), Arc::clone(&ends));
                let (known, next) = (Arc::clone(&known), Arc::clone(&next));
                std::thread::spawn(move || write(&url, &ends, &next, &known))
            })
            .collect();
        let wait = Duration::from_millis(20 + random.below(700));
        // One in four dies while it makes segments for a search.
        if random.chance(0.25) {
            request("POST", &format!("{}/_refresh", server.url), &[], "");
        }
        std::thread::park_timeout(wait);
        server.kill();
        ends.store(true, Ordering::Relaxed);
        for writer in writers {
            writer.join().unwrap();
        }
        let known = known.lock().unwrap_or_else(PoisonError::into_inner);
        under_load += u64::from(known.acknowledged.len() > before);
        if number % WHOLE == WHOLE - 1 || number + 1 == count {
            let server = Server::start(data.path(), &["--only", "store"]);
            let found = all(&server.url);
            let kept: BTreeSet<u64> = found.iter().copied().collect();
            let lost = known.acknowledged.difference(&kept).count();
            assert!(
                lost == 0,
                "after {} kills {lost} acknowledged documents are lost",
                number + 1
            );
            assert!(
                kept.len() == found.len(),
                "after {} kills documents are there twice",
                number + 1
            );
            assert!(
                kept.len() as u64 <= known.sent,
                "documents that nobody sent"
            );
            server.stop();
        }
    }
    let known = known.lock().unwrap_or_else(PoisonError::into_inner);
    Report {
        under_load,
        acknowledged: known.acknowledged.len(),
        sent: known.sent,
    }
}

/// Sends batches until the server is gone.
fn write(url: &str, ends: &AtomicBool, next: &AtomicU64, known: &Mutex<Known>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let client = reqwest::Client::new();
    while !ends.load(Ordering::Relaxed) {
        let first = next.fetch_add(BATCH, Ordering::Relaxed);
        let body: String = (first..first + BATCH)
            .map(|id| {
                let index = format!("kills-{}", id % 3);
                let action = json!({"create": {"_index": index, "_id": id.to_string()}});
                format!(
                    "{action}\n{}\n",
                    json!({"number": id, "text": format!("document {id}")})
                )
            })
            .collect();
        known.lock().unwrap_or_else(PoisonError::into_inner).sent += BATCH;
        let sent = runtime.block_on(async {
            let request = client
                .post(format!("{url}/_bulk"))
                .header("content-type", "application/x-ndjson");
            request.body(body).send().await?.json::<Value>().await
        });
        let Ok(answer) = sent else { return };
        assert!(
            answer["errors"] == false,
            "a document was refused: {answer}"
        );
        let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
        known.acknowledged.extend(first..first + BATCH);
    }
}

/// The numbers of all documents, as they lie in the indices.
fn all(url: &str) -> Vec<u64> {
    request("POST", &format!("{url}/_refresh"), &[], "");
    let headers = [("content-type", "application/json")];
    let ask = |path: &str, body: Value| {
        let url = format!("{url}{path}");
        let (status, answer) = request("POST", &url, &headers, &body.to_string());
        assert!(status == 200, "{answer}");
        answer
    };
    let first = json!({"size": PAGE, "sort": ["_doc"], "_source": false});
    let mut answer = ask("/kills-*/_search?scroll=5m", first);
    let mut found = Vec::new();
    loop {
        let hits = answer["hits"]["hits"].as_array();
        let ids = hits.into_iter().flatten().map(|hit| &hit["_id"]);
        let before = found.len();
        found.extend(ids.filter_map(|id| id.as_str()?.parse::<u64>().ok()));
        if found.len() == before {
            return found;
        }
        let next = json!({"scroll": "5m", "scroll_id": answer["_scroll_id"]});
        answer = ask("/_search/scroll", next);
    }
}
