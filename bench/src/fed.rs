//! Telemetry that ends now, made up and sent to a store.

use std::io::Write;

use anyhow::{Result, bail};
use canarytrace_e2e::{alerts::NDJSON, request};
use canarytrace_history::{History, Plan};
use canarytrace_model::time::Moment;
use serde_json::json;

const DAY_MS: i64 = 86_400_000;
const BATCH_BYTES: usize = 8 << 20;

/// About so many documents of the last days; answers how many.
pub(crate) fn recent(store: &str, documents: u64, days: u32, monitors: usize) -> Result<u64> {
    let runs =
        documents / canarytrace_history::DOCUMENTS_PER_RUN / monitors as u64 / u64::from(days);
    let plan = Plan {
        seed: 3,
        from: Moment::from_epoch_ms(Moment::now().epoch_ms() - DAY_MS * i64::from(days)),
        days,
        monitors,
        interval_s: u32::try_from(86_400 / runs.clamp(1, 86_400)).unwrap_or(60),
    };
    let (mut body, mut count) = (Vec::new(), 0);
    for document in History::new(plan).flatten() {
        let action = json!({"create": {"_index": document.index, "_id": document.id}});
        writeln!(body, "{action}")?;
        body.extend_from_slice(&document.source);
        body.push(b'\n');
        count += 1;
        if body.len() > BATCH_BYTES {
            post(store, &mut body)?;
        }
    }
    post(store, &mut body)?;
    request("POST", &format!("{store}/_refresh"), &[], "");
    Ok(count)
}

fn post(store: &str, body: &mut Vec<u8>) -> Result<()> {
    let text = String::from_utf8(std::mem::take(body))?;
    let (status, answer) = request("POST", &format!("{store}/_bulk"), NDJSON, &text);
    if status != 200 {
        bail!("{status}: {answer}");
    }
    Ok(())
}
