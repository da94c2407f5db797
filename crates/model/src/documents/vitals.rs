//! Ours: `c.vitals-*`, one document a visited page: what a person would have felt, and what it was made of.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::{Common, HostPressure, OverheadField};
use crate::ActionId;

/// Paint, stability and responsiveness of a visit: ms since navigation start, CLS unitless.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Vitals {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lcp: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cls: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fcp: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ttfb: Option<f64>,
    /// Longest delay between an interaction of the script and the next paint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inp: Option<f64>,
    /// End of the load event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub load: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// What the page itself says beside its [`Vitals`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct VitalsDetail {
    /// `navigate`, `reload`, `back_forward`, `prerender`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub navigation_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dom_content_loaded: Option<f64>,
    /// CSS path of the largest element, its image if it is one, and its size in square pixels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lcp_element: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lcp_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lcp_size: Option<f64>,
    /// The largest shifts: `value`, `startTime`, CSS paths of what moved.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cls_shifts: Vec<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inp_element: Option<String>,
    /// Tasks of more than 50 ms, the longest of them, and the sum of what is beyond 50 ms; ms.
    pub long_tasks: u64,
    pub longest_task: f64,
    pub blocking_time: f64,
    /// Animation frames of more than 50 ms, and the longest of them.
    pub long_frames: u64,
    pub longest_frame: f64,
    /// `Server-Timing` of the document: `name`, `duration`, `description`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub server_timing: Vec<Value>,
}

/// Keys of [`PageWeight::bytes_by_type`]: resource types of DevTools in lower case; the last is all the rest.
pub const WEIGHT_TYPES: [&str; 9] = [
    "document",
    "stylesheet",
    "script",
    "image",
    "font",
    "media",
    "xhr",
    "fetch",
    "other",
];

/// What the network says of the visit.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PageWeight {
    /// Phases of the document's request, ms; absent when a connection was reused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dns_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tcp_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_ms: Option<f64>,
    pub requests: u64,
    pub transfer_bytes: u64,
    /// Bytes over the network by resource type.
    pub bytes_by_type: BTreeMap<String, u64>,
    pub third_party_requests: u64,
    pub third_party_bytes: u64,
    /// Share of the bytes, percent.
    pub third_party_percent: f64,
    pub cookies_set: u64,
    /// Requests without TLS of a page with it.
    pub mixed_content: u64,
    /// Days until the certificate that ends first does, of all hosts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate_days_left: Option<f64>,
    pub certificates: Vec<HostCertificate>,
}

/// The certificate of one host.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HostCertificate {
    pub host: String,
    pub subject: String,
    pub issuer: String,
    pub protocol: String,
    pub days_left: f64,
}

/// One visited page.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PageVitals {
    #[serde(flatten)]
    pub common: Common,
    pub uuid_action: ActionId,
    pub full_title: String,
    #[serde(flatten)]
    pub vitals: Vitals,
    #[serde(flatten)]
    pub detail: VitalsDetail,
    #[serde(flatten)]
    pub weight: PageWeight,
    pub overhead: OverheadField,
    pub host: HostPressure,
}
