//! Every field that a run stores, compared with a second source of the same fact. Which field was compared with which source
//! is noted while comparing; `docs/fields.md` is that list.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod console;
mod evidence;
mod network;
mod page;
mod pages;
mod run;

use std::{
    collections::{BTreeMap, BTreeSet},
    panic::{AssertUnwindSafe, catch_unwind},
};

use canarytrace_model::index::{DEFAULT_PREFIX, templates};
use evidence::Evidence;
use serde_json::Value;

type Comparison = (&'static str, fn(&Evidence));

/// Where the same fact is read a second time, and what compares them.
const COMPARISONS: [Comparison; 14] = [
    ("what the run was told", run::given),
    ("the text of the script", run::script),
    ("the clock of whoever started the run", run::clock),
    (
        "`run.json`, the exit code and the files of the run",
        run::record,
    ),
    ("the machine's own counters", run::host),
    ("the other documents of the run", run::joined),
    ("the server's log and what it sent", network::server),
    ("the page's own timeline", network::timeline),
    (
        "the formula over the phases of the same request",
        network::formulas,
    ),
    ("the page's own timeline, value by value", page::timeline),
    ("the page's own observers", page::observers),
    ("what the page is made of", page::sources),
    ("the lines of the page", console::lines),
    (
        "the certificate that the server was given",
        network::certificate,
    ),
];

/// Compared in a test of its own.
const ELSEWHERE: [(&str, &str, &str); 6] = [
    ("vitals", "inp", "interactions_are_as_long_as_the_page_says"),
    (
        "vitals",
        "inpElement",
        "interactions_are_as_long_as_the_page_says",
    ),
    (
        "run",
        "vitals.inp",
        "interactions_are_as_long_as_the_page_says",
    ),
    (
        "vitals",
        "mixedContent",
        "certificates_and_mixed_content_are_named",
    ),
    (
        "vitals",
        "certificateDaysLeft",
        "certificates_and_mixed_content_are_named",
    ),
    (
        "vitals",
        "certificates",
        "certificates_and_mixed_content_are_named",
    ),
];

/// Only the browser knows: that they are carried over unchanged is shown by recorded frames (`a_recorded_visit_is_carried_over`).
const TRANSCRIPT: [(&str, &str); 11] = [
    ("console", "exceptionId"),
    ("console", "executionContextId"),
    ("console", "scriptId"),
    ("request-log", "request.initialPriority"),
    ("request-log", "request.isSameSite"),
    ("request-log", "request.redirectHasExtraInfo"),
    ("request-log", "response.connectionId"),
    ("request-log", "response.connectionReused"),
    ("request-log", "response.fromPrefetchCache"),
    ("request-log", "response.securityState"),
    ("request-log", "response.shouldReportCorbBlocking"),
];

#[test]
fn every_field_agrees_with_a_second_source() {
    let evidence = Evidence::gather();
    // All that differs is told, not only the first.
    let differing: Vec<&str> = COMPARISONS
        .into_iter()
        .filter(|(source, compare)| {
            evidence.compare_with(source);
            catch_unwind(AssertUnwindSafe(|| compare(&evidence))).is_err()
        })
        .map(|(source, _)| source)
        .collect();
    assert!(differing.is_empty(), "documents differ from {differing:#?}");
    let mut sources: BTreeMap<(String, String), BTreeSet<String>> = evidence
        .compared()
        .into_iter()
        .map(|(field, sources)| (field, sources.into_iter().map(str::to_owned).collect()))
        .collect();
    let telemetry = include_str!("../telemetry.rs");
    for (service, field, test) in ELSEWHERE {
        assert!(
            telemetry.contains(&format!("fn {test}()")),
            "{test} is gone"
        );
        let key = (service.to_owned(), field.to_owned());
        sources
            .entry(key)
            .or_default()
            .insert(format!("test `{test}`"));
    }
    for (service, field) in TRANSCRIPT {
        let key = (service.to_owned(), field.to_owned());
        let recorded = "none: recorded frames of the browser".to_owned();
        assert!(
            sources.insert(key, BTreeSet::from([recorded])).is_none(),
            "{field} has a source"
        );
    }
    let missing: Vec<_> = evidence
        .present()
        .into_iter()
        .filter(|(service, field)| !is_compared(&sources, service, field))
        .collect();
    assert!(
        missing.is_empty(),
        "fields without a second source: {missing:#?}"
    );
    documented(&sources);
}

/// A variable of the environment is a field of its own.
fn is_compared(
    sources: &BTreeMap<(String, String), BTreeSet<String>>,
    service: &str,
    field: &str,
) -> bool {
    let is_variable = service == "env"
        && field
            .chars()
            .next()
            .is_some_and(|first| !first.is_lowercase());
    is_variable || sources.contains_key(&(service.to_owned(), field.to_owned()))
}

/// `docs/fields.md` is what was compared; `CANARYTRACE_WRITE=1` writes it.
fn documented(sources: &BTreeMap<(String, String), BTreeSet<String>>) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/fields.md");
    let text = markdown(sources);
    if std::env::var_os("CANARYTRACE_WRITE").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    let (is, was): (BTreeSet<&str>, BTreeSet<&str>) =
        (text.lines().collect(), written.lines().collect());
    let differs: Vec<_> = is.symmetric_difference(&was).collect();
    assert!(
        differs.is_empty(),
        "docs/fields.md is not what was compared (CANARYTRACE_WRITE=1 writes it): {differs:#?}"
    );
}

fn markdown(sources: &BTreeMap<(String, String), BTreeSet<String>>) -> String {
    let mappings: BTreeMap<String, Value> = templates("")
        .into_iter()
        .map(|template| (template.name, template.body["template"]["mappings"].clone()))
        .collect();
    let mut text = "# Fields and how we know that they are right\n\nWritten by the test `every_field_agrees_with_a_second_source`, \
        which reads each fact another way and compares. Units and formulas stand in the documentation of `canarytrace-model`; times are ms and \
        sizes bytes where nothing else is said. `(free)` is a tree that is stored and not searched, `(dynamic)` gets its type from the first value.\n"
        .to_owned();
    let mut last = "";
    for ((service, field), sources) in sources {
        if service != last {
            text.push_str(&format!(
                "\n## `{DEFAULT_PREFIX}{service}-*`\n\n| field | type | compared with |\n|---|---|---|\n"
            ));
            last = service;
        }
        let kind = kind(&mappings[service.as_str()], field);
        let sources: Vec<&str> = sources.iter().map(String::as_str).collect();
        text.push_str(&format!(
            "| `{field}` | {kind} | {} |\n",
            sources.join("; ")
        ));
    }
    text
}

/// As the index template has it.
fn kind(mappings: &Value, field: &str) -> String {
    let mut at = mappings;
    for name in field.split('.') {
        at = &at["properties"][name];
        if at["enabled"] == false {
            return "(free)".to_owned();
        }
    }
    match at["type"].as_str() {
        Some(kind) => kind.to_owned(),
        None if at["properties"].is_object() => "object".to_owned(),
        None => "(dynamic)".to_owned(),
    }
}
