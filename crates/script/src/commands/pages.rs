//! Opening pages.

use std::time::Duration;

use canarytrace_driver::{Browser, webdriver::ErrorCode};
use serde_json::{Value, json};

use super::{CommandContext, CommandFailure, Outcome, text};

const LOAD_LIMIT: Duration = Duration::from_secs(60);
const WAIT_FOR_LOAD: &str = include_str!("../js/page/wait_for_load.js");
/// A response whose page is loaded is told of soon.
const ANSWERED_LIMIT: Duration = Duration::from_secs(1);
const PARSED: &str = "new Promise((resolve) => document.readyState === 'loading' \
    ? document.addEventListener('DOMContentLoaded', () => resolve()) : resolve())";
const SCHEMES: [&str; 5] = ["http", "https", "about", "data", "blob"];

/// `/` means the base URL itself, whatever its path; everything else resolves by the standard's rules.
pub(super) fn resolve_url(
    context: &CommandContext,
    arguments: &Value,
) -> Result<String, CommandFailure> {
    let target = &*text(arguments, "url")?;
    let configured = arguments.get("base").and_then(Value::as_str);
    let base = context
        .base_url
        .clone()
        .or_else(|| configured.map(str::to_owned));
    let url = match (&base, target) {
        (Some(base), "/") => base.clone(),
        (Some(base), target) => url::Url::parse(base)
            .and_then(|base| base.join(target))
            .map(String::from)
            .map_err(|error| {
                CommandFailure::script(format!(
                    "url `{target}` is not usable with base url `{base}`: {error}"
                ))
            })?,
        (None, target) if url::Url::parse(target).is_ok() => target.to_owned(),
        (None, target) => {
            return Err(CommandFailure::script(format!(
                "url `{target}` is relative and there is no BASE_URL"
            )));
        }
    };
    admit(context, &url)?;
    Ok(url)
}

/// Refuses a page of a scheme that a monitor does not open.
pub(super) fn admit(context: &CommandContext, url: &str) -> Result<(), CommandFailure> {
    let scheme = url.split(':').next().unwrap_or_default().to_lowercase();
    if !SCHEMES.contains(&&*scheme) && !context.schemes.contains(&scheme) {
        return Err(CommandFailure::script(format!(
            "url `{url}` is refused: a monitor opens no `{scheme}:` page; hint: allow it with `allow_schemes` of the monitor"
        )));
    }
    Ok(())
}

/// Opens a page and answers its navigation: request, response and what it asked for; none for `about:`, `data:` and the like.
pub(super) async fn navigate(
    browser: &Browser,
    context: &CommandContext,
    arguments: &Value,
) -> Outcome {
    let url = resolve_url(context, arguments)?;
    let window = browser.webdriver.window().await.ok();
    let navigations = browser.devtools.navigations();
    if let Some(window) = &window {
        navigations.forget(window);
    }
    match arguments.get("wait").and_then(Value::as_str) {
        Some(wait @ ("none" | "interactive")) => {
            start(browser, window.as_deref(), &url, wait).await?;
        }
        None | Some("complete" | "networkIdle") => load(browser, window.as_deref(), &url).await?,
        Some(other) => {
            return Err(CommandFailure::script(format!(
                "url: `wait` needs `none`, `interactive`, `complete` or `networkIdle`, got `{other}`"
            )));
        }
    }
    let Some(window) = window.filter(|_| url.starts_with("http")) else {
        return Ok(Value::Null);
    };
    Ok(json!(navigations.answered(&window, ANSWERED_LIMIT).await))
}

/// Opens a page and waits for its load event.
async fn load(browser: &Browser, window: Option<&str>, url: &str) -> Result<(), CommandFailure> {
    // A dialog that an earlier command left open would fail this one.
    if let Err(error) = browser.webdriver.navigate(url).await {
        if error.code() != Some(&ErrorCode::UnexpectedAlertOpen) {
            return Err(error.into());
        }
        browser.webdriver.dismiss_alert().await?;
        browser.webdriver.navigate(url).await?;
    }
    match browser.error_page(window).await {
        Some(error) => Err(CommandFailure::navigation(format!(
            "{url} cannot be opened: {error}"
        ))),
        None => Ok(()),
    }
}

/// Opens a page and waits for its first bytes, or (`interactive`) until it is parsed.
async fn start(
    browser: &Browser,
    window: Option<&str>,
    url: &str,
    wait: &str,
) -> Result<(), CommandFailure> {
    let params = json!({"url": url});
    let answer = browser
        .devtools
        .call_page(window, "Page.navigate", params, LOAD_LIMIT)
        .await?;
    if let Some(error) = answer.get("errorText").and_then(Value::as_str) {
        return Err(CommandFailure::navigation(format!(
            "{url} cannot be opened: {error}"
        )));
    }
    if wait == "interactive" {
        browser
            .devtools
            .evaluate(window, PARSED, LOAD_LIMIT)
            .await?;
    }
    Ok(())
}

pub(super) async fn wait_for_load(browser: &Browser) -> Outcome {
    let waited = browser
        .devtools
        .evaluate(None, WAIT_FOR_LOAD, LOAD_LIMIT)
        .await;
    waited
        .map_err(|error| CommandFailure::navigation(format!("loadEventEnd did not come: {error}")))
}
