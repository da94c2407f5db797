//! From DevTools params to our events. Every member is optional and every enum an open string: Chrome adds both.

use serde::Deserialize;
use serde_json::{Map, Value, value::RawValue};

use super::event::{
    BrowserEvent, Certificate, ConsoleEvent, ConsoleKind, CookiesSet, Dialog, NetworkFailed,
    NetworkFinished, NetworkRequest, NetworkResponse, ScreencastFrame, ServedFromCache,
    SocketOpening, StyleSheet,
};

type Tree = Map<String, Value>;

/// The event of a method, or none when nobody is interested in it or its params are not understood.
pub fn decode(method: &str, params: &RawValue) -> Option<BrowserEvent> {
    let text = params.get();
    match method {
        "Network.requestWillBeSent" => read::<RequestWillBeSent>(text)
            .map(|wire| BrowserEvent::Request(Box::new(wire.into_event()))),
        "Network.responseReceived" => read::<ResponseReceived>(text).map(|wire| {
            BrowserEvent::Response(Box::new(
                wire.response.into_event(wire.request_id, wire.timestamp),
            ))
        }),
        "Network.responseReceivedExtraInfo" => read::<ExtraInfo>(text)
            .and_then(ExtraInfo::into_event)
            .map(BrowserEvent::CookiesSet),
        "Network.webSocketCreated" => read::<SocketCreated>(text)
            .map(|wire| BrowserEvent::Request(Box::new(wire.into_event()))),
        "Network.webSocketWillSendHandshakeRequest" => {
            read::<SocketHandshake>(text).map(|wire| BrowserEvent::SocketOpening(wire.into_event()))
        }
        "Network.webSocketHandshakeResponseReceived" => {
            read::<ResponseReceived>(text).map(|wire| {
                BrowserEvent::Response(Box::new(
                    wire.response.into_event(wire.request_id, wire.timestamp),
                ))
            })
        }
        "Network.webSocketClosed" => {
            read::<LoadingFinished>(text).map(|wire| BrowserEvent::Finished(wire.into_event()))
        }
        "Network.webSocketFrameError" => {
            read::<SocketError>(text).map(|wire| BrowserEvent::Failed(wire.into_event()))
        }
        "CSS.styleSheetAdded" => {
            read::<StyleSheetAdded>(text).map(|wire| BrowserEvent::StyleSheet(wire.into_event()))
        }
        "Page.screencastFrame" => {
            read::<Screencast>(text).map(|wire| BrowserEvent::Frame(wire.into_event()))
        }
        "Network.loadingFinished" => {
            read::<LoadingFinished>(text).map(|wire| BrowserEvent::Finished(wire.into_event()))
        }
        "Network.loadingFailed" => {
            read::<LoadingFailed>(text).map(|wire| BrowserEvent::Failed(wire.into_event()))
        }
        "Network.requestServedFromCache" => read::<FromCache>(text).map(|wire| {
            BrowserEvent::FromCache(ServedFromCache {
                request_id: wire.request_id,
            })
        }),
        "Log.entryAdded" => console(ConsoleKind::Log, text, Some("entry")),
        "Console.messageAdded" => console(ConsoleKind::Message, text, Some("message")),
        "Runtime.consoleAPICalled" => console(ConsoleKind::ApiCall, text, None),
        "Runtime.exceptionThrown" => {
            console(ConsoleKind::Exception, text, Some("exceptionDetails"))
        }
        "Page.javascriptDialogOpening" => read::<Dialog>(text).map(BrowserEvent::DialogOpened),
        "Page.javascriptDialogClosed" => Some(BrowserEvent::DialogClosed),
        "Inspector.targetCrashed" | "Target.targetCrashed" => Some(BrowserEvent::Crashed),
        _ => None,
    }
}

fn read<'a, T: Deserialize<'a>>(text: &'a str) -> Option<T> {
    serde_json::from_str(text)
        .inspect_err(|error| tracing::debug!(%error, "DevTools params are not understood"))
        .ok()
}

fn console(kind: ConsoleKind, text: &str, inner: Option<&str>) -> Option<BrowserEvent> {
    let mut params: Tree = read(text)?;
    let mut fields = match inner {
        Some(name) => match params.remove(name)? {
            Value::Object(fields) => fields,
            _ => return None,
        },
        None => params,
    };
    // Both are epoch times of the event; the document has its own `timestamp`.
    fields.remove("timestamp");
    Some(BrowserEvent::Console(Box::new(ConsoleEvent {
        kind,
        fields,
    })))
}

fn lower_case_names(headers: Tree) -> Tree {
    headers
        .into_iter()
        .map(|(name, value)| (name.to_lowercase(), value))
        .collect()
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[derive(Default)]
struct RequestWillBeSent {
    request_id: String,
    loader_id: String,
    request: WireRequest,
    timestamp: f64,
    wall_time: f64,
    initiator: Tree,
    redirect_has_extra_info: Option<bool>,
    redirect_response: Option<WireResponse>,
    #[serde(rename = "type")]
    resource_type: Option<String>,
    frame_id: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct WireRequest {
    url: String,
    url_fragment: Option<String>,
    method: String,
    headers: Tree,
    post_data: Option<String>,
    initial_priority: Option<String>,
    is_same_site: Option<bool>,
    mixed_content_type: Option<String>,
}

impl RequestWillBeSent {
    fn into_event(self) -> NetworkRequest {
        let is_navigation =
            self.request_id == self.loader_id && self.resource_type.as_deref() == Some("Document");
        let redirect = self
            .redirect_response
            .map(|response| Box::new(response.into_event(self.request_id.clone(), self.timestamp)));
        NetworkRequest {
            request_id: self.request_id,
            url: self.request.url + self.request.url_fragment.as_deref().unwrap_or_default(),
            method: self.request.method,
            headers: lower_case_names(self.request.headers),
            post_data: self.request.post_data,
            resource_type: self.resource_type,
            initiator: flat_initiator(self.initiator),
            timestamp: self.timestamp,
            wall_time: self.wall_time,
            initial_priority: self.request.initial_priority,
            is_same_site: self.request.is_same_site,
            mixed_content: self
                .request
                .mixed_content_type
                .filter(|kind| kind != "none"),
            redirect_has_extra_info: self.redirect_has_extra_info,
            redirect,
            is_navigation,
            session: None,
            frame_id: self.frame_id,
        }
    }
}

/// A script's initiator carries a stack; its top frame says where the request was made.
fn flat_initiator(mut initiator: Tree) -> Tree {
    if let Some(frame) = initiator
        .get("stack")
        .and_then(|stack| stack.pointer("/callFrames/0"))
        .and_then(Value::as_object)
        .cloned()
    {
        for name in ["url", "lineNumber", "columnNumber"] {
            if let Some(value) = frame.get(name) {
                initiator.entry(name).or_insert_with(|| value.clone());
            }
        }
    }
    initiator
        .retain(|name, _| ["type", "url", "lineNumber", "columnNumber"].contains(&name.as_str()));
    initiator
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct ResponseReceived {
    request_id: String,
    timestamp: f64,
    response: WireResponse,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct WireResponse {
    url: String,
    status: u16,
    status_text: String,
    headers: Tree,
    mime_type: String,
    protocol: Option<String>,
    connection_reused: bool,
    connection_id: f64,
    #[serde(rename = "remoteIPAddress")]
    remote_ip_address: Option<String>,
    remote_port: Option<u16>,
    from_disk_cache: bool,
    from_service_worker: bool,
    from_prefetch_cache: bool,
    encoded_data_length: f64,
    timing: Option<Tree>,
    response_time: Option<f64>,
    security_state: Option<String>,
    security_details: Option<SecurityDetails>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct SecurityDetails {
    subject_name: String,
    issuer: String,
    valid_to: f64,
    protocol: String,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct ExtraInfo {
    request_id: String,
    headers: Tree,
}

impl ExtraInfo {
    /// Several cookies come in one header, a line each.
    fn into_event(self) -> Option<CookiesSet> {
        let header = self
            .headers
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case("set-cookie"))?;
        let count = header.1.as_str()?.lines().count();
        Some(CookiesSet {
            request_id: self.request_id,
            count: u32::try_from(count).unwrap_or(u32::MAX),
        })
    }
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct SocketCreated {
    request_id: String,
    url: String,
    initiator: Tree,
}

impl SocketCreated {
    fn into_event(self) -> NetworkRequest {
        NetworkRequest {
            request_id: self.request_id,
            url: self.url,
            method: "GET".to_owned(),
            resource_type: Some("WebSocket".to_owned()),
            initiator: flat_initiator(self.initiator),
            ..NetworkRequest::default()
        }
    }
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct SocketHandshake {
    request_id: String,
    timestamp: f64,
    wall_time: f64,
    request: SocketRequest,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct SocketRequest {
    headers: Tree,
}

impl SocketHandshake {
    fn into_event(self) -> SocketOpening {
        SocketOpening {
            request_id: self.request_id,
            timestamp: self.timestamp,
            wall_time: self.wall_time,
            headers: lower_case_names(self.request.headers),
        }
    }
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct SocketError {
    request_id: String,
    timestamp: f64,
    error_message: String,
}

impl SocketError {
    fn into_event(self) -> NetworkFailed {
        NetworkFailed {
            request_id: self.request_id,
            timestamp: self.timestamp,
            error_text: self.error_message,
            ..NetworkFailed::default()
        }
    }
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Screencast {
    data: String,
    metadata: ScreencastMetadata,
    /// A number of the frame, in spite of its name.
    session_id: i64,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct ScreencastMetadata {
    timestamp: f64,
}

impl Screencast {
    fn into_event(self) -> ScreencastFrame {
        ScreencastFrame {
            data: self.data,
            timestamp: self.metadata.timestamp,
            number: self.session_id,
            session: None,
        }
    }
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct StyleSheetAdded {
    header: StyleSheetHeader,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct StyleSheetHeader {
    style_sheet_id: String,
    #[serde(rename = "sourceURL")]
    source_url: String,
    length: f64,
}

impl StyleSheetAdded {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a length in characters"
    )]
    fn into_event(self) -> StyleSheet {
        StyleSheet {
            id: self.header.style_sheet_id,
            url: self.header.source_url,
            length: self.header.length.max(0.0) as u64,
        }
    }
}

impl WireResponse {
    fn into_event(self, request_id: String, timestamp: f64) -> NetworkResponse {
        let address = self
            .remote_ip_address
            .map(|address| address.trim_matches(['[', ']']).to_owned());
        NetworkResponse {
            request_id,
            timestamp,
            url: self.url,
            status: self.status,
            status_text: self.status_text,
            headers: lower_case_names(self.headers),
            mime_type: self.mime_type,
            protocol: self.protocol,
            connection_reused: self.connection_reused,
            connection_id: self.connection_id,
            remote_ip_address: address.filter(|address| !address.is_empty()),
            remote_port: self.remote_port.filter(|port| *port != 0),
            from_disk_cache: self.from_disk_cache,
            from_service_worker: self.from_service_worker,
            from_prefetch_cache: self.from_prefetch_cache,
            encoded_data_length: whole(self.encoded_data_length),
            timing: self.timing,
            response_time: self.response_time,
            security_state: self.security_state,
            certificate: self.security_details.map(|details| Certificate {
                subject: details.subject_name,
                issuer: details.issuer,
                valid_to: details.valid_to,
                protocol: details.protocol,
            }),
        }
    }
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct LoadingFinished {
    request_id: String,
    timestamp: f64,
    encoded_data_length: f64,
    should_report_corb_blocking: Option<bool>,
}

impl LoadingFinished {
    fn into_event(self) -> NetworkFinished {
        NetworkFinished {
            request_id: self.request_id,
            timestamp: self.timestamp,
            encoded_data_length: whole(self.encoded_data_length),
            should_report_corb_blocking: self.should_report_corb_blocking,
        }
    }
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct LoadingFailed {
    request_id: String,
    timestamp: f64,
    error_text: String,
    canceled: bool,
    blocked_reason: Option<String>,
}

impl LoadingFailed {
    fn into_event(self) -> NetworkFailed {
        NetworkFailed {
            request_id: self.request_id,
            timestamp: self.timestamp,
            error_text: self.error_text,
            canceled: self.canceled,
            blocked_reason: self.blocked_reason,
        }
    }
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct FromCache {
    request_id: String,
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "byte counts are whole and far below 2^53"
)]
fn whole(number: f64) -> i64 {
    number as i64
}
