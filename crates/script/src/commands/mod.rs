//! What the script's commands do to the browser.

mod browser;
mod element;

use std::{path::PathBuf, sync::Arc, time::Duration};

use canarytrace_driver::{
    Browser,
    devtools::DevToolsError,
    webdriver::{ErrorCode, WebDriverError},
};
use serde_json::{Value, json};

use crate::CommandRequest;

/// What commands need besides the browser.
#[derive(Clone, Debug)]
pub struct CommandContext {
    /// `BASE_URL` of the journey.
    pub base_url: Option<String>,
    /// How often a waiting command looks again.
    pub interval: Duration,
    /// Where a script's own screenshots go.
    pub attachments: PathBuf,
    /// Values that no picture may show.
    pub secrets: Arc<[String]>,
}

/// Why a command failed, as the script sees it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct CommandFailure {
    kind: &'static str,
    name: &'static str,
    message: String,
}

impl CommandFailure {
    pub(crate) fn element(message: String) -> Self {
        Self {
            kind: "element",
            name: "Error",
            message,
        }
    }

    pub(crate) fn script(message: String) -> Self {
        Self {
            kind: "script",
            name: "TypeError",
            message,
        }
    }

    pub(crate) fn navigation(message: String) -> Self {
        Self {
            kind: "navigation",
            name: "Error",
            message,
        }
    }
}

impl From<WebDriverError> for CommandFailure {
    fn from(error: WebDriverError) -> Self {
        let kind = if error.is_gone() || error == WebDriverError::Deadline {
            "browser"
        } else if error.net_error().is_some() {
            "navigation"
        } else if error.code() == Some(&ErrorCode::InvalidSelector) {
            "script"
        } else {
            "element"
        };
        Self {
            kind,
            name: "WebDriverError",
            message: error.to_string(),
        }
    }
}

impl From<DevToolsError> for CommandFailure {
    fn from(error: DevToolsError) -> Self {
        let kind = match error {
            DevToolsError::Closed => "browser",
            _ => "element",
        };
        Self {
            kind,
            name: "Error",
            message: error.to_string(),
        }
    }
}

pub(crate) type Outcome = Result<Value, CommandFailure>;

/// Performs one command and answers it. Never fails: what goes wrong is part of the answer.
pub async fn perform(browser: &Browser, context: &CommandContext, request: CommandRequest) {
    let CommandRequest {
        name,
        arguments,
        reply,
    } = request;
    let outcome = match name.split_once('.') {
        Some(("browser", command)) => browser::perform(browser, context, command, &arguments).await,
        Some(("element", command)) => element::perform(browser, context, command, &arguments).await,
        _ => Err(CommandFailure::script(format!("unknown command {name}"))),
    };
    let answer = match outcome {
        Ok(value) => json!({"value": value}),
        Err(failure) => {
            json!({"error": {"kind": failure.kind, "name": failure.name, "message": failure.message}})
        }
    };
    if reply.send(answer.to_string()).is_err() {
        tracing::debug!(
            command = name,
            "the script no longer waits for this command"
        );
    }
}

/// Argument `position`, or null.
pub(crate) fn argument(arguments: &Value, position: usize) -> &Value {
    arguments
        .get("args")
        .and_then(|list| list.get(position))
        .unwrap_or(&Value::Null)
}

/// Argument `position` as text; numbers are written out as a script would.
pub(crate) fn text(
    arguments: &Value,
    position: usize,
    command: &str,
) -> Result<String, CommandFailure> {
    match argument(arguments, position) {
        Value::String(text) => Ok(text.clone()),
        Value::Number(number) => Ok(number.to_string()),
        Value::Bool(flag) => Ok(flag.to_string()),
        Value::Array(items) => Ok(items
            .iter()
            .map(|item| {
                item.as_str()
                    .map_or_else(|| item.to_string(), str::to_owned)
            })
            .collect()),
        other => Err(CommandFailure::script(format!(
            "{command} needs a text, got {other}"
        ))),
    }
}
