//! A script's own `fetch`, to the hosts that its monitor allows.

use std::time::Duration;

use base64::{Engine, prelude::BASE64_STANDARD};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{CommandContext, CommandFailure, Outcome, typed};

const LIMIT: Duration = Duration::from_secs(60);
const MAX_BODY_BYTES: usize = 16 << 20;

#[derive(Deserialize)]
struct Asked {
    url: String,
    #[serde(default = "get")]
    method: String,
    #[serde(default)]
    headers: Vec<(String, String)>,
    /// Base64.
    body: Option<String>,
}

fn get() -> String {
    "GET".to_owned()
}

/// Follows redirects to those hosts only.
fn client(hosts: &[String]) -> reqwest::Result<reqwest::Client> {
    const MAX_REDIRECTS: usize = 10;
    let hosts = hosts.to_vec();
    let redirects = reqwest::redirect::Policy::custom(move |attempt| {
        let host = attempt.url().host_str().unwrap_or_default();
        let allowed = hosts.iter().any(|allowed| allowed == host);
        if attempt.previous().len() >= MAX_REDIRECTS || !allowed {
            attempt.stop()
        } else {
            attempt.follow()
        }
    });
    reqwest::Client::builder().redirect(redirects).build()
}

/// Answers `{url, status, statusText, headers, body}`, the body as base64.
pub(super) async fn fetch(context: &CommandContext, arguments: &Value) -> Outcome {
    let asked: Asked = typed("fetch", arguments)?;
    let url = url::Url::parse(&asked.url)
        .map_err(|error| CommandFailure::script(format!("fetch: `{}`: {error}", asked.url)))?;
    let host = url.host_str().unwrap_or_default();
    let allowed = matches!(url.scheme(), "http" | "https")
        && context.fetch_hosts.iter().any(|allowed| allowed == host);
    if !allowed {
        return Err(CommandFailure::script(format!(
            "fetch: `{}` is refused: a script asks the host of its base URL only; hint: allow `{host}` with `allow_hosts` of the monitor, or CANARYTRACE_FETCH_HOSTS",
            asked.url
        )));
    }
    let failed = |error: reqwest::Error| {
        // As browsers and Node say it; the cause is in the words after it.
        CommandFailure::navigation(format!("fetch failed: {error}"))
    };
    let method = asked.method.to_ascii_uppercase();
    let method = method
        .parse()
        .map_err(|_| CommandFailure::script(format!("fetch: method `{method}` is not usable")))?;
    let client = match context.http.get() {
        Some(client) => client,
        None => {
            let made = client(&context.fetch_hosts).map_err(failed)?;
            context.http.get_or_init(|| made)
        }
    };
    let mut request = client.request(method, url).timeout(LIMIT);
    for (name, value) in &asked.headers {
        request = request.header(name, value);
    }
    if let Some(body) = asked.body {
        let bytes = BASE64_STANDARD
            .decode(body)
            .map_err(|error| CommandFailure::script(format!("fetch: body: {error}")))?;
        request = request.body(bytes);
    }
    let mut response = request.send().await.map_err(failed)?;
    let status = response.status();
    let headers: Vec<(String, String)> = response
        .headers()
        .iter()
        .map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            (name.to_string(), value)
        })
        .collect();
    let url = response.url().to_string();
    let mut body = Vec::new();
    while let Some(part) = response.chunk().await.map_err(failed)? {
        if body.len() + part.len() > MAX_BODY_BYTES {
            return Err(CommandFailure::script(format!(
                "fetch: the answer of `{url}` is larger than {MAX_BODY_BYTES} bytes"
            )));
        }
        body.extend_from_slice(&part);
    }
    Ok(json!({
        "url": url, "status": status.as_u16(), "statusText": status.canonical_reason().unwrap_or_default(),
        "headers": headers, "body": BASE64_STANDARD.encode(body),
    }))
}
