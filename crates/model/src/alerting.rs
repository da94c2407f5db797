//! `listener:` of canarytrace.yaml: rules, channels and quiet times. Types only.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::stack::{EnvValue, Span};

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListenerConfig {
    /// Files or patterns of files.
    #[serde(default)]
    pub rules: Option<OneOrMany>,
    /// Which rules are there without a file; left out: all.
    #[serde(default)]
    pub builtin: Option<Vec<BuiltIn>>,
    /// Where people reach our UI, for links.
    #[serde(default)]
    pub url: Option<String>,
    #[serde(default)]
    pub tags: Vec<String>,
    /// The channel that rules call `slack`.
    #[serde(default)]
    pub slack: Option<SlackConfig>,
    /// The channel that rules call `slack-internal`; left out: that of `slack`.
    #[serde(default)]
    pub slack_internal: Option<SlackConfig>,
    /// The channel that rules call `email`.
    #[serde(default)]
    pub email: Option<EmailConfig>,
    /// More channels by name.
    #[serde(default)]
    pub channels: BTreeMap<String, ChannelConfig>,
    /// Where a name that rules use goes instead.
    #[serde(default)]
    pub routes: BTreeMap<String, String>,
    #[serde(default)]
    pub maintenance: Vec<MaintenanceConfig>,
    /// Monitors (patterns) and those they need: while one of these fails, the others are not told.
    #[serde(default)]
    pub depends: BTreeMap<String, Vec<String>>,
    /// The hours of a channel.
    #[serde(default)]
    pub hours: BTreeMap<String, HoursConfig>,
    #[serde(default)]
    pub close_after: Option<Span>,
    #[serde(default)]
    pub overviews: Option<OverviewsConfig>,
    #[serde(default)]
    pub report: Option<ReportConfig>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BuiltIn {
    /// By the verdict of runs.
    Monitors,
    /// The established product's.
    Established,
    /// On what browsers of visitors report.
    Rum,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl OneOrMany {
    pub fn list(&self) -> Vec<String> {
        match self {
            OneOrMany::One(one) => vec![one.clone()],
            OneOrMany::Many(many) => many.clone(),
        }
    }
}

/// A webhook, or a bot's token with a channel.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SlackConfig {
    #[serde(default)]
    pub webhook: Option<EnvValue>,
    #[serde(default)]
    pub token: Option<EnvValue>,
    #[serde(default)]
    pub channel: Option<String>,
    /// Default `https://slack.com/api`.
    #[serde(default)]
    pub endpoint: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EmailConfig {
    pub server: String,
    #[serde(default)]
    pub port: Option<u16>,
    #[serde(default)]
    pub user: Option<String>,
    #[serde(default)]
    pub password: Option<EnvValue>,
    pub sender: String,
    #[serde(default)]
    pub to: Vec<String>,
    /// Default: implicit on port 465, else starttls.
    #[serde(default)]
    pub tls: Option<MailTls>,
    /// A file of certificates that are trusted as well.
    #[serde(default)]
    pub authorities: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MailTls {
    Implicit,
    Starttls,
    Opportunistic,
    None,
}

/// One channel: exactly one key.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum ChannelConfig {
    Slack(SlackConfig),
    Email(EmailConfig),
    Webhook(WebhookConfig),
    Pagerduty(PagerDutyConfig),
    Alertmanager(AddressConfig),
    Teams(AddressConfig),
    Command(CommandConfig),
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebhookConfig {
    pub url: EnvValue,
    #[serde(default)]
    pub headers: BTreeMap<String, EnvValue>,
    /// The key of the signature.
    #[serde(default)]
    pub secret: Option<EnvValue>,
    /// Instead of our JSON.
    #[serde(default)]
    pub template: Option<String>,
    /// Of the template; default `application/json`.
    #[serde(default)]
    pub content_type: Option<String>,
    #[serde(default)]
    pub authorities: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PagerDutyConfig {
    pub routing_key: EnvValue,
    /// Default `https://events.pagerduty.com/v2/enqueue`.
    #[serde(default)]
    pub url: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AddressConfig {
    pub url: EnvValue,
    #[serde(default)]
    pub headers: BTreeMap<String, EnvValue>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CommandConfig {
    /// Program and arguments.
    pub run: Vec<String>,
}

/// A time in which what is concerned may fail unannounced. One of `from` with `until`, `weekly`, `cron` with `for`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewMaintenance)]
pub struct MaintenanceConfig {
    pub reason: String,
    /// Patterns of monitors; empty: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub monitors: Vec<String>,
    /// Titles of rules; empty: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// `SAT 22:00-02:00`, `MON-FRI 01:00-02:30`; an end before the begin is on the next day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weekly: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cron: Option<String>,
    #[serde(default, rename = "for", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub span: Option<Span>,
    /// IANA name; default UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timezone: Option<String>,
}

/// `MON-FRI 08:00-18:00` of a zone.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HoursConfig {
    pub weekly: String,
    #[serde(default)]
    pub timezone: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OverviewsConfig {
    /// Between two; 0s: none.
    #[serde(default)]
    pub emergency: Option<Span>,
    #[serde(default)]
    pub stage1: Option<Span>,
    #[serde(default)]
    pub repetition: Option<u64>,
}

/// The report of each day, by mail.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReportConfig {
    /// `07:00`.
    pub at: String,
    #[serde(default)]
    pub timezone: Option<String>,
    /// They do not see each other.
    pub to: Vec<String>,
    /// `day` (default), `week` (on Mondays), `month` (on the first).
    #[serde(default)]
    pub every: Option<ReportPeriod>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ReportPeriod {
    #[default]
    Day,
    Week,
    Month,
}
