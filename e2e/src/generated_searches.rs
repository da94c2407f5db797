//! Random documents, queries and aggregations, asked of OpenSearch and of the embedded store: both must answer the same.

use std::collections::BTreeMap;

use canarytrace_history::Random;
use serde_json::{Value, json};

use crate::{
    alerts::NDJSON,
    request,
    scenarios::{difference, stable},
};

const DOCUMENTS: u64 = 400;
const WORDS: [&str; 16] = [
    "error", "timeout", "checkout", "cart", "login", "quick", "brown", "fox", "lazy", "dog",
    "straße", "čau", "42", "server", "slow", "page",
];
const KEYS: [&str; 8] = [
    "alpha", "beta", "gamma", "delta", "Alpha", "al pha", "be*ta", "ünder",
];
/// A fortnight around the night in which Berlin's clocks go forward, epoch ms.
const FROM: i64 = 1_774_000_000_000;
const SPAN_MS: u64 = 14 * 24 * 3_600_000;
/// Scores are compared by the scenarios, equal hits come in the order of `id`, and the judge tells an empty `meta` of a filter
/// that found nothing.
const IGNORED: [&str; 3] = ["_score", "max_score", "meta"];

/// What came of comparisons.
#[derive(Debug, Default)]
pub struct Compared {
    /// Requests with what differs in their answers.
    pub different: Vec<String>,
    /// Requests that found nothing.
    pub empty: u64,
    /// How often each query and aggregation was asked for.
    pub kinds: BTreeMap<String, u64>,
}

/// Fills both and asks both the same, `count` times; the same `seed` makes the same.
pub fn compare(judge: &str, ours: &str, count: u64, seed: u64) -> Compared {
    let mut generator = Generator(Random::new(seed));
    fill(&mut generator, &[judge, ours]);
    let mut compared = Compared::default();
    for number in 0..count {
        let body = generator.request();
        count_kinds(&body, &mut compared.kinds);
        let (judged, own) = (ask(judge, &body), ask(ours, &body));
        let is_empty = judged.pointer("/body/hits/total/value") == Some(&json!(0));
        compared.empty += u64::from(is_empty);
        if let Some(difference) = difference(&judged, &own, "", &IGNORED.map(str::to_owned)) {
            let text = format!("{number}: {body}\n    {difference}");
            compared.different.push(text);
        }
    }
    compared
}

fn ask(url: &str, body: &Value) -> Value {
    let headers = [("content-type", "application/json")];
    let url = format!("{url}/random/_search");
    let (status, answer) = request("POST", &url, &headers, &body.to_string());
    json!({"status": status, "body": stable(answer)})
}

fn fill(generator: &mut Generator, urls: &[&str]) {
    let mapping = json!({"mappings": {"properties": {
        "id": {"type": "keyword"}, "k": {"type": "keyword"}, "t": {"type": "text"}, "n": {"type": "long"}, "d": {"type": "double"},
        "ts": {"type": "date"}, "b": {"type": "boolean"}, "ip": {"type": "ip"}, "o": {"properties": {"x": {"type": "integer"}}},
    }}});
    let mut bulk = String::new();
    for number in 0..DOCUMENTS {
        let document = generator.document(number);
        bulk.push_str(&format!(
            "{{\"index\":{{\"_id\":\"{number}\"}}}}\n{document}\n"
        ));
    }
    for url in urls {
        let headers = [("content-type", "application/json")];
        let index = format!("{url}/random");
        request("DELETE", &index, &[], "");
        let (status, said) = request("PUT", &index, &headers, &mapping.to_string());
        assert_eq!(status, 200, "{said}");
        let place = format!("{index}/_bulk?refresh=true");
        let (status, said) = request("POST", &place, NDJSON, &bulk);
        assert!(status == 200 && said["errors"] == false, "{said}");
    }
}

/// How often each query and aggregation was asked for.
fn count_kinds(value: &Value, kinds: &mut BTreeMap<String, u64>) {
    for (name, inner) in value.as_object().into_iter().flatten() {
        if inner.is_object() && !FIELDS.contains(&name.as_str()) && !name.starts_with("agg") {
            *kinds.entry(name.clone()).or_default() += 1;
        }
        count_kinds(inner, kinds);
    }
    value
        .as_array()
        .into_iter()
        .flatten()
        .for_each(|inner| count_kinds(inner, kinds));
}

const FIELDS: [&str; 14] = [
    "id", "k", "t", "n", "d", "ts", "b", "ip", "o.x", "query", "aggs", "filter", "order", "sort",
];

struct Generator(Random);

impl Generator {
    fn below(&mut self, limit: u64) -> u64 {
        self.0.below(limit)
    }

    fn often(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    fn of<T: Clone>(&mut self, list: &[T]) -> T {
        let index = usize::try_from(self.below(list.len() as u64)).unwrap_or(0);
        list[index].clone()
    }

    fn whole(&mut self) -> i64 {
        self.below(101) as i64 - 50
    }

    /// Never the same twice: the judge's composite counts such a document twice (`differences.json`).
    fn two_wholes(&mut self) -> [i64; 2] {
        [self.below(50) as i64 - 50, self.below(51) as i64]
    }

    fn decimal(&mut self) -> f64 {
        self.below(161) as f64 / 4.0 - 20.0
    }

    fn moment(&mut self) -> i64 {
        FROM + (self.below(SPAN_MS) as i64)
    }

    fn date(&mut self) -> String {
        let moment = self.moment();
        canarytrace_model::time::Moment::from_epoch_ms(moment).to_string()
    }

    fn words(&mut self, most: u64) -> String {
        let count = 1 + self.below(most);
        let words: Vec<&str> = (0..count).map(|_| self.of(&WORDS)).collect();
        words.join(" ")
    }

    fn document(&mut self, number: u64) -> Value {
        let mut document = json!({"id": format!("{number:04}")});
        if self.often(90) {
            document["k"] = if self.often(20) {
                json!([self.of(&KEYS), self.of(&KEYS)])
            } else {
                json!(self.of(&KEYS))
            };
        }
        if self.often(85) {
            document["t"] = json!(self.words(8));
        }
        if self.often(85) {
            document["n"] = if self.often(15) {
                json!(self.two_wholes())
            } else {
                json!(self.whole())
            };
        }
        if self.often(85) {
            document["d"] = json!(self.decimal());
        }
        if self.often(90) {
            document["ts"] = if self.often(50) {
                json!(self.moment())
            } else {
                json!(self.date())
            };
        }
        if self.often(80) {
            document["b"] = json!(self.often(50));
        }
        if self.often(70) {
            document["ip"] = json!(format!("10.0.{}.{}", self.below(3), self.below(6)));
        }
        if self.often(60) {
            document["o"] = json!({"x": self.below(5)});
        }
        document
    }

    fn request(&mut self) -> Value {
        let mut body =
            json!({"track_total_hits": true, "size": self.below(6), "sort": self.sort()});
        if self.often(90) {
            body["query"] = self.query(2);
        }
        if self.often(70) {
            body["aggs"] = self.aggregations(2);
        }
        // The judge takes the width of buckets from a range of the same dates (`differences.json`).
        let has_own_width = |own: &Value| own.get("auto_date_histogram").is_some();
        let mut all = body["aggs"].as_object().into_iter().flatten();
        if all.any(|(_, own)| has_own_width(own)) && body.pointer("/query/range/ts").is_some() {
            body["query"] = json!({"match_all": {}});
        }
        if self.often(20) {
            body["from"] = json!(self.below(5));
        }
        if self.often(10) {
            body["post_filter"] = self.query(0);
        }
        if self.often(10) {
            body["docvalue_fields"] = json!(["k", "n", "ts", "b"]);
        }
        if self.often(10) {
            body["fields"] = json!(["k", "ts", "o.*"]);
        }
        body
    }

    fn sort(&mut self) -> Value {
        let mut fields = Vec::new();
        if self.often(60) {
            let field = self.of(&["k", "n", "d", "ts", "b", "o.x"]);
            let mut options = json!({"order": self.of(&["asc", "desc"])});
            if self.often(30) {
                options["missing"] = json!(self.of(&["_first", "_last"]));
            }
            if self.often(30) {
                options["mode"] = json!(self.of(&["min", "max"]));
            }
            fields.push(json!({field: options}));
        }
        fields.push(json!({"id": "asc"}));
        json!(fields)
    }

    fn query(&mut self, depth: u64) -> Value {
        let kinds = if depth == 0 { 15 } else { 19 };
        match self.below(kinds) {
            0 => json!({"match_all": {}}),
            1 => self.term(),
            2 => self.terms(),
            3 | 4 => self.range(),
            5 => {
                json!({"exists": {"field": self.of(&["k", "t", "n", "d", "ts", "b", "ip", "o.x", "o", "nothing"])}})
            }
            6 => {
                let key = self.of(&KEYS);
                let length = 1 + self.below(3) as usize;
                json!({"prefix": {"k": key.chars().take(length).collect::<String>()}})
            }
            7 => {
                json!({"wildcard": {"k": {"value": self.of(&["*a", "al*", "?eta", "*", "b*a", "a?p*", "*\\**", "ü*"]), "case_insensitive": self.often(30)}}})
            }
            8 => {
                json!({"regexp": {"k": self.of(&["al.*", "[ab].+", "(beta|gamma)", ".*a", "d[a-f]lta", "ünd.?r", "al pha"])}})
            }
            9 if self.often(30) => self.simple_query_string(),
            9 => {
                json!({"fuzzy": {"k": {"value": self.of(&["alpa", "beto", "gama", "dleta", "alphas"]), "fuzziness": self.of(&["AUTO", "1", "2"])}}})
            }
            10 => self.text_match(),
            11 => {
                json!({"match_phrase": {"t": {"query": self.words(2), "slop": self.below(3)}}})
            }
            12 => {
                let words = self.words(3);
                let cut: String = words
                    .chars()
                    .take(words.chars().count().saturating_sub(1).max(1))
                    .collect();
                if self.often(40) {
                    return json!({"match_bool_prefix": {"t": {"query": cut, "operator": self.of(&["and", "or"])}}});
                }
                json!({"match_phrase_prefix": {"t": {"query": cut, "slop": self.below(3)}}})
            }
            13 => {
                json!({"ids": {"values": [self.below(DOCUMENTS).to_string(), self.below(DOCUMENTS).to_string(), "none"]}})
            }
            14 => self.query_string(),
            15 | 16 => self.boolean(depth - 1),
            17 => json!({"constant_score": {"filter": self.query(depth - 1)}}),
            _ => json!({"dis_max": {"queries": [self.query(depth - 1), self.query(depth - 1)]}}),
        }
    }

    fn term(&mut self) -> Value {
        match self.below(6) {
            0 => json!({"term": {"k": self.of(&KEYS)}}),
            1 => json!({"term": {"n": self.whole()}}),
            2 => json!({"term": {"b": self.often(50)}}),
            3 => {
                json!({"term": {"ip": if self.often(50) { "10.0.1.2".to_owned() } else { format!("10.0.{}.0/24", self.below(3)) }}})
            }
            4 => json!({"term": {"d": self.decimal()}}),
            _ => json!({"term": {"t": self.of(&WORDS)}}),
        }
    }

    fn terms(&mut self) -> Value {
        if self.often(60) {
            json!({"terms": {"k": [self.of(&KEYS), self.of(&KEYS), "none"]}})
        } else {
            json!({"terms": {"n": [self.whole(), self.whole(), self.whole()]}})
        }
    }

    fn range(&mut self) -> Value {
        let (low, high) = (self.of(&["gte", "gt"]), self.of(&["lte", "lt"]));
        let (field, from, to) = match self.below(5) {
            0 => ("n", json!(self.whole()), json!(self.whole())),
            1 => ("d", json!(self.decimal()), json!(self.decimal())),
            2 => ("o.x", json!(self.below(5)), json!(self.below(5))),
            3 => ("k", json!(self.of(&KEYS)), json!(self.of(&KEYS))),
            _ => {
                let (one, other) = (self.date(), self.date());
                let math = self.of(&["", "||/d", "||-1d", "||+6h/h"]);
                let body = json!({low: one.clone() + math, high: other});
                let body = if self.often(30) {
                    let day = one.get(..10).unwrap_or_default();
                    json!({low: day, high: other.get(..10), "time_zone": "Europe/Berlin"})
                } else {
                    body
                };
                return json!({"range": {"ts": body}});
            }
        };
        let mut body = json!({});
        if self.often(80) {
            body[low] = from;
        }
        if self.often(80) {
            body[high] = to;
        }
        json!({"range": {field: body}})
    }

    fn text_match(&mut self) -> Value {
        let mut body = json!({"query": self.words(4)});
        if self.often(20) {
            body["query"] = json!(self.of(&["eror", "chekcout cart", "quikc fox", "logon"]));
            body["fuzziness"] = json!(self.of(&["AUTO", "1", "2"]));
        }
        if self.often(40) {
            body["operator"] = json!(self.of(&["and", "or", "AND"]));
        } else if self.often(30) {
            body["minimum_should_match"] = json!(self.of(&["2", "50%", "-1", "1"]));
        }
        if self.often(30) {
            json!({"multi_match": {"query": body["query"], "fields": ["t", "k"], "type": self.of(&["best_fields", "most_fields", "phrase"])}})
        } else {
            json!({"match": {"t": body}})
        }
    }

    fn query_string(&mut self) -> Value {
        let part = |own: &mut Self| match own.below(8) {
            6 => format!("k:/{}/", own.of(&["al.*", "[ab].+", "(beta|gamma)"])),
            7 => format!("t:{}~1", own.of(&["eror", "chekout", "quikc", "foxy"])),
            0 => format!("t:{}", own.of(&WORDS)),
            1 => format!(
                "k:{}",
                own.of(&["alpha", "beta", "al*", "\"al pha\"", "Alpha"])
            ),
            2 => format!("n:[{} TO {}]", own.whole(), own.whole()),
            3 => format!("n:>{}", own.whole()),
            4 => format!("t:\"{}\"", own.words(2)),
            _ => format!("_exists_:{}", own.of(&["k", "n", "t"])),
        };
        let (one, other) = (part(self), part(self));
        let text = match self.below(5) {
            0 => format!("{one} AND {other}"),
            1 => format!("{one} OR {other}"),
            2 => format!("{one} AND NOT {other}"),
            3 => format!("({one}) OR ({other} AND b:true)"),
            _ => one,
        };
        if self.often(30) {
            let mut body =
                json!({"query": self.words(3), "default_operator": self.of(&["and", "or"])});
            match self.below(4) {
                0 => body["fields"] = json!(["t", "k"]),
                1 => body["default_field"] = json!(self.of(&["t", "k"])),
                2 => {
                    body["default_field"] = json!("t");
                    body["minimum_should_match"] = json!(self.of(&["2", "50%"]));
                    body["default_operator"] = json!("or");
                }
                _ => {}
            }
            return json!({"query_string": body});
        }
        json!({"query_string": {"query": text}})
    }

    fn simple_query_string(&mut self) -> Value {
        let mut text = self.of(&WORDS).to_owned();
        for _ in 0..self.below(3) {
            let joint = self.of(&[" ", " + ", " | ", " -", " +"]);
            let next = self.of(&[
                "quick",
                "\"brown fox\"",
                "lo*",
                "(cart | login)",
                "eror~1",
                "fox",
            ]);
            text.push_str(joint);
            text.push_str(next);
        }
        let operator = self.of(&["and", "or"]);
        json!({"simple_query_string": {"query": text, "fields": ["t"], "default_operator": operator}})
    }

    fn boolean(&mut self, depth: u64) -> Value {
        let mut body = json!({});
        for name in ["must", "filter", "must_not", "should"] {
            if self.often(45) {
                let count = 1 + self.below(2);
                let clauses: Vec<Value> = (0..count).map(|_| self.query(depth)).collect();
                body[name] = json!(clauses);
            }
        }
        if body.get("should").is_some() && self.often(30) {
            body["minimum_should_match"] = json!(self.of(&["1", "2", "50%"]));
        }
        json!({"bool": body})
    }

    fn aggregations(&mut self, depth: u64) -> Value {
        let count = 1 + self.below(2);
        let mut all = json!({});
        for number in 0..count {
            all[format!("agg{number}")] = self.aggregation(depth);
        }
        all
    }

    fn aggregation(&mut self, depth: u64) -> Value {
        if depth == 0 || self.often(25) {
            return self.metric(depth);
        }
        let mut aggregation = self.buckets(depth);
        if self.often(60) {
            // The judge merges buckets whose inner ones were cut already: only metrics are sure in them.
            let is_merged = aggregation.get("auto_date_histogram").is_some();
            let mut nested = self.aggregations(if is_merged { 0 } else { depth - 1 });
            let every = aggregation.pointer("/date_histogram/min_doc_count") == Some(&json!(0));
            if every && self.often(50) {
                nested["aggsum"] = json!({"sum": {"field": "d"}});
                let name = self.of(&[
                    "derivative",
                    "cumulative_sum",
                    "serial_diff",
                    "bucket_script",
                ]);
                nested["aggpipe"] = match name {
                    "bucket_script" => {
                        json!({name: {"buckets_path": {"a": "aggsum", "b": "_count"}, "script": "params.a * 2 - params.b"}})
                    }
                    name => json!({name: {"buckets_path": "aggsum"}}),
                };
            }
            aggregation["aggs"] = nested;
        }
        aggregation
    }

    /// Of percentiles only what is exact in the judge's digest, too; the scenarios have the others. Medians of distances in each
    /// of very many buckets are more than the judge's memory.
    fn metric(&mut self, depth: u64) -> Value {
        let field = self.of(&["n", "d", "ts", "o.x"]);
        match self.below(15) {
            10 => {
                json!({"percentiles": {"field": self.of(&["n", "d"]), "percents": [0, 100]}})
            }
            11 => {
                json!({"percentile_ranks": {"field": self.of(&["n", "d"]), "values": [-60, 60]}})
            }
            12 if depth > 0 => {
                json!({"median_absolute_deviation": {"field": self.of(&["n", "d"])}})
            }
            13 => {
                json!({"top_hits": {"size": 1 + self.below(3), "sort": self.sort(), "_source": ["id", "k"]}})
            }
            14 => json!({"weighted_avg": {"value": {"field": "n"}, "weight": {"field": "d"}}}),
            0 => json!({"min": {"field": field}}),
            1 => json!({"max": {"field": field}}),
            2 => json!({"sum": {"field": self.of(&["n", "d", "o.x"])}}),
            3 => json!({"avg": {"field": self.of(&["n", "d", "o.x"])}}),
            4 => json!({"value_count": {"field": self.of(&["n", "k", "ip", "b", "ts"])}}),
            5 => json!({"stats": {"field": self.of(&["n", "d"])}}),
            6 => json!({"extended_stats": {"field": self.of(&["n", "d"])}}),
            7 => json!({"cardinality": {"field": self.of(&["n", "k", "ip", "b"])}}),
            8 => json!({"weighted_avg": {"value": {"field": "d"}, "weight": {"field": "o.x"}}}),
            _ => json!({"avg": {"field": "d", "missing": self.decimal()}}),
        }
    }

    /// A composite one stands on top only, and a derivative needs every bucket.
    fn buckets(&mut self, depth: u64) -> Value {
        match self.below(if depth == 2 { 15 } else { 13 }) {
            11 => {
                let address = |own: &mut Self| format!("10.0.{}.{}", own.below(3), own.below(6));
                let (one, other) = (address(self), address(self));
                json!({"ip_range": {"field": "ip", "ranges": [{"to": one}, {"from": other}, {"mask": "10.0.1.0/30"}], "keyed": self.often(30)}})
            }
            12 => {
                let zone = self.of(&["UTC", "Europe/Berlin", "+05:30"]);
                // Below others the judge estimates how many units there are: where that decides, it decides otherwise.
                let buckets = match depth {
                    2 => 1 + self.below(40),
                    _ => self.of(&[3, 5, 10, 20, 40]),
                };
                json!({"auto_date_histogram": {"field": "ts", "buckets": buckets, "time_zone": zone}})
            }
            13 => json!({"global": {}}),
            0 | 1 => {
                let mut terms = json!({"field": self.of(&["k", "n", "b", "ip", "o.x"]), "size": 1 + self.below(12)});
                if self.often(40) {
                    terms["order"] =
                        json!({self.of(&["_key", "_count"]): self.of(&["asc", "desc"])});
                }
                if self.often(20) {
                    // Few values: the judge looks at the first ones only.
                    terms["field"] = json!(self.of(&["k", "b", "ip", "o.x"]));
                    terms["min_doc_count"] = json!(self.of(&[0, 2]));
                    terms["size"] = json!(50);
                }
                json!({"terms": terms})
            }
            2 => {
                json!({"histogram": {"field": self.of(&["n", "d"]), "interval": self.of(&[1, 5, 7, 20]), "min_doc_count": self.below(3)}})
            }
            3 | 4 => self.date_histogram(),
            5 => {
                json!({"range": {"field": self.of(&["n", "d"]), "ranges": [{"to": self.whole()}, {"from": self.whole(), "to": self.whole()}, {"from": self.whole(), "key": "last"}]}})
            }
            6 => {
                let (from, to) = (self.date(), self.date());
                if self.often(40) {
                    let day = |date: &String| date.get(..10).unwrap_or_default().to_owned();
                    let (from, to) = (day(&from), day(&to));
                    return json!({"date_range": {"field": "ts", "format": "yyyy-MM-dd", "time_zone": "Europe/Berlin", "ranges": [{"to": from}, {"from": from, "to": to}], "keyed": self.often(30)}});
                }
                json!({"date_range": {"field": "ts", "ranges": [{"to": from}, {"from": from, "to": to}, {"from": "now/y"}]}})
            }
            7 => json!({"filter": self.query(1)}),
            8 => json!({"filters": {"filters": {"one": self.query(1), "two": self.query(0)}}}),
            9 => json!({"missing": {"field": self.of(&["k", "n", "ts", "o.x"])}}),
            10 => {
                let (one, other) = (self.of(&["k", "b"]), self.of(&["n", "o.x"]));
                json!({"multi_terms": {"terms": [{"field": one}, {"field": other}], "size": 1 + self.below(9)}})
            }
            _ => self.composite(),
        }
    }

    /// What may have several numbers does not come first: the judge takes those that a query asks for (`differences.json`).
    fn composite(&mut self) -> Value {
        let first = self.of(&["k", "b", "o.x"]);
        let order = self.of(&["asc", "desc"]);
        let second = match self.often(50) {
            true => json!({"histogram": {"field": "d", "interval": 5}}),
            false => json!({"terms": {"field": "n"}}),
        };
        json!({"composite": {
            "size": 1 + self.below(9),
            "sources": [{"one": {"terms": {"field": first, "order": order}}}, {"two": second}],
        }})
    }

    fn date_histogram(&mut self) -> Value {
        let mut histogram = json!({"field": "ts", "min_doc_count": self.below(2)});
        if self.often(50) {
            histogram["calendar_interval"] =
                json!(self.of(&["day", "week", "month", "1h", "year", "quarter"]));
        } else {
            histogram["fixed_interval"] = json!(self.of(&["6h", "1d", "90m", "3d", "2h", "1h"]));
        }
        if self.often(50) {
            histogram["time_zone"] =
                json!(self.of(&["Europe/Berlin", "America/New_York", "+05:30", "UTC"]));
        }
        if self.often(20) {
            histogram["offset"] = json!(self.of(&["+3h", "-1h", "30m"]));
        }
        json!({"date_histogram": histogram})
    }
}
