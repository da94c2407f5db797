//! Frames recorded from Chromium 156 (a page with a redirect, a script, a worker, failing requests and an exception),
//! read as the driver reads them. Recorded, never written by hand.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use canarytrace_driver::devtools::{BrowserEvent, ConsoleKind, decode, read_envelope};

fn events() -> Vec<BrowserEvent> {
    let frames = include_str!("golden/page.ndjson");
    let read = |frame: &str| {
        let envelope = read_envelope(frame).unwrap();
        decode(
            envelope.method.as_deref().unwrap(),
            envelope.params.unwrap(),
        )
        .unwrap()
    };
    frames.lines().map(read).collect()
}

fn path(url: &str) -> &str {
    url.split("8080")
        .nth(1)
        .unwrap_or(url.get(..12).unwrap_or(url))
}

/// One line for each event, with what later stages rely on.
fn line(event: &BrowserEvent) -> String {
    match event {
        BrowserEvent::Request(request) => {
            let redirect = request
                .redirect
                .as_ref()
                .map(|response| format!(" after {}", response.status))
                .unwrap_or_default();
            let kind = request.resource_type.as_deref().unwrap_or("-");
            let initiator = request
                .initiator
                .get("type")
                .and_then(serde_json::Value::as_str)
                .unwrap_or("-");
            let navigation = if request.is_navigation {
                " navigation"
            } else {
                ""
            };
            format!(
                "request {} {kind} by {initiator}{redirect}{navigation}",
                path(&request.url)
            )
        }
        BrowserEvent::Response(response) => {
            let timing = response
                .timing
                .as_ref()
                .is_some_and(|timing| timing.contains_key("receiveHeadersEnd"));
            format!(
                "response {} {} {} timing={timing}",
                path(&response.url),
                response.status,
                response.mime_type
            )
        }
        BrowserEvent::Finished(finished) => {
            format!("finished {} bytes", finished.encoded_data_length)
        }
        BrowserEvent::Failed(failed) => format!("failed {}", failed.error_text),
        BrowserEvent::Console(event) => {
            let text = event
                .fields
                .get("text")
                .or_else(|| event.fields.get("type"))
                .and_then(serde_json::Value::as_str);
            format!("{:?} {}", event.kind, text.unwrap_or("-"))
        }
        other => format!("{other:?}"),
    }
}

#[test]
fn every_recorded_frame_is_read() {
    let lines: Vec<String> = events().iter().map(line).collect();
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn details_that_documents_hold() {
    let events = events();
    let requests: Vec<_> = events
        .iter()
        .filter_map(|event| {
            if let BrowserEvent::Request(request) = event {
                Some(request)
            } else {
                None
            }
        })
        .collect();
    assert_eq!(
        requests[0].request_id, requests[1].request_id,
        "a redirect keeps its id"
    );
    assert!(requests.iter().all(|request| {
        request
            .headers
            .keys()
            .all(|name| *name == name.to_lowercase())
    }));
    assert!(
        requests
            .iter()
            .all(|request| request.wall_time > 1.7e9 && request.timestamp > 0.0)
    );
    let script = requests
        .iter()
        .find(|request| path(&request.url) == "/missing")
        .unwrap();
    assert_eq!(path(script.initiator["url"].as_str().unwrap()), "/a.js");
    assert!(
        script
            .initiator
            .keys()
            .all(|name| ["type", "url", "lineNumber", "columnNumber"].contains(&name.as_str()))
    );
    let exception = events.iter().any(|event| matches!(event, BrowserEvent::Console(event) if event.kind == ConsoleKind::Exception && event.fields.contains_key("exceptionId")));
    assert!(exception);
}
