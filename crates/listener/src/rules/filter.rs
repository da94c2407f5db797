//! A written rule as the queries of its documents, with the established product's meaning of its three types.

use std::time::Duration;

use canarytrace_es::{date, kql};
use canarytrace_model::{index::DEFAULT_PREFIX, stack::Span};
use jiff::{Timestamp, tz::TimeZone};
use serde_json::{Value, json};

use super::{
    Condition, Count, DEFAULT_WINDOW, Escalation, Group, Notify, Place, Rule, RuleReporter,
    condition,
    raw::{RawExpression, RawFilter, RawKind, RawOperator, RawReporter, RawRule},
};
use crate::score;

const CAUSES: [&str; 9] = [
    "site",
    "third-party",
    "network",
    "login",
    "script",
    "browser",
    "runner",
    "configuration",
    "inconclusive",
];
const LONGEST_WINDOW: Duration = Duration::from_secs(35 * 86_400);
const LONGEST_TITLE: usize = 300;

/// A rule, or why it cannot be one.
pub(super) fn resolve(raw: RawRule, place: Place, prefix: &str) -> Result<Rule, String> {
    if raw.title.trim().is_empty() || raw.title.len() > LONGEST_TITLE {
        return Err(format!("`title` has 1 to {LONGEST_TITLE} bytes"));
    }
    if let Some(cause) = raw
        .cause
        .iter()
        .find(|cause| !CAUSES.contains(&cause.as_str()))
    {
        let hint = crate::yaml::nearest(cause, CAUSES.into_iter());
        let hint = hint.map_or_else(String::new, |nearest| {
            format!("; did you mean `{nearest}`?")
        });
        return Err(format!("cause `{cause}` is not known{hint}"));
    }
    let mut filters = Filters::default();
    let old_index = filters.add_typed(&raw)?;
    filters.add_ours(&raw)?;
    let window = window(&raw)?;
    let condition = condition(&raw)?;
    if let Some(problem) = condition.problem() {
        return Err(problem);
    }
    let score = score(&raw)?;
    let reporters = reporters(&raw.reporters)?;
    let is_first_generation = raw.score.is_none()
        && raw
            .reporters
            .iter()
            .any(|reporter| reporter.score.is_some());
    let is_at_once = is_first_generation || raw.when.is_some() || score::is_emergency(score);
    let notify = raw.notify.unwrap_or(if is_at_once {
        Notify::Immediately
    } else {
        Notify::Overview
    });
    let is_about_monitors = matches!(
        condition,
        Condition::Runs(_)
            | Condition::Consecutive(_)
            | Condition::Lasting(_)
            | Condition::Absence(_)
            | Condition::Quorum(_)
            | Condition::BurnRate(_)
    );
    let by = raw
        .by
        .or_else(|| is_about_monitors.then(|| "monitor".to_owned()));
    let has_keys =
        by.is_some() || matches!(condition, Condition::New(_) | Condition::Certificate(_));
    let group = raw
        .group
        .unwrap_or(if has_keys { Group::Key } else { Group::Rule });
    let kind = match raw.kind {
        Some(RawKind::Match) => "match",
        Some(RawKind::Contains) => "contains",
        Some(RawKind::Range) => "range",
        Some(RawKind::Query) | None => "query",
    };
    Ok(Rule {
        title: raw.title,
        kind,
        place,
        index: index(old_index.as_deref().unwrap_or(&raw.index), prefix),
        filters: filters.queries,
        words: filters.words.join(","),
        fields: filters.fields,
        window,
        condition,
        causes: raw.cause,
        by,
        group,
        notify,
        score,
        report_labels: raw.report_labels,
        reporters,
        confirm: raw.confirm.min(10),
        covers: raw.covers,
        remind: raw.remind.map(|span| span.0),
        escalate: raw
            .escalate
            .into_iter()
            .map(|step| Escalation {
                after: step.after.0,
                channel: step.to,
            })
            .collect(),
        close_after: raw.close_after.map(|span| span.0),
    })
}

/// The prefix of this installation instead of the usual one; `r.` is a misprint of the established product's table.
fn index(written: &str, prefix: &str) -> String {
    let base = written.trim_end_matches(['*', '-']);
    let base = base.strip_prefix("r.request-log").map_or_else(
        || base.to_owned(),
        |rest| format!("{DEFAULT_PREFIX}request-log{rest}"),
    );
    match base.strip_prefix(DEFAULT_PREFIX) {
        Some(rest) => format!("{prefix}{rest}"),
        None => base,
    }
}

fn window(raw: &RawRule) -> Result<Duration, String> {
    let span = match (&raw.window, &raw.time_range) {
        (Some(_), Some(_)) => {
            return Err("write `window` or `timeRange`, not both".to_owned());
        }
        (Some(span), None) => span.0,
        (None, Some(text)) => date_math(text)?,
        (None, None) => match &raw.when {
            Some(condition) => usual_window(condition),
            None => DEFAULT_WINDOW,
        },
    };
    if span < Duration::from_secs(10) || span > LONGEST_WINDOW {
        return Err(format!(
            "the window is {}; it may be 10s to 35d",
            Span(span)
        ));
    }
    Ok(span)
}

/// Long enough for what a condition looks at.
fn usual_window(condition: &Condition) -> Duration {
    const DAY: u64 = 86_400;
    match condition {
        Condition::Runs(_) | Condition::Consecutive(_) | Condition::Quorum(_) => {
            Duration::from_secs(2 * DAY)
        }
        Condition::Lasting(span) => span.0 * 2 + Duration::from_secs(DAY),
        Condition::Absence(absence) => absence.forget.0,
        Condition::BurnRate(burn) => burn.long.0,
        Condition::Statistic(_) | Condition::Ratio(_) | Condition::Change(_) => {
            Duration::from_secs(3600)
        }
        Condition::Certificate(_) => Duration::from_secs(6 * 3600),
        _ => DEFAULT_WINDOW,
    }
}

/// `now-1h` as a length.
fn date_math(text: &str) -> Result<Duration, String> {
    let now = Timestamp::now();
    let from = date::parse_query_date(text, &TimeZone::UTC, date::Round::Down, now)
        .map_err(|_| format!("timeRange `{text}` is not date math such as now-1h"))?;
    u64::try_from(now.as_millisecond() - from)
        .ok()
        .filter(|length| *length > 0)
        .map(Duration::from_millis)
        .ok_or_else(|| format!("timeRange `{text}` does not begin in the past"))
}

fn condition(raw: &RawRule) -> Result<Condition, String> {
    let min = match raw.min {
        None => None,
        Some(min) => Some(
            u64::try_from(min)
                .ok()
                .filter(|min| *min > 0)
                .ok_or_else(|| format!("`min: {min}` is always true; write 1 or more"))?,
        ),
    };
    match (&raw.when, min) {
        (Some(_), Some(_)) => Err("write `min` or `when`, not both".to_owned()),
        (Some(condition), None) => Ok(condition.clone()),
        (None, min) => Ok(Condition::Count(Count {
            at_least: min.unwrap_or(1),
        })),
    }
}

/// Of the rule, else the lowest of its reporters (2021).
fn score(raw: &RawRule) -> Result<u8, String> {
    let written = raw.score.or_else(|| {
        let scores = raw.reporters.iter().filter_map(|reporter| reporter.score);
        scores.min_by(f64::total_cmp)
    });
    let score = written.ok_or("it needs a `score`, 0 (worst) to 100")?;
    if !(0.0..=100.0).contains(&score) {
        return Err(format!("`score: {score}` is not 0 (worst) to 100"));
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "0 to 100"
    )]
    let score = score.round() as u8;
    Ok(score)
}

fn reporters(raw: &[RawReporter]) -> Result<Vec<RuleReporter>, String> {
    if raw.is_empty() {
        return Err("it needs `reporters`, at least one".to_owned());
    }
    Ok(raw
        .iter()
        .map(|reporter| RuleReporter {
            channel: match reporter.kind.as_str() {
                "internal-slack" => "slack-internal".to_owned(),
                other => other.to_owned(),
            },
            message: reporter.message.clone().unwrap_or_default(),
            recipients: reporter
                .recipients
                .clone()
                .map(super::raw::OneOrMany::into_list)
                .unwrap_or_default(),
        })
        .collect())
}

#[derive(Default)]
struct Filters {
    queries: Vec<Value>,
    words: Vec<String>,
    fields: Vec<String>,
}

impl Filters {
    /// What the rule's type asks; another index where the rule is older than the one it is written for.
    fn add_typed(&mut self, raw: &RawRule) -> Result<Option<String>, String> {
        // Before 2022 responses had an index of their own, with the headers at its top.
        let is_old = raw.index.trim_end_matches(['*', '-']) == "c.response";
        let field = |name: &str| match name.strip_prefix("headers.") {
            Some(rest) if is_old => format!("response.headers.{rest}"),
            _ => name.to_owned(),
        };
        match raw.kind {
            Some(RawKind::Match) => {
                let name = field(raw.field.as_deref().ok_or("a `match` needs a `field`")?);
                let expected = raw
                    .expected
                    .as_ref()
                    .or(raw.value.as_ref())
                    .ok_or("a `match` needs what is `expected`")?;
                self.equals(&name, raw.operator.unwrap_or(RawOperator::Must), expected)?;
            }
            Some(RawKind::Contains) => {
                let name = field(raw.field.as_deref().ok_or("a `contains` needs a `field`")?);
                let value = raw
                    .value
                    .as_ref()
                    .map(plain)
                    .ok_or("a `contains` needs a `value`")?;
                let expression = raw
                    .expression
                    .as_ref()
                    .ok_or("a `contains` needs an `expression`")?;
                self.words.push(format!("({name} contains {value})"));
                self.queries.push(contains(&name, &value));
                self.fields.push(name);
                self.expression(&field(&expression.field), expression)?;
                self.bounds(&raw.filter, &field)?;
            }
            Some(RawKind::Range) => {
                if raw.filter.is_empty() && raw.field.is_none() {
                    return Err(
                        "a `range` needs a `filter`, or `field`, `operator` and `value`".to_owned(),
                    );
                }
                if let Some(name) = &raw.field {
                    let operator = raw.operator.ok_or("a `range` needs an `operator`")?;
                    let value = raw.value.clone().ok_or("a `range` needs a `value`")?;
                    self.bound(&field(name), operator, &value)?;
                }
                self.bounds(&raw.filter, &field)?;
            }
            Some(RawKind::Query) | None => {
                if raw.kind.is_none() && raw.when.is_none() {
                    return Err("it needs a `type` (match, contains, range, query) or a condition in `when`".to_owned());
                }
                self.bounds(&raw.filter, &field)?;
            }
        }
        Ok(is_old.then(|| format!("{DEFAULT_PREFIX}request-log")))
    }

    fn add_ours(&mut self, raw: &RawRule) -> Result<(), String> {
        if let Some(query) = raw
            .query
            .as_deref()
            .filter(|query| !query.trim().is_empty())
        {
            if let Some(problem) = condition::kql(query) {
                return Err(problem);
            }
            self.queries.push(kql_query(query));
            self.words.push(format!("({query})"));
        }
        if !raw.monitors.is_empty() {
            let any: Vec<Value> = raw
                .monitors
                .iter()
                .map(|pattern| json!({"wildcard": {"monitor": {"value": pattern}}}))
                .collect();
            self.queries.push(any_of(any));
            self.words
                .push(format!("(monitor {})", raw.monitors.join(" or ")));
        }
        if let Some(Condition::Header(header)) = &raw.when {
            self.header(header);
        }
        Ok(())
    }

    fn header(&mut self, header: &super::Header) {
        let field = format!("response.headers.{}", header.name.to_lowercase());
        let is_there = json!({"exists": {"field": field}});
        let any = |values: &[String]| {
            any_of(values.iter().map(|value| contains(&field, value)).collect())
        };
        if header.missing {
            self.queries.push(json!({"bool": {"must_not": [is_there]}}));
            self.words.push(format!("({field} missing)"));
        } else if !header.is.is_empty() {
            self.queries.push(any(&header.is));
            self.words
                .push(format!("({field} is {})", header.is.join(" or ")));
        } else {
            self.queries.push(is_there);
            self.queries
                .push(json!({"bool": {"must_not": [any(&header.is_not)]}}));
            self.words
                .push(format!("({field} is not {})", header.is_not.join(" or ")));
        }
        self.fields.push(field);
    }

    fn equals(
        &mut self,
        field: &str,
        operator: RawOperator,
        expected: &Value,
    ) -> Result<(), String> {
        let query = any_of(
            // A text has its whole value in one of two sub-fields.
            [
                field.to_owned(),
                format!("{field}.keyword"),
                format!("{field}.raw"),
            ]
            .iter()
            .map(|field| json!({"term": {field.as_str(): {"value": expected}}}))
            .collect(),
        );
        let (query, word) = match operator {
            RawOperator::Must => (query, "must"),
            RawOperator::MustNot => (json!({"bool": {"must_not": [query]}}), "must_not"),
            _ => return Err("`operator` of a `match` is must or must_not".to_owned()),
        };
        self.words
            .push(format!("({field} {word} {})", plain(expected)));
        self.queries.push(query);
        self.fields.push(field.to_owned());
        Ok(())
    }

    /// Any of the values for `must` (a header cannot hold all), none of them for `must_not`.
    fn expression(&mut self, field: &str, expression: &RawExpression) -> Result<(), String> {
        let values: Vec<String> = expression.values.iter().map(plain).collect();
        if values.is_empty() {
            return Err("`expression.values` is empty".to_owned());
        }
        let any = any_of(values.iter().map(|value| contains(field, value)).collect());
        let (query, word) = match expression.operator {
            RawOperator::Must => (any, "must"),
            RawOperator::MustNot => (json!({"bool": {"must_not": [any]}}), "must_not"),
            _ => return Err("`expression.operator` is must or must_not".to_owned()),
        };
        self.words
            .push(format!("({field} {word} {})", values.join(",")));
        self.queries.push(query);
        self.fields.push(field.to_owned());
        Ok(())
    }

    fn bounds(
        &mut self,
        filters: &[RawFilter],
        field: &dyn Fn(&str) -> String,
    ) -> Result<(), String> {
        for filter in filters {
            self.bound(&field(&filter.field), filter.operator, &filter.value)?;
        }
        impossible(filters)
    }

    fn bound(&mut self, field: &str, operator: RawOperator, value: &Value) -> Result<(), String> {
        let word = match operator {
            RawOperator::Lt => "lt",
            RawOperator::Lte => "lte",
            RawOperator::Gt => "gt",
            RawOperator::Gte => "gte",
            RawOperator::Must => return self.equals(field, operator, value),
            RawOperator::MustNot => return self.equals(field, operator, value),
        };
        if value.is_null() || value.is_array() || value.is_object() {
            return Err(format!("`{field} {word}` needs a number or a text"));
        }
        self.queries.push(json!({"range": {field: {word: value}}}));
        self.words
            .push(format!("({field} {word} {})", plain(value)));
        self.fields.push(field.to_owned());
        Ok(())
    }
}

/// Two bounds of one field that no number is between.
fn impossible(filters: &[RawFilter]) -> Result<(), String> {
    for lower in filters {
        for upper in filters.iter().filter(|other| other.field == lower.field) {
            let is_lower = matches!(lower.operator, RawOperator::Gt | RawOperator::Gte);
            let is_upper = matches!(upper.operator, RawOperator::Lt | RawOperator::Lte);
            let (Some(low), Some(high)) = (lower.value.as_f64(), upper.value.as_f64()) else {
                continue;
            };
            let is_open = lower.operator == RawOperator::Gt || upper.operator == RawOperator::Lt;
            if is_lower && is_upper && (low > high || low == high && is_open) {
                return Err(format!(
                    "nothing is above {low} and below {high}: the bounds of `{}` can never be true",
                    lower.field
                ));
            }
        }
    }
    Ok(())
}

fn any_of(queries: Vec<Value>) -> Value {
    json!({"bool": {"should": queries, "minimum_should_match": 1}})
}

/// As words of a text, or within a field that is one word.
fn contains(field: &str, value: &str) -> Value {
    let pattern: String = value
        .chars()
        .flat_map(|character| match character {
            '*' | '?' | '\\' => vec!['\\', character],
            other => vec![other],
        })
        .collect();
    any_of(vec![
        json!({"match_phrase": {field: value}}),
        json!({"wildcard": {field: {"value": format!("*{pattern}*"), "case_insensitive": true}}}),
    ])
}

/// A KQL text as a query; an unreadable one, which is refused before, matches nothing.
pub(crate) fn kql_query(text: &str) -> Value {
    kql::to_query(text, None).unwrap_or_else(|_| json!({"match_none": {}}))
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
