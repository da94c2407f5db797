//! `c.report-*`: the events of a run.

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::{Common, HostPressure, OverheadField};
use crate::{ActionId, verdict::Verdict};

/// The kind of a report event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum ReportEvent {
    TestStart,
    SuiteStart,
    TestStepStart,
    TestStepEnd,
    TestEnd,
}

/// One event. A lifecycle error is a `testEnd` with `passed: false` and `sequence` 1000.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ReportDocument)]
pub struct Report {
    #[serde(flatten)]
    pub common: Common,
    pub event: ReportEvent,
    /// 1-based order of the event in the run.
    pub sequence: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uuid_action: Option<ActionId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub full_title: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    /// testStart: host of the driver.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub selenium_cluster: Option<String>,
    /// testStart: `BASE_URL`, unsplit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base_url: Option<String>,
    /// testStart: what was asked of the driver.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capabilities: Option<Value>,
    /// testStart: the WebDriver session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// testStepEnd: ms from the start to the end of the step.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test_step_duration: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub passed: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub err_message: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub err_type: Option<String>,
    /// testStepEnd: `no`, or the screenshot.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attachments: Option<String>,
    /// testEnd: sum of the steps' durations, ms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total_test_steps_duration: Option<u64>,
    /// testEnd: from the runner's start to this event, ms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total_runner_duration: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Verdict>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub overhead: Option<OverheadField>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<HostPressure>,
}

/// The `sequence` of a lifecycle error.
pub const LIFECYCLE_ERROR_SEQUENCE: u32 = 1000;

impl Report {
    /// An event without any of the optional fields.
    pub fn new(common: Common, event: ReportEvent, sequence: u32) -> Self {
        Self {
            common,
            event,
            sequence,
            uuid_action: None,
            title: None,
            full_title: None,
            parent: None,
            selenium_cluster: None,
            base_url: None,
            capabilities: None,
            session_id: None,
            test_step_duration: None,
            passed: None,
            err_message: None,
            err_type: None,
            attachments: None,
            total_test_steps_duration: None,
            total_runner_duration: None,
            verdict: None,
            overhead: None,
            host: None,
        }
    }

    /// The `testEnd` of a run that ended abnormally.
    pub fn lifecycle_error(
        common: Common,
        err_type: &str,
        err_message: &str,
        verdict: Verdict,
    ) -> Self {
        Self {
            passed: Some(false),
            err_type: Some(err_type.to_owned()),
            err_message: Some(err_message.to_owned()),
            verdict: Some(verdict),
            ..Self::new(common, ReportEvent::TestEnd, LIFECYCLE_ERROR_SEQUENCE)
        }
    }
}
