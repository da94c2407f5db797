//! Bodies of responses for the archive: only texts, fetched when the page has loaded.

use std::time::{Duration, Instant};

use canarytrace_driver::devtools::Caller;
use canarytrace_evidence::ResponseBody;

use crate::collect::network::Exchange;

/// Of one body, characters.
const MAX_BODY: usize = 256 << 10;
/// Of one run, bytes.
pub(crate) const MAX_RUN: usize = 16 << 20;
/// Of one step.
const LIMIT: Duration = Duration::from_secs(5);
const CALL_LIMIT: Duration = Duration::from_secs(2);

/// The texts that the browser still has of `exchanges`; takes their size from `left`.
pub(crate) async fn fetch(
    caller: &Caller,
    exchanges: &[Exchange],
    left: &mut usize,
) -> Vec<ResponseBody> {
    let until = Instant::now() + LIMIT;
    let mut bodies = Vec::new();
    for exchange in exchanges.iter().filter(|exchange| has_text(exchange)) {
        if *left == 0 || Instant::now() > until {
            break;
        }
        let session = exchange.request.session.as_deref();
        let id = &exchange.request.request_id;
        let Some(text) = caller.response_text(session, id, CALL_LIMIT).await else {
            continue;
        };
        let limit = MAX_BODY.min(*left);
        let body = ResponseBody {
            request_id: id.clone(),
            size: text.len(),
            text: text.chars().take(limit).collect(),
        };
        *left = left.saturating_sub(body.text.len());
        bodies.push(body);
    }
    bodies
}

fn has_text(exchange: &Exchange) -> bool {
    const TEXTS: [&str; 5] = [
        "json",
        "xml",
        "javascript",
        "ecmascript",
        "x-www-form-urlencoded",
    ];
    let Some(response) = exchange
        .response
        .as_ref()
        .filter(|_| exchange.finished.is_some())
    else {
        return false;
    };
    let kind = response.mime_type.to_lowercase();
    // An event stream has no end, and its body is not kept.
    let is_text = kind.starts_with("text/") && kind != "text/event-stream";
    is_text || TEXTS.iter().any(|text| kind.contains(text))
}
