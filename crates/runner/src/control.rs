//! Telling their outage from our network: a request to a control URL and a look-up by our own resolver.

use std::time::Duration;

use url::Url;

use crate::facts::{ControlAnswer, Lookup};

const CONTROL_LIMIT: Duration = Duration::from_secs(3);
const LOOKUP_LIMIT: Duration = Duration::from_secs(6);

/// Asks the control URL. Any answer of HTTP shows that our network works.
pub(crate) async fn ask_control(url: &str) -> ControlAnswer {
    let asked = async {
        let http = reqwest::Client::builder()
            .danger_accept_invalid_certs(true)
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        http.get(url).timeout(CONTROL_LIMIT).send().await
    };
    let (reachable, detail) = match asked.await {
        Ok(response) => (true, format!("answered {}", response.status().as_u16())),
        Err(error) => (false, innermost(&error)),
    };
    ControlAnswer {
        url: url.to_owned(),
        reachable,
        detail,
    }
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
