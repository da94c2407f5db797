//! `run.json`: the record of one run, written at its start and replaced at its end.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{RunId, time::Moment, verdict::Verdict};

/// Where a run is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RunState {
    Running,
    Ended,
}

/// How much of the run's documents the store has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Delivered {
    /// Documents that the store has confirmed.
    pub acked: u64,
    /// Documents that are still only on this disk.
    pub pending: u64,
    /// Documents that the store has refused for good; they are kept in `rejected.ndjson`.
    pub rejected: u64,
    /// Attachments that are still only on this disk, though somebody takes them; left out when there are none.
    #[serde(default, skip_serializing_if = "is_none")]
    pub pending_attachments: u64,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde asks with a reference"
)]
fn is_none(count: &u64) -> bool {
    *count == 0
}

impl Delivered {
    /// Nothing waits on this disk.
    pub fn is_complete(&self) -> bool {
        self.pending == 0 && self.pending_attachments == 0
    }
}

/// One step as listed in `run.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StepRecord {
    pub uuid_action: String,
    pub title: String,
    pub full_title: String,
    pub duration_ms: u64,
    pub verdict: Verdict,
}

/// What watching cost.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Overhead {
    /// `light`, `coverage`, `bodies` or `trace`: what was on while the page was timed.
    pub class: String,
    /// User + system CPU of supervisor and runner, seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runner_cpu_s: Option<f64>,
    /// Peak resident memory of the runner process, bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runner_peak_rss_bytes: Option<u64>,
    /// User + system CPU of browser and chromedriver, seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub browser_cpu_s: Option<f64>,
    /// DevTools events that were dropped because a queue was full; counted, never silent.
    #[serde(default)]
    pub dropped_events: u64,
    /// Pictures of the filmstrip that were not kept because they may show a secret.
    #[serde(default)]
    pub dropped_frames: u64,
    /// How long the browser was left to settle before the first navigation, ms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settled_ms: Option<u64>,
}

/// `run.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RunRecord {
    pub state: RunState,
    pub uuid: RunId,
    pub monitor: String,
    pub mode: String,
    pub spec: String,
    pub labels: Vec<String>,
    pub index_prefix: String,
    pub started_at: Moment,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Moment>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<u8>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Verdict>,
    #[serde(default)]
    pub steps: Vec<StepRecord>,
    /// Documents per index.
    #[serde(default)]
    pub counts: BTreeMap<String, u64>,
    #[serde(default)]
    pub attachments: Vec<String>,
    #[serde(default)]
    pub delivered: Delivered,
    #[serde(default)]
    pub overhead: Overhead,
    /// Of canarytrace.
    pub version: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub browser_version: Option<String>,
    /// Store the documents go to, without credentials; absent when none was configured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store: Option<String>,
    /// Process id of the supervisor, with its start time in clock ticks, to tell a live run from a recycled pid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supervisor: Option<SupervisorId>,
}

/// Identifies a process beyond pid reuse.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SupervisorId {
    pub pid: u32,
    /// Field 22 of `/proc/<pid>/stat`.
    pub start_ticks: u64,
    /// `/proc/sys/kernel/random/boot_id`, because ticks restart with the machine.
    pub boot_id: String,
}
