//! `_cluster/settings`: what an administrator switches while the engine runs.
//! <https://www.elastic.co/guide/en/elasticsearch/reference/7.10/cluster-update-settings.html>

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::{EsError, flat_settings, parse, put_nested, query::wildcard_matches};

/// `action.destructive_requires_name`: whether an index is deleted by its own name only.
const DESTRUCTIVE: &str = "action.destructive_requires_name";

/// Settings by their whole names; values are texts, as they are told.
type Settings = BTreeMap<String, Value>;

/// What was set; a transient setting counts before a persistent one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ClusterSettings {
    /// Kept for the next start.
    pub persistent: Settings,
    pub transient: Settings,
}

impl ClusterSettings {
    /// Carries out the body of a `PUT`: `null` takes a setting away, and its name may hold `*`. Answers what was set.
    pub fn change(&mut self, body: &Value) -> Result<ClusterSettings, EsError> {
        let map = parse::object(body, "cluster settings")?;
        if let Some(key) = map
            .keys()
            .find(|key| !["persistent", "transient"].contains(&key.as_str()))
        {
            return Err(EsError::invalid_request(&format!(
                "unknown key [{key}], there are [persistent] and [transient]"
            )));
        }
        if map.values().all(|part| part == &json!({})) {
            return Err(EsError::invalid_request("no settings to update"));
        }
        let mut changed = self.clone();
        let mut set = ClusterSettings::default();
        for (kind, own, set) in [
            ("persistent", &mut changed.persistent, &mut set.persistent),
            ("transient", &mut changed.transient, &mut set.transient),
        ] {
            if let Some(part) = map.get(kind) {
                parse::object(part, kind)?;
                apply(kind, flat_settings(part), own, set)?;
            }
        }
        *self = changed;
        Ok(set)
    }

    /// None: nobody has said.
    pub fn destructive_requires_name(&self) -> Option<bool> {
        let set = [&self.transient, &self.persistent];
        let value = set.iter().find_map(|settings| settings.get(DESTRUCTIVE))?;
        Some(value == "true")
    }

    /// `{"persistent": ..., "transient": ...}`; `flat` leaves the names whole.
    pub fn to_json(&self, flat: bool) -> Value {
        let told = |settings: &Settings| match flat {
            true => json!(settings),
            false => nested(settings),
        };
        json!({"persistent": told(&self.persistent), "transient": told(&self.transient)})
    }
}

fn apply(
    kind: &str,
    changes: Vec<(String, Value)>,
    own: &mut Settings,
    set: &mut Settings,
) -> Result<(), EsError> {
    for (name, value) in changes {
        if value.is_null() && name.contains('*') {
            own.retain(|own, _| !wildcard_matches(&name, own));
            continue;
        }
        if name != DESTRUCTIVE {
            return Err(EsError::new(
                400,
                "settings_exception",
                format!(
                    "{kind} setting [{name}], not recognized: the embedded store knows [{DESTRUCTIVE}]; use a cluster (--store) for others"
                ),
            ));
        }
        match value.as_str() {
            _ if value.is_null() => drop(own.remove(&name)),
            Some("true" | "false") => {
                own.insert(name.clone(), value.clone());
                set.insert(name, value);
            }
            text => {
                let text = text.map_or_else(|| value.to_string(), str::to_owned);
                return Err(EsError::illegal_argument(format!(
                    "Failed to parse value [{text}] of [{name}] as only [true] or [false] are allowed."
                )));
            }
        }
    }
    Ok(())
}

fn nested(settings: &Settings) -> Value {
    let mut root = json!({});
    for (name, value) in settings {
        put_nested(&mut root, name, value.clone());
    }
    root
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transient_counts_before_persistent_until_it_goes() {
        let mut settings = ClusterSettings::default();
        assert_eq!(settings.destructive_requires_name(), None);
        for (body, expected) in [
            (
                json!({"persistent": {"action": {"destructive_requires_name": false}}}),
                Some(false),
            ),
            (json!({"transient": {DESTRUCTIVE: "true"}}), Some(true)),
            (json!({"transient": {"action.*": null}}), Some(false)),
            (json!({"persistent": {DESTRUCTIVE: null}}), None),
        ] {
            settings.change(&body).unwrap();
            assert_eq!(settings.destructive_requires_name(), expected, "{body}");
        }
    }

    #[test]
    fn what_is_refused_changes_nothing() {
        let mut settings = ClusterSettings::default();
        for (body, kind) in [
            (json!({}), "action_request_validation_exception"),
            (
                json!({"transient": {}, "persistent": {}}),
                "action_request_validation_exception",
            ),
            (json!({"other": {}}), "action_request_validation_exception"),
            (
                json!({"transient": {DESTRUCTIVE: "maybe"}}),
                "illegal_argument_exception",
            ),
            (
                json!({"persistent": {DESTRUCTIVE: true}, "transient": {"a.b": 1}}),
                "settings_exception",
            ),
        ] {
            assert_eq!(settings.change(&body).unwrap_err().kind, kind, "{body}");
            assert_eq!(settings, ClusterSettings::default());
        }
    }
}
