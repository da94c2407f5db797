//! What clients and Beats ask of a cluster before they work.

use axum::extract::{Path, State};
use canarytrace_es::{EsError, IndexTarget};
use serde_json::json;

use super::{
    COMPATIBLE_VERSION,
    answer::{Answer, Asked, Checked, Outcome},
};
use crate::AppState;

/// This process as the one node.
const NODE: &str = "canarytrace-embedded-1";

pub(crate) async fn settings(
    State(state): State<AppState>,
    Checked(parameters): Checked,
) -> Outcome {
    let settings = state.engine()?.cluster_settings();
    let told = settings.to_json(parameters.flag("flat_settings"));
    Ok(Answer::from(told).shaped(&parameters))
}

pub(crate) async fn put_settings(
    State(state): State<AppState>,
    Asked { parameters, body }: Asked,
) -> Outcome {
    let set = state.engine()?.put_cluster_settings(body).await?;
    let mut told = set.to_json(parameters.flag("flat_settings"));
    told["acknowledged"] = json!(true);
    Ok(Answer::from(told).shaped(&parameters))
}

pub(crate) async fn stats(State(state): State<AppState>, Checked(parameters): Checked) -> Outcome {
    let (health, list) = (
        state.service.health().await?,
        state.service.indices(&IndexTarget::default()).await?,
    );
    let sum = |of: fn(&canarytrace_es::IndexSummary) -> u64| list.iter().map(of).sum::<u64>();
    let body = json!({
        "_nodes": {"total": 1, "successful": 1, "failed": 0}, "cluster_name": health.cluster_name, "cluster_uuid": NODE, "status": health.status,
        "indices": {
            "count": list.len(), "docs": {"count": sum(|index| index.documents), "deleted": sum(|index| index.deleted)},
            "store": {"size_in_bytes": sum(|index| index.size_bytes), "reserved_in_bytes": 0},
        },
        "nodes": {"count": {"total": 1, "data": 1, "master": 1, "ingest": 1}, "versions": [COMPATIBLE_VERSION]},
    });
    Ok(Answer::from(body).shaped(&parameters))
}

pub(crate) async fn nodes(State(state): State<AppState>, Checked(parameters): Checked) -> Outcome {
    let address = state.address.to_string();
    let node = json!({
        "name": "canarytrace", "transport_address": address, "host": state.address.ip().to_string(), "ip": state.address.ip().to_string(),
        "version": COMPATIBLE_VERSION, "build_flavor": "default", "build_type": "canarytrace", "build_hash": state.version,
        "roles": ["data", "ingest", "master"],
        "http": {"bound_address": [address], "publish_address": address, "max_content_length_in_bytes": crate::BODY_LIMIT},
        "process": {"id": std::process::id()},
    });
    let body = json!({"_nodes": {"total": 1, "successful": 1, "failed": 0}, "cluster_name": "canarytrace", "nodes": {NODE: node}});
    Ok(Answer::from(body).shaped(&parameters))
}

/// There are none: one that is named is missing, which clients take as an answer.
pub(crate) async fn data_streams(
    name: Option<Path<String>>,
    Checked(parameters): Checked,
) -> Outcome {
    match name.filter(|Path(name)| !name.contains('*')) {
        Some(Path(name)) => Err(EsError::index_not_found(&name).into()),
        None => Ok(Answer::from(json!({"data_streams": []})).shaped(&parameters)),
    }
}

pub(crate) async fn node_stats(
    State(state): State<AppState>,
    Checked(parameters): Checked,
) -> Outcome {
    let list = state.service.indices(&IndexTarget::default()).await?;
    let sum = |of: fn(&canarytrace_es::IndexSummary) -> u64| list.iter().map(of).sum::<u64>();
    let disk = state
        .service
        .nodes()
        .await?
        .into_iter()
        .find_map(|node| node.disk_bytes);
    let mut node = json!({
        "timestamp": jiff::Timestamp::now().as_millisecond(), "name": "canarytrace", "host": state.address.ip().to_string(),
        "roles": ["data", "ingest", "master"],
        "indices": {
            "docs": {"count": sum(|index| index.documents), "deleted": sum(|index| index.deleted)},
            "store": {"size_in_bytes": sum(|index| index.size_bytes)},
        },
    });
    if let Some((total, available)) = disk {
        node["fs"] = json!({"total": {"total_in_bytes": total, "available_in_bytes": available}});
    }
    let body = json!({"_nodes": {"total": 1, "successful": 1, "failed": 0}, "cluster_name": "canarytrace", "nodes": {NODE: node}});
    Ok(Answer::from(body).shaped(&parameters))
}

/// Nothing here takes so long that it would be a task.
pub(crate) async fn tasks(Checked(parameters): Checked) -> Outcome {
    Ok(Answer::from(json!({"nodes": {}})).shaped(&parameters))
}

pub(crate) async fn license(Checked(parameters): Checked) -> Outcome {
    let license = json!({"status": "active", "uid": NODE, "type": "basic", "issued_to": "canarytrace", "issuer": "canarytrace"});
    Ok(Answer::from(json!({"license": license})).shaped(&parameters))
}

/// Beats ask it for life cycle management, which the store has none of: retention is its own.
pub(crate) async fn features(Checked(parameters): Checked) -> Outcome {
    let body = json!({
        "build": {}, "license": {"uid": NODE, "type": "basic", "mode": "basic", "status": "active"},
        "features": {"ilm": {"available": false, "enabled": false}, "security": {"available": false, "enabled": false}},
        "tagline": "You know, for X",
    });
    Ok(Answer::from(body).shaped(&parameters))
}
