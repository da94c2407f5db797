//! `c.audit-*`: a performance audit in the trimmed shape that is stored.

use canarytrace_model::documents::Common;
use serde_json::json;

use crate::{Output, Random, run::Fate, world::Step};

pub(crate) fn add(
    common: &Common,
    step: &Step,
    fate: &Fate,
    random: &mut Random,
    out: &mut Output<'_>,
) {
    let mut time = |usual: f64| (usual * fate.slowness * random.spread(0.1)).round();
    let (fcp, lcp, interactive, speed) = (time(900.0), time(1900.0), time(2600.0), time(1500.0));
    let (blocking, latency) = (time(120.0), time(60.0));
    let shift = (random.unit() * 0.1 * 10_000.0).round() / 10_000.0;
    // The better, the nearer to 100.
    let score = |value: f64, median: f64| (100.0 / (1.0 + (value / median).powi(2))).round();
    let metric = |id: &str, value: f64, median: f64| json!({"id": id, "title": id, "score": score(value, median), "numericValue": value, "numericUnit": "millisecond"});
    let document = json!({
        "requestedUrl": step.url, "finalUrl": step.url, "lighthouseVersion": "8.0.0", "fetchTime": common.timestamp.to_string(),
        "audits": {
            "first-contentful-paint": metric("first-contentful-paint", fcp, 1800.0),
            "largest-contentful-paint": metric("largest-contentful-paint", lcp, 2500.0),
            "interactive": metric("interactive", interactive, 3800.0),
            "speed-index": metric("speed-index", speed, 3400.0),
            "total-blocking-time": metric("total-blocking-time", blocking, 200.0),
            "cumulative-layout-shift": {"id": "cumulative-layout-shift", "title": "cumulative-layout-shift", "score": score(shift, 0.1), "numericValue": shift, "numericUnit": "unitless"},
            "network-server-latency": {"id": "network-server-latency", "score": 100, "numericValue": latency},
            "diagnostics": {"details": {"numRequests": 40 + random.below(20), "numTasksOver50ms": random.below(6), "numTasksOver100ms": random.below(3), "numTasksOver500ms": 0}},
            "resource-summary": {"details": {"Script": {"requestCount": 12, "transferSize": 420_000}, "Total": {"requestCount": 48, "transferSize": 1_300_000}}},
        },
        "categories": {"performance": {"id": "performance", "title": "Performance", "score": score(lcp, 2500.0)}},
        "configSettings": {"formFactor": "desktop", "throttlingMethod": "simulate", "maxWaitForFcp": 30_000, "maxWaitForLoad": 45_000, "throttling": {"rttMs": 40, "throughputKbps": 10_240, "cpuSlowdownMultiplier": 1}},
        "uuid": common.uuid, "uuidAction": random.hex(20), "labels": common.labels, "spec": common.spec, "monitor": common.monitor,
        "testStep": format!("{} performance audit", step.full_title), "timestamp": common.timestamp,
    });
    out.add_named("audit", common.timestamp, &document);
}
