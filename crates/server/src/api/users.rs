//! Users and tokens, for admins.

use axum::{
    Json,
    extract::{Path, State, rejection::JsonRejection},
    http::StatusCode,
};
use canarytrace_model::time::Moment;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Refused;
use crate::{
    AppState,
    access::{Access, AccessError, Role, Token, User, digest_hex, secret},
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

#[derive(Serialize, ToSchema)]
pub(super) struct Users {
    users: Vec<UserView>,
}

/// A name and its role, never a hash.
#[derive(Serialize, ToSchema)]
#[schema(as = User)]
struct UserView {
    name: String,
    role: Role,
}

/// Names and roles.
#[utoipa::path(get, path = "/users", responses((status = 200, description = "as JSON", body = Users)))]
pub(super) async fn users(State(state): State<AppState>) -> Result<Json<Users>, Refused> {
    let file = access(&state)?.listed().await;
    let view = |(name, user): (&String, &User)| UserView {
        name: name.clone(),
        role: user.role,
    };
    let users = file.users.iter().map(view).collect();
    Ok(Json(Users { users }))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewUser {
    password: String,
    role: Role,
}

/// Add a user, or give one another password and role.
#[utoipa::path(put, path = "/users/{name}", params(("name" = String, Path, description = "of the user")), request_body = NewUser, responses((status = 204, description = "done")))]
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

/// Take a user away.
#[utoipa::path(delete, path = "/users/{name}", params(("name" = String, Path, description = "of the user")), responses((status = 204, description = "done")))]
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

#[derive(Serialize, ToSchema)]
pub(super) struct Tokens {
    tokens: Vec<TokenView>,
}

/// A token without its secret.
#[derive(Serialize, ToSchema)]
#[schema(as = Token)]
struct TokenView {
    id: String,
    name: String,
    role: Role,
    /// Patterns; empty: all indices.
    indices: Vec<String>,
    /// Only to look at this one.
    #[schema(required)]
    dashboard: Option<String>,
    /// None: never.
    #[schema(required)]
    expires: Option<Moment>,
}

impl From<&Token> for TokenView {
    fn from(token: &Token) -> Self {
        Self {
            id: token.id.clone(),
            name: token.name.clone(),
            role: token.role,
            indices: token.indices.clone(),
            dashboard: token.dashboard.clone(),
            expires: token.expires,
        }
    }
}

/// Tokens, without their secrets.
#[utoipa::path(get, path = "/tokens", responses((status = 200, description = "as JSON", body = Tokens)))]
pub(super) async fn tokens(State(state): State<AppState>) -> Result<Json<Tokens>, Refused> {
    let file = access(&state)?.listed().await;
    let tokens = file.tokens.iter().map(TokenView::from).collect();
    Ok(Json(Tokens { tokens }))
}

#[derive(Deserialize, ToSchema)]
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

/// A new token, with its secret this once.
#[derive(Serialize, ToSchema)]
pub(super) struct TokenSecret {
    id: String,
    secret: String,
    #[schema(required)]
    expires: Option<Moment>,
}

const MOST_TOKENS: usize = 1000;
const DAY_MS: i64 = 24 * 3_600_000;

/// Make a token; its secret is answered this once.
#[utoipa::path(post, path = "/tokens", request_body = NewToken, responses((status = 201, description = "as JSON", body = TokenSecret)))]
pub(super) async fn add_token(
    State(state): State<AppState>,
    token: Result<Json<NewToken>, JsonRejection>,
) -> Result<(StatusCode, Json<TokenSecret>), Refused> {
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
    let made = TokenSecret {
        id,
        secret,
        expires,
    };
    Ok((StatusCode::CREATED, Json(made)))
}

/// Take a token away.
#[utoipa::path(delete, path = "/tokens/{id}", params(("id" = String, Path, description = "of the token")), responses((status = 204, description = "done")))]
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
