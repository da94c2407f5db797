//! Rules as they are written: both generations of the established product, and our keys beside theirs.

use canarytrace_model::stack::Span;
use serde::Deserialize;
use serde_json::Value;

use super::condition::Condition;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawRule {
    pub(super) title: String,
    #[serde(default, rename = "type")]
    pub(super) kind: Option<RawKind>,
    pub(super) index: String,
    #[serde(default, rename = "timeRange")]
    pub(super) time_range: Option<String>,
    #[serde(default)]
    pub(super) min: Option<i64>,
    #[serde(default)]
    pub(super) score: Option<f64>,
    #[serde(default, rename = "reportLabels")]
    pub(super) report_labels: Vec<String>,
    #[serde(default)]
    pub(super) reporters: Vec<RawReporter>,
    #[serde(default)]
    pub(super) field: Option<String>,
    #[serde(default)]
    pub(super) operator: Option<RawOperator>,
    #[serde(default)]
    pub(super) expected: Option<Value>,
    #[serde(default)]
    pub(super) value: Option<Value>,
    #[serde(default)]
    pub(super) expression: Option<RawExpression>,
    #[serde(default)]
    pub(super) filter: Vec<RawFilter>,
    // Ours from here on.
    #[serde(default)]
    pub(super) query: Option<String>,
    #[serde(default)]
    pub(super) monitors: Vec<String>,
    #[serde(default)]
    pub(super) cause: Vec<String>,
    #[serde(default)]
    pub(super) window: Option<Span>,
    #[serde(default)]
    pub(super) when: Option<Condition>,
    #[serde(default)]
    pub(super) by: Option<String>,
    #[serde(default)]
    pub(super) group: Option<Group>,
    #[serde(default)]
    pub(super) notify: Option<Notify>,
    #[serde(default)]
    pub(super) confirm: u32,
    #[serde(default)]
    pub(super) covers: Vec<String>,
    #[serde(default)]
    pub(super) remind: Option<Span>,
    #[serde(default)]
    pub(super) escalate: Vec<RawEscalation>,
    #[serde(default)]
    pub(super) close_after: Option<Span>,
    #[serde(default = "yes")]
    pub(super) enabled: bool,
}

fn yes() -> bool {
    true
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum RawKind {
    Match,
    Contains,
    Range,
    /// Ours: documents of `query`.
    Query,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum RawOperator {
    Must,
    MustNot,
    Lt,
    Lte,
    Gt,
    Gte,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawReporter {
    #[serde(rename = "type")]
    pub(super) kind: String,
    #[serde(default)]
    pub(super) message: Option<String>,
    /// 2021 only.
    #[serde(default)]
    pub(super) score: Option<f64>,
    #[serde(default)]
    pub(super) recipients: Option<OneOrMany>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl OneOrMany {
    pub(super) fn into_list(self) -> Vec<String> {
        match self {
            OneOrMany::One(text) => text
                .split([',', ';'])
                .map(|one| one.trim().to_owned())
                .filter(|one| !one.is_empty())
                .collect(),
            OneOrMany::Many(list) => list,
        }
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawExpression {
    /// One document of the established product says `c`.
    #[serde(alias = "c")]
    pub(super) field: String,
    pub(super) operator: RawOperator,
    pub(super) values: Vec<Value>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawFilter {
    pub(super) field: String,
    pub(super) operator: RawOperator,
    pub(super) value: Value,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawEscalation {
    pub(super) after: Span,
    pub(super) to: String,
}

/// How findings become incidents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Group {
    /// One for each value of `by`.
    Key,
    /// One for the rule.
    Rule,
    /// One for each party that is to blame: a site's monitor, a third party's host, our network, …
    Blame,
}

/// When an incident is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Notify {
    Immediately,
    /// In the overviews only.
    Overview,
    Never,
}
