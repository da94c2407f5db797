//! A W3C WebDriver client: one session, typed errors, a deadline for each command.
//! <https://www.w3.org/TR/webdriver2/>

mod commands;
mod element;
mod error;
mod protocol;

pub use commands::{Cookie, Rect, TimeoutSettings};
pub use element::{ELEMENT_KEY, ElementId, Locator, SHADOW_KEY};
pub use error::{ErrorCode, WebDriverError};
pub use protocol::{PROTOCOL, ProtocolCommand, ProtocolError, protocol_names};

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use url::Url;

/// A session at a WebDriver end-point.
#[derive(Clone, Debug)]
pub struct WebDriver {
    http: reqwest::Client,
    /// `http://host:port/session/<id>`
    session_url: String,
    session_id: String,
    capabilities: Value,
    /// Of commands that do not wait for a page.
    command_timeout: Duration,
    timeouts: TimeoutSettings,
    /// Of navigation and scripts, which the end-point bounds itself.
    page_timeout: Duration,
}

/// How long a new session may take: a cold browser on a busy machine.
const NEW_SESSION_LIMIT: Duration = Duration::from_secs(60);

impl WebDriver {
    /// Asks `endpoint` for a session with the given `alwaysMatch` capabilities.
    pub async fn new_session(
        endpoint: &Url,
        capabilities: &Value,
        command_timeout: Duration,
    ) -> Result<Self, WebDriverError> {
        let http = reqwest::Client::builder()
            .no_proxy()
            .connect_timeout(Duration::from_secs(10))
            .build()
            .map_err(|error| WebDriverError::transport(&error))?;
        let base = endpoint.as_str().trim_end_matches('/');
        let body = json!({"capabilities": {"alwaysMatch": capabilities}});
        let answer = send(
            &http,
            Method::POST,
            &format!("{base}/session"),
            Some(&body),
            NEW_SESSION_LIMIT,
        )
        .await?;
        let session_id = answer
            .get("sessionId")
            .and_then(Value::as_str)
            .ok_or_else(|| WebDriverError::unexpected("new session without an id", &answer))?;
        Ok(Self {
            http,
            session_url: format!("{base}/session/{session_id}"),
            session_id: session_id.to_owned(),
            capabilities: answer.get("capabilities").cloned().unwrap_or(Value::Null),
            command_timeout,
            timeouts: TimeoutSettings {
                page_load: command_timeout,
                script: command_timeout,
            },
            page_timeout: command_timeout,
        })
    }

    pub fn session_id(&self) -> &str {
        &self.session_id
    }

    /// What the end-point says it gave us.
    pub fn capabilities(&self) -> &Value {
        &self.capabilities
    }

    /// Any command by its path below the session; `body` none is a GET unless `method` says otherwise.
    pub async fn command(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, WebDriverError> {
        self.command_within(method, path, body, self.command_timeout)
            .await
    }

    async fn command_within(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        limit: Duration,
    ) -> Result<Value, WebDriverError> {
        let url = match path.strip_prefix('/') {
            Some(_) => {
                let driver = self.session_url.split("/session/").next();
                format!("{}{path}", driver.unwrap_or_default())
            }
            None if path.is_empty() => self.session_url.clone(),
            None => format!("{}/{path}", self.session_url),
        };
        send(&self.http, method, &url, body, limit).await
    }

    async fn get(&self, path: &str) -> Result<Value, WebDriverError> {
        self.command(Method::GET, path, None).await
    }

    async fn post(&self, path: &str, body: Value) -> Result<Value, WebDriverError> {
        self.command(Method::POST, path, Some(&body)).await
    }

    async fn post_page(&self, path: &str, body: Value) -> Result<Value, WebDriverError> {
        self.command_within(Method::POST, path, Some(&body), self.page_timeout)
            .await
    }
}

async fn send(
    http: &reqwest::Client,
    method: Method,
    url: &str,
    body: Option<&Value>,
    limit: Duration,
) -> Result<Value, WebDriverError> {
    let mut request = http.request(method.clone(), url).timeout(limit);
    if let Some(body) = body {
        request = request.json(body);
    } else if method == Method::POST {
        request = request.json(&json!({}));
    }
    let response = request
        .send()
        .await
        .map_err(|error| WebDriverError::transport(&error))?;
    let status = response.status();
    let answer: Value = response
        .json()
        .await
        .map_err(|error| WebDriverError::transport(&error))?;
    let value = answer.get("value").cloned().unwrap_or(Value::Null);
    if status.is_success() {
        Ok(value)
    } else {
        Err(WebDriverError::from_answer(status.as_u16(), &value))
    }
}
