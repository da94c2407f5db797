//! The store as a [`SearchService`].

use std::sync::Arc;

use async_trait::async_trait;
use canarytrace_es::{
    DocumentLookup, EsError, Health, IndexSummary, IndexTarget, IndexTemplate, Refresh,
    SearchRequest, SearchResponse, SearchService,
    bulk::{BulkItem, BulkItemResult},
    query::Query,
};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::{
    engine::Request,
    engine::index::parse_source,
    engine::{Index, REFRESH_INTERVAL, SEARCH_IDLE, Store, StoreError},
    search::{self, View},
};

impl Store {
    /// The indices of a search, refreshed if they have been dirty for longer than the interval.
    async fn views(&self, target: &IndexTarget) -> Result<Vec<View>, EsError> {
        let indices = self.shared.resolve(target)?;
        // As in Elasticsearch: an index nobody has searched for a while is refreshed by the search that comes.
        let is_stale = |index: &Arc<Index>| {
            index.dirty_for().is_some_and(|dirty| {
                dirty >= REFRESH_INTERVAL || !index.searched_within(SEARCH_IDLE)
            })
        };
        let stale: Vec<Arc<Index>> = indices
            .iter()
            .filter(|index| is_stale(index))
            .cloned()
            .collect();
        if !stale.is_empty() {
            self.request(|reply| Request::Refresh {
                indices: stale,
                reply,
            })
            .await??;
        }
        indices.iter().for_each(|index| index.mark_searched());
        let now = Timestamp::now();
        Ok(indices
            .into_iter()
            .map(|index| View::new(index, now))
            .collect())
    }
}

/// Work over segments does not run on the runtime's threads.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, EsError> + Send + 'static,
) -> Result<T, EsError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| EsError::internal(error.to_string()))?
}

#[async_trait]
impl SearchService for Store {
    async fn bulk(
        &self,
        items: Vec<BulkItem>,
        refresh: Refresh,
    ) -> Result<Vec<BulkItemResult>, EsError> {
        self.request(|reply| Request::Bulk {
            items,
            refresh: refresh == Refresh::Now,
            reply,
        })
        .await?
    }

    async fn search(
        &self,
        target: &IndexTarget,
        request: SearchRequest,
    ) -> Result<SearchResponse, EsError> {
        let views = self.views(target).await?;
        blocking(move || search::search(&views, &request)).await
    }

    async fn count(&self, target: &IndexTarget, query: Query, _raw: Value) -> Result<u64, EsError> {
        let views = self.views(target).await?;
        blocking(move || search::count(&views, &query)).await
    }

    async fn get(&self, index: &str, id: &str) -> Result<Option<DocumentLookup>, EsError> {
        let index = self
            .shared
            .index(index)
            .ok_or_else(|| EsError::index_not_found(index))?;
        let id = id.to_owned();
        blocking(move || {
            let Some(found) = index.lookup(&id)? else {
                return Ok(None);
            };
            let Some(source) = &found.source else {
                return Ok(None);
            };
            let source = parse_source(source)?;
            Ok(Some(DocumentLookup {
                index: index.name.clone(),
                id,
                version: found.version,
                seq_no: found.sequence,
                source,
            }))
        })
        .await
    }

    async fn refresh(&self, target: &IndexTarget) -> Result<(), EsError> {
        let indices = self.shared.resolve(target)?;
        Ok(self
            .request(|reply| Request::Refresh { indices, reply })
            .await??)
    }

    async fn create_index(&self, name: &str, body: Value) -> Result<(), EsError> {
        let name = name.to_owned();
        self.request(|reply| Request::Create { name, body, reply })
            .await?
    }

    async fn delete_indices(&self, target: &IndexTarget) -> Result<Vec<String>, EsError> {
        let names: Vec<String> = self
            .shared
            .resolve(target)?
            .iter()
            .map(|index| index.name.clone())
            .collect();
        let doomed = names.clone();
        self.request(|reply| Request::Delete {
            names: doomed,
            reply,
        })
        .await??;
        Ok(names)
    }

    async fn indices(&self, target: &IndexTarget) -> Result<Vec<IndexSummary>, EsError> {
        let indices = self.shared.resolve(target)?;
        blocking(move || {
            let summary = |index: &Arc<Index>| {
                let (documents, deleted, size_bytes) = index.size();
                IndexSummary {
                    name: index.name.clone(),
                    uuid: index.uuid.clone(),
                    documents,
                    deleted,
                    size_bytes,
                }
            };
            Ok(indices.iter().map(summary).collect())
        })
        .await
    }

    async fn mappings(&self, target: &IndexTarget) -> Result<Map<String, Value>, EsError> {
        let indices = self.shared.resolve(target)?;
        Ok(indices
            .iter()
            .map(|index| {
                (
                    index.name.clone(),
                    json!({"mappings": index.mapping().to_json()}),
                )
            })
            .collect())
    }

    async fn put_template(&self, template: IndexTemplate) -> Result<(), EsError> {
        let shared = Arc::clone(&self.shared);
        blocking(move || shared.put_template(template)).await
    }

    async fn templates(&self, names: &str) -> Result<Vec<IndexTemplate>, EsError> {
        Ok(self.shared.templates(names))
    }

    async fn health(&self) -> Result<Health, EsError> {
        let indices = self.shared.all().len() as u64;
        Ok(Health {
            status: "green".to_owned(),
            cluster_name: "canarytrace".to_owned(),
            indices,
            pending_tasks: 0,
        })
    }
}

impl From<StoreError> for std::io::Error {
    fn from(error: StoreError) -> Self {
        std::io::Error::other(error)
    }
}
