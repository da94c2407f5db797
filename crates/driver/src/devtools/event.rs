//! What a browser tells while it works; not shaped like DevTools, so that another protocol can feed it.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What kind of thing sent an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetKind {
    Page,
    Frame,
    Worker,
    Other,
}

/// A dialog of a page.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(
    default,
    rename_all(deserialize = "camelCase", serialize = "camelCase")
)]
pub struct Dialog {
    pub message: String,
    /// `alert`, `confirm`, `prompt` or `beforeunload`.
    #[serde(rename = "type")]
    pub kind: String,
    /// What a prompt shows before anything is typed.
    pub default_prompt: String,
}

/// One event.
#[derive(Clone, Debug, PartialEq)]
pub enum BrowserEvent {
    Request(Box<NetworkRequest>),
    Response(Box<NetworkResponse>),
    Finished(NetworkFinished),
    Failed(NetworkFailed),
    FromCache(ServedFromCache),
    SocketOpening(SocketOpening),
    /// A response's `set-cookie` headers have been seen.
    CookiesSet(CookiesSet),
    StyleSheet(StyleSheet),
    /// The page shows a dialog, and stands still until it is answered.
    DialogOpened(Dialog),
    DialogClosed,
    Frame(ScreencastFrame),
    Console(Box<ConsoleEvent>),
    /// The page crashed (out of memory, killed).
    Crashed,
    /// The connection to the browser ended.
    Disconnected,
}

/// A request leaves.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NetworkRequest {
    pub request_id: String,
    pub url: String,
    pub method: String,
    /// Names in lower case.
    pub headers: Map<String, Value>,
    pub post_data: Option<String>,
    /// `Document`, `Script`, `XHR`, …
    pub resource_type: Option<String>,
    /// `type`, and if known `url`, `lineNumber`, `columnNumber`.
    pub initiator: Map<String, Value>,
    /// Monotonic seconds.
    pub timestamp: f64,
    /// Epoch seconds.
    pub wall_time: f64,
    pub initial_priority: Option<String>,
    pub is_same_site: Option<bool>,
    /// `blockable` or `optionally-blockable`: fetched without TLS by a page with it.
    pub mixed_content: Option<String>,
    pub redirect_has_extra_info: Option<bool>,
    /// The response that redirected here; it belongs to the previous request of the same id.
    pub redirect: Option<Box<NetworkResponse>>,
    /// The first request of a navigation of the top frame or of a sub-frame.
    pub is_navigation: bool,
    pub frame_id: Option<String>,
    /// The DevTools session that knows the request; its body is asked there.
    pub session: Option<String>,
}

/// One picture of a running screencast.
#[derive(Clone, PartialEq)]
pub struct ScreencastFrame {
    /// JPEG, base64.
    pub data: String,
    /// Epoch seconds.
    pub timestamp: f64,
    /// Named when the next one is asked for.
    pub number: i64,
    pub session: Option<String>,
}

impl std::fmt::Debug for ScreencastFrame {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("ScreencastFrame")
            .field("bytes", &self.data.len())
            .field("timestamp", &self.timestamp)
            .finish_non_exhaustive()
    }
}

/// Headers of a response have arrived.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NetworkResponse {
    pub request_id: String,
    /// Monotonic seconds of the event.
    pub timestamp: f64,
    pub url: String,
    pub status: u16,
    pub status_text: String,
    /// Names in lower case.
    pub headers: Map<String, Value>,
    pub mime_type: String,
    pub protocol: Option<String>,
    pub connection_reused: bool,
    pub connection_id: f64,
    pub remote_ip_address: Option<String>,
    pub remote_port: Option<u16>,
    pub from_disk_cache: bool,
    pub from_service_worker: bool,
    pub from_prefetch_cache: bool,
    pub encoded_data_length: i64,
    /// Resource timing as the browser gave it.
    pub timing: Option<Map<String, Value>>,
    /// Epoch milliseconds.
    pub response_time: Option<f64>,
    pub security_state: Option<String>,
    pub certificate: Option<Certificate>,
}

/// What a server behind TLS showed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Certificate {
    pub subject: String,
    pub issuer: String,
    /// Epoch seconds.
    pub valid_to: f64,
    /// Such as `TLS 1.3`.
    pub protocol: String,
}

/// A WebSocket sends its handshake; its request came before without times.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SocketOpening {
    pub request_id: String,
    /// Monotonic seconds.
    pub timestamp: f64,
    /// Epoch seconds.
    pub wall_time: f64,
    pub headers: Map<String, Value>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct CookiesSet {
    pub request_id: String,
    pub count: u32,
}

/// A style sheet of a page.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StyleSheet {
    pub id: String,
    pub url: String,
    /// Characters.
    pub length: u64,
}

/// A body is complete.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NetworkFinished {
    pub request_id: String,
    pub timestamp: f64,
    pub encoded_data_length: i64,
    pub should_report_corb_blocking: Option<bool>,
}

/// A request has failed or was blocked.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NetworkFailed {
    pub request_id: String,
    pub timestamp: f64,
    /// `net::ERR_…`
    pub error_text: String,
    pub canceled: bool,
    /// Such as `csp`, `mixed-content`.
    pub blocked_reason: Option<String>,
}

/// A request was answered from the memory cache.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ServedFromCache {
    pub request_id: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConsoleKind {
    Log,
    Message,
    ApiCall,
    Exception,
}

/// Something was written to the console, logged by the browser, or thrown.
#[derive(Clone, Debug, PartialEq)]
pub struct ConsoleEvent {
    pub kind: ConsoleKind,
    /// The event's own members.
    pub fields: Map<String, Value>,
}
