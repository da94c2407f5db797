//! `composite`: a bucket per combination of values, page by page; `multi_terms`: the combinations that are most frequent.
//! <https://www.elastic.co/guide/en/elasticsearch/reference/7.10/search-aggregations-bucket-composite-aggregation.html>

use serde_json::{Map, Value};

use super::{
    BucketOrder, DateHistogram, Histogram, OrderTarget, date_histogram, histogram,
    terms::{self, MAX_BUCKETS},
};
use crate::{EsError, parse};

#[derive(Clone, Debug, PartialEq)]
pub struct Composite {
    pub sources: Vec<Source>,
    pub size: usize,
    /// The key after which the page begins, by name.
    pub after: Option<Map<String, Value>>,
}

/// One part of a composite key.
#[derive(Clone, Debug, PartialEq)]
pub struct Source {
    pub name: String,
    pub kind: SourceKind,
    pub descending: bool,
    /// Documents without a value have a part that is null.
    pub missing_bucket: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub enum SourceKind {
    Terms(String),
    Histogram(Histogram),
    DateHistogram(DateHistogram),
}

impl Source {
    pub fn field(&self) -> &str {
        match &self.kind {
            SourceKind::Terms(field) => field,
            SourceKind::Histogram(histogram) => &histogram.field,
            SourceKind::DateHistogram(histogram) => &histogram.field,
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct MultiTerms {
    pub terms: Vec<MultiTerm>,
    pub size: usize,
    pub min_doc_count: u64,
    pub order: Vec<BucketOrder>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct MultiTerm {
    pub field: String,
    /// Stands in for documents without a value.
    pub missing: Option<Value>,
}

pub(super) fn parse(body: &Value) -> Result<Composite, EsError> {
    let place = "composite";
    let map = parse::object(body, place)?;
    parse::known_keys(map, place, &["sources", "size", "after"])?;
    let sources: Vec<Source> = map
        .get("sources")
        .map(parse::list)
        .unwrap_or_default()
        .into_iter()
        .map(source)
        .collect::<Result<_, _>>()?;
    if sources.is_empty() {
        return Err(EsError::x_content(
            "Required [sources] of [composite] is empty",
        ));
    }
    if let Some(twice) = sources.iter().enumerate().find_map(|(at, source)| {
        let mut earlier = sources.iter().take(at);
        earlier
            .any(|own| own.name == source.name)
            .then_some(&source.name)
    }) {
        return Err(EsError::x_content(format!(
            "Composite source names must be unique, found duplicates: [{twice}]"
        )));
    }
    let size = parse::unsigned(map, place, "size")?.unwrap_or(10);
    if size == 0 || size > MAX_BUCKETS {
        return Err(EsError::x_content(format!(
            "[size] must be between 1 and {MAX_BUCKETS}, got {size}"
        )));
    }
    let after = match map.get("after") {
        None | Some(Value::Null) => None,
        Some(after) => Some(parse::object(after, "after")?.clone()),
    };
    if let Some(after) = &after
        && (after.len() != sources.len()
            || sources
                .iter()
                .any(|source| !after.contains_key(&source.name)))
    {
        return Err(EsError::illegal_argument(format!(
            "[after] has {} value(s) but [sources] has {}",
            after.len(),
            sources.len()
        )));
    }
    Ok(Composite {
        sources,
        size,
        after,
    })
}

fn source(entry: &Value) -> Result<Source, EsError> {
    let (name, body) = parse::single(entry, "sources")?;
    let (kind, body) = parse::single(body, name)?;
    let map = parse::object(body, kind)?;
    let mut own = map.clone();
    let missing_bucket = parse::boolean(map, kind, "missing_bucket")?.unwrap_or(false);
    let descending = match parse::string(map, kind, "order")?.as_deref() {
        None | Some("asc") => false,
        Some("desc") => true,
        Some(other) => {
            return Err(EsError::illegal_argument(format!(
                "Unknown [order] of [{name}]: [{other}]"
            )));
        }
    };
    own.remove("missing_bucket");
    own.remove("order");
    let kind = match kind {
        "terms" => {
            parse::known_keys(&own, kind, &["field"])?;
            SourceKind::Terms(parse::required_string(&own, kind, "field")?)
        }
        "histogram" => SourceKind::Histogram(histogram::parse(&Value::Object(own))?),
        "date_histogram" => SourceKind::DateHistogram(date_histogram::parse(&Value::Object(own))?),
        other => {
            return Err(EsError::unsupported(&format!(
                "source [{other}] of a composite aggregation"
            )));
        }
    };
    Ok(Source {
        name: name.to_owned(),
        kind,
        descending,
        missing_bucket,
    })
}

pub(super) fn parse_multi_terms(body: &Value) -> Result<MultiTerms, EsError> {
    let place = "multi_terms";
    let map = parse::object(body, place)?;
    let known = ["terms", "size", "shard_size", "min_doc_count", "order"];
    parse::known_keys(map, place, &known)?;
    let each = |entry: &Value| {
        let map = parse::object(entry, place)?;
        parse::known_keys(map, place, &["field", "missing"])?;
        Ok(MultiTerm {
            field: parse::required_string(map, place, "field")?,
            missing: parse::value(map, "missing"),
        })
    };
    let listed = map.get("terms").map(parse::list).unwrap_or_default();
    let terms = listed
        .into_iter()
        .map(each)
        .collect::<Result<Vec<_>, EsError>>()?;
    if terms.len() < 2 {
        return Err(EsError::x_content(
            "multi term aggregation must has at least 2 terms",
        ));
    }
    let mut order = terms::orders(map)?;
    if order.is_empty() {
        order.push(BucketOrder {
            target: OrderTarget::Count,
            descending: true,
        });
    }
    let min_doc_count = parse::unsigned(map, place, "min_doc_count")?.unwrap_or(1);
    if min_doc_count == 0 {
        return Err(EsError::unsupported(
            "[min_doc_count] 0 of a multi_terms aggregation",
        ));
    }
    Ok(MultiTerms {
        terms,
        size: parse::unsigned(map, place, "size")?
            .unwrap_or(10)
            .clamp(1, MAX_BUCKETS),
        min_doc_count: min_doc_count as u64,
        order,
    })
}
