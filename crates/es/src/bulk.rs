//! `_bulk`: NDJSON in, one result per item out.

use bytes::Bytes;
use serde_json::{Value, json};

use crate::{EsError, object_of};

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

    /// The item as it stands in the answer's `items`, and as the answer to a single-document request.
    pub fn to_json(&self) -> Value {
        match &self.outcome {
            Ok(written) => json!({
                "_index": self.index, "_id": self.id, "_version": written.version, "result": written.result.name(),
                "_shards": {"total": 1, "successful": 1, "failed": 0},
                "_seq_no": written.seq_no, "_primary_term": 1, "status": self.status(),
            }),
            Err(error) => {
                json!({"_index": self.index, "_id": self.id, "status": error.status, "error": error.cause()})
            }
        }
    }
}

/// The whole answer of `_bulk`.
pub fn response_body(took_ms: u64, results: &[BulkItemResult], forced_refresh: bool) -> Value {
    let items: Vec<Value> = results
        .iter()
        .map(|item| {
            let mut body = item.to_json();
            if let (true, Ok(_), Some(map)) = (forced_refresh, &item.outcome, body.as_object_mut())
            {
                map.insert("forced_refresh".to_owned(), json!(true));
            }
            object_of([(item.operation.name(), body)])
        })
        .collect();
    let has_errors = results.iter().any(|item| item.outcome.is_err());
    object_of([
        ("took", took_ms.into()),
        ("errors", has_errors.into()),
        ("items", Value::Array(items)),
    ])
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
        let length = rest
            .iter()
            .position(|byte| *byte == b'\n')
            .unwrap_or(rest.len());
        let line = self.body.slice(self.position..self.position + length);
        self.position += length + 1;
        self.number += 1;
        Some((self.number, line))
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
    Ok(BulkItem {
        operation,
        index: index.to_owned(),
        id,
        if_seq_no: meta.get("if_seq_no").and_then(Value::as_u64),
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
