//! A search request and its answer.

use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::{
    DateFormats, EsError,
    aggregation::{self, Aggregations},
    engine::keep_alive,
    parse,
    query::Query,
    retrieve::{FieldPattern, Highlight, patterns, wants_nothing},
    service::Place,
    source_filter::SourceFilter,
};

/// As Elasticsearch's `index.max_result_window`.
const MAX_RESULT_WINDOW: usize = 10_000;

/// A parsed `_search` body. `raw` is what was parsed: the HTTP client sends it unchanged.
#[derive(Clone, Debug, PartialEq)]
pub struct SearchRequest {
    pub raw: Value,
    pub query: Query,
    pub aggregations: Aggregations,
    pub from: usize,
    pub size: usize,
    /// Empty: by score.
    pub sort: Vec<SortField>,
    pub search_after: Option<Vec<Value>>,
    pub source: SourceFilter,
    pub track_total_hits: TrackTotalHits,
    /// Answer `_seq_no` and `_primary_term` of each hit.
    pub seq_no_primary_term: bool,
    /// Answer `_version` of each hit.
    pub version: bool,
    /// Search what a context has kept, not the indices as they are.
    pub point_in_time: Option<PointInTime>,
    /// Leave out what scores less.
    pub min_score: Option<f64>,
    /// Values of fields, as they were written.
    pub fields: Vec<FieldPattern>,
    /// Values of columns.
    pub docvalue_fields: Vec<FieldPattern>,
    /// Neither `_id` nor `_source` is answered (`stored_fields: _none_`).
    pub without_stored: bool,
    pub highlight: Option<Highlight>,
    /// Look at so many matching documents of each index, and no more.
    pub terminate_after: Option<u64>,
    /// What hits must match as well; aggregations look at the others, too.
    pub post_filter: Option<Query>,
    /// Scores of hits that come in another order, too.
    pub track_scores: bool,
    /// After so long, what was found until then is answered.
    pub timeout: Option<Duration>,
}

/// `pit` of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PointInTime {
    pub id: String,
    /// Keep it for so long from now on.
    pub keep_alive: Option<Duration>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum TrackTotalHits {
    Exact,
    UpTo(u64),
    Off,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SortOrder {
    Ascending,
    Descending,
}

/// What several values of a document are sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SortMode {
    Min,
    Max,
    Sum,
    Avg,
    Median,
}

impl SortMode {
    fn parse(name: &str) -> Result<Self, EsError> {
        Ok(match name {
            "min" => Self::Min,
            "max" => Self::Max,
            "sum" => Self::Sum,
            "avg" => Self::Avg,
            "median" => Self::Median,
            other => {
                return Err(EsError::x_content(format!(
                    "[field_sort] failed to parse field [mode]: Unknown SortMode [{other}]"
                )));
            }
        })
    }
}

#[derive(Clone, Debug, PartialEq)]
pub enum SortTarget {
    Score,
    /// Index order.
    Document,
    Field(String),
}

#[derive(Clone, Debug, PartialEq)]
pub struct SortField {
    pub target: SortTarget,
    pub order: SortOrder,
    pub missing_first: bool,
    /// What a document without a value is sorted by instead.
    pub missing: Option<Value>,
    /// Of several values; none: the least in ascending order, else the greatest.
    pub mode: Option<SortMode>,
    pub unmapped_type: Option<String>,
    /// What numbers are taken for, where indices differ.
    pub numeric_type: Option<NumericType>,
    /// Dates are answered in it, and may come back so.
    pub format: Option<DateFormats>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NumericType {
    Long,
    Double,
    Date,
    DateNanos,
}

impl NumericType {
    fn parse(name: &str) -> Result<Self, EsError> {
        Ok(match name {
            "long" => Self::Long,
            "double" => Self::Double,
            "date" => Self::Date,
            "date_nanos" => Self::DateNanos,
            other => {
                return Err(EsError::x_content(format!(
                    "[field_sort] failed to parse field [numeric_type]: invalid value for [numeric_type], must be [long, double, date, date_nanos], got {other}"
                )));
            }
        })
    }
}

/// What a body may hold.
const KNOWN: [&str; 23] = [
    "query",
    "aggs",
    "aggregations",
    "from",
    "size",
    "sort",
    "search_after",
    "_source",
    "track_total_hits",
    "seq_no_primary_term",
    "version",
    "timeout",
    "track_scores",
    "pit",
    "min_score",
    "fields",
    "docvalue_fields",
    "stored_fields",
    "highlight",
    "terminate_after",
    "post_filter",
    "explain",
    "profile",
];

impl SearchRequest {
    /// Reads a `_search` body; an empty object matches everything.
    pub fn parse(raw: Value) -> Result<Self, EsError> {
        let map = parse::object(&raw, "search")?;
        parse::known_keys(map, "search", &KNOWN)?;
        // Many clients name what they do not want.
        for name in ["explain", "profile"] {
            if parse::boolean(map, "search", name)? == Some(true) {
                return Err(EsError::unsupported(&format!("[{name}] of a search")));
            }
        }
        let from = parse::unsigned(map, "search", "from")?.unwrap_or(0);
        let size = parse::unsigned(map, "search", "size")?.unwrap_or(10);
        if from + size > MAX_RESULT_WINDOW {
            return Err(EsError::illegal_argument(format!(
                "Result window is too large, from + size must be less than or equal to: [{MAX_RESULT_WINDOW}] but was [{}]",
                from + size
            )));
        }
        let sort = map
            .get("sort")
            .map(parse_sort)
            .transpose()?
            .unwrap_or_default();
        let search_after = match map.get("search_after") {
            None | Some(Value::Null) => None,
            Some(Value::Array(values)) => Some(values.clone()),
            Some(_) => return Err(EsError::parsing("[search_after] must be a list")),
        };
        if search_after
            .as_ref()
            .is_some_and(|values| values.len() != sort.len())
        {
            return Err(EsError::illegal_argument(format!(
                "search_after has {} value(s) but sort has {}.",
                search_after.map_or(0, |values| values.len()),
                sort.len()
            )));
        }
        if search_after.is_some() && from > 0 {
            return Err(EsError::illegal_argument(
                "`from` parameter must be set to 0 when `search_after` is used.",
            ));
        }
        Ok(Self {
            query: map.get("query").map_or(Ok(Query::MatchAll), Query::parse)?,
            aggregations: match map.get("aggs").or_else(|| map.get("aggregations")) {
                Some(aggregations) => aggregation::parse(aggregations)?,
                None => Aggregations::new(),
            },
            from,
            size,
            sort,
            search_after,
            source: map
                .get("_source")
                .map(SourceFilter::parse)
                .transpose()?
                .unwrap_or_default(),
            track_total_hits: track_total_hits(map.get("track_total_hits"))?,
            seq_no_primary_term: parse::boolean(map, "search", "seq_no_primary_term")?
                .unwrap_or(false),
            version: parse::boolean(map, "search", "version")?.unwrap_or(false),
            point_in_time: map.get("pit").map(point_in_time).transpose()?,
            min_score: parse::number(map, "search", "min_score")?,
            fields: patterns("fields", map.get("fields"))?,
            docvalue_fields: patterns("docvalue_fields", map.get("docvalue_fields"))?,
            without_stored: wants_nothing(map.get("stored_fields"))?,
            highlight: map.get("highlight").map(Highlight::parse).transpose()?,
            terminate_after: parse::unsigned(map, "search", "terminate_after")?
                .filter(|limit| *limit > 0)
                .map(|limit| limit as u64),
            track_scores: parse::boolean(map, "search", "track_scores")?.unwrap_or(false),
            post_filter: map.get("post_filter").map(Query::parse).transpose()?,
            timeout: match parse::string(map, "search", "timeout")?.as_deref() {
                None | Some("-1") => None,
                Some(text) => Some(parse::time_value("timeout", text)?),
            },
            raw,
        })
    }
}

fn point_in_time(body: &Value) -> Result<PointInTime, EsError> {
    let map = parse::object(body, "pit")?;
    parse::known_keys(map, "pit", &["id", "keep_alive"])?;
    Ok(PointInTime {
        id: parse::required_string(map, "pit", "id")?,
        keep_alive: parse::string(map, "pit", "keep_alive")?
            .map(|text| keep_alive(&text))
            .transpose()?,
    })
}

fn track_total_hits(value: Option<&Value>) -> Result<TrackTotalHits, EsError> {
    match value {
        None => Ok(TrackTotalHits::UpTo(10_000)),
        Some(Value::Bool(true)) => Ok(TrackTotalHits::Exact),
        Some(Value::Bool(false)) => Ok(TrackTotalHits::Off),
        Some(value) => value
            .as_u64()
            .map(TrackTotalHits::UpTo)
            .ok_or_else(|| EsError::parsing("[track_total_hits] must be true, false or a number")),
    }
}

fn parse_sort(value: &Value) -> Result<Vec<SortField>, EsError> {
    let mut fields = Vec::new();
    for entry in parse::list(value) {
        match entry {
            Value::String(name) => fields.push(sort_field(name, &Value::Null)?),
            Value::Object(map) => {
                for (name, options) in map {
                    fields.push(sort_field(name, options)?);
                }
            }
            other => return Err(EsError::parsing(format!("malformed sort [{other}]"))),
        }
    }
    Ok(fields)
}

fn sort_field(name: &str, options: &Value) -> Result<SortField, EsError> {
    let target = match name {
        "_score" => SortTarget::Score,
        "_doc" | "_shard_doc" => SortTarget::Document,
        field => SortTarget::Field(field.to_owned()),
    };
    let empty = Map::new();
    let (order, options) = match options {
        Value::Null => (None, &empty),
        Value::String(order) => (Some(order.clone()), &empty),
        Value::Object(map) => (parse::string(map, "sort", "order")?, map),
        other => {
            return Err(EsError::parsing(format!(
                "malformed sort of [{name}]: [{other}]"
            )));
        }
    };
    parse::known_keys(
        options,
        "sort",
        &[
            "order",
            "missing",
            "unmapped_type",
            "format",
            "mode",
            "numeric_type",
        ],
    )?;
    let mode = parse::string(options, "sort", "mode")?;
    let order = match order.as_deref() {
        Some("asc") => SortOrder::Ascending,
        Some("desc") => SortOrder::Descending,
        None if target == SortTarget::Score => SortOrder::Descending,
        None => SortOrder::Ascending,
        Some(other) => {
            return Err(EsError::illegal_argument(format!(
                "No enum constant for sort order [{other}]"
            )));
        }
    };
    let (missing_first, missing) = match options.get("missing") {
        None | Some(Value::Null) => (false, None),
        Some(Value::String(text)) if text == "_last" => (false, None),
        Some(Value::String(text)) if text == "_first" => (true, None),
        Some(value) => (false, Some(value.clone())),
    };
    Ok(SortField {
        target,
        order,
        missing_first,
        missing,
        mode: mode.as_deref().map(SortMode::parse).transpose()?,
        unmapped_type: parse::string(options, "sort", "unmapped_type")?,
        numeric_type: parse::string(options, "sort", "numeric_type")?
            .as_deref()
            .map(NumericType::parse)
            .transpose()?,
        format: parse::string(options, "sort", "format")?
            .as_deref()
            .map(DateFormats::parse)
            .transpose()?,
    })
}

/// How many documents match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TotalHits {
    pub value: u64,
    /// False: there are at least this many.
    pub exact: bool,
}

/// One document of an answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Hit {
    pub index: String,
    pub id: String,
    pub score: Option<f64>,
    pub source: Option<Value>,
    pub sort: Vec<Value>,
    pub seq_no: Option<u64>,
    pub version: Option<u64>,
    /// Fields of which a value is only stored.
    pub ignored: Vec<String>,
    /// `fields` and `docvalue_fields`: a list of values each.
    pub fields: Map<String, Value>,
    /// Fragments by field.
    pub highlight: Map<String, Value>,
}

/// The answer to a search.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SearchResponse {
    pub took_ms: u64,
    pub shards: u64,
    pub total: Option<TotalHits>,
    /// Whether `timeout` has ended it.
    pub timed_out: bool,
    /// Whether `terminate_after` has ended it; none where it was not asked for.
    pub terminated_early: Option<bool>,
    pub max_score: Option<f64>,
    pub hits: Vec<Hit>,
    /// In Elasticsearch's own JSON, by name.
    pub aggregations: Option<Map<String, Value>>,
}

impl SearchResponse {
    /// The body as Elasticsearch writes it.
    pub fn into_json(self) -> Value {
        let shards =
            json!({"total": self.shards, "successful": self.shards, "skipped": 0, "failed": 0});
        let mut body = Map::new();
        let mut set = |name: &str, value: Value| body.insert(name.to_owned(), value);
        set("took", json!(self.took_ms));
        set("timed_out", json!(self.timed_out));
        if let Some(is_early) = self.terminated_early {
            set("terminated_early", json!(is_early));
        }
        set("_shards", shards);
        set("hits", hits_json(self.total, self.max_score, self.hits));
        if let Some(aggregations) = self.aggregations {
            set("aggregations", Value::Object(aggregations));
        }
        Value::Object(body)
    }

    /// Reads a body as a cluster answers it.
    pub fn from_json(body: &Value) -> Result<Self, EsError> {
        let wrong = || EsError::internal("the cluster's answer to a search is not understood");
        let hits = body.get("hits").ok_or_else(wrong)?;
        let total = hits.get("total").and_then(|total| {
            Some(TotalHits {
                value: total.get("value").and_then(Value::as_u64)?,
                exact: total.get("relation").and_then(Value::as_str) == Some("eq"),
            })
        });
        Ok(Self {
            took_ms: body.get("took").and_then(Value::as_u64).unwrap_or(0),
            shards: body
                .pointer("/_shards/total")
                .and_then(Value::as_u64)
                .unwrap_or(1),
            total,
            timed_out: body.get("timed_out").and_then(Value::as_bool) == Some(true),
            terminated_early: body.get("terminated_early").and_then(Value::as_bool),
            max_score: hits.get("max_score").and_then(Value::as_f64),
            hits: hits
                .get("hits")
                .and_then(Value::as_array)
                .ok_or_else(wrong)?
                .iter()
                .map(Hit::from_json)
                .collect(),
            aggregations: body.get("aggregations").and_then(Value::as_object).cloned(),
        })
    }
}

/// The `hits` of a search or a `top_hits`.
pub fn hits_json(total: Option<TotalHits>, max_score: Option<f64>, hits: Vec<Hit>) -> Value {
    let mut body = Map::new();
    if let Some(total) = total {
        let relation = if total.exact { "eq" } else { "gte" };
        body.insert(
            "total".to_owned(),
            json!({"value": total.value, "relation": relation}),
        );
    }
    body.insert("max_score".to_owned(), json!(max_score));
    let hits = hits.into_iter().map(Hit::into_json).collect();
    body.insert("hits".to_owned(), Value::Array(hits));
    Value::Object(body)
}

impl Hit {
    // Values are moved: `json!` would copy each document once more.
    fn into_json(self) -> Value {
        let mut hit = Map::new();
        let mut set = |name: &str, value: Value| hit.insert(name.to_owned(), value);
        set("_index", Value::String(self.index));
        if !self.id.is_empty() {
            set("_id", Value::String(self.id));
        }
        set("_score", json!(self.score));
        if let Some(version) = self.version {
            set("_version", json!(version));
        }
        if let Some(seq_no) = self.seq_no {
            set("_seq_no", json!(seq_no));
            set("_primary_term", json!(1));
        }
        if !self.ignored.is_empty() {
            set("_ignored", json!(self.ignored));
        }
        if let Some(source) = self.source {
            set("_source", source);
        }
        for (name, shown) in [("fields", self.fields), ("highlight", self.highlight)] {
            if !shown.is_empty() {
                set(name, Value::Object(shown));
            }
        }
        if !self.sort.is_empty() {
            set("sort", Value::Array(self.sort));
        }
        Value::Object(hit)
    }

    fn from_json(hit: &Value) -> Self {
        let text = |name: &str| {
            hit.get(name)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        let tree = |name: &str| {
            let own = hit.get(name).and_then(Value::as_object);
            own.cloned().unwrap_or_default()
        };
        Self {
            index: text("_index"),
            id: text("_id"),
            score: hit.get("_score").and_then(Value::as_f64),
            source: hit.get("_source").cloned(),
            fields: tree("fields"),
            highlight: tree("highlight"),
            sort: hit
                .get("sort")
                .and_then(Value::as_array)
                .cloned()
                .unwrap_or_default(),
            seq_no: Place::read(hit),
            version: hit.get("_version").and_then(Value::as_u64),
            ignored: hit
                .get("_ignored")
                .map(parse::list)
                .unwrap_or_default()
                .into_iter()
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_keys_and_wrong_windows_are_refused() {
        for body in [
            json!({"suggest": {}}),
            json!({"size": 10_001}),
            json!({"search_after": [1]}),
            json!({"size": -1}),
            json!([]),
        ] {
            assert!(SearchRequest::parse(body.clone()).is_err(), "{body}");
        }
    }
}
