//! Requests and responses: what the server saw and sent, what the page's timeline says of the same request.

use canarytrace_e2e::web::{Asked, Web};
use serde_json::{Value, json};

use crate::{
    evidence::{Document, Evidence, at},
    pages::{BODY_PAUSE, CSS, ORDER, site_css},
};

/// The first request for a path.
fn asked(web: &Web, path: &str) -> Asked {
    web.asked()
        .into_iter()
        .find(|asked| asked.path == path)
        .unwrap()
}

pub(crate) fn server(evidence: &Evidence) {
    let Evidence {
        shop,
        third,
        journey,
        smoke,
        ..
    } = evidence;
    let parts = [
        (shop, "/", "Document", "text/html", 200, "OK"),
        (shop, "/site.css", "Stylesheet", "text/css", 200, "Fine"),
        (shop, "/hero.svg", "Image", "image/svg+xml", 200, "OK"),
        (shop, "/missing", "Fetch", "text/html", 404, "Not Found"),
        (shop, "/moved", "Fetch", "text/html", 302, "Found"),
        (shop, "/again", "Document", "text/html", 200, "OK"),
        (third, "/widget.js", "Script", "text/javascript", 200, "OK"),
    ];
    for (web, path, kind, mime, status, words) in parts {
        let (seen, logged) = (asked(web, path), journey.request(&web.page(path)));
        assert_eq!(evidence.text(logged, "url"), web.page(path));
        assert_eq!(
            evidence.field(logged, "request.method"),
            &json!(seen.method)
        );
        assert_eq!(evidence.field(logged, "request.type"), kind);
        assert_eq!(evidence.field(logged, "response.mimeType"), mime);
        assert_eq!(evidence.field(logged, "response.status"), status);
        assert_eq!(evidence.field(logged, "response.statusText"), words);
        assert_eq!(evidence.field(logged, "response.protocol"), "http/1.1");
        assert_eq!(
            evidence.field(logged, "response.remoteIPAddress"),
            &json!(web.address.ip().to_string())
        );
        assert_eq!(
            evidence.field(logged, "response.remotePort"),
            &json!(web.address.port())
        );
        // They have reached the server: nothing stood between.
        assert_eq!(evidence.field(logged, "response.fromDiskCache"), false);
        assert_eq!(evidence.field(logged, "response.fromMemoryCache"), false);
        assert_eq!(evidence.field(logged, "response.fromServiceWorker"), false);
        let headers = evidence
            .field(logged, "request.headers")
            .as_object()
            .unwrap();
        for (name, value) in headers {
            assert_eq!(seen.header(name), value, "{path}: {name}");
        }
        let headers = evidence.field(logged, "response.headers");
        assert_eq!(
            headers["content-type"].as_str().unwrap().split(';').next(),
            Some(mime)
        );
    }
    sizes(evidence);
    kept_back(evidence);
    let order = smoke.request(&shop.page("/order"));
    assert_eq!(
        evidence.text(order, "request.postData").as_bytes(),
        asked(shop, "/order").body
    );
    assert_eq!(evidence.text(order, "request.postData"), ORDER);
    assert_eq!(evidence.field(order, "request.postDataParsed"), "42");
    titles(evidence);
    weights(evidence);
}

/// Bytes as they were written.
fn sizes(evidence: &Evidence) {
    let (journey, shop) = (&evidence.journey, &evidence.shop);
    let css = journey.request(&shop.page("/site.css"));
    let sent = site_css().len();
    assert_eq!(
        evidence.number(css, "response.totalEncodedDataLength"),
        sent as f64
    );
    assert_eq!(
        evidence.number(css, "response.encodedDataLength"),
        (sent - CSS.len()) as f64
    );
    let entry = journey.one("performance-entries", |own| {
        own["name"] == shop.page("/site.css")
    });
    for name in ["encodedBodySize", "decodedBodySize"] {
        assert_eq!(evidence.number(entry, name), CSS.len() as f64);
    }
    assert_eq!(evidence.field(entry, "responseStatus"), 200);
    assert_eq!(evidence.field(entry, "contentType"), "text/css");
}

/// What the server was not asked for: the cache and the service worker had it.
fn kept_back(evidence: &Evidence) {
    let (journey, shop) = (&evidence.journey, &evidence.shop);
    let again = journey
        .all("request-log")
        .into_iter()
        .filter(|own| own.value["url"] == shop.page("/site.css"));
    let again: Vec<&Document> = again.collect();
    assert_eq!(again.len(), 2, "{again:#?}");
    assert_eq!(
        evidence.field(again[1], "response.fromMemoryCache"),
        true,
        "{:#?}",
        again[1]
    );
    let helped = journey.request(&shop.page("/from-helper"));
    assert_eq!(shop.count("/from-helper"), 0);
    assert_eq!(evidence.field(helped, "response.fromServiceWorker"), true);
    let missing = journey.request(&shop.page("/missing"));
    assert_eq!(evidence.field(missing, "failure"), &Value::Null);
}

fn titles(evidence: &Evidence) {
    let (title, url) = (
        evidence.smoke.all("smoke-title")[0],
        evidence.shop.page("/"),
    );
    for name in ["url", "entryUrl", "entryURL", "responseUrl"] {
        assert_eq!(evidence.field(title, name), &json!(url));
    }
    assert_eq!(evidence.field(title, "title"), "Shop");
    assert_eq!(evidence.field(title, "responseStatus"), 200);
    assert_eq!(evidence.field(title, "responseStatusText"), "OK");
}

/// `vitals` of the first visit.
fn weights(evidence: &Evidence) {
    let vitals = evidence.smoke.all("vitals")[0];
    assert_eq!(evidence.field(vitals, "cookiesSet"), 2);
    assert_eq!(evidence.field(vitals, "thirdPartyRequests"), 1);
    let expected = json!([{"name": "db", "duration": 12.5, "description": "orders"}]);
    assert_eq!(evidence.field(vitals, "serverTiming"), &expected);
    let entry = evidence.smoke.one("performance-entries", |own| {
        own["entryType"] == "navigation"
    });
    assert_eq!(evidence.field(entry, "serverTiming")[0]["name"], "db");

    let requests = evidence.smoke.all("request-log");
    let bytes = |own: &Document| {
        at(&own.value, "response.totalEncodedDataLength")
            .as_f64()
            .unwrap_or(0.0)
    };
    let sum = |documents: &[&Document]| documents.iter().map(|own| bytes(own)).sum::<f64>();
    assert_eq!(evidence.number(vitals, "requests"), requests.len() as f64);
    assert_eq!(evidence.number(vitals, "transferBytes"), sum(&requests));
    let third: Vec<&Document> = requests
        .iter()
        .copied()
        .filter(|own| {
            own.value["url"]
                .as_str()
                .unwrap()
                .starts_with(&evidence.third.url)
        })
        .collect();
    assert_eq!(evidence.number(vitals, "thirdPartyBytes"), sum(&third));
    let share = sum(&third) * 100.0 / sum(&requests);
    assert!((evidence.number(vitals, "thirdPartyPercent") - share).abs() < 1e-6);
    for (kind, sent) in evidence.field(vitals, "bytesByType").as_object().unwrap() {
        let own: Vec<&Document> = requests
            .iter()
            .copied()
            .filter(|own| {
                own.value["request"]["type"]
                    .as_str()
                    .unwrap()
                    .to_lowercase()
                    == *kind
            })
            .collect();
        if kind != "other" {
            assert_eq!(sent.as_f64(), Some(sum(&own)), "{kind}");
        }
    }
}

/// DevTools counts from another zero than the page: what both say of one request is compared as differences.
pub(crate) fn timeline(evidence: &Evidence) {
    let origin = evidence.told["origin"].as_f64().unwrap();
    let mut zeros: Vec<f64> = Vec::new();
    for entry in evidence.told["entries"].as_array().unwrap() {
        let moved = entry["redirectEnd"].as_f64() > Some(0.0);
        if entry["requestStart"].as_f64().unwrap_or(0.0) == 0.0 || moved {
            continue;
        }
        let logged = evidence.journey.request(entry["name"].as_str().unwrap());
        let of = |name: &str| entry[name].as_f64().unwrap();
        let timing = |name: &str| evidence.number(logged, &format!("response.timing.{name}"));
        // The timeline is rounded to 0.1 ms.
        let near = |one: f64, other: f64, reach: f64, what: &str| {
            assert!(
                (one - other).abs() <= reach,
                "{what}: {one} and {other}; {entry:#} {logged:#?}"
            );
        };
        let zero = timing("requestTime") * 1000.0 + timing("sendStart") - of("requestStart");
        zeros.push(zero);
        near(
            timing("receiveHeadersStart") - timing("sendStart"),
            of("responseStart") - of("requestStart"),
            0.3,
            "wait",
        );
        assert!(
            timing("sendEnd") >= timing("sendStart")
                && timing("receiveHeadersEnd") >= timing("receiveHeadersStart")
        );
        if timing("connectStart") >= 0.0 {
            near(
                timing("connectEnd") - timing("connectStart"),
                of("connectEnd") - of("connectStart"),
                0.3,
                "connect",
            );
            assert!(timing("dnsEnd") >= timing("dnsStart"));
        }
        // The browser's clock and its monotonic one are read apart.
        near(
            evidence.number(logged, "request.wallTime") * 1000.0,
            origin + of("startTime"),
            30.0,
            "wallTime",
        );
        near(
            evidence.number(logged, "response.responseTime"),
            origin + of("responseStart"),
            30.0,
            "responseTime",
        );
        near(
            evidence.number(logged, "request.timestamp") * 1000.0 - zero,
            of("startTime"),
            30.0,
            "timestamp",
        );
        let finished = evidence.number(logged, "response.timestamp") * 1000.0 - zero;
        near(finished, of("responseEnd"), 60.0, "finished");
        assert!(finished <= of("responseEnd") + 60.0);
    }
    let (least, most) = zeros
        .iter()
        .fold((f64::MAX, f64::MIN), |(least, most), zero| {
            (zero.min(least), zero.max(most))
        });
    assert!(
        zeros.len() >= 6 && most - least < 1.0,
        "one page, one zero: {zeros:?}"
    );
    let halves = evidence.journey.request(&evidence.shop.page("/halves"));
    let received = evidence.number(halves, "har.receive");
    let pause = BODY_PAUSE.as_secs_f64() * 1000.0;
    assert!(
        (pause - 70.0..pause + 150.0).contains(&received),
        "{received}"
    );
    phases(evidence);
}

/// Plain connections have no TLS; a request without a proxy, a worker or a push has none of their phases.
fn phases(evidence: &Evidence) {
    let page = evidence.journey.request(&evidence.shop.page("/"));
    for name in [
        "sslStart",
        "sslEnd",
        "proxyStart",
        "proxyEnd",
        "workerStart",
        "workerReady",
        "workerFetchStart",
        "workerRespondWithSettled",
    ] {
        assert_eq!(
            evidence.number(page, &format!("response.timing.{name}")),
            -1.0,
            "{name}"
        );
    }
    for name in ["pushStart", "pushEnd"] {
        assert_eq!(
            evidence.number(page, &format!("response.timing.{name}")),
            0.0,
            "{name}"
        );
    }
    let helped = evidence
        .journey
        .request(&evidence.shop.page("/from-helper"));
    assert!(
        evidence.number(helped, "response.timing.workerStart") >= 0.0,
        "{helped:#?}"
    );
    let vitals = evidence.tls.all("vitals")[0];
    let safe = evidence
        .tls
        .one("request-log", |own| own["request"]["type"] == "Document");
    let timing = |name: &str| evidence.number(safe, &format!("response.timing.{name}"));
    if timing("sslStart") >= 0.0 {
        let entry = evidence.tls.one("performance-entries", |own| {
            own["entryType"] == "navigation"
        });
        let of = |name: &str| entry.value[name].as_f64().unwrap();
        let shown = of("connectEnd") - of("secureConnectionStart");
        assert!(
            (timing("sslEnd") - timing("sslStart") - shown).abs() < 0.5,
            "{safe:#?} {entry:#?}"
        );
    }
    let span = |from: &str, to: &str| (timing(from) >= 0.0).then(|| timing(to) - timing(from));
    for (name, expected) in [
        ("dnsMs", span("dnsStart", "dnsEnd")),
        ("tcpMs", span("connectStart", "sslStart")),
        ("tlsMs", span("sslStart", "sslEnd")),
    ] {
        let said = evidence.field(vitals, name).as_f64();
        let agree = match (said, expected) {
            (Some(said), Some(expected)) => (said - expected).abs() < 0.1,
            (said, expected) => said.is_none() == expected.is_none(),
        };
        assert!(agree, "{name}: {said:?} and {expected:?}; {safe:#?}");
    }
}

pub(crate) fn formulas(evidence: &Evidence) {
    for logged in evidence
        .journey
        .all("request-log")
        .into_iter()
        .filter(|own| own.value["har"].is_object())
    {
        let har = |name: &str| evidence.number(logged, &format!("har.{name}"));
        let timing = |name: &str| {
            at(&logged.value, &format!("response.timing.{name}"))
                .as_f64()
                .unwrap_or(-1.0)
        };
        assert_eq!(evidence.field(logged, "har.comment"), "");
        let parts = ["blocked", "dns", "connect", "send", "wait", "receive"];
        let sum: f64 = parts.iter().map(|name| har(name).max(0.0)).sum();
        assert!((har("time") - sum).abs() < 1e-6, "{logged:#?}");
        if logged.value["response"]["timing"].is_null() {
            continue;
        }
        let first = ["dnsStart", "connectStart", "sendStart"]
            .iter()
            .map(|name| timing(name))
            .find(|at| *at >= 0.0);
        assert_eq!(Some(har("blocked")), first.or(Some(-1.0)));
        for (name, from, to) in [
            ("connect", "connectStart", "connectEnd"),
            ("ssl", "sslStart", "sslEnd"),
            ("send", "sendStart", "sendEnd"),
            ("wait", "sendEnd", "receiveHeadersEnd"),
        ] {
            let expected = if timing(from) < 0.0 {
                -1.0
            } else {
                timing(to) - timing(from)
            };
            assert!((har(name) - expected).abs() < 1e-9, "{name} of {logged:#?}");
        }
        if timing("dnsStart") < 0.0 {
            assert_eq!(har("dns"), -1.0);
        }
    }
    for run in evidence.runs() {
        for own in run.all("request-log") {
            let id = evidence.text(own, "requestId");
            for copy in ["request.requestId", "response.requestId"] {
                let said = evidence.field(own, copy);
                assert!(said.is_null() || said == id, "{own:#?}");
            }
        }
    }
    initiators(evidence);
}

/// Where the page names what it asks for.
fn initiators(evidence: &Evidence) {
    let (journey, shop) = (&evidence.journey, &evidence.shop);
    let page = crate::pages::page(&evidence.third.url);
    let line = |part: &str| page.lines().position(|line| line.contains(part)).unwrap();
    for (path, kind, part) in [
        ("/app.js", "parser", "src=/app.js"),
        ("/missing", "script", "fetch('/missing')"),
    ] {
        let logged = journey.request(&shop.page(path));
        assert_eq!(evidence.field(logged, "request.initiator.type"), kind);
        evidence.number(logged, "request.initiator.columnNumber");
        let place = (
            evidence.text(logged, "request.initiator.url").to_owned(),
            evidence.number(logged, "request.initiator.lineNumber"),
        );
        assert_eq!(place, (shop.page("/"), line(part) as f64), "{logged:#?}");
    }
    assert_eq!(
        evidence.field(journey.request(&shop.page("/")), "request.initiator.type"),
        "other"
    );
}

pub(crate) fn certificate(evidence: &Evidence) {
    let vitals = evidence.tls.all("vitals")[0];
    let certificate = &evidence.field(vitals, "certificates")[0];
    assert_eq!(
        (&certificate["host"], &certificate["protocol"]),
        (&json!("127.0.0.1"), &json!("TLS 1.3"))
    );
    assert_eq!(
        evidence.field(vitals, "certificateDaysLeft"),
        &certificate["daysLeft"]
    );
    assert_eq!(evidence.field(vitals, "mixedContent"), 0);
}
