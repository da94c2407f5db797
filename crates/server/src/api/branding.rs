//! Name, logo and colors of the company whose UI this is.

use axum::{
    Json,
    extract::{State, rejection::JsonRejection},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use canarytrace_model::branding::Accent;
use serde::Serialize;
use utoipa::ToSchema;

use super::{Refused, failure};
use crate::{
    AppState,
    branding::{self, ServedBranding, Settings},
};

#[derive(Serialize, ToSchema)]
#[schema(as = Branding)]
pub(super) struct BrandingView {
    #[schema(required)]
    name: Option<String>,
    #[schema(required)]
    accent: Option<Accent>,
    #[schema(required)]
    footer: Option<String>,
    /// Its address.
    #[schema(required)]
    logo: Option<&'static str>,
    origin: Origin,
}

/// Where it comes from.
#[derive(Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = BrandingOrigin)]
enum Origin {
    /// canarytrace.yaml, or nowhere.
    Configuration,
    /// The settings page.
    Settings,
}

/// A store that is away must not keep anybody from logging in: the configuration is shown then.
async fn in_force(state: &AppState) -> (ServedBranding, Origin) {
    let stored = branding::stored(&*state.service)
        .await
        .unwrap_or_else(|error| {
            tracing::warn!(%error, "the branding cannot be read");
            None
        });
    match stored.and_then(|settings| settings.served().ok()) {
        Some(own) => (own, Origin::Settings),
        None => ((*state.branding).clone(), Origin::Configuration),
    }
}

/// Name, colors, footer and logo of the company. For everybody: the page where people log in has it, too.
#[utoipa::path(get, path = "/branding", responses((status = 200, description = "as JSON", body = BrandingView)))]
pub(super) async fn branding(State(state): State<AppState>) -> Json<BrandingView> {
    let (own, origin) = in_force(&state).await;
    Json(BrandingView {
        name: own.name,
        accent: own.accent,
        footer: own.footer,
        logo: own.logo.map(|_| "/api/v1/branding/logo"),
        origin,
    })
}

/// Put other ones in the place of those of canarytrace.yaml.
#[utoipa::path(put, path = "/branding", request_body = Settings, responses((status = 204, description = "done")))]
pub(super) async fn change(
    State(state): State<AppState>,
    settings: Result<Json<Settings>, JsonRejection>,
) -> Result<StatusCode, Refused> {
    let Json(settings) = settings?;
    settings
        .served()
        .map_err(|reason| Refused::new(StatusCode::BAD_REQUEST, reason))?;
    branding::store(&*state.service, Some(&settings)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Back to those of canarytrace.yaml.
#[utoipa::path(delete, path = "/branding", responses((status = 204, description = "done")))]
pub(super) async fn reset(State(state): State<AppState>) -> Result<StatusCode, Refused> {
    branding::store(&*state.service, None).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The logo.
#[utoipa::path(get, path = "/branding/logo", responses((status = 200, description = "the picture", body = Vec<u8>, content_type = "image/*")))]
pub(super) async fn logo(State(state): State<AppState>) -> Response {
    let Some(logo) = in_force(&state).await.0.logo else {
        return failure(StatusCode::NOT_FOUND, "there is no logo", None);
    };
    let mut response = logo.content().into_response();
    let headers = response.headers_mut();
    let mut set = |name, value| headers.insert(name, HeaderValue::from_static(value));
    set(header::CONTENT_TYPE, logo.media_type());
    set(header::CACHE_CONTROL, "no-cache");
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(
        header::CONTENT_SECURITY_POLICY,
        "sandbox; default-src 'none'; style-src 'unsafe-inline'",
    );
    response
}
