//! The listener as the server sees it: what it answers, and what a person does to it.

use std::collections::BTreeMap;

use async_trait::async_trait;
use canarytrace_es::EsError;
use canarytrace_model::{alerting::MaintenanceConfig, time::Moment};
use serde::{Deserialize, Serialize};
use thiserror::Error;
use utoipa::ToSchema;

/// What a person does to an incident.
#[derive(Clone, Debug)]
pub enum IncidentAction {
    Acknowledge(String),
    Note(String),
    /// Send once more what was given up.
    Retry,
}

/// The listener that runs here.
#[async_trait]
pub trait Alerts: Send + Sync {
    /// Rules with what they measured last, problems, channels, silences.
    async fn state(&self) -> Result<AlertsView, AlertError>;
    async fn act(&self, incident: &str, action: IncidentAction, by: &str)
    -> Result<(), AlertError>;
    /// Answers the silence's id.
    async fn silence(&self, silence: NewSilence, by: &str) -> Result<String, AlertError>;
    async fn unsilence(&self, id: &str) -> Result<(), AlertError>;
    /// A window as `listener.maintenance` of canarytrace.yaml; answers its id.
    async fn add_maintenance(&self, window: MaintenanceConfig) -> Result<String, AlertError>;
    async fn remove_maintenance(&self, id: &str) -> Result<(), AlertError>;
    async fn stored_rules(&self) -> Result<String, AlertError>;
    /// Refused when a rule is not understood.
    async fn store_rules(&self, text: &str) -> Result<(), AlertError>;
    async fn try_rules(&self, text: &str, from: &str, to: &str) -> Result<Trial, AlertError>;
    /// What a rule in force would have measured over a time.
    async fn trace_rule(&self, title: &str, from: &str, to: &str) -> Result<Trace, AlertError>;
    async fn try_channel(&self, channel: &str) -> Result<(), AlertError>;
    /// The report of a day (`2026-11-25`; none: yesterday) and period (`day`, `week`, `month`) as HTML.
    async fn report(&self, day: Option<&str>, period: Option<&str>) -> Result<String, AlertError>;
}

#[derive(Debug, Error)]
pub enum AlertError {
    #[error("there is no incident `{0}`")]
    Unknown(String),
    #[error("{0}")]
    Refused(String),
    #[error(transparent)]
    Store(#[from] EsError),
}

/// The listener as it is now.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Alerts)]
pub struct AlertsView {
    /// Another one judges.
    pub standby: bool,
    /// How long the last round took.
    pub round_ms: u64,
    /// Of the last round.
    #[schema(required)]
    pub at: Option<Moment>,
    #[schema(required)]
    pub problem: Option<String>,
    /// Rules that are not in force, and why.
    pub problems: Vec<RuleProblem>,
    pub rules: Vec<RuleView>,
    pub channels: Vec<ChannelView>,
    /// Names that rules use, and where they go instead.
    pub routes: BTreeMap<String, String>,
    pub silences: Vec<SilenceView>,
    pub maintenance: Vec<MaintenanceView>,
}

/// A rule in force.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Rule)]
pub struct RuleView {
    pub title: String,
    pub index: String,
    #[serde(rename = "type")]
    pub kind: String,
    /// `own`, `file` or `store`.
    pub source: String,
    #[schema(required)]
    pub file: Option<String>,
    pub line: u64,
    pub score: u8,
    pub notify: String,
    /// Such as `5m`.
    pub window: String,
    /// The condition as it was read.
    #[schema(value_type = BTreeMap<String, serde_json::Value>)]
    pub condition: serde_json::Value,
    /// The condition for a person.
    pub words: String,
    #[schema(required)]
    pub by: Option<String>,
    pub group: String,
    pub causes: Vec<String>,
    pub covers: Vec<String>,
    pub reporters: Vec<ReporterView>,
    /// Elasticsearch's.
    #[schema(value_type = BTreeMap<String, serde_json::Value>)]
    pub query: serde_json::Value,
    /// Left out: not judged yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<RuleStateView>,
}

/// Whom a rule tells.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Reporter)]
pub struct ReporterView {
    pub channel: String,
    pub message: String,
    pub recipients: Vec<String>,
}

/// What a rule measured last.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RuleState)]
pub struct RuleStateView {
    /// Worst first.
    pub readings: Vec<ReadingView>,
    pub judged_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// One value of a rule and its limit.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Reading)]
pub struct ReadingView {
    /// The monitor, host or step it is of; none: of all together.
    #[schema(required)]
    pub key: Option<String>,
    pub value: f64,
    pub limit: f64,
}

/// Why a rule, or a whole file, is not in force.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct RuleProblem {
    /// `FILE:LINE:COLUMN`, as much as is known.
    pub place: String,
    #[schema(required)]
    pub rule: Option<String>,
    pub message: String,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Channel)]
pub struct ChannelView {
    pub name: String,
    pub what: String,
}

/// What nobody is told of for a while.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Silence)]
pub struct SilenceView {
    pub id: String,
    pub reason: String,
    pub by: String,
    pub until: Moment,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub incident: Option<String>,
    /// Titles; empty: all.
    pub rules: Vec<String>,
    /// Patterns; empty: all.
    pub monitors: Vec<String>,
}

/// One of an incident, rules or monitors at least.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSilence {
    pub reason: String,
    pub until: Moment,
    /// Its id.
    #[serde(default)]
    pub incident: Option<String>,
    /// Titles.
    #[serde(default)]
    pub rules: Vec<String>,
    /// Patterns.
    #[serde(default)]
    pub monitors: Vec<String>,
}

/// A window in which nobody is told.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Maintenance)]
pub struct MaintenanceView {
    /// Of those that were written in the UI.
    #[schema(required)]
    pub id: Option<String>,
    pub reason: String,
    pub monitors: Vec<String>,
    pub rules: Vec<String>,
    /// For a person.
    pub when: String,
    /// When the one that is now ends.
    #[schema(required)]
    pub until: Option<Moment>,
}

/// What a rule would have measured over a time.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Trace {
    pub points: Vec<TracePoint>,
    pub step_ms: u64,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct TracePoint {
    pub at: Moment,
    pub readings: Vec<ReadingView>,
}

/// What rules would have found.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Trial {
    pub problems: Vec<RuleProblem>,
    pub rehearsal: RehearsalView,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Rehearsal)]
pub struct RehearsalView {
    pub incidents: Vec<RehearsedView>,
    /// Rules that the store refused, and why.
    pub errors: BTreeMap<String, String>,
    /// The highest value of each rule and its limit.
    #[schema(value_type = BTreeMap<String, [f64; 2]>)]
    pub nearest: BTreeMap<String, (f64, f64)>,
    pub rounds: u32,
}

/// An incident that would have been.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Rehearsed)]
pub struct RehearsedView {
    pub rule: String,
    pub title: String,
    pub score: u8,
    /// RFC 3339.
    pub opened: String,
    /// None: it would still be open.
    #[schema(required)]
    pub closed: Option<String>,
    pub sentence: String,
    #[schema(required)]
    pub cause: Option<String>,
    pub monitors: Vec<String>,
    pub documents: u64,
}
