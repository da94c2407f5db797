//! A navigation that failed on the network: the phase it reached decides who is at fault.

use canarytrace_model::verdict::{Cause, Verdict};

use crate::facts::{Lookup, StepFacts};

/// How far a connection came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Nothing left this machine.
    Own,
    /// Our own proxy.
    Proxy,
    Dns,
    Tcp,
    Tls,
    Http,
    /// The browser refuses to try.
    Url,
    /// The machine lacks something.
    Resources,
}

impl Phase {
    fn name(self) -> &'static str {
        match self {
            Phase::Own => "network",
            Phase::Proxy => "proxy",
            Phase::Dns => "dns",
            Phase::Tcp => "tcp",
            Phase::Tls => "tls",
            Phase::Http => "http",
            Phase::Url => "url",
            Phase::Resources => "resources",
        }
    }
}

pub(super) fn judge(facts: &StepFacts) -> Option<Verdict> {
    let Some(error) = facts.net_error.as_deref() else {
        return unanswered(facts);
    };
    let (phase, what) = phase(error.trim_start_matches("net::ERR_"));
    let url = facts.url.as_deref().unwrap_or("the page");
    let (cause, what, certainty) = blame(facts, phase, what);
    let verdict = Verdict::blame(cause, format!("{url} cannot be opened: {what} ({error})"));
    Some(
        verdict
            .with_fact("phase", phase.name())
            .with_fact("certainty", certainty),
    )
}

/// A navigation without any answer: the site, unless the control URL has none either.
fn unanswered(facts: &StepFacts) -> Option<Verdict> {
    let is_away = facts
        .control
        .as_ref()
        .is_some_and(|control| !control.reachable);
    (facts.unanswered && is_away).then(|| {
        Verdict::blame(
            Cause::Network,
            format!(
                "{} does not answer, and the control URL cannot be reached either: our own network is away",
                facts.url.as_deref().unwrap_or("the page")
            ),
        )
    })
}

/// A certificate that is not valid now: by our clock, which may be the one that is wrong.
fn clock(facts: &StepFacts) -> Option<(Cause, String, &'static str)> {
    const WRONG_S: f64 = 86_400.0;
    let is_date = facts.net_error.as_deref()?.contains("CERT_DATE_INVALID");
    let days = |seconds: f64| (seconds / 86_400.0).abs().round();
    let wrong = |ahead: Option<f64>| ahead.filter(|ahead| is_date && ahead.abs() > WRONG_S);
    let control = facts.control.as_ref();
    if let Some(ahead) = wrong(control.and_then(|control| control.clock_ahead_s)) {
        return Some((
            Cause::Runner,
            format!(
                "the clock of this machine is wrong: the control URL's differs by {} days",
                days(ahead)
            ),
            "certain",
        ));
    }
    // A control URL whose clock is ours has spoken; without one it is one clock against another.
    let has_witness = control.is_some_and(|control| control.clock_ahead_s.is_some());
    let ahead = wrong(facts.site_clock_ahead_s).filter(|_| !has_witness)?;
    Some((
        Cause::Inconclusive,
        format!(
            "its certificate is not valid by our clock, and its own clock differs from ours by {} days; a control URL would tell which is wrong",
            days(ahead)
        ),
        "probable",
    ))
}

fn blame(facts: &StepFacts, phase: Phase, what: &'static str) -> (Cause, String, &'static str) {
    if let Some(blamed) = clock(facts) {
        return blamed;
    }
    let control = facts.control.as_ref().map(|control| control.reachable);
    let beyond = matches!(phase, Phase::Dns | Phase::Tcp | Phase::Own);
    match (phase, control) {
        (Phase::Url, _) => (Cause::Configuration, what.to_owned(), "certain"),
        (Phase::Resources, _) => (Cause::Runner, what.to_owned(), "certain"),
        (_, Some(false)) if beyond => (
            Cause::Network,
            format!(
                "{what}, and the control URL cannot be reached either: our own network is away"
            ),
            "certain",
        ),
        (Phase::Proxy, _) => (Cause::Network, what.to_owned(), "certain"),
        (Phase::Own, Some(true)) => (
            Cause::Site,
            format!("{what}, though the control URL answers"),
            "probable",
        ),
        (Phase::Own, _) => (Cause::Network, what.to_owned(), "certain"),
        (Phase::Dns, control) => name(facts.lookup, control, what),
        (Phase::Tcp, Some(true)) => (
            Cause::Site,
            format!("{what}, while the control URL answers"),
            "certain",
        ),
        (Phase::Tcp, _) if what == REFUSED => (Cause::Site, what.to_owned(), "certain"),
        // Without a control URL a silent peer and a silent network look alike.
        (Phase::Tcp, _) => (Cause::Site, what.to_owned(), "probable"),
        (Phase::Tls | Phase::Http, _) => (Cause::Site, what.to_owned(), "certain"),
    }
}

fn name(
    lookup: Option<Lookup>,
    control: Option<bool>,
    what: &'static str,
) -> (Cause, String, &'static str) {
    match (lookup, control) {
        (Some(Lookup::ResolverSilent), Some(true)) => (
            Cause::Site,
            "its name servers do not answer, while the control URL does".to_owned(),
            "probable",
        ),
        (Some(Lookup::ResolverSilent), _) => (
            Cause::Network,
            "our resolver does not answer".to_owned(),
            "certain",
        ),
        (Some(Lookup::Resolves), _) => (
            Cause::Inconclusive,
            "its name did not resolve for the browser, and resolves now".to_owned(),
            "probable",
        ),
        _ => (Cause::Site, what.to_owned(), "certain"),
    }
}

const REFUSED: &str = "nothing listens there";

/// Chromium's error names, without `net::ERR_`.
fn phase(name: &str) -> (Phase, &'static str) {
    match name {
        "NAME_NOT_RESOLVED"
        | "NAME_RESOLUTION_FAILED"
        | "DNS_TIMED_OUT"
        | "DNS_MALFORMED_RESPONSE"
        | "DNS_SERVER_FAILED" => (Phase::Dns, "its name does not resolve"),
        "INTERNET_DISCONNECTED"
        | "NETWORK_CHANGED"
        | "NETWORK_ACCESS_DENIED"
        | "NETWORK_IO_SUSPENDED"
        | "ADDRESS_UNREACHABLE" => (Phase::Own, "this machine has no way to it"),
        "TUNNEL_CONNECTION_FAILED" => (Phase::Proxy, "our proxy did not connect"),
        name if name.starts_with("PROXY_") => (Phase::Proxy, "our proxy does not work"),
        "CONNECTION_REFUSED" => (Phase::Tcp, REFUSED),
        "CONNECTION_TIMED_OUT" | "TIMED_OUT" => (Phase::Tcp, "the connection timed out"),
        "CONNECTION_FAILED" => (Phase::Tcp, "the connection failed"),
        "CONNECTION_RESET"
        | "CONNECTION_CLOSED"
        | "CONNECTION_ABORTED"
        | "EMPTY_RESPONSE"
        | "SOCKET_NOT_CONNECTED" => (Phase::Http, "the connection was closed without an answer"),
        "UNSAFE_PORT"
        | "INVALID_URL"
        | "UNKNOWN_URL_SCHEME"
        | "DISALLOWED_URL_SCHEME"
        | "BLOCKED_BY_CLIENT"
        | "BLOCKED_BY_ADMINISTRATOR" => (Phase::Url, "the browser refuses to open it"),
        "INSUFFICIENT_RESOURCES" | "OUT_OF_MEMORY" | "FILE_NO_SPACE" => {
            (Phase::Resources, "this machine lacks memory or disk")
        }
        "TOO_MANY_REDIRECTS" => (Phase::Http, "it redirects in a circle"),
        "ABORTED" => (
            Phase::Http,
            "it is no page: the browser gave the navigation up",
        ),
        "CERT_DATE_INVALID" => (Phase::Tls, "its certificate has ended or not begun yet"),
        "CERT_COMMON_NAME_INVALID" => (Phase::Tls, "its certificate is another host's"),
        "CERT_AUTHORITY_INVALID" => (
            Phase::Tls,
            "nobody whom this browser trusts vouches for its certificate",
        ),
        name if name.starts_with("CERT_") => (Phase::Tls, "its certificate is not valid"),
        name if name.starts_with("SSL_") || name.contains("TLS") => {
            (Phase::Tls, "the TLS handshake failed")
        }
        _ => (Phase::Http, "the page could not be loaded"),
    }
}
