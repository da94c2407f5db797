//! `_bulk`: NDJSON in, one result per item out.

use bytes::Bytes;
use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::Value;

use crate::EsError;

/// What an item asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BulkOperation {
    Index,
    /// Fails with 409 when the id exists.
    Create,
    Delete,
    /// Merges into the document; carried out by reading and writing.
    Update,
}

impl BulkOperation {
    pub fn name(self) -> &'static str {
        match self {
            BulkOperation::Index => "index",
            BulkOperation::Create => "create",
            BulkOperation::Delete => "delete",
            BulkOperation::Update => "update",
        }
    }
}

/// One action with its document.
#[derive(Clone, Debug, PartialEq)]
pub struct BulkItem {
    pub operation: BulkOperation,
    pub index: String,
    pub id: Option<String>,
    /// Only if the document still has this sequence number.
    pub if_seq_no: Option<u64>,
    /// The document's JSON; empty for a delete.
    pub source: Bytes,
}

/// What became of one item.
#[derive(Clone, Debug, PartialEq)]
pub struct BulkItemResult {
    pub operation: BulkOperation,
    pub index: String,
    pub id: String,
    pub outcome: Result<Written, EsError>,
}

/// A write that took effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written {
    pub result: WriteResult,
    pub version: u64,
    pub seq_no: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteResult {
    Created,
    Updated,
    Deleted,
    NotFound,
    /// An update that changes nothing.
    Noop,
}

impl WriteResult {
    pub fn name(self) -> &'static str {
        match self {
            WriteResult::Created => "created",
            WriteResult::Updated => "updated",
            WriteResult::Deleted => "deleted",
            WriteResult::NotFound => "not_found",
            WriteResult::Noop => "noop",
        }
    }

    fn status(self) -> u16 {
        match self {
            WriteResult::Created => 201,
            WriteResult::Updated | WriteResult::Deleted | WriteResult::Noop => 200,
            WriteResult::NotFound => 404,
        }
    }
}

impl BulkItemResult {
    pub fn status(&self) -> u16 {
        match &self.outcome {
            Ok(written) => written.result.status(),
            Err(error) => error.status,
        }
    }

    /// The item as it stands in the answer's `items`, and as the answer to a single-document request. `forced_refresh`: what was
    /// written can be found already.
    pub fn to_json(&self, forced_refresh: bool) -> Value {
        serde_json::to_value(self.body(forced_refresh)).unwrap_or_default()
    }

    fn body(&self, forced_refresh: bool) -> ItemBody<'_> {
        let outcome = match &self.outcome {
            Ok(written) => Outcome::Written {
                version: written.version,
                result: written.result.name(),
                forced_refresh,
                shards: Shards {
                    total: 1,
                    successful: 1,
                    failed: 0,
                },
                seq_no: written.seq_no,
                primary_term: 1,
            },
            Err(error) => Outcome::Refused {
                error: error.cause(),
            },
        };
        ItemBody {
            index: &self.index,
            id: &self.id,
            status: self.status(),
            outcome,
        }
    }
}

#[derive(Serialize)]
struct ItemBody<'a> {
    #[serde(rename = "_index")]
    index: &'a str,
    #[serde(rename = "_id")]
    id: &'a str,
    #[serde(flatten)]
    outcome: Outcome,
    status: u16,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Outcome {
    Written {
        #[serde(rename = "_version")]
        version: u64,
        result: &'static str,
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        forced_refresh: bool,
        #[serde(rename = "_shards")]
        shards: Shards,
        #[serde(rename = "_seq_no")]
        seq_no: u64,
        #[serde(rename = "_primary_term")]
        primary_term: u64,
    },
    Refused {
        error: Value,
    },
}

#[derive(Serialize)]
struct Shards {
    total: u32,
    successful: u32,
    failed: u32,
}

/// The whole answer of `_bulk`: it is as long as a third of many a request, and written without a tree of its values.
#[derive(Debug, Serialize)]
pub struct BulkAnswer<'a> {
    took: u64,
    errors: bool,
    items: Vec<AnswerItem<'a>>,
}

#[derive(Debug)]
struct AnswerItem<'a> {
    result: &'a BulkItemResult,
    forced_refresh: bool,
}

impl<'a> BulkAnswer<'a> {
    /// `forced_refresh`: what was written can be found already.
    pub fn new(took_ms: u64, results: &'a [BulkItemResult], forced_refresh: bool) -> Self {
        let item = |result| AnswerItem {
            result,
            forced_refresh,
        };
        Self {
            took: took_ms,
            errors: results.iter().any(|item| item.outcome.is_err()),
            items: results.iter().map(item).collect(),
        }
    }
}

impl Serialize for AnswerItem<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1))?;
        let body = self.result.body(self.forced_refresh);
        map.serialize_entry(self.result.operation.name(), &body)?;
        map.end()
    }
}

/// Reads a bulk body. A malformed line refuses the whole request, as Elasticsearch does, naming the line.
pub fn parse(body: &Bytes, default_index: Option<&str>) -> Result<Vec<BulkItem>, EsError> {
    if body.is_empty() {
        return Err(EsError::new(
            400,
            "parse_exception",
            "request body is required",
        ));
    }
    if !body.ends_with(b"\n") {
        return Err(EsError::illegal_argument(
            "The bulk request must be terminated by a newline [\\n]",
        ));
    }
    let mut lines = Lines {
        body,
        position: 0,
        number: 0,
    };
    let mut items = Vec::new();
    while let Some((number, line)) = lines.next_line() {
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let mut item = parse_action(&line, number, default_index)?;
        if item.operation != BulkOperation::Delete {
            let (_, source) = lines.next_line().ok_or_else(|| {
                EsError::new(
                    400,
                    "action_request_validation_exception",
                    format!("Malformed action/metadata line [{number}], the document is missing"),
                )
            })?;
            item.source = source;
        }
        items.push(item);
    }
    Ok(items)
}

struct Lines<'a> {
    body: &'a Bytes,
    position: usize,
    number: usize,
}

impl Lines<'_> {
    fn next_line(&mut self) -> Option<(usize, Bytes)> {
        let rest = self
            .body
            .get(self.position..)
            .filter(|rest| !rest.is_empty())?;
        let length = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
        let line = self.body.slice(self.position..self.position + length);
        self.position += length + 1;
        self.number += 1;
        Some((self.number, line))
    }
}

/// No document has it.
const NOWHERE: u64 = u64::MAX;

/// The sequence number at which a write expects its document, of `if_seq_no` and `if_primary_term`. There is but one term, the
/// first: what expects another conflicts with every document.
pub fn expected_place(
    if_seq_no: Option<u64>,
    if_primary_term: Option<u64>,
) -> Result<Option<u64>, EsError> {
    match (if_seq_no, if_primary_term) {
        (None, None) => Ok(None),
        (Some(place), Some(1)) => Ok(Some(place)),
        (Some(_), None | Some(0)) => Err(EsError::invalid_request(
            "ifSeqNo is set, but primary term is [0]",
        )),
        (Some(_), Some(_)) => Ok(Some(NOWHERE)),
        (None, Some(term)) => Err(EsError::invalid_request(&format!(
            "ifSeqNo is unassigned, but primary term is [{term}]"
        ))),
    }
}

fn parse_action(
    line: &[u8],
    number: usize,
    default_index: Option<&str>,
) -> Result<BulkItem, EsError> {
    let wrong = |what: &str| {
        EsError::illegal_argument(format!("Malformed action/metadata line [{number}], {what}"))
    };
    let value: Value = serde_json::from_slice(line).map_err(|error| {
        EsError::json(format!(
            "Malformed action/metadata line [{number}], {error}"
        ))
    })?;
    let (name, meta) = match value.as_object().map(|map| (map.len(), map.iter().next())) {
        Some((1, Some(entry))) => entry,
        _ => return Err(wrong("expected one of [create, delete, index, update]")),
    };
    let operation = match name.as_str() {
        "index" => BulkOperation::Index,
        "create" => BulkOperation::Create,
        "delete" => BulkOperation::Delete,
        "update" => BulkOperation::Update,
        other => {
            return Err(wrong(&format!(
                "expected one of [create, delete, index, update] but found [{other}]"
            )));
        }
    };
    let meta = meta
        .as_object()
        .ok_or_else(|| wrong("expected an object"))?;
    if let Some(key) = meta.keys().find(|key| {
        ![
            "_index",
            "_id",
            "_type",
            "if_seq_no",
            "if_primary_term",
            // An update is tried again, whatever is said.
            "retry_on_conflict",
            "require_alias",
            "routing",
            "_routing",
        ]
        .contains(&key.as_str())
    }) {
        return Err(wrong(&format!("unknown parameter [{key}]")));
    }
    let index = meta
        .get("_index")
        .and_then(Value::as_str)
        .or(default_index)
        .ok_or_else(|| wrong("[_index] is missing"))?;
    let id = match meta.get("_id") {
        None | Some(Value::Null) => None,
        Some(Value::String(id)) => Some(id.clone()),
        Some(Value::Number(id)) => Some(id.to_string()),
        Some(_) => return Err(wrong("[_id] must be a string")),
    };
    let number = |name: &str| meta.get(name).and_then(Value::as_u64);
    Ok(BulkItem {
        operation,
        index: index.to_owned(),
        id,
        if_seq_no: expected_place(number("if_seq_no"), number("if_primary_term"))?,
        source: Bytes::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_split_into_items() {
        let body = Bytes::from_static(
            b"{\"create\":{\"_index\":\"a\",\"_id\":\"1\"}}\n{\"x\":1}\n{\"delete\":{\"_id\":\"2\"}}\n{\"index\":{}}\n{\"y\":2}\n",
        );
        let items = parse(&body, Some("b")).unwrap();
        assert_eq!(items.len(), 3);
        assert_eq!(
            (
                items[0].operation,
                items[0].index.as_str(),
                &items[0].source[..]
            ),
            (BulkOperation::Create, "a", &b"{\"x\":1}"[..])
        );
        assert_eq!(
            (
                items[1].operation,
                items[1].index.as_str(),
                items[1].id.as_deref()
            ),
            (BulkOperation::Delete, "b", Some("2"))
        );
        assert_eq!(items[2].id, None);
    }

    #[test]
    fn malformed_lines_are_named() {
        let check = |body: &'static [u8], part: &str| {
            let error = parse(&Bytes::from_static(body), None).unwrap_err();
            assert!(error.reason.contains(part), "{}", error.reason);
        };
        check(b"", "body is required");
        check(b"{\"index\":{\"_index\":\"a\"}}\n{}", "newline");
        check(
            b"{\"index\":{\"_index\":\"a\"}}\n{}\nnonsense\n",
            "line [3]",
        );
        check(b"{\"index\":{}}\n{}\n", "[_index] is missing");
        check(b"{\"index\":{\"_index\":\"a\"}}\n", "document is missing");
    }
}
