//! What a person reads.

use std::io::{IsTerminal, Write};

use canarytrace_model::{
    record::{RunRecord, StepRecord},
    statistics::Summary,
    verdict::Outcome,
};

use crate::{
    failure::Failure,
    measured::{METRICS, Measured},
    variables::Variables,
};

pub(crate) fn stdout_is_terminal() -> bool {
    std::io::stdout().is_terminal()
}

pub(crate) fn stdin_is_terminal() -> bool {
    std::io::stdin().is_terminal()
}

pub(crate) fn stderr_has_color(variables: &Variables) -> bool {
    std::io::stderr().is_terminal() && variables.get("NO_COLOR").is_none()
}

/// A line of standard output; a reader that went away is no error.
pub(crate) fn line(text: &str) {
    let mut stdout = std::io::stdout().lock();
    if writeln!(stdout, "{text}")
        .and_then(|()| stdout.flush())
        .is_err()
    {
        tracing::debug!("nobody reads standard output");
    }
}

/// A line of standard error. Nobody may be listening: that is no error, and nothing to end a run for.
pub(crate) fn progress(text: &str) {
    writeln!(std::io::stderr().lock(), "{text}").ok();
}

pub(crate) fn error(failure: &Failure) {
    progress(&format!("error: {failure}"));
    if let Some(hint) = failure.hint() {
        progress(&format!("hint: {hint}"));
    }
}

/// The human summary of a run.
pub(crate) fn summary(record: &RunRecord, directory: &std::path::Path) {
    for step in &record.steps {
        let mark = match step.verdict.outcome {
            Outcome::Passed => "✓",
            Outcome::Failed => "✗",
            Outcome::Broken => "!",
        };
        line(&format!(
            "  {mark} {}  {} ms",
            step.full_title, step.duration_ms
        ));
        if let Some(detail) = &step.verdict.detail {
            line(&format!("      {detail}"));
        }
        failure(record, step, directory);
    }
    let Some(verdict) = &record.verdict else {
        return;
    };
    let seconds = record.ended_at.map_or(0.0, |end| {
        (end.epoch_ms() - record.started_at.epoch_ms()) as f64 / 1000.0
    });
    let outcome = match verdict.outcome {
        Outcome::Passed => "passed",
        Outcome::Failed => "failed",
        Outcome::Broken => "broken",
    };
    let cause = verdict
        .cause
        .map(|cause| format!(" ({})", cause.as_str()))
        .unwrap_or_default();
    line(&format!("{outcome}{cause} in {seconds:.1} s"));
    if record
        .steps
        .iter()
        .all(|step| step.verdict.detail != verdict.detail)
        && let Some(detail) = &verdict.detail
    {
        line(&format!("  {detail}"));
    }
    line(&format!("evidence: {}", directory.display()));
    if record.delivered.pending > 0 && record.store.is_some() {
        line(&format!(
            "{} documents are not delivered yet; they are sent by the next `canarytrace serve`",
            record.delivered.pending
        ));
    }
    if record.delivered.pending_attachments > 0 {
        line(&format!(
            "{} attachments are not delivered yet; they stay in the folder above",
            record.delivered.pending_attachments
        ));
    }
}

/// Where a step failed, what it looked like, and what to try next.
fn failure(record: &RunRecord, step: &StepRecord, directory: &std::path::Path) {
    let fact = |name: &str| step.verdict.facts.get(name).and_then(|fact| fact.as_str());
    if let Some(place) = fact("place") {
        line(&format!("      at {place}"));
    }
    for text in fact("excerpt").unwrap_or_default().lines() {
        line(&format!("      {text}"));
    }
    let picture = record.attachments.iter().find(|name| {
        name.contains(&step.uuid_action) && (name.ends_with(".png") || name.ends_with(".jpg"))
    });
    if let Some(picture) = picture.filter(|_| !step.verdict.is_passed()) {
        line(&format!(
            "      picture: {}",
            directory.join(picture).display()
        ));
    }
    let message = fact("errorMessage").unwrap_or_default();
    let waited = [
        "wasn't found",
        "still not",
        "to be displayed",
        "to have text",
    ];
    if waited.iter().any(|words| message.contains(words)) {
        line(
            "      try: look at the picture; if the page is right, correct the selector or the text, or wait longer with { timeout }",
        );
    } else if message.starts_with("Timeout of ") {
        line("      try: await every command, or give the test more time with this.timeout(ms)");
    }
}

/// Median, quartiles and outliers of what repeated runs have measured; on standard error unless a person reads.
pub(crate) fn repeats(measured: &Measured) {
    for (name, unit) in METRICS {
        let Some(summary) = measured.get(name).and_then(|values| Summary::of(values)) else {
            continue;
        };
        let outliers: Vec<String> = summary
            .outliers
            .iter()
            .map(|value| format!("{value:.1}"))
            .collect();
        let outliers = match outliers.is_empty() {
            true => String::new(),
            false => format!("; outliers {}", outliers.join(", ")),
        };
        let text = format!(
            "{name:5} median {:.1} {unit} (half of {} runs within {:.1} and {:.1}){outliers}",
            summary.median, summary.count, summary.lower, summary.upper
        );
        if stdout_is_terminal() {
            line(&text);
        } else {
            progress(&text);
        }
    }
}
