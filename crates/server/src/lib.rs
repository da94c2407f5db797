//! HTTP: Elasticsearch's paths over a [`canarytrace_es::SearchService`], the UI's API, the embedded UI, and the demo shop.
//!
//! Start at [`router`]. What the server needs from others it declares as a trait ([`Schedule`], [`Attachments`]).
//!
//! Invariants: only this crate knows axum; every request's `Host` and `Origin` are checked, so that a page under test
//! cannot reach our port; a client's fault is answered in Elasticsearch's error shape on its paths and as
//! `{"error": {"message", "hint"}}` under `/api/v1`.

pub mod access;
mod alerts;
mod api;
mod branding;
mod comparison;
pub mod demo_shop;
mod elasticsearch;
mod errors;
mod forward;
mod frames;
mod guard;
mod state;
pub mod tls;
mod ui;

pub use alerts::{
    AlertError, Alerts, AlertsView, ChannelView, IncidentAction, MaintenanceView, NewSilence,
    ReadingView, RehearsalView, RehearsedView, ReporterView, RuleProblem, RuleStateView, RuleView,
    SilenceView, Trace, TracePoint, Trial,
};
pub use api::{openapi_document, what_changed};
pub use branding::{Logo, ServedBranding};
pub use frames::FrameOrigins;
pub use state::{
    AppState, Attachments, Backend, ConfigurationFile, InForce, InForceView, MonitorState,
    MonitorView, Picture, Renderer, Schedule, ScheduleError,
};

use axum::{Router, extract::DefaultBodyLimit, middleware, routing::get};
use std::net::SocketAddr;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// As Elasticsearch's `http.max_content_length`.
const BODY_LIMIT: usize = 100 << 20;

/// The whole server; `parts` of it can be left out.
pub fn router(state: AppState) -> Router {
    let mut router = Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(elasticsearch::ready))
        .nest("/api/v1", api::routes().into());
    router = match state.backend.clone() {
        Backend::Cluster(forwarder) => {
            router.fallback(move |state, request| forward::handle(state, forwarder, request))
        }
        Backend::Engine(_) if state.ui => router.merge(elasticsearch::routes()).fallback(ui::serve),
        Backend::Engine(_) => router
            .merge(elasticsearch::routes())
            .fallback(elasticsearch::unknown),
    };
    let is_cluster = matches!(state.backend, Backend::Cluster(_));
    let app = router
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(middleware::from_fn_with_state(state.clone(), access::guard))
        .layer(middleware::from_fn_with_state(state.clone(), guard::check))
        .with_state(state);
    if is_cluster {
        return app;
    }
    // A layer of the routes themselves would come when the path has been read.
    Router::new()
        .fallback_service(app)
        .layer(middleware::from_fn(elasticsearch::dated::put_in))
}

/// Serves an application until `until`; requests that are being answered are answered.
pub async fn serve(
    listener: TcpListener,
    app: Router,
    until: CancellationToken,
) -> std::io::Result<()> {
    let app = app.into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, app)
        .with_graceful_shutdown(until.cancelled_owned())
        .await
}
