//! Documents of a window, each counted once.

use std::collections::BTreeMap;

use canarytrace_model::{stack::Span, time::Moment};
use serde_json::{Value, json};

use super::{
    Finding, Judged, MINUTE_MS, Memory, Question, Reading, buckets, count, keyed, keys, number,
    span_ms,
};
use crate::rules::{Rate, Rule};

/// How finely counted documents are remembered: a minute, or a sixtieth of a longer window.
fn grain_minutes(rule: &Rule) -> i64 {
    (span_ms(rule.window) / MINUTE_MS / 60).max(1)
}

/// The start of the grain that holds a time.
fn floor(ms: i64, grain_ms: i64) -> i64 {
    ms.div_euclid(grain_ms) * grain_ms
}

pub(super) fn question(rule: &Rule, at: Moment) -> Question {
    let begin = at.epoch_ms() - span_ms(rule.window);
    let grain = grain_minutes(rule);
    let inside = json!({
        "inside": {"filter": {"range": {"timestamp": {"gt": super::date(begin)}}}},
        "minutes": {"date_histogram": {
            "field": "timestamp", "fixed_interval": format!("{grain}m"), "min_doc_count": 1,
        }},
    });
    Question {
        // Whole grains, or the first would shrink as the window moves on.
        from: floor(begin, grain * MINUTE_MS),
        aggregations: keyed(rule, inside),
        only: None,
    }
}

pub(super) fn judge(
    rule: &Rule,
    at_least: u64,
    answer: &Value,
    memory: &mut Memory,
    at: Moment,
) -> Judged {
    let sentence = |total: u64| {
        format!(
            "{} documents within {} (limit {})",
            number(total as f64),
            Span(rule.window),
            number(at_least as f64)
        )
    };
    counted(rule, answer, memory, at, |total| Measured {
        value: total as f64,
        limit: at_least as f64,
        is_beyond: total >= at_least,
        sentence: sentence(total),
    })
}

pub(super) fn judge_rate(
    rule: &Rule,
    rate: &Rate,
    answer: &Value,
    memory: &mut Memory,
    at: Moment,
) -> Judged {
    let share = rate.per.0.as_secs_f64() / rule.window.as_secs_f64();
    counted(rule, answer, memory, at, |total| {
        let value = total as f64 * share;
        Measured {
            value,
            limit: rate.above,
            is_beyond: value > rate.above,
            sentence: format!(
                "{} documents per {} over {} (limit {})",
                number(value),
                rate.per,
                Span(rule.window),
                number(rate.above)
            ),
        }
    })
}

struct Measured {
    value: f64,
    limit: f64,
    is_beyond: bool,
    sentence: String,
}

fn counted(
    rule: &Rule,
    answer: &Value,
    memory: &mut Memory,
    at: Moment,
    measure: impl Fn(u64) -> Measured,
) -> Judged {
    let mut judged = Judged::default();
    for (key, bucket) in keys(rule, answer) {
        let total = bucket.get("inside").map_or(0, count);
        let measured = measure(total);
        judged.readings.push(Reading {
            key: key.clone(),
            value: measured.value,
            limit: measured.limit,
        });
        if !measured.is_beyond || total == 0 {
            continue;
        }
        let minutes: BTreeMap<i64, u64> = buckets(bucket, "minutes")
            .iter()
            .filter_map(|minute| {
                let start = minute.get("key").and_then(Value::as_i64)?;
                Some((start.div_euclid(MINUTE_MS), count(minute)))
            })
            .collect();
        let name = key.clone().unwrap_or_default();
        let own = memory.counted.entry(name).or_default();
        let since = minutes.keys().next().map(|minute| minute * MINUTE_MS);
        judged.findings.push(Finding {
            key,
            total,
            fresh: add(own, &minutes, grain_minutes(rule), at),
            value: Some(measured.value),
            limit: Some(measured.limit),
            sentence: measured.sentence,
            since,
            ..Finding::default()
        });
    }
    forget(memory, at);
    judged
}

/// How far back late documents are told from counted ones.
pub(crate) const REMEMBERED_MINUTES: i64 = 24 * 60;
/// Minutes that are old are remembered as tens.
const COARSE_MINUTES: i64 = 10;

/// Remembers what was found and answers how much of it is new.
fn add(
    counted: &mut BTreeMap<i64, u64>,
    found: &BTreeMap<i64, u64>,
    grain: i64,
    at: Moment,
) -> u64 {
    let now = at.epoch_ms().div_euclid(MINUTE_MS);
    let coarse = grain.max(COARSE_MINUTES);
    let fine_from = now - 2 * coarse - grain * 60;
    let mut fresh = 0;
    // Old minutes are compared by the ten they are remembered in.
    let mut compared: BTreeMap<(i64, i64), u64> = BTreeMap::new();
    for (minute, count) in found {
        let place = match *minute < fine_from {
            true => (minute.div_euclid(coarse) * coarse, coarse),
            false => (*minute, grain),
        };
        *compared.entry(place).or_default() += count;
    }
    for ((from, width), count) in compared {
        let before: u64 = counted
            .range(from..from + width)
            .map(|(_, count)| *count)
            .sum();
        if count > before {
            fresh += count - before;
            *counted.entry(from).or_default() += count - before;
        }
    }
    let old: Vec<(i64, u64)> = counted
        .range(..fine_from)
        .map(|(minute, count)| (*minute, *count))
        .collect();
    for (minute, count) in old {
        let tens = minute.div_euclid(coarse) * coarse;
        if tens != minute {
            counted.remove(&minute);
            *counted.entry(tens).or_default() += count;
        }
    }
    fresh
}

fn forget(memory: &mut Memory, at: Moment) {
    let oldest = at.epoch_ms().div_euclid(MINUTE_MS) - REMEMBERED_MINUTES - 60;
    for counted in memory.counted.values_mut() {
        *counted = counted.split_off(&oldest);
    }
    memory.counted.retain(|_, counted| !counted.is_empty());
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn moment(minute: i64) -> Moment {
        Moment::from_epoch_ms(minute * MINUTE_MS)
    }

    proptest! {
        /// Windows that overlap count each document once: the sum of what is fresh is the number of documents that any window saw.
        #[test]
        fn each_document_is_counted_once(
            times in prop::collection::vec(0i64..600, 0..80),
            window in 1i64..120,
            step in 1i64..15,
        ) {
            let grain = (window / 60).max(1);
            let base = 29_000_000;
            let (mut counted, mut fresh) = (BTreeMap::new(), 0);
            let mut seen = std::collections::BTreeSet::new();
            let mut at = 5;
            while at <= 620 {
                let from = (base + at - window).div_euclid(grain) * grain - base;
                let mut found: BTreeMap<i64, u64> = BTreeMap::new();
                for (id, time) in times.iter().enumerate() {
                    if *time >= from && *time < at {
                        *found.entry((base + time).div_euclid(grain) * grain).or_default() += 1;
                        seen.insert(id);
                    }
                }
                fresh += add(&mut counted, &found, grain, moment(base + at));
                at += step;
            }
            prop_assert_eq!(fresh, seen.len() as u64);
        }
    }
}
