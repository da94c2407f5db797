//! What a rule asks of a store, and what the answer says: one file for each family of conditions. Everything here is pure.

mod blame;
mod change;
mod counts;
mod news;
mod runs;
mod statistics;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use canarytrace_model::time::Moment;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

pub use blame::Blame;

use crate::rules::{Condition, Rule};

/// One thing that a rule found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Finding {
    /// The value of `by`, a host, a text; none: the rule is judged as a whole.
    pub key: Option<String>,
    /// Documents behind it, all of them.
    pub total: u64,
    /// Of those, the ones that were not counted before.
    pub fresh: u64,
    /// What was measured, and its limit; what it is is said in `sentence`.
    pub value: Option<f64>,
    pub limit: Option<f64>,
    /// Numbers against threshold, as a person reads it.
    pub sentence: String,
    /// ms since the epoch: of the first document behind it, where that is known.
    pub since: Option<i64>,
    pub documents: Vec<Evidence>,
    pub monitors: Vec<String>,
    pub blame: Option<Blame>,
    /// The newest run was good.
    pub is_recovering: bool,
}

/// A document behind a finding.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    #[serde(rename = "_index")]
    pub index: String,
    #[serde(rename = "_id")]
    pub id: String,
    /// The rule's `reportLabels` as literal dotted keys, and `timestamp`.
    #[serde(flatten)]
    pub fields: Map<String, Value>,
}

/// What is remembered of a rule from one round to the next.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Memory {
    /// Documents that were counted: by key, by minute since the epoch.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub counted: BTreeMap<String, BTreeMap<i64, u64>>,
    /// Texts and hosts that are known, and when they were last seen, ms since the epoch.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub known: BTreeMap<String, i64>,
    /// The past was read for `known`.
    pub is_seeded: bool,
    /// Keys whose runs fail, or come and go, and who was blamed last.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub failing: BTreeMap<String, Blame>,
    /// Runs for which another one was asked, by monitor.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub confirming: BTreeMap<String, String>,
}

/// The outcome of judging one rule once.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Judged {
    pub findings: Vec<Finding>,
    /// Monitors to run again at once, with the failed run that needs to be confirmed.
    pub confirm: Vec<(String, String)>,
    /// The value of each key and its limit, whether or not it is beyond, for a picture of the rule.
    pub readings: Vec<Reading>,
}

/// What a rule measured.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Reading {
    pub key: Option<String>,
    pub value: f64,
    pub limit: f64,
}

/// By how near their limit they are.
pub fn worst_first(readings: &mut [Reading]) {
    readings.sort_by(|one, other| (other.value / other.limit).total_cmp(&(one.value / one.limit)));
}

/// Keys of one rule; what is beyond is left out and said.
pub const MOST_KEYS: usize = 500;
/// Documents of a finding that are kept.
pub const MOST_EVIDENCE: usize = 20;

pub const MINUTE_MS: i64 = 60_000;

/// A question: the documents from `from` on, and what to reckon of those that the rule's query finds.
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    /// ms since the epoch; the end is the moment of judging.
    pub from: i64,
    pub aggregations: Value,
    /// Only these values of the rule's key are asked for.
    pub only: Option<Vec<String>>,
}

fn span_ms(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX / 4)
}

/// What to ask for `rule` at a moment.
pub fn question(rule: &Rule, memory: &Memory, at: Moment) -> Question {
    match &rule.condition {
        Condition::Count(_) | Condition::Rate(_) | Condition::Header(_) => {
            counts::question(rule, at)
        }
        Condition::Ratio(ratio) => statistics::ratio_question(rule, ratio, at),
        Condition::Statistic(statistic) => statistics::question(rule, statistic, at),
        Condition::BurnRate(burn) => statistics::burn_question(rule, burn, at),
        Condition::Runs(_)
        | Condition::Consecutive(_)
        | Condition::Lasting(_)
        | Condition::Quorum(_) => runs::question(rule, memory, at),
        Condition::Absence(absence) => runs::absence_question(rule, absence, at),
        Condition::New(new) => news::question(rule, new, memory, at),
        Condition::Certificate(certificate) => news::certificate_question(rule, certificate, at),
        Condition::Change(change) => change::question(rule, change, at),
    }
}

/// What shows cheaply which keys a rule has to look at closely: those with a failure within its window, or with values that
/// moved. None: it looks at all.
pub fn suspects_question(rule: &Rule, at: Moment) -> Option<Value> {
    let field = rule.by.as_deref()?;
    match &rule.condition {
        Condition::Runs(_)
        | Condition::Consecutive(_)
        | Condition::Lasting(_)
        | Condition::Quorum(_) => Some(json!({"failed": {
            "filter": {"term": {"passed": false}},
            "aggs": {"keys": {"terms": {"field": field, "size": MOST_KEYS}}},
        }})),
        Condition::Change(change) => change::suspects_question(rule, change, at),
        _ => None,
    }
}

/// The keys of an answer to [`suspects_question`] that have to be looked at; of `needed`, others want to know whether they
/// fail at all.
pub fn suspects(
    rule: &Rule,
    memory: &Memory,
    needed: &BTreeSet<String>,
    answer: &Value,
) -> Vec<String> {
    // So many failures are needed before anything is found, or asked for again.
    let least = match &rule.condition {
        Condition::Change(change) => return change::suspects(rule, change, answer),
        Condition::Runs(runs) => u64::from(runs.failed),
        Condition::Consecutive(count) => u64::from(*count),
        _ => 1,
    };
    let failed = answer.get("failed").unwrap_or(&Value::Null);
    buckets(failed, "keys")
        .iter()
        .map(|bucket| (key_text(bucket), count(bucket)))
        .filter(|(key, count)| {
            *count >= least || memory.failing.contains_key(key) || needed.contains(key)
        })
        .map(|(key, _)| key)
        .collect()
}

/// Under this name an answer keeps what was asked first, of those that nobody looked at closely.
const CALM: &str = "calm";

/// The whole answer for a rule that has readings also of the calm.
pub fn with_calm(rule: &Rule, answer: &Value, first: &Value) -> Option<Value> {
    let Condition::Change(_) = &rule.condition else {
        return None;
    };
    let mut whole = answer.clone();
    whole
        .as_object_mut()?
        .insert(CALM.to_owned(), first.clone());
    Some(whole)
}

/// What the answer says. `answer` is what came back for the rule: `doc_count` and its aggregations by name.
pub fn judge(rule: &Rule, answer: &Value, memory: &mut Memory, at: Moment) -> Judged {
    let mut judged = match &rule.condition {
        Condition::Count(count) => counts::judge(rule, count.at_least, answer, memory, at),
        Condition::Header(header) => counts::judge(rule, header.at_least, answer, memory, at),
        Condition::Rate(rate) => counts::judge_rate(rule, rate, answer, memory, at),
        Condition::Ratio(ratio) => statistics::judge_ratio(rule, ratio, answer),
        Condition::Statistic(statistic) => statistics::judge(rule, statistic, answer),
        Condition::BurnRate(burn) => statistics::judge_burn(burn, answer),
        Condition::Runs(runs) => runs::judge(rule, *runs, answer, memory),
        Condition::Consecutive(count) => runs::judge(
            rule,
            crate::rules::Runs {
                failed: *count,
                of: *count,
            },
            answer,
            memory,
        ),
        Condition::Lasting(span) => runs::judge_lasting(rule, span.0, answer),
        Condition::Quorum(quorum) => runs::judge_quorum(rule, quorum, answer),
        Condition::Absence(absence) => runs::judge_absence(absence, answer, at),
        Condition::New(new) => news::judge(rule, new, answer, memory, at),
        Condition::Certificate(certificate) => news::judge_certificate(rule, certificate, answer),
        Condition::Change(change) => change::judge(rule, change, answer, at),
    };
    for finding in &mut judged.findings {
        finding.documents.truncate(MOST_EVIDENCE);
        if let Some(key) = finding.key.as_ref().filter(|_| is_monitor(rule))
            && finding.monitors.is_empty()
        {
            finding.monitors = vec![key.clone()];
        }
    }
    judged
}

fn is_monitor(rule: &Rule) -> bool {
    rule.by.as_deref() == Some("monitor")
}

/// `terms` over the rule's `by`, or the same aggregations as they are.
fn keyed(rule: &Rule, inner: Value) -> Value {
    match &rule.by {
        None => inner,
        Some(field) => {
            json!({"keys": {"terms": {"field": field, "size": MOST_KEYS}, "aggs": inner}})
        }
    }
}

/// Each key with its bucket; the answer itself where the rule has no `by`.
fn keys<'a>(rule: &Rule, answer: &'a Value) -> Vec<(Option<String>, &'a Value)> {
    if rule.by.is_none() {
        return vec![(None, answer)];
    }
    buckets(answer, "keys")
        .iter()
        .map(|bucket| (Some(key_text(bucket)), bucket))
        .collect()
}

fn buckets<'a>(answer: &'a Value, name: &str) -> &'a [Value] {
    answer
        .get(name)
        .and_then(|own| own.get("buckets"))
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default()
}

fn key_text(bucket: &Value) -> String {
    match bucket.get("key_as_string").or_else(|| bucket.get("key")) {
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => String::new(),
    }
}

fn count(bucket: &Value) -> u64 {
    bucket.get("doc_count").and_then(Value::as_u64).unwrap_or(0)
}

/// The documents of a `top_hits`.
fn hits<'a>(bucket: &'a Value, name: &str) -> &'a [Value] {
    bucket
        .get(name)
        .and_then(|own| own.pointer("/hits/hits"))
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default()
}

/// What is kept of a document that proves something.
pub(crate) fn evidence_fields(rule: &Rule) -> Vec<&str> {
    let labels = rule.report_labels.iter().map(String::as_str);
    labels.chain(["timestamp", "monitor", "uuid"]).collect()
}

/// A hit as the evidence of `rule`.
pub fn evidence(rule: &Rule, hit: &Value) -> Evidence {
    let text = |name: &str| {
        hit.get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let source = hit.get("_source").unwrap_or(&Value::Null);
    let fields = evidence_fields(rule)
        .into_iter()
        .filter_map(|label| Some((label.to_owned(), at_path(source, label)?.clone())))
        .collect();
    Evidence {
        index: text("_index"),
        id: text("_id"),
        fields,
    }
}

/// A value by its dotted path; keys may hold dots themselves.
pub fn at_path<'a>(source: &'a Value, path: &str) -> Option<&'a Value> {
    if let Some(value) = source.get(path) {
        return Some(value);
    }
    path.match_indices('.').find_map(|(at, _)| {
        let (head, tail) = path.split_at(at);
        at_path(source.get(head)?, tail.trim_start_matches('.'))
    })
}

/// As a query writes it.
pub(crate) fn date(ms: i64) -> String {
    Moment::from_epoch_ms(ms).to_string()
}

/// A date of a document, ms since the epoch.
fn time_of(source: &Value, field: &str) -> Option<i64> {
    match source.get(field)? {
        Value::String(text) => canarytrace_es::date::parse_document_date(text),
        other => other.as_i64(),
    }
}

/// `1234567.8` as `1,234,567.8`: at most two decimals, and those only where they say something.
pub(crate) fn number(value: f64) -> String {
    let rounded = if value.abs() >= 100.0 || value.fract() == 0.0 {
        format!("{value:.0}")
    } else {
        let text = format!("{value:.2}");
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    };
    let (sign, digits) = match rounded.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", rounded.as_str()),
    };
    let (whole, rest) = digits
        .find('.')
        .map_or((digits, ""), |at| digits.split_at(at));
    let mut grouped = String::new();
    for (position, digit) in whole.chars().enumerate() {
        if position > 0 && (whole.len() - position).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    format!("{sign}{grouped}{rest}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_grouped() {
        for (value, text) in [
            (0.0, "0"),
            (0.25, "0.25"),
            (2500.0, "2,500"),
            (1_234_567.8, "1,234,568"),
            (-12.5, "-12.5"),
            (99.999, "100"),
        ] {
            assert_eq!(number(value), text);
        }
    }

    #[test]
    fn a_single_failure_is_looked_at_only_where_it_matters() {
        let text = "rules: [{title: t, index: c.run, when: {runs: {failed: 2, of: 3}}, score: 10, reporters: [{type: slack}]}]";
        let mut set = crate::rules::RuleSet::default();
        set.add_text(text, crate::rules::Source::Own, None, "t", "c.");
        let buckets = [("twice", 2), ("once", 1), ("needed", 1), ("known", 1)]
            .map(|(key, count)| json!({"key": key, "doc_count": count}));
        let answer = json!({"failed": {"keys": {"buckets": buckets}}});
        let memory = Memory {
            failing: BTreeMap::from([("known".to_owned(), Blame::default())]),
            ..Memory::default()
        };
        let needed = BTreeSet::from(["needed".to_owned()]);
        assert_eq!(
            suspects(&set.rules[0], &memory, &needed, &answer),
            ["twice", "needed", "known"]
        );
    }

    #[test]
    fn paths_go_through_keys_with_dots() {
        let source = json!({"a": {"b.c": {"d": 1}}, "x.y": 2});
        assert_eq!(at_path(&source, "a.b.c.d"), Some(&json!(1)));
        assert_eq!(at_path(&source, "x.y"), Some(&json!(2)));
        assert_eq!(at_path(&source, "a.z"), None);
    }
}
