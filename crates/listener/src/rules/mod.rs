//! Rules: how they are written, read and checked. Start at [`RuleSet`].

mod condition;
mod file;
mod filter;
mod lint;
mod raw;

use std::{path::PathBuf, time::Duration};

use serde::Serialize;
use serde_json::{Value, json};

pub use condition::{
    Absence, Baseline, BurnRate, Certificate, Change, Condition, Count, Fold, Header, MOST_RUNS,
    New, Quorum, Rate, Ratio, Runs, Statistic, StatisticKind,
};
pub use file::{Problem, RuleSet, Source, read_text};
pub(crate) use filter::kql_query;
pub use lint::{Fields, Finding as LintFinding, base_name, lint};
pub use raw::{Group, Notify};

/// The window of a rule that names none: the established thresholds are tuned to it.
pub const DEFAULT_WINDOW: Duration = Duration::from_secs(600);

/// A rule as it is judged.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Identity of its incidents; compared without regard to case.
    pub title: String,
    /// `match`, `contains`, `range` or `query`, as events say it.
    pub kind: &'static str,
    pub place: Place,
    /// Base name of the daily indices, with prefix, such as `c.report`.
    pub index: String,
    /// Elasticsearch queries that all hold on a document.
    pub filters: Vec<Value>,
    /// The filters in words, for the log.
    pub words: String,
    /// Numeric fields and bounds, to find thresholds that are never reached.
    pub fields: Vec<String>,
    pub window: Duration,
    pub condition: Condition,
    /// Causes that count as failures; empty: all.
    pub causes: Vec<String>,
    /// Each value of this field is judged by itself.
    pub by: Option<String>,
    pub group: Group,
    pub notify: Notify,
    /// 0 to 100.
    pub score: u8,
    pub report_labels: Vec<String>,
    pub reporters: Vec<RuleReporter>,
    /// Failed runs after the first that are awaited before it is told.
    pub confirm: u32,
    /// Titles of rules that say nothing while this one has an open incident.
    pub covers: Vec<String>,
    pub remind: Option<Duration>,
    pub escalate: Vec<Escalation>,
    /// Closed when not seen for so long; none: as the listener is set.
    pub close_after: Option<Duration>,
}

/// Where a rule was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Place {
    /// None: built in, or written in the UI.
    pub file: Option<PathBuf>,
    pub source: Source,
    pub line: u64,
}

/// Whom a rule tells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RuleReporter {
    /// `slack`, `slack-internal`, `email`, `events`, or the name of a channel.
    pub channel: String,
    pub message: String,
    pub recipients: Vec<String>,
}

/// Whom to tell as well when nobody acknowledges.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Escalation {
    pub after: Duration,
    pub channel: String,
}

impl Rule {
    /// What its people are told first.
    pub fn message(&self) -> &str {
        self.reporters
            .iter()
            .map(|reporter| reporter.message.as_str())
            .find(|message| !message.is_empty())
            .unwrap_or(&self.title)
    }

    /// The document query without the window.
    pub fn query(&self) -> Value {
        json!({"bool": {"filter": self.filters}})
    }

    /// Whether it is judged by runs: the order of the last ones, or their verdicts.
    pub fn is_about_runs(&self) -> bool {
        matches!(
            self.condition,
            Condition::Runs(_)
                | Condition::Consecutive(_)
                | Condition::Lasting(_)
                | Condition::Quorum(_)
                | Condition::BurnRate(_)
        )
    }

    /// How often it is judged: what looks at hours need not be looked at every second. Zero: in every round.
    pub fn cadence(&self) -> Duration {
        match self.condition {
            Condition::Count(_)
            | Condition::Header(_)
            | Condition::Rate(_)
            | Condition::Runs(_)
            | Condition::Consecutive(_)
            | Condition::Quorum(_) => Duration::ZERO,
            // Its window moves on by a twelfth at least before anything is different.
            Condition::Change(_) => {
                (self.window / 12).clamp(Duration::from_secs(60), Duration::from_secs(3600))
            }
            _ => (self.window / 60).clamp(Duration::from_secs(30), Duration::from_secs(600)),
        }
    }

    pub fn is(&self, title: &str) -> bool {
        self.title.to_lowercase() == title.to_lowercase()
    }
}
