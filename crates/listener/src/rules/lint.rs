//! What a rule file does that its writer hardly meant: fields that no index has, rules that see the same, thresholds that
//! nothing reached.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use serde::Serialize;
use serde_json::{Map, Value};

use super::{Condition, Rule};

/// The fields of each base name, from mappings.
#[derive(Clone, Debug, Default)]
pub struct Fields(BTreeMap<String, BTreeSet<String>>);

impl Fields {
    /// `mappings` are `{index: {"mappings": {…}}}` as a store answers.
    pub fn of(mappings: &Map<String, Value>) -> Self {
        let mut fields: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (index, body) in mappings {
            let own = fields.entry(base_name(index).to_owned()).or_default();
            if let Some(properties) = body.pointer("/mappings/properties") {
                collect("", properties, own);
            }
        }
        Self(fields)
    }
}

/// A daily index without its date.
pub fn base_name(index: &str) -> &str {
    index
        .rsplit_once('-')
        .filter(|(_, date)| {
            date.len() == 10 && date.chars().all(|c| c.is_ascii_digit() || c == '.')
        })
        .map_or(index, |(base, _)| base)
}

fn collect(prefix: &str, properties: &Value, fields: &mut BTreeSet<String>) {
    for (name, body) in properties.as_object().into_iter().flatten() {
        let path = format!("{prefix}{name}");
        for key in ["properties", "fields"] {
            if let Some(inner) = body.get(key) {
                collect(&format!("{path}."), inner, fields);
            }
        }
        fields.insert(path);
    }
}

/// One remark on a rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    pub rule: String,
    pub message: String,
}

/// Remarks on rules against what a store knows.
pub fn lint(rules: &[Arc<Rule>], fields: &Fields) -> Vec<Finding> {
    let mut findings = Vec::new();
    for rule in rules {
        let mut remark = |message: String| {
            findings.push(Finding {
                rule: rule.title.clone(),
                message,
            });
        };
        match fields.0.get(&rule.index) {
            None => remark(format!("no index {}-* is in this store yet", rule.index)),
            Some(known) => {
                for field in fields_of(rule).filter(|field| !known.contains(*field)) {
                    let nearest = crate::yaml::nearest(field, known.iter().map(String::as_str));
                    let hint = nearest.map_or_else(String::new, |nearest| {
                        format!("; the nearest one is `{nearest}`")
                    });
                    remark(format!(
                        "field `{field}` is in no {}-* index{hint}",
                        rule.index
                    ));
                }
            }
        }
    }
    for (position, rule) in rules.iter().enumerate() {
        for other in rules.iter().skip(position + 1) {
            if rule.index == other.index
                && rule.filters == other.filters
                && rule.condition == other.condition
                && rule.window == other.window
                && rule.by == other.by
                && rule.causes == other.causes
            {
                findings.push(Finding {
                    rule: other.title.clone(),
                    message: format!(
                        "is true exactly when `{}` is: one cause, two incidents",
                        rule.title
                    ),
                });
            }
        }
    }
    findings
}

fn fields_of(rule: &Rule) -> impl Iterator<Item = &str> {
    let of_condition = match &rule.condition {
        Condition::Statistic(statistic) => Some(statistic.field.as_str()),
        Condition::Change(change) => Some(change.field.as_str()),
        Condition::New(new) => Some(new.field.as_str()),
        _ => None,
    };
    rule.fields
        .iter()
        .map(String::as_str)
        .chain(of_condition)
        .chain(rule.by.as_deref())
        .chain(rule.report_labels.iter().map(String::as_str))
}
