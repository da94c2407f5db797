//! The store as a [`SearchService`].

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use canarytrace_es::{
    AliasAction, ClusterSettings, ContextKind, DocumentLookup, Engine, EsError, Health,
    IndexDetails, IndexSummary, IndexTarget, IndexTemplate, NodeSummary, Refresh, SearchRequest,
    SearchResponse, SearchService, TemplateKind, Token,
    bulk::{BulkItem, BulkItemResult},
    query::Query,
};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::{
    analysis,
    contexts::Page,
    engine::Request,
    engine::index::parse_source,
    engine::{Index, REFRESH_INTERVAL, SEARCH_IDLE, Selected, Store, StoreError},
    search::{self, View},
};

impl Store {
    /// The indices of a search, refreshed if they have been dirty for longer than the interval.
    async fn refreshed(&self, target: &IndexTarget) -> Result<Vec<Selected>, EsError> {
        self.contexts.forget_old();
        let selected = self.shared.select(target)?;
        // As in Elasticsearch: an index nobody has searched for a while is refreshed by the search that comes.
        let is_stale = |index: &Arc<Index>| {
            index.dirty_for().is_some_and(|dirty| {
                dirty >= REFRESH_INTERVAL || !index.searched_within(SEARCH_IDLE)
            })
        };
        let stale: Vec<Arc<Index>> = selected
            .iter()
            .map(|one| &one.index)
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
        selected.iter().for_each(|one| one.index.mark_searched());
        Ok(selected)
    }

    async fn views(&self, target: &IndexTarget) -> Result<Vec<View>, EsError> {
        let selected = self.refreshed(target).await?;
        blocking(move || open(selected)).await
    }

    /// Writes through aliases go to their write indices.
    fn aimed(&self, items: &mut [BulkItem]) -> Vec<Option<EsError>> {
        items
            .iter_mut()
            .map(|item| match self.shared.write_index(&item.index) {
                Ok(Some(index)) => {
                    item.index = index;
                    None
                }
                Ok(None) => None,
                Err(error) => Some(error),
            })
            .collect()
    }
}

#[async_trait]
impl Engine for Store {
    async fn open_scroll(
        &self,
        target: &IndexTarget,
        request: SearchRequest,
        keep_alive: Duration,
    ) -> Result<(String, SearchResponse), EsError> {
        let views = Arc::new(self.views(target).await?);
        let contexts = Arc::clone(&self.contexts);
        blocking(move || {
            let (answer, last) = search::page(&views, &request, None)?;
            let page = Page {
                request: Arc::new(request),
                last,
                total: answer.total,
                max_score: answer.max_score,
            };
            let id = contexts.open(ContextKind::Scroll, views, keep_alive, Some(page))?;
            Ok((id, answer))
        })
        .await
    }

    async fn scroll(
        &self,
        id: &str,
        keep_alive: Option<Duration>,
    ) -> Result<SearchResponse, EsError> {
        let context = self.contexts.get(ContextKind::Scroll, id, keep_alive)?;
        let (contexts, id) = (Arc::clone(&self.contexts), id.to_owned());
        blocking(move || {
            let (answer, page) = context.next_page()?;
            contexts.turn_page(&id, page);
            Ok(answer)
        })
        .await
    }

    async fn open_point_in_time(
        &self,
        target: &IndexTarget,
        keep_alive: Duration,
    ) -> Result<String, EsError> {
        let views = Arc::new(self.views(target).await?);
        self.contexts
            .open(ContextKind::PointInTime, views, keep_alive, None)
    }

    async fn close_contexts(
        &self,
        kind: ContextKind,
        ids: Option<Vec<String>>,
    ) -> Result<Vec<(String, Option<usize>)>, EsError> {
        Ok(self.contexts.close(kind, ids))
    }

    async fn put_template_of(
        &self,
        kind: TemplateKind,
        template: IndexTemplate,
    ) -> Result<(), EsError> {
        let shared = Arc::clone(&self.shared);
        blocking(move || shared.put_template(kind, template)).await
    }

    async fn templates_of(
        &self,
        kind: TemplateKind,
        names: &str,
    ) -> Result<Vec<IndexTemplate>, EsError> {
        let found = self.shared.registry(kind).named(names).into_iter();
        Ok(found
            .map(|(name, body)| IndexTemplate { name, body })
            .collect())
    }

    async fn delete_templates(&self, kind: TemplateKind, names: &str) -> Result<bool, EsError> {
        let (shared, names) = (Arc::clone(&self.shared), names.to_owned());
        blocking(move || shared.delete_templates(kind, &names)).await
    }

    async fn update_aliases(&self, actions: Vec<AliasAction>) -> Result<(), EsError> {
        let shared = Arc::clone(&self.shared);
        let names = blocking(move || shared.change_aliases(&actions)).await?;
        if names.is_empty() {
            return Ok(());
        }
        Ok(self
            .request(|reply| Request::Delete { names, reply })
            .await??)
    }

    async fn details(&self, target: &IndexTarget) -> Result<Vec<IndexDetails>, EsError> {
        let (shared, indices) = (Arc::clone(&self.shared), self.shared.resolve(target)?);
        let details = move |index: &Arc<Index>| {
            let (documents, deleted, size_bytes) = index.size();
            IndexDetails {
                name: index.name.clone(),
                uuid: index.uuid.clone(),
                mappings: index.mapping().to_json(),
                settings: index.settings(),
                aliases: shared.aliases_of(&index.name),
                created_at: index.created_at,
                documents,
                deleted,
                size_bytes,
                segments: index.segments(),
            }
        };
        blocking(move || Ok(indices.iter().map(details).collect())).await
    }

    async fn merge(&self, target: &IndexTarget) -> Result<(), EsError> {
        let indices = self.shared.resolve(target)?;
        Ok(self
            .request(|reply| Request::Merge { indices, reply })
            .await??)
    }

    async fn put_settings(
        &self,
        target: &IndexTarget,
        changes: Value,
        keep: bool,
    ) -> Result<(), EsError> {
        let indices = self.shared.resolve(target)?;
        self.request(|reply| Request::PutSettings {
            indices,
            changes,
            keep,
            reply,
        })
        .await?
    }

    fn cluster_settings(&self) -> ClusterSettings {
        self.shared.cluster_settings.get()
    }

    async fn put_cluster_settings(&self, body: Value) -> Result<ClusterSettings, EsError> {
        let shared = Arc::clone(&self.shared);
        blocking(move || shared.cluster_settings.change(&body)).await
    }

    async fn write_index(&self, name: &str) -> Result<String, EsError> {
        let target = self.shared.write_index(name)?;
        Ok(target.unwrap_or_else(|| name.to_owned()))
    }

    async fn analyze(&self, analyzer: &str, text: &str) -> Result<Vec<Token>, EsError> {
        analysis::analyze(analyzer, text)
    }
}

/// Work over segments does not run on the runtime's threads.
fn open(selected: Vec<Selected>) -> Result<Vec<View>, EsError> {
    let now = Timestamp::now();
    let each = selected.into_iter();
    each.map(|one| View::new(one.index, one.filters, now))
        .collect()
}

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
        mut items: Vec<BulkItem>,
        refresh: Refresh,
    ) -> Result<Vec<BulkItemResult>, EsError> {
        let refused = self.aimed(&mut items);
        let refused_result = |item: &BulkItem, error: EsError| BulkItemResult {
            operation: item.operation,
            index: item.index.clone(),
            id: item.id.clone().unwrap_or_default(),
            outcome: Err(error),
        };
        let mut results: Vec<Option<BulkItemResult>> = items
            .iter()
            .zip(refused)
            .map(|(item, error)| error.map(|error| refused_result(item, error)))
            .collect();
        let mut taken = results.iter().map(Option::is_none);
        items.retain(|_| taken.next().unwrap_or(false));
        let written = self
            .request(|reply| Request::Bulk {
                items,
                refresh: refresh == Refresh::Now,
                reply,
            })
            .await??;
        let mut written = written.into_iter();
        for result in results.iter_mut().filter(|result| result.is_none()) {
            *result = written.next();
        }
        Ok(results.into_iter().flatten().collect())
    }

    async fn search(
        &self,
        target: &IndexTarget,
        request: SearchRequest,
    ) -> Result<SearchResponse, EsError> {
        if let Some(kept) = &request.point_in_time {
            let context = self
                .contexts
                .get(ContextKind::PointInTime, &kept.id, kept.keep_alive)?;
            return blocking(move || search::search(&context.views, &request)).await;
        }
        let selected = self.refreshed(target).await?;
        if selected.is_empty() {
            // Nothing is read: that is answered here and now.
            return search::search(&[], &request);
        }
        blocking(move || search::search(&open(selected)?, &request)).await
    }

    async fn count(&self, target: &IndexTarget, query: Query, _raw: Value) -> Result<u64, EsError> {
        let views = self.views(target).await?;
        blocking(move || search::count(&views, &query)).await
    }

    async fn get(&self, index: &str, id: &str) -> Result<Option<DocumentLookup>, EsError> {
        let index = self.shared.read_index(index)?;
        let id = id.to_owned();
        blocking(move || {
            let Some(found) = index.lookup(&id)? else {
                return Ok(None);
            };
            let Some(source) = &found.source else {
                return Ok(None);
            };
            let source = parse_source(&source.read().map_err(StoreError::from)?)?;
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
        let mut names = self.shared.damages.meant_by(target);
        let mut rest = target.clone();
        rest.patterns.retain(|pattern| !names.contains(pattern));
        if !rest.patterns.is_empty() {
            let whole = self.shared.concrete(&rest)?;
            names.extend(whole.iter().map(|index| index.name.clone()));
        }
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

    async fn put_mapping(&self, target: &IndexTarget, body: Value) -> Result<(), EsError> {
        let indices = self.shared.resolve(target)?;
        self.request(|reply| Request::PutMapping {
            indices,
            body,
            reply,
        })
        .await?
    }

    async fn put_template(&self, template: IndexTemplate) -> Result<(), EsError> {
        self.put_template_of(TemplateKind::Index, template).await
    }

    async fn templates(&self, names: &str) -> Result<Vec<IndexTemplate>, EsError> {
        self.templates_of(TemplateKind::Index, names).await
    }

    async fn health(&self) -> Result<Health, EsError> {
        let indices = self.shared.all().len() as u64;
        Ok(Health {
            status: if self.shared.damages.names().is_empty() {
                "green"
            } else {
                "red"
            }
            .to_owned(),
            cluster_name: "canarytrace".to_owned(),
            indices,
            pending_tasks: 0,
        })
    }

    async fn nodes(&self) -> Result<Vec<NodeSummary>, EsError> {
        let disk_bytes = self.shared.disk_bytes();
        Ok(vec![NodeSummary {
            name: "canarytrace".to_owned(),
            disk_bytes,
            ..NodeSummary::default()
        }])
    }
}

impl From<StoreError> for std::io::Error {
    fn from(error: StoreError) -> Self {
        std::io::Error::other(error)
    }
}
