//! A field against what it was: two sets of values, a rank test that chance seldom passes, and the size of the effect.

use canarytrace_model::{
    stack::Span,
    statistics::{self, Comparison, Summary},
    time::Moment,
};
use serde_json::{Value, json};

use super::{
    CALM, Finding, Judged, Question, Reading, at_path, evidence, hits, keyed, keys, number,
    span_ms, statistics::beyond, time_of,
};
use crate::rules::{Baseline, Change, Rule};

const DAY_MS: i64 = 86_400_000;
/// Values of either side, the newest: a rank test of so many finds a change of a few percent.
const MOST_VALUES: u64 = 40;
/// Chance may be so likely at most. Rules are judged again and again, so it is stricter than for one comparison.
const LIKELY: f64 = 0.001;
/// How far back the revision before is looked for.
const REVISIONS_MS: i64 = 7 * DAY_MS;
/// As many revisions as are looked at.
const REVISIONS: u64 = 3;

/// A change is asked for only where the quarters of the values moved by this share of the limit.
const SUSPICIOUS: f64 = 0.5;
const QUARTERS: [f64; 3] = [25.0, 50.0, 75.0];

/// The times of both sides, ms since the epoch: from (without it) and until (with it).
struct Sides {
    after: (i64, i64),
    before: (i64, i64),
}

impl Sides {
    fn of(rule: &Rule, change: &Change, at: Moment) -> Self {
        let (now, window) = (at.epoch_ms(), span_ms(rule.window));
        let before = match change.against {
            Baseline::Previous => (now - 2 * window, now - window),
            Baseline::Yesterday => (now - window - DAY_MS, now - DAY_MS),
            Baseline::LastWeek => (now - window - 7 * DAY_MS, now - 7 * DAY_MS),
            Baseline::PreviousRevision => (now - window.max(REVISIONS_MS), now),
            // Only the window itself.
            Baseline::ChangePoint => (now - window, now - window),
        };
        Self {
            after: (now - window, now),
            before,
        }
    }

    /// Both with an aggregation of their own.
    fn ask(&self, field: &str, after: &Value, before: &Value) -> Value {
        let side = |(from, until): (i64, i64), inner: &Value| {
            json!({
                "filter": {"bool": {"filter": [
                    {"range": {"timestamp": {"gt": super::date(from), "lte": super::date(until)}}}, {"exists": {"field": field}},
                ]}},
                "aggs": inner,
            })
        };
        json!({"after": side(self.after, after), "before": side(self.before, before)})
    }
}

pub(super) fn question(rule: &Rule, change: &Change, at: Moment) -> Question {
    let sides = Sides::of(rule, change, at);
    // A series is divided in two, and how many are on either side is not known before.
    let most = match change.against {
        Baseline::ChangePoint => 2 * MOST_VALUES,
        _ => MOST_VALUES,
    };
    let newest = json!({"values": {"top_hits": {
        "size": most, "sort": [{"timestamp": {"order": "desc"}}],
        "_source": [change.field, "timestamp", "revision", "uuid", "monitor", "passed"],
    }}});
    let before = match change.against {
        // The values of each revision by itself: the newest ones of all are those of the one that runs now.
        Baseline::PreviousRevision => {
            let mut inner = newest.clone();
            inner["last"] = json!({"max": {"field": "timestamp"}});
            json!({"revisions": {
                "terms": {"field": "revision", "size": REVISIONS, "order": {"last": "desc"}}, "aggs": inner,
            }})
        }
        _ => newest.clone(),
    };
    Question {
        only: None,
        from: sides.before.0.min(sides.after.0),
        aggregations: keyed(rule, sides.ask(&change.field, &newest, &before)),
    }
}

/// What shows without reading a document that nothing changed. None: nothing does.
pub(super) fn suspects_question(rule: &Rule, change: &Change, at: Moment) -> Option<Value> {
    let sides = Sides::of(rule, change, at);
    let (after, before) = match change.against {
        Baseline::ChangePoint => return None,
        Baseline::PreviousRevision => (
            json!({}),
            json!({"revisions": {"terms": {"field": "revision", "size": 2}}}),
        ),
        _ => {
            let quarters =
                json!({"quarters": {"percentiles": {"field": change.field, "percents": QUARTERS}}});
            (quarters.clone(), quarters)
        }
    };
    Some(keyed(rule, sides.ask(&change.field, &after, &before)))
}

/// The keys that may have changed, by the answer to [`suspects_question`].
pub(super) fn suspects(rule: &Rule, change: &Change, answer: &Value) -> Vec<String> {
    keys(rule, answer)
        .into_iter()
        .filter(|(_, bucket)| match change.against {
            Baseline::PreviousRevision => bucket
                .get("before")
                .is_some_and(|own| super::buckets(own, "revisions").len() > 1),
            _ => is_suspicious(change, bucket),
        })
        .filter_map(|(key, _)| key)
        .collect()
}

/// Also where there are more values than the newest that are compared in the end.
fn is_suspicious(change: &Change, bucket: &Value) -> bool {
    let Some(moved) = moved(bucket) else {
        return false;
    };
    let sides = ["after", "before"].map(|side| bucket.get(side).map_or(0, super::count));
    let limits = [change.above_percent, change.below_percent];
    let least = limits.into_iter().flatten().map(f64::abs).reduce(f64::min);
    sides.iter().any(|count| *count > MOST_VALUES)
        || moved
            .iter()
            .any(|percent| percent.abs() >= least.unwrap_or(0.0) * SUSPICIOUS)
}

/// By how many percent of the former median each quarter moved. None: there are no values on one side.
fn moved(bucket: &Value) -> Option<[f64; 3]> {
    let side = |name: &str| -> Option<[f64; 3]> {
        let values = bucket.get(name)?.pointer("/quarters/values")?;
        let quarter = |percent: f64| values.get(format!("{percent:.1}"))?.as_f64();
        let [first, second, third] = QUARTERS.map(quarter);
        Some([first?, second?, third?])
    };
    let (after, before) = (side("after")?, side("before")?);
    let median = before[1];
    let percent = |at: usize| (after[at] - before[at]) * 100.0 / median;
    (median != 0.0).then(|| [percent(0), percent(1), percent(2)])
}

/// What those were at that nobody looked at closely, by the answer to [`suspects_question`].
fn calm_readings(rule: &Rule, change: &Change, answer: &Value, judged: &mut Judged) {
    let Some(calm) = answer.get(CALM) else {
        return;
    };
    for (key, bucket) in keys(rule, calm) {
        let is_known = judged.readings.iter().any(|reading| reading.key == key);
        let enough = |side: &str| bucket.get(side).map_or(0, super::count) >= change.minimum.max(4);
        if is_known || !enough("after") || !enough("before") {
            continue;
        }
        if let Some([_, percent, _]) = moved(bucket) {
            let (limit, _, _) = limit_of(percent, change);
            judged.readings.push(Reading {
                key,
                value: percent,
                limit,
            });
        }
    }
}

fn limit_of(percent: f64, change: &Change) -> (f64, bool, &'static str) {
    beyond(
        percent,
        change.above_percent,
        change.below_percent.map(|percent| -percent.abs()),
    )
}

/// A value with what else is asked of its document.
struct Measured<'a> {
    value: f64,
    at: i64,
    revision: Option<&'a str>,
    hit: &'a Value,
}

fn values<'a>(bucket: &'a Value, side: &str, field: &str) -> Vec<Measured<'a>> {
    bucket
        .get(side)
        .map_or_else(Vec::new, |side| measured(side, field))
}

/// The values of an answer's `values`.
fn measured<'a>(side: &'a Value, field: &str) -> Vec<Measured<'a>> {
    hits(side, "values")
        .iter()
        .filter_map(|hit| {
            let source = hit.get("_source")?;
            Some(Measured {
                value: at_path(source, field)?.as_f64()?,
                at: time_of(source, "timestamp")?,
                revision: source.get("revision").and_then(Value::as_str),
                hit,
            })
        })
        .collect()
}

pub(super) fn judge(rule: &Rule, change: &Change, answer: &Value, _at: Moment) -> Judged {
    let mut judged = Judged::default();
    for (key, bucket) in keys(rule, answer) {
        let mut after = values(bucket, "after", &change.field);
        let mut before = values(bucket, "before", &change.field);
        let mut against = against(change.against).to_owned();
        match change.against {
            Baseline::PreviousRevision => {
                let Some(newest) = after.first().and_then(|value| value.revision) else {
                    continue;
                };
                let newest = newest.to_owned();
                after.retain(|value| value.revision == Some(newest.as_str()));
                // The one before, not all that ever were.
                let revisions = bucket
                    .get("before")
                    .map_or(&[][..], |own| super::buckets(own, "revisions"));
                let previous = revisions.iter().find(|own| super::key_text(own) != newest);
                let previous_name = previous.map(super::key_text);
                before = previous.map_or_else(Vec::new, |own| measured(own, &change.field));
                let short = |revision: &str| revision.chars().take(8).collect::<String>();
                against = format!(
                    "revision {} (now {})",
                    previous_name.as_deref().map(short).unwrap_or_default(),
                    short(&newest)
                );
            }
            Baseline::ChangePoint => {
                let Some(position) = change_point(&after, change.minimum) else {
                    continue;
                };
                // Newest first: what is behind the position came before.
                before = after.split_off(position);
                if let Some(first) = after.last() {
                    against = format!("before {}", Moment::from_epoch_ms(first.at));
                }
            }
            _ => {}
        }
        let enough = change.minimum.max(4) as usize;
        if before.len() < enough || after.len() < enough {
            continue;
        }
        let numbers =
            |side: &[Measured<'_>]| side.iter().map(|one| one.value).collect::<Vec<f64>>();
        let (numbers_before, numbers_after) = (numbers(&before), numbers(&after));
        let median = Summary::of(&numbers_before).map_or(0.0, |summary| summary.median);
        let Some(shift) = statistics::shift(&numbers_before, &numbers_after) else {
            continue;
        };
        if median == 0.0 {
            continue;
        }
        let percent = shift * 100.0 / median;
        let (limit, is_beyond, _) = limit_of(percent, change);
        judged.readings.push(Reading {
            key: key.clone(),
            value: percent,
            limit,
        });
        // Whether it is more than chance is asked only where it is large enough.
        let comparison = is_beyond
            .then(|| Comparison::of(&numbers_before, &numbers_after))
            .flatten();
        if let Some(comparison) = comparison.filter(|comparison| comparison.p < LIKELY) {
            judged.findings.push(Finding {
                sentence: sentence(rule, change, &comparison, &against),
                total: after.len() as u64,
                fresh: after.len() as u64,
                value: Some(percent),
                limit: Some(limit),
                since: after.last().map(|value| value.at),
                documents: after
                    .iter()
                    .take(super::MOST_EVIDENCE)
                    .map(|value| evidence(rule, value.hit))
                    .collect(),
                key,
                ..Finding::default()
            });
        }
    }
    calm_readings(rule, change, answer, &mut judged);
    judged
}

fn sentence(rule: &Rule, change: &Change, comparison: &Comparison, against: &str) -> String {
    let Summary { median: before, .. } = comparison.before;
    let Summary { median: after, .. } = comparison.after;
    format!(
        "{} changed by {}{} %: median {} over {}, {} {against} ({} and {} values, chance below {})",
        change.field,
        if comparison.shift_percent > 0.0 {
            "+"
        } else {
            ""
        },
        number((comparison.shift_percent * 10.0).round() / 10.0),
        number(after),
        Span(rule.window),
        number(before),
        comparison.after.count,
        comparison.before.count,
        LIKELY
    )
}

fn against(baseline: Baseline) -> &'static str {
    match baseline {
        Baseline::Previous => "in the same time before",
        Baseline::Yesterday => "at the same time yesterday",
        Baseline::LastWeek => "at the same time last week",
        Baseline::PreviousRevision | Baseline::ChangePoint => "before",
    }
}

/// The division of values, newest first, with the greatest difference of ranks between its sides.
fn change_point(values: &[Measured<'_>], minimum: u64) -> Option<usize> {
    let least = usize::try_from(minimum.max(4)).ok()?;
    if values.len() < 2 * least {
        return None;
    }
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|a, b| values[*a].value.total_cmp(&values[*b].value));
    let mut ranks = vec![0.0; values.len()];
    for (rank, position) in order.into_iter().enumerate() {
        ranks[position] = rank as f64 + 1.0;
    }
    let (count, mut sum) = (values.len() as f64, 0.0);
    let mut best = (0.0, 0);
    for (position, rank) in ranks.iter().enumerate() {
        sum += rank;
        let (head, tail) = ((position + 1) as f64, count - (position + 1) as f64);
        if position + 1 < least || values.len() - position - 1 < least {
            continue;
        }
        // How far the rank sum is from its mean, in its standard deviations.
        let distance =
            (sum - head * (count + 1.0) / 2.0).abs() / (head * tail * (count + 1.0) / 12.0).sqrt();
        if distance > best.0 {
            best = (distance, position + 1);
        }
    }
    (best.0 > 0.0).then_some(best.1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        measure::Memory,
        rules::{RuleSet, Source},
    };

    fn rule(when: &str) -> Rule {
        let text = format!(
            "rules: [{{title: t, index: c.vitals, when: {{change: {when}}}, score: 40, reporters: [{{type: slack}}]}}]"
        );
        let mut set = RuleSet::default();
        set.add_text(&text, Source::Own, None, "t", "c.");
        assert_eq!(set.problems, []);
        Rule::clone(&set.rules[0])
    }

    fn side(values: &[(f64, &str)], from_minute: i64) -> Value {
        let hits: Vec<Value> = values
            .iter()
            .enumerate()
            .map(|(at, (value, revision))| {
                let time = Moment::from_epoch_ms((from_minute - at as i64) * 60_000).to_string();
                json!({"_source": {"load": value, "timestamp": time, "revision": revision}})
            })
            .collect();
        json!({"values": {"hits": {"hits": hits}}})
    }

    fn noisy(base: f64, count: usize, revision: &'static str) -> Vec<(f64, &'static str)> {
        (0..count)
            .map(|at| (base + (at * 37 % 11) as f64, revision))
            .collect()
    }

    fn found(rule: &Rule, after: &[(f64, &str)], before: &[(f64, &str)]) -> Option<String> {
        let answer = json!({"after": side(after, 10_000), "before": side(before, 5_000)});
        let judged = super::super::judge(rule, &answer, &mut Memory::default(), Moment::now());
        judged.findings.into_iter().next().map(|one| one.sentence)
    }

    #[test]
    fn a_change_needs_size_certainty_and_enough_values() {
        let own = rule("{field: load, against: previous, above_percent: 20, minimum: 8}");
        let before = noisy(100.0, 12, "a");
        assert_eq!(found(&own, &noisy(110.0, 12, "a"), &before), None);
        assert_eq!(found(&own, &noisy(150.0, 5, "a"), &before), None);
        let sentence = found(&own, &noisy(150.0, 12, "a"), &before).unwrap();
        assert!(
            sentence.starts_with(
                "load changed by +47.8 %: median 154 over 1h, 104 in the same time before"
            ),
            "{sentence}"
        );
        assert_eq!(found(&own, &noisy(60.0, 12, "a"), &before), None);
    }

    #[test]
    fn the_revision_before_is_the_baseline() {
        let own = rule("{field: load, against: previous-revision, above_percent: 20, minimum: 8}");
        let revision = |name: &'static str, base: f64| {
            let mut bucket = side(&noisy(base, 10, name), 5_000);
            bucket["key"] = json!(name);
            bucket
        };
        let answer = json!({
            "after": side(&noisy(150.0, 10, "new"), 10_000),
            "before": {"revisions": {"buckets": [revision("new", 150.0), revision("old", 100.0), revision("older", 500.0)]}},
        });
        let judged = super::super::judge(&own, &answer, &mut Memory::default(), Moment::now());
        let sentence = &judged.findings[0].sentence;
        assert!(sentence.contains("revision old (now new)"), "{sentence}");
    }

    fn quarters(key: &str, after: [f64; 3], before: [f64; 3], count: u64) -> Value {
        let side = |values: [f64; 3]| {
            let [first, second, third] = values;
            json!({"doc_count": count, "quarters": {"values": {"25.0": first, "50.0": second, "75.0": third}}})
        };
        json!({"key": key, "after": side(after), "before": side(before)})
    }

    #[test]
    fn only_what_moved_is_looked_at_closely_and_the_calm_have_readings_too() {
        let text = "rules: [{title: t, index: c.run, by: monitor, when: {change: {field: load, against: previous, above_percent: 20, minimum: 8}}, score: 40, reporters: [{type: slack}]}]";
        let mut set = RuleSet::default();
        set.add_text(text, Source::Own, None, "t", "c.");
        let own = &set.rules[0];
        let before = [90.0, 100.0, 110.0];
        let first = json!({"keys": {"buckets": [
            quarters("calm", [91.0, 103.0, 112.0], before, 12),
            quarters("moved", [120.0, 130.0, 140.0], before, 12),
            quarters("wider", [90.0, 100.0, 130.0], before, 12),
            quarters("many", [91.0, 103.0, 112.0], before, 41),
            {"key": "new", "after": {"doc_count": 3, "quarters": {"values": {"25.0": 1.0, "50.0": 1.0, "75.0": 1.0}}}, "before": {"doc_count": 0, "quarters": {"values": {"25.0": null, "50.0": null, "75.0": null}}}},
        ]}});
        assert_eq!(
            super::super::suspects(
                own,
                &Memory::default(),
                &std::collections::BTreeSet::new(),
                &first
            ),
            ["moved", "wider", "many"]
        );
        let answer = super::super::with_calm(own, &json!({"doc_count": 0}), &first).unwrap();
        let judged = super::super::judge(own, &answer, &mut Memory::default(), Moment::now());
        let calm = &judged.readings[0];
        assert_eq!((calm.key.as_deref(), calm.value), (Some("calm"), 3.0));
        assert!(judged.findings.is_empty());
    }

    #[test]
    fn the_moment_of_a_change_is_found() {
        let own = rule("{field: load, against: change-point, above_percent: 20, minimum: 8}");
        let mut values = noisy(150.0, 15, "a");
        values.extend(noisy(100.0, 30, "a"));
        let sentence = found(&own, &values, &[]).unwrap();
        assert!(sentence.contains("(15 and 30 values"), "{sentence}");
        assert_eq!(found(&own, &noisy(100.0, 45, "a"), &[]), None);
    }
}
