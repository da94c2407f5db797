//! The run itself: what it was told, what it did, how long it took, and what the machine did meanwhile.

use std::collections::{BTreeMap, BTreeSet};

use canarytrace_e2e::say;
use serde_json::{Value, json};

use crate::evidence::{Document, Evidence, LABEL, MEMORY_MIB, Run, SECRET, at};

const SERVICES: [&str; 10] = [
    "report",
    "performance-entries",
    "request-log",
    "memory",
    "console",
    "coverage-audit",
    "env",
    "smoke-title",
    "vitals",
    "run",
];

/// Every document of every run.
fn every(evidence: &Evidence) -> Vec<(&Run, &Document)> {
    let of = |run| {
        SERVICES
            .iter()
            .flat_map(move |service| Run::all(run, service))
            .map(move |own| (run, own))
    };
    evidence.runs().into_iter().flat_map(of).collect()
}

pub(crate) fn given(evidence: &Evidence) {
    for (run, document) in every(evidence) {
        let is_journey = std::ptr::eq(run, &evidence.journey);
        let (spec, monitor) = match run {
            _ if is_journey => ("shop.js", "checkout"),
            _ if std::ptr::eq(run, &evidence.broken) => ("broken.js", "broken-js"),
            _ => ("smoke.js", "127-0-0-1"),
        };
        assert_eq!(evidence.field(document, "spec"), spec);
        assert_eq!(evidence.field(document, "monitor"), monitor);
        let labels = evidence.field(document, "labels").as_array().unwrap();
        let is_labelled = is_journey || std::ptr::eq(run, &evidence.smoke);
        assert_eq!(labels.contains(&json!(LABEL)), is_labelled, "{labels:?}");
    }
    let started = evidence.journey.event("testStart");
    assert_eq!(
        evidence.field(started, "baseUrl"),
        &json!(evidence.shop.url)
    );
    assert_eq!(evidence.field(started, "seleniumCluster"), "127.0.0.1");
    assert_eq!(
        evidence.field(started, "capabilities.browserName"),
        "chrome"
    );
    let insecure = "capabilities.acceptInsecureCerts";
    assert_eq!(evidence.field(started, insecure), false);
    let by_variables = evidence.smoke.event("testStart");
    assert_eq!(evidence.field(by_variables, insecure), true);
    assert_eq!(
        evidence.field(started, "capabilities.pageLoadStrategy"),
        "normal"
    );
    assert_eq!(
        evidence.field(started, "capabilities.unhandledPromptBehavior"),
        "ignore"
    );
    let options = "capabilities.goog:chromeOptions";
    let switches = evidence
        .field(started, &format!("{options}.args"))
        .as_array()
        .unwrap();
    assert!(switches.contains(&json!("--headless=new")), "{switches:?}");
    let excluded = evidence.field(started, &format!("{options}.excludeSwitches"));
    assert_eq!(excluded, &json!(["enable-automation"]));
    let binary = evidence.text(started, &format!("{options}.binary"));
    assert!(std::path::Path::new(binary).is_file(), "{binary}");

    let smoke = &evidence.smoke;
    let environment = smoke.all("env")[0];
    assert_eq!(at(&environment.value, "LABELS"), LABEL);
    assert_ne!(at(&environment.value, "SHOP_TOKEN"), SECRET);
    let masked = evidence
        .field(environment, "maskedVariables")
        .as_array()
        .unwrap();
    assert!(masked.contains(&json!("SHOP_TOKEN")), "{masked:?}");
    pedigree(evidence);
}

/// `overhead` of what was timed.
fn pedigree(evidence: &Evidence) {
    let timed = [
        "report",
        "performance-entries",
        "request-log",
        "memory",
        "coverage-audit",
        "vitals",
    ];
    for (run, class) in [(&evidence.smoke, "coverage"), (&evidence.journey, "light")] {
        for service in timed {
            for document in run.all(service) {
                if at(&document.value, "overhead").is_null() {
                    continue;
                }
                assert_eq!(evidence.field(document, "overhead.class"), class);
                assert_eq!(evidence.field(document, "overhead.settled"), true);
                assert_eq!(evidence.field(document, "overhead.rendering"), "software");
                let limits = [
                    ("overhead.memoryBytes", json!(MEMORY_MIB << 20)),
                    ("overhead.cpus", json!(2.0)),
                ];
                for (name, limit) in limits {
                    let expected = if class == "light" { limit } else { Value::Null };
                    assert_eq!(evidence.field(document, name), &expected, "{document:#?}");
                }
                let title =
                    ["fullTitle", "context", "testStep"].map(|name| at(&document.value, name));
                let is_first = title
                    .iter()
                    .all(|title| **title != "Shop comes again" && **title != "Shop fails");
                let cache = if is_first { "cold" } else { "warm" };
                assert_eq!(
                    evidence.field(document, "overhead.cache"),
                    cache,
                    "{document:#?}"
                );
                evidence.number(document, "overhead.otherRuns");
            }
        }
        assert_eq!(evidence.field(run.all("run")[0], "overhead.class"), class);
    }
}

pub(crate) fn script(evidence: &Evidence) {
    let journey = &evidence.journey;
    let mut expected = vec![
        ("testStart", Value::Null, Value::Null),
        ("suiteStart", json!("Shop"), Value::Null),
    ];
    for (title, passed) in [("opens", true), ("comes again", true), ("fails", false)] {
        expected.push(("testStepStart", json!(title), Value::Null));
        expected.push(("testStepEnd", json!(title), json!(passed)));
    }
    expected.push(("testEnd", Value::Null, Value::Null));
    let events = journey.all("report");
    let said: Vec<_> = events
        .iter()
        .map(|event| {
            (
                evidence.text(event, "event"),
                evidence.field(event, "title").clone(),
                evidence.field(event, "passed").clone(),
            )
        })
        .collect();
    assert_eq!(said, expected, "{}", journey.said.stderr);
    for (index, event) in events.iter().enumerate() {
        assert_eq!(evidence.number(event, "sequence"), (index + 1) as f64);
        let title = event.value["title"].as_str();
        let full = match title {
            Some("Shop") | None => title.map(str::to_owned),
            Some(step) => Some(format!("Shop {step}")),
        };
        assert_eq!(
            evidence
                .field(event, "fullTitle")
                .as_str()
                .map(str::to_owned),
            full
        );
        let parent = title.filter(|title| *title != "Shop").map(|_| "Shop");
        assert_eq!(evidence.field(event, "parent").as_str(), parent);
    }
    let failed = journey.one("report", |event| event["passed"] == false);
    assert_eq!(evidence.field(failed, "errType"), "Error");
    let message = evidence.text(failed, "errMessage");
    assert!(
        message.contains("Cart") && message.contains("Welcome"),
        "{message}"
    );
    let verdict = evidence.field(failed, "verdict");
    assert_eq!(
        (&verdict["outcome"], &verdict["cause"]),
        (&json!("failed"), &json!("site"))
    );

    let broken = evidence.broken.event("testEnd");
    assert_eq!(evidence.number(broken, "sequence"), 1000.0);
    assert_eq!(evidence.field(broken, "passed"), false);
    let message = evidence.text(broken, "errMessage");
    assert!(message.contains("broken.js"), "{message}");
    assert_eq!(evidence.field(broken, "errType"), "SyntaxError");
    let verdict = evidence.field(evidence.broken.all("run")[0], "verdict");
    assert_eq!(verdict["cause"], "script", "{verdict}");

    // The script prints its session.
    let printed = journey.one("console", |event| event["args"][0]["value"] == "session");
    let session = evidence.text(journey.event("testStart"), "sessionId");
    assert_eq!(printed.value["args"][1]["value"], session);
}

pub(crate) fn clock(evidence: &Evidence) {
    for (run, document) in every(evidence) {
        let at = evidence.instant(document, "timestamp");
        assert!(
            (run.began - 1.0..run.ended + 1.0).contains(&at),
            "{document:#?}"
        );
    }
    for run in evidence.runs() {
        let document = run.all("run")[0];
        let (began, ended) = (
            evidence.instant(document, "startedAt"),
            evidence.instant(document, "endedAt"),
        );
        assert!(
            run.began - 1.0 <= began && began <= ended && ended <= run.ended + 1.0,
            "{document:#?}"
        );
        let duration = evidence.number(document, "durationMs");
        assert!((duration - (ended - began)).abs() < 5.0, "{document:#?}");
        let Some(end) = run
            .all("report")
            .into_iter()
            .find(|event| event.value["totalRunnerDuration"].is_number())
        else {
            continue;
        };
        let total = evidence.number(end, "totalRunnerDuration");
        let steps = evidence.number(end, "totalTestStepsDuration");
        let mut sum = 0.0;
        for ended in run
            .all("report")
            .iter()
            .filter(|event| event.value["event"] == "testStepEnd")
        {
            let duration = evidence.number(ended, "testStepDuration");
            let id = &ended.value["uuidAction"];
            let started = run.one("report", |event| {
                event["event"] == "testStepStart" && &event["uuidAction"] == id
            });
            let apart =
                evidence.instant(ended, "timestamp") - evidence.instant(started, "timestamp");
            // The end is told when what the browser knows of the step has been gathered.
            assert!(
                duration <= apart + 2.0,
                "{duration} ms, {apart} ms between its events"
            );
            sum += duration;
        }
        assert_eq!(steps, sum);
        assert!(steps <= total && total <= duration + 1.0, "{end:#?}");
        let settled = evidence.number(document, "overhead.settledMs");
        assert!((1.0..total - steps).contains(&settled), "{document:#?}");
    }
    // The failing step waited for 300 ms.
    let failed = evidence
        .journey
        .one("report", |event| event["passed"] == false);
    assert!(evidence.number(failed, "testStepDuration") >= 300.0);
}

pub(crate) fn record(evidence: &Evidence) {
    for run in evidence.runs() {
        let (record, document) = (&run.record, run.all("run")[0]);
        let code = evidence.number(document, "exitCode");
        assert_eq!(Some(code), run.said.code.map(f64::from));
        assert_eq!(evidence.field(document, "passed"), &json!(code == 0.0));
        assert_eq!(
            evidence.field(document, "verdict")["outcome"],
            record["verdict"]["outcome"]
        );
        assert_eq!(evidence.field(document, "mode"), &record["mode"]);
        let name = run.folder.file_name().unwrap().to_str().unwrap();
        for service in SERVICES {
            for document in run.all(service) {
                assert_eq!(evidence.field(document, "uuid"), name);
            }
        }
        let version = say(&["--version"]).stdout;
        assert!(
            version.contains(evidence.text(document, "version")),
            "{version}"
        );
        let steps = run.all("report");
        let ended: Vec<_> = steps
            .iter()
            .filter(|event| event.value["event"] == "testStepEnd")
            .collect();
        assert_eq!(evidence.number(document, "stepsTotal"), ended.len() as f64);
        let failed = ended
            .iter()
            .filter(|event| event.value["passed"] == false)
            .count();
        assert_eq!(evidence.number(document, "stepsFailed"), failed as f64);
        for name in evidence.field(document, "attachments").as_array().unwrap() {
            let file = run.folder.join("attachments").join(name.as_str().unwrap());
            assert!(file.is_file(), "{}", file.display());
        }
        for name in ["overhead.droppedEvents", "overhead.droppedFrames"] {
            assert_eq!(evidence.field(document, name).as_f64().unwrap_or(0.0), 0.0);
        }
    }
    let journey = &evidence.journey;
    let (run, failed) = (
        journey.all("run")[0],
        journey.one("report", |event| event["passed"] == false),
    );
    let picture = evidence.text(failed, "attachments");
    assert_eq!(evidence.text(run, "screenshot"), picture);
    let name = picture.rsplit('/').next().unwrap();
    let bytes = std::fs::read(journey.folder.join("attachments").join(name)).unwrap();
    assert!(bytes.starts_with(b"\x89PNG"), "{picture}");
    assert_eq!(
        evidence.field(
            journey.one("report", |event| event["title"] == "opens"
                && event["passed"] == true),
            "attachments"
        ),
        "no"
    );
    let agent = journey.request(&evidence.shop.page("/"));
    let major = |text: &str| {
        text.rsplit_once('/')
            .unwrap()
            .1
            .split('.')
            .next()
            .unwrap()
            .to_owned()
    };
    let browser = major(evidence.text(run, "browserVersion"));
    let header = agent.value["request"]["headers"]["user-agent"]
        .as_str()
        .unwrap();
    assert!(
        header.contains(&format!("Chrome/{browser}.")),
        "{header} {browser}"
    );
    // Only a run from git has one.
    evidence.field(run, "revision");
}

pub(crate) fn host(evidence: &Evidence) {
    let load: f64 = std::fs::read_to_string("/proc/loadavg")
        .unwrap()
        .split(' ')
        .next()
        .unwrap()
        .parse()
        .unwrap();
    for run in [&evidence.smoke, &evidence.journey] {
        let documents = run.all("report").into_iter().chain(run.all("vitals"));
        for document in documents.filter(|document| document.value["host"].is_object()) {
            for name in ["host.cpuPressurePercent", "host.stealPercent"] {
                let percent = evidence.field(document, name).as_f64().unwrap_or(0.0);
                assert!((0.0..=100.0).contains(&percent), "{document:#?}");
            }
            let said = evidence.number(document, "host.load1");
            assert!((said - load).abs() < 10.0, "{said} {load}");
        }
        let document = run.all("run")[0];
        let cpus = std::thread::available_parallelism().unwrap().get() as f64;
        let (runner, browser) = (
            evidence.number(document, "overhead.runnerCpuS"),
            evidence.number(document, "overhead.browserCpuS"),
        );
        let limit = (run.ended - run.began) / 1000.0 * cpus;
        assert!(
            0.0 < runner && runner < browser && runner + browser < limit,
            "{document:#?}"
        );
        let peak = evidence.number(document, "overhead.runnerPeakRssBytes");
        assert!((5e6..3e8).contains(&peak), "{peak}");
    }
}

pub(crate) fn joined(evidence: &Evidence) {
    for run in evidence.runs() {
        let steps: BTreeMap<&str, &str> = run
            .all("report")
            .into_iter()
            .filter(|event| event.value["uuidAction"].is_string())
            .map(|event| {
                (
                    evidence.text(event, "uuidAction"),
                    event.value["fullTitle"].as_str().unwrap(),
                )
            })
            .collect();
        let titles: BTreeSet<&&str> = steps.values().collect();
        assert_eq!(titles.len(), steps.len(), "{steps:?}");
        for (service, title) in [
            ("performance-entries", "fullTitle"),
            ("request-log", "context"),
            ("memory", "testStep"),
            ("console", "context"),
            ("coverage-audit", "testStep"),
            ("vitals", "fullTitle"),
        ] {
            let mut numbers: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
            for document in run.all(service) {
                let id = evidence.text(document, "uuidAction");
                assert_eq!(evidence.text(document, title), steps[id], "{document:#?}");
                if matches!(service, "coverage-audit" | "vitals") {
                    continue;
                }
                // The others count through the run.
                let within = if service == "performance-entries" {
                    id
                } else {
                    ""
                };
                numbers
                    .entry(within)
                    .or_default()
                    .push(evidence.number(document, "sequence") as u64);
            }
            // A request that ends in a later step is written there.
            for numbers in numbers.values_mut() {
                numbers.sort_unstable();
                let expected: Vec<u64> = (1..=numbers.len() as u64).collect();
                assert_eq!(*numbers, expected, "{service}");
            }
        }
        for document in run.all("smoke-title") {
            assert!(steps.contains_key(evidence.text(document, "uuidAction")));
        }
        totals(evidence, run);
    }
}

/// What the run's document sums up.
fn totals(evidence: &Evidence, run: &Run) {
    let (document, requests) = (run.all("run")[0], run.all("request-log"));
    assert_eq!(evidence.number(document, "requests"), requests.len() as f64);
    let bytes: f64 = requests
        .iter()
        .filter_map(|own| at(&own.value, "response.totalEncodedDataLength").as_f64())
        .sum();
    assert_eq!(evidence.number(document, "transferBytes"), bytes);
    // What the page gave up itself is no failure, nor is what had no time to end.
    let failed: Vec<String> = requests
        .iter()
        .filter(|own| {
            let failure = own.value["failure"].as_str().unwrap_or("canceled");
            let status = at(&own.value, "response.status").as_f64();
            let is_given_up = ["canceled", "unfinished"]
                .iter()
                .any(|word| failure.starts_with(word));
            !is_given_up || status > Some(399.0)
        })
        .map(|own| own.value.to_string())
        .collect();
    let said = evidence.number(document, "requestsFailed");
    assert_eq!(said, failed.len() as f64, "{failed:#?}");
    let errors = run.all("console").into_iter().filter(|own| {
        own.value["level"] == "error" || own.value["eventType"] == "Runtime.exceptionThrown"
    });
    assert_eq!(
        evidence.number(document, "consoleErrors"),
        errors.count() as f64,
        "{:#?}",
        run.all("console")
    );
    let first = run.all("vitals");
    for name in ["lcp", "cls", "fcp", "ttfb", "load", "url"] {
        let own = evidence.field(document, &format!("vitals.{name}"));
        let expected = first
            .first()
            .map_or(&Value::Null, |vitals| &vitals.value[name]);
        assert_eq!(own, expected, "{name}");
    }
}
