//! Whose fault it is: a pure function from facts to a verdict.

use std::time::Duration;

use canarytrace_model::verdict::{Cause, Verdict};
use canarytrace_script::ScriptErrorKind;
use serde_json::json;

use crate::git::GitError;

/// What is known about a step when it ends.
#[derive(Clone, Debug, Default)]
pub struct StepFacts {
    /// The page that was opened, if one was.
    pub url: Option<String>,
    /// Of the first navigate request.
    pub status: Option<u16>,
    /// The status of a navigation that the step made by itself is one of these facts.
    pub status_counts: bool,
    /// `net::ERR_…` of the navigation.
    pub net_error: Option<String>,
    /// What the page should have been and was not, in words.
    pub unmet: Option<String>,
    /// A limit that passed, and what was awaited.
    pub deadline: Option<(String, Duration)>,
    /// The browser or its driver ended; why, if known.
    pub browser_gone: Option<String>,
    pub script: Option<ScriptFailure>,
    /// Requests that failed or were answered by an error, at most a few.
    pub failed_requests: Vec<String>,
    /// The URL that was asked for cannot be one.
    pub invalid: Option<String>,
}

/// An error of a script.
#[derive(Clone, Debug)]
pub struct ScriptFailure {
    pub kind: ScriptErrorKind,
    pub name: String,
    pub message: String,
    pub place: Option<String>,
}

/// The verdict of a step.
pub fn judge(facts: &StepFacts) -> Verdict {
    let mut verdict = decide(facts);
    if verdict.is_passed() {
        return verdict;
    }
    let mut fact = |name: &str, value: serde_json::Value| {
        if !value.is_null() && value != json!([]) {
            verdict.facts.insert(name.to_owned(), value);
        }
    };
    fact("url", json!(facts.url));
    fact("status", json!(facts.status));
    fact("netError", json!(facts.net_error));
    fact("failedRequests", json!(facts.failed_requests));
    fact(
        "place",
        json!(
            facts
                .script
                .as_ref()
                .and_then(|script| script.place.clone())
        ),
    );
    fact(
        "errorName",
        json!(facts.script.as_ref().map(|script| script.name.clone())),
    );
    verdict
}

fn decide(facts: &StepFacts) -> Verdict {
    if let Some(reason) = &facts.invalid {
        return Verdict::blame(Cause::Configuration, reason.clone());
    }
    if let Some(reason) = &facts.browser_gone {
        return Verdict::blame(
            Cause::Browser,
            format!("the browser ended while the step ran: {reason}"),
        );
    }
    if let Some(error) = &facts.net_error {
        return judge_net_error(facts.url.as_deref().unwrap_or("the page"), error);
    }
    if let Some(script) = facts
        .script
        .as_ref()
        .filter(|script| script.kind == ScriptErrorKind::Script)
    {
        let place = script
            .place
            .as_ref()
            .map(|place| format!(" at {place}"))
            .unwrap_or_default();
        return Verdict::blame(
            Cause::Script,
            format!(
                "the script is wrong{place}: {}: {}",
                script.name, script.message
            ),
        );
    }
    let page = facts.url.as_deref().unwrap_or("the page");
    if let Some(unmet) = &facts.unmet {
        return Verdict::blame(Cause::Site, unmet.clone());
    }
    let failing = facts.script.is_some() || facts.deadline.is_some();
    match facts.status {
        Some(status) if status > 399 && (failing || facts.script.is_none()) => {
            return Verdict::blame(Cause::Site, format!("{page} answered with status {status}"));
        }
        _ => {}
    }
    if let Some((what, limit)) = &facts.deadline {
        return Verdict::blame(
            Cause::Site,
            format!("{what} did not end within {}s", limit.as_secs()),
        );
    }
    match &facts.script {
        None => Verdict::passed(),
        Some(script) => judge_script(script),
    }
}

fn judge_script(script: &ScriptFailure) -> Verdict {
    let first_line = script.message.lines().next().unwrap_or_default();
    match script.kind {
        ScriptErrorKind::Skipped => Verdict::passed(),
        ScriptErrorKind::Browser => Verdict::blame(
            Cause::Browser,
            format!("the browser ended while the step ran: {first_line}"),
        ),
        ScriptErrorKind::Deadline => Verdict::blame(Cause::Inconclusive, first_line),
        ScriptErrorKind::Script => Verdict::blame(Cause::Script, first_line),
        ScriptErrorKind::Assertion | ScriptErrorKind::Element | ScriptErrorKind::Navigation => {
            let message: Vec<&str> = script
                .message
                .lines()
                .map(str::trim)
                .filter(|line| !line.is_empty())
                .collect();
            Verdict::blame(Cause::Site, message.join("; "))
        }
    }
}

/// Which phase a network error belongs to decides who is at fault.
fn judge_net_error(url: &str, error: &str) -> Verdict {
    let name = error.trim_start_matches("net::ERR_");
    let (cause, phase, what) = match name {
        "NAME_NOT_RESOLVED" | "NAME_RESOLUTION_FAILED" | "DNS_TIMED_OUT" => {
            (Cause::Site, "dns", "its name does not resolve")
        }
        "INTERNET_DISCONNECTED"
        | "NETWORK_CHANGED"
        | "NETWORK_ACCESS_DENIED"
        | "PROXY_CONNECTION_FAILED"
        | "ADDRESS_UNREACHABLE" => (
            Cause::Network,
            "network",
            "this machine's network is not working",
        ),
        "CONNECTION_REFUSED" => (Cause::Site, "tcp", "nothing listens there"),
        "CONNECTION_TIMED_OUT" | "TIMED_OUT" => (Cause::Site, "tcp", "the connection timed out"),
        "CONNECTION_RESET"
        | "CONNECTION_CLOSED"
        | "CONNECTION_ABORTED"
        | "EMPTY_RESPONSE"
        | "SOCKET_NOT_CONNECTED" => (
            Cause::Site,
            "http",
            "the connection was closed without an answer",
        ),
        "UNSAFE_PORT" | "INVALID_URL" | "UNKNOWN_URL_SCHEME" | "DISALLOWED_URL_SCHEME" => (
            Cause::Configuration,
            "url",
            "the browser refuses to open it",
        ),
        "TOO_MANY_REDIRECTS" => (Cause::Site, "http", "it redirects in a circle"),
        name if name.starts_with("CERT_") => (Cause::Site, "tls", "its certificate is not valid"),
        name if name.starts_with("SSL_") || name.contains("TLS") => {
            (Cause::Site, "tls", "the TLS handshake failed")
        }
        _ => (Cause::Site, "http", "the page could not be loaded"),
    };
    Verdict::blame(cause, format!("{url} cannot be opened: {what} ({error})"))
        .with_fact("phase", phase)
}

/// The verdict of a clone that failed.
pub fn judge_git(error: &GitError) -> Verdict {
    let cause = if error.is_unreachable() {
        Cause::Network
    } else {
        Cause::Configuration
    };
    Verdict::blame(cause, error.to_string())
}

/// The verdict of a browser that did not start.
pub fn judge_launch(reason: &str) -> Verdict {
    Verdict::blame(
        Cause::Browser,
        format!("the browser did not start: {reason}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(facts: StepFacts, cause: Option<Cause>, part: &str) {
        let verdict = judge(&facts);
        assert_eq!(verdict.cause, cause, "{verdict:?}");
        assert!(
            verdict.detail.clone().unwrap_or_default().contains(part),
            "{verdict:?}"
        );
    }

    fn script(kind: ScriptErrorKind, message: &str) -> Option<ScriptFailure> {
        Some(ScriptFailure {
            kind,
            name: "Error".to_owned(),
            message: message.to_owned(),
            place: Some("a.js:3:1".to_owned()),
        })
    }

    #[test]
    fn the_site_is_blamed_for_its_own_faults() {
        check(
            StepFacts {
                status: Some(200),
                ..StepFacts::default()
            },
            None,
            "",
        );
        check(
            StepFacts {
                status: Some(500),
                url: Some("http://h/".to_owned()),
                ..StepFacts::default()
            },
            Some(Cause::Site),
            "http://h/ answered with status 500",
        );
        check(
            StepFacts {
                net_error: Some("net::ERR_CONNECTION_REFUSED".to_owned()),
                ..StepFacts::default()
            },
            Some(Cause::Site),
            "nothing listens",
        );
        check(
            StepFacts {
                net_error: Some("net::ERR_CERT_DATE_INVALID".to_owned()),
                ..StepFacts::default()
            },
            Some(Cause::Site),
            "certificate",
        );
        check(
            StepFacts {
                unmet: Some("the title is missing".to_owned()),
                status: Some(200),
                ..StepFacts::default()
            },
            Some(Cause::Site),
            "title",
        );
        check(
            StepFacts {
                script: script(ScriptErrorKind::Assertion, "Expect x\n\nExpected: 1"),
                ..StepFacts::default()
            },
            Some(Cause::Site),
            "Expect x; Expected: 1",
        );
        check(
            StepFacts {
                script: script(ScriptErrorKind::Element, "gone"),
                status: Some(503),
                ..StepFacts::default()
            },
            Some(Cause::Site),
            "503",
        );
    }

    #[test]
    fn we_are_blamed_for_ours() {
        check(
            StepFacts {
                net_error: Some("net::ERR_INTERNET_DISCONNECTED".to_owned()),
                ..StepFacts::default()
            },
            Some(Cause::Network),
            "network",
        );
        check(
            StepFacts {
                script: script(ScriptErrorKind::Script, "x is not a function"),
                status: Some(500),
                ..StepFacts::default()
            },
            Some(Cause::Script),
            "a.js:3:1",
        );
        check(
            StepFacts {
                browser_gone: Some("killed".to_owned()),
                status: Some(500),
                ..StepFacts::default()
            },
            Some(Cause::Browser),
            "killed",
        );
        check(
            StepFacts {
                invalid: Some("url `x` is not absolute".to_owned()),
                ..StepFacts::default()
            },
            Some(Cause::Configuration),
            "absolute",
        );
    }
}
