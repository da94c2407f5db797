//! `c.request-log-*`: one document per paired request and response.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::{Common, OverheadField};
use crate::ActionId;

/// A request with its response.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RequestDocument)]
pub struct RequestLog {
    #[serde(flatten)]
    pub common: Common,
    pub request_id: String,
    pub uuid_action: ActionId,
    /// Same content as `fullTitle` elsewhere.
    pub context: String,
    /// Order of the request in the run, from 1.
    pub sequence: u32,
    pub url: String,
    pub request: RequestPart,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response: Option<ResponsePart>,
    /// Absent for redirects and unfinished requests.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub har: Option<Har>,
    /// Ours: why the request failed or was blocked (`net::ERR_…`, `blocked: csp`, …).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    pub overhead: OverheadField,
}

/// `request.*`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RequestPart {
    pub request_id: String,
    /// Monotonic seconds.
    pub timestamp: f64,
    /// Epoch seconds.
    pub wall_time: f64,
    /// Always an object: `type`, `url`, `lineNumber`, `columnNumber`.
    pub initiator: Map<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redirect_has_extra_info: Option<bool>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub resource_type: Option<String>,
    pub method: String,
    #[schema(value_type = std::collections::BTreeMap<String, String>)]
    pub headers: Map<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub initial_priority: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_same_site: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub post_data: Option<String>,
    pub post_data_parsed: String,
}

/// `response.*`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ResponsePart {
    pub status: u16,
    pub status_text: String,
    #[schema(value_type = std::collections::BTreeMap<String, String>)]
    pub headers: Map<String, Value>,
    pub mime_type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protocol: Option<String>,
    pub connection_reused: bool,
    pub connection_id: f64,
    /// Without the brackets of IPv6; absent when unknown.
    #[serde(rename = "remoteIPAddress", skip_serializing_if = "Option::is_none")]
    pub remote_ip_address: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remote_port: Option<u16>,
    pub from_disk_cache: bool,
    pub from_service_worker: bool,
    pub from_prefetch_cache: bool,
    /// Ours: the browser had it in memory. It has no phases then, and nothing was sent.
    pub from_memory_cache: bool,
    /// Bytes so far when the headers had arrived.
    pub encoded_data_length: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timing: Option<Timing>,
    /// Epoch milliseconds of the response (not a duration).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_time: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub security_state: Option<String>,
    pub request_id: String,
    /// Monotonic seconds of *loading finished*; absent for redirects.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<f64>,
    /// Bytes over the network, whole response; absent for redirects.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total_encoded_data_length: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub should_report_corb_blocking: Option<bool>,
}

/// DevTools ResourceTiming: ms offsets from `requestTime` (monotonic seconds); -1 is not applicable.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Timing {
    pub request_time: f64,
    #[serde(default = "not_applicable")]
    pub dns_start: f64,
    #[serde(default = "not_applicable")]
    pub dns_end: f64,
    #[serde(default = "not_applicable")]
    pub connect_start: f64,
    #[serde(default = "not_applicable")]
    pub connect_end: f64,
    #[serde(default = "not_applicable")]
    pub ssl_start: f64,
    #[serde(default = "not_applicable")]
    pub ssl_end: f64,
    #[serde(default = "not_applicable")]
    pub send_start: f64,
    #[serde(default = "not_applicable")]
    pub send_end: f64,
    #[serde(default = "not_applicable")]
    pub receive_headers_end: f64,
    /// The offsets that no formula uses (`proxyStart`, `workerReady`, `pushEnd`, …).
    #[serde(flatten)]
    pub others: Map<String, Value>,
}

fn not_applicable() -> f64 {
    -1.0
}

/// Phases of a request as HAR 1.2 has them, ms; -1 is not applicable.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Har {
    pub blocked: f64,
    pub dns: f64,
    pub connect: f64,
    pub send: f64,
    pub wait: f64,
    pub receive: f64,
    pub ssl: f64,
    /// Sum of the non-negative phases; `ssl` is part of `connect` and not added again.
    pub time: f64,
    pub comment: String,
}

impl Har {
    /// The phases of a finished request; `response_received` and `finished` are monotonic seconds.
    ///
    /// `receive` is the time between the two DevTools events, which is what the established data holds; the textbook
    /// formula from `receiveHeadersEnd` differs by the time the event needs to reach DevTools.
    pub fn compute(timing: Option<&Timing>, response_received: f64, finished: f64) -> Self {
        let receive = ((finished - response_received) * 1000.0).max(0.0);
        let Some(timing) = timing else {
            return Self::zero();
        };
        let first = |candidates: [f64; 3]| candidates.into_iter().find(|value| *value >= 0.0);
        let span = |start: f64, end: f64| {
            if start >= 0.0 && end >= start {
                end - start
            } else {
                -1.0
            }
        };
        let blocked =
            first([timing.dns_start, timing.connect_start, timing.send_start]).unwrap_or(-1.0);
        let dns = match first([timing.connect_start, timing.send_start, timing.send_start]) {
            Some(next) if timing.dns_start >= 0.0 => (next - timing.dns_start).max(0.0),
            _ => -1.0,
        };
        let connect = span(timing.connect_start, timing.connect_end);
        let ssl = span(timing.ssl_start, timing.ssl_end);
        let send = span(timing.send_start, timing.send_end);
        let wait = span(timing.send_end, timing.receive_headers_end);
        let time = [blocked, dns, connect, send, wait, receive]
            .into_iter()
            .filter(|phase| *phase > 0.0)
            .sum();
        Self {
            blocked,
            dns,
            connect,
            send,
            wait,
            receive,
            ssl,
            time,
            comment: String::new(),
        }
    }

    /// What a `data:` URL has, and what was in memory: no network, all zero.
    pub fn zero() -> Self {
        Self {
            blocked: 0.0,
            dns: 0.0,
            connect: 0.0,
            send: 0.0,
            wait: 0.0,
            receive: 0.0,
            ssl: 0.0,
            time: 0.0,
            comment: String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timing(
        dns: (f64, f64),
        connect: (f64, f64),
        ssl: (f64, f64),
        send: (f64, f64),
        headers: f64,
    ) -> Timing {
        Timing {
            request_time: 100.0,
            dns_start: dns.0,
            dns_end: dns.1,
            connect_start: connect.0,
            connect_end: connect.1,
            ssl_start: ssl.0,
            ssl_end: ssl.1,
            send_start: send.0,
            send_end: send.1,
            receive_headers_end: headers,
            others: Map::new(),
        }
    }

    const NONE: (f64, f64) = (-1.0, -1.0);

    #[test]
    fn a_reused_connection_has_no_dns_and_no_connect() {
        let har = Har::compute(
            Some(&timing(NONE, NONE, NONE, (0.605, 1.365), 50.966)),
            100.051,
            102.035457,
        );
        assert_eq!((har.dns, har.connect, har.ssl), (-1.0, -1.0, -1.0));
        assert!((har.send - 0.76).abs() < 1e-9);
        assert!((har.wait - 49.601).abs() < 1e-9);
        assert!((har.receive - 1984.457).abs() < 1e-6);
        assert!((har.time - (0.605 + 0.76 + 49.601 + 1984.457)).abs() < 1e-6);
    }

    #[test]
    fn a_fresh_tls_connection_counts_tls_once() {
        let har = Har::compute(
            Some(&timing(
                (1.0, 3.0),
                (3.0, 13.0),
                (6.0, 13.0),
                (13.0, 13.5),
                20.0,
            )),
            100.02,
            100.03,
        );
        assert_eq!(
            (
                har.blocked,
                har.dns,
                har.connect,
                har.ssl,
                har.send,
                har.wait
            ),
            (1.0, 2.0, 10.0, 7.0, 0.5, 6.5)
        );
        assert!((har.time - 30.0).abs() < 1e-6);
    }
}
