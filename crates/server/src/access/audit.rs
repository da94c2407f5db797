//! The log of what people changed and of who tried to log in: an index that only admins read.

use std::net::IpAddr;

use bytes::Bytes;
use canarytrace_es::{
    Refresh,
    bulk::{BulkItem, BulkOperation},
};
use canarytrace_model::time::Moment;
use serde::Serialize;

use crate::AppState;

const INDEX: &str = ".canarytrace-audit";

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AuditEntry {
    timestamp: Moment,
    pub(crate) user: String,
    /// `log-in`, `log-in refused`, `log-out`, or method and path of a change.
    pub(crate) action: String,
    /// HTTP.
    pub(crate) status: u16,
    pub(crate) address: Option<IpAddr>,
}

impl AuditEntry {
    pub(crate) fn new(user: &str, action: String, status: u16, address: Option<IpAddr>) -> Self {
        Self {
            timestamp: Moment::now(),
            user: user.to_owned(),
            action,
            status,
            address,
        }
    }
}

/// Written beside the answer: a store that is away does not keep people from their work, and the server's log has it then.
pub(crate) fn write(state: &AppState, entry: AuditEntry) {
    tracing::info!(
        user = entry.user,
        action = entry.action,
        status = entry.status,
        "audit"
    );
    let Some(access) = &state.access else {
        return;
    };
    let service = std::sync::Arc::clone(&state.service);
    access.writing.spawn(async move {
        let item = BulkItem {
            operation: BulkOperation::Index,
            index: INDEX.to_owned(),
            id: None,
            if_seq_no: None,
            source: Bytes::from(serde_json::to_vec(&entry).unwrap_or_default()),
        };
        if let Err(error) = service.bulk(vec![item], Refresh::Later).await {
            tracing::warn!(%error, "the audit log cannot be written");
        }
    });
}
