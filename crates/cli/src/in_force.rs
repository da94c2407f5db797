//! What a server is running with, as people may see it: arguments, variables and canarytrace.yaml, without secrets.

use std::path::Path;

use canarytrace_evidence::Secrets;
use canarytrace_server::ConfigurationFile;
use serde_json::Value;

use crate::variables::{Variables, is_secret};

const HIDDEN: &str = "********";

/// The file as it is now; a monitor's part of it by its id.
pub(crate) fn file(path: &Path, variables: &Variables) -> ConfigurationFile {
    let mut shown = ConfigurationFile {
        path: path.display().to_string(),
        text: None,
        problem: None,
        monitors: None,
    };
    let read = std::fs::read_to_string(path).map_err(|error| error.to_string());
    let read = read
        .and_then(|text| serde_saphyr::from_str::<Value>(&text).map_err(|error| error.to_string()));
    let whole = match read {
        Ok(whole) => whole,
        Err(problem) => {
            shown.problem = Some(problem);
            return shown;
        }
    };
    let mut masked = hidden(&whole);
    Secrets::new(variables.secrets()).mask_value(&mut masked);
    let yaml = |value: &Value| serde_saphyr::to_string(value).unwrap_or_default();
    let monitors = masked["monitors"].as_array().into_iter().flatten();
    shown.monitors = Some(
        monitors
            .filter_map(|own| Some((own.get("id")?.as_str()?.to_owned(), yaml(own))))
            .collect(),
    );
    shown.text = Some(yaml(&masked));
    shown
}

/// Everything below a key whose name says that it is secret is hidden, but not where the secret is to be found.
fn hidden(value: &Value) -> Value {
    match value {
        Value::Object(map) => map
            .iter()
            .map(|(name, own)| {
                let shown = match is_secret(name) || is_secret_header(name) {
                    true => blacked_out(own),
                    false => hidden(own),
                };
                (name.clone(), shown)
            })
            .collect(),
        Value::Array(list) => list.iter().map(hidden).collect(),
        Value::String(text) => Value::String(without_password(text)),
        other => other.clone(),
    }
}

fn is_secret_header(name: &str) -> bool {
    matches!(
        name.to_lowercase().as_str(),
        "authorization" | "cookie" | "x-api-key"
    )
}

fn blacked_out(value: &Value) -> Value {
    match value {
        Value::Object(map) => map
            .iter()
            .map(|(name, own)| {
                let is_pointer = matches!(name.as_str(), "env" | "file") && own.is_string();
                let shown = match is_pointer {
                    true => own.clone(),
                    false => blacked_out(own),
                };
                (name.clone(), shown)
            })
            .collect(),
        Value::Array(list) => list.iter().map(blacked_out).collect(),
        Value::String(_) | Value::Number(_) => Value::from(HIDDEN),
        other => other.clone(),
    }
}

/// `https://user:pass@host/` without its password.
pub(crate) fn without_password(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else {
        return text.to_owned();
    };
    let authority = rest.split('/').next().unwrap_or_default();
    match authority.rsplit_once('@') {
        Some((user, _)) if user.contains(':') => {
            let name = user.split(':').next().unwrap_or_default();
            let after = rest.get(user.len()..).unwrap_or_default();
            format!("{scheme}://{name}:{HIDDEN}{after}")
        }
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn secrets_are_hidden_and_where_they_are_found_is_not() {
        let config = json!({
            "monitors": [{"id": "shop", "env": {"SHOP_PASSWORD": "hunter22", "CITY": "Brno"}, "url": "https://u:p4ss@shop.example/a"}],
            "listener": {
                "slack": {"webhook": {"secret": {"env": "SLACK_WEBHOOK_URL"}}},
                "channels": {"ops": {"webhook": {"url": "https://hooks.example/T0/B0", "headers": {"authorization": "Bearer x"}}}},
            },
        });
        let shown = hidden(&config).to_string();
        for secret in ["hunter22", "p4ss", "hooks.example", "Bearer"] {
            assert!(!shown.contains(secret), "{secret} in {shown}");
        }
        for known in ["Brno", "SLACK_WEBHOOK_URL", "shop.example/a", "\"shop\""] {
            assert!(shown.contains(known), "{known} not in {shown}");
        }
    }
}
