//! Settings of an index that is there. They are told again; what they would mean in a cluster of many machines has no effect.

use canarytrace_es::{EsError, flat_settings};
use serde_json::Value;

use super::templates::{merge, nested};
use crate::mapping::FieldLimit;

/// Decided when the index is made.
const FINAL: [&str; 12] = [
    "analysis.",
    "codec",
    "creation_date",
    "number_of_routing_shards",
    "number_of_shards",
    "provided_name",
    "routing_partition_size",
    "shard.check_on_startup",
    "soft_deletes.enabled",
    "sort.",
    "uuid",
    "version.",
];
/// May change at any time.
const DYNAMIC: [&str; 34] = [
    "allocation.",
    "analyze.",
    "auto_expand_replicas",
    "default_pipeline",
    "final_pipeline",
    "gc_deletes",
    "hidden",
    "highlight.",
    "indexing.",
    "lifecycle.",
    "mapping.",
    "max_adjacency_matrix_filters",
    "max_docvalue_fields_search",
    "max_inner_result_window",
    "max_ngram_diff",
    "max_refresh_listeners",
    "max_regex_length",
    "max_rescore_window",
    "max_result_window",
    "max_script_fields",
    "max_shingle_diff",
    "max_terms_count",
    "merge.",
    "number_of_replicas",
    "priority",
    "query.",
    "refresh_interval",
    "requests.",
    "routing.",
    "search.",
    "translog.",
    "unassigned.",
    "warmer.",
    "write.",
];

/// Writing to an index can only be forbidden in a cluster; allowing it is what is already so.
const BLOCKS: &str = "blocks.";

fn is_one_of(name: &str, known: &[&str]) -> bool {
    known.iter().any(|known| match known.ends_with('.') {
        true => name.starts_with(known),
        false => name == *known,
    })
}

/// Settings with changes; null takes one back. With `keep` one that is there stays as it is.
pub(super) fn changed(
    current: &Value,
    changes: &Value,
    index: &str,
    keep: bool,
) -> Result<Value, EsError> {
    let changes = nested(changes);
    let mut flat = Vec::new();
    if changes["index"].is_object() {
        flat = flat_settings(&changes["index"]);
    }
    if flat.is_empty() {
        return Err(EsError::invalid_request("no settings to update"));
    }
    let refused: Vec<String> = flat
        .iter()
        .filter(|(name, _)| is_one_of(name, &FINAL))
        .map(|(name, _)| format!("index.{name}"))
        .collect();
    if !refused.is_empty() {
        return Err(EsError::illegal_argument(format!(
            "Can't update non dynamic settings [[{}]] for open indices [[{index}]]",
            refused.join(", ")
        )));
    }
    for (name, value) in &flat {
        if name.starts_with(BLOCKS) && !value.is_null() && value != "false" {
            return Err(EsError::unsupported(&format!("[index.{name}]")));
        }
        if !is_one_of(name, &DYNAMIC) && !name.starts_with(BLOCKS) {
            return Err(EsError::new(
                400,
                "settings_exception",
                format!(
                    "unknown setting [index.{name}] please check that any required plugins are installed, or check the breaking changes documentation for removed settings"
                ),
            ));
        }
    }
    let mut settings = nested(current);
    if keep {
        let mut added = changes;
        merge(&mut added, &settings);
        settings = added;
    } else {
        merge(&mut settings, &changes);
    }
    remove_nulls(&mut settings);
    FieldLimit::of(&settings)?;
    Ok(settings)
}

/// Whether writes are answered before they are on disk.
pub(super) fn is_async(settings: &Value) -> bool {
    let durability = settings.pointer("/index/translog/durability");
    durability
        .and_then(Value::as_str)
        .is_some_and(|durability| durability.eq_ignore_ascii_case("async"))
}

fn remove_nulls(value: &mut Value) {
    if let Value::Object(map) = value {
        map.retain(|_, value| !value.is_null());
        map.values_mut().for_each(remove_nulls);
    }
}
