//! `browser.*`.

use std::time::Duration;

use canarytrace_driver::{
    Area, Browser,
    webdriver::{ErrorCode, WebDriverError},
};
use serde_json::{Value, json};

use super::{CommandContext, CommandFailure, Outcome, argument, element, text};
use crate::resolve::{chain, resolve_all};

const LOAD_LIMIT: Duration = Duration::from_secs(60);
const WAIT_FOR_LOAD: &str = include_str!("../js/page/wait_for_load.js");

pub(super) async fn perform(
    browser: &Browser,
    context: &CommandContext,
    command: &str,
    arguments: &Value,
) -> Outcome {
    let driver = &browser.webdriver;
    let first = || text(arguments, 0, command);
    match command {
        "url" => navigate(browser, context, &first()?).await,
        "getUrl" => Ok(json!(driver.url().await?)),
        "getTitle" => Ok(json!(driver.title().await?)),
        "getPageSource" => Ok(json!(driver.page_source().await?)),
        "back" => done(driver.back().await),
        "forward" => done(driver.forward().await),
        "refresh" => done(driver.reload().await),
        "execute" => execute(browser, arguments, false).await,
        "executeAsync" => execute(browser, arguments, true).await,
        "saveScreenshot" => save_screenshot(browser, context, &first()?).await,
        "keys" => keys(browser, argument(arguments, 0)).await,
        "waitForloadEventEnd" => {
            let waited = browser
                .devtools
                .evaluate(None, WAIT_FOR_LOAD, LOAD_LIMIT)
                .await;
            waited.map_err(|error| {
                CommandFailure::navigation(format!("loadEventEnd did not come: {error}"))
            })
        }
        "acceptAlert" => done(driver.accept_alert().await),
        "dismissAlert" => done(driver.dismiss_alert().await),
        "getAlertText" => Ok(json!(driver.alert_text().await?)),
        "isAlertOpen" => match driver.alert_text().await {
            Ok(_) => Ok(json!(true)),
            Err(error) if error.code() == Some(&ErrorCode::NoSuchAlert) => Ok(json!(false)),
            Err(error) => Err(error.into()),
        },
        "setTimeout" => Ok(Value::Null),
        "getActiveElement" => Ok(driver.active_element().await?.to_value()),
        "scroll" => {
            let script = "window.scrollBy(arguments[0], arguments[1])";
            Ok(driver
                .execute(
                    script,
                    &[
                        argument(arguments, 0).clone(),
                        argument(arguments, 1).clone(),
                    ],
                )
                .await?)
        }
        _ => match cookies(browser, command, arguments).await {
            Some(outcome) => outcome,
            None => windows(browser, command, arguments).await,
        },
    }
}

pub(super) fn done(result: Result<(), WebDriverError>) -> Outcome {
    result.map(|()| Value::Null).map_err(CommandFailure::from)
}

/// `/` means the base URL itself, whatever its path; everything else resolves by the standard's rules.
async fn navigate(browser: &Browser, context: &CommandContext, target: &str) -> Outcome {
    let url = match (&context.base_url, target) {
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

async fn execute(browser: &Browser, arguments: &Value, asynchronous: bool) -> Outcome {
    let script = arguments
        .get("script")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let mut values = Vec::new();
    for value in arguments
        .get("args")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default()
    {
        values.push(with_elements(browser, value).await?);
    }
    let answer = if asynchronous {
        browser.webdriver.execute_async(script, &values).await
    } else {
        browser.webdriver.execute(script, &values).await
    };
    answer.map_err(|error| match error.code() {
        Some(ErrorCode::JavascriptError) => CommandFailure::element(error.to_string()),
        _ => error.into(),
    })
}

/// Replaces element chains by references that the page understands.
async fn with_elements(browser: &Browser, value: Value) -> Outcome {
    let Some(inner) = value.get("__chain") else {
        return Ok(value);
    };
    if let Some(id) = value.get("__id").and_then(Value::as_str) {
        return Ok(canarytrace_driver::webdriver::ElementId(id.to_owned()).to_value());
    }
    let steps = chain(&json!({"chain": inner})).unwrap_or_default();
    let found = resolve_all(&browser.webdriver, &steps).await?;
    found
        .first()
        .map(|element| element.to_value())
        .ok_or_else(|| element::not_found("execute", &steps))
}

async fn save_screenshot(browser: &Browser, context: &CommandContext, path: &str) -> Outcome {
    let picture = browser.picture(&context.secrets, Area::Viewport).await?;
    store_screenshot(context, path, &picture)
}

/// A script's file name is kept, its folders are not: nothing is written outside of the run directory.
pub(super) fn store_screenshot(context: &CommandContext, path: &str, picture: &[u8]) -> Outcome {
    let name = std::path::Path::new(path).file_name().map_or_else(
        || "screenshot.png".into(),
        |name| name.to_string_lossy().into_owned(),
    );
    std::fs::write(context.attachments.join(&name), picture).map_err(|error| {
        CommandFailure::script(format!("screenshot `{name}` cannot be written: {error}"))
    })?;
    Ok(Value::Null)
}

async fn keys(browser: &Browser, value: &Value) -> Outcome {
    let texts: Vec<String> = match value {
        Value::Array(items) => items
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect(),
        Value::String(text) => vec![text.clone()],
        other => {
            return Err(CommandFailure::script(format!(
                "keys needs a text or a list, got {other}"
            )));
        }
    };
    let mut pressed = Vec::new();
    let chord = value.is_array();
    let keys: Vec<String> = texts.iter().flat_map(|text| key_values(text)).collect();
    for key in &keys {
        pressed.push(json!({"type": "keyDown", "value": key}));
        if !chord {
            pressed.push(json!({"type": "keyUp", "value": key}));
        }
    }
    if chord {
        pressed.extend(
            keys.iter()
                .rev()
                .map(|key| json!({"type": "keyUp", "value": key})),
        );
    }
    let actions = json!([{"type": "key", "id": "keyboard", "actions": pressed}]);
    done(browser.webdriver.perform_actions(&actions).await)
}

/// A named key is one character of WebDriver's private range; other text is its characters.
fn key_values(text: &str) -> Vec<String> {
    let named = match text {
        "Enter" | "Return" => '\u{E007}',
        "Tab" => '\u{E004}',
        "Backspace" => '\u{E003}',
        "Escape" => '\u{E00C}',
        "Delete" => '\u{E017}',
        "Shift" => '\u{E008}',
        "Control" | "Ctrl" => '\u{E009}',
        "Alt" => '\u{E00A}',
        "Meta" | "Command" => '\u{E03D}',
        "ArrowLeft" => '\u{E012}',
        "ArrowUp" => '\u{E013}',
        "ArrowRight" => '\u{E014}',
        "ArrowDown" => '\u{E015}',
        "Home" => '\u{E011}',
        "End" => '\u{E010}',
        "PageUp" => '\u{E00E}',
        "PageDown" => '\u{E00F}',
        _ => return text.chars().map(String::from).collect(),
    };
    vec![named.to_string()]
}

async fn cookies(browser: &Browser, command: &str, arguments: &Value) -> Option<Outcome> {
    let driver = &browser.webdriver;
    let first = argument(arguments, 0);
    let outcome = async {
        match command {
            "getCookies" => {
                let names: Vec<&str> = first.as_array().map_or_else(
                    || first.as_str().into_iter().collect(),
                    |names| names.iter().filter_map(Value::as_str).collect(),
                );
                let cookies = driver.cookies().await?;
                let wanted = |cookie: &Value| {
                    names.is_empty()
                        || cookie
                            .get("name")
                            .and_then(Value::as_str)
                            .is_some_and(|name| names.contains(&name))
                };
                Ok(Value::Array(cookies.into_iter().filter(wanted).collect()))
            }
            "setCookies" => {
                for cookie in first
                    .as_array()
                    .cloned()
                    .unwrap_or_else(|| vec![first.clone()])
                {
                    driver.add_cookie(&cookie).await?;
                }
                Ok(Value::Null)
            }
            "deleteCookies" | "deleteAllCookies" => done(driver.delete_cookies().await),
            _ => Ok(json!({"__unknown": true})),
        }
    }
    .await;
    match outcome {
        Ok(value) if value.get("__unknown").is_some() => None,
        outcome => Some(outcome),
    }
}

async fn windows(browser: &Browser, command: &str, arguments: &Value) -> Outcome {
    let driver = &browser.webdriver;
    match command {
        "getWindowHandle" => Ok(json!(driver.window().await?)),
        "getWindowHandles" => Ok(json!(driver.windows().await?)),
        "switchToWindow" => done(driver.switch_to_window(&text(arguments, 0, command)?).await),
        "switchWindow" => switch_window(browser, &text(arguments, 0, command)?).await,
        "newWindow" => {
            let handle = driver.new_window("tab").await?;
            driver.switch_to_window(&handle).await?;
            driver.navigate(&text(arguments, 0, command)?).await?;
            Ok(json!(handle))
        }
        "closeWindow" => {
            driver.close_window().await?;
            if let Some(handle) = driver.windows().await?.first() {
                driver.switch_to_window(handle).await?;
            }
            Ok(Value::Null)
        }
        "setWindowSize" => Ok(driver
            .set_window_rect(
                &json!({"width": argument(arguments, 0), "height": argument(arguments, 1)}),
            )
            .await?),
        "getWindowSize" => {
            let rect = driver.window_rect().await?;
            Ok(json!({"width": rect.get("width"), "height": rect.get("height")}))
        }
        "maximizeWindow" => Ok(driver
            .command(reqwest::Method::POST, "window/maximize", None)
            .await?),
        "switchToFrame" | "switchFrame" => {
            let frame = with_elements(browser, argument(arguments, 0).clone()).await?;
            done(driver.switch_to_frame(&frame).await)
        }
        "switchToParentFrame" => done(driver.switch_to_parent_frame().await),
        other => Err(CommandFailure::script(format!(
            "browser.{other} is not available in this version"
        ))),
    }
}

/// Switches to the window whose URL or title contains the text.
async fn switch_window(browser: &Browser, wanted: &str) -> Outcome {
    let driver = &browser.webdriver;
    for handle in driver.windows().await? {
        driver.switch_to_window(&handle).await?;
        if driver.url().await?.contains(wanted) || driver.title().await?.contains(wanted) {
            return Ok(json!(handle));
        }
    }
    Err(CommandFailure::element(format!(
        "No window found with title, url, name or window handle matching \"{wanted}\""
    )))
}
