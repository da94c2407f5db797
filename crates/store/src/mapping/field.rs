//! One field: its type, its multi-fields, and what is done with its values.

use std::collections::BTreeMap;

use canarytrace_es::{DateFormats, EsError};
use serde_json::{Value, json};

use crate::analysis::Analyzer;

use super::{
    FieldType, Indexed, Path,
    values::{Scalar, decimal, put, shorten},
};

/// A field with its multi-fields.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Field {
    path: Path,
    pub(crate) kind: FieldType,
    /// By name, with their paths.
    pub(crate) multi: BTreeMap<String, (Path, FieldType)>,
    /// As it was declared, for `_mapping`.
    pub(super) raw: Value,
    pub(super) options: Options,
}

/// What is done with values beside indexing them.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Options {
    /// Stands in for an explicit null.
    pub(super) null_value: Option<Value>,
    /// Fields that get the value, too.
    pub(super) copy_to: Vec<String>,
    /// A value that does not fit is stored only.
    pub(super) ignore_malformed: bool,
    /// Numbers in texts and parts of whole numbers are refused (`coerce: false`).
    is_exact: bool,
    /// Neither sorted by nor aggregated (`doc_values: false`).
    pub(super) without_columns: bool,
    /// A `constant_keyword`: the first value that comes is that of all documents.
    pub(super) is_constant: bool,
    /// Every document has it.
    pub(super) constant: Option<Value>,
    /// Another name of that field (`alias`).
    pub(super) alias_of: Option<String>,
}

impl Field {
    /// Puts a value and what the multi-fields make of it into the index; those do not ask whether the field itself is indexed.
    pub(super) fn put(&self, value: Scalar<'_>, indexed: &mut Indexed) -> Result<(), EsError> {
        if self.options.is_exact {
            self.check_exact(value)?;
        }
        put(&self.path, &self.kind, value, indexed)?;
        for (path, kind) in self.multi.values() {
            put(path, kind, value, indexed)?;
        }
        Ok(())
    }

    fn check_exact(&self, value: Scalar<'_>) -> Result<(), EsError> {
        let fits = match (&self.kind, value) {
            (FieldType::Whole { .. } | FieldType::Unsigned, Scalar::Decimal(number)) => {
                number.fract() == 0.0
            }
            (
                FieldType::Whole { .. } | FieldType::Unsigned | FieldType::Decimal { .. },
                Scalar::Text(_),
            ) => false,
            _ => true,
        };
        if fits {
            return Ok(());
        }
        Err(EsError::mapper_parsing(format!(
            "failed to parse field [{}] of type [{}]: [coerce] is false and [{}] is none",
            self.path,
            self.type_name(),
            shorten(value)
        )))
    }

    /// Puts a value under another name.
    pub(super) fn put_as(
        &self,
        alias: &str,
        value: Scalar<'_>,
        indexed: &mut Indexed,
    ) -> Result<(), EsError> {
        put(&alias.into(), &self.kind, value, indexed)
    }

    /// As it was declared.
    pub(crate) fn type_name(&self) -> &str {
        self.raw
            .get("type")
            .and_then(Value::as_str)
            .unwrap_or("object")
    }
}

const WHOLE_TYPES: [(&str, i64, i64); 4] = [
    ("long", i64::MIN, i64::MAX),
    ("integer", i32::MIN as i64, i32::MAX as i64),
    ("short", i16::MIN as i64, i16::MAX as i64),
    ("byte", i8::MIN as i64, i8::MAX as i64),
];
/// Accepted in a mapping: what has such a field is stored, and a query for it is refused.
const OPAQUE_TYPES: [&str; 12] = [
    "binary",
    "completion",
    "date_range",
    "double_range",
    "float_range",
    "geo_point",
    "geo_shape",
    "histogram",
    "integer_range",
    "ip_range",
    "long_range",
    "nested",
];
/// A leaf of a flattened tree, and the tree as a whole.
pub(super) const FLATTENED_LEAF: FieldType = FieldType::Keyword {
    ignore_above: usize::MAX,
    lowercase: false,
};
const DECIMAL_TYPES: [&str; 3] = ["double", "float", "half_float"];

/// Reads a field's definition.
pub(super) fn parse_field(path: &str, kind: &str, definition: &Value) -> Result<Field, EsError> {
    let map = definition.as_object().cloned().unwrap_or_default();
    let mut multi = BTreeMap::new();
    for (name, definition) in map
        .get("fields")
        .and_then(Value::as_object)
        .cloned()
        .unwrap_or_default()
    {
        let kind = definition
            .get("type")
            .and_then(Value::as_str)
            .unwrap_or("keyword")
            .to_owned();
        let path = format!("{path}.{name}");
        let kind = parse_type(&path, &kind, &definition)?;
        multi.insert(name.clone(), (path.into(), kind));
    }
    let texts = |name: &str| -> Vec<String> {
        let listed = map.get(name).into_iter().flat_map(|value| match value {
            Value::Array(list) => list.iter().collect(),
            one => vec![one],
        });
        listed
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect()
    };
    let alias_of = texts("path").pop().filter(|_| kind == "alias");
    if kind == "alias" && alias_of.is_none() {
        return Err(EsError::mapper_parsing(format!(
            "The [path] property must be specified for field [{path}]."
        )));
    }
    Ok(Field {
        path: path.into(),
        kind: parse_type(path, kind, definition)?,
        multi,
        raw: told(definition, &texts("copy_to")),
        options: Options {
            null_value: map
                .get("null_value")
                .filter(|value| !value.is_null())
                .cloned(),
            copy_to: texts("copy_to"),
            ignore_malformed: map.get("ignore_malformed") == Some(&json!(true)),
            is_exact: map.get("coerce") == Some(&json!(false)),
            without_columns: map.get("doc_values") == Some(&json!(false)),
            is_constant: kind == "constant_keyword",
            constant: map
                .get("value")
                .filter(|_| kind == "constant_keyword")
                .cloned(),
            alias_of,
        },
    })
}

/// A definition as `_mapping` tells it.
fn told(definition: &Value, copy_to: &[String]) -> Value {
    let mut told = definition.clone();
    if !copy_to.is_empty() {
        told["copy_to"] = json!(copy_to);
    }
    told
}

/// What every field may say; much of it is about speed in a cluster.
const PARAMETERS: [&str; 34] = [
    "type",
    "fields",
    "index",
    "ignore_above",
    "norms",
    "doc_values",
    "store",
    "format",
    "coerce",
    "analyzer",
    "search_analyzer",
    "null_value",
    "copy_to",
    "ignore_malformed",
    "normalizer",
    "value",
    "path",
    "scaling_factor",
    "depth_limit",
    "eager_global_ordinals",
    "fielddata",
    "fielddata_frequency_filter",
    "index_options",
    "index_prefixes",
    "index_phrases",
    "meta",
    "position_increment_gap",
    "similarity",
    "split_queries_on_whitespace",
    "term_vector",
    "boost",
    "locale",
    "properties",
    "dynamic",
];

fn analyzer(path: &str, definition: &Value) -> Result<Analyzer, EsError> {
    let Some(name) = definition.get("analyzer").and_then(Value::as_str) else {
        return Ok(Analyzer::default());
    };
    Analyzer::named(name).ok_or_else(|| {
        EsError::mapper_parsing(format!(
            "analyzer [{name}] has not been configured in mappings of field [{path}]: standard, simple, whitespace and keyword are known"
        ))
    })
}

fn parse_type(path: &str, kind: &str, definition: &Value) -> Result<FieldType, EsError> {
    if let Some(key) = definition
        .as_object()
        .and_then(|map| map.keys().find(|key| !PARAMETERS.contains(&key.as_str())))
    {
        return Err(EsError::mapper_parsing(format!(
            "unknown parameter [{key}] on mapper [{path}] of type [{kind}]"
        )));
    }
    if let Some((name, min, max)) = WHOLE_TYPES.into_iter().find(|(name, ..)| *name == kind) {
        return Ok(FieldType::Whole { name, min, max });
    }
    if let Some(name) = DECIMAL_TYPES.into_iter().find(|name| *name == kind) {
        return Ok(FieldType::Decimal {
            name,
            scaling_factor: None,
        });
    }
    let ignore_above = definition
        .get("ignore_above")
        .and_then(Value::as_u64)
        .and_then(|limit| usize::try_from(limit).ok())
        .unwrap_or(usize::MAX);
    match kind {
        "text" | "match_only_text" => Ok(FieldType::Text {
            indexed: definition.get("index") != Some(&json!(false)),
            analyzer: analyzer(path, definition)?,
        }),
        "keyword" | "wildcard" | "constant_keyword" | "version" => {
            let normalizer = definition.get("normalizer").and_then(Value::as_str);
            if let Some(unknown) = normalizer.filter(|name| *name != "lowercase") {
                return Err(EsError::mapper_parsing(format!(
                    "normalizer [{unknown}] not found for field [{path}]"
                )));
            }
            Ok(FieldType::Keyword {
                ignore_above,
                lowercase: normalizer.is_some(),
            })
        }
        "flattened" | "flat_object" => Ok(FieldType::Flattened { ignore_above }),
        "scaled_float" => {
            let factor = definition.get("scaling_factor").and_then(decimal);
            Ok(FieldType::Decimal {
                name: "scaled_float",
                scaling_factor: Some(factor.filter(|factor| *factor > 0.0).ok_or_else(|| {
                    EsError::mapper_parsing(format!(
                        "Field [{path}] misses required parameter [scaling_factor]"
                    ))
                })?),
            })
        }
        "unsigned_long" => Ok(FieldType::Unsigned),
        // Its kind is that of the field it stands for.
        "alias" => Ok(FieldType::Opaque),
        kind if OPAQUE_TYPES.contains(&kind) => Ok(FieldType::Opaque),
        "boolean" => Ok(FieldType::Boolean),
        "date" | "date_nanos" => {
            let format = definition.get("format").and_then(Value::as_str);
            let formats = format.map_or(Ok(DateFormats::default()), DateFormats::parse);
            Ok(FieldType::Date(formats.map_err(|error| {
                EsError::mapper_parsing(format!(
                    "Failed to parse mapping [{path}]: {}",
                    error.reason
                ))
            })?))
        }
        "ip" => Ok(FieldType::Ip),
        other => Err(EsError::new(
            400,
            "mapper_parsing_exception",
            format!("No handler for type [{other}] declared on field [{path}]"),
        )),
    }
}
