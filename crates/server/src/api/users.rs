//! Users and tokens, for admins.

use axum::{
    Json,
    extract::{Path, State, rejection::JsonRejection},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use canarytrace_model::time::Moment;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Refused;
use crate::{
    AppState,
    access::{Access, AccessError, Role, Token, digest_hex, secret},
};

impl From<AccessError> for Refused {
    fn from(error: AccessError) -> Self {
        let status = match error {
            AccessError::Refused(_) => StatusCode::BAD_REQUEST,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self::new(status, error.to_string())
    }
}

fn access(state: &AppState) -> Result<&Access, Refused> {
    state.access.as_deref().ok_or_else(|| {
        Refused::with_hint(
            StatusCode::CONFLICT,
            "this server has no users",
            "add the first one: canarytrace user add NAME --role admin --data DIR, then start it again",
        )
    })
}

/// Names and roles, never a hash.
pub(super) async fn users(State(state): State<AppState>) -> Result<Json<Value>, Refused> {
    let file = access(&state)?.listed().await;
    let users: Vec<Value> = file
        .users
        .iter()
        .map(|(name, user)| json!({"name": name, "role": user.role}))
        .collect();
    Ok(Json(json!({"users": users})))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewUser {
    password: String,
    role: Role,
}

pub(super) async fn put_user(
    State(state): State<AppState>,
    Path(name): Path<String>,
    user: Result<Json<NewUser>, JsonRejection>,
) -> Result<StatusCode, Refused> {
    let Json(user) = user?;
    let access = access(&state)?;
    let hash = access.hashed(user.password).await?;
    access
        .change(|file| file.set_user(&name, hash, user.role))
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn remove_user(
    State(state): State<AppState>,
    Path(name): Path<String>,
) -> Result<StatusCode, Refused> {
    let access = access(&state)?;
    access
        .change(|file| {
            file.remove_user(&name)?;
            if file.users.is_empty() {
                return Err(AccessError::Refused("the last user stays".to_owned()));
            }
            Ok(())
        })
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn tokens(State(state): State<AppState>) -> Result<Json<Value>, Refused> {
    let file = access(&state)?.listed().await;
    let tokens: Vec<Value> = file
        .tokens
        .iter()
        .map(|token| json!({"id": token.id, "name": token.name, "role": token.role, "indices": token.indices, "dashboard": token.dashboard, "expires": token.expires}))
        .collect();
    Ok(Json(json!({"tokens": tokens})))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct NewToken {
    name: String,
    role: Role,
    /// Patterns; empty: all indices.
    #[serde(default)]
    indices: Vec<String>,
    /// Only to look at this dashboard; needs the role viewer and the indices of its panels.
    #[serde(default)]
    dashboard: Option<String>,
    /// Left out: never.
    #[serde(default)]
    expires_in_days: Option<u32>,
}

const MOST_TOKENS: usize = 1000;
const DAY_MS: i64 = 24 * 3_600_000;

/// Answers the secret, this once.
pub(super) async fn add_token(
    State(state): State<AppState>,
    token: Result<Json<NewToken>, JsonRejection>,
) -> Result<Response, Refused> {
    let Json(wanted) = token?;
    if wanted.name.trim().is_empty() || wanted.name.len() > 100 {
        return Err(Refused::new(
            StatusCode::BAD_REQUEST,
            "a token needs a name",
        ));
    }
    let is_embedding = wanted.dashboard.is_some();
    if is_embedding && (wanted.role != Role::Viewer || wanted.indices.is_empty()) {
        return Err(Refused::new(
            StatusCode::BAD_REQUEST,
            "a token of a dashboard has the role viewer and names the indices of its panels",
        ));
    }
    let (secret, id) = (secret()?, secret()?.chars().take(12).collect::<String>());
    let expires = wanted
        .expires_in_days
        .map(|days| Moment::from_epoch_ms(Moment::now().epoch_ms() + i64::from(days) * DAY_MS));
    let token = Token {
        id: id.clone(),
        name: wanted.name,
        role: wanted.role,
        secret_sha256: digest_hex(&secret),
        indices: wanted.indices,
        dashboard: wanted.dashboard,
        expires,
    };
    access(&state)?
        .change(|file| {
            if file.tokens.len() >= MOST_TOKENS {
                return Err(AccessError::Refused(format!(
                    "there are {MOST_TOKENS} tokens already"
                )));
            }
            file.tokens.push(token);
            Ok(())
        })
        .await?;
    Ok((
        StatusCode::CREATED,
        Json(json!({"id": id, "secret": secret, "expires": expires})),
    )
        .into_response())
}

pub(super) async fn remove_token(
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> Result<StatusCode, Refused> {
    access(&state)?
        .change(|file| {
            let before = file.tokens.len();
            file.tokens.retain(|token| token.id != id);
            if file.tokens.len() == before {
                return Err(AccessError::Refused(format!("there is no token `{id}`")));
            }
            Ok(())
        })
        .await?;
    Ok(StatusCode::NO_CONTENT)
}
