//! Opening pages.

use std::time::Duration;

use canarytrace_driver::{Browser, webdriver::ErrorCode};
use serde_json::Value;

use super::{CommandContext, CommandFailure, Outcome, text};

const LOAD_LIMIT: Duration = Duration::from_secs(60);
const WAIT_FOR_LOAD: &str = include_str!("../js/page/wait_for_load.js");
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
    let scheme = url.split(':').next().unwrap_or_default();
    if !SCHEMES.contains(&scheme) && !context.schemes.iter().any(|allowed| allowed == scheme) {
        return Err(CommandFailure::script(format!(
            "url `{url}` is refused: a monitor opens no `{scheme}:` page; hint: allow it with `allow_schemes` of the monitor"
        )));
    }
    Ok(url)
}

pub(super) async fn navigate(
    browser: &Browser,
    context: &CommandContext,
    arguments: &Value,
) -> Outcome {
    let url = resolve_url(context, arguments)?;
    // A dialog that an earlier command left open would fail this one.
    if let Err(error) = browser.webdriver.navigate(&url).await {
        if error.code() != Some(&ErrorCode::UnexpectedAlertOpen) {
            return Err(error.into());
        }
        browser.webdriver.dismiss_alert().await?;
        browser.webdriver.navigate(&url).await?;
    }
    if let Some(error) = browser.error_page().await {
        return Err(CommandFailure::navigation(format!(
            "{url} cannot be opened: {error}"
        )));
    }
    Ok(Value::Null)
}

pub(super) async fn wait_for_load(browser: &Browser) -> Outcome {
    let waited = browser
        .devtools
        .evaluate(None, WAIT_FOR_LOAD, LOAD_LIMIT)
        .await;
    waited
        .map_err(|error| CommandFailure::navigation(format!("loadEventEnd did not come: {error}")))
}
