//! What is inside of indices: settings, fields, sizes, words.

use std::collections::{BTreeMap, BTreeSet};

use axum::extract::{Path, State};
use canarytrace_es::{EsError, IndexDetails, query::wildcard_matches};
use serde_json::{Map, Value, json};

use super::{
    answer::{Answer, Asked, Checked, Outcome, Parameters},
    name, target,
};
use crate::AppState;

async fn details(
    state: &AppState,
    index: &str,
    parameters: &Parameters,
) -> Result<Vec<IndexDetails>, EsError> {
    state.engine()?.details(&target(index, parameters)).await
}

/// `settings` of an index as it is told.
pub(super) fn settings_of(index: &IndexDetails) -> Value {
    let mut settings = index.settings.clone();
    if !settings["index"].is_object() {
        settings = json!({"index": {}});
    }
    for (name, value) in [
        ("creation_date", index.created_at.to_string()),
        ("provided_name", index.name.clone()),
        ("uuid", index.uuid.clone()),
    ] {
        settings["index"][name] = json!(value);
    }
    for (name, usual) in [("number_of_shards", "1"), ("number_of_replicas", "1")] {
        if settings["index"][name].is_null() {
            settings["index"][name] = json!(usual);
        }
    }
    settings["index"]["version"] = json!({"created": "7172999"});
    settings
}

pub(crate) async fn settings(
    State(state): State<AppState>,
    index: Option<Path<String>>,
    Checked(parameters): Checked,
) -> Outcome {
    let indices = details(&state, &name(index), &parameters).await?;
    let all: Map<String, Value> = indices
        .iter()
        .map(|index| (index.name.clone(), json!({"settings": settings_of(index)})))
        .collect();
    Ok(Answer::from(Value::Object(all)).shaped(&parameters))
}

pub(crate) async fn put_settings(
    State(state): State<AppState>,
    index: Option<Path<String>>,
    Asked { parameters, body }: Asked,
) -> Outcome {
    let changes = body.get("settings").cloned().unwrap_or(body);
    let keep = parameters.flag("preserve_existing");
    state
        .engine()?
        .put_settings(&target(&name(index), &parameters), changes, keep)
        .await?;
    Ok(Answer::from(json!({"acknowledged": true})).shaped(&parameters))
}

pub(crate) async fn put_mapping(
    State(state): State<AppState>,
    Path(index): Path<String>,
    Asked { parameters, body }: Asked,
) -> Outcome {
    state
        .engine()?
        .put_mapping(&target(&index, &parameters), body)
        .await?;
    Ok(Answer::from(json!({"acknowledged": true})).shaped(&parameters))
}

/// Fields of a mapping by their full path, multi-fields too; objects by themselves.
fn fields_of(mappings: &Value) -> BTreeMap<String, Value> {
    let mut fields = BTreeMap::new();
    walk(mappings, "", &mut fields);
    fields
}

fn walk(node: &Value, path: &str, fields: &mut BTreeMap<String, Value>) {
    for member in ["properties", "fields"] {
        for (name, definition) in node[member].as_object().into_iter().flatten() {
            let path = if path.is_empty() {
                name.clone()
            } else {
                format!("{path}.{name}")
            };
            walk(definition, &path, fields);
            fields.insert(path, definition.clone());
        }
    }
}

/// `GET <index>/_mapping/field/<names>`.
pub(crate) async fn field_mappings(
    State(state): State<AppState>,
    Path((index, names)): Path<(String, String)>,
    Checked(parameters): Checked,
) -> Outcome {
    let is_wanted = |path: &str| {
        names
            .split(',')
            .any(|pattern| wildcard_matches(pattern, path))
    };
    let mut all = Map::new();
    for index in details(&state, &index, &parameters).await? {
        let fields: Map<String, Value> = fields_of(&index.mappings)
            .into_iter()
            .filter(|(path, definition)| {
                definition["type"].is_string()
                    && definition["properties"].is_null()
                    && is_wanted(path)
            })
            .map(|(path, definition)| {
                let last = path.rsplit('.').next().unwrap_or_default();
                let told = json!({"full_name": path, "mapping": {last: definition}});
                (path, told)
            })
            .collect();
        all.insert(index.name, json!({"mappings": fields}));
    }
    Ok(Answer::from(Value::Object(all)).shaped(&parameters))
}

/// Fields by name and type over all indices; where types differ, each says in which indices.
pub(crate) async fn field_capabilities(
    State(state): State<AppState>,
    index: Option<Path<String>>,
    Asked { parameters, body }: Asked,
) -> Outcome {
    let listed = body.get("fields").map(|fields| match fields {
        Value::Array(list) => list
            .iter()
            .filter_map(Value::as_str)
            .collect::<Vec<_>>()
            .join(","),
        one => one.as_str().unwrap_or_default().to_owned(),
    });
    let names = parameters
        .get("fields")
        .map(str::to_owned)
        .or(listed)
        .ok_or_else(|| EsError::illegal_argument("specified fields can't be null or empty"))?;
    let is_wanted = |path: &str| {
        names
            .split(',')
            .any(|pattern| wildcard_matches(pattern, path))
    };
    let indices = details(&state, &name(index), &parameters).await?;
    let mut fields: BTreeMap<String, BTreeMap<String, BTreeSet<String>>> = BTreeMap::new();
    for index in &indices {
        for (path, definition) in fields_of(&index.mappings) {
            if is_wanted(&path) {
                let kind = definition["type"].as_str().unwrap_or("object").to_owned();
                let kinds = fields.entry(path).or_default();
                kinds.entry(kind).or_default().insert(index.name.clone());
            }
        }
    }
    let told = |(path, kinds): (String, BTreeMap<String, BTreeSet<String>>)| {
        let several = kinds.len() > 1;
        let each = kinds.into_iter().map(|(kind, indices)| {
            let is_field = kind != "object";
            let mut told = json!({"type": kind, "searchable": is_field, "aggregatable": is_field && kind != "text"});
            if several {
                told["indices"] = json!(indices);
            }
            (kind, told)
        });
        (path, Value::Object(each.collect()))
    };
    let fields: Map<String, Value> = fields.into_iter().map(told).collect();
    let names: Vec<&str> = indices.iter().map(|index| index.name.as_str()).collect();
    Ok(Answer::from(json!({"indices": names, "fields": fields})).shaped(&parameters))
}

pub(crate) async fn stats(
    State(state): State<AppState>,
    index: Option<Path<String>>,
    Checked(parameters): Checked,
) -> Outcome {
    let indices = details(&state, &name(index), &parameters).await?;
    let told = |documents: u64, deleted: u64, bytes: u64, segments: usize| {
        let stats = json!({
            "docs": {"count": documents, "deleted": deleted}, "store": {"size_in_bytes": bytes, "reserved_in_bytes": 0},
            "segments": {"count": segments},
        });
        json!({"primaries": stats, "total": stats})
    };
    let sum = |of: fn(&IndexDetails) -> u64| indices.iter().map(of).sum::<u64>();
    let segments = indices.iter().map(|index| index.segments.len()).sum();
    let each: Map<String, Value> = indices
        .iter()
        .map(|index| {
            let mut own = told(
                index.documents,
                index.deleted,
                index.size_bytes,
                index.segments.len(),
            );
            own["uuid"] = json!(index.uuid);
            (index.name.clone(), own)
        })
        .collect();
    let shards = json!({"total": indices.len(), "successful": indices.len(), "failed": 0});
    let all = told(
        sum(|index| index.documents),
        sum(|index| index.deleted),
        sum(|index| index.size_bytes),
        segments,
    );
    Ok(Answer::from(json!({"_shards": shards, "_all": all, "indices": each})).shaped(&parameters))
}

pub(crate) async fn segments(
    State(state): State<AppState>,
    index: Option<Path<String>>,
    Checked(parameters): Checked,
) -> Outcome {
    let indices = details(&state, &name(index), &parameters).await?;
    let each: Map<String, Value> = indices
        .iter()
        .map(|index| {
            let own: Map<String, Value> = index
                .segments
                .iter()
                .map(|segment| {
                    let told = json!({
                        "num_docs": segment.documents, "deleted_docs": segment.deleted, "committed": true, "search": true,
                    });
                    (segment.name.clone(), told)
                })
                .collect();
            let shard = json!({"num_committed_segments": own.len(), "num_search_segments": own.len(), "segments": own});
            (index.name.clone(), json!({"shards": {"0": [shard]}}))
        })
        .collect();
    let shards = json!({"total": indices.len(), "successful": indices.len(), "failed": 0});
    Ok(Answer::from(json!({"_shards": shards, "indices": each})).shaped(&parameters))
}

/// `POST _forcemerge`: one segment of each index, whatever number is asked for.
pub(crate) async fn merge(
    State(state): State<AppState>,
    index: Option<Path<String>>,
    Checked(parameters): Checked,
) -> Outcome {
    let indices = target(&name(index), &parameters);
    state.engine()?.merge(&indices).await?;
    let shards = json!({"total": 1, "successful": 1, "failed": 0});
    Ok(Answer::from(json!({"_shards": shards})).shaped(&parameters))
}

/// `GET _resolve/index/<names>`.
pub(crate) async fn resolve(
    State(state): State<AppState>,
    Path(index): Path<String>,
    Checked(parameters): Checked,
) -> Outcome {
    let is_wanted = |name: &str| {
        index
            .split(',')
            .any(|pattern| wildcard_matches(pattern, name))
    };
    let mut aliases: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut indices = Vec::new();
    let everything = details(&state, "", &parameters).await?;
    for own in everything {
        for name in own.aliases.keys().filter(|name| is_wanted(name)) {
            aliases
                .entry(name.clone())
                .or_default()
                .push(own.name.clone());
        }
        if is_wanted(&own.name) {
            let mut told = json!({"name": own.name, "attributes": ["open"]});
            if !own.aliases.is_empty() {
                told["aliases"] = json!(own.aliases.keys().collect::<Vec<_>>());
            }
            indices.push(told);
        }
    }
    let aliases: Vec<Value> = aliases
        .into_iter()
        .map(|(name, indices)| json!({"name": name, "indices": indices}))
        .collect();
    let body = json!({"indices": indices, "aliases": aliases, "data_streams": []});
    Ok(Answer::from(body).shaped(&parameters))
}

/// The words of a text, by an analyzer or as a field has them.
pub(crate) async fn analyze(
    State(state): State<AppState>,
    index: Option<Path<String>>,
    Asked { parameters, body }: Asked,
) -> Outcome {
    let texts: Vec<&str> = match body.get("text") {
        Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).collect(),
        Some(Value::String(one)) => vec![one],
        _ => return Err(EsError::illegal_argument("text is missing").into()),
    };
    let analyzer = match (body["analyzer"].as_str(), body["field"].as_str()) {
        (Some(analyzer), _) => analyzer.to_owned(),
        (None, Some(field)) => {
            let indices = details(&state, &name(index), &parameters).await?;
            let kind = indices.iter().find_map(|index| {
                Some(
                    fields_of(&index.mappings).get(field)?["type"]
                        .as_str()?
                        .to_owned(),
                )
            });
            match kind.as_deref() {
                Some("text") | None => "standard".to_owned(),
                Some(_) => "keyword".to_owned(),
            }
        }
        (None, None) => "standard".to_owned(),
    };
    let mut tokens = Vec::new();
    let (mut offset, mut position) = (0, 0);
    for text in texts {
        let found = state.engine()?.analyze(&analyzer, text).await?;
        let next = found
            .last()
            .map_or(position, |token| position + token.position + 101);
        tokens.extend(found.into_iter().map(|token| {
            let kind = match analyzer.as_str() {
                "standard" if is_number(&token.text) => "<NUM>",
                "standard" => "<ALPHANUM>",
                _ => "word",
            };
            json!({
                "token": token.text, "start_offset": offset + token.start, "end_offset": offset + token.end, "type": kind,
                "position": position + token.position,
            })
        }));
        offset += text.chars().count() + 1;
        position = next;
    }
    Ok(Answer::from(json!({"tokens": tokens})).shaped(&parameters))
}

fn is_number(word: &str) -> bool {
    word.starts_with(|first: char| first.is_ascii_digit())
        && word
            .chars()
            .all(|letter| letter.is_ascii_digit() || ".,_'".contains(letter))
}
