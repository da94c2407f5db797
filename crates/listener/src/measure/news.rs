//! Texts and hosts that were not seen before, and certificates that end soon.

use std::collections::BTreeMap;

use canarytrace_model::{folding::folded_text, time::Moment};
use serde_json::{Value, json};
use url::Url;

use super::{
    Finding, Judged, Memory, Question, Reading, buckets, count, evidence, evidence_fields, hits,
    key_text, number, span_ms,
};
use crate::rules::{Certificate, Fold, New, Rule};

/// Different texts that are looked at, and that are remembered.
const MOST_TEXTS: usize = 1000;
const MOST_KNOWN: usize = 10_000;

pub(super) fn question(rule: &Rule, new: &New, memory: &Memory, at: Moment) -> Question {
    // The past is read once; from then on what was found is remembered.
    let back = match memory.is_seeded {
        true => rule.window,
        false => new.within.0.max(rule.window),
    };
    Question {
        only: None,
        from: at.epoch_ms() - span_ms(back),
        aggregations: json!({"texts": {
            "terms": {"field": new.field, "size": MOST_TEXTS},
            "aggs": {
                "last": {"top_hits": {"size": 3, "sort": [{"timestamp": {"order": "desc"}}], "_source": evidence_fields(rule)}},
                "newest": {"max": {"field": "timestamp"}},
            },
        }}),
    }
}

pub(super) fn judge(
    rule: &Rule,
    new: &New,
    answer: &Value,
    memory: &mut Memory,
    at: Moment,
) -> Judged {
    let mut found: BTreeMap<String, (u64, Vec<&Value>, String)> = BTreeMap::new();
    for bucket in buckets(answer, "texts") {
        let text = key_text(bucket);
        let own = found
            .entry(folded(&text, new.fold))
            .or_insert_with(|| (0, Vec::new(), text));
        own.0 += count(bucket);
        own.1.extend(hits(bucket, "last"));
    }
    let mut judged = Judged::default();
    let now = at.epoch_ms();
    let oldest = now - span_ms(new.within.0);
    for (folded, (total, hits, text)) in found {
        let before = memory.known.insert(folded, now);
        let is_new = before.is_none_or(|seen| seen < oldest);
        // What was there when we came is no news.
        if is_new && memory.is_seeded {
            let monitors = hits.iter().filter_map(|hit| {
                let monitor = hit.pointer("/_source/monitor")?.as_str()?;
                Some(monitor.to_owned())
            });
            let mut monitors: Vec<String> = monitors.collect();
            monitors.sort_unstable();
            monitors.dedup();
            let short: String = text.chars().take(200).collect();
            judged.findings.push(Finding {
                sentence: format!("`{short}` was not seen within {}", new.within),
                key: Some(short),
                total,
                fresh: total,
                documents: hits.iter().map(|hit| evidence(rule, hit)).collect(),
                monitors,
                ..Finding::default()
            });
        }
    }
    memory.is_seeded = true;
    memory.known.retain(|_, seen| *seen >= oldest);
    while memory.known.len() > MOST_KNOWN {
        let oldest = memory.known.iter().min_by_key(|(_, seen)| **seen);
        let Some(text) = oldest.map(|(text, _)| text.clone()) else {
            break;
        };
        memory.known.remove(&text);
    }
    judged
}

fn folded(text: &str, fold: Fold) -> String {
    match fold {
        Fold::None => text.to_owned(),
        Fold::Text => folded_text(text),
        Fold::Host => Url::parse(text)
            .ok()
            .and_then(|url| url.host_str().map(str::to_owned))
            .unwrap_or_else(|| text.to_owned()),
    }
}

pub(super) fn certificate_question(rule: &Rule, certificate: &Certificate, at: Moment) -> Question {
    let days = days(certificate);
    Question {
        only: None,
        from: at.epoch_ms() - span_ms(rule.window),
        aggregations: json!({"soon": {
            "filter": {"range": {"certificateDaysLeft": {"lt": days}}},
            "aggs": {"last": {"top_hits": {
                "size": 100, "sort": [{"timestamp": {"order": "desc"}}],
                "_source": ["timestamp", "uuid", "monitor", "certificates", "certificateDaysLeft"],
            }}},
        }}),
    }
}

fn days(certificate: &Certificate) -> f64 {
    certificate.within.0.as_secs_f64() / 86_400.0
}

pub(super) fn judge_certificate(rule: &Rule, certificate: &Certificate, answer: &Value) -> Judged {
    let limit = days(certificate);
    let Some(soon) = answer.get("soon") else {
        return Judged::default();
    };
    let mut hosts: BTreeMap<String, (f64, &Value)> = BTreeMap::new();
    for hit in hits(soon, "last") {
        let certificates = hit
            .pointer("/_source/certificates")
            .and_then(Value::as_array);
        for one in certificates.into_iter().flatten() {
            let host = one.get("host").and_then(Value::as_str);
            let left = one.get("daysLeft").and_then(Value::as_f64);
            if let (Some(host), Some(left)) = (host, left) {
                // Newest first: a renewed certificate counts.
                hosts.entry(host.to_owned()).or_insert((left, hit));
            }
        }
    }
    let mut judged = Judged::default();
    for (host, (left, hit)) in hosts {
        judged.readings.push(Reading {
            key: Some(host.clone()),
            value: left,
            limit,
        });
        if left < limit {
            let sentence = match left < 0.0 {
                true => format!("the certificate of {host} ended {} days ago", number(-left)),
                false => format!(
                    "the certificate of {host} ends in {} days (limit {})",
                    number(left),
                    certificate.within
                ),
            };
            judged.findings.push(Finding {
                key: Some(host),
                total: 1,
                fresh: 1,
                value: Some(left),
                limit: Some(limit),
                sentence,
                documents: vec![evidence(rule, hit)],
                monitors: hit
                    .pointer("/_source/monitor")
                    .and_then(Value::as_str)
                    .map(str::to_owned)
                    .into_iter()
                    .collect(),
                ..Finding::default()
            });
        }
    }
    judged
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::{RuleSet, Source};

    #[test]
    fn only_what_was_never_seen_is_news() {
        let text = "rules: [{title: t, index: c.console, when: {new: {field: text.keyword, within: 14d}}, score: 10, reporters: [{type: slack}]}]";
        let mut set = RuleSet::default();
        set.add_text(text, Source::Own, None, "t", "c.");
        let rule = set.rules.remove(0);
        let mut memory = Memory::default();
        let mut judge = |day: i64, texts: &[&str]| -> Vec<String> {
            let buckets: Vec<Value> = texts
                .iter()
                .map(|text| json!({"key": text, "doc_count": 2}))
                .collect();
            let answer = json!({"texts": {"buckets": buckets}});
            let at = Moment::from_epoch_ms(day * 86_400_000);
            let judged = super::super::judge(&rule, &answer, &mut memory, at);
            judged
                .findings
                .into_iter()
                .filter_map(|found| found.key)
                .collect()
        };
        assert_eq!(judge(1, &["failed to load 1234"]), Vec::<String>::new());
        assert_eq!(judge(2, &["failed to load 99", "boom"]), ["boom"]);
        assert_eq!(judge(3, &["boom"]), Vec::<String>::new());
        assert_eq!(judge(30, &["boom"]), ["boom"]);
    }
}
