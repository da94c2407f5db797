//! `match_all`. <https://www.elastic.co/guide/en/elasticsearch/reference/7.10/query-dsl-match-all-query.html>

use serde_json::Value;

use super::Query;
use crate::{EsError, parse};

pub(super) fn parse(body: &Value) -> Result<Query, EsError> {
    parse::known_keys(parse::object(body, "match_all")?, "match_all", &["boost"])?;
    Ok(Query::MatchAll)
}
