//! The search API as a trait: what the embedded store and a cluster have in common.

use async_trait::async_trait;
use serde_json::{Map, Value, json};

use crate::{
    EsError, SearchRequest, SearchResponse,
    bulk::{BulkItem, BulkItemResult},
    query::{Query, wildcard_matches},
};

/// Indices by name, comma list and wildcard; empty means all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IndexTarget {
    pub patterns: Vec<String>,
    pub options: TargetOptions,
}

/// What to do about names that match nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TargetOptions {
    pub ignore_unavailable: bool,
    /// Default true: a wildcard may match nothing.
    pub forbid_no_indices: bool,
    /// Wildcards stand for no index that is open (`expand_wildcards` is `none` or `closed`): here all of them are.
    pub without_open: bool,
}

impl IndexTarget {
    pub fn new(expression: &str) -> Self {
        let patterns: Vec<String> = expression
            .split(',')
            .map(str::trim)
            .filter(|part| !part.is_empty() && *part != "_all")
            .map(str::to_owned)
            .collect();
        Self {
            patterns,
            options: TargetOptions::default(),
        }
    }

    #[must_use]
    pub fn with_options(mut self, options: TargetOptions) -> Self {
        self.options = options;
        self
    }

    /// As it stands in a path.
    pub fn expression(&self) -> String {
        if self.patterns.is_empty() {
            "_all".to_owned()
        } else {
            self.patterns.join(",")
        }
    }

    /// The names that are meant, in order; hidden ones (leading dot) only when named or matched by a dotted pattern.
    pub fn resolve<'a>(
        &self,
        names: impl Iterator<Item = &'a str>,
    ) -> Result<Vec<String>, EsError> {
        let names: Vec<&str> = names.collect();
        let mut selected: Vec<&str> = Vec::new();
        let everything = ["*".to_owned()];
        let patterns: &[String] = if self.patterns.is_empty() {
            &everything
        } else {
            &self.patterns
        };
        let mut has_pattern = false;
        for pattern in patterns {
            // A name with a dash that no pattern comes before is a name.
            if let Some(excluded) = pattern.strip_prefix('-').filter(|_| has_pattern) {
                selected.retain(|name| !wildcard_matches(excluded, name));
                continue;
            }
            let is_pattern = pattern.contains('*');
            has_pattern |= is_pattern;
            let matching = names.iter().filter(|name| {
                if is_pattern {
                    !self.options.without_open
                        && wildcard_matches(pattern, name)
                        && (pattern.starts_with('.') || !name.starts_with('.'))
                } else {
                    *name == pattern
                }
            });
            let before = selected.len();
            selected.extend(matching);
            let may_be_empty = if is_pattern {
                !self.options.forbid_no_indices
            } else {
                self.options.ignore_unavailable
            };
            if selected.len() == before && !may_be_empty {
                return Err(EsError::index_not_found(pattern));
            }
        }
        selected.sort_unstable();
        selected.dedup();
        Ok(selected.into_iter().map(str::to_owned).collect())
    }
}

/// Where a document's last change stands in its index: what `if_seq_no` takes and answers carry. A cluster counts anew in
/// each term of its primary shard, which begins when a node restarts; the term after the first stands above the number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) seq_no: u64,
    pub(crate) primary_term: u64,
}

const SEQ_NO_BITS: u32 = 40;

impl Place {
    /// As one number.
    pub(crate) fn pack(self) -> u64 {
        (self.primary_term.saturating_sub(1) << SEQ_NO_BITS) | self.seq_no
    }

    pub(crate) fn unpack(packed: u64) -> Self {
        Self {
            seq_no: packed & ((1 << SEQ_NO_BITS) - 1),
            primary_term: (packed >> SEQ_NO_BITS) + 1,
        }
    }

    /// Of an answer's `_seq_no` and `_primary_term`.
    pub(crate) fn read(answer: &Value) -> Option<u64> {
        let number = |name: &str| answer.get(name).and_then(Value::as_u64);
        let place = Self {
            seq_no: number("_seq_no")?,
            primary_term: number("_primary_term").unwrap_or(1),
        };
        Some(place.pack())
    }
}

/// When a write becomes visible to searches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Refresh {
    /// Within the refresh interval of one second.
    #[default]
    Later,
    /// Before the answer.
    Now,
}

/// A document by id.
#[derive(Clone, Debug, PartialEq)]
pub struct DocumentLookup {
    pub index: String,
    pub id: String,
    pub version: u64,
    pub seq_no: u64,
    pub source: Value,
}

/// One line of `_cat/indices`.
#[derive(Clone, Debug, PartialEq)]
pub struct IndexSummary {
    pub name: String,
    pub uuid: String,
    pub documents: u64,
    pub deleted: u64,
    pub size_bytes: u64,
}

/// `_cluster/health`.
#[derive(Clone, Debug, PartialEq)]
pub struct Health {
    /// `green`, `yellow` or `red`.
    pub status: String,
    pub cluster_name: String,
    pub indices: u64,
    pub pending_tasks: u64,
}

/// How full one node of a cluster is; what it does not say is absent.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NodeSummary {
    pub name: String,
    pub heap_percent: Option<f64>,
    pub memory_percent: Option<f64>,
    /// Of the disk with its data: all of it, and what is left for us; bytes.
    pub disk_bytes: Option<(u64, u64)>,
    pub cpu_percent: Option<f64>,
}

impl NodeSummary {
    /// How much of its disk is used.
    pub fn disk_percent(&self) -> Option<f64> {
        let (total, available) = self.disk_bytes.filter(|(total, _)| *total > 0)?;
        Some(total.saturating_sub(available) as f64 * 100.0 / total as f64)
    }
}

/// An index template: patterns, priority, and what matching indices start with.
#[derive(Clone, Debug, PartialEq)]
pub struct IndexTemplate {
    pub name: String,
    /// The body of `PUT _index_template/<name>`.
    pub body: Value,
}

/// A search engine. All calls are safe to run concurrently.
#[async_trait]
pub trait SearchService: Send + Sync {
    /// Applies the items in order; every item has its own result. Durable when it returns.
    async fn bulk(
        &self,
        items: Vec<BulkItem>,
        refresh: Refresh,
    ) -> Result<Vec<BulkItemResult>, EsError>;
    async fn search(
        &self,
        target: &IndexTarget,
        request: SearchRequest,
    ) -> Result<SearchResponse, EsError>;
    /// Several searches at once; each has an answer of its own, in order.
    async fn multi_search(
        &self,
        searches: Vec<(IndexTarget, SearchRequest)>,
    ) -> Result<Vec<Result<SearchResponse, EsError>>, EsError> {
        let mut answers = Vec::with_capacity(searches.len());
        for (target, request) in searches {
            answers.push(self.search(&target, request).await);
        }
        Ok(answers)
    }
    async fn count(&self, target: &IndexTarget, query: Query, raw: Value) -> Result<u64, EsError>;
    /// Reads its own writes at once, refreshed or not.
    async fn get(&self, index: &str, id: &str) -> Result<Option<DocumentLookup>, EsError>;
    async fn refresh(&self, target: &IndexTarget) -> Result<(), EsError>;
    async fn create_index(&self, name: &str, body: Value) -> Result<(), EsError>;
    async fn delete_indices(&self, target: &IndexTarget) -> Result<Vec<String>, EsError>;
    async fn indices(&self, target: &IndexTarget) -> Result<Vec<IndexSummary>, EsError>;
    /// `{index: {"mappings": {…}}}`.
    async fn mappings(&self, target: &IndexTarget) -> Result<Map<String, Value>, EsError>;
    /// Adds to the mappings of indices.
    async fn put_mapping(&self, target: &IndexTarget, body: Value) -> Result<(), EsError>;
    async fn put_template(&self, template: IndexTemplate) -> Result<(), EsError>;
    /// Templates by name; `names` are separated by commas and may hold `*`.
    async fn templates(&self, names: &str) -> Result<Vec<IndexTemplate>, EsError>;
    async fn health(&self) -> Result<Health, EsError>;
    /// The machines of the store.
    async fn nodes(&self) -> Result<Vec<NodeSummary>, EsError>;
}

impl IndexSummary {
    /// The columns of `_cat/indices?format=json`.
    pub fn to_cat(&self) -> Value {
        json!({
            "health": "green", "status": "open", "index": self.name, "uuid": self.uuid, "pri": "1", "rep": "0",
            "docs.count": self.documents.to_string(), "docs.deleted": self.deleted.to_string(),
            "store.size": human_bytes(self.size_bytes), "pri.store.size": human_bytes(self.size_bytes),
        })
    }
}

/// A size with the unit that suits it, as Elasticsearch tells it: `4.3kb`.
pub fn human_bytes(bytes: u64) -> String {
    let units = ["b", "kb", "mb", "gb", "tb"];
    let mut value = bytes as f64;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < units.len() {
        value /= 1024.0;
        unit += 1;
    }
    let unit = units.get(unit).copied().unwrap_or("b");
    if value.fract() < 0.05 {
        format!("{value:.0}{unit}")
    } else {
        format!("{value:.1}{unit}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_one_number_in_every_term() {
        for (seq_no, primary_term) in [(0, 1), (17, 1), (17, 2), (1 << 39, 900)] {
            let place = Place {
                seq_no,
                primary_term,
            };
            assert_eq!(Place::unpack(place.pack()), place);
        }
        assert_eq!(Place::unpack(5).primary_term, 1);
    }

    #[test]
    fn targets_resolve_lists_wildcards_and_hidden_names() {
        let names = [
            "c.report-2026.11.21",
            "c.report-2026.11.22",
            "c.run-2026.11.22",
            ".canarytrace-schedule",
        ];
        let resolve = |expression: &str| IndexTarget::new(expression).resolve(names.into_iter());
        assert_eq!(resolve("c.report-*").unwrap().len(), 2);
        assert_eq!(resolve("").unwrap().len(), 3);
        assert_eq!(resolve("*,-c.report-*").unwrap(), ["c.run-2026.11.22"]);
        assert_eq!(resolve(".canarytrace-*").unwrap().len(), 1);
        assert_eq!(resolve("c.none-*").unwrap().len(), 0);
        assert_eq!(resolve("c.none").unwrap_err().status, 404);
    }
}
