//! `filter_path`: only some members of an answer.

use canarytrace_es::query::wildcard_matches;
use serde_json::{Map, Value, json};

/// Paths with dots between their names, separated by commas: `*` stands for a name, `**` for any number of them, and a
/// leading `-` takes out what is left.
pub(super) fn apply(paths: &str, body: &Value) -> Value {
    let paths = paths
        .split(',')
        .map(str::trim)
        .filter(|path| !path.is_empty());
    let (without, with): (Vec<&str>, Vec<&str>) = paths.partition(|path| path.starts_with('-'));
    let parts = |path: &&str| -> Vec<String> {
        path.trim_start_matches('-')
            .split('.')
            .map(str::to_owned)
            .collect()
    };
    let (with, without): (Vec<_>, Vec<_>) = (
        with.iter().map(parts).collect(),
        without.iter().map(parts).collect(),
    );
    let kept = if with.is_empty() {
        Some(body.clone())
    } else {
        keep(body, &with)
    };
    let mut kept = kept.unwrap_or_else(|| json!({}));
    if !without.is_empty() {
        kept = drop_paths(&kept, &without).unwrap_or_else(|| json!({}));
    }
    kept
}

type Path = Vec<String>;

/// What is left of each path below a member of that name, and whether one of them ends there.
fn below(paths: &[Path], name: &str) -> (Vec<Path>, bool) {
    let (mut rest, mut ends) = (Vec::new(), false);
    for path in paths {
        let Some((first, after)) = path.split_first() else {
            continue;
        };
        if first == "**" {
            rest.push(path.clone());
            if !after.is_empty() {
                let (more, ended) = below(&[after.to_vec()], name);
                rest.extend(more);
                ends |= ended;
            } else {
                ends = true;
            }
        } else if wildcard_matches(first, name) {
            if after.is_empty() {
                ends = true;
            } else {
                rest.push(after.to_vec());
            }
        }
    }
    (rest, ends)
}

fn keep(value: &Value, paths: &[Path]) -> Option<Value> {
    match value {
        Value::Object(map) => {
            let kept: Map<String, Value> = map
                .iter()
                .filter_map(|(name, value)| {
                    let (rest, ends) = below(paths, name);
                    let kept = if ends {
                        Some(value.clone())
                    } else {
                        keep(value, &rest)
                    };
                    Some((name.clone(), kept?))
                })
                .collect();
            (!kept.is_empty()).then_some(Value::Object(kept))
        }
        Value::Array(items) => {
            let kept: Vec<Value> = items.iter().filter_map(|item| keep(item, paths)).collect();
            (!kept.is_empty()).then_some(Value::Array(kept))
        }
        _ => None,
    }
}

fn drop_paths(value: &Value, paths: &[Path]) -> Option<Value> {
    match value {
        Value::Object(map) if !map.is_empty() => {
            let kept: Map<String, Value> = map
                .iter()
                .filter_map(|(name, value)| {
                    let (rest, ends) = below(paths, name);
                    let kept = if ends { None } else { drop_paths(value, &rest) };
                    Some((name.clone(), kept?))
                })
                .collect();
            (!kept.is_empty()).then_some(Value::Object(kept))
        }
        Value::Array(items) if !items.is_empty() => {
            let kept: Vec<Value> = items
                .iter()
                .filter_map(|item| drop_paths(item, paths))
                .collect();
            (!kept.is_empty()).then_some(Value::Array(kept))
        }
        leaf => Some(leaf.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_kept_and_left_out() {
        let body = json!({"took": 1, "hits": {"total": {"value": 2}, "hits": [{"_id": "a", "_source": {"x": 1}}, {"_id": "b"}]}});
        let cases = [
            ("took", json!({"took": 1})),
            (
                "hits.hits._id",
                json!({"hits": {"hits": [{"_id": "a"}, {"_id": "b"}]}}),
            ),
            (
                "hits.hits._source.x",
                json!({"hits": {"hits": [{"_source": {"x": 1}}]}}),
            ),
            ("**.value", json!({"hits": {"total": {"value": 2}}})),
            ("h*.t*", json!({"hits": {"total": {"value": 2}}})),
            ("-hits", json!({"took": 1})),
            ("hits,-hits.hits", json!({"hits": {"total": {"value": 2}}})),
            ("none", json!({})),
        ];
        for (paths, expected) in cases {
            assert_eq!(apply(paths, &body), expected, "{paths}");
        }
    }
}
