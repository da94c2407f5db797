//! The store against a naive evaluator in memory: random documents, random queries, the same answers.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use canarytrace_es::{
    IndexTarget, Refresh, SearchRequest, SearchService,
    bulk::{BulkItem, BulkOperation},
};
use canarytrace_store::{Store, StoreConfig};
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};
use serde_json::{Value, json};

/// A document of the model: every field may be missing or have several values.
#[derive(Clone, Debug)]
struct Document {
    words: Vec<&'static str>,
    number: Option<i64>,
    decimal: Option<f64>,
    flag: Option<bool>,
    at: Option<i64>,
}

impl Document {
    fn to_json(&self) -> Value {
        let mut map = serde_json::Map::new();
        if !self.words.is_empty() {
            map.insert("word".to_owned(), json!(self.words));
        }
        let mut set = |name: &str, value: Option<Value>| {
            value.map(|value| map.insert(name.to_owned(), value))
        };
        set("number", self.number.map(|value| json!(value)));
        set("decimal", self.decimal.map(|value| json!(value)));
        set("flag", self.flag.map(|value| json!(value)));
        set("at", self.at.map(|value| json!(value)));
        Value::Object(map)
    }
}

/// A query with its meaning beside its JSON.
#[derive(Clone, Debug)]
enum Model {
    All,
    Word(&'static str),
    Words(Vec<&'static str>),
    Prefix(&'static str),
    Wildcard(&'static str),
    Number(i64),
    Flag(bool),
    NumberRange(i64, i64),
    DecimalAbove(f64),
    AtBelow(i64),
    Exists(&'static str),
    And(Vec<Model>),
    Or(Vec<Model>),
    Not(Box<Model>),
}

impl Model {
    fn to_json(&self) -> Value {
        let all = |list: &[Model]| list.iter().map(Model::to_json).collect::<Vec<_>>();
        match self {
            Model::All => json!({"match_all": {}}),
            Model::Word(word) => json!({"term": {"word": word}}),
            Model::Words(words) => json!({"terms": {"word": words}}),
            Model::Prefix(prefix) => json!({"prefix": {"word": prefix}}),
            Model::Wildcard(pattern) => json!({"wildcard": {"word": pattern}}),
            Model::Number(number) => json!({"term": {"number": number}}),
            Model::Flag(flag) => json!({"term": {"flag": flag}}),
            Model::NumberRange(from, to) => json!({"range": {"number": {"gte": from, "lt": to}}}),
            Model::DecimalAbove(bound) => json!({"range": {"decimal": {"gt": bound}}}),
            Model::AtBelow(bound) => json!({"range": {"at": {"lte": bound}}}),
            Model::Exists(field) => json!({"exists": {"field": field}}),
            Model::And(list) => json!({"bool": {"must": all(list)}}),
            Model::Or(list) => json!({"bool": {"should": all(list), "minimum_should_match": 1}}),
            Model::Not(inner) => json!({"bool": {"must_not": [inner.to_json()]}}),
        }
    }

    fn matches(&self, document: &Document) -> bool {
        let any = |test: &dyn Fn(&str) -> bool| document.words.iter().any(|word| test(word));
        match self {
            Model::All => true,
            Model::Word(word) => any(&|own| own == *word),
            Model::Words(words) => any(&|own| words.contains(&own)),
            Model::Prefix(prefix) => any(&|own| own.starts_with(prefix)),
            Model::Wildcard(pattern) => any(&|own| glob(pattern.as_bytes(), own.as_bytes())),
            Model::Number(number) => document.number == Some(*number),
            Model::Flag(flag) => document.flag == Some(*flag),
            Model::NumberRange(from, to) => document
                .number
                .is_some_and(|number| (*from..*to).contains(&number)),
            Model::DecimalAbove(bound) => document.decimal.is_some_and(|decimal| decimal > *bound),
            Model::AtBelow(bound) => document.at.is_some_and(|at| at <= *bound),
            Model::Exists(field) => match *field {
                "word" => !document.words.is_empty(),
                "number" => document.number.is_some(),
                _ => document.flag.is_some(),
            },
            Model::And(list) => list.iter().all(|model| model.matches(document)),
            Model::Or(list) => list.iter().any(|model| model.matches(document)),
            Model::Not(inner) => !inner.matches(document),
        }
    }
}

/// The simplest matcher there is, exponential and right.
fn glob(pattern: &[u8], text: &[u8]) -> bool {
    match (pattern.split_first(), text.split_first()) {
        (None, None) => true,
        (Some((b'*', rest)), None) => glob(rest, text),
        (Some((b'*', rest)), Some((_, tail))) => glob(rest, text) || glob(pattern, tail),
        (Some((b'?', rest)), Some((_, tail))) => glob(rest, tail),
        (Some((own, rest)), Some((other, tail))) => own == other && glob(rest, tail),
        _ => false,
    }
}

const WORDS: [&str; 6] = ["alpha", "alps", "beta", "Gamma", "žluť", "a b"];

fn document() -> impl Strategy<Value = Document> {
    let words = prop::collection::vec(prop::sample::select(WORDS.to_vec()), 0..3);
    let decimal = prop::option::of((-40i32..40).prop_map(|tenths| f64::from(tenths) / 4.0));
    (
        words,
        prop::option::of(-5i64..5),
        decimal,
        prop::option::of(any::<bool>()),
        prop::option::of(0i64..4_000_000_000),
    )
        .prop_map(|(words, number, decimal, flag, at)| Document {
            words,
            number,
            decimal,
            flag,
            at,
        })
}

fn query() -> impl Strategy<Value = Model> {
    let word = || prop::sample::select(WORDS.to_vec());
    let leaf = prop_oneof![
        Just(Model::All),
        word().prop_map(Model::Word),
        prop::collection::vec(word(), 0..3).prop_map(Model::Words),
        prop::sample::select(vec!["al", "b", "x", "ž"]).prop_map(Model::Prefix),
        prop::sample::select(vec!["*a", "?lp*", "*", "a b", "*m?a"]).prop_map(Model::Wildcard),
        (-6i64..6).prop_map(Model::Number),
        any::<bool>().prop_map(Model::Flag),
        (-6i64..6, -6i64..6).prop_map(|(from, to)| Model::NumberRange(from, to)),
        (-40i32..40).prop_map(|tenths| Model::DecimalAbove(f64::from(tenths) / 4.0)),
        (0i64..4_000_000_000).prop_map(Model::AtBelow),
        prop::sample::select(vec!["word", "number", "flag"]).prop_map(Model::Exists),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..4).prop_map(Model::And),
            prop::collection::vec(inner.clone(), 1..4).prop_map(Model::Or),
            inner.prop_map(|inner| Model::Not(Box::new(inner))),
        ]
    })
}

const MAPPING: &str = r#"{"mappings": {"properties": {"word": {"type": "keyword"}, "number": {"type": "long"}, "decimal": {"type": "double"}, "flag": {"type": "boolean"}, "at": {"type": "date"}}}}"#;

/// What Elasticsearch would answer, computed the slow way.
fn check_answer(answer: &Value, found: &[(usize, &Document)]) {
    assert_eq!(
        answer["hits"]["total"]["value"].as_u64().unwrap() as usize,
        found.len()
    );
    let mut expected: Vec<(usize, Option<i64>)> = found
        .iter()
        .map(|(id, document)| (*id, document.number))
        .collect();
    expected.sort_by_key(|(id, number)| (number.is_none(), *number, *id));
    let sorts: Vec<Value> = answer["hits"]["hits"]
        .as_array()
        .unwrap()
        .iter()
        .map(|hit| hit["sort"][0].clone())
        .collect();
    assert_eq!(
        sorts,
        expected
            .iter()
            .map(|(_, number)| json!(number.unwrap_or(i64::MAX)))
            .collect::<Vec<_>>()
    );
    let ids: BTreeSet<usize> = answer["hits"]["hits"]
        .as_array()
        .unwrap()
        .iter()
        .map(|hit| hit["_id"].as_str().unwrap().parse().unwrap())
        .collect();
    assert_eq!(ids, found.iter().map(|(id, _)| *id).collect());

    let mut words: BTreeMap<&str, (u64, f64)> = BTreeMap::new();
    for (_, document) in found {
        for word in document.words.iter().collect::<BTreeSet<_>>() {
            let entry = words.entry(word).or_default();
            entry.0 += 1;
            entry.1 += document.decimal.unwrap_or(0.0);
        }
    }
    let buckets = answer["aggregations"]["words"]["buckets"]
        .as_array()
        .unwrap();
    let got: BTreeMap<&str, (u64, f64)> = buckets
        .iter()
        .map(|bucket| {
            (
                bucket["key"].as_str().unwrap(),
                (
                    bucket["doc_count"].as_u64().unwrap(),
                    bucket["sum"]["value"].as_f64().unwrap(),
                ),
            )
        })
        .collect();
    assert_eq!(got, words);

    let numbers: Vec<f64> = found
        .iter()
        .filter_map(|(_, document)| document.number.map(|number| number as f64))
        .collect();
    let stats = &answer["aggregations"]["stats"];
    assert_eq!(stats["count"].as_u64().unwrap() as usize, numbers.len());
    assert_eq!(stats["sum"].as_f64().unwrap(), numbers.iter().sum::<f64>());
    assert_eq!(
        stats["max"].as_f64(),
        numbers.iter().copied().reduce(f64::max)
    );

    let mut days: BTreeMap<i64, u64> = BTreeMap::new();
    for (_, document) in found {
        if let Some(at) = document.at {
            *days
                .entry(at.div_euclid(86_400_000) * 86_400_000)
                .or_default() += 1;
        }
    }
    let buckets = answer["aggregations"]["days"]["buckets"]
        .as_array()
        .unwrap();
    let got: BTreeMap<i64, u64> = buckets
        .iter()
        .map(|bucket| {
            (
                bucket["key"].as_i64().unwrap(),
                bucket["doc_count"].as_u64().unwrap(),
            )
        })
        .collect();
    assert_eq!(got, days);
}

#[test]
fn random_queries_are_answered_as_a_naive_evaluator_does() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&StoreConfig {
        folder: folder.path().to_owned(),
    })
    .unwrap();
    let target = IndexTarget::new("model");
    let mut runner = TestRunner::new(Config {
        cases: 48,
        failure_persistence: None,
        ..Config::default()
    });
    let cases = (
        prop::collection::vec(document(), 0..40),
        prop::collection::vec(query(), 1..12),
        0usize..40,
    );
    runner
        .run(&cases, |(documents, queries, split)| {
            runtime.block_on(async {
                store.delete_indices(&IndexTarget::new("model*")).await.unwrap();
                store.create_index("model", serde_json::from_str(MAPPING).unwrap()).await.unwrap();
                let items: Vec<BulkItem> = documents
                    .iter()
                    .enumerate()
                    .map(|(id, document)| BulkItem {
                        operation: BulkOperation::Index,
                        index: "model".to_owned(),
                        id: Some(id.to_string()),
                        if_seq_no: None,
                        source: Bytes::from(document.to_json().to_string()),
                    })
                    .collect();
                // Two commits: answers must not depend on how documents fall into segments.
                let (first, second) = items.split_at(split.min(items.len()));
                store.bulk(first.to_vec(), Refresh::Now).await.unwrap();
                store.bulk(second.to_vec(), Refresh::Now).await.unwrap();
                for model in &queries {
                    let body = json!({
                        "query": model.to_json(), "size": 100, "sort": [{"number": "asc"}],
                        "aggs": {
                            "words": {"terms": {"field": "word", "size": 100}, "aggs": {"sum": {"sum": {"field": "decimal"}}}},
                            "stats": {"stats": {"field": "number"}},
                            "days": {"date_histogram": {"field": "at", "fixed_interval": "1d", "min_doc_count": 1}},
                        },
                    });
                    let answer = store.search(&target, SearchRequest::parse(body).unwrap()).await.unwrap().into_json();
                    let found: Vec<(usize, &Document)> = documents.iter().enumerate().filter(|(_, document)| model.matches(document)).collect();
                    check_answer(&answer, &found);
                }
            });
            Ok(())
        })
        .unwrap();
    runtime.block_on(store.close()).unwrap();
}
