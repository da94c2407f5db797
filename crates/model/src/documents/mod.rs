//! Every telemetry document, field by field, as it is stored.
//!
//! Field names, types and units are those of the established product; what we add stands under `verdict`, `monitor`,
//! `overhead` and `host` and never replaces a listed field.

mod console;
mod coverage_audit;
mod environment;
mod memory;
mod performance_entries;
mod report;
mod request_log;
mod run;
mod smoke_title;
mod vitals;

pub use console::{Console, ConsoleEventType};
pub use coverage_audit::CoverageAudit;
pub use environment::Environment;
pub use memory::{Heap, Memory};
pub use performance_entries::PerformanceEntry;
pub use report::{LIFECYCLE_ERROR_SEQUENCE, Report, ReportEvent};
pub use request_log::{Har, RequestLog, RequestPart, ResponsePart, Timing};
pub use run::{LedgerEntry, LedgerEvent, Run};
pub use smoke_title::SmokeTitle;
pub use vitals::{HostCertificate, PageVitals, PageWeight, Vitals, VitalsDetail, WEIGHT_TYPES};

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::{RunId, time::Moment};

/// What every document of a run carries.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Common {
    pub uuid: RunId,
    #[schema(value_type = Vec<String>)]
    pub labels: Arc<[String]>,
    #[schema(value_type = String)]
    pub spec: Arc<str>,
    /// Ours: the monitor the run belongs to.
    #[schema(value_type = String)]
    pub monitor: Arc<str>,
    pub timestamp: Moment,
}

/// `overhead.class`: what was on while the page was timed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum OverheadClass {
    Light,
    Coverage,
    Bodies,
    Filmstrip,
    Trace,
}

impl OverheadClass {
    /// As stored.
    pub fn as_str(self) -> &'static str {
        match self {
            OverheadClass::Light => "light",
            OverheadClass::Coverage => "coverage",
            OverheadClass::Bodies => "bodies",
            OverheadClass::Filmstrip => "filmstrip",
            OverheadClass::Trace => "trace",
        }
    }
}

/// `overhead.*` of a document: the pedigree of its numbers.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OverheadField {
    pub class: OverheadClass,
    /// The browser was left alone after its launch: right then a page loads up to a half slower.
    pub settled: bool,
    pub cache: CacheState,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rendering: Option<Rendering>,
    /// What the run may use at most; absent when it is not limited.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpus: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_bytes: Option<u64>,
    /// Other runs on this machine when the step began; absent when they cannot be counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub other_runs: Option<u32>,
}

/// Whether a page could find its parts in the browser's cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum CacheState {
    Cold,
    Warm,
}

/// What draws the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Rendering {
    Software,
    Hardware,
}

/// `host.*`: how busy the machine was while the step ran.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HostPressure {
    /// Share of time in which some task waited for a CPU, percent (`/proc/pressure/cpu`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu_pressure_percent: Option<f64>,
    /// Share of CPU time stolen by the hypervisor, percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub steal_percent: Option<f64>,
    /// One-minute load average.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub load1: Option<f64>,
}

/// A free-form tree that is stored but not indexed.
pub type Tree = Map<String, Value>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_fields_have_the_established_names() {
        let common = Common {
            uuid: RunId::parse(&"a".repeat(32)).unwrap(),
            labels: vec!["mode=smoke".to_owned()].into(),
            spec: "smoke.js".into(),
            monitor: "shop".into(),
            timestamp: Moment::from_epoch_ms(0),
        };
        let json = serde_json::to_string(&common).unwrap();
        assert_eq!(
            json,
            r#"{"uuid":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","labels":["mode=smoke"],"spec":"smoke.js","monitor":"shop","timestamp":"1970-01-01T00:00:00.000Z"}"#
        );
    }
}
