//! `top_hits`: the documents of a bucket, in an order.
//! <https://www.elastic.co/guide/en/elasticsearch/reference/7.10/search-aggregations-metrics-top-hits-aggregation.html>

use serde_json::Value;

use crate::{EsError, SearchRequest, parse};

const USUAL_SIZE: u64 = 3;
/// As Elasticsearch's `index.max_inner_result_window`.
const MAX_SIZE: usize = 100;

/// A search of its own over the documents of a bucket.
#[derive(Clone, Debug, PartialEq)]
pub struct TopHits(pub Box<SearchRequest>);

pub(super) fn parse(body: &Value) -> Result<TopHits, EsError> {
    let map = parse::object(body, "top_hits")?;
    parse::known_keys(
        map,
        "top_hits",
        &[
            "from",
            "size",
            "sort",
            "_source",
            "version",
            "seq_no_primary_term",
            "track_scores",
            "explain",
            "fields",
            "docvalue_fields",
            "highlight",
        ],
    )?;
    let mut search = map.clone();
    search.entry("size").or_insert(USUAL_SIZE.into());
    search.insert("track_total_hits".to_owned(), true.into());
    let request = SearchRequest::parse(Value::Object(search))?;
    if request.size == 0 {
        return Err(EsError::illegal_argument(
            "[size] must be greater than 0 in [top_hits]",
        ));
    }
    if request.from + request.size > MAX_SIZE {
        return Err(EsError::illegal_argument(format!(
            "Top hits result window is too large, the top hits aggregator [top_hits]'s from + size must be less than or equal to: [{MAX_SIZE}] but was [{}].",
            request.from + request.size
        )));
    }
    Ok(TopHits(Box::new(request)))
}
