//! Mocks, throttling, emulation and raw DevTools commands.

use std::{collections::HashMap, time::Duration};

use canarytrace_driver::{
    Browser,
    devtools::{Emulation, InterceptionAnswer, NetworkConditions, RequestFilter},
};
use regex::{Regex, RegexBuilder};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{CommandContext, CommandFailure, Outcome, admission, text, typed};

const CALL_LIMIT: Duration = Duration::from_secs(30);

pub(super) async fn perform(
    browser: &Browser,
    context: &CommandContext,
    name: &str,
    arguments: &Value,
) -> Outcome {
    let devtools = &browser.devtools;
    let rule = || {
        arguments
            .get("id")
            .and_then(Value::as_u64)
            .and_then(|id| usize::try_from(id).ok())
    };
    match name {
        "cdp" => {
            let window = browser.webdriver.window().await.ok();
            let mut params = arguments
                .get("params")
                .cloned()
                .unwrap_or_else(|| json!({}));
            let method = text(arguments, "method")?;
            admission::admit(context, &method, &mut params)?;
            Ok(devtools
                .call_page(window.as_deref(), method, params, CALL_LIMIT)
                .await?)
        }
        "emulate" => {
            let window = browser.webdriver.window().await.ok();
            let emulation: Emulation = typed("emulate", arguments)?;
            devtools.emulate(window.as_deref(), &emulation).await?;
            Ok(Value::Null)
        }
        "throttle" => {
            devtools
                .throttle(conditions(arguments.get("params").unwrap_or(&Value::Null))?)
                .await?;
            Ok(Value::Null)
        }
        "extraHeaders" => {
            let window = browser.webdriver.window().await.ok();
            devtools
                .extra_headers(
                    window.as_deref(),
                    arguments.get("headers").unwrap_or(&json!({})),
                )
                .await?;
            Ok(Value::Null)
        }
        "mock" => {
            let filter = filter(typed("mock", arguments)?)?;
            let number = devtools.interceptions().add(filter);
            devtools.intercept().await?;
            Ok(json!(number))
        }
        "mockAnswer" => {
            let answer: InterceptionAnswer =
                typed("mock", arguments.get("answer").unwrap_or(&Value::Null))?;
            let once = arguments
                .get("once")
                .and_then(Value::as_bool)
                .unwrap_or(false);
            devtools
                .interceptions()
                .answer(rule().unwrap_or(usize::MAX), answer, once);
            Ok(Value::Null)
        }
        "injectHeroElements" => {
            inject(browser, arguments).await?;
            Ok(Value::Null)
        }
        "mockClear" => {
            devtools.interceptions().clear(rule());
            Ok(Value::Null)
        }
        _ => {
            devtools.interceptions().restore(rule());
            if !devtools.interceptions().is_active() {
                devtools.stop_intercepting().await?;
            }
            Ok(Value::Null)
        }
    }
}

/// DevTools' request patterns, as `InjectHeroElements` was given them.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct InjectionPattern {
    #[serde(default = "every_url")]
    url_pattern: String,
    resource_type: Option<String>,
}

fn every_url() -> String {
    "*".to_owned()
}

/// Replaces texts in the documents that patterns name; stays until the session ends.
async fn inject(browser: &Browser, arguments: &Value) -> Result<(), CommandFailure> {
    let given = |name: &str| arguments.get(name).unwrap_or(&Value::Null);
    let what = "InjectHeroElements: configuration.patterns";
    let patterns: Vec<InjectionPattern> = typed(what, given("patterns"))?;
    let rules: Vec<(String, String)> = typed("InjectHeroElements: rules", given("rules"))?;
    let interceptions = browser.devtools.interceptions();
    for pattern in patterns {
        let filter = RequestFilter {
            url: Some(wildcard(&pattern.url_pattern).map_err(|error| {
                CommandFailure::script(format!("InjectHeroElements: urlPattern: {error}"))
            })?),
            resource_type: pattern.resource_type,
            ..RequestFilter::default()
        };
        let number = interceptions.add(filter);
        let answer = InterceptionAnswer::Rewrite {
            rules: rules.clone(),
        };
        interceptions.answer(number, answer, false);
    }
    Ok(browser.devtools.intercept().await?)
}

/// `*` is any text, `?` one character, as DevTools has it.
fn wildcard(pattern: &str) -> Result<Regex, regex::Error> {
    let escaped = regex::escape(pattern)
        .replace("\\*", ".*")
        .replace("\\?", ".");
    Regex::new(&format!("^{escaped}$"))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Conditions {
    #[serde(default)]
    offline: bool,
    #[serde(default)]
    latency: f64,
    download_throughput: Option<f64>,
    upload_throughput: Option<f64>,
}

fn conditions(params: &Value) -> Result<NetworkConditions, CommandFailure> {
    let refused = || {
        let presets = NetworkConditions::PRESETS.join(", ");
        CommandFailure::script(format!(
            "Invalid parameter for \"throttleNetwork\". Expected it to be typeof object or one of the following values: {presets} but found {params}"
        ))
    };
    if let Some(name) = params.as_str() {
        return NetworkConditions::preset(name).ok_or_else(refused);
    }
    let given: Conditions = serde_json::from_value(params.clone()).map_err(|_| refused())?;
    Ok(NetworkConditions {
        offline: given.offline,
        latency_ms: given.latency,
        download: given.download_throughput.unwrap_or(-1.0),
        upload: given.upload_throughput.unwrap_or(-1.0),
    })
}

/// What `browser.mock(url, filter)` was given.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct MockFilter {
    url: MockUrl,
    method: Option<String>,
    headers: Option<HashMap<String, String>>,
    response_headers: Option<HashMap<String, String>>,
    status_code: Option<u16>,
    post_data: Option<String>,
    /// Of what the script looks at itself.
    token: Option<u64>,
    /// It looks at the response.
    #[serde(default)]
    needs_response: bool,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum MockUrl {
    Glob(String),
    Pattern { pattern: String, flags: String },
}

fn filter(given: MockFilter) -> Result<RequestFilter, CommandFailure> {
    let url = match &given.url {
        MockUrl::Glob(glob) => glob_pattern(glob),
        MockUrl::Pattern { pattern, flags } => RegexBuilder::new(pattern)
            .case_insensitive(flags.contains('i'))
            .build(),
    };
    let url = url.map_err(|error| {
        CommandFailure::script(format!("mock: the url's pattern is not usable: {error}"))
    })?;
    Ok(RequestFilter {
        url: Some(url),
        method: given.method.map(|method| method.to_ascii_uppercase()),
        headers: given.headers.unwrap_or_default(),
        response_headers: given.response_headers.unwrap_or_default(),
        status: given.status_code,
        post_data: given.post_data,
        resource_type: None,
        token: given.token,
        needs_response: given.needs_response,
    })
}

/// `*` is any text within a path's part, `**` across parts; without a scheme the URL may begin anywhere.
fn glob_pattern(glob: &str) -> Result<Regex, regex::Error> {
    let mut pattern = String::new();
    let mut characters = glob.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '*' => {
                let across = characters.next_if_eq(&'*').is_some();
                pattern.push_str(if across { ".*" } else { "[^/]*" });
            }
            '?' => pattern.push_str("\\?"),
            other => pattern.push_str(&regex::escape(&other.to_string())),
        }
    }
    let start = if glob.contains("://") || glob.starts_with("**") {
        "^"
    } else {
        ""
    };
    Regex::new(&format!("{start}{pattern}(?:[?#].*)?$"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs_are_read_as_patterns_of_urls() {
        let matches = |glob: &str, url: &str| glob_pattern(glob).unwrap().is_match(url);
        assert!(matches("**/api/items", "http://127.0.0.1:8000/api/items"));
        assert!(matches(
            "**/api/items",
            "http://127.0.0.1:8000/api/items?x=1"
        ));
        assert!(!matches(
            "**/api/items",
            "http://127.0.0.1:8000/api/items/1"
        ));
        assert!(matches("**/api/*", "http://h/api/items"));
        assert!(!matches("**/api/*", "http://h/api/items/1"));
        assert!(matches("http://h/api/**", "http://h/api/items/1"));
        assert!(matches("/todos", "http://h/todos"));
        assert!(matches("**/a.b", "http://h/a.b"));
        assert!(!matches("**/a.b", "http://h/aXb"));
    }

    #[test]
    fn a_network_is_a_preset_or_numbers() {
        assert_eq!(conditions(&json!("Regular3G")).unwrap().latency_ms, 100.0);
        assert!(conditions(&json!("5G")).is_err());
        let given = conditions(&json!({"latency": 5, "downloadThroughput": 1000})).unwrap();
        assert_eq!(
            (given.latency_ms, given.download, given.upload),
            (5.0, 1000.0, -1.0)
        );
    }
}
