//! `filter`: one bucket of the documents that match a query.

use serde_json::Value;

use crate::{EsError, query::Query};

pub(super) fn parse(body: &Value) -> Result<Query, EsError> {
    Query::parse(body)
}
