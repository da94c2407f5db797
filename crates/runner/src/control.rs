//! Telling their outage from our network: a request to a control URL and a look-up by our own resolver.

use std::time::Duration;

use canarytrace_model::time::Moment;
use url::Url;

use crate::facts::{ControlAnswer, Lookup};

const CONTROL_LIMIT: Duration = Duration::from_secs(3);
const LOOKUP_LIMIT: Duration = Duration::from_secs(6);

/// Asks the control URL. Any answer of HTTP shows that our network works.
pub(crate) async fn ask_control(url: &str) -> ControlAnswer {
    let (reachable, detail, clock_ahead_s) = match ask(url).await {
        Ok(response) => (
            true,
            format!("answered {}", response.status().as_u16()),
            clock_ahead(&response),
        ),
        Err(error) => (false, innermost(&error), None),
    };
    ControlAnswer {
        url: url.to_owned(),
        reachable,
        detail,
        clock_ahead_s,
    }
}

/// What the clock of the server of `url` is ahead of ours, seconds, whatever its certificate says.
pub(crate) async fn ask_clock(url: &str) -> Option<f64> {
    clock_ahead(&ask(url).await.ok()?)
}

async fn ask(url: &str) -> reqwest::Result<reqwest::Response> {
    let http = reqwest::Client::builder()
        .danger_accept_invalid_certs(true)
        .redirect(reqwest::redirect::Policy::none())
        .build()?;
    http.get(url).timeout(CONTROL_LIMIT).send().await
}

fn clock_ahead(response: &reqwest::Response) -> Option<f64> {
    let date = response.headers().get(reqwest::header::DATE)?;
    let date = jiff::fmt::rfc2822::parse(date.to_str().ok()?).ok()?;
    Some(date.timestamp().as_second() as f64 - Moment::now().epoch_ms() as f64 / 1000.0)
}

fn innermost(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => innermost(source),
        None => error.to_string(),
    }
}

/// Looks the host of `url` up as every program of this machine does.
pub(crate) async fn look_up(url: &str) -> Option<Lookup> {
    let parsed = Url::parse(url).ok()?;
    let host = parsed.domain()?.to_owned();
    let answer = tokio::time::timeout(LOOKUP_LIMIT, tokio::net::lookup_host((host, 0))).await;
    Some(match answer {
        Ok(Ok(_)) => Lookup::Resolves,
        // The C library's words for EAI_AGAIN; the standard library passes on no code.
        Ok(Err(error)) if error.to_string().contains("Temporary failure") => Lookup::ResolverSilent,
        Ok(Err(_)) => Lookup::NoSuchName,
        Err(_) => Lookup::ResolverSilent,
    })
}
