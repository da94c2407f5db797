//! The error of the search API and the one function that builds its body.

use serde_json::{Value, json};
use thiserror::Error;

/// An error in Elasticsearch's shape: HTTP status, machine-readable type, reason.
#[derive(Clone, Debug, PartialEq, Error)]
#[error("{kind}: {reason}")]
pub struct EsError {
    pub status: u16,
    /// `error.type`, such as `parsing_exception`.
    pub kind: String,
    pub reason: String,
    pub index: Option<String>,
}

impl EsError {
    pub fn new(status: u16, kind: &str, reason: impl Into<String>) -> Self {
        Self {
            status,
            kind: kind.to_owned(),
            reason: reason.into(),
            index: None,
        }
    }

    /// 400 `parsing_exception`: the request is not understood.
    pub fn parsing(reason: impl Into<String>) -> Self {
        Self::new(400, "parsing_exception", reason)
    }

    /// 400 `illegal_argument_exception`: understood, and wrong.
    pub fn illegal_argument(reason: impl Into<String>) -> Self {
        Self::new(400, "illegal_argument_exception", reason)
    }

    /// 400 `action_request_validation_exception`: something that the request needs is missing, or does not go with the rest.
    pub fn invalid_request(reason: &str) -> Self {
        Self::new(
            400,
            "action_request_validation_exception",
            format!("Validation Failed: 1: {reason};"),
        )
    }

    /// 400 `json_parse_exception`: no JSON at all.
    pub fn json(reason: impl Into<String>) -> Self {
        Self::new(400, "json_parse_exception", reason)
    }

    /// 400 `query_shard_exception`: a query does not fit the fields it asks.
    pub fn query_shard(reason: impl Into<String>) -> Self {
        Self::new(400, "query_shard_exception", reason)
    }

    /// 400 `x_content_parse_exception`: a member of the request has a value that it cannot have.
    pub fn x_content(reason: impl Into<String>) -> Self {
        Self::new(400, "x_content_parse_exception", reason)
    }

    /// 400 for what the embedded store leaves to a cluster.
    pub fn unsupported(what: &str) -> Self {
        Self::parsing(format!(
            "{what} is not supported by the embedded store; use a cluster (`--store URL`) for it"
        ))
    }

    /// 404 `index_not_found_exception`.
    pub fn index_not_found(index: &str) -> Self {
        let error = Self::new(
            404,
            "index_not_found_exception",
            format!("no such index [{index}]"),
        );
        Self {
            index: Some(index.to_owned()),
            ..error
        }
    }

    /// 400 `mapper_parsing_exception`: a document does not fit the mapping.
    pub fn mapper_parsing(reason: impl Into<String>) -> Self {
        Self::new(400, "mapper_parsing_exception", reason)
    }

    /// 409 `version_conflict_engine_exception`.
    pub fn version_conflict(id: &str, reason: &str) -> Self {
        Self::new(
            409,
            "version_conflict_engine_exception",
            format!("[{id}]: version conflict, {reason}"),
        )
    }

    /// 500: we broke; the detail belongs into the log.
    pub fn internal(reason: impl Into<String>) -> Self {
        Self::new(500, "internal_server_error", reason)
    }

    /// `{type, reason, index?}` as it stands in `error` and in a bulk item.
    pub fn cause(&self) -> Value {
        let mut cause = json!({"type": self.kind, "reason": self.reason});
        if let (Some(index), Some(map)) = (&self.index, cause.as_object_mut()) {
            map.insert("index".to_owned(), json!(index));
            map.insert("resource.type".to_owned(), json!("index_or_alias"));
            map.insert("resource.id".to_owned(), json!(index));
        }
        cause
    }

    /// The whole body of an error answer.
    pub fn body(&self) -> Value {
        let mut error = self.cause();
        let root = self.cause();
        if let Some(map) = error.as_object_mut() {
            map.insert("root_cause".to_owned(), json!([root]));
        }
        json!({"error": error, "status": self.status})
    }
}
