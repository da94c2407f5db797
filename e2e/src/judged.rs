//! Rules on a store: what each established one and each condition finds.

use std::collections::{BTreeMap, BTreeSet};

use canarytrace_model::time::Moment;
use serde_json::{Value, json};

use crate::{
    Said,
    alerts::{NDJSON, QUIET, files, listen, minutes_ago, search, send},
    canarytrace, request,
};

/// For each established rule as many documents as it needs, and nearly as many that are just within what is good.
fn established() -> Vec<(&'static str, Value)> {
    let mut documents = Vec::new();
    let mut add = |service: &'static str, count: usize, document: Value| {
        for number in 0..count {
            let mut document = document.clone();
            document["timestamp"] = json!(minutes_ago(1 + (number % 5) as i64));
            documents.push((service, document));
        }
    };
    add("performance-entries", 5, json!({"loadEventEnd": 3000.0}));
    add("performance-entries", 5, json!({"loadEventEnd": 5000.0}));
    add(
        "performance-entries",
        30,
        json!({"loadEventEnd": 2999.0, "responseTime": 2999.0}),
    );
    add(
        "performance-entries",
        10,
        json!({"responseTime": 3000.0, "name": "a"}),
    );
    let audit = |id: &str, value: f64| json!({"audits": {id: {"numericValue": value}}});
    let score = |value: u32| json!({"categories": {"performance": {"score": value}}});
    add("audit", 3, score(49));
    add("audit", 3, score(50));
    add("audit", 9, score(90));
    for (id, fair, poor) in [
        ("first-contentful-paint", 1800.0, 3000.5),
        ("largest-contentful-paint", 2500.5, 4000.5),
        ("cumulative-layout-shift", 0.11, 0.26),
        ("total-blocking-time", 200.0, 600.5),
        ("interactive", 3900.5, 7300.5),
    ] {
        add("audit", 5, audit(id, fair));
        add("audit", 5, audit(id, poor));
        add("audit", 9, audit(id, 0.05));
    }
    let response = |kind: &str, encoding: Option<&str>, status: &str| {
        let mut headers = json!({"content-type": kind});
        if let Some(encoding) = encoding {
            headers["content-encoding"] = json!(encoding);
        }
        json!({"url": "https://shop.example/a", "response": {"status": status, "headers": headers}})
    };
    add(
        "request-log",
        10,
        response("text/javascript; charset=utf-8", None, "200"),
    );
    add(
        "request-log",
        10,
        response("text/css", Some("deflate"), "200"),
    );
    add("request-log", 20, response("text/css", Some("gzip"), "200"));
    add(
        "request-log",
        20,
        response("application/javascript", Some("br"), "399"),
    );
    add("request-log", 5, response("text/html", Some("gzip"), "404"));
    add("request-log", 5, response("text/html", Some("gzip"), "500"));
    add(
        "report",
        2,
        json!({"passed": false, "event": "testStepEnd", "fullTitle": "a"}),
    );
    add(
        "report",
        9,
        json!({"passed": true, "event": "testStepEnd", "fullTitle": "b"}),
    );
    for (id, fair, poor) in [
        ("lcp", 2500.0, 4000.0),
        ("cls", 0.1, 0.25),
        ("fid", 100.0, 300.0),
        ("fcp", 1800.0, 3000.0),
        ("ttfb", 400.0, 800.0),
    ] {
        add("rum.metrics", 5, json!({"metrics": {id: fair}}));
        add("rum.metrics", 5, json!({"metrics": {id: poor}}));
    }
    documents
}

/// Each established rule finds, in a `store` without telemetry, exactly what it is meant to find.
///
/// # Panics
/// Where one finds more, less or the same again.
pub fn established_rules_find(store: &str) {
    send(store, &established());
    let said = listen(store, &[], &QUIET);
    assert_eq!(said.code, Some(0), "{said:?}");
    let events = search(store, "c.listener.events-*", &json!({"size": 100}));
    let counts: BTreeMap<String, u64> = events
        .iter()
        .map(|event| {
            (
                event["title"].as_str().unwrap().to_owned(),
                event["total"].as_u64().unwrap(),
            )
        })
        .collect();
    let expected: BTreeMap<&str, u64> = BTreeMap::from([
        ("Load time needs improvement", 5),
        ("Load time is poor", 5),
        ("Higher response time.", 10),
        ("Performance Score is poor", 3),
        ("Performance score needs improvement", 3),
        ("FCP needs improvement", 5),
        ("FCP is poor", 5),
        // Open at the top: what is poor needs improvement, too.
        ("LCP needs improvement (CoreWebVitals).", 10),
        ("LCP is poor (CoreWebVitals).", 5),
        ("CLS needs improvement (CoreWebVitals)", 10),
        ("CLS is poor (CoreWebVitals)", 5),
        ("TBT needs improvement", 5),
        ("TBT is poor", 5),
        ("TTI needs improvement", 10),
        ("TTI is poor", 5),
        (
            "Response with Javascript must contains gzip or brotli compression.",
            10,
        ),
        (
            "Responses with CSS files must contains gzip or brotli compression.",
            10,
        ),
        ("Response code 400", 10),
        ("Response code 500", 5),
        ("Failed check your page!", 2),
        ("LCP needs improvement (RUM)", 5),
        ("LCP is poor (RUM)", 5),
        ("CLS needs improvement (RUM)", 5),
        ("CLS is poor (RUM)", 5),
        ("FID needs improvement (RUM)", 5),
        ("FID is poor (RUM)", 5),
        ("FCP needs improvement (RUM)", 5),
        ("FCP is poor (RUM)", 5),
        ("TTFB needs improvement (RUM)", 5),
        ("TTFB is poor (RUM)", 5),
    ]);
    let expected: BTreeMap<String, u64> = expected
        .into_iter()
        .map(|(title, count)| (title.to_owned(), count))
        .collect();
    assert_eq!(counts, expected, "{}", said.stdout);
    let event = events
        .iter()
        .find(|event| event["title"] == "Load time is poor")
        .unwrap();
    assert_eq!(event["type"], "events");
    assert_eq!(
        (&event["rule"], &event["score"]),
        (&json!("range"), &json!(20))
    );
    assert_eq!(
        event["description"],
        "The load event ended after more than 5 seconds, total 5 exceeded."
    );
    assert_eq!(event["documents"][0]["loadEventEnd"], 5000.0);
    for line in [
        "Listener: loaded 20x internal rules from built-in internal rules",
        "Load time is poor, filter: (loadEventEnd gte 5000)",
        "analyzers: incidents 5",
        "errors-queue:queue size 30",
    ] {
        assert!(
            said.stdout.contains(line),
            "`{line}` is not in:\n{}",
            said.stdout
        );
    }
    // Again right away: nothing is counted, written or told twice.
    let said = listen(store, &[], &QUIET);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(
        search(store, "c.listener.events-*", &json!({"size": 100})).len(),
        30
    );
    let queue = search(store, "c.listener.queue", &json!({"size": 100}));
    assert_eq!(queue.len(), 30);
    let own = queue
        .iter()
        .find(|own| own["title"] == "Load time is poor")
        .unwrap();
    assert_eq!(
        (&own["repetition"], &own["incidents"], &own["open"]),
        (&json!(1), &json!(5), &json!(true))
    );
}

/// One rule for each condition, with limits that a made-up day crosses.
const CONDITIONS: &str = r#"rules:
- { title: count, index: c.report, query: 'passed: false', when: { count: { at_least: 1 } }, score: 1, reporters: [{type: slack}] }
- { title: rate, index: c.request-log, when: { rate: { above: 1, per: 1m } }, score: 1, reporters: [{type: slack}] }
- { title: ratio, index: c.run, when: { ratio: { of: 'passed: true', above_percent: 50, minimum: 2 } }, by: monitor, score: 1, reporters: [{type: slack}] }
- { title: p75, index: c.vitals, when: { statistic: { field: load, of: p75, above: 100, minimum: 3 } }, by: monitor, score: 1, reporters: [{type: slack}] }
- { title: average, index: c.vitals, when: { statistic: { field: load, of: average, below: 100000, minimum: 3 } }, score: 1, reporters: [{type: slack}] }
- { title: runs, index: c.run, when: { runs: { failed: 2, of: 3 } }, group: blame, score: 1, reporters: [{type: slack}] }
- { title: consecutive, index: c.run, when: { consecutive: 2 }, score: 1, reporters: [{type: slack}] }
- { title: lasting, index: c.run, when: { lasting: 20m }, score: 1, reporters: [{type: slack}] }
- { title: quorum, index: c.run, when: { quorum: { label: "zone=", at_least: 1 } }, score: 1, reporters: [{type: slack}] }
- { title: absence, index: c.run, when: { absence: { missed: 1 } }, score: 1, reporters: [{type: slack}] }
- { title: new, index: c.request-log, when: { new: { field: url.raw, within: 1d, fold: host } }, score: 1, reporters: [{type: slack}] }
- { title: change, index: c.vitals, window: 3h, when: { change: { field: load, against: previous, above_percent: 1, minimum: 5 } }, by: monitor, score: 1, reporters: [{type: slack}] }
- { title: revision, index: c.run, window: 3h, when: { change: { field: durationMs, against: previous-revision, above_percent: 1, minimum: 4 } }, by: monitor, score: 1, reporters: [{type: slack}] }
- { title: point, index: c.vitals, window: 6h, when: { change: { field: load, against: change-point, above_percent: 1, minimum: 5 } }, by: monitor, score: 1, reporters: [{type: slack}] }
- { title: burn, index: c.run, when: { burn_rate: { objective: 99, above: 2, long: 1h, short: 30m, minimum: 2 } }, score: 1, reporters: [{type: slack}] }
- { title: header, index: c.request-log, when: { header: { name: content-encoding, missing: true } }, score: 1, reporters: [{type: slack}] }
- { title: certificate, index: c.vitals, when: { certificate: { within: 365d } }, score: 1, reporters: [{type: slack}] }
"#;

/// Sends a made-up history in pieces; answers how many documents that were.
pub(crate) fn feed(store: &str, plan: canarytrace_history::Plan) -> u64 {
    let post = |body: &str| {
        let url = format!("{store}/_bulk?refresh=true");
        let (status, said) = request("POST", &url, NDJSON, body);
        assert!(status == 200 && said["errors"] == false, "{said}");
    };
    let (mut body, mut documents) = (String::new(), 0);
    for document in canarytrace_history::History::new(plan).flatten() {
        let action = json!({"create": {"_index": document.index, "_id": document.id}});
        let source = String::from_utf8(document.source).unwrap();
        body.push_str(&format!("{action}\n{source}\n"));
        documents += 1;
        if body.len() > 8 << 20 {
            post(&body);
            body.clear();
        }
    }
    post(&body);
    documents
}

/// Each condition, tried on the same made-up day in `stores` without telemetry, finds something, and in each the same.
///
/// # Panics
/// Where it does not.
pub fn conditions_are_judged_alike(stores: &[&str]) {
    let from = Moment::from_epoch_ms(Moment::now().epoch_ms() - 30 * 3_600_000);
    let plan = canarytrace_history::Plan {
        seed: 5,
        from,
        days: 1,
        monitors: 6,
        interval_s: 900,
    };
    for store in stores {
        feed(store, plan);
    }
    let rules = files(&[("rules.yaml", CONDITIONS)]);
    let path = rules.path().join("rules.yaml");
    let (begin, end) = (
        from.to_string(),
        Moment::from_epoch_ms(from.epoch_ms() + 28 * 3_600_000).to_string(),
    );
    let tried = |store: &str| -> Value {
        let said: Said = canarytrace(&[
            "rules",
            "test",
            "--json",
            "--rules",
            path.to_str().unwrap(),
            "--store",
            store,
            "--from",
            &begin,
            "--to",
            &end,
            "--step",
            "30m",
        ])
        .output()
        .unwrap()
        .into();
        assert_eq!(said.code, Some(1), "{said:?}");
        serde_json::from_str(said.stdout.trim()).unwrap()
    };
    let all: Vec<Value> = stores.iter().map(|store| tried(store)).collect();
    assert_eq!(all[0]["errors"], json!({}), "{}", all[0]["errors"]);
    let found: BTreeSet<&str> = all[0]["incidents"]
        .as_array()
        .unwrap()
        .iter()
        .map(|own| own["rule"].as_str().unwrap())
        .collect();
    for rule in [
        "count",
        "rate",
        "ratio",
        "p75",
        "average",
        "runs",
        "consecutive",
        "lasting",
        "quorum",
        "absence",
        "burn",
        "header",
        "change",
        "point",
    ] {
        assert!(found.contains(rule), "`{rule}` found nothing: {found:?}");
    }
    for other in &all[1..] {
        assert_eq!(all[0]["errors"], other["errors"]);
        let (own, theirs) = (
            all[0]["incidents"].as_array().unwrap(),
            other["incidents"].as_array().unwrap(),
        );
        for (own, theirs) in own.iter().zip(theirs) {
            assert_eq!(own, theirs);
        }
        assert_eq!(own.len(), theirs.len());
    }
}
