//! What a listener keeps in the store: pointers, the lease, incidents, events. Names of indices and the established fields
//! are those of the established product.

mod posting;
mod quiet;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use bytes::Bytes;
use canarytrace_es::{
    EsError, IndexTarget, Refresh, SearchRequest, SearchResponse, SearchService, TargetOptions,
    bulk::{BulkItem, BulkOperation},
};
use canarytrace_model::time::Moment;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

pub use posting::Posting;

use crate::incident::{Incident, moment};

/// Names of the indices under a prefix.
#[derive(Clone)]
pub struct Storage {
    service: Arc<dyn SearchService>,
    prefix: String,
}

/// A stored document and where it stands, so that nobody overwrites what he has not seen.
#[derive(Clone, Debug)]
pub struct Stored<T> {
    pub id: String,
    pub seq_no: Option<u64>,
    pub value: T,
}

/// `c.listener/pointers`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Pointers {
    pub last_rule_check: Option<String>,
    pub last_emergency_overview: Option<String>,
    /// As the established log calls it.
    pub stage1: Option<String>,
}

/// `c.listener/lease`: who evaluates.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Lease {
    owner: String,
    until: String,
}

/// Incidents that are looked at in one round.
const MOST_INCIDENTS: usize = 2000;

/// Why a write did not happen.
#[derive(Debug)]
pub enum WriteError {
    /// Somebody else wrote it meanwhile.
    Conflict,
    Store(EsError),
}

impl Storage {
    pub fn new(service: Arc<dyn SearchService>, prefix: &str) -> Self {
        Self {
            service,
            prefix: prefix.to_owned(),
        }
    }

    pub fn service(&self) -> &dyn SearchService {
        &*self.service
    }

    pub fn state_index(&self) -> String {
        format!("{}listener", self.prefix)
    }

    pub fn queue_index(&self) -> String {
        format!("{}listener.queue", self.prefix)
    }

    fn events_index(&self, at: Moment) -> String {
        format!("{}listener.events-{}", self.prefix, at.index_date())
    }

    /// Makes the indices that are not there, and the fields of ours in those that are.
    pub async fn prepare(&self) -> Result<(), EsError> {
        let state = json!({"dynamic": false, "properties": {
            "kind": {"type": "keyword"}, "pending": {"type": "boolean"},
            "lastRuleCheck": {"type": "date"}, "lastEmergencyOverview": {"type": "date"}, "stage1": {"type": "date"},
        }});
        self.ensure(&self.state_index(), &state).await?;
        self.ensure(&self.queue_index(), &queue_mapping()).await?;
        self.prepare_quiet().await
    }

    async fn ensure(&self, index: &str, mapping: &Value) -> Result<(), EsError> {
        let body = json!({"mappings": mapping, "settings": {"number_of_shards": 1, "auto_expand_replicas": "0-1"}});
        match self.service.create_index(index, body).await {
            Err(error) if error.kind == "resource_already_exists_exception" => {
                // One of the established product: its own fields keep their types.
                let target = IndexTarget::new(index);
                if self
                    .service
                    .put_mapping(&target, mapping.clone())
                    .await
                    .is_err()
                {
                    let ours = json!({"properties": ours()});
                    self.service.put_mapping(&target, ours).await.ok();
                }
                Ok(())
            }
            other => other,
        }
    }

    async fn read<T: DeserializeOwned + Default>(&self, id: &str) -> Result<Stored<T>, EsError> {
        let found = match self.service.get(&self.state_index(), id).await {
            Err(error) if error.kind == "index_not_found_exception" => None,
            other => other?,
        };
        Ok(match found {
            Some(found) => Stored {
                id: id.to_owned(),
                seq_no: Some(found.seq_no),
                value: serde_json::from_value(found.source).unwrap_or_default(),
            },
            None => Stored {
                id: id.to_owned(),
                seq_no: None,
                value: T::default(),
            },
        })
    }

    pub async fn pointers(&self) -> Result<Pointers, EsError> {
        Ok(self.read::<Pointers>("pointers").await?.value)
    }

    pub async fn set_pointers(&self, pointers: &Pointers) -> Result<(), EsError> {
        self.write(&self.state_index(), "pointers", pointers, None)
            .await
            .map(drop)
            .or_else(forgive)
    }

    /// A state of ours by name.
    pub async fn state<T: DeserializeOwned + Default>(&self, name: &str) -> Result<T, EsError> {
        #[derive(Deserialize)]
        struct Wrapped<T> {
            state: T,
        }
        let found = match self.service.get(&self.state_index(), name).await {
            Err(error) if error.kind == "index_not_found_exception" => None,
            other => other?,
        };
        Ok(found
            .and_then(|found| serde_json::from_value::<Wrapped<T>>(found.source).ok())
            .map(|wrapped| wrapped.state)
            .unwrap_or_default())
    }

    /// Several states at once; each is small, and only those that changed are given.
    pub async fn set_states(
        &self,
        states: Vec<(String, Value)>,
        pointers: Option<&Pointers>,
    ) -> Result<(), EsError> {
        let index = self.state_index();
        let write =
            |name: &str, document: &Value| item(BulkOperation::Index, &index, name, document, None);
        let mut items: Vec<BulkItem> = states
            .into_iter()
            .map(|(name, state)| write(&name, &json!({"state": state})))
            .collect();
        items.extend(pointers.map(|pointers| write("pointers", &json!(pointers))));
        if items.is_empty() {
            return Ok(());
        }
        for result in self.service.bulk(items, Refresh::Later).await? {
            result.outcome?;
        }
        Ok(())
    }

    /// Takes or keeps the lease; false: another listener evaluates.
    pub async fn lease(&self, owner: &str, now: Moment, length: Duration) -> Result<bool, EsError> {
        let held: Stored<Lease> = self.read("lease").await?;
        let is_others = !held.value.owner.is_empty()
            && held.value.owner != owner
            && moment(&held.value.until) > now;
        if is_others {
            return Ok(false);
        }
        let length = i64::try_from(length.as_millis()).unwrap_or(0);
        let lease = Lease {
            owner: owner.to_owned(),
            until: Moment::from_epoch_ms(now.epoch_ms() + length).to_string(),
        };
        let written = self
            .put(&self.state_index(), "lease", &lease, held.seq_no)
            .await;
        match written {
            Ok(_) => Ok(true),
            Err(WriteError::Conflict) => Ok(false),
            Err(WriteError::Store(error)) => Err(error),
        }
    }

    /// Lets others evaluate at once.
    pub async fn give_up_lease(&self, owner: &str) -> Result<(), EsError> {
        let held: Stored<Lease> = self.read("lease").await?;
        if held.value.owner == owner {
            self.write(&self.state_index(), "lease", &Lease::default(), held.seq_no)
                .await
                .map(drop)
                .or_else(forgive)?;
        }
        Ok(())
    }

    /// Open incidents, those with waiting notices, and those that were closed since `closed_since`.
    pub async fn incidents(&self, closed_since: Moment) -> Result<Vec<Stored<Incident>>, EsError> {
        let body = json!({
            "size": MOST_INCIDENTS, "seq_no_primary_term": true,
            "query": {"bool": {"should": [
                {"term": {"open": true}}, {"term": {"pending": true}},
                {"range": {"closedAt": {"gte": closed_since.to_string()}}},
            ], "minimum_should_match": 1}},
            "sort": [{"startTime": {"order": "desc", "unmapped_type": "date"}}],
        });
        let answer = self.search(&self.queue_index(), body).await?;
        Ok(answer.hits.into_iter().filter_map(incident).collect())
    }

    pub async fn incident(&self, id: &str) -> Result<Option<Stored<Incident>>, EsError> {
        let found = match self.service.get(&self.queue_index(), id).await {
            Err(error) if error.kind == "index_not_found_exception" => None,
            other => other?,
        };
        Ok(found.map(|found| Stored {
            id: id.to_owned(),
            seq_no: Some(found.seq_no),
            value: serde_json::from_value(found.source).unwrap_or_default(),
        }))
    }

    /// Writes an incident that is as it was read, or a new one; answers its new place.
    pub async fn put_incident(
        &self,
        id: &str,
        incident: &Incident,
        seq_no: Option<u64>,
    ) -> Result<u64, WriteError> {
        let document = incident.to_document();
        self.put(&self.queue_index(), id, &document, seq_no).await
    }

    /// Writes an event unless it is there.
    pub async fn event(&self, id: &str, at: Moment, event: &Value) -> Result<(), EsError> {
        let index = self.events_index(at);
        match self.create(&index, id, event).await {
            Err(WriteError::Store(error)) if error.kind == "index_not_found_exception" => {}
            Ok(_) | Err(WriteError::Conflict) => return Ok(()),
            Err(WriteError::Store(error)) => return Err(error),
        }
        self.ensure_events(at).await?;
        self.create(&index, id, event)
            .await
            .map(drop)
            .or_else(forgive)
    }

    /// The index of a day, before something is written to it.
    pub async fn ensure_events(&self, at: Moment) -> Result<(), EsError> {
        self.ensure(&self.events_index(at), &events_mapping()).await
    }

    pub async fn overviews(&self) -> Result<Vec<Stored<Value>>, EsError> {
        let body = json!({
            "size": 100, "seq_no_primary_term": true,
            "query": {"bool": {"filter": [{"term": {"kind": "overview"}}, {"term": {"pending": true}}]}},
        });
        let answer = self.search(&self.state_index(), body).await?;
        Ok(answer
            .hits
            .into_iter()
            .filter_map(|hit| {
                Some(Stored {
                    id: hit.id,
                    seq_no: hit.seq_no,
                    value: hit.source?,
                })
            })
            .collect())
    }

    pub async fn put_overview(
        &self,
        id: &str,
        overview: &Value,
        seq_no: Option<u64>,
    ) -> Result<u64, WriteError> {
        self.put(&self.state_index(), id, overview, seq_no).await
    }

    /// A search that an index which is not there answers with nothing.
    pub async fn search(&self, index: &str, body: Value) -> Result<SearchResponse, EsError> {
        let request = SearchRequest::parse(body)?;
        self.service.search(&lenient(index), request).await
    }

    /// Writes what is as it was read at `seq_no`, or is not there yet.
    async fn put<T: Serialize>(
        &self,
        index: &str,
        id: &str,
        value: &T,
        seq_no: Option<u64>,
    ) -> Result<u64, WriteError> {
        match seq_no {
            Some(_) => self.write(index, id, value, seq_no).await,
            None => self.create(index, id, value).await,
        }
    }

    async fn write<T: Serialize>(
        &self,
        index: &str,
        id: &str,
        value: &T,
        if_seq_no: Option<u64>,
    ) -> Result<u64, WriteError> {
        self.one(item(BulkOperation::Index, index, id, value, if_seq_no))
            .await
    }

    async fn create<T: Serialize>(
        &self,
        index: &str,
        id: &str,
        value: &T,
    ) -> Result<u64, WriteError> {
        self.one(item(BulkOperation::Create, index, id, value, None))
            .await
    }

    async fn one(&self, item: BulkItem) -> Result<u64, WriteError> {
        let results = self.service.bulk(vec![item], Refresh::Later).await;
        let result = results.map_err(WriteError::Store)?.into_iter().next();
        match result.map(|result| result.outcome) {
            Some(Ok(written)) => Ok(written.seq_no),
            Some(Err(error)) if error.status == 409 => Err(WriteError::Conflict),
            Some(Err(error)) => Err(WriteError::Store(error)),
            None => Err(WriteError::Store(EsError::internal(
                "the store answered nothing",
            ))),
        }
    }
}

/// A conflict where it does not matter who wins.
fn forgive(error: WriteError) -> Result<(), EsError> {
    match error {
        WriteError::Conflict => Ok(()),
        WriteError::Store(error) => Err(error),
    }
}

/// A target whose missing indices are no error.
pub fn lenient(expression: &str) -> IndexTarget {
    IndexTarget::new(expression).with_options(TargetOptions {
        ignore_unavailable: true,
        ..TargetOptions::default()
    })
}

fn item<T: Serialize>(
    operation: BulkOperation,
    index: &str,
    id: &str,
    value: &T,
    if_seq_no: Option<u64>,
) -> BulkItem {
    BulkItem {
        operation,
        index: index.to_owned(),
        id: Some(id.to_owned()),
        if_seq_no,
        source: Bytes::from(serde_json::to_vec(value).unwrap_or_default()),
    }
}

fn incident(hit: canarytrace_es::Hit) -> Option<Stored<Incident>> {
    Some(Stored {
        id: hit.id,
        seq_no: hit.seq_no,
        value: serde_json::from_value(hit.source?).ok()?,
    })
}

fn ours() -> BTreeMap<&'static str, Value> {
    let opaque = || json!({"type": "object", "enabled": false});
    let keyword = || json!({"type": "keyword"});
    BTreeMap::from([
        ("rule", keyword()),
        ("key", keyword()),
        ("state", keyword()),
        ("cause", keyword()),
        ("monitors", keyword()),
        ("closedAt", json!({"type": "date"})),
        ("countedAt", json!({"type": "date"})),
        ("pending", json!({"type": "boolean"})),
        ("told", json!({"type": "boolean"})),
        ("late", json!({"type": "boolean"})),
        ("acknowledgedBy", keyword()),
        ("held", keyword()),
        ("value", json!({"type": "double"})),
        ("limit", json!({"type": "double"})),
        ("bouts", json!({"type": "integer"})),
        ("reopened", json!({"type": "integer"})),
        ("sentence", json!({"type": "text"})),
        ("blame", opaque()),
        ("members", opaque()),
        ("documents", opaque()),
        ("transitions", opaque()),
        ("notices", opaque()),
        ("threads", opaque()),
    ])
}

fn text_keyword() -> Value {
    json!({"type": "text", "fields": {"keyword": {"type": "keyword", "ignore_above": 1024}}})
}

fn queue_mapping() -> Value {
    let mut properties = ours();
    properties.extend([
        ("title", text_keyword()),
        ("description", text_keyword()),
        ("score", json!({"type": "integer"})),
        ("incidents", json!({"type": "long"})),
        ("repetition", json!({"type": "long"})),
        ("startTime", json!({"type": "date"})),
        ("lastTime", json!({"type": "date"})),
        ("open", json!({"type": "boolean"})),
    ]);
    json!({"dynamic": false, "properties": properties})
}

fn events_mapping() -> Value {
    json!({"properties": {
        "type": text_keyword(), "rule": text_keyword(), "tags": text_keyword(), "kibana_endpoint": text_keyword(),
        "score": {"type": "integer"}, "title": text_keyword(), "description": text_keyword(),
        // Labels of all rules meet here, each with types of its own.
        "documents": {"type": "object", "enabled": false},
        "timestamp": {"type": "date"}, "incident": {"type": "keyword"}, "transition": {"type": "keyword"},
        "cause": {"type": "keyword"}, "monitors": {"type": "keyword"}, "total": {"type": "long"},
    }})
}
