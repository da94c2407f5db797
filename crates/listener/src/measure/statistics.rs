//! Statistics of a field, shares, and how fast an objective's budget is used up.

use canarytrace_model::{stack::Span, time::Moment};
use serde_json::{Value, json};

use super::{Finding, Judged, Question, Reading, count, key_text, keyed, keys, number, span_ms};
use crate::rules::{BurnRate, Ratio, Rule, Statistic, StatisticKind};

pub(super) fn question(rule: &Rule, statistic: &Statistic, at: Moment) -> Question {
    let field = &statistic.field;
    let reckoned = match statistic.kind() {
        Ok(StatisticKind::Average) => json!({"avg": {"field": field}}),
        Ok(StatisticKind::Minimum) => json!({"min": {"field": field}}),
        Ok(StatisticKind::Maximum) => json!({"max": {"field": field}}),
        Ok(StatisticKind::Percentile(percent)) => {
            json!({"percentiles": {"field": field, "percents": [percent]}})
        }
        Ok(StatisticKind::Sum) | Err(_) => json!({"sum": {"field": field}}),
    };
    let inner = json!({"values": {"value_count": {"field": field}}, "statistic": reckoned});
    Question {
        from: at.epoch_ms() - span_ms(rule.window),
        aggregations: keyed(rule, inner),
        only: None,
    }
}

pub(super) fn judge(rule: &Rule, statistic: &Statistic, answer: &Value) -> Judged {
    let mut judged = Judged::default();
    for (key, bucket) in keys(rule, answer) {
        let values = metric(bucket, "values").unwrap_or(0.0);
        let Some(value) =
            metric(bucket, "statistic").filter(|_| values >= statistic.minimum as f64)
        else {
            continue;
        };
        let (limit, is_beyond, word) = beyond(value, statistic.above, statistic.below);
        judged.readings.push(Reading {
            key: key.clone(),
            value,
            limit,
        });
        if is_beyond {
            judged.findings.push(Finding {
                key,
                total: values as u64,
                fresh: values as u64,
                value: Some(value),
                limit: Some(limit),
                sentence: format!(
                    "{} of {} is {} over {}, {word} {} ({} values)",
                    statistic.of,
                    statistic.field,
                    number(value),
                    Span(rule.window),
                    number(limit),
                    number(values)
                ),
                ..Finding::default()
            });
        }
    }
    judged
}

/// `(limit, whether it is beyond, how)`.
pub(super) fn beyond(
    value: f64,
    above: Option<f64>,
    below: Option<f64>,
) -> (f64, bool, &'static str) {
    match (above, below) {
        (Some(limit), _) => (limit, value > limit, "above"),
        (None, Some(limit)) => (limit, value < limit, "below"),
        (None, None) => (f64::NAN, false, "at"),
    }
}

/// The number of a metric, or the only one of its `values`.
fn metric(bucket: &Value, name: &str) -> Option<f64> {
    let metric = bucket.get(name)?;
    match metric.get("values") {
        Some(Value::Object(values)) => values.values().next().and_then(Value::as_f64),
        _ => metric.get("value").and_then(Value::as_f64),
    }
}

pub(super) fn ratio_question(rule: &Rule, ratio: &Ratio, at: Moment) -> Question {
    let inner = json!({"part": {"filter": crate::rules::kql_query(&ratio.of)}});
    Question {
        from: at.epoch_ms() - span_ms(rule.window),
        aggregations: keyed(rule, inner),
        only: None,
    }
}

pub(super) fn judge_ratio(rule: &Rule, ratio: &Ratio, answer: &Value) -> Judged {
    let mut judged = Judged::default();
    for (key, bucket) in keys(rule, answer) {
        let (total, part) = (count(bucket), bucket.get("part").map_or(0, count));
        if total < ratio.minimum.max(1) {
            continue;
        }
        let value = part as f64 * 100.0 / total as f64;
        let (limit, is_beyond, word) = beyond(value, ratio.above_percent, ratio.below_percent);
        judged.readings.push(Reading {
            key: key.clone(),
            value,
            limit,
        });
        if is_beyond {
            judged.findings.push(Finding {
                key,
                total: part,
                fresh: part,
                value: Some(value),
                limit: Some(limit),
                sentence: format!(
                    "{} of {} documents ({} %) are `{}` within {}, {word} {} %",
                    number(part as f64),
                    number(total as f64),
                    number(value),
                    ratio.of,
                    Span(rule.window),
                    number(limit)
                ),
                ..Finding::default()
            });
        }
    }
    judged
}

/// What ours broke says nothing about the site, so it is no part of its objective.
const SITES_CAUSES: [&str; 4] = ["site", "third-party", "login", "inconclusive"];

pub(super) fn burn_question(rule: &Rule, burn: &BurnRate, at: Moment) -> Question {
    let causes: Vec<&str> = match rule.causes.is_empty() {
        true => SITES_CAUSES.to_vec(),
        false => rule.causes.iter().map(String::as_str).collect(),
    };
    let failed = json!({"bool": {"filter": [{"term": {"passed": false}}, {"terms": {"verdict.cause": causes}}]}});
    let within = |span: Span| {
        let from = at.epoch_ms() - span_ms(span.0);
        json!({
            "filter": {"range": {"timestamp": {"gt": super::date(from)}}},
            "aggs": {"failed": {"filter": failed}, "passed": {"filter": {"term": {"passed": true}}}},
        })
    };
    Question {
        only: None,
        from: at.epoch_ms() - span_ms(rule.window.max(burn.long.0)),
        aggregations: json!({"keys": {
            "terms": {"field": rule.by.as_deref().unwrap_or("monitor"), "size": super::MOST_KEYS},
            "aggs": {"long": within(burn.long), "short": within(burn.short)},
        }}),
    }
}

pub(super) fn judge_burn(burn: &BurnRate, answer: &Value) -> Judged {
    let mut judged = Judged::default();
    let budget = (100.0 - burn.objective) / 100.0;
    for bucket in super::buckets(answer, "keys") {
        let rate = |name: &str| {
            let within = bucket.get(name)?;
            let failed = within.get("failed").map_or(0, count);
            let total = failed + within.get("passed").map_or(0, count);
            (total > 0).then(|| (failed as f64 / total as f64 / budget, failed, total))
        };
        let (Some((long, failed, total)), Some((short, ..))) = (rate("long"), rate("short")) else {
            continue;
        };
        if total < burn.minimum {
            continue;
        }
        let key = Some(key_text(bucket));
        judged.readings.push(Reading {
            key: key.clone(),
            value: long.min(short),
            limit: burn.above,
        });
        if long > burn.above && short > burn.above {
            judged.findings.push(Finding {
                key,
                total: failed,
                fresh: failed,
                value: Some(long),
                limit: Some(burn.above),
                sentence: format!(
                    "the budget of {} % is used up {} times as fast as it may (limit {}): {} of {} runs failed within {}, {} times within {}",
                    number(burn.objective),
                    number(long),
                    number(burn.above),
                    number(failed as f64),
                    number(total as f64),
                    burn.long,
                    number(short),
                    burn.short
                ),
                ..Finding::default()
            });
        }
    }
    judged
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::{Condition, RuleSet, Source};

    fn rule(when: &str) -> Rule {
        let text = format!(
            "rules: [{{title: t, index: c.run, when: {when}, score: 10, reporters: [{{type: slack}}]}}]"
        );
        let mut set = RuleSet::default();
        set.add_text(&text, Source::Own, None, "t", "c.");
        assert_eq!(set.problems, []);
        Rule::clone(&set.rules[0])
    }

    fn judged(rule: &Rule, answer: Value) -> Vec<String> {
        let judged = super::super::judge(
            rule,
            &answer,
            &mut super::super::Memory::default(),
            Moment::now(),
        );
        judged
            .findings
            .into_iter()
            .map(|finding| finding.sentence)
            .collect()
    }

    #[test]
    fn a_percentile_needs_enough_values() {
        let rule = rule("{statistic: {field: lcp, of: p75, above: 2500, minimum: 20}}");
        let answer = |values: u64, p75: f64| json!({"values": {"value": values}, "statistic": {"values": {"75.0": p75}}});
        assert_eq!(judged(&rule, answer(19, 9000.0)), Vec::<String>::new());
        assert_eq!(judged(&rule, answer(20, 2500.0)), Vec::<String>::new());
        assert_eq!(
            judged(&rule, answer(41, 2731.4)),
            ["p75 of lcp is 2,731 over 1h, above 2,500 (41 values)"]
        );
    }

    #[test]
    fn a_budget_burns_only_when_it_burns_now() {
        let rule = rule("{burn_rate: {objective: 99, above: 10, long: 1h, short: 5m, minimum: 5}}");
        let part = |failed: u64, passed: u64| json!({"doc_count": failed + passed, "failed": {"doc_count": failed}, "passed": {"doc_count": passed}});
        let answer = |long: Value, short: Value| json!({"keys": {"buckets": [{"key": "shop", "doc_count": 9, "long": long, "short": short}]}});
        assert_eq!(judged(&rule, answer(part(3, 9), part(1, 1))).len(), 1);
        assert_eq!(judged(&rule, answer(part(3, 9), part(0, 2))).len(), 0);
        assert_eq!(judged(&rule, answer(part(3, 1), part(1, 1))).len(), 0);
        assert!(matches!(rule.condition, Condition::BurnRate(_)));
    }
}
