//! Who is to blame for a failed run, so that one cause is one incident whatever monitors see it.

use canarytrace_model::party::is_third_party;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

/// The verdict of a failed run, as far as a notice tells it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Blame {
    /// `verdict.cause`.
    pub cause: String,
    /// What runs with the same trouble have in common, such as `third-party cdn.example`.
    pub party: String,
    pub detail: String,
    /// Of the failed run.
    pub uuid: String,
    pub monitor: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub screenshot: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    /// Short facts of the verdict: name and text.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub facts: Vec<(String, String)>,
}

const TOLD: [&str; 6] = ["url", "status", "netError", "phase", "certainty", "place"];
const LONGEST: usize = 300;

impl Blame {
    /// Of a `c.run` document.
    pub(crate) fn of(run: &Value) -> Self {
        let text =
            |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or_default().to_owned();
        let verdict = run.get("verdict").unwrap_or(&Value::Null);
        let facts = verdict.get("facts").unwrap_or(&Value::Null);
        let cause = match verdict.get("cause").and_then(Value::as_str) {
            Some(cause) => cause.to_owned(),
            None => "inconclusive".to_owned(),
        };
        let monitor = text(run.get("monitor"));
        let told = TOLD
            .iter()
            .filter_map(|name| Some(((*name).to_owned(), short(facts.get(*name)?)?)));
        Self {
            party: party(&cause, &monitor, run, facts),
            detail: text(verdict.get("detail")),
            uuid: text(run.get("uuid")),
            screenshot: run
                .get("screenshot")
                .and_then(Value::as_str)
                .map(str::to_owned),
            revision: run
                .get("revision")
                .and_then(Value::as_str)
                .map(str::to_owned),
            facts: told.collect(),
            cause,
            monitor,
        }
    }
}

fn short(value: &Value) -> Option<String> {
    let text = match value {
        Value::Null => return None,
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    Some(text.chars().take(LONGEST).collect())
}

fn party(cause: &str, monitor: &str, run: &Value, facts: &Value) -> String {
    let page = facts
        .get("url")
        .or_else(|| run.pointer("/vitals/url"))
        .and_then(Value::as_str);
    let host = |url: &str| Url::parse(url).ok()?.host_str().map(str::to_owned);
    match cause {
        "site" | "login" | "inconclusive" => {
            let site = page.and_then(host).unwrap_or_else(|| monitor.to_owned());
            format!("{cause} {site}")
        }
        "third-party" => {
            let named = facts.get("host").and_then(Value::as_str).map(str::to_owned);
            let requested = || {
                facts
                    .get("requests")
                    .and_then(Value::as_array)
                    .into_iter()
                    .flatten()
                    .filter_map(|request| request.get("url").and_then(Value::as_str))
                    .find(|url| page.is_none_or(|page| is_third_party(page, url)))
                    .and_then(host)
            };
            let host = named.or_else(requested);
            format!("third-party {}", host.unwrap_or_else(|| monitor.to_owned()))
        }
        // Of the machine that runs are started on: all its monitors see the same.
        "network" | "browser" | "runner" => cause.to_owned(),
        other => format!("{other} {monitor}"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn party_of(run: Value) -> String {
        Blame::of(&run).party
    }

    #[test]
    fn one_cause_has_one_party() {
        let failed = |cause: &str, facts: Value| json!({"monitor": "shop", "uuid": "a", "verdict": {"cause": cause, "facts": facts}});
        let url = "https://shop.example/cart";
        assert_eq!(
            party_of(failed("site", json!({"url": url}))),
            "site shop.example"
        );
        assert_eq!(party_of(failed("site", json!({}))), "site shop");
        assert_eq!(
            party_of(failed(
                "third-party",
                json!({"url": url, "requests": [{"url": "https://shop.example/a"}, {"url": "https://cdn.other.example/b"}]})
            )),
            "third-party cdn.other.example"
        );
        assert_eq!(party_of(failed("runner", json!({}))), "runner");
        assert_eq!(party_of(failed("script", json!({}))), "script shop");
    }
}
