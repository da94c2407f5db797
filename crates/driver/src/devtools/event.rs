//! What a browser tells while it works; not shaped like DevTools, so that another protocol can feed it.

use serde_json::{Map, Value};

/// What kind of thing sent an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetKind {
    Page,
    Frame,
    Worker,
    Other,
}

/// One event.
#[derive(Clone, Debug, PartialEq)]
pub enum BrowserEvent {
    Request(Box<NetworkRequest>),
    Response(Box<NetworkResponse>),
    Finished(NetworkFinished),
    Failed(NetworkFailed),
    FromCache(ServedFromCache),
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
    pub redirect_has_extra_info: Option<bool>,
    /// The response that redirected here; it belongs to the previous request of the same id.
    pub redirect: Option<Box<NetworkResponse>>,
    /// The first request of a navigation of the top frame or of a sub-frame.
    pub is_navigation: bool,
    pub frame_id: Option<String>,
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
