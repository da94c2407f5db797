//! Smoke mode: open each URL, check its status, title and what else the URL is expected to be.

use std::time::Duration;

use canarytrace_driver::{
    devtools::DevToolsError,
    webdriver::{ErrorCode, WebDriverError},
};
use canarytrace_evidence::EvidenceError;
use canarytrace_model::stack::{Expect, UrlCheckJob};
use serde_json::{Value, json};
use url::Url;

use crate::{
    collect::network::Navigation,
    facts::{StepFacts, Unmet},
    job::SmokeJob,
    step::Stage,
};

const SUITE: &str = "Smoke";
const CALL_LIMIT: Duration = Duration::from_secs(5);
/// The page's title once it has one, the end of its load event (ms), and its visible text.
const LOOK: &str = include_str!("js/look.js");

/// Runs every check; a URL that cannot be one fails in `smoke-setup` and is not opened.
pub(crate) async fn run(stage: &mut Stage, job: &SmokeJob) -> Result<(), EvidenceError> {
    stage.suite(SUITE, SUITE)?;
    let valid = setup(stage, job).await?;
    for (position, check) in valid.iter().enumerate() {
        if position > 0 && job.pause_ms > 0 {
            tokio::time::sleep(Duration::from_millis(job.pause_ms)).await;
        }
        visit(stage, job, check, position + 1 == valid.len()).await?;
        if stage.collectors.browser_gone().is_some() {
            break;
        }
    }
    Ok(())
}

async fn setup(stage: &mut Stage, job: &SmokeJob) -> Result<Vec<UrlCheckJob>, EvidenceError> {
    let step = stage.begin("smoke-setup", SUITE, format!("{SUITE} smoke-setup"))?;
    let (valid, invalid): (Vec<_>, Vec<_>) = job
        .checks
        .iter()
        .cloned()
        .partition(|check| reason_invalid(&check.url).is_none());
    let invalid: Vec<String> = invalid
        .iter()
        .filter_map(|check| reason_invalid(&check.url))
        .collect();
    let invalid = (!invalid.is_empty()).then(|| invalid.join("; "));
    stage
        .end(
            step,
            StepFacts {
                invalid,
                ..StepFacts::default()
            },
        )
        .await?;
    Ok(valid)
}

/// Why `url` cannot be opened at all, in words.
pub(crate) fn reason_invalid(url: &str) -> Option<String> {
    match Url::parse(url) {
        Ok(parsed) if matches!(parsed.scheme(), "http" | "https") && parsed.has_host() => None,
        Ok(parsed) => Some(format!(
            "url `{url}` has scheme `{}`; only http and https are opened",
            parsed.scheme()
        )),
        Err(error) => Some(format!(
            "url `{url}` is not valid: {error}; hint: write it with its scheme, https://…"
        )),
    }
}

async fn visit(
    stage: &mut Stage,
    job: &SmokeJob,
    check: &UrlCheckJob,
    last: bool,
) -> Result<(), EvidenceError> {
    stage.reporter.line(format!("Fetch {}", check.url));
    let headers = set_headers(stage, check).await;
    let step = stage.begin(&check.url, SUITE, format!("{SUITE} {}", check.url))?;
    let mut facts = StepFacts {
        url: Some(check.url.clone()),
        ..StepFacts::default()
    };
    let limit = Duration::from_millis(job.open_limit_ms).min(stage.time_left());
    let opened = open(stage, &check.url, limit).await;
    let navigation = stage.navigation_settled().await.unwrap_or_default();
    facts.status = navigation.status;
    match opened {
        Ok(()) => {}
        Err(error) if error.is_gone() || error == WebDriverError::Deadline => {
            facts.browser_gone = Some(error.to_string());
        }
        Err(error) if error.code() == Some(&ErrorCode::Timeout) => {
            stage.reporter.line("Test did not finished on time!");
            facts.deadline = Some((format!("opening {}", check.url), limit));
        }
        Err(error) => {
            facts.net_error = Some(
                error
                    .net_error()
                    .map_or_else(|| error.to_string(), str::to_owned),
            )
        }
    }
    if let Err(error) = headers {
        facts.unmet = Some(Unmet::wrong(format!(
            "the request headers could not be set: {error}"
        )));
    }
    let mut title = String::new();
    if facts.net_error.is_none() && facts.deadline.is_none() && facts.browser_gone.is_none() {
        title = examine(stage, check, &navigation, &mut facts).await;
    }
    let name = step.name.clone();
    stage.end(step, facts).await?;
    stage
        .reporter
        .smoke_title(&name, &check.url, &title, &navigation)?;
    if !last {
        clear(stage, check).await;
    }
    stage.leftovers(&name)
}

async fn open(stage: &mut Stage, url: &str, limit: Duration) -> Result<(), WebDriverError> {
    stage.browser.webdriver.limit_page_load(limit).await?;
    stage.browser.webdriver.navigate(url).await
}

/// The next URL starts as the first one did; after the last one the browser is thrown away.
async fn clear(stage: &mut Stage, check: &UrlCheckJob) {
    let origin = Url::parse(&check.url)
        .map(|url| url.origin().ascii_serialization())
        .unwrap_or_default();
    if let Err(error) = stage.browser.clear_state(&origin).await {
        stage
            .reporter
            .line(format!("cookies and cache could not be cleared: {error}"));
    } else {
        stage.cleared = true;
    }
}

async fn set_headers(stage: &Stage, check: &UrlCheckJob) -> Result<(), DevToolsError> {
    let headers = json!({"headers": check.headers});
    stage
        .browser
        .devtools
        .call_page(None, "Network.setExtraHTTPHeaders", headers, CALL_LIMIT)
        .await
        .map(drop)
}

/// Fills in what the page should have been and was not; answers its title.
async fn examine(
    stage: &Stage,
    check: &UrlCheckJob,
    navigation: &Navigation,
    facts: &mut StepFacts,
) -> String {
    let seen = match stage
        .browser
        .devtools
        .evaluate(None, LOOK, CALL_LIMIT)
        .await
    {
        Ok(seen) => seen,
        Err(error) => {
            facts.unmet = Some(Unmet::wrong(format!(
                "{} could not be examined: {error}",
                check.url
            )));
            return String::new();
        }
    };
    // A refused URL (an unsafe port) sends no request and ends on the browser's error page without an error.
    if seen
        .get("href")
        .and_then(Value::as_str)
        .is_some_and(|href| href.starts_with("chrome-error:"))
    {
        let window = stage.browser.webdriver.window().await.ok();
        let shown = stage.browser.error_page(window.as_deref()).await;
        facts.net_error = navigation
            .error
            .clone()
            .or(shown)
            .or_else(|| Some("net::ERR_FAILED".to_owned()));
        return String::new();
    }
    let text = |name: &str| seen.get(name).and_then(Value::as_str).unwrap_or_default();
    let title = text("title").to_owned();
    let load_ms = seen.get("load").and_then(Value::as_f64);
    facts.unmet = unmet(
        check,
        navigation.status,
        seen.get("title").is_some_and(Value::is_string),
        &title,
        text("text"),
        load_ms,
    );
    if check.expect.status.is_some() && facts.unmet.is_none() {
        // The status is what was asked for, even if it is an error.
        facts.status = None;
    }
    title
}

fn unmet(
    check: &UrlCheckJob,
    status: Option<u16>,
    has_title: bool,
    title: &str,
    text: &str,
    load_ms: Option<f64>,
) -> Option<Unmet> {
    let UrlCheckJob { url, expect, .. } = check;
    let Expect {
        status: wanted_status,
        title: wanted_title,
        text: wanted_text,
        load,
    } = expect;
    match (wanted_status, status) {
        (Some(wanted), status) if status != Some(*wanted) => {
            return Some(Unmet::wrong(format!(
                "{url} answered with status {}, expected {wanted}",
                status.map_or_else(|| "none".to_owned(), |status| status.to_string())
            )));
        }
        (None, Some(status)) if status > 399 => {
            return Some(Unmet::wrong(format!("{url} answered with status {status}")));
        }
        _ => {}
    }
    if !has_title {
        return Some(Unmet::wrong(format!("{url} has no title element")));
    }
    if let Some(wanted) = wanted_title
        .as_ref()
        .filter(|wanted| !title.contains(wanted.as_str()))
    {
        return Some(Unmet::wrong(format!(
            "the title of {url} is `{title}`, expected to contain `{wanted}`"
        )));
    }
    if let Some(wanted) = wanted_text
        .as_ref()
        .filter(|wanted| !text.contains(wanted.as_str()))
    {
        return Some(Unmet::wrong(format!(
            "{url} does not show the text `{wanted}`"
        )));
    }
    let limit = load.as_ref()?;
    let limit_ms = limit.0.as_secs_f64() * 1000.0;
    let text = match load_ms {
        Some(load_ms) if load_ms <= limit_ms => return None,
        Some(load_ms) => format!("{url} was loaded after {load_ms:.0} ms, expected within {limit}"),
        None => format!("{url} did not end loading, expected within {limit}"),
    };
    Some(Unmet { text, slow: true })
}

#[cfg(test)]
mod tests {
    use canarytrace_model::stack::Span;

    use super::*;

    #[test]
    fn urls_are_validated_with_a_reason() {
        assert_eq!(reason_invalid("https://shop.example/a?b=c"), None);
        for url in [
            "shop.example",
            "ftp://h/",
            "http://",
            "https://h h/",
            "",
            "javascript:alert(1)",
        ] {
            assert!(reason_invalid(url).is_some(), "{url}");
        }
    }

    #[test]
    fn what_a_page_must_be() {
        let check = |expect: Expect| UrlCheckJob {
            url: "http://h/".to_owned(),
            expect,
            ..UrlCheckJob::default()
        };
        let plain = check(Expect::default());
        assert_eq!(unmet(&plain, Some(200), true, "T", "", Some(1.0)), None);
        assert!(
            unmet(&plain, Some(404), true, "T", "", None)
                .unwrap()
                .text
                .contains("status 404")
        );
        assert!(
            unmet(&plain, Some(200), false, "", "", None)
                .unwrap()
                .text
                .contains("no title")
        );
        let expect = Expect {
            status: Some(404),
            title: Some("Not".to_owned()),
            text: Some("here".to_owned()),
            load: Some(Span::parse("3s").unwrap()),
        };
        let full = check(expect);
        assert_eq!(
            unmet(
                &full,
                Some(404),
                true,
                "Not found",
                "not here",
                Some(2999.0)
            ),
            None
        );
        assert!(
            unmet(
                &full,
                Some(404),
                true,
                "Not found",
                "not here",
                Some(3001.0)
            )
            .unwrap()
            .text
            .contains("within 3s")
        );
        assert!(
            unmet(&full, Some(404), true, "Not found", "x", Some(1.0))
                .unwrap()
                .text
                .contains("`here`")
        );
        assert!(
            unmet(&full, Some(404), true, "x", "here", Some(1.0))
                .unwrap()
                .text
                .contains("title")
        );
        assert!(
            unmet(&full, Some(200), true, "Not found", "here", Some(1.0))
                .unwrap()
                .text
                .contains("expected 404")
        );
    }
}
