//! What rules would have found in documents that are there already: the same judging, with nothing written and nobody told.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use canarytrace_es::EsError;
use canarytrace_model::time::Moment;
use serde::Serialize;

use crate::{
    incident::{self, Incident, Told},
    measure::{self, Memory, Reading},
    round::{self, Look},
    rules::Rule,
    settings::Settings,
    storage::Storage,
};

/// An incident that would have been.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Rehearsed {
    pub rule: String,
    pub title: String,
    pub score: u8,
    pub opened: String,
    /// None: it would still be open.
    pub closed: Option<String>,
    pub sentence: String,
    pub cause: Option<String>,
    pub monitors: Vec<String>,
    pub documents: u64,
}

/// How a rehearsal went.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Rehearsal {
    pub incidents: Vec<Rehearsed>,
    /// Rules that the store refused, and why.
    pub errors: BTreeMap<String, String>,
    /// The highest value of each rule and its limit: a threshold that is never reached shows here.
    pub nearest: BTreeMap<String, (f64, f64)>,
    pub rounds: u32,
}

/// Judges `rules` at every step from `from` to `to`.
pub async fn rehearse(
    storage: &Storage,
    settings: &Settings,
    rules: &[Arc<Rule>],
    from: Moment,
    to: Moment,
    step: Duration,
) -> Result<Rehearsal, EsError> {
    let mut rehearsal = Rehearsal::default();
    let mut memories: BTreeMap<String, Memory> = BTreeMap::new();
    let mut open: BTreeMap<(String, String), Incident> = BTreeMap::new();
    let asked: Vec<&Rule> = rules.iter().map(Arc::as_ref).collect();
    let step = i64::try_from(step.as_millis()).unwrap_or(i64::MAX).max(1);
    let mut at = from;
    while at <= to {
        rehearsal.rounds += 1;
        let answers = round::ask(storage, &asked, &memories, at, Look::Close, &|_| {}).await?;
        for (rule, answer) in rules.iter().zip(answers) {
            let answer = match answer {
                Ok(answer) => answer,
                Err(error) => {
                    rehearsal
                        .errors
                        .insert(rule.title.clone(), error.to_string());
                    continue;
                }
            };
            let memory = memories.entry(rule.title.to_lowercase()).or_default();
            let judged = measure::judge(rule, &answer, memory, at);
            for reading in &judged.readings {
                let nearest = rehearsal
                    .nearest
                    .entry(rule.title.clone())
                    .or_insert((reading.value, reading.limit));
                if reading.value / reading.limit > nearest.0 / nearest.1 {
                    *nearest = (reading.value, reading.limit);
                }
            }
            for (key, findings) in round::grouped(rule, &judged) {
                let name = (rule.title.clone(), key.clone());
                let mut current = open.remove(&name);
                let before = current.clone();
                incident::observe(
                    &mut current,
                    rule,
                    &key,
                    &findings,
                    at,
                    false,
                    &settings.policy,
                );
                let is_another = match (&before, &current) {
                    (Some(before), Some(now)) => before.start_time != now.start_time,
                    _ => false,
                };
                if let Some(before) = before.filter(|_| is_another) {
                    rehearsal.incidents.push(told(before));
                }
                if let Some(current) = current {
                    open.insert(name, current);
                }
            }
        }
        for ((title, _), own) in &mut open {
            let rule = rules
                .iter()
                .find(|rule| rule.title == *title)
                .map(Arc::as_ref);
            let closed = incident::age(own, "", rule, at, &settings.policy);
            debug_assert!(closed != Told::Opened);
        }
        at = Moment::from_epoch_ms(at.epoch_ms() + step);
    }
    rehearsal.incidents.extend(open.into_values().map(told));
    rehearsal
        .incidents
        .sort_by(|one, other| one.opened.cmp(&other.opened));
    Ok(rehearsal)
}

/// What a rule measured at a moment, worst first.
#[derive(Clone, Debug, Serialize)]
pub struct Traced {
    pub at: Moment,
    pub readings: Vec<Reading>,
}

/// Keys of one moment.
const MOST_TRACED: usize = 5;

/// What one rule would have measured at every step from `from` to `to`, for a chart.
pub async fn trace(
    storage: &Storage,
    rule: &Rule,
    from: Moment,
    to: Moment,
    step: Duration,
) -> Result<Vec<Traced>, EsError> {
    let mut memories: BTreeMap<String, Memory> = BTreeMap::new();
    let step = i64::try_from(step.as_millis()).unwrap_or(i64::MAX).max(1);
    let mut traced = Vec::new();
    let mut at = from;
    while at <= to {
        let answers = round::ask(storage, &[rule], &memories, at, Look::Close, &|_| {}).await?;
        for answer in answers {
            let memory = memories.entry(rule.title.to_lowercase()).or_default();
            let mut readings = measure::judge(rule, &*answer?, memory, at).readings;
            measure::worst_first(&mut readings);
            readings.truncate(MOST_TRACED);
            traced.push(Traced { at, readings });
        }
        at = Moment::from_epoch_ms(at.epoch_ms() + step);
    }
    Ok(traced)
}

fn told(incident: Incident) -> Rehearsed {
    Rehearsed {
        rule: incident.rule,
        title: incident.title,
        score: incident.score,
        opened: incident.start_time,
        closed: incident.closed_at,
        sentence: incident.sentence,
        cause: incident.cause,
        monitors: incident.monitors,
        documents: incident.incidents,
    }
}
