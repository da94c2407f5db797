//! Whose fault it is: a pure function from facts to a verdict. What cannot be told is inconclusive, never a guess.

mod network;
mod page;

use canarytrace_model::verdict::{Cause, Verdict};
use canarytrace_script::{ScriptError, ScriptErrorKind};
use serde_json::{Value, json};

use crate::{
    facts::{ScriptFailure, StepFacts},
    gather::is_failing,
    git::GitError,
};

/// The verdict of a step.
pub fn judge(facts: &StepFacts) -> Verdict {
    if !is_failing(facts) && facts.invalid.is_none() {
        return Verdict::passed();
    }
    // What is ours comes first: nothing can be said about a site that was not seen properly.
    let verdict = ours(facts)
        .or_else(|| network::judge(facts))
        .or_else(|| script(facts))
        .or_else(|| starved(facts))
        .unwrap_or_else(|| page::judge(facts));
    if verdict.is_passed() {
        return verdict;
    }
    with_facts(verdict, facts)
}

/// The facts that a person wants to see beside the sentence; what is unknown or as usual is left out.
fn with_facts(mut verdict: Verdict, facts: &StepFacts) -> Verdict {
    let script = facts.script.as_ref();
    let requests: Vec<String> = facts
        .requests
        .iter()
        .filter(|request| request.is_failed())
        .map(|request| request.in_words())
        .collect();
    let known = [
        ("url", json!(facts.url)),
        ("status", json!(facts.status)),
        ("netError", json!(facts.net_error)),
        ("failedRequests", json!(requests)),
        ("requests", json!(facts.requests)),
        ("exceptions", json!(facts.exceptions)),
        ("page", json!(facts.page)),
        ("dialog", json!(facts.dialog)),
        ("control", json!(facts.control)),
        ("lookup", json!(facts.lookup)),
        ("host", json!(facts.host)),
        ("browser", json!(facts.browser)),
        (
            "place",
            json!(script.and_then(|script| script.place.clone())),
        ),
        (
            "excerpt",
            json!(script.and_then(|script| script.excerpt.clone())),
        ),
        (
            "awaiting",
            json!(script.and_then(|script| script.awaiting.clone())),
        ),
        ("errorName", json!(script.map(|script| script.name.clone()))),
        (
            "errorMessage",
            json!(script.map(|script| script.message.clone())),
        ),
    ];
    for (name, value) in known {
        if !value.is_null() && value != json!([]) {
            verdict.facts.entry(name).or_insert(value);
        }
    }
    if verdict.cause != Some(Cause::Inconclusive) {
        verdict
            .facts
            .entry("certainty")
            .or_insert_with(|| Value::from("certain"));
    }
    verdict
}

/// Configuration, memory limit, browser.
fn ours(facts: &StepFacts) -> Option<Verdict> {
    if let Some(reason) = &facts.invalid {
        return Some(Verdict::blame(Cause::Configuration, reason.clone()));
    }
    let script = facts.script.as_ref();
    if let Some(missing) = script.filter(|script| script.kind == ScriptErrorKind::Missing) {
        return Some(Verdict::blame(
            Cause::Configuration,
            missing.message.clone(),
        ));
    }
    let lost = facts.browser_gone.clone().or_else(|| {
        script
            .filter(|script| script.kind == ScriptErrorKind::Browser)
            .map(|script| first_line(&script.message))
    });
    if facts.host.oom_kills > 0 && (lost.is_some() || facts.browser.is_some()) {
        return Some(Verdict::blame(
            Cause::Runner,
            "the memory limit of the run was reached, and processes of the browser were killed",
        ));
    }
    if let Some(browser) = facts
        .browser
        .as_ref()
        .filter(|browser| !browser.stopped.is_empty())
    {
        return Some(Verdict::blame(
            Cause::Browser,
            format!(
                "the browser is frozen: {} is stopped",
                browser.stopped.join(", ")
            ),
        ));
    }
    if let Some(reason) = lost {
        return Some(Verdict::blame(
            Cause::Browser,
            format!("the browser ended while the step ran: {reason}"),
        ));
    }
    let silent = facts
        .browser
        .as_ref()
        .is_some_and(|browser| !browser.answers);
    silent.then(|| Verdict::blame(Cause::Browser, "the browser does not answer any more"))
}

/// An error in the script itself.
fn script(facts: &StepFacts) -> Option<Verdict> {
    let script = facts.script.as_ref()?;
    match script.kind {
        ScriptErrorKind::Skipped => Some(Verdict::passed()),
        ScriptErrorKind::Script => Some(Verdict::blame(
            Cause::Script,
            format!(
                "the script is wrong{}: {}: {}",
                place(script),
                script.name,
                first_line(&script.message)
            ),
        )),
        ScriptErrorKind::Deadline => stuck(script),
        _ => None,
    }
}

/// A step that passed its limit without waiting for the page was held up by the script itself.
fn stuck(script: &ScriptFailure) -> Option<Verdict> {
    let what = match script.awaiting.as_deref() {
        Some(command @ ("browser.pause" | "browser.debug")) => format!("it is in {command}"),
        Some(_) => return None,
        None => "an endless loop, or something awaited that never comes".to_owned(),
    };
    Some(Verdict::blame(
        Cause::Script,
        format!(
            "{}; the script was not waiting for the page: {what}",
            first_line(&script.message)
        ),
    ))
}

/// Too late, on a machine too busy to tell whose fault that is: ours.
fn starved(facts: &StepFacts) -> Option<Verdict> {
    if !facts.host.is_starved() || !is_late(facts) {
        return None;
    }
    let host = facts.host;
    let share = match (host.throttled_percent, host.cpu_pressure_percent) {
        (Some(percent), _) if percent >= 40.0 => {
            format!("its CPU limit held the run back for {percent:.0} % of the time")
        }
        (_, percent) => format!(
            "tasks waited for a CPU for {:.0} % of the time",
            percent.unwrap_or_default()
        ),
    };
    Some(Verdict::blame(
        Cause::Runner,
        format!(
            "this machine was too busy to judge the site: {share}; {}",
            lateness(facts)
        ),
    ))
}

/// Time is what is wrong, and nothing says that the site failed.
fn is_late(facts: &StepFacts) -> bool {
    let script = facts.script.as_ref();
    let gave_up = script.is_some_and(|script| script.kind == ScriptErrorKind::Deadline);
    let unfinished = facts
        .page
        .as_ref()
        .is_none_or(|page| page.ready_state != "complete");
    let missing = script.is_some_and(|script| script.kind == ScriptErrorKind::Element);
    let is_answered = facts.status.is_none_or(|status| status < 400);
    let has_failed = facts.requests.iter().any(|request| request.is_failed());
    is_answered
        && !has_failed
        && (facts.deadline.is_some()
            || facts.unmet.as_ref().is_some_and(|unmet| unmet.slow)
            || gave_up
            || missing && unfinished)
}

fn lateness(facts: &StepFacts) -> String {
    match (&facts.unmet, &facts.deadline, &facts.script) {
        (Some(unmet), ..) => unmet.text.clone(),
        (_, Some((what, limit)), _) => format!("{what} did not end within {}s", limit.as_secs()),
        (.., Some(script)) => first_line(&script.message),
        _ => String::new(),
    }
}

fn place(script: &ScriptFailure) -> String {
    script
        .place
        .as_ref()
        .map(|place| format!(" at {place}"))
        .unwrap_or_default()
}

fn first_line(message: &str) -> String {
    message.lines().next().unwrap_or_default().to_owned()
}

/// The verdict of a spec that could not be loaded.
pub(crate) fn judge_load(spec: &str, error: &ScriptError) -> Verdict {
    let place = error
        .place
        .as_ref()
        .map(|place| format!(" at {place}"))
        .unwrap_or_default();
    match error.kind {
        ScriptErrorKind::Missing => Verdict::blame(Cause::Configuration, error.message.clone()),
        _ => Verdict::blame(Cause::Script, format!("script {spec}{place}: {error}")),
    }
}

/// The verdict of a clone that failed.
pub fn judge_git(error: &GitError) -> Verdict {
    let cause = if error.is_unreachable() {
        Cause::Network
    } else {
        Cause::Configuration
    };
    Verdict::blame(cause, error.to_string())
}

/// The verdict of a browser that did not start.
pub fn judge_launch(reason: &str) -> Verdict {
    Verdict::blame(
        Cause::Browser,
        format!("the browser did not start: {reason}"),
    )
}

#[cfg(test)]
mod tests;
