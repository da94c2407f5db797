//! Gathers what is only asked when a step has failed: the page, the browser's processes, the network beyond it.

use std::time::Duration;

use canarytrace_driver::{
    Browser,
    devtools::{ConsoleEvent, ConsoleKind},
};
use serde_json::{Value, json};

use crate::{
    collect::network::Exchange,
    control::{ask_clock, ask_control, look_up},
    facts::{BrowserFacts, ExceptionFact, PageLook, RequestFact, SLOW_REQUEST_MS, StepFacts},
    party::party,
};

const PAGE: &str = include_str!("js/page.js");
/// A healthy browser answers within milliseconds.
const ANSWER_LIMIT: Duration = Duration::from_secs(2);
const MAX_REQUESTS: usize = 10;
const MAX_EXCEPTIONS: usize = 5;

/// Something is wrong, whatever the judge will make of it.
pub(crate) fn is_failing(facts: &StepFacts) -> bool {
    facts.net_error.is_some()
        || facts.unmet.is_some()
        || facts.deadline.is_some()
        || facts.script.is_some()
        || facts.browser_gone.is_some()
        || facts.status.is_some_and(|status| status > 399)
}

/// Asks the browser and its page, each under a limit.
pub(crate) async fn ask_browser(browser: &Browser, facts: &mut StepFacts) {
    let window = tokio::time::timeout(ANSWER_LIMIT, browser.webdriver.window()).await;
    let window = window.ok().and_then(Result::ok);
    let page = browser
        .devtools
        .evaluate(window.as_deref(), PAGE, ANSWER_LIMIT)
        .await;
    let answers = match &page {
        Ok(_) => true,
        Err(_) => {
            let version = browser.devtools.call("Browser.getVersion", json!({}));
            tokio::time::timeout(ANSWER_LIMIT, version)
                .await
                .is_ok_and(|answer| answer.is_ok())
        }
    };
    facts.browser = Some(BrowserFacts {
        answers,
        page_answers: page.is_ok(),
        stopped: browser.stopped_processes(),
    });
    facts.page = page
        .ok()
        .and_then(|look| serde_json::from_value::<PageLook>(look).ok())
        .filter(|look| look.href.starts_with("http"));
}

/// Asks beyond the browser: only a failure of the network itself needs it.
pub(crate) async fn ask_network(facts: &mut StepFacts, control_url: Option<&str>) {
    if facts.net_error.is_none() && !facts.unanswered {
        return;
    }
    let error = facts.net_error.as_deref().unwrap_or_default();
    let is_name = error.contains("NAME_") || error.contains("DNS_");
    let url = facts.url.clone().unwrap_or_default();
    let is_date = error.contains("CERT_DATE_INVALID");
    let (control, lookup, site_clock_ahead_s) = tokio::join!(
        async {
            match control_url {
                Some(url) => Some(ask_control(url).await),
                None => None,
            }
        },
        async { if is_name { look_up(&url).await } else { None } },
        async { if is_date { ask_clock(&url).await } else { None } }
    );
    facts.site_clock_ahead_s = site_clock_ahead_s;
    facts.control = control;
    facts.lookup = lookup;
}

/// The requests worth naming: failed ones first, then the slowest.
pub(crate) fn request_facts<'a>(
    page: &str,
    exchanges: impl Iterator<Item = &'a Exchange>,
) -> Vec<RequestFact> {
    let mut found: Vec<RequestFact> = exchanges
        .filter_map(|exchange| request_fact(page, exchange))
        .collect();
    found.sort_by_key(|fact| (!fact.is_failed(), std::cmp::Reverse(fact.duration_ms)));
    found.truncate(MAX_REQUESTS);
    found
}

fn request_fact(page: &str, exchange: &Exchange) -> Option<RequestFact> {
    let failed = exchange.failed.as_ref().filter(|failed| !failed.canceled);
    let fact = RequestFact {
        url: exchange.request.url.clone(),
        party: party(page, &exchange.request.url),
        kind: exchange.request.resource_type.clone().unwrap_or_default(),
        method: exchange.request.method.clone(),
        status: exchange.response.as_ref().map(|response| response.status),
        error: failed.and_then(|_| exchange.failure()),
        // What the browser gave up when the page did not come had no end either.
        pending: !exchange.is_complete()
            || exchange.response.is_none() && exchange.failed.is_some() && failed.is_none(),
        duration_ms: exchange.duration_ms(),
    };
    let is_favicon = fact.url.ends_with("/favicon.ico");
    let is_wrong = fact.is_failed() || fact.duration_ms >= SLOW_REQUEST_MS;
    (is_wrong && !is_favicon).then_some(fact)
}

/// Uncaught exceptions, by the script they came from.
pub(crate) fn exception_facts(page: &str, console: &[ConsoleEvent]) -> Vec<ExceptionFact> {
    let thrown = console
        .iter()
        .filter(|event| event.kind == ConsoleKind::Exception);
    thrown
        .map(|event| {
            let fields = Value::Object(event.fields.clone());
            let text = |pointer: &str| {
                let text = fields.pointer(pointer).and_then(Value::as_str);
                text.filter(|text| !text.is_empty()).map(str::to_owned)
            };
            let url = text("/stackTrace/callFrames/0/url").or_else(|| text("/url"));
            let words = text("/exception/description").or_else(|| text("/text"));
            ExceptionFact {
                text: words
                    .unwrap_or_default()
                    .lines()
                    .next()
                    .unwrap_or_default()
                    .to_owned(),
                party: party(page, url.as_deref().unwrap_or(page)),
                url,
            }
        })
        .take(MAX_EXCEPTIONS)
        .collect()
}
