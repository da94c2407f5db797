//! WebDriver errors by their code.

use serde_json::Value;
use thiserror::Error;

/// The error codes of the standard that callers tell apart; the set is open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ErrorCode {
    ElementClickIntercepted,
    ElementNotInteractable,
    InvalidArgument,
    InvalidSelector,
    InvalidSessionId,
    JavascriptError,
    NoSuchAlert,
    NoSuchElement,
    NoSuchFrame,
    NoSuchShadowRoot,
    NoSuchWindow,
    ScriptTimeout,
    SessionNotCreated,
    StaleElementReference,
    Timeout,
    UnexpectedAlertOpen,
    UnknownCommand,
    UnknownError,
    Other(String),
}

impl ErrorCode {
    fn parse(text: &str) -> Self {
        match text {
            "element click intercepted" => ErrorCode::ElementClickIntercepted,
            "element not interactable" => ErrorCode::ElementNotInteractable,
            "invalid argument" => ErrorCode::InvalidArgument,
            "invalid selector" => ErrorCode::InvalidSelector,
            "invalid session id" => ErrorCode::InvalidSessionId,
            "javascript error" => ErrorCode::JavascriptError,
            "no such alert" => ErrorCode::NoSuchAlert,
            "no such element" => ErrorCode::NoSuchElement,
            "no such frame" => ErrorCode::NoSuchFrame,
            "no such shadow root" => ErrorCode::NoSuchShadowRoot,
            "no such window" => ErrorCode::NoSuchWindow,
            "script timeout" => ErrorCode::ScriptTimeout,
            "session not created" => ErrorCode::SessionNotCreated,
            "stale element reference" => ErrorCode::StaleElementReference,
            "timeout" => ErrorCode::Timeout,
            "unexpected alert open" => ErrorCode::UnexpectedAlertOpen,
            "unknown command" => ErrorCode::UnknownCommand,
            "unknown error" => ErrorCode::UnknownError,
            other => ErrorCode::Other(other.to_owned()),
        }
    }

    /// As the standard writes it, such as `stale element reference`.
    pub fn name(&self) -> &str {
        match self {
            ErrorCode::ElementClickIntercepted => "element click intercepted",
            ErrorCode::ElementNotInteractable => "element not interactable",
            ErrorCode::InvalidArgument => "invalid argument",
            ErrorCode::InvalidSelector => "invalid selector",
            ErrorCode::InvalidSessionId => "invalid session id",
            ErrorCode::JavascriptError => "javascript error",
            ErrorCode::NoSuchAlert => "no such alert",
            ErrorCode::NoSuchElement => "no such element",
            ErrorCode::NoSuchFrame => "no such frame",
            ErrorCode::NoSuchShadowRoot => "no such shadow root",
            ErrorCode::NoSuchWindow => "no such window",
            ErrorCode::ScriptTimeout => "script timeout",
            ErrorCode::SessionNotCreated => "session not created",
            ErrorCode::StaleElementReference => "stale element reference",
            ErrorCode::Timeout => "timeout",
            ErrorCode::UnexpectedAlertOpen => "unexpected alert open",
            ErrorCode::UnknownCommand => "unknown command",
            ErrorCode::UnknownError => "unknown error",
            ErrorCode::Other(other) => other,
        }
    }
}

/// Why a command did not do what it was asked.
#[derive(Clone, Debug, Error, PartialEq)]
pub enum WebDriverError {
    /// The end-point answered an error; `message` is its first line, without the driver's own stack.
    #[error("{message}")]
    Answer { code: ErrorCode, message: String },
    /// No answer: driver or browser is gone.
    #[error("the WebDriver end-point does not answer: {0}")]
    Gone(String),
    /// No answer within the command's limit.
    #[error("the WebDriver end-point did not answer within the limit")]
    Deadline,
    #[error("unexpected answer of the WebDriver end-point: {0}")]
    Unexpected(String),
}

impl WebDriverError {
    pub(super) fn from_answer(status: u16, value: &Value) -> Self {
        let text = |name: &str| value.get(name).and_then(Value::as_str);
        let message = text("message")
            .unwrap_or("no message")
            .lines()
            .next()
            .unwrap_or_default()
            .trim();
        match text("error") {
            Some(code) => WebDriverError::Answer {
                code: ErrorCode::parse(code),
                message: message.to_owned(),
            },
            None => WebDriverError::Unexpected(format!("status {status}")),
        }
    }

    pub(super) fn transport(error: &reqwest::Error) -> Self {
        if error.is_timeout() {
            return WebDriverError::Deadline;
        }
        let mut source: &dyn std::error::Error = error;
        while let Some(inner) = source.source() {
            source = inner;
        }
        WebDriverError::Gone(source.to_string())
    }

    pub(super) fn unexpected(what: &str, answer: &Value) -> Self {
        let text: String = answer.to_string().chars().take(200).collect();
        WebDriverError::Unexpected(format!("{what}: {text}"))
    }

    /// The code, if the end-point answered at all.
    pub fn code(&self) -> Option<&ErrorCode> {
        match self {
            WebDriverError::Answer { code, .. } => Some(code),
            _ => None,
        }
    }

    /// The browser, its driver or the session is gone: nothing more can be done with it.
    pub fn is_gone(&self) -> bool {
        match self {
            WebDriverError::Gone(_) => true,
            WebDriverError::Answer { code, message } => {
                matches!(code, ErrorCode::InvalidSessionId)
                    || [
                        "disconnected",
                        "chrome not reachable",
                        "tab crashed",
                        "session deleted",
                    ]
                    .iter()
                    .any(|part| message.contains(part))
            }
            _ => false,
        }
    }

    /// The browser's network error in a failed navigation, such as `net::ERR_NAME_NOT_RESOLVED`.
    pub fn net_error(&self) -> Option<&str> {
        let WebDriverError::Answer { message, .. } = self else {
            return None;
        };
        let start = message.find("net::ERR_")?;
        let rest = message.get(start..)?;
        let end = rest.find(|character: char| {
            !(character.is_ascii_uppercase()
                || character.is_ascii_digit()
                || "net:_".contains(character))
        });
        rest.get(..end.unwrap_or(rest.len()))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_failed_navigation_names_its_network_error() {
        let value = json!({"error": "unknown error", "message": "unknown error: net::ERR_NAME_NOT_RESOLVED\n  (Session info: chrome=156)", "stacktrace": ""});
        let error = WebDriverError::from_answer(500, &value);
        assert_eq!(error.code(), Some(&ErrorCode::UnknownError));
        assert_eq!(error.net_error(), Some("net::ERR_NAME_NOT_RESOLVED"));
        assert!(!error.is_gone());
    }

    #[test]
    fn a_dead_browser_is_gone() {
        let value =
            json!({"error": "unknown error", "message": "disconnected: not connected to DevTools"});
        assert!(WebDriverError::from_answer(500, &value).is_gone());
    }
}
