//! What the listener knows, as the server answers it.

use canarytrace_listener::{
    Rehearsal, RuleState, Traced,
    calendar::{Maintenance, Silence},
    measure::Reading,
    rules::{Problem, Rule},
};
use canarytrace_model::{stack::Span, time::Moment};
use canarytrace_server::{
    MaintenanceView, ReadingView, RehearsalView, RehearsedView, ReporterView, RuleProblem,
    RuleStateView, RuleView, SilenceView, TracePoint,
};
use serde::Serialize;
use serde_json::Value;

/// The name that serde gives to a variant.
fn named(value: impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(Value::String(name)) => name,
        other => other.unwrap_or_default().to_string(),
    }
}

pub(crate) fn rule(rule: &Rule, state: Option<&RuleState>) -> RuleView {
    RuleView {
        title: rule.title.clone(),
        index: rule.index.clone(),
        kind: rule.kind.to_owned(),
        source: named(rule.place.source),
        file: rule
            .place
            .file
            .as_ref()
            .map(|path| path.display().to_string()),
        line: rule.place.line,
        score: rule.score,
        notify: named(rule.notify),
        window: named(Span(rule.window)),
        condition: serde_json::to_value(&rule.condition).unwrap_or_default(),
        words: rule.words.clone(),
        by: rule.by.clone(),
        group: named(rule.group),
        causes: rule.causes.clone(),
        covers: rule.covers.clone(),
        reporters: rule
            .reporters
            .iter()
            .map(|own| ReporterView {
                channel: own.channel.clone(),
                message: own.message.clone(),
                recipients: own.recipients.clone(),
            })
            .collect(),
        query: rule.query(),
        state: state.map(|own| RuleStateView {
            readings: own.readings.iter().map(reading).collect(),
            judged_at: own.judged_at.clone(),
            error: own.error.clone(),
        }),
    }
}

fn reading(own: &Reading) -> ReadingView {
    ReadingView {
        key: own.key.clone(),
        value: own.value,
        limit: own.limit,
    }
}

pub(crate) fn problem(own: &Problem) -> RuleProblem {
    RuleProblem {
        place: own.place.clone(),
        rule: own.rule.clone(),
        message: own.message.clone(),
    }
}

pub(crate) fn silence(own: Silence) -> SilenceView {
    SilenceView {
        id: own.id.unwrap_or_default(),
        reason: own.reason,
        by: own.by,
        until: own.until,
        incident: own.incident,
        rules: own.rules,
        monitors: own.monitors,
    }
}

pub(crate) fn maintenance(own: &Maintenance) -> MaintenanceView {
    MaintenanceView {
        id: own.id.clone(),
        reason: own.reason.clone(),
        monitors: own.monitors.clone(),
        rules: own.rules.clone(),
        when: own.words.clone(),
        until: own.end_at(Moment::now()),
    }
}

pub(crate) fn traced(own: Traced) -> TracePoint {
    TracePoint {
        at: own.at,
        readings: own.readings.iter().map(reading).collect(),
    }
}

pub(crate) fn rehearsal(own: Rehearsal) -> RehearsalView {
    let told = own.incidents.into_iter().map(|one| RehearsedView {
        rule: one.rule,
        title: one.title,
        score: one.score,
        opened: one.opened,
        closed: one.closed,
        sentence: one.sentence,
        cause: one.cause,
        monitors: one.monitors,
        documents: one.documents,
    });
    RehearsalView {
        incidents: told.collect(),
        errors: own.errors,
        nearest: own.nearest,
        rounds: own.rounds,
    }
}
