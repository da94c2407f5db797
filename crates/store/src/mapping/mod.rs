//! The mapping of an index and what it makes of a document: types, multi-fields, coercion, dynamic fields.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

mod dynamic;
mod field;
mod indexed;
mod reading;
mod values;

use canarytrace_es::{DateFormats, EsError};
use serde_json::{Map, Value, json};

use crate::analysis::Analyzer;

use dynamic::DynamicTemplates;
use field::{FLATTENED_LEAF, Field, parse_field};
pub(crate) use indexed::{Cell, IGNORED, Indexed, Path};
use reading::Places;
use values::Scalar;
pub(crate) use values::{date, decimal, unsigned_whole, whole};

/// How a field is indexed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum FieldType {
    Text {
        indexed: bool,
        analyzer: Analyzer,
    },
    Keyword {
        ignore_above: usize,
        /// Compared without case (`normalizer: lowercase`).
        lowercase: bool,
    },
    /// A tree whose leaves are keywords, below their own paths and all together.
    Flattened {
        ignore_above: usize,
    },
    /// All whole numbers; the range of the declared type is checked.
    Whole {
        name: &'static str,
        min: i64,
        max: i64,
    },
    /// `unsigned_long`: up to 2^64.
    Unsigned,
    Decimal {
        name: &'static str,
        /// Values are kept in steps of one part in so many (`scaled_float`).
        scaling_factor: Option<f64>,
    },
    Boolean,
    Date(DateFormats),
    Ip,
    /// Stored, and refused in queries: `geo_point`, `nested`, `binary` and the like.
    Opaque,
}

/// Fields by full path.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Mapping {
    fields: BTreeMap<String, Arc<Field>>,
    /// Objects that are stored and not indexed.
    disabled: BTreeSet<String>,
    /// Objects that are known, to tell them from fields.
    objects: BTreeSet<String>,
    dynamic: Dynamic,
    /// Objects that say otherwise.
    dynamic_of: BTreeMap<String, Dynamic>,
    templates: DynamicTemplates,
    /// Other names of fields.
    aliases: BTreeMap<String, Vec<String>>,
    /// What every document has (`constant_keyword`).
    constants: BTreeMap<String, Value>,
    /// What a request had beside its properties, for `_mapping`.
    others: Map<String, Value>,
    limit: FieldLimit,
    /// Derived from all of it.
    places: Places,
}

/// What becomes of a field that nobody has declared.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Dynamic {
    /// It is added to the mapping.
    #[default]
    Added,
    /// It is stored and not indexed.
    Ignored,
    /// The document is refused.
    Strict,
}

impl Dynamic {
    fn as_str(self) -> &'static str {
        match self {
            Dynamic::Added => "true",
            Dynamic::Ignored => "false",
            Dynamic::Strict => "strict",
        }
    }

    fn parse(value: Option<&Value>) -> Result<Self, EsError> {
        match value {
            None => Ok(Dynamic::Added),
            Some(Value::Bool(added)) => Ok(if *added {
                Dynamic::Added
            } else {
                Dynamic::Ignored
            }),
            Some(Value::String(text)) => match text.as_str() {
                "true" => Ok(Dynamic::Added),
                "false" => Ok(Dynamic::Ignored),
                "strict" => Ok(Dynamic::Strict),
                other => Err(EsError::mapper_parsing(format!(
                    "[dynamic] of [{other}] is not supported; true, false and strict are"
                ))),
            },
            Some(other) => Err(EsError::mapper_parsing(format!(
                "[dynamic] must be true, false or strict, not [{other}]"
            ))),
        }
    }
}

/// How many fields there may be (`index.mapping.total_fields.limit`).
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct FieldLimit(usize);

/// Twice as many as in Elasticsearch: what browsers tell has many names.
const USUAL_FIELDS: usize = 2000;
/// Whatever the setting says: Metricbeat asks for 10,000.
const MAX_FIELDS: usize = 20_000;

impl Default for FieldLimit {
    fn default() -> Self {
        Self(USUAL_FIELDS)
    }
}

impl FieldLimit {
    /// Of the settings of an index, nested as they are kept.
    pub(crate) fn of(settings: &Value) -> Result<Self, EsError> {
        match settings.pointer("/index/mapping/total_fields/limit") {
            None | Some(Value::Null) => Ok(Self::default()),
            Some(value) => {
                let text = value.as_str().unwrap_or_default();
                let limit = text.parse::<usize>().map_err(|_| {
                    EsError::illegal_argument(format!(
                        "Failed to parse value [{text}] for setting [index.mapping.total_fields.limit]"
                    ))
                })?;
                Ok(Self(limit.min(MAX_FIELDS)))
            }
        }
    }
}

const MAX_DEPTH: usize = 20;

impl Mapping {
    /// Reads `{"properties": {…}}`.
    pub(crate) fn parse(body: &Value, limit: FieldLimit) -> Result<Self, EsError> {
        let mut mapping = Self {
            limit,
            dynamic: Dynamic::parse(body.get("dynamic"))?,
            templates: DynamicTemplates::parse(body)?,
            ..Self::default()
        };
        for (name, value) in body.as_object().into_iter().flatten() {
            match name.as_str() {
                "properties" => {}
                "dynamic" => {
                    let told = json!(mapping.dynamic.as_str());
                    mapping.others.insert(name.clone(), told);
                }
                "dynamic_templates"
                | "date_detection"
                | "numeric_detection"
                | "_meta"
                | "_source"
                | "_routing"
                | "dynamic_date_formats" => {
                    mapping.others.insert(name.clone(), value.clone());
                }
                other => {
                    return Err(EsError::mapper_parsing(format!(
                        "Root mapping definition has unsupported parameters:  [{other} : {value}]"
                    )));
                }
            }
        }
        if let Some(properties) = body.get("properties") {
            mapping.add_properties("", properties, 0)?;
        }
        mapping.derive()?;
        Ok(mapping)
    }

    /// The same with room for other numbers of fields; none if it has that already.
    pub(crate) fn limited(&self, limit: FieldLimit) -> Option<Self> {
        (self.limit != limit).then(|| Self {
            limit,
            ..self.clone()
        })
    }

    /// What is derived from the fields: constants, and aliases, which are searched as the fields they stand for.
    fn derive(&mut self) -> Result<(), EsError> {
        self.places = Places::default();
        let named: Vec<(String, String)> = self
            .fields
            .iter()
            .filter_map(|(path, field)| Some((path.clone(), field.options.alias_of.clone()?)))
            .collect();
        self.constants = self
            .fields
            .iter()
            .filter_map(|(path, field)| Some((path.clone(), field.options.constant.clone()?)))
            .collect();
        self.aliases.clear();
        for (alias, target) in named {
            let kind = self.kind(&target).cloned().ok_or_else(|| {
                EsError::mapper_parsing(format!(
                    "Invalid [path] value [{target}] for field alias [{alias}]: an alias must refer to an existing field in the mappings."
                ))
            })?;
            if let Some(field) = self.fields.get_mut(&alias) {
                Arc::make_mut(field).kind = kind;
            }
            self.aliases.entry(target).or_default().push(alias);
        }
        Ok(())
    }

    /// What becomes of unknown fields below an object.
    fn dynamic_at(&self, path: &str) -> Dynamic {
        let mut parent = path;
        while let Some((above, _)) = parent.rsplit_once('.') {
            if let Some(own) = self.dynamic_of.get(above) {
                return *own;
            }
            parent = above;
        }
        self.dynamic
    }

    fn add_properties(
        &mut self,
        parent: &str,
        properties: &Value,
        depth: usize,
    ) -> Result<(), EsError> {
        let map = properties
            .as_object()
            .ok_or_else(|| EsError::mapper_parsing("Expected map for [properties]"))?;
        if depth > MAX_DEPTH {
            return Err(EsError::illegal_argument(format!(
                "mapping nests deeper than {MAX_DEPTH}"
            )));
        }
        for (name, definition) in map {
            let path = join(parent, name);
            let kind = definition.get("type").and_then(Value::as_str);
            match (kind, definition.get("properties")) {
                (None | Some("object"), properties) => {
                    self.objects.insert(path.clone());
                    if definition.get("enabled") == Some(&json!(false)) {
                        self.disabled.insert(path.clone());
                    }
                    if let Some(dynamic) = definition.get("dynamic") {
                        let dynamic = Dynamic::parse(Some(dynamic))?;
                        self.dynamic_of.insert(path.clone(), dynamic);
                    }
                    if let Some(properties) = properties {
                        self.add_properties(&path, properties, depth + 1)?;
                    }
                }
                (Some(kind), _) => {
                    let field = parse_field(&path, kind, definition)?;
                    self.fields.insert(path, Arc::new(field));
                }
            }
        }
        self.check_size()
    }

    /// With more fields; one that is there keeps its type.
    pub(crate) fn extended(&self, body: &Value) -> Result<Self, EsError> {
        let added = Self::parse(body, self.limit)?;
        let mut mapping = self.clone();
        if body.get("dynamic").is_some() {
            mapping.dynamic = added.dynamic;
        }
        for (path, field) in added.fields {
            match mapping.fields.get_mut(&path) {
                None if mapping.objects.contains(&path) => {
                    return Err(EsError::illegal_argument(format!(
                        "can't merge a non object mapping [{path}] with an object mapping"
                    )));
                }
                None => drop(mapping.fields.insert(path, field)),
                Some(own)
                    if std::mem::discriminant(&own.kind) == std::mem::discriminant(&field.kind)
                        && own.type_name() == field.type_name() =>
                {
                    let own = Arc::make_mut(own);
                    let fields = own.raw["fields"].as_object().cloned();
                    own.multi.extend(field.multi.clone());
                    own.raw = field.raw.clone();
                    for (name, multi) in fields.into_iter().flatten() {
                        if own.raw["fields"][&name].is_null() {
                            own.raw["fields"][name] = multi;
                        }
                    }
                }
                Some(own) => {
                    return Err(EsError::illegal_argument(format!(
                        "mapper [{path}] cannot be changed from type [{}] to [{}]",
                        own.type_name(),
                        field.type_name()
                    )));
                }
            }
        }
        for path in &added.objects {
            if mapping.fields.contains_key(path) {
                return Err(EsError::illegal_argument(format!(
                    "can't merge a non object mapping [{path}] with an object mapping"
                )));
            }
        }
        mapping.objects.extend(added.objects);
        mapping.disabled.extend(added.disabled);
        mapping.dynamic_of.extend(added.dynamic_of);
        mapping.templates = mapping.templates.changed(body)?;
        mapping.others.extend(added.others);
        mapping.derive()?;
        mapping.check_size()?;
        Ok(mapping)
    }

    fn check_size(&self) -> Result<(), EsError> {
        let FieldLimit(limit) = self.limit;
        if self.fields.len() > limit {
            return Err(EsError::illegal_argument(format!(
                "Limit of total fields [{limit}] has been exceeded"
            )));
        }
        Ok(())
    }

    /// The type of a field or multi-field.
    pub(crate) fn kind(&self, path: &str) -> Option<&FieldType> {
        if let Some(field) = self.fields.get(path) {
            return Some(match &field.kind {
                FieldType::Flattened { .. } => &FLATTENED_LEAF,
                kind => kind,
            });
        }
        if path == IGNORED {
            return Some(&FLATTENED_LEAF);
        }
        let (parent, name) = path.rsplit_once('.')?;
        if let Some(kind) = self
            .fields
            .get(parent)
            .and_then(|field| field.multi.get(name).map(|(_, kind)| kind))
        {
            return Some(kind);
        }
        path.match_indices('.')
            .filter_map(|(at, _)| self.fields.get(path.get(..at)?))
            .any(|field| matches!(field.kind, FieldType::Flattened { .. }))
            .then_some(&FLATTENED_LEAF)
    }

    /// The type of a field as it was declared.
    pub(crate) fn type_name(&self, path: &str) -> Option<&str> {
        self.fields.get(path).map(|field| field.type_name())
    }

    /// Where the values of a field stand in a document: those of a multi-field at its parent, of an alias at its field.
    pub(crate) fn source_path<'a>(&'a self, path: &'a str) -> &'a str {
        match (self.fields.get(path), path.rsplit_once('.')) {
            (Some(field), _) => field.options.alias_of.as_deref().unwrap_or(path),
            (None, Some((parent, _))) if self.fields.contains_key(parent) => parent,
            _ => path,
        }
    }

    /// The field itself, of an alias.
    pub(crate) fn field_name<'a>(&'a self, path: &'a str) -> &'a str {
        let field = self.fields.get(path);
        let alias_of = field.and_then(|field| field.options.alias_of.as_deref());
        alias_of.unwrap_or(path)
    }

    /// Whether documents may have values that are only stored.
    pub(crate) fn ignores_malformed(&self) -> bool {
        self.fields
            .values()
            .any(|field| field.options.ignore_malformed)
    }

    /// Every path that can be searched, multi-fields included.
    pub(crate) fn searchable(&self) -> impl Iterator<Item = (String, &FieldType)> {
        self.fields.iter().flat_map(|(path, field)| {
            let multi = field
                .multi
                .values()
                .map(|(path, kind)| (path.to_string(), kind));
            std::iter::once((path.clone(), &field.kind)).chain(multi)
        })
    }

    /// Refuses to sort by a field or to aggregate it, if its values cannot be read by document.
    pub(crate) fn check_columns(&self, path: &str) -> Result<(), EsError> {
        if matches!(self.kind(path), Some(FieldType::Text { .. })) {
            return Err(EsError::illegal_argument(format!(
                "Text fields are not optimised for operations that require per-document field data like aggregations and sorting. Please use a keyword field instead of [{path}]"
            )));
        }
        match self.fields.get(path) {
            Some(field) if field.options.without_columns => {
                Err(EsError::illegal_argument(format!(
                    "Can't load fielddata on [{path}] because fielddata is unsupported on fields of type [{}]. Use doc values instead.",
                    field.type_name()
                )))
            }
            _ => Ok(()),
        }
    }

    /// The body of `_mapping`.
    pub(crate) fn to_json(&self) -> Value {
        let mut root = json!({"properties": {}});
        for (name, value) in &self.others {
            root[name] = value.clone();
        }
        for path in &self.objects {
            let node = node(&mut root, path);
            if self.disabled.contains(path) {
                node.insert("type".to_owned(), json!("object"));
                node.insert("enabled".to_owned(), json!(false));
            } else {
                node.entry("properties").or_insert_with(|| json!({}));
            }
            if let Some(dynamic) = self.dynamic_of.get(path) {
                node.insert("dynamic".to_owned(), json!(dynamic.as_str()));
            }
        }
        for (path, field) in &self.fields {
            if let Value::Object(raw) = &field.raw {
                *node(&mut root, path) = raw.clone();
            }
        }
        root
    }

    /// What `source` puts into the index; fields it brings along are added to the mapping, which is copied only then.
    pub(crate) fn index(
        mapping: &mut Arc<Self>,
        source: &Map<String, Value>,
    ) -> Result<Indexed, EsError> {
        let mut indexed = Indexed::default();
        for (name, value) in source {
            Self::value(mapping, name, value, &mut indexed, 0)?;
        }
        let missing = |path: &String| !indexed.has(path);
        let constants: Vec<(String, Value)> = mapping
            .constants
            .iter()
            .filter(|(path, _)| missing(path))
            .map(|(path, value)| (path.clone(), value.clone()))
            .collect();
        for (path, value) in constants {
            Self::leaf(mapping, &path, &value, &mut indexed)?;
        }
        Ok(indexed)
    }

    fn value(
        mapping: &mut Arc<Self>,
        path: &str,
        value: &Value,
        indexed: &mut Indexed,
        depth: usize,
    ) -> Result<(), EsError> {
        if depth > MAX_DEPTH {
            return Err(EsError::mapper_parsing(format!(
                "field [{path}] nests deeper than {MAX_DEPTH}"
            )));
        }
        match mapping.fields.get(path) {
            Some(field) => match &field.kind {
                FieldType::Opaque => {
                    indexed.add_other(&path.into());
                    return Ok(());
                }
                FieldType::Flattened { ignore_above } => {
                    values::flatten(path, path, *ignore_above, value, indexed);
                    return Ok(());
                }
                _ => {}
            },
            None if mapping.disabled.contains(path) => return Ok(()),
            None if mapping.objects.contains(path) => {}
            None => match mapping.dynamic_at(path) {
                Dynamic::Added => {}
                Dynamic::Ignored => return Ok(()),
                Dynamic::Strict => {
                    return Err(EsError::new(
                        400,
                        "strict_dynamic_mapping_exception",
                        format!(
                            "mapping set to strict, dynamic introduction of [{path}] within [_doc] is not allowed"
                        ),
                    ));
                }
            },
        }
        match value {
            Value::Null => {
                let options = mapping.fields.get(path).map(|field| &field.options);
                match options.and_then(|options| options.null_value.clone()) {
                    Some(stand_in) => Self::leaf(mapping, path, &stand_in, indexed),
                    None => Ok(()),
                }
            }
            Value::Array(items) => items
                .iter()
                .try_for_each(|item| Self::value(mapping, path, item, indexed, depth + 1)),
            Value::Object(map) => {
                if mapping.fields.contains_key(path) {
                    return Err(EsError::mapper_parsing(format!(
                        "failed to parse field [{path}]: an object was found where a value is mapped"
                    )));
                }
                if !mapping.objects.contains(path) {
                    let mapping = Arc::make_mut(mapping);
                    mapping.objects.insert(path.to_owned());
                    mapping.places = Places::default();
                }
                map.iter().try_for_each(|(name, value)| {
                    Self::value(mapping, &join(path, name), value, indexed, depth + 1)
                })
            }
            leaf => Self::leaf(mapping, path, leaf, indexed),
        }
    }

    /// The first value of a `constant_keyword` is its value from now on.
    fn learn_constant(&mut self, path: &str, value: &Value) {
        let Some(field) = self.fields.get_mut(path) else {
            return;
        };
        let field = Arc::make_mut(field);
        field.options.constant = Some(value.clone());
        field.raw["value"] = value.clone();
        self.constants.insert(path.to_owned(), value.clone());
        self.places = Places::default();
    }

    fn leaf(
        mapping: &mut Arc<Self>,
        path: &str,
        value: &Value,
        indexed: &mut Indexed,
    ) -> Result<(), EsError> {
        if !mapping.fields.contains_key(path) {
            if mapping.objects.contains(path) {
                return Err(EsError::mapper_parsing(format!(
                    "object mapping for [{path}] tried to parse field [{path}] as object, but found a concrete value"
                )));
            }
            Arc::make_mut(mapping).add_dynamic(path, value)?;
        }
        let learns = |field: &Arc<Field>| {
            let options = &field.options;
            options.is_constant && options.constant.is_none() && !value.is_null()
        };
        if mapping.fields.get(path).is_some_and(learns) {
            Arc::make_mut(mapping).learn_constant(path, value);
        }
        let Some(field) = mapping.fields.get(path) else {
            return Ok(());
        };
        if field.options.alias_of.is_some() {
            return Err(EsError::mapper_parsing(format!(
                "Cannot write to a field alias [{path}]."
            )));
        }
        if let Some(constant) = field.options.constant.as_ref().filter(|own| *own != value) {
            return Err(EsError::mapper_parsing(format!(
                "[constant_keyword] field [{path}] only accepts values that are equal to the value defined in the mappings [{constant}], but got [{value}]"
            )));
        }
        let scalar = Scalar::of(value).ok_or_else(|| {
            EsError::mapper_parsing(format!("failed to parse field [{path}]: no single value"))
        })?;
        match field.put(scalar, indexed) {
            Err(error) if field.options.ignore_malformed => {
                tracing::debug!(%error, "a value is only stored");
                indexed.ignore(path);
                return Ok(());
            }
            put => put?,
        }
        for alias in mapping.aliases.get(path).into_iter().flatten() {
            field.put_as(alias, scalar, indexed)?;
        }
        if field.options.copy_to.is_empty() {
            return Ok(());
        }
        let copies = field.options.copy_to.clone();
        for copy in copies {
            Self::leaf(mapping, &copy, value, indexed)?;
        }
        Ok(())
    }

    /// As Elasticsearch maps an unknown field; its parents become objects.
    fn add_dynamic(&mut self, path: &str, value: &Value) -> Result<(), EsError> {
        let definition = self.templates.definition(path, value);
        self.places = Places::default();
        for (at, _) in path.match_indices('.') {
            let parent = path.get(..at).unwrap_or_default();
            if self.fields.contains_key(parent) {
                return Err(EsError::mapper_parsing(format!(
                    "could not dynamically add field [{path}]: [{parent}] is a value"
                )));
            }
            self.objects.insert(parent.to_owned());
        }
        let kind = definition
            .get("type")
            .and_then(Value::as_str)
            .unwrap_or("text")
            .to_owned();
        let field = parse_field(path, &kind, &definition)?;
        if let Some(constant) = &field.options.constant {
            self.constants.insert(path.to_owned(), constant.clone());
        }
        self.fields.insert(path.to_owned(), Arc::new(field));
        self.check_size()
    }
}

fn join(parent: &str, name: &str) -> String {
    if parent.is_empty() {
        name.to_owned()
    } else {
        format!("{parent}.{name}")
    }
}

fn node<'a>(root: &'a mut Value, path: &str) -> &'a mut Map<String, Value> {
    let mut current = root;
    for name in path.split('.') {
        let map = current.as_object_mut().expect("mapping nodes are objects");
        let properties = map.entry("properties").or_insert_with(|| json!({}));
        current = properties
            .as_object_mut()
            .expect("properties are an object")
            .entry(name)
            .or_insert_with(|| json!({}));
    }
    current.as_object_mut().expect("mapping nodes are objects")
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Indexed {
        /// The exact texts at a path.
        fn at(&self, path: &str) -> Vec<&str> {
            let own = self.exact.iter().filter(|(other, _)| **other == *path);
            own.map(|(_, cell)| self.text(*cell)).collect()
        }
    }

    #[test]
    fn unknown_fields_are_mapped_as_elasticsearch_does() {
        let mut mapping = Arc::new(Mapping::default());
        let source = json!({"a": {"b": "text", "n": 1, "f": 1.5, "t": true, "d": "2026-11-22T10:00:00.000Z", "none": null, "list": ["x", "y"]}});
        let indexed = Mapping::index(&mut mapping, source.as_object().unwrap()).unwrap();
        let json = mapping.to_json();
        let kind = |name: &str| {
            json.pointer(&format!("/properties/a/properties/{name}/type"))
                .and_then(Value::as_str)
                .map(str::to_owned)
        };
        let kinds: Vec<_> = ["b", "n", "f", "t", "d", "none", "list"]
            .into_iter()
            .map(kind)
            .collect();
        let expected = ["text", "long", "float", "boolean", "date", "", "text"]
            .map(|kind| (!kind.is_empty()).then(|| kind.to_owned()));
        assert_eq!(kinds, expected);
        assert_eq!(indexed.at("a.list.keyword"), ["x", "y"]);
        assert!(indexed.has("a.d") && !indexed.has("a.none"));
        assert_eq!(
            Mapping::parse(&json, FieldLimit::default())
                .unwrap()
                .to_json(),
            json
        );
    }

    #[test]
    fn the_first_value_of_a_constant_keyword_is_that_of_all_documents() {
        let mut mapping = Arc::new(
            Mapping::parse(
                &json!({"properties": {"env": {"type": "constant_keyword"}}}),
                FieldLimit::default(),
            )
            .unwrap(),
        );
        let mut index = |source: Value| Mapping::index(&mut mapping, source.as_object().unwrap());
        assert!(!index(json!({"n": 1})).unwrap().has("env"));
        assert_eq!(index(json!({"env": "test"})).unwrap().at("env"), ["test"]);
        assert_eq!(index(json!({"n": 2})).unwrap().at("env"), ["test"]);
        assert!(index(json!({"env": "other"})).is_err());
        assert_eq!(mapping.to_json()["properties"]["env"]["value"], "test");
    }

    #[test]
    fn a_sub_field_is_indexed_also_where_its_field_is_not() {
        let raw = json!({"raw": {"type": "keyword"}});
        let mut mapping = Arc::new(
            Mapping::parse(&json!({"properties": {
                "url": {"type": "text", "index": false, "fields": raw}, "short": {"type": "keyword", "ignore_above": 1, "fields": raw},
            }}), FieldLimit::default())
            .unwrap(),
        );
        let source = json!({"url": "https://a.example/", "short": "long"});
        let indexed = Mapping::index(&mut mapping, source.as_object().unwrap()).unwrap();
        assert_eq!(indexed.at("url.raw"), ["https://a.example/"]);
        assert_eq!(indexed.at("short.raw"), ["long"]);
        assert!(!indexed.has("short"));
    }

    #[test]
    fn values_that_do_not_fit_are_refused_with_their_field() {
        let mapping = Mapping::parse(&json!({"properties": {"n": {"type": "short"}, "d": {"type": "date"}, "o": {"properties": {"x": {"type": "long"}}}, "k": {"type": "keyword"}}}), FieldLimit::default()).unwrap();
        let mapping = Arc::new(mapping);
        for source in [
            json!({"n": "many"}),
            json!({"n": 40000}),
            json!({"d": "soon"}),
            json!({"o": 1}),
            json!({"k": {"x": 1}}),
        ] {
            let error =
                Mapping::index(&mut Arc::clone(&mapping), source.as_object().unwrap()).unwrap_err();
            assert!(error.status == 400 && error.reason.contains('['), "{error}");
        }
        let coerced = Mapping::index(
            &mut Arc::clone(&mapping),
            json!({"n": "12", "k": 5}).as_object().unwrap(),
        )
        .unwrap();
        assert_eq!(coerced.at("k"), ["5"]);
        assert_eq!(coerced.numbers, [(Path::from("n"), Cell::Whole(12))]);
    }

    #[test]
    fn disabled_objects_and_long_keywords_are_left_out() {
        let mapping = Mapping::parse(&json!({"properties": {"o": {"type": "object", "enabled": false}, "k": {"type": "keyword", "ignore_above": 3}}}), FieldLimit::default()).unwrap();
        let indexed = Mapping::index(
            &mut Arc::new(mapping),
            json!({"o": {"deep": [1, {"a": 2}]}, "k": "long"})
                .as_object()
                .unwrap(),
        )
        .unwrap();
        assert!(indexed.exact.is_empty() && indexed.lengths.is_empty());
    }
}
