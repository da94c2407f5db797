//! What the page measured itself.

use serde_json::Value;

use crate::{
    evidence::{Document, Evidence},
    pages::{APP, CSS},
};

pub(crate) fn timeline(evidence: &Evidence) {
    let (shop, journey) = (&evidence.shop, &evidence.journey);
    let first = |own: &&Document| own.value["fullTitle"] == "Shop opens";
    let entries: Vec<&Document> = journey
        .all("performance-entries")
        .into_iter()
        .filter(first)
        .collect();
    let told = evidence.told["entries"].as_array().unwrap();
    let told: Vec<&Value> = told
        .iter()
        .filter(|entry| ["navigation", "resource"].contains(&entry["entryType"].as_str().unwrap()))
        .collect();
    assert!(told.len() >= 8, "{told:#?}");
    for entry in told {
        let stored = entries
            .iter()
            .find(|own| own.value["name"] == entry["name"]);
        let stored = stored.unwrap_or_else(|| panic!("{entry:#} is not stored"));
        for (name, value) in entry.as_object().unwrap() {
            if ["notRestoredReasons", "confidence", "detail"].contains(&name.as_str()) {
                continue;
            }
            let own = evidence.field(stored, name);
            assert!(
                own == value || own.as_f64() == value.as_f64(),
                "{name}: {own} and {value}; {stored:#?}"
            );
        }
        let of = |name: &str| entry[name].as_f64().unwrap();
        assert_eq!(
            evidence.number(stored, "responseTime"),
            of("responseEnd") - of("requestStart")
        );
        let ttfb = if of("requestStart") == 0.0 {
            0.0
        } else {
            of("responseStart") - of("requestStart")
        };
        assert_eq!(evidence.number(stored, "ttfb"), ttfb);
        assert!(
            evidence
                .field(stored, "workerTiming")
                .as_array()
                .unwrap()
                .is_empty()
        );
    }
    let marks = evidence.smoke.all("performance-entries");
    let mark = marks
        .iter()
        .find(|own| own.value["entryType"] == "mark")
        .unwrap();
    assert_eq!(evidence.field(mark, "name"), "HE-end-body");

    let navigation = evidence.told["entries"]
        .as_array()
        .unwrap()
        .iter()
        .find(|entry| entry["entryType"] == "navigation")
        .unwrap();
    let vitals = journey.one("vitals", |own| own["fullTitle"] == "Shop opens");
    for (name, source) in [
        ("load", "loadEventEnd"),
        ("domContentLoaded", "domContentLoadedEventEnd"),
        ("ttfb", "responseStart"),
    ] {
        assert_eq!(
            evidence.number(vitals, name),
            navigation[source].as_f64().unwrap(),
            "{name}"
        );
    }
    assert_eq!(
        evidence.field(vitals, "navigationType"),
        &navigation["type"]
    );
    assert_eq!(evidence.text(vitals, "url"), shop.page("/"));
}

pub(crate) fn observers(evidence: &Evidence) {
    let told = &evidence.told;
    let vitals = evidence
        .journey
        .one("vitals", |own| own["fullTitle"] == "Shop opens");
    let largest = told["lcp"].as_array().unwrap().last().unwrap();
    assert_eq!(
        evidence.number(vitals, "lcp"),
        largest["startTime"].as_f64().unwrap()
    );
    assert_eq!(
        evidence.number(vitals, "lcpSize"),
        largest["size"].as_f64().unwrap()
    );
    assert_eq!(evidence.field(vitals, "lcpUrl"), &largest["url"]);
    assert_eq!(
        evidence.text(vitals, "lcpElement"),
        format!("#{}", largest["id"].as_str().unwrap())
    );
    let paint = told["entries"]
        .as_array()
        .unwrap()
        .iter()
        .find(|entry| entry["name"] == "first-contentful-paint")
        .unwrap();
    assert_eq!(
        evidence.number(vitals, "fcp"),
        paint["startTime"].as_f64().unwrap()
    );

    let shifts = told["shifts"].as_array().unwrap();
    let sum: f64 = shifts
        .iter()
        .map(|shift| shift["value"].as_f64().unwrap())
        .sum();
    assert!(sum > 0.05, "{shifts:?}");
    assert!(
        (evidence.number(vitals, "cls") - sum).abs() < 1e-6,
        "{shifts:?} {vitals:#?}"
    );
    let largest = &evidence.field(vitals, "clsShifts")[0];
    let own = shifts
        .iter()
        .find(|shift| shift["startTime"] == largest["startTime"]);
    assert_eq!(own.unwrap()["value"], largest["value"]);

    // The step goes on after the page has told: there may be more of them.
    for (told_as, count, longest) in [
        ("tasks", "longTasks", "longestTask"),
        ("frames", "longFrames", "longestFrame"),
    ] {
        let told: Vec<f64> = told[told_as]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one.as_f64().unwrap())
            .collect();
        let most = told.iter().copied().fold(0.0, f64::max);
        assert!(most >= 130.0, "{told_as}: {told:?}");
        let (own, number) = (
            evidence.number(vitals, longest),
            evidence.number(vitals, count),
        );
        assert!(
            own >= most && number >= told.len() as f64,
            "{told:?} {vitals:#?}"
        );
        if number == told.len() as f64 {
            assert_eq!(own, most, "{told_as}");
        }
        if told_as == "tasks" {
            let blocked: f64 = told.iter().map(|one| (one - 50.0).max(0.0)).sum();
            assert!(evidence.number(vitals, "blockingTime") >= blocked);
        }
    }
    let heap = &told["heap"];
    let memory = evidence.journey.all("memory")[0];
    let own = |name: &str| evidence.number(memory, &format!("data.{name}"));
    assert_eq!(
        own("jsHeapSizeLimit"),
        heap["jsHeapSizeLimit"].as_f64().unwrap()
    );
    for name in ["totalJSHeapSize", "usedJSHeapSize"] {
        let ratio = own(name) / heap[name].as_f64().unwrap();
        assert!((0.5..2.0).contains(&ratio), "{name}: {memory:#?} {heap}");
    }
}

/// The sources are known to the letter.
pub(crate) fn sources(evidence: &Evidence) {
    let unused = "function unused() { return 'never called'; }".len();
    let rule = "h1 { color: red }".len();
    for (path, kind, total, unused) in [
        ("/app.js", "script", APP.len(), unused),
        ("/site.css", "stylesheet", CSS.len(), CSS.len() - rule),
    ] {
        let url = evidence.shop.page(path);
        let covered = evidence
            .smoke
            .one("coverage-audit", |own| own["url"] == url);
        assert_eq!(evidence.text(covered, "url"), url);
        assert_eq!(evidence.field(covered, "kind"), kind);
        assert_eq!(evidence.number(covered, "total"), total as f64);
        assert_eq!(evidence.number(covered, "unused"), unused as f64);
        let percent = (unused as f64 * 100.0 / total as f64).round();
        assert_eq!(evidence.number(covered, "percentUnused"), percent);
    }
}
