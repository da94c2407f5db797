//! Incidents: what they are, how they live, and what is told of them.

mod life;

use std::collections::BTreeMap;

use canarytrace_model::time::Moment;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

pub use life::{
    Hold, Policy, REPEAT, Told, acknowledge, age, deliver_held, group_key, hash, id, in_minutes,
    note, observe, remind,
};

use crate::measure::{Blame, Evidence};

/// `c.listener.queue`: one document for each incident. The first eight fields are the established product's.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Incident {
    /// Of the rule; with the group's key where the rule has several.
    pub title: String,
    pub description: String,
    pub score: u8,
    /// Documents, each counted once.
    pub incidents: u64,
    /// Times it was seen, at most once in ten minutes.
    pub repetition: u64,
    pub start_time: String,
    pub last_time: String,
    pub open: bool,
    // Ours from here on.
    /// Of the first document behind it, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    pub rule: String,
    /// What the rule's incidents are told apart by.
    pub key: String,
    pub state: State,
    /// When it was last counted in `repetition`.
    pub counted_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub closed_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acknowledged_by: Option<String>,
    /// Numbers against threshold.
    pub sentence: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blame: Option<Blame>,
    pub monitors: Vec<String>,
    /// By what the rule judges separately: since when, and when last.
    pub members: BTreeMap<String, Member>,
    /// The newest documents behind it.
    pub documents: Vec<Evidence>,
    /// Times it was seen again after it was not.
    pub bouts: u32,
    pub reopened: u32,
    /// The newest run was good, though not all of the last ones.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub recovering: bool,
    /// Of an internal check, not of a rule.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub check: bool,
    /// Found in documents that came late.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub late: bool,
    /// Somebody was told that it is open.
    pub told: bool,
    /// Why nobody is told yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held: Option<String>,
    pub transitions: Vec<Transition>,
    pub notices: Vec<Notice>,
    /// The channel's own name of the first message, to answer in its thread.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub threads: BTreeMap<String, String>,
    /// Whether a notice waits, to find them.
    pub pending: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    #[default]
    Open,
    Acknowledged,
    Closed,
}

/// One monitor, step or text of an incident.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Member {
    pub since: String,
    pub last: String,
    pub sentence: String,
}

/// One line of an incident's history.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Transition {
    pub at: String,
    pub what: What,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub by: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum What {
    Opened,
    Joined,
    Held,
    Told,
    Acknowledged,
    Escalated,
    Reminded,
    Note,
    Closed,
    Reopened,
    Undelivered,
}

/// What a notice says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NoticeKind {
    #[default]
    Opened,
    Reopened,
    Closed,
    Reminder,
    Escalation,
    /// Several open incidents.
    Overview,
    Test,
}

impl NoticeKind {
    pub fn is_good_news(self) -> bool {
        self == NoticeKind::Closed
    }

    /// The first word of a subject.
    pub fn word(self) -> &'static str {
        match self {
            NoticeKind::Opened => "Open",
            NoticeKind::Reopened => "Open again",
            NoticeKind::Closed => "Closed",
            NoticeKind::Reminder => "Still open",
            NoticeKind::Escalation => "Nobody acknowledged",
            NoticeKind::Overview => "Overview",
            NoticeKind::Test => "Test",
        }
    }
}

/// One message to one channel: written down before it is sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Notice {
    /// What a receiver may tell repetitions by.
    pub id: String,
    pub kind: NoticeKind,
    pub channel: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recipients: Vec<String>,
    pub state: NoticeState,
    pub made_at: String,
    #[serde(default)]
    pub attempts: u32,
    /// Not before this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_at: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent_at: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// It may have been delivered before.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub uncertain: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NoticeState {
    Pending,
    /// On its way: whoever finds this after a kill does not know whether it arrived.
    Sending,
    Sent,
    /// Given up; seen in the UI.
    Dead,
}

impl Incident {
    pub fn is_open(&self) -> bool {
        self.state != State::Closed
    }

    pub fn start(&self) -> Moment {
        moment(&self.start_time)
    }

    pub fn last(&self) -> Moment {
        moment(&self.last_time)
    }

    /// As it is stored.
    pub fn to_document(&self) -> Value {
        let mut copy = self.clone();
        copy.open = copy.is_open();
        copy.pending = copy.notices.iter().any(Notice::is_waiting);
        serde_json::to_value(copy).unwrap_or(Value::Null)
    }

    pub(crate) fn record(&mut self, at: Moment, what: What, by: &str, text: impl Into<String>) {
        const MOST: usize = 200;
        if self.transitions.len() >= MOST {
            // The beginning explains most.
            self.transitions.remove(MOST / 2);
        }
        self.transitions.push(Transition {
            at: at.to_string(),
            what,
            by: by.to_owned(),
            text: text.into(),
        });
    }
}

impl Notice {
    pub fn is_waiting(&self) -> bool {
        matches!(self.state, NoticeState::Pending | NoticeState::Sending)
    }

    pub fn is_due(&self, now: Moment) -> bool {
        self.state == NoticeState::Pending
            && self
                .next_at
                .as_deref()
                .is_none_or(|next| moment(next) <= now)
    }
}

/// A stored time; what is not one is the epoch.
pub fn moment(text: &str) -> Moment {
    text.parse().map(Moment).unwrap_or(Moment::from_epoch_ms(0))
}

/// A short name of texts.
fn digest(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.to_lowercase().as_bytes());
        hash.update([0]);
    }
    hash.finalize()
        .iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
