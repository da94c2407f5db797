//! Requests to receivers: one client, bounded, that follows no redirect with a body and tells what is certain.

use std::time::Duration;

use bytes::Bytes;
use reqwest::{StatusCode, header, redirect};
use serde_json::Value;

use super::SendError;

const TIMEOUT: Duration = Duration::from_secs(15);
const LONGEST_ANSWER: usize = 2000;
/// Beyond this a receiver's wish to wait is not heard.
const LONGEST_WAIT: u64 = 3600;

/// A client that trusts the machine's authorities and those of `authorities`.
#[derive(Clone, Debug)]
pub struct HttpClient(reqwest::Client);

impl HttpClient {
    /// `authorities` are certificates in PEM.
    pub fn new(authorities: Option<&[u8]>) -> Result<Self, String> {
        let mut builder = reqwest::Client::builder()
            .timeout(TIMEOUT)
            .connect_timeout(Duration::from_secs(5))
            .redirect(redirect::Policy::none())
            .user_agent(concat!("canarytrace/", env!("CARGO_PKG_VERSION")));
        if let Some(pem) = authorities {
            let certificates = reqwest::Certificate::from_pem_bundle(pem)
                .map_err(|error| format!("the certificates are not PEM: {error}"))?;
            for certificate in certificates {
                builder = builder.add_root_certificate(certificate);
            }
        }
        builder
            .build()
            .map(Self)
            .map_err(|error| format!("no HTTP client: {error}"))
    }

    /// Posts and answers the body; an address is never part of an error, it may hold a secret.
    pub(super) async fn post(
        &self,
        url: &str,
        headers: &[(String, String)],
        body: impl Into<Bytes>,
    ) -> Result<String, SendError> {
        let mut request = self.0.post(url).body(body.into());
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let response = match request.send().await {
            Ok(response) => response,
            Err(error) => return Err(unsent(&error)),
        };
        let status = response.status();
        let wait = response
            .headers()
            .get(header::RETRY_AFTER)
            .and_then(|value| value.to_str().ok()?.parse::<u64>().ok())
            .map(|seconds| Duration::from_secs(seconds.min(LONGEST_WAIT)));
        let text = match response.text().await {
            Ok(text) => text,
            // It was taken: what it says of it is only more.
            Err(_) if status.is_success() => String::new(),
            Err(error) => {
                return Err(SendError::Uncertain {
                    reason: reason(&error),
                });
            }
        };
        judged(status, wait, &text)?;
        Ok(text)
    }
}

fn judged(status: StatusCode, wait: Option<Duration>, text: &str) -> Result<(), SendError> {
    if status.is_success() {
        return Ok(());
    }
    let said: String = text.trim().chars().take(200).collect();
    let reason = match said.is_empty() {
        true => format!("answered {status}"),
        false => format!("answered {status}: {said}"),
    };
    if status.is_redirection() {
        return Err(SendError::refused(format!(
            "{reason}: the address has moved; write the new one into the configuration"
        )));
    }
    if status == StatusCode::TOO_MANY_REQUESTS
        || status == StatusCode::REQUEST_TIMEOUT
        || status.is_server_error()
    {
        return Err(SendError::Temporary {
            reason,
            after: wait,
        });
    }
    Err(SendError::Refused { reason })
}

fn unsent(error: &reqwest::Error) -> SendError {
    let text = reason(error);
    // Only before a connection stands is it certain that nothing arrived.
    match error.is_connect() || error.is_builder() {
        true => SendError::temporary(text),
        false => SendError::Uncertain { reason: text },
    }
}

fn reason(error: &reqwest::Error) -> String {
    let mut text = match (error.is_timeout(), error.is_connect()) {
        (true, _) => "no answer within 15s".to_owned(),
        (_, true) => "cannot be reached".to_owned(),
        _ => "the connection broke".to_owned(),
    };
    let mut source = std::error::Error::source(error);
    let mut last = None;
    while let Some(inner) = source {
        last = Some(inner.to_string());
        source = inner.source();
    }
    if let Some(last) = last {
        text.push_str(": ");
        text.extend(last.chars().take(LONGEST_ANSWER));
    }
    text
}

/// The usual headers of a JSON body.
pub(super) fn json_headers(message_id: &str) -> Vec<(String, String)> {
    vec![
        ("content-type".to_owned(), "application/json".to_owned()),
        ("idempotency-key".to_owned(), message_id.to_owned()),
    ]
}

pub(super) fn body(value: &Value) -> Bytes {
    Bytes::from(value.to_string())
}
