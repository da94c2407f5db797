//! Console documents: the page's lines say what must be in them, and where.

use serde_json::json;

use crate::{
    evidence::{Document, Evidence},
    pages::page,
};

/// Line and column of a part of the page, from 0.
fn place(page: &str, part: &str) -> (f64, f64) {
    let (line, text) = page
        .lines()
        .enumerate()
        .find(|(_, text)| text.contains(part))
        .unwrap();
    (line as f64, text.find(part).unwrap() as f64)
}

pub(crate) fn lines(evidence: &Evidence) {
    let (journey, url) = (&evidence.journey, evidence.shop.page("/"));
    let page = page(&evidence.third.url);
    let event = |kind: &str, part: &str| -> &Document {
        journey.one("console", |own| {
            let words = format!("{}{}", own["text"], own["args"]);
            own["eventType"] == kind
                && (words.contains(part) || own["exception"].to_string().contains(part))
        })
    };
    let (line, column) = place(&page, "warn('careful'");

    let message = event("Console.messageAdded", "careful");
    assert_eq!(evidence.field(message, "eventType"), "Console.messageAdded");
    assert_eq!(evidence.field(message, "source"), "console-api");
    assert_eq!(evidence.field(message, "level"), "warning");
    assert_eq!(evidence.field(message, "text"), "careful 7");
    assert_eq!(evidence.field(message, "url"), &json!(url));
    // This event counts from one.
    assert_eq!(evidence.number(message, "line"), line + 1.0);
    assert_eq!(evidence.number(message, "column"), column + 1.0);

    let called = event("Runtime.consoleAPICalled", "careful");
    assert_eq!(evidence.field(called, "type"), "warning");
    let arguments = evidence.field(called, "args");
    assert_eq!(
        (&arguments[0]["value"], &arguments[1]["value"]),
        (&json!("careful"), &json!(7))
    );
    let frame = &evidence.field(called, "stackTrace")["callFrames"][0];
    assert_eq!(frame["lineNumber"].as_f64(), Some(line));
    assert_eq!(frame["columnNumber"].as_f64(), Some(column));

    let (line, column) = place(&page, "new Error('boom')");
    let thrown = event("Runtime.exceptionThrown", "boom");
    assert_eq!(evidence.number(thrown, "lineNumber"), line);
    let exception = evidence.field(thrown, "exception");
    assert_eq!(exception["className"], "Error");
    assert!(
        exception["description"]
            .as_str()
            .unwrap()
            .starts_with("Error: boom"),
        "{exception}"
    );
    let frame = &evidence.field(thrown, "stackTrace")["callFrames"][0];
    assert_eq!(
        (frame["lineNumber"].as_f64(), frame["columnNumber"].as_f64()),
        (Some(line), Some(column))
    );
    assert!(
        (evidence.number(thrown, "columnNumber") - column).abs() <= 6.0,
        "{thrown:#?}"
    );

    let missing = evidence.shop.page("/missing");
    let logged = journey.one("console", |own| {
        own["eventType"] == "Log.entryAdded" && own["url"] == missing
    });
    let request = journey.request(&missing);
    assert_eq!(
        evidence.field(logged, "networkRequestId"),
        &request.value["requestId"]
    );
    assert_eq!(
        (
            evidence.text(logged, "source"),
            evidence.text(logged, "level")
        ),
        ("network", "error")
    );
}
