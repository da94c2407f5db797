//! The most likely change as a sentence.

use std::collections::BTreeSet;

use super::{Comparison, HostChange, Request, RequestChange};

fn said(milliseconds: f64) -> String {
    if milliseconds < 1000.0 {
        format!("{milliseconds:.0} ms")
    } else {
        format!("{:.1} s", milliseconds / 1000.0)
    }
}

fn listed(answers: &BTreeSet<String>) -> String {
    answers
        .iter()
        .map(String::as_str)
        .collect::<Vec<_>>()
        .join(", ")
}

/// The first of these that holds: a request that broke, a step that fails, a request or a host that got slower, a new version.
pub(super) fn headline(comparison: &Comparison) -> String {
    let what = broken_request(comparison)
        .or_else(|| failing_step(comparison))
        .or_else(|| slower_host(comparison))
        .or_else(|| slower_request(comparison))
        .or_else(|| slower_step(comparison));
    let version = new_version(comparison);
    match (what, version) {
        (Some(what), Some(version)) => format!("{what}; {version}."),
        (Some(what), None) => format!("{what}."),
        (None, Some(version)) => format!("No request or step broke or got slower; {version}."),
        (None, None) => "Nothing differs that would explain a failure or a slower page.".to_owned(),
    }
}

fn broken_request(comparison: &Comparison) -> Option<String> {
    let change = comparison.requests.first()?;
    let (before, after) = (&change.before, change.after.as_ref()?);
    if !after.is_bad() || before.as_ref().is_some_and(Request::is_bad) {
        return None;
    }
    let whose = if change.third_party {
        "The third party’s "
    } else {
        ""
    };
    let earlier = match before {
        Some(before) => format!(", before: {}", listed(&before.answers)),
        None => ", and was not asked before".to_owned(),
    };
    Some(format!(
        "{whose}{} {} answered {}{earlier}",
        change.key.method,
        change.key.url,
        listed(&after.answers),
    ))
}

fn failing_step(comparison: &Comparison) -> Option<String> {
    let step = comparison
        .steps
        .iter()
        .find(|step| step.changes.contains(&"fails"))?;
    let error = step.after.as_ref()?.error.as_deref();
    let error = error.map(|error| format!(": {}", error.lines().next().unwrap_or_default()));
    Some(format!(
        "Step “{}” fails{}",
        step.title,
        error.unwrap_or_default()
    ))
}

fn slower_host(comparison: &Comparison) -> Option<String> {
    let cost = |change: &HostChange| change.after.unwrap_or(0.0) - change.before.unwrap_or(0.0);
    let change = comparison
        .third_parties
        .iter()
        .filter(|change| change.change == "slower")
        .max_by(|one, other| cost(one).total_cmp(&cost(other)))?;
    let own = comparison
        .requests
        .iter()
        .filter(|change| !change.third_party && change.changes.contains(&"slower"))
        .map(slower_by)
        .fold(0.0, f64::max);
    (cost(change) > own).then(|| {
        format!(
            "The third party {} takes {} instead of {}",
            change.host,
            said(change.after.unwrap_or(0.0)),
            said(change.before.unwrap_or(0.0)),
        )
    })
}

fn slower_by(change: &RequestChange) -> f64 {
    let time = |side: &Option<Request>| side.as_ref().map_or(0.0, |request| request.duration_ms);
    time(&change.after) - time(&change.before)
}

fn slower_request(comparison: &Comparison) -> Option<String> {
    let change = comparison
        .requests
        .iter()
        .filter(|change| change.changes.contains(&"slower"))
        .max_by(|one, other| slower_by(one).total_cmp(&slower_by(other)))?;
    Some(format!(
        "{} {} takes {} instead of {}",
        change.key.method,
        change.key.url,
        said(change.after.as_ref()?.duration_ms),
        said(change.before.as_ref()?.duration_ms),
    ))
}

fn slower_step(comparison: &Comparison) -> Option<String> {
    let step = comparison
        .steps
        .iter()
        .find(|step| step.changes.contains(&"slower"))?;
    Some(format!(
        "Step “{}” takes {} instead of {}",
        step.title,
        said(step.after.as_ref()?.duration_ms),
        said(step.before.as_ref()?.duration_ms),
    ))
}

fn new_version(comparison: &Comparison) -> Option<String> {
    let change = comparison.versions.iter().find(|change| {
        let (Some(before), Some(after)) = (&change.before, &change.after) else {
            return false;
        };
        !before.is_empty() && before != after
    })?;
    let name = match change.name {
        "revision" => "the script has another revision",
        "browser" => "the browser has another version",
        _ => "canarytrace has another version",
    };
    Some(format!(
        "{name} ({} → {})",
        listed(change.before.as_ref()?),
        listed(change.after.as_ref()?),
    ))
}
