//! What one step sees: requests, timeline, paint, console and heap.

use canarytrace_model::{
    ActionId,
    documents::{
        CacheState, Common, Console, ConsoleEventType, CoverageAudit, Har, Heap, HostPressure,
        Memory, OverheadClass, OverheadField, PageVitals, PageWeight, PerformanceEntry, Rendering,
        RequestLog, RequestPart, ResponsePart, Timing, Vitals, VitalsDetail,
    },
    index::Service,
    time::Moment,
    verdict::Verdict,
};
use serde_json::{Map, Value, json};

use crate::{
    Output, Random,
    run::{Fate, Totals, later},
    world::{Monitor, Resource, Step},
};

/// A step on its page.
pub(crate) struct Visit<'a> {
    pub(crate) monitor: &'a Monitor,
    pub(crate) step: &'a Step,
    pub(crate) fate: &'a Fate,
    pub(crate) action: &'a str,
    pub(crate) at: Moment,
    pub(crate) failure: Option<&'a Verdict>,
}

/// One request with its phases, ms.
struct Exchange<'a> {
    resource: &'a Resource,
    start: f64,
    is_fresh: bool,
    wait: f64,
    receive: f64,
    status: u16,
    is_lost: bool,
}

impl Exchange<'_> {
    fn connecting(&self) -> f64 {
        if self.is_fresh { 24.0 } else { 0.0 }
    }

    fn end(&self) -> f64 {
        self.start + self.connecting() + 0.6 + self.wait + self.receive
    }
}

pub(crate) fn action_id(text: &str) -> Option<ActionId> {
    serde_json::from_value(json!(text)).ok()
}

const OVERHEAD: OverheadField = OverheadField {
    class: OverheadClass::Light,
    settled: true,
    cache: CacheState::Cold,
    rendering: Some(Rendering::Software),
    cpus: Some(2.0),
    memory_bytes: Some(4 << 30),
    other_runs: Some(0),
};

/// Adds the documents of a step; how long it took, ms.
pub(crate) fn visit(
    visit: &Visit<'_>,
    common: &dyn Fn(Moment) -> Common,
    random: &mut Random,
    totals: &mut Totals,
    out: &mut Output<'_>,
) -> f64 {
    let document = document(visit.step);
    let exchanges = exchanges(visit, &document, random);
    let load = exchanges.iter().map(Exchange::end).fold(40.0, f64::max) + 30.0 * random.spread(0.3);
    for exchange in &exchanges {
        totals.requests += 1;
        totals.failed += u64::from(exchange.is_lost || exchange.status >= 400);
        totals.bytes += exchange.resource.bytes;
        let at = later(visit.at, exchange.end());
        let sequence = u32::try_from(totals.requests).unwrap_or(u32::MAX);
        out.add(
            Service::RequestLog,
            at,
            &request(visit, exchange, sequence, common(at), random),
        );
    }
    let end = later(visit.at, load);
    timeline(visit, &exchanges, load, &common(end), random, out);
    if visit.step.navigates {
        vitals(visit, &exchanges, load, common(end), random, totals, out);
    }
    console(visit, &exchanges, common, random, totals, out);
    let used = 12_000_000 + random.below(25_000_000);
    let heap = Memory {
        common: common(end),
        uuid_action: own_action(visit),
        test_step: visit.step.full_title.clone(),
        sequence: 1,
        data: Heap {
            js_heap_size_limit: 4_294_705_152,
            total_js_heap_size: used + 6_000_000,
            used_js_heap_size: used,
        },
        overhead: OVERHEAD,
    };
    out.add(Service::Memory, end, &heap);
    load + 250.0
}

fn own_action(visit: &Visit<'_>) -> ActionId {
    action_id(visit.action).unwrap_or_else(ActionId::random)
}

fn document(step: &Step) -> Resource {
    Resource {
        url: step.url.clone(),
        kind: "Document",
        initiator: "navigation",
        mime: "text/html",
        bytes: 24_000,
        is_third_party: false,
        is_compressed: true,
        address: [198, 51, 100, 1],
    }
}

fn exchanges<'a>(
    visit: &Visit<'a>,
    document: &'a Resource,
    random: &mut Random,
) -> Vec<Exchange<'a>> {
    let mut exchanges = Vec::new();
    let mut start = 2.0;
    if visit.step.navigates {
        let is_down = visit
            .failure
            .is_some_and(|verdict| verdict.facts.contains_key("url"));
        let wait = 110.0 * visit.fate.slowness * random.spread(0.25);
        let page = Exchange {
            resource: document,
            start,
            is_fresh: true,
            wait,
            receive: 6.0,
            status: if is_down { 503 } else { 200 },
            is_lost: false,
        };
        start = page.end();
        exchanges.push(page);
        if is_down {
            return exchanges;
        }
    }
    for resource in &visit.step.resources {
        start += 9.0 * random.unit();
        let is_lost = visit
            .fate
            .third_party_down
            .is_some_and(|host| resource.url.contains(host));
        let wait = if is_lost {
            4000.0
        } else {
            35.0 * visit.fate.slowness * random.spread(0.5)
        };
        let status = match random.below(1000) {
            0..4 => 404,
            4..6 => 500,
            6..30 => 304,
            30..45 => 302,
            _ => 200,
        };
        exchanges.push(Exchange {
            resource,
            start,
            is_fresh: random.chance(0.15),
            wait,
            receive: resource.bytes as f64 / 9000.0 * random.spread(0.3),
            status,
            is_lost,
        });
    }
    exchanges
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

/// Thousandths of a millisecond, as the browser tells times.
fn rounded(milliseconds: f64) -> f64 {
    (milliseconds * 1000.0).round() / 1000.0
}

fn request(
    visit: &Visit<'_>,
    exchange: &Exchange<'_>,
    sequence: u32,
    common: Common,
    random: &mut Random,
) -> RequestLog {
    let resource = exchange.resource;
    let request_id = format!("{}.{}", 4000 + random.below(9000), sequence);
    let monotonic = 81_000.0 + exchange.start / 1000.0;
    let is_document = resource.kind == "Document";
    let initiator = if is_document {
        json!({"type": "other"})
    } else {
        json!({"type": "parser", "url": visit.step.url, "lineNumber": random.below(400), "columnNumber": random.below(120)})
    };
    let connecting = exchange.connecting();
    let not = |offset: f64| if exchange.is_fresh { offset } else { -1.0 };
    let timing = Timing {
        request_time: rounded(monotonic),
        dns_start: not(0.4),
        dns_end: not(3.1),
        connect_start: not(3.1),
        connect_end: not(24.0),
        ssl_start: not(9.0),
        ssl_end: not(24.0),
        send_start: rounded(connecting + 0.3),
        send_end: rounded(connecting + 0.6),
        receive_headers_end: rounded(connecting + 0.6 + exchange.wait),
        others: object(
            json!({"proxyStart": -1, "proxyEnd": -1, "pushStart": 0, "pushEnd": 0, "workerStart": -1, "workerReady": -1, "workerFetchStart": -1, "workerRespondWithSettled": -1}),
        ),
    };
    let received = monotonic + timing.receive_headers_end / 1000.0;
    let finished = received + exchange.receive / 1000.0;
    let har = Har::compute(Some(&timing), received, finished);
    let at_ms = common.timestamp.epoch_ms() as f64;
    RequestLog {
        request: RequestPart {
            request_id: request_id.clone(),
            timestamp: rounded(monotonic),
            wall_time: at_ms / 1000.0,
            initiator: object(initiator),
            redirect_has_extra_info: Some(false),
            resource_type: Some(resource.kind.to_owned()),
            method: "GET".to_owned(),
            headers: object(
                json!({"accept": "*/*", "referer": visit.step.url, "sec-ch-ua-platform": "\"Linux\"", "user-agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36"}),
            ),
            initial_priority: Some(if is_document { "VeryHigh" } else { "Medium" }.to_owned()),
            is_same_site: Some(!resource.is_third_party),
            post_data: None,
            post_data_parsed: String::new(),
        },
        response: (!exchange.is_lost)
            .then(|| response(exchange, &request_id, timing, (at_ms, finished), random)),
        har: (!exchange.is_lost).then_some(har),
        failure: exchange.is_lost.then(|| "net::ERR_TIMED_OUT".to_owned()),
        common,
        request_id,
        uuid_action: own_action(visit),
        context: visit.step.full_title.clone(),
        sequence,
        url: resource.url.clone(),
        overhead: OVERHEAD,
    }
}

fn response(
    exchange: &Exchange<'_>,
    request_id: &str,
    timing: Timing,
    (at_ms, finished): (f64, f64),
    random: &mut Random,
) -> ResponsePart {
    let resource = exchange.resource;
    let mut headers = json!({"content-type": resource.mime, "date": "Mon, 02 Nov 2026 08:12:31 GMT", "server": "nginx", "cache-control": "public, max-age=3600", "etag": format!("\"{}\"", random.hex(12)), "strict-transport-security": "max-age=31536000", "x-request-id": random.hex(24)});
    if resource.is_compressed {
        headers["content-encoding"] = json!(if resource.bytes.is_multiple_of(3) {
            "gzip"
        } else {
            "br"
        });
    }
    let bytes = i64::try_from(resource.bytes).unwrap_or(0);
    ResponsePart {
        status: exchange.status,
        status_text: String::new(),
        headers: object(headers),
        mime_type: resource.mime.to_owned(),
        protocol: Some(if resource.is_third_party { "h3" } else { "h2" }.to_owned()),
        connection_reused: !exchange.is_fresh,
        connection_id: random.below(60) as f64,
        remote_ip_address: Some(resource.address.map(|part| part.to_string()).join(".")),
        remote_port: Some(443),
        encoded_data_length: 320,
        timing: Some(timing),
        response_time: Some(at_ms),
        security_state: Some("secure".to_owned()),
        request_id: request_id.to_owned(),
        timestamp: Some(rounded(finished)),
        total_encoded_data_length: Some(bytes),
        ..ResponsePart::default()
    }
}

fn timeline(
    visit: &Visit<'_>,
    exchanges: &[Exchange<'_>],
    load: f64,
    common: &Common,
    random: &mut Random,
    out: &mut Output<'_>,
) {
    let mut sequence = 0;
    let mut add = |entry: Map<String, Value>, out: &mut Output<'_>| {
        sequence += 1;
        let (response_time, ttfb) = PerformanceEntry::compute(&entry);
        let document = PerformanceEntry {
            entry,
            response_time: response_time.map(rounded),
            ttfb: ttfb.map(rounded),
            sequence,
            uuid_action: own_action(visit),
            full_title: visit.step.full_title.clone(),
            common: common.clone(),
            overhead: OVERHEAD,
        };
        out.add(Service::PerformanceEntries, common.timestamp, &document);
    };
    for exchange in exchanges {
        // Every third image and the like came from a place that the page's timeline does not tell of.
        if exchange.resource.kind != "Document" && random.chance(0.3) {
            continue;
        }
        add(entry(exchange, load, random), out);
    }
    if !visit.monitor.is_smoke {
        let mark = json!({"name": "HE-main", "entryType": "mark", "startTime": rounded(load * 0.7), "duration": 0});
        add(object(mark), out);
    }
}

fn entry(exchange: &Exchange<'_>, load: f64, random: &mut Random) -> Map<String, Value> {
    let resource = exchange.resource;
    let (start, connecting) = (exchange.start, exchange.connecting());
    let is_opaque = resource.is_third_party && random.chance(0.6);
    let known = |time: f64| if is_opaque { 0.0 } else { rounded(time) };
    let mut entry = object(json!({
        "name": resource.url, "entryType": "resource", "initiatorType": resource.initiator,
        "nextHopProtocol": if is_opaque { "" } else { "h2" }, "startTime": rounded(start),
        "duration": rounded(exchange.end() - start), "workerStart": 0, "redirectStart": 0, "redirectEnd": 0,
        "fetchStart": rounded(start), "domainLookupStart": known(start), "domainLookupEnd": known(start + connecting / 8.0),
        "connectStart": known(start + connecting / 8.0), "secureConnectionStart": known(start + connecting / 2.0),
        "connectEnd": known(start + connecting), "requestStart": known(start + connecting + 0.6),
        "responseStart": known(start + connecting + 0.6 + exchange.wait), "responseEnd": rounded(exchange.end()),
        "transferSize": if is_opaque { 0 } else { resource.bytes + 300 }, "encodedBodySize": if is_opaque { 0 } else { resource.bytes },
        "decodedBodySize": if is_opaque { 0 } else { resource.bytes * 3 }, "serverTiming": [],
    }));
    if resource.kind == "Document" {
        let more = json!({
            "entryType": "navigation", "type": "navigate", "redirectCount": 0, "startTime": 0, "duration": rounded(load),
            "unloadEventStart": 0, "unloadEventEnd": 0, "domInteractive": rounded(load * 0.55),
            "domContentLoadedEventStart": rounded(load * 0.6), "domContentLoadedEventEnd": rounded(load * 0.61),
            "domComplete": rounded(load * 0.98), "loadEventStart": rounded(load * 0.985), "loadEventEnd": rounded(load),
        });
        entry.extend(object(more));
    }
    entry
}

fn vitals(
    visit: &Visit<'_>,
    exchanges: &[Exchange<'_>],
    load: f64,
    common: Common,
    random: &mut Random,
    totals: &mut Totals,
    out: &mut Output<'_>,
) {
    let vitals = Vitals {
        lcp: Some(rounded(load * 0.8)),
        cls: Some((random.unit() * 0.12 * 10_000.0).round() / 10_000.0),
        fcp: Some(rounded(load * 0.5)),
        ttfb: exchanges.first().map(|first| rounded(first.wait + 24.6)),
        inp: (!visit.monitor.is_smoke).then(|| rounded(40.0 * random.spread(0.5))),
        load: Some(rounded(load)),
        url: Some(visit.step.url.clone()),
    };
    if totals.vitals.url.is_none() {
        totals.vitals = vitals.clone();
    }
    let third: Vec<&Exchange<'_>> = exchanges
        .iter()
        .filter(|exchange| exchange.resource.is_third_party)
        .collect();
    let bytes = |exchanges: &mut dyn Iterator<Item = &Exchange<'_>>| -> u64 {
        exchanges.map(|exchange| exchange.resource.bytes).sum()
    };
    let whole = bytes(&mut exchanges.iter());
    let foreign = bytes(&mut third.iter().copied());
    let mut by_type = std::collections::BTreeMap::new();
    for exchange in exchanges {
        *by_type
            .entry(exchange.resource.kind.to_lowercase())
            .or_default() += exchange.resource.bytes;
    }
    let page = PageVitals {
        uuid_action: own_action(visit),
        full_title: visit.step.full_title.clone(),
        detail: VitalsDetail {
            navigation_type: Some("navigate".to_owned()),
            dom_content_loaded: Some(rounded(load * 0.61)),
            lcp_element: Some("img.hero".to_owned()),
            long_tasks: random.below(6),
            blocking_time: rounded(60.0 * random.spread(0.6)),
            longest_task: rounded(80.0 * random.spread(0.4)),
            ..VitalsDetail::default()
        },
        weight: PageWeight {
            dns_ms: Some(2.7),
            tcp_ms: Some(5.9),
            tls_ms: Some(15.0),
            requests: exchanges.len() as u64,
            transfer_bytes: whole,
            bytes_by_type: by_type,
            third_party_requests: third.len() as u64,
            third_party_bytes: foreign,
            third_party_percent: rounded(foreign as f64 * 100.0 / whole.max(1) as f64),
            certificate_days_left: Some(61.5),
            ..PageWeight::default()
        },
        vitals,
        overhead: OVERHEAD,
        host: HostPressure {
            load1: Some(rounded(random.unit())),
            ..HostPressure::default()
        },
        common,
    };
    out.add(Service::Vitals, page.common.timestamp, &page);
    if !visit.monitor.is_smoke {
        coverage(visit, exchanges, &page.common, random, out);
    }
}

fn coverage(
    visit: &Visit<'_>,
    exchanges: &[Exchange<'_>],
    common: &Common,
    random: &mut Random,
    out: &mut Output<'_>,
) {
    for exchange in exchanges {
        let kind = match exchange.resource.kind {
            "Script" => "script",
            "Stylesheet" => "stylesheet",
            _ => continue,
        };
        let total = exchange.resource.bytes * 3;
        let unused = (total as f64 * (0.2 + 0.6 * random.unit())) as u64;
        let document = CoverageAudit {
            common: common.clone(),
            uuid_action: own_action(visit),
            test_step: visit.step.full_title.clone(),
            url: exchange.resource.url.clone(),
            total,
            unused,
            percent_unused: CoverageAudit::percent(unused, total),
            kind,
            overhead: OVERHEAD,
        };
        out.add(Service::CoverageAudit, common.timestamp, &document);
    }
}

fn console(
    visit: &Visit<'_>,
    exchanges: &[Exchange<'_>],
    common: &dyn Fn(Moment) -> Common,
    random: &mut Random,
    totals: &mut Totals,
    out: &mut Output<'_>,
) {
    let mut lines: Vec<(&str, &str, String, String)> = exchanges
        .iter()
        .filter(|exchange| exchange.is_lost || exchange.status >= 400)
        .map(|exchange| {
            let said = if exchange.is_lost {
                "net::ERR_TIMED_OUT".to_owned()
            } else {
                format!(
                    "the server responded with a status of {} ()",
                    exchange.status
                )
            };
            let url = exchange.resource.url.clone();
            (
                "network",
                "error",
                format!("Failed to load resource: {said}"),
                url,
            )
        })
        .collect();
    if visit.fate.has_new_error {
        let text = "Uncaught TypeError: Cannot read properties of undefined (reading 'price')";
        lines.push((
            "javascript",
            "error",
            text.to_owned(),
            visit.step.url.clone(),
        ));
    }
    if random.chance(0.2) {
        let text = format!(
            "A preload for '{}' is found, but is not used",
            random.hex(6)
        );
        lines.push(("other", "warning", text, visit.step.url.clone()));
    }
    for (at, (source, level, text, url)) in lines.into_iter().enumerate() {
        totals.console_errors += u64::from(level == "error");
        let moment = later(visit.at, 40.0 + at as f64);
        let line = Console {
            common: common(moment),
            event_type: ConsoleEventType::LogEntryAdded,
            uuid_action: own_action(visit),
            context: visit.step.full_title.clone(),
            sequence: u32::try_from(at).unwrap_or(0) + 1,
            fields: object(json!({"source": source, "level": level, "text": text, "url": url})),
        };
        out.add(Service::Console, moment, &line);
    }
}
