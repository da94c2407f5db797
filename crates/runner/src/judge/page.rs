//! A page that came and is not what it should be: the site itself, its login, or a third party.

use canarytrace_model::verdict::{Cause, Verdict};
use canarytrace_script::ScriptErrorKind;
use url::Url;

use super::first_line;
use crate::facts::{Party, RequestFact, StepFacts};

pub(super) fn judge(facts: &StepFacts) -> Verdict {
    blocked(facts)
        .or_else(|| dialog(facts))
        .or_else(|| answered_by_error(facts))
        .or_else(|| own_request_failed(facts))
        .or_else(|| login(facts))
        .or_else(|| captcha(facts))
        .or_else(|| own_request_refused(facts))
        .or_else(|| third_party(facts))
        .or_else(|| exception(facts))
        .or_else(|| slow_request(facts))
        .unwrap_or_else(|| Verdict::blame(Cause::Site, what(facts)))
}

/// The sentence for what the step missed, whoever is to blame.
fn what(facts: &StepFacts) -> String {
    if let Some(unmet) = &facts.unmet {
        return unmet.text.clone();
    }
    let page = page(facts);
    match (&facts.deadline, &facts.script, facts.status) {
        (Some((what, limit)), ..) => format!("{what} did not end within {}s", limit.as_secs()),
        (_, Some(script), _) if script.kind == ScriptErrorKind::Deadline => {
            let awaiting = script.awaiting.as_deref().unwrap_or("the page");
            format!(
                "{} while it waited in {awaiting}",
                first_line(&script.message)
            )
        }
        (_, Some(script), _) => {
            let lines: Vec<&str> = script
                .message
                .lines()
                .map(str::trim)
                .filter(|line| !line.is_empty())
                .collect();
            lines.join("; ")
        }
        (_, _, Some(status)) => format!("{page} answered with status {status}"),
        _ => format!("{page} is not as it should be"),
    }
}

fn page(facts: &StepFacts) -> &str {
    facts.url.as_deref().unwrap_or("the page")
}

fn site(facts: &StepFacts, reason: &str) -> Verdict {
    Verdict::blame(Cause::Site, format!("{}; {reason}", what(facts)))
}

/// The page's own script holds its main thread: the browser answers, the page does not.
fn blocked(facts: &StepFacts) -> Option<Verdict> {
    let browser = facts.browser.as_ref()?;
    (browser.answers && !browser.page_answers)
        .then(|| site(facts, "a script of the page keeps its main thread busy"))
}

/// A page with an open dialog takes no click and shows nothing new.
fn dialog(facts: &StepFacts) -> Option<Verdict> {
    let text = facts.dialog.as_ref()?;
    Some(site(
        facts,
        &format!("the page had opened a dialog: `{text}`"),
    ))
}

fn answered_by_error(facts: &StepFacts) -> Option<Verdict> {
    let status = facts.status.filter(|status| *status > 399)?;
    let cause = if status == 401 {
        Cause::Login
    } else {
        Cause::Site
    };
    Some(Verdict::blame(
        cause,
        format!("{} answered with status {status}", page(facts)),
    ))
}

/// A step that is late waits for what blocks the load event, one that misses something for what brings content.
fn matters(facts: &StepFacts, request: &RequestFact) -> bool {
    let late = facts.deadline.is_some() || facts.unmet.as_ref().is_some_and(|unmet| unmet.slow);
    if late {
        !matches!(
            request.kind.as_str(),
            "XHR" | "Fetch" | "EventSource" | "WebSocket" | "Ping"
        )
    } else {
        request.is_essential()
    }
}

fn requests(facts: &StepFacts, party: Party) -> impl Iterator<Item = &RequestFact> {
    facts
        .requests
        .iter()
        .filter(move |request| request.party == party && matters(facts, request))
}

/// The site's own server failed behind the page.
fn own_request_failed(facts: &StepFacts) -> Option<Verdict> {
    let failed = requests(facts, Party::First).find(|request| {
        request.error.is_some() || request.status.is_some_and(|status| status > 499)
    })?;
    Some(site(facts, &failed.in_words()))
}

/// As above, with an answer that may be the client's fault.
fn own_request_refused(facts: &StepFacts) -> Option<Verdict> {
    let refused = requests(facts, Party::First).find(|request| request.is_failed())?;
    Some(site(facts, &refused.in_words()))
}

/// A login was tried, or demanded, and its form is what is shown.
fn login(facts: &StepFacts) -> Option<Verdict> {
    let refused =
        requests(facts, Party::First).find(|request| matches!(request.status, Some(401 | 403)));
    let shown = facts.page.as_ref().filter(|page| page.password_field);
    let reason = match (refused, shown) {
        (Some(request), Some(_)) => format!("the login form is shown, {}", request.in_words()),
        (Some(request), None) if request.status == Some(401) => request.in_words(),
        (_, Some(_)) if facts.posted => {
            "the login form is still shown after it was sent".to_owned()
        }
        (_, Some(page)) if is_elsewhere(facts, &page.href) => {
            format!("the site asks for a login instead ({})", page.href)
        }
        _ => return None,
    };
    Some(Verdict::blame(
        Cause::Login,
        format!("{}; {reason}", what(facts)),
    ))
}

/// The page is at another path than the one that was opened.
fn is_elsewhere(facts: &StepFacts, href: &str) -> bool {
    let path = |url: &str| Url::parse(url).ok().map(|url| url.path().to_owned());
    match facts.url.as_deref().and_then(path) {
        Some(opened) => path(href) != Some(opened),
        None => false,
    }
}

fn captcha(facts: &StepFacts) -> Option<Verdict> {
    facts
        .page
        .as_ref()
        .filter(|page| page.captcha)
        .map(|_| site(facts, "the site shows a captcha"))
}

/// Something from elsewhere failed or does not come, and nothing of the site's own is wrong.
fn third_party(facts: &StepFacts) -> Option<Verdict> {
    let culprit =
        requests(facts, Party::Third).find(|request| request.is_failed() || request.pending)?;
    let own = facts
        .exceptions
        .iter()
        .find(|exception| exception.party == Party::First);
    // An exception of the site's own counts, unless it is about what the third party would have brought.
    if own.is_some_and(|exception| !is_about_something_missing(&exception.text))
        || waits_for_own(facts)
    {
        return None;
    }
    Some(Verdict::blame(
        Cause::ThirdParty,
        format!("{}; {}", what(facts), culprit.in_words()),
    ))
}

fn is_about_something_missing(text: &str) -> bool {
    ["is not defined", "undefined", "is not a function", "null"]
        .iter()
        .any(|part| text.contains(part))
}

/// The site's own document or script is what everything waits for.
fn waits_for_own(facts: &StepFacts) -> bool {
    requests(facts, Party::First).any(|request| request.pending)
}

fn exception(facts: &StepFacts) -> Option<Verdict> {
    // Only what is missing can be missing because of an exception; lateness has other reasons.
    let exception = facts.exceptions.first()?;
    let cause = match exception.party {
        Party::First => Cause::Site,
        Party::Third => Cause::ThirdParty,
    };
    let from = exception.url.as_deref().unwrap_or("the page");
    Some(Verdict::blame(
        cause,
        format!("{}; {from} threw: {}", what(facts), exception.text),
    ))
}

/// Nothing failed, but something took its time: the slowest is named.
fn slow_request(facts: &StepFacts) -> Option<Verdict> {
    let slowest = facts
        .requests
        .iter()
        .filter(|request| matters(facts, request))
        .max_by_key(|request| request.duration_ms)?;
    let cause = match slowest.party {
        Party::First => Cause::Site,
        Party::Third => Cause::ThirdParty,
    };
    Some(Verdict::blame(
        cause,
        format!("{}; {}", what(facts), slowest.in_words()),
    ))
}
