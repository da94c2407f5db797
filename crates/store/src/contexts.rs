//! Searches that go on: what they saw when they began is kept until they are closed or forgotten.

use std::{
    collections::BTreeMap,
    hash::{BuildHasher, Hasher, RandomState},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use canarytrace_es::{ContextKind, EsError, SearchRequest, SearchResponse, TotalHits};

use crate::search::{
    self, View,
    sort::{Candidate, Order},
};

/// As Elasticsearch's `search.max_open_scroll_context`; each holds segments that else could be removed.
const MAX_OPEN: usize = 500;

/// What one context keeps.
#[derive(Clone)]
pub(crate) struct Context {
    kind: ContextKind,
    pub(crate) views: Arc<Vec<View>>,
    keep_alive: Duration,
    until: Instant,
    pub(crate) page: Option<Page>,
}

/// Where a scroll stands.
#[derive(Clone)]
pub(crate) struct Page {
    pub(crate) request: Arc<SearchRequest>,
    /// The last hit that was answered; none when there are no more.
    pub(crate) last: Option<Candidate>,
    pub(crate) total: Option<TotalHits>,
    pub(crate) max_score: Option<f64>,
}

impl Context {
    /// What comes after the last page, and where that ends.
    pub(crate) fn next_page(&self) -> Result<(SearchResponse, Page), EsError> {
        let page = self
            .page
            .clone()
            .ok_or_else(|| EsError::internal("a scroll without a page"))?;
        let mut answer = SearchResponse {
            shards: self.views.len() as u64,
            ..SearchResponse::default()
        };
        let mut last = None;
        if let Some(previous) = &page.last {
            let is_whole = page.request.post_filter.is_none() && page.request.min_score.is_none();
            let by_document = Order::new(&page.request.sort, &self.views)?.is_by_document();
            if by_document && is_whole {
                (answer.hits, last) = search::next_documents(&self.views, &page.request, previous)?;
            } else {
                (answer, last) = search::page(&self.views, &page.request, Some(previous))?;
                answer.aggregations = None;
            }
        }
        (answer.total, answer.max_score) = (page.total, page.max_score);
        Ok((answer, Page { last, ..page }))
    }
}

/// The open ones.
#[derive(Default)]
pub(crate) struct Contexts {
    open: Mutex<BTreeMap<String, Context>>,
}

impl std::fmt::Debug for Contexts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Contexts").finish_non_exhaustive()
    }
}

impl Contexts {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Context>> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        open.retain(|_, context| context.until > now);
        open
    }

    /// Gives up those whose time is over.
    pub(crate) fn forget_old(&self) {
        drop(self.lock());
    }

    pub(crate) fn open(
        &self,
        kind: ContextKind,
        views: Arc<Vec<View>>,
        keep_alive: Duration,
        page: Option<Page>,
    ) -> Result<String, EsError> {
        let mut open = self.lock();
        if open.len() >= MAX_OPEN {
            return Err(EsError::new(
                429,
                "rejected_execution_exception",
                format!(
                    "Trying to create too many scroll contexts. Must be less than or equal to: [{MAX_OPEN}]"
                ),
            ));
        }
        let random = || RandomState::new().build_hasher().finish();
        let id = format!("{:016x}{:016x}", random(), random());
        let context = Context {
            kind,
            views,
            keep_alive,
            until: Instant::now() + keep_alive,
            page,
        };
        open.insert(id.clone(), context);
        Ok(id)
    }

    /// A context by its id, which is kept on from now.
    pub(crate) fn get(
        &self,
        kind: ContextKind,
        id: &str,
        keep_alive: Option<Duration>,
    ) -> Result<Context, EsError> {
        let mut open = self.lock();
        let context = open
            .get_mut(id)
            .filter(|context| context.kind == kind)
            .ok_or_else(|| {
                EsError::new(
                    404,
                    "search_context_missing_exception",
                    format!("No search context found for id [{id}]"),
                )
            })?;
        context.keep_alive = keep_alive.unwrap_or(context.keep_alive);
        context.until = Instant::now() + context.keep_alive;
        Ok(context.clone())
    }

    pub(crate) fn turn_page(&self, id: &str, page: Page) {
        if let Some(context) = self.lock().get_mut(id) {
            context.page = Some(page);
        }
    }

    pub(crate) fn close(
        &self,
        kind: ContextKind,
        ids: Option<Vec<String>>,
    ) -> Vec<(String, Option<usize>)> {
        let mut open = self.lock();
        let ids = ids.unwrap_or_else(|| {
            let own = open.iter().filter(|(_, context)| context.kind == kind);
            own.map(|(id, _)| id.clone()).collect()
        });
        ids.into_iter()
            .map(|id| {
                let is_open = open.get(&id).is_some_and(|context| context.kind == kind);
                let closed = is_open.then(|| open.remove(&id)).flatten();
                (id, closed.map(|context| context.views.len()))
            })
            .collect()
    }
}
