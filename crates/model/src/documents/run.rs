//! Ours: `c.run-*` (one document a run) and `c.ledger-*` (what was expected and what became of it).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Common, HostPressure, Vitals};
use crate::{record::Overhead, time::Moment, verdict::Verdict};

/// `c.run-*`: written once, at the end of the run.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RunDocument)]
pub struct Run {
    #[serde(flatten)]
    pub common: Common,
    pub mode: String,
    pub started_at: Moment,
    pub ended_at: Moment,
    pub duration_ms: u64,
    pub passed: bool,
    pub exit_code: u8,
    pub verdict: Verdict,
    /// Of the first page that was timed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vitals: Option<Vitals>,
    pub steps_total: u32,
    pub steps_failed: u32,
    /// Requests seen, bytes over the network, and requests that failed.
    pub requests: u64,
    pub transfer_bytes: u64,
    pub requests_failed: u64,
    pub console_errors: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub screenshot: Option<String>,
    /// Names of everything that is kept beside the documents.
    pub attachments: Vec<String>,
    pub overhead: Overhead,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<HostPressure>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub browser_version: Option<String>,
    pub version: String,
    /// Git revision that was checked out, full id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
}

/// What happened to an expected run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LedgerEvent {
    Expected,
    Started,
    Finished,
    Skipped,
}

/// `c.ledger-*`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LedgerEntry {
    pub timestamp: Moment,
    pub monitor: String,
    pub event: LedgerEvent,
    /// When the run was to begin.
    pub due_at: Moment,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uuid: Option<String>,
    /// Why it was skipped, or how it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<u8>,
    /// Started this much after it was due, ms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delay_ms: Option<i64>,
}
