//! Selectors and the chains of them that an element is.

use canarytrace_driver::webdriver::{
    ELEMENT_KEY, ElementId, ErrorCode, Locator, WebDriver, WebDriverError,
};
use serde::Deserialize;
use serde_json::Value;

/// One `$(…)` or `$$(…)[index]`.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Step {
    pub(crate) selector: String,
    /// The selector is meant as this strategy, whatever it looks like.
    #[serde(default)]
    using: Option<String>,
    /// Body of a function that finds the element.
    #[serde(default)]
    function: Option<String>,
    #[serde(default)]
    index: Option<usize>,
}

/// Reads a selector as WebdriverIO does.
pub(crate) fn locator(selector: &str) -> Locator {
    let literal = xpath_literal;
    if let Some(text) = selector.strip_prefix("*=") {
        return Locator::partial_link_text(text);
    }
    if let Some(text) = selector.strip_prefix('=') {
        return Locator::link_text(text);
    }
    if selector.starts_with('/')
        || selector.starts_with('(')
        || selector.starts_with("./")
        || selector.starts_with("../")
        || selector.starts_with("*/")
        || selector == ".."
    {
        return Locator::xpath(selector);
    }
    if let Some(name) = selector.strip_prefix("aria/") {
        let text = literal(name);
        return Locator::xpath(format!(
            ".//*[@aria-label={text} or normalize-space()={text} or @placeholder={text} or @alt={text} or @title={text} or @id=//label[normalize-space()={text}]/@for][not(.//*[normalize-space()={text}])]"
        ));
    }
    element_with_text(selector).unwrap_or_else(|| Locator::css(selector))
}

/// `h1=Welcome`, `.class*=part`, `#id=…`: an element with a text.
fn element_with_text(selector: &str) -> Option<Locator> {
    let at = selector.find('=')?;
    let (head, text) = (selector.get(..at)?, selector.get(at + 1..)?);
    let (head, partial) = head
        .strip_suffix('*')
        .map_or((head, false), |head| (head, true));
    let plain = |name: &str| {
        !name.is_empty()
            && name
                .chars()
                .all(|character| character.is_alphanumeric() || "-_".contains(character))
    };
    let node = match head.split_at_checked(1) {
        Some((".", class)) if plain(class) => {
            format!("*[contains(concat(' ', @class, ' '), ' {class} ')]")
        }
        Some(("#", id)) if plain(id) => format!("*[@id='{id}']"),
        _ if plain(head) && head.starts_with(char::is_alphabetic) => head.to_owned(),
        _ => return None,
    };
    let text = xpath_literal(text);
    let test = if partial {
        format!("contains(., {text})")
    } else {
        format!("normalize-space() = {text}")
    };
    Some(Locator::xpath(format!(".//{node}[{test}]")))
}

fn xpath_literal(text: &str) -> String {
    if !text.contains('\'') {
        return format!("'{text}'");
    }
    let parts: Vec<String> = text.split('\'').map(|part| format!("'{part}'")).collect();
    format!("concat({})", parts.join(", \"'\", "))
}

/// The elements at the end of a chain; an index in the chain takes one of its step's.
pub(crate) async fn resolve_all(
    driver: &WebDriver,
    chain: &[Step],
) -> Result<Vec<ElementId>, WebDriverError> {
    let mut parents: Vec<Option<ElementId>> = vec![None];
    let mut found = Vec::new();
    for (position, step) in chain.iter().enumerate() {
        found.clear();
        let last = position + 1 == chain.len();
        for parent in &parents {
            let elements = find(driver, parent.as_ref(), step).await?;
            found.extend(elements);
            if !last && !found.is_empty() {
                break;
            }
        }
        if let Some(index) = step.index {
            found = found.get(index).cloned().into_iter().collect();
        } else if !last {
            found.truncate(1);
        }
        if found.is_empty() {
            break;
        }
        parents = found.iter().cloned().map(Some).collect();
    }
    Ok(found)
}

async fn find(
    driver: &WebDriver,
    parent: Option<&ElementId>,
    step: &Step,
) -> Result<Vec<ElementId>, WebDriverError> {
    if let Some(function) = &step.function {
        let answer = driver.execute(function, &[]).await?;
        let items = answer.as_array().cloned().unwrap_or_else(|| vec![answer]);
        return Ok(items
            .iter()
            .filter_map(|item| {
                item.get(ELEMENT_KEY)?
                    .as_str()
                    .map(|id| ElementId(id.to_owned()))
            })
            .collect());
    }
    let mut locator = match step.using.as_deref() {
        Some("xpath") => Locator::xpath(step.selector.clone()),
        _ => locator(&step.selector),
    };
    // An XPath from the root ignores its parent: WebdriverIO's users mean "below".
    if parent.is_some() && locator.using == "xpath" && locator.value.starts_with("//") {
        locator.value.insert(0, '.');
    }
    match driver.find_all(parent, &locator).await {
        Err(error)
            if matches!(
                error.code(),
                Some(
                    ErrorCode::StaleElementReference
                        | ErrorCode::NoSuchElement
                        | ErrorCode::NoSuchShadowRoot
                )
            ) =>
        {
            Ok(Vec::new())
        }
        other => other,
    }
}

/// Reads the `chain` of a command's arguments.
pub(crate) fn chain(arguments: &Value) -> Option<Vec<Step>> {
    serde_json::from_value(arguments.get("chain")?.clone())
        .ok()
        .filter(|chain: &Vec<Step>| !chain.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selectors_are_read_as_webdriverio_reads_them() {
        let check = |selector: &str, using: &str, value: &str| {
            let locator = locator(selector);
            assert_eq!(
                (locator.using, locator.value.as_str()),
                (using, value),
                "{selector}"
            );
        };
        check("#username", "css selector", "#username");
        check(
            "button[type=\"submit\"]",
            "css selector",
            "button[type=\"submit\"]",
        );
        check("(//a[@href=\"/x\"])[1]", "xpath", "(//a[@href=\"/x\"])[1]");
        check(
            "((//main[@id=\"main\"]//ul)[2]/li)[1]",
            "xpath",
            "((//main[@id=\"main\"]//ul)[2]/li)[1]",
        );
        check("=Log in", "link text", "Log in");
        check("*=Log", "partial link text", "Log");
        check("h1=Košík", "xpath", ".//h1[normalize-space() = 'Košík']");
        check(
            ".item*=it's",
            "xpath",
            ".//*[contains(concat(' ', @class, ' '), ' item ')][contains(., concat('it', \"'\", 's'))]",
        );
        check("input[name=q]", "css selector", "input[name=q]");
    }
}
