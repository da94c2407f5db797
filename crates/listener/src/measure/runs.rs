//! The order of a monitor's runs: how many of the last failed, for how long, where, and whether there are any.

use std::{collections::BTreeMap, time::Duration};

use canarytrace_model::{stack::Span, time::Moment};
use serde_json::{Value, json};

use super::{
    Blame, Finding, Judged, MOST_KEYS, Memory, Question, Reading, buckets, evidence, hits,
    key_text, number, span_ms, time_of,
};
use crate::rules::{Absence, Condition, MOST_RUNS, Quorum, Rule, Runs};

const RUN_FIELDS: [&str; 12] = [
    "uuid",
    "monitor",
    "startedAt",
    "timestamp",
    "passed",
    "verdict",
    "screenshot",
    "vitals.url",
    "revision",
    "labels",
    "spec",
    "durationMs",
];

/// Runs that show whether a monitor comes and goes.
const HISTORY: u32 = 16;
/// It comes and goes as long as so many of them failed.
const FLAPPING: usize = 2;

pub(super) fn question(rule: &Rule, memory: &Memory, at: Moment) -> Question {
    let wanted = match &rule.condition {
        // Runs that say nothing stand between those that do.
        Condition::Runs(runs) => (runs.of + rule.confirm) * 2,
        Condition::Consecutive(count) => (count + rule.confirm) * 2,
        _ => MOST_RUNS,
    };
    let mut source: Vec<&str> = RUN_FIELDS.to_vec();
    source.extend(rule.report_labels.iter().map(String::as_str));
    let newest = |size: u32, source: &[&str]| json!({"top_hits": {"size": size, "sort": [{"timestamp": {"order": "desc"}}], "_source": source}});
    let mut aggregations = json!({"keys": {
        "terms": {"field": by(rule), "size": MOST_KEYS},
        "aggs": {"last": newest(wanted.clamp(5, MOST_RUNS), &source)},
    }});
    if let (false, Some(map)) = (memory.failing.is_empty(), aggregations.as_object_mut()) {
        map.insert(
            "history".to_owned(),
            json!({
                "filter": {"terms": {by(rule): memory.failing.keys().collect::<Vec<_>>()}},
                "aggs": {"keys": {
                    "terms": {"field": by(rule), "size": MOST_KEYS},
                    "aggs": {"last": newest(HISTORY, &["passed", "verdict.cause", "timestamp"])},
                }},
            }),
        );
    }
    Question {
        from: at.epoch_ms() - span_ms(rule.window),
        aggregations,
        only: None,
    }
}

fn by(rule: &Rule) -> &str {
    rule.by.as_deref().unwrap_or("monitor")
}

/// A run as it counts for a rule.
struct Seen<'a> {
    hit: &'a Value,
    source: &'a Value,
    failed: bool,
    at: i64,
}

/// The runs of a bucket that say something, newest first. A failure that others are to blame for says nothing.
fn seen<'a>(rule: &Rule, bucket: &'a Value) -> Vec<Seen<'a>> {
    hits(bucket, "last")
        .iter()
        .filter_map(|hit| {
            let source = hit.get("_source")?;
            let failed = source.get("passed").and_then(Value::as_bool) == Some(false);
            let cause = source
                .pointer("/verdict/cause")
                .and_then(Value::as_str)
                .unwrap_or("inconclusive");
            let counts = rule.causes.is_empty() || rule.causes.iter().any(|own| own == cause);
            (!failed || counts).then(|| Seen {
                hit,
                source,
                failed,
                at: time_of(source, "timestamp").unwrap_or(0),
            })
        })
        .collect()
}

fn finding(rule: &Rule, key: String, failed: &[&Seen<'_>], sentence: String) -> Finding {
    Finding {
        key: Some(key),
        total: failed.len() as u64,
        fresh: 0,
        sentence,
        since: failed.last().map(|run| run.at),
        documents: failed.iter().map(|run| evidence(rule, run.hit)).collect(),
        blame: failed.first().map(|run| Blame::of(run.source)),
        ..Finding::default()
    }
}

pub(super) fn judge(rule: &Rule, runs: Runs, answer: &Value, memory: &mut Memory) -> Judged {
    let mut judged = Judged::default();
    let restless = restless(rule, answer);
    let mut failing = BTreeMap::new();
    for bucket in buckets(answer, "keys") {
        let key = key_text(bucket);
        let seen = seen(rule, bucket);
        let last: Vec<&Seen<'_>> = seen
            .iter()
            .take((runs.of + rule.confirm) as usize)
            .collect();
        let failed: Vec<&Seen<'_>> = last.iter().copied().filter(|run| run.failed).collect();
        let count = u32::try_from(failed.len()).unwrap_or(u32::MAX);
        judged.readings.push(Reading {
            key: Some(key.clone()),
            value: f64::from(count),
            limit: f64::from(runs.failed),
        });
        let Some(newest) = seen.first() else { continue };
        let of_history = restless.get(&key).copied();
        if let Some(sentence) = is_beyond(rule, runs, &last, &failed, newest) {
            let mut finding = finding(rule, key.clone(), &failed, sentence);
            failing.insert(key, finding.blame.clone().unwrap_or_default());
            finding.value = Some(f64::from(count));
            finding.limit = Some(f64::from(runs.failed));
            finding.is_recovering = !newest.failed;
            judged.findings.push(finding);
        } else if let (Some(count), Some(blame)) = (of_history, memory.failing.get(&key)) {
            // It failed, is good again, and will fail again by all that is known.
            let sentence = format!("comes and goes: {count} of the last {HISTORY} runs failed");
            let any: Vec<&Seen<'_>> = seen.iter().filter(|run| run.failed).collect();
            let mut finding = finding(rule, key.clone(), &any, sentence);
            finding.is_recovering = true;
            finding.blame = Some(blame.clone());
            failing.insert(key, blame.clone());
            judged.findings.push(finding);
        } else if count >= runs.failed && newest.failed {
            // Whether it really fails is asked at once, unless it already works again.
            let uuid = newest.source.get("uuid").and_then(Value::as_str);
            judged
                .confirm
                .extend(uuid.map(|uuid| (key, uuid.to_owned())));
        }
    }
    memory.failing = failing;
    judged
}

/// The sentence of a finding, when there is one.
fn is_beyond(
    rule: &Rule,
    runs: Runs,
    last: &[&Seen<'_>],
    failed: &[&Seen<'_>],
    newest: &Seen<'_>,
) -> Option<String> {
    let count = failed.len();
    if count < (runs.failed + rule.confirm) as usize {
        return None;
    }
    // One run that nobody can be blamed for waits for a second.
    let cause = newest
        .source
        .pointer("/verdict/cause")
        .and_then(Value::as_str);
    if count == 1 && cause == Some("inconclusive") {
        return None;
    }
    if count == 1 && last.len() == 1 {
        return Some("the last run failed".to_owned());
    }
    Some(match count == last.len() {
        true => format!("the last {count} runs failed (limit {})", runs.failed),
        false => format!(
            "{count} of the last {} runs failed (limit {} of {})",
            last.len(),
            runs.failed,
            runs.of
        ),
    })
}

/// Keys that come and go, and how many of their last runs failed. Of a single failure, or one that lasted and is over,
/// nothing is to be feared.
fn restless(rule: &Rule, answer: &Value) -> BTreeMap<String, usize> {
    let Some(history) = answer.get("history") else {
        return BTreeMap::new();
    };
    buckets(history, "keys")
        .iter()
        .filter_map(|bucket| {
            let seen = seen(rule, bucket);
            let failed = seen.iter().filter(|run| run.failed).count();
            let flips = seen
                .iter()
                .zip(seen.iter().skip(1))
                .filter(|(one, other)| one.failed != other.failed)
                .count();
            (failed >= FLAPPING && flips >= 3).then(|| (key_text(bucket), failed))
        })
        .collect()
}

pub(super) fn judge_lasting(rule: &Rule, span: Duration, answer: &Value) -> Judged {
    let mut judged = Judged::default();
    for bucket in buckets(answer, "keys") {
        let key = key_text(bucket);
        let seen = seen(rule, bucket);
        let failed: Vec<&Seen<'_>> = seen.iter().take_while(|run| run.failed).collect();
        let lasted = match (failed.first(), failed.last()) {
            (Some(newest), Some(oldest)) => newest.at - oldest.at,
            _ => 0,
        };
        judged.readings.push(Reading {
            key: Some(key.clone()),
            value: lasted as f64 / 1000.0,
            limit: span.as_secs_f64(),
        });
        if failed.len() > 1 && lasted >= span_ms(span) {
            let lasted = Span(Duration::from_secs(lasted.unsigned_abs() / 1000));
            let sentence = format!(
                "every run failed for {lasted} ({} runs, limit {})",
                failed.len(),
                Span(span)
            );
            judged.findings.push(finding(rule, key, &failed, sentence));
        }
    }
    judged
}

/// The newest run of each place decides for it.
pub(super) fn judge_quorum(rule: &Rule, quorum: &Quorum, answer: &Value) -> Judged {
    let mut judged = Judged::default();
    for bucket in buckets(answer, "keys") {
        let key = key_text(bucket);
        let seen = seen(rule, bucket);
        let mut places: BTreeMap<String, &Seen<'_>> = BTreeMap::new();
        for run in &seen {
            if let Some(place) = place(run.source, &quorum.label) {
                places.entry(place).or_insert(run);
            }
        }
        let failed: Vec<(&String, &&Seen<'_>)> =
            places.iter().filter(|(_, run)| run.failed).collect();
        judged.readings.push(Reading {
            key: Some(key.clone()),
            value: failed.len() as f64,
            limit: f64::from(quorum.at_least),
        });
        if failed.len() as u64 >= u64::from(quorum.at_least) {
            let names: Vec<&str> = failed.iter().map(|(place, _)| place.as_str()).collect();
            let sentence = format!(
                "fails at {} of {} places: {} (limit {})",
                failed.len(),
                places.len(),
                names.join(", "),
                quorum.at_least
            );
            let runs: Vec<&Seen<'_>> = failed.iter().map(|(_, run)| **run).collect();
            judged.findings.push(finding(rule, key, &runs, sentence));
        }
    }
    judged
}

/// Labels are single elements, or lists in one element.
fn place(source: &Value, label: &str) -> Option<String> {
    let labels = source.get("labels")?;
    let texts: Vec<&str> = match labels {
        Value::Array(list) => list.iter().filter_map(Value::as_str).collect(),
        Value::String(text) => vec![text],
        _ => return None,
    };
    texts
        .iter()
        .flat_map(|text| text.split([',', ';']))
        .find_map(|one| Some(one.trim().strip_prefix(label)?.to_owned()))
}

/// Nobody is missed sooner.
const LEAST_ABSENCE_MS: i64 = 5 * 60_000;

pub(super) fn absence_question(rule: &Rule, absence: &Absence, at: Moment) -> Question {
    let inner =
        json!({"first": {"min": {"field": "timestamp"}}, "last": {"max": {"field": "timestamp"}}});
    Question {
        only: None,
        from: at.epoch_ms() - span_ms(absence.forget.0.max(rule.window)),
        aggregations: json!({"keys": {"terms": {"field": by(rule), "size": MOST_KEYS}, "aggs": inner}}),
    }
}

pub(super) fn judge_absence(absence: &Absence, answer: &Value, at: Moment) -> Judged {
    let mut judged = Judged::default();
    for bucket in buckets(answer, "keys") {
        let time = |name: &str| {
            let value = bucket.get(name)?.get("value")?.as_f64()?;
            Some(value as i64)
        };
        let (Some(first), Some(last)) = (time("first"), time("last")) else {
            continue;
        };
        let limit = match (absence.span, absence.missed) {
            (Some(span), _) => Some(span_ms(span.0)),
            (None, Some(missed)) => {
                usual_interval(first, last, super::count(bucket)).map(|interval| {
                    (interval * i64::from(missed) + interval / 2).max(LEAST_ABSENCE_MS)
                })
            }
            (None, None) => None,
        };
        let Some(limit) = limit else { continue };
        let gone = at.epoch_ms() - last;
        let key = key_text(bucket);
        judged.readings.push(Reading {
            key: Some(key.clone()),
            value: gone as f64 / 1000.0,
            limit: limit as f64 / 1000.0,
        });
        if gone > limit {
            let minutes = |ms: i64| number(ms as f64 / 60_000.0);
            judged.findings.push(Finding {
                sentence: format!(
                    "{key}: nothing for {} minutes (limit {}), the last was at {}",
                    minutes(gone),
                    minutes(limit),
                    Moment::from_epoch_ms(last)
                ),
                key: Some(key),
                since: Some(last),
                value: Some(gone as f64 / 1000.0),
                limit: Some(limit as f64 / 1000.0),
                ..Finding::default()
            });
        }
    }
    judged
}

/// The mean of what was between documents; of two or fewer nothing is usual.
fn usual_interval(first: i64, last: i64, count: u64) -> Option<i64> {
    let between = i64::try_from(count).ok()? - 1;
    (between >= 2).then(|| (last - first) / between)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        measure::Memory,
        rules::{RuleSet, Source},
    };

    fn rule(when: &str, more: &str) -> Rule {
        let text = format!(
            "rules: [{{title: t, index: c.run, when: {when}, score: 10, reporters: [{{type: slack}}] {more}}}]"
        );
        let mut set = RuleSet::default();
        set.add_text(&text, Source::Own, None, "t", "c.");
        assert_eq!(set.problems, []);
        Rule::clone(&set.rules[0])
    }

    /// Runs, newest first: `.` passed, a letter failed (s site, r runner, i inconclusive); ten minutes apart.
    fn answer(runs: &str) -> Value {
        let hits: Vec<Value> = runs
            .chars()
            .enumerate()
            .map(|(at, run)| {
                let cause = match run {
                    's' => json!("site"),
                    'r' => json!("runner"),
                    'i' => json!("inconclusive"),
                    _ => Value::Null,
                };
                let time = Moment::from_epoch_ms(1_000_000_000 - at as i64 * 600_000).to_string();
                json!({"_index": "c.run", "_id": at.to_string(), "_source": {
                    "uuid": format!("u{at}"), "monitor": "shop", "timestamp": time, "passed": run == '.',
                    "verdict": {"cause": cause}, "labels": [format!("location={}", at % 3)],
                }})
            })
            .collect();
        json!({"keys": {"buckets": [{"key": "shop", "doc_count": hits.len(), "last": {"hits": {"hits": hits}}}]}})
    }

    fn found(rule: &Rule, runs: &str) -> Judged {
        super::super::judge(
            rule,
            &answer(runs),
            &mut Memory::default(),
            Moment::from_epoch_ms(1_000_060_000),
        )
    }

    #[track_caller]
    fn check(rule: &Rule, runs: &str, expected: Option<&str>) {
        let judged = found(rule, runs);
        let sentence = judged.findings.first().map(|found| found.sentence.as_str());
        assert_eq!(sentence, expected, "{runs}");
    }

    #[test]
    fn so_many_of_the_last_runs() {
        let two_of_three = rule("{runs: {failed: 2, of: 3}}", "");
        check(
            &two_of_three,
            "s.s..",
            Some("2 of the last 3 runs failed (limit 2 of 3)"),
        );
        check(
            &two_of_three,
            "ss",
            Some("the last 2 runs failed (limit 2)"),
        );
        check(&two_of_three, "s..s", None);
        check(&two_of_three, "", None);
        check(&rule("{consecutive: 2}", ""), "s.s", None);
    }

    #[test]
    fn failures_of_others_say_nothing() {
        let site = rule("{consecutive: 2}", ", cause: [site]");
        check(&site, "srs", Some("the last 2 runs failed (limit 2)"));
        check(&site, "rrr", None);
        check(&site, "rrs.", None);
    }

    #[test]
    fn an_inconclusive_run_waits_for_a_second() {
        let one = rule("{consecutive: 1}", "");
        check(&one, "i.", None);
        check(&one, "s.", Some("the last run failed"));
        check(&one, "ii", None);
        check(
            &rule("{consecutive: 2}", ""),
            "ii",
            Some("the last 2 runs failed (limit 2)"),
        );
    }

    #[test]
    fn a_failure_is_confirmed_before_it_counts() {
        let one = rule("{consecutive: 1}", ", confirm: 1");
        let judged = found(&one, "s...");
        assert_eq!(
            (judged.findings.len(), judged.confirm),
            (0, vec![("shop".to_owned(), "u0".to_owned())])
        );
        assert_eq!(found(&one, "ss..").findings.len(), 1);
        assert_eq!(found(&one, ".s..").confirm, []);
    }

    #[test]
    fn it_lasts_and_it_is_everywhere() {
        let lasting = rule("{lasting: 20m}", "");
        check(&lasting, "ss.", None);
        check(
            &lasting,
            "sss.",
            Some("every run failed for 20m (3 runs, limit 20m)"),
        );
        let quorum = rule("{quorum: {label: location=, at_least: 2}}", "");
        check(
            &quorum,
            "ss.",
            Some("fails at 2 of 3 places: 0, 1 (limit 2)"),
        );
        check(&quorum, "s..s", None);
    }

    #[test]
    fn silence_is_measured_by_the_usual_interval() {
        let absence = rule("{absence: {missed: 3}}", "");
        let hour = 3_600_000.0;
        let answer = json!({"keys": {"buckets": [
            {"key": "shop", "doc_count": 7, "first": {"value": 0.0}, "last": {"value": hour}},
            {"key": "new", "doc_count": 2, "first": {"value": 0.0}, "last": {"value": hour}},
        ]}});
        let found = |minutes: i64| {
            let at = Moment::from_epoch_ms(3_600_000 + minutes * 60_000);
            super::super::judge(&absence, &answer, &mut Memory::default(), at).findings
        };
        assert_eq!(found(35), []);
        assert_eq!(
            found(36)[0].sentence,
            "shop: nothing for 36 minutes (limit 35), the last was at 1970-01-01T01:00:00.000Z"
        );
    }

    #[test]
    fn what_comes_and_goes_is_not_over_after_two_good_runs() {
        let own = rule("{runs: {failed: 2, of: 3}}", "");
        let mut memory = Memory::default();
        let mut found = |runs: &str| {
            let mut answer = answer(runs);
            let keys = answer["keys"].clone();
            answer["history"] = json!({"keys": keys});
            let at = Moment::from_epoch_ms(1_000_060_000);
            super::super::judge(&own, &answer, &mut memory, at)
                .findings
                .len()
        };
        // Nothing is to be feared of what never failed for long enough.
        assert_eq!(found("..s..s..s......."), 0);
        assert_eq!(found("ss..s..s........"), 1);
        assert_eq!(found("...ss..s..s....."), 1);
        assert_eq!(found("...............s"), 0);
        // One outage that is over is over.
        assert_eq!(found("sss............."), 1);
        assert_eq!(found("...sss.........."), 0);
    }
}
