//! What only an engine is asked, not a caller of one: contexts of searches, templates of every kind, aliases, and the inside
//! of indices. The server answers Elasticsearch's administrative paths from it.

use std::{collections::BTreeMap, time::Duration};

use async_trait::async_trait;
use serde_json::{Map, Value};

use crate::{
    ClusterSettings, EsError, IndexTarget, IndexTemplate, SearchRequest, SearchResponse,
    SearchService, parse, query::Query,
};

/// As Elasticsearch's `search.max_keep_alive`.
const MAX_KEEP_ALIVE: Duration = Duration::from_secs(24 * 3600);

/// What keeps a search's view of the indices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContextKind {
    Scroll,
    PointInTime,
}

/// The three kinds of templates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TemplateKind {
    /// `_index_template`: the one of highest priority counts.
    Index,
    /// `_component_template`: a part of index templates.
    Component,
    /// `_template`: all that match count, in their order, when no index template does.
    Legacy,
}

/// What an alias does to one index.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Alias {
    /// Only these documents are seen through it, as the request had it.
    pub filter: Option<(Value, Query)>,
    pub is_write_index: Option<bool>,
    /// `routing` and the like: told again, and of no effect on one machine.
    pub others: Map<String, Value>,
}

/// One step of `POST _aliases`.
#[derive(Clone, Debug, PartialEq)]
pub enum AliasAction {
    Add {
        indices: IndexTarget,
        name: String,
        alias: Box<Alias>,
    },
    Remove {
        indices: IndexTarget,
        /// May hold `*`.
        name: String,
        must_exist: bool,
    },
    RemoveIndex(IndexTarget),
}

/// An index from inside.
#[derive(Clone, Debug, PartialEq)]
pub struct IndexDetails {
    pub name: String,
    pub uuid: String,
    pub mappings: Value,
    /// What it was made with, nested below `index`.
    pub settings: Value,
    pub aliases: BTreeMap<String, Alias>,
    /// Epoch ms.
    pub created_at: i64,
    pub documents: u64,
    pub deleted: u64,
    pub size_bytes: u64,
    pub segments: Vec<SegmentDetails>,
}

/// One segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentDetails {
    pub name: String,
    pub documents: u64,
    pub deleted: u64,
}

/// A word of an analysed text; offsets are characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    pub text: String,
    pub start: usize,
    pub end: usize,
    pub position: usize,
}

/// An engine of one's own.
#[async_trait]
pub trait Engine: SearchService {
    /// The first page, and the id under which the next ones are.
    async fn open_scroll(
        &self,
        target: &IndexTarget,
        request: SearchRequest,
        keep_alive: Duration,
    ) -> Result<(String, SearchResponse), EsError>;
    /// The next page; without `keep_alive` the context's time goes on as it was.
    async fn scroll(
        &self,
        id: &str,
        keep_alive: Option<Duration>,
    ) -> Result<SearchResponse, EsError>;
    async fn open_point_in_time(
        &self,
        target: &IndexTarget,
        keep_alive: Duration,
    ) -> Result<String, EsError>;
    /// All of a kind without ids. Answers each id with how many indices it held; none when it was not there.
    async fn close_contexts(
        &self,
        kind: ContextKind,
        ids: Option<Vec<String>>,
    ) -> Result<Vec<(String, Option<usize>)>, EsError>;
    async fn put_template_of(
        &self,
        kind: TemplateKind,
        template: IndexTemplate,
    ) -> Result<(), EsError>;
    /// By name; `names` are separated by commas and may hold `*`.
    async fn templates_of(
        &self,
        kind: TemplateKind,
        names: &str,
    ) -> Result<Vec<IndexTemplate>, EsError>;
    /// Answers whether there was one.
    async fn delete_templates(&self, kind: TemplateKind, names: &str) -> Result<bool, EsError>;
    /// All actions or none.
    async fn update_aliases(&self, actions: Vec<AliasAction>) -> Result<(), EsError>;
    async fn details(&self, target: &IndexTarget) -> Result<Vec<IndexDetails>, EsError>;
    /// Changes settings; with `keep` one that is there stays as it is.
    async fn put_settings(
        &self,
        target: &IndexTarget,
        changes: Value,
        keep: bool,
    ) -> Result<(), EsError>;
    fn cluster_settings(&self) -> ClusterSettings;
    /// As [`ClusterSettings::change`], all or nothing.
    async fn put_cluster_settings(&self, body: Value) -> Result<ClusterSettings, EsError>;
    /// Makes one segment of each index.
    async fn merge(&self, target: &IndexTarget) -> Result<(), EsError>;
    /// The index that a write to this name goes to: itself, or the one that its alias writes to.
    async fn write_index(&self, name: &str) -> Result<String, EsError>;
    /// The words of a text, as the field or analyzer of that name has them.
    async fn analyze(&self, analyzer: &str, text: &str) -> Result<Vec<Token>, EsError>;
}

/// `1m`, `30s`, `500ms`, `1d`: at most a day.
pub fn keep_alive(text: &str) -> Result<Duration, EsError> {
    let keep_alive = parse::time_value("keep_alive", text)?;
    if keep_alive > MAX_KEEP_ALIVE {
        return Err(EsError::illegal_argument(format!(
            "Keep alive for request ({text}) is too large. It must be less than (1d). This limit can be set by changing the [search.max_keep_alive] cluster level setting."
        )));
    }
    Ok(keep_alive)
}

impl Alias {
    /// Reads what stands under an alias' name.
    pub fn parse(body: &Value) -> Result<Self, EsError> {
        let map = parse::object(body, "alias")?;
        let known = [
            "filter",
            "is_write_index",
            "routing",
            "index_routing",
            "search_routing",
            "is_hidden",
        ];
        parse::known_keys(map, "alias", &known)?;
        let filter = match parse::value(map, "filter") {
            Some(filter) => {
                let query = Query::parse(&filter)?;
                Some((filter, query))
            }
            None => None,
        };
        let mut others = Map::new();
        for (name, value) in map {
            match name.as_str() {
                "filter" | "is_write_index" => {}
                "routing" => {
                    others.insert("index_routing".to_owned(), value.clone());
                    others.insert("search_routing".to_owned(), value.clone());
                }
                name => drop(others.insert(name.to_owned(), value.clone())),
            }
        }
        Ok(Self {
            filter,
            is_write_index: parse::boolean(map, "alias", "is_write_index")?,
            others,
        })
    }

    /// As it is told.
    pub fn to_json(&self) -> Value {
        let mut map = self.others.clone();
        if let Some((filter, _)) = &self.filter {
            map.insert("filter".to_owned(), filter.clone());
        }
        if let Some(flag) = self.is_write_index {
            map.insert("is_write_index".to_owned(), Value::Bool(flag));
        }
        Value::Object(map)
    }
}

impl AliasAction {
    /// Reads the body of `POST _aliases`.
    pub fn parse_all(body: &Value) -> Result<Vec<Self>, EsError> {
        let map = parse::object(body, "aliases")?;
        parse::known_keys(map, "aliases", &["actions"])?;
        let actions = map.get("actions").map(parse::list).unwrap_or_default();
        if actions.is_empty() {
            return Err(EsError::illegal_argument("No action specified"));
        }
        actions
            .into_iter()
            .map(Self::parse)
            .collect::<Result<Vec<_>, _>>()
            .map(|all| all.concat())
    }

    /// One action may name several aliases.
    fn parse(action: &Value) -> Result<Vec<Self>, EsError> {
        let (kind, body) = parse::single(action, "alias_action")?;
        let map = parse::object(body, kind)?;
        let texts = |one: &str, many: &str| -> Vec<String> {
            let listed = [one, many].into_iter().filter_map(|name| map.get(name));
            let listed = listed.flat_map(parse::list).filter_map(Value::as_str);
            listed.map(str::to_owned).collect()
        };
        let indices = IndexTarget {
            patterns: texts("index", "indices"),
            ..IndexTarget::default()
        };
        if indices.patterns.is_empty() {
            return Err(EsError::x_content(
                "One of [index] or [indices] is required",
            ));
        }
        if kind == "remove_index" {
            return Ok(vec![Self::RemoveIndex(indices)]);
        }
        let names = texts("alias", "aliases");
        if names.is_empty() {
            return Err(EsError::x_content(
                "One of [alias] or [aliases] is required",
            ));
        }
        let others: Map<String, Value> = map
            .iter()
            .filter(|(name, _)| {
                !["index", "indices", "alias", "aliases", "must_exist"].contains(&name.as_str())
            })
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        let must_exist = parse::boolean(map, kind, "must_exist")?.unwrap_or(false);
        let each = |name: String| match kind {
            "add" => Ok(Self::Add {
                indices: indices.clone(),
                name,
                alias: Box::new(Alias::parse(&Value::Object(others.clone()))?),
            }),
            "remove" => Ok(Self::Remove {
                indices: indices.clone(),
                name,
                must_exist,
            }),
            other => Err(EsError::x_content(format!(
                "[aliases] unknown field [{other}]"
            ))),
        };
        names.into_iter().map(each).collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn actions_are_read_name_by_name() {
        let body = json!({"actions": [
            {"add": {"indices": ["a", "b"], "aliases": ["x", "y"], "filter": {"term": {"k": 1}}, "routing": "1"}},
            {"remove": {"index": "a", "alias": "z*"}},
        ]});
        let actions = AliasAction::parse_all(&body).unwrap();
        assert_eq!(actions.len(), 3);
        let AliasAction::Add { name, alias, .. } = &actions[1] else {
            panic!("{actions:?}");
        };
        assert_eq!(name, "y");
        assert_eq!(
            alias.to_json(),
            json!({"filter": {"term": {"k": 1}}, "index_routing": "1", "search_routing": "1"})
        );
        for wrong in [
            json!({"actions": []}),
            json!({"actions": [{"add": {"alias": "x"}}]}),
            json!({"actions": [{"add": {"index": "x"}}]}),
            json!({"actions": [{"swap": {"index": "x", "alias": "y"}}]}),
        ] {
            assert!(AliasAction::parse_all(&wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_context_is_kept_for_a_day_at_most() {
        assert_eq!(keep_alive("1m").unwrap(), Duration::from_secs(60));
        assert_eq!(keep_alive("500ms").unwrap(), Duration::from_millis(500));
        assert!(keep_alive("25h").is_err() && keep_alive("soon").is_err());
    }
}
