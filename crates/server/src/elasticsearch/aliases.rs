//! Aliases: all at once, or one by its path.

use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use canarytrace_es::{Alias, AliasAction, EsError, IndexTarget, query::wildcard_matches};
use serde_json::{Map, Value, json};

use super::{
    answer::{Answer, Asked, Checked, Outcome, Parameters},
    target,
};
use crate::AppState;

pub(crate) async fn update(
    State(state): State<AppState>,
    Asked { parameters, body }: Asked,
) -> Outcome {
    let actions = AliasAction::parse_all(&body)?;
    state.engine()?.update_aliases(actions).await?;
    Ok(Answer::from(json!({"acknowledged": true})).shaped(&parameters))
}

pub(crate) async fn put(
    State(state): State<AppState>,
    Path((index, name)): Path<(String, String)>,
    Asked { parameters, body }: Asked,
) -> Outcome {
    let action = AliasAction::Add {
        indices: IndexTarget::new(&index),
        name,
        alias: Box::new(Alias::parse(&body)?),
    };
    state.engine()?.update_aliases(vec![action]).await?;
    Ok(Answer::from(json!({"acknowledged": true})).shaped(&parameters))
}

pub(crate) async fn delete(
    State(state): State<AppState>,
    Path((index, names)): Path<(String, String)>,
    Checked(parameters): Checked,
) -> Outcome {
    let actions = names
        .split(',')
        .map(|name| AliasAction::Remove {
            indices: IndexTarget::new(&index),
            name: if name == "_all" { "*" } else { name }.to_owned(),
            must_exist: true,
        })
        .collect();
    state.engine()?.update_aliases(actions).await?;
    Ok(Answer::from(json!({"acknowledged": true})).shaped(&parameters))
}

/// By index, by name, by both or all.
async fn found(
    state: &AppState,
    index: &str,
    names: Option<&str>,
    parameters: &Parameters,
) -> Result<(Map<String, Value>, Vec<String>), EsError> {
    let details = state.engine()?.details(&target(index, parameters)).await?;
    let wanted: Vec<&str> = names.unwrap_or("*").split(',').collect();
    let is_wanted = |name: &str| {
        let mut wanted = wanted.iter();
        wanted.any(|pattern| *pattern == "_all" || wildcard_matches(pattern, name))
    };
    let mut answer = Map::new();
    let mut seen: Vec<String> = Vec::new();
    for index in details {
        let own: Map<String, Value> = index
            .aliases
            .iter()
            .filter(|(name, _)| is_wanted(name))
            .map(|(name, alias)| (name.clone(), alias.to_json()))
            .collect();
        seen.extend(own.keys().cloned());
        if names.is_none() || !own.is_empty() {
            answer.insert(index.name, json!({"aliases": own}));
        }
    }
    let missing = wanted.into_iter().filter(|name| {
        !name.contains('*') && *name != "_all" && !seen.iter().any(|own| own == name)
    });
    Ok((answer, missing.map(str::to_owned).collect()))
}

async fn answer(
    state: &AppState,
    index: &str,
    names: Option<&str>,
    parameters: &Parameters,
) -> Outcome {
    let (mut body, missing) = found(state, index, names, parameters).await?;
    if missing.is_empty() {
        return Ok(Answer::from(Value::Object(body)).shaped(parameters));
    }
    let word = if missing.len() > 1 {
        "aliases"
    } else {
        "alias"
    };
    body.insert(
        "error".to_owned(),
        json!(format!("{word} [{}] missing", missing.join(","))),
    );
    body.insert("status".to_owned(), json!(404));
    Ok(Answer::new(404, Value::Object(body)).shaped(parameters))
}

pub(crate) async fn all(
    State(state): State<AppState>,
    name: Option<Path<String>>,
    Checked(parameters): Checked,
) -> Outcome {
    let name = name.map(|Path(name)| name);
    answer(&state, "", name.as_deref(), &parameters).await
}

pub(crate) async fn of_index(
    State(state): State<AppState>,
    Path(index): Path<String>,
    Checked(parameters): Checked,
) -> Outcome {
    answer(&state, &index, None, &parameters).await
}

pub(crate) async fn one(
    State(state): State<AppState>,
    Path((index, name)): Path<(String, String)>,
    Checked(parameters): Checked,
) -> Outcome {
    answer(&state, &index, Some(&name), &parameters).await
}

pub(crate) async fn exists(
    State(state): State<AppState>,
    Path(name): Path<String>,
    Checked(parameters): Checked,
) -> Response {
    let found = found(&state, "", Some(&name), &parameters).await;
    if found.is_ok_and(|(body, missing)| !body.is_empty() && missing.is_empty()) {
        StatusCode::OK
    } else {
        StatusCode::NOT_FOUND
    }
    .into_response()
}
