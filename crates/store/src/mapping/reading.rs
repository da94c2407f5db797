//! A document read from its JSON straight into what the index takes.
//!
//! Most documents have nothing that is not in the mapping already, and nothing in them is wrong. Those are read here in one
//! pass, without a tree of their values. For all others nothing is answered: [`Mapping::index`](super::Mapping::index) reads
//! them again, extends the mapping, or tells what is wrong.

use std::{
    collections::HashMap,
    fmt,
    hash::BuildHasherDefault,
    sync::{Arc, OnceLock},
};

use serde::de::{DeserializeSeed, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::{
    Dynamic, FieldType, Indexed, MAX_DEPTH, Mapping, Path,
    field::Field,
    values::{Scalar, flatten},
};

/// More names in one object are read the other way: this many bits tell which were seen.
const MAX_NAMES: usize = 256;

/// What stands at a place of a document.
#[derive(Clone, Debug)]
enum Node {
    Object(Box<Object>),
    Field(Arc<Field>),
    /// Its leaves are keywords.
    Tree {
        path: Path,
        ignore_above: usize,
    },
    /// Known to be there, and stored.
    Stored(Path),
    /// Stored.
    Passed,
    /// Read the other way.
    Special,
}

#[derive(Clone, Debug, Default)]
struct Object {
    names: HashMap<Box<str>, usize, BuildHasherDefault<NameHasher>>,
    nodes: Vec<Node>,
    passes_unknown: bool,
}

/// Names are those of a mapping, of which the user decides how many there are: nothing is won by making them collide.
#[derive(Clone, Copy, Debug, Default)]
struct NameHasher(u64);

impl NameHasher {
    fn add(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(5) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}

impl std::hash::Hasher for NameHasher {
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        words
            .iter()
            .for_each(|word| self.add(u64::from_le_bytes(*word)));
        let last = rest
            .iter()
            .fold(0, |word, byte| word << 8 | u64::from(*byte));
        self.add(last);
    }

    /// What a text ends in tells nothing.
    fn write_u8(&mut self, _: u8) {}

    fn finish(&self) -> u64 {
        self.0
    }
}

/// The mapping by the places of a document; made when it is first asked for, and again after each change.
#[derive(Clone, Debug, Default)]
pub(super) struct Places(OnceLock<Node>);

/// What is derived does not tell two mappings apart.
impl PartialEq for Places {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Mapping {
    /// What a document puts into the index, when it is a plain one; answers whether it is.
    pub(crate) fn read(&self, source: &[u8], indexed: &mut Indexed) -> bool {
        if !self.constants.is_empty() {
            return false;
        }
        // Looked through once as a whole, which is faster than one string after the other.
        let Ok(source) = std::str::from_utf8(source) else {
            return false;
        };
        indexed.clear_for(source.len());
        let reader = Reader {
            node: self.places.0.get_or_init(|| self.place_of_root()),
            indexed,
            depth: 0,
        };
        let mut json = serde_json::Deserializer::from_str(source);
        reader.deserialize(&mut json).is_ok() && json.end().is_ok()
    }

    fn place_of_root(&self) -> Node {
        let mut root = self.object("");
        for path in &self.objects {
            let node = match self.disabled.contains(path) {
                true => Node::Passed,
                false => Node::Object(Box::new(self.object(path))),
            };
            put_node(&mut root, path, node);
        }
        for (path, field) in &self.fields {
            put_node(&mut root, path, self.place_of(path, field));
        }
        Node::Object(Box::new(root))
    }

    fn object(&self, path: &str) -> Object {
        let dynamic = self.dynamic_of.get(path);
        let dynamic = dynamic.copied().unwrap_or_else(|| self.dynamic_at(path));
        Object {
            passes_unknown: dynamic == Dynamic::Ignored,
            ..Object::default()
        }
    }

    fn place_of(&self, path: &str, field: &Arc<Field>) -> Node {
        let options = &field.options;
        if options.alias_of.is_some()
            || !options.copy_to.is_empty()
            || options.is_constant
            || self.aliases.contains_key(path)
        {
            return Node::Special;
        }
        match field.kind {
            FieldType::Opaque => Node::Stored(path.into()),
            FieldType::Flattened { ignore_above } => Node::Tree {
                path: path.into(),
                ignore_above,
            },
            _ => Node::Field(Arc::clone(field)),
        }
    }
}

fn put_node(root: &mut Object, path: &str, node: Node) {
    let (mut object, mut rest) = (root, path);
    while let Some((name, below)) = rest.split_once('.') {
        let at = object.names.get(name).copied();
        let next = at.and_then(|at| object.nodes.get_mut(at));
        // Below what is no object nothing is read.
        let Some(Node::Object(next)) = next else {
            return;
        };
        (object, rest) = (next, below);
    }
    object.names.insert(rest.into(), object.nodes.len());
    object.nodes.push(node);
}

/// Reads what stands at a place. An error says that the document has to be read the other way.
struct Reader<'a> {
    node: &'a Node,
    indexed: &'a mut Indexed,
    depth: usize,
}

impl Reader<'_> {
    fn put<E: Error>(self, value: Scalar<'_>) -> Result<(), E> {
        match self.node {
            Node::Field(field) => field.put(value, self.indexed).map_err(E::custom),
            _ => Err(other_way()),
        }
    }
}

fn other_way<E: Error>() -> E {
    E::custom("not a plain document")
}

impl<'de> DeserializeSeed<'de> for Reader<'_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        match self.node {
            Node::Object(_) | Node::Field(_) if self.depth <= MAX_DEPTH => {
                json.deserialize_any(self)
            }
            Node::Tree { path, ignore_above } => {
                let value = <Value as serde::Deserialize>::deserialize(json)?;
                flatten(path, path, *ignore_above, &value, self.indexed);
                Ok(())
            }
            Node::Stored(path) => {
                self.indexed.add_other(path);
                json.deserialize_ignored_any(IgnoredAny).map(drop)
            }
            Node::Passed => json.deserialize_ignored_any(IgnoredAny).map(drop),
            Node::Object(_) | Node::Field(_) | Node::Special => Err(other_way()),
        }
    }
}

impl<'de> Visitor<'de> for Reader<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a document")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        self.put(Scalar::Text(text))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<(), E> {
        self.put(Scalar::Unsigned(number))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<(), E> {
        self.put(Scalar::Whole(number))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<(), E> {
        self.put(Scalar::Decimal(number))
    }

    fn visit_bool<E: Error>(self, flag: bool) -> Result<(), E> {
        self.put(Scalar::Boolean(flag))
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        match self.node {
            Node::Object(_) if self.depth > 0 => Ok(()),
            Node::Field(field) if field.options.null_value.is_none() => Ok(()),
            _ => Err(other_way()),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        if self.depth == 0 {
            return Err(other_way());
        }
        loop {
            let item = items.next_element_seed(Reader {
                node: self.node,
                indexed: self.indexed,
                depth: self.depth + 1,
            })?;
            if item.is_none() {
                return Ok(());
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Node::Object(object) = self.node else {
            return Err(other_way());
        };
        let mut seen = [0_u64; MAX_NAMES / 64];
        while let Some(found) = map.next_key_seed(Name(object))? {
            let Some((at, node)) = found else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            let (word, bit) = (seen.get_mut(at / 64), 1 << (at % 64));
            match word {
                Some(word) if *word & bit == 0 => *word |= bit,
                // Said twice, or one of too many.
                _ => return Err(other_way()),
            }
            map.next_value_seed(Reader {
                node,
                indexed: self.indexed,
                depth: self.depth + 1,
            })?;
        }
        Ok(())
    }
}

/// A name of an object; none: what it names is stored only.
struct Name<'a>(&'a Object);

impl<'de, 'a> DeserializeSeed<'de> for Name<'a> {
    type Value = Option<(usize, &'a Node)>;

    fn deserialize<D: serde::Deserializer<'de>>(self, json: D) -> Result<Self::Value, D::Error> {
        json.deserialize_str(self)
    }
}

impl<'a> Visitor<'_> for Name<'a> {
    type Value = Option<(usize, &'a Node)>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a name")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Self::Value, E> {
        let at = self.0.names.get(name).copied();
        match at.and_then(|at| Some((at, self.0.nodes.get(at)?))) {
            None if !self.0.passes_unknown || name.contains('.') => Err(other_way()),
            found => Ok(found),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::{super::Cell, *};
    use crate::mapping::FieldLimit;

    fn mapping() -> Mapping {
        Mapping::parse(&json!({"properties": {
            "k": {"type": "keyword", "ignore_above": 4}, "lower": {"type": "keyword", "normalizer": "lowercase"},
            "t": {"type": "text", "fields": {"raw": {"type": "keyword"}}}, "n": {"type": "long"}, "d": {"type": "double"},
            "b": {"type": "boolean"}, "at": {"type": "date"}, "ip": {"type": "ip"}, "tree": {"type": "flattened"},
            "point": {"type": "geo_point"}, "off": {"type": "object", "enabled": false},
            "o": {"properties": {"k": {"type": "keyword"}, "deep": {"properties": {"n": {"type": "integer", "null_value": 7}}}}},
            "closed": {"dynamic": false, "properties": {"k": {"type": "keyword"}}},
            "copied": {"type": "keyword", "copy_to": "k"}, "soft": {"type": "long", "ignore_malformed": true},
        }}), FieldLimit::default())
        .unwrap()
    }

    fn read(mapping: &Mapping, source: &str) -> Option<Indexed> {
        let mut indexed = Indexed::default();
        // What was read before leaves nothing.
        mapping.read(br#"{"k": "a", "t": "b", "n": 1}"#, &mut indexed);
        let is_plain = mapping.read(source.as_bytes(), &mut indexed);
        is_plain.then_some(indexed)
    }

    fn sorted(indexed: &Indexed) -> [Vec<String>; 4] {
        let told = |(path, cell): &(Path, Cell)| format!("{path}: {cell:?}");
        let text = |(path, cell): &(Path, Cell)| format!("{path}: {}", indexed.text(*cell));
        let mut all = [
            indexed.exact.iter().map(text).collect::<Vec<_>>(),
            indexed.numbers.iter().map(told).collect(),
            indexed.words.iter().map(text).collect(),
            indexed.lengths.iter().map(told).collect(),
        ];
        all.iter_mut().for_each(|part| part.sort());
        all
    }

    #[test]
    fn a_plain_document_is_read_as_the_other_way_does() {
        let mapping = mapping();
        for source in [
            json!({"k": "ab", "lower": "ÄB", "t": "Two words", "n": 5, "d": 1.5, "b": true, "at": "2026-11-26T10:00:00Z", "ip": "10.0.0.1"}),
            json!({"k": "too long", "n": "12", "d": 3, "b": "false", "at": 1_790_000_000_000_i64, "lower": 1.0, "t": [1, "x", [null, false]]}),
            json!({"k": ["a", "b", null], "o": {"k": "x", "deep": [{"n": 1}, {"n": "2"}]}, "n": null, "point": {"lat": 1, "lon": 2}}),
            json!({"tree": {"a": {"b": [1, "x"]}}, "off": {"what": [1, {"ever": "é\n"}]}, "closed": {"k": "in", "other": {"x": 1}}, "o": null}),
            json!({}),
        ] {
            let read = read(&mapping, &source.to_string());
            let other = Mapping::index(&mut Arc::new(mapping.clone()), source.as_object().unwrap())
                .unwrap();
            assert_eq!(
                sorted(&read.expect("it is plain")),
                sorted(&other),
                "{source}"
            );
        }
    }

    #[test]
    fn what_is_not_plain_is_left_to_the_other_way() {
        let mapping = mapping();
        for source in [
            r#"{"new": 1}"#,
            r#"{"o.k": "dotted"}"#,
            r#"{"closed": {"k.x": 1}}"#,
            r#"{"k": "a", "k": "b"}"#,
            r#"{"n": "many"}"#,
            r#"{"soft": "many"}"#,
            r#"{"o": 1}"#,
            r#"{"k": {"x": 1}}"#,
            r#"{"o": {"deep": {"n": null}}}"#,
            r#"{"copied": "x"}"#,
            r#"{"k": "a"} x"#,
            r#"{"k": "#,
            r#"[{"k": "a"}]"#,
            "null",
        ] {
            assert!(read(&mapping, source).is_none(), "{source}");
        }
        let nested = format!(r#"{{"k": {}"a"{}}}"#, "[".repeat(30), "]".repeat(30));
        assert!(read(&mapping, &nested).is_none());
    }

    #[test]
    fn a_mapping_that_has_grown_is_read_by() {
        let mut mapping = Arc::new(mapping());
        let source = json!({"new": {"k": "a"}, "more": 1});
        assert!(read(&mapping, &source.to_string()).is_none());
        let indexed = Mapping::index(&mut mapping, source.as_object().unwrap()).unwrap();
        let read = read(&mapping, &source.to_string()).unwrap();
        assert_eq!(sorted(&read), sorted(&indexed));
    }

    /// Values of every kind, below names that the mapping has and others.
    fn anything() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            (-1e6..1e6).prop_map(|number: f64| json!(number)),
            "[a-z0-9é.:\"\\\\ -]{0,8}".prop_map(Value::from),
            Just(json!("2026-11-26T10:00:00Z")),
            Just(json!("10.0.0.1")),
        ];
        let names = [
            "k", "lower", "t", "n", "d", "b", "at", "ip", "tree", "point", "off", "o", "deep",
            "closed", "copied", "soft", "new", "o.k",
        ];
        leaf.prop_recursive(4, 24, 4, move |inner| {
            let name = proptest::sample::select(names.to_vec());
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
                proptest::collection::btree_map(name, inner, 0..4)
                    .prop_map(|map| map.into_iter().map(|(k, v)| (k.to_owned(), v)).collect()),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn whatever_is_read_is_read_as_the_other_way_does(source in anything()) {
            let mapping = mapping();
            let read = read(&mapping, &source.to_string());
            let Some(object) = source.as_object() else {
                prop_assert!(read.is_none());
                return Ok(());
            };
            if let Some(read) = read {
                let other = Mapping::index(&mut Arc::new(mapping), object);
                prop_assert_eq!(sorted(&read), sorted(&other.unwrap()));
            }
        }
    }
}
