//! Commands on elements: found again when stale, waited for when missing.

use std::time::{Duration, Instant};

use canarytrace_driver::{
    Browser,
    devtools::DevToolsError,
    webdriver::{ElementId, ErrorCode, WebDriver, WebDriverError},
};
use serde_json::{Value, json};

use super::{
    CommandContext, CommandFailure, Outcome, argument, browser::done, browser::store_screenshot,
    text,
};
use crate::resolve::{Step, chain, resolve_all};

const IS_CLICKABLE: &str = include_str!("../js/page/is_clickable.js");

pub(super) async fn perform(
    browser: &Browser,
    context: &CommandContext,
    command: &str,
    arguments: &Value,
) -> Outcome {
    let steps = chain(arguments)
        .ok_or_else(|| CommandFailure::script(format!("{command} has no element")))?;
    let driver = &browser.webdriver;
    match command {
        "find" => Ok(json!(
            resolve_all(driver, &steps)
                .await?
                .first()
                .map(|element| element.0.clone())
        )),
        "findAll" => Ok(resolve_all(driver, &steps)
            .await?
            .into_iter()
            .map(|element| Value::String(element.0))
            .collect()),
        "isExisting" => Ok(json!(!resolve_all(driver, &steps).await?.is_empty())),
        "isDisplayed" | "isClickable" | "isStable" | "isEnabled"
            if arguments.get("wait").and_then(Value::as_u64) == Some(0) =>
        {
            state(driver, command, &steps).await
        }
        _ => with_element(browser, context, command, &steps, arguments).await,
    }
}

pub(super) fn not_found(command: &str, steps: &[Step]) -> CommandFailure {
    let selector = steps.last().map_or("", |step| step.selector.as_str());
    CommandFailure::element(format!(
        "Can't call {command} on element with selector \"{selector}\" because element wasn't found"
    ))
}

fn is_stale(error: &WebDriverError) -> bool {
    matches!(
        error.code(),
        Some(ErrorCode::StaleElementReference | ErrorCode::NoSuchElement)
    )
}

/// A question about an element that may be missing: then the answer is no.
async fn state(driver: &WebDriver, command: &str, steps: &[Step]) -> Outcome {
    let Some(element) = resolve_all(driver, steps).await?.into_iter().next() else {
        return Ok(json!(false));
    };
    let answer = match command {
        "isDisplayed" => driver.is_displayed(&element).await,
        "isEnabled" => driver.is_enabled(&element).await,
        "isStable" => {
            let before = driver.rect(&element).await?;
            driver.rect(&element).await.map(|after| before == after)
        }
        _ => driver
            .execute(IS_CLICKABLE, &[element.to_value()])
            .await
            .map(|answer| answer == json!(true)),
    };
    match answer {
        Ok(answer) => Ok(json!(answer)),
        Err(error) if is_stale(&error) => Ok(json!(false)),
        Err(error) => Err(error.into()),
    }
}

/// Finds the element (the id the script holds first), waits until it is there, and acts on it; a stale one is found again.
async fn with_element(
    browser: &Browser,
    context: &CommandContext,
    command: &str,
    steps: &[Step],
    arguments: &Value,
) -> Outcome {
    let driver = &browser.webdriver;
    let limit = Duration::from_millis(arguments.get("wait").and_then(Value::as_u64).unwrap_or(0));
    let deadline = Instant::now() + limit;
    let mut known = arguments
        .get("id")
        .and_then(Value::as_str)
        .map(|id| ElementId(id.to_owned()));
    loop {
        let element = match known.take() {
            Some(element) => Some(element),
            None => resolve_all(driver, steps).await?.into_iter().next(),
        };
        if let Some(element) = element {
            match act(browser, context, command, &element, arguments).await {
                Err(Acting::Retry(error)) if Instant::now() < deadline => drop(error),
                Err(Acting::Retry(error)) => return Err(error.into()),
                Err(Acting::Failed(failure)) => return Err(failure),
                Ok(value) => return Ok(value),
            }
        } else if Instant::now() >= deadline {
            return Err(not_found(command, steps));
        }
        tokio::time::sleep(context.interval).await;
    }
}

enum Acting {
    /// The element went away or something lies over it: it may be there again soon.
    Retry(WebDriverError),
    Failed(CommandFailure),
}

impl From<WebDriverError> for Acting {
    fn from(error: WebDriverError) -> Self {
        let passing = matches!(
            error.code(),
            Some(
                ErrorCode::StaleElementReference
                    | ErrorCode::NoSuchElement
                    | ErrorCode::ElementNotInteractable
                    | ErrorCode::ElementClickIntercepted
            )
        );
        if passing {
            Acting::Retry(error)
        } else {
            Acting::Failed(error.into())
        }
    }
}

impl From<DevToolsError> for Acting {
    fn from(error: DevToolsError) -> Self {
        Acting::Failed(error.into())
    }
}

impl From<CommandFailure> for Acting {
    fn from(failure: CommandFailure) -> Self {
        Acting::Failed(failure)
    }
}

async fn act(
    browser: &Browser,
    context: &CommandContext,
    command: &str,
    element: &ElementId,
    arguments: &Value,
) -> Result<Value, Acting> {
    let driver = &browser.webdriver;
    let script = async |body: &str, extra: Vec<Value>| {
        let values: Vec<Value> = std::iter::once(element.to_value()).chain(extra).collect();
        driver.execute(body, &values).await
    };
    Ok(match command {
        "click" => {
            driver.click(element).await?;
            Value::Null
        }
        "doubleClick" | "moveTo" => {
            let origin = json!({"type": "pointerMove", "origin": element.to_value(), "x": 0, "y": 0, "duration": 0});
            let mut actions = vec![origin];
            if command == "doubleClick" {
                for _ in 0..2 {
                    actions.push(json!({"type": "pointerDown", "button": 0}));
                    actions.push(json!({"type": "pointerUp", "button": 0}));
                }
            }
            driver.perform_actions(&json!([{"type": "pointer", "id": "mouse", "parameters": {"pointerType": "mouse"}, "actions": actions}])).await?;
            Value::Null
        }
        "setValue" => {
            driver.clear(element).await?;
            driver
                .send_keys(element, &text(arguments, 0, command)?)
                .await?;
            Value::Null
        }
        "addValue" => {
            driver
                .send_keys(element, &text(arguments, 0, command)?)
                .await?;
            Value::Null
        }
        "clearValue" => {
            driver.clear(element).await?;
            Value::Null
        }
        "saveScreenshot" => {
            browser.cover(&context.secrets).await?;
            let encoded = driver
                .command(
                    reqwest::Method::GET,
                    &format!("element/{}/screenshot", element.0),
                    None,
                )
                .await;
            browser.uncover().await?;
            let picture = base64_bytes(&encoded?);
            store_screenshot(context, &text(arguments, 0, command)?, &picture)?
        }
        "selectByVisibleText" | "selectByAttribute" | "selectByIndex" => {
            select(driver, command, element, arguments).await?
        }
        "scrollIntoView" => {
            script(
                "arguments[0].scrollIntoView(arguments[1] ?? true)",
                vec![argument(arguments, 0).clone()],
            )
            .await?
        }
        _ => read(driver, command, element, arguments).await?,
    })
}

async fn read(
    driver: &WebDriver,
    command: &str,
    element: &ElementId,
    arguments: &Value,
) -> Result<Value, Acting> {
    let script = async |body: &str, extra: Vec<Value>| {
        let values: Vec<Value> = std::iter::once(element.to_value()).chain(extra).collect();
        driver.execute(body, &values).await
    };
    Ok(match command {
        "getText" => json!(driver.text(element).await?),
        "getValue" => driver.property(element, "value").await?,
        "getTagName" => json!(driver.tag_name(element).await?),
        "getAttribute" => {
            driver
                .attribute(element, &text(arguments, 0, command)?)
                .await?
        }
        "getProperty" => {
            driver
                .property(element, &text(arguments, 0, command)?)
                .await?
        }
        "getCSSProperty" => {
            let name = text(arguments, 0, command)?;
            json!({"property": name, "value": driver.css_value(element, &name).await?})
        }
        "getHTML" => {
            let first = argument(arguments, 0);
            let outer = first
                .as_bool()
                .or_else(|| first.get("includeSelectorTag").and_then(Value::as_bool))
                .unwrap_or(true);
            script(
                "return arguments[1] ? arguments[0].outerHTML : arguments[0].innerHTML",
                vec![json!(outer)],
            )
            .await?
        }
        "getLocation" | "getSize" => {
            let rect = driver.rect(element).await?;
            let answer = if command == "getSize" {
                json!({"width": rect.width, "height": rect.height})
            } else {
                json!({"x": rect.x, "y": rect.y})
            };
            argument(arguments, 0)
                .as_str()
                .and_then(|name| answer.get(name).cloned())
                .unwrap_or(answer)
        }
        "isEnabled" => json!(driver.is_enabled(element).await?),
        "isSelected" => json!(driver.is_selected(element).await?),
        "isFocused" => script("return document.activeElement === arguments[0]", vec![]).await?,
        "getComputedLabel" => {
            driver
                .command(
                    reqwest::Method::GET,
                    &format!("element/{}/computedlabel", element.0),
                    None,
                )
                .await?
        }
        "getComputedRole" => {
            driver
                .command(
                    reqwest::Method::GET,
                    &format!("element/{}/computedrole", element.0),
                    None,
                )
                .await?
        }
        other => {
            return Err(CommandFailure::script(format!(
                "element.{other} is not available in this version"
            ))
            .into());
        }
    })
}

async fn select(
    driver: &WebDriver,
    command: &str,
    element: &ElementId,
    arguments: &Value,
) -> Result<Value, Acting> {
    let options = driver
        .find_all(
            Some(element),
            &canarytrace_driver::webdriver::Locator::css("option"),
        )
        .await?;
    let index = argument(arguments, 0)
        .as_u64()
        .and_then(|index| usize::try_from(index).ok());
    for (position, option) in options.iter().enumerate() {
        let matches = match command {
            "selectByIndex" => Some(position) == index,
            "selectByVisibleText" => {
                driver.text(option).await?.trim() == text(arguments, 0, command)?.trim()
            }
            _ => {
                driver
                    .attribute(option, &text(arguments, 0, command)?)
                    .await?
                    .as_str()
                    == Some(text(arguments, 1, command)?.as_str())
            }
        };
        if matches {
            return done(driver.click(option).await).map_err(Acting::from);
        }
    }
    Err(
        CommandFailure::element(format!("Option with {} not found.", argument(arguments, 0)))
            .into(),
    )
}

fn base64_bytes(encoded: &Value) -> Vec<u8> {
    use base64::{Engine, prelude::BASE64_STANDARD};
    encoded
        .as_str()
        .and_then(|text| BASE64_STANDARD.decode(text).ok())
        .unwrap_or_default()
}
