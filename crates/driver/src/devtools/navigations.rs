//! The latest navigation of each page, with its response and what it asked for, for a script that opens pages.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use serde::Serialize;
use serde_json::{Map, Value};
use tokio::sync::Notify;

use super::{BrowserEvent, NetworkRequest, NetworkResponse};

/// Requests of a page that are kept.
const MAX_CHILDREN: usize = 1000;
/// Pages whose navigation is kept.
const MAX_PAGES: usize = 64;

/// A request and its response, as WebdriverIO's `browser.url` answers them.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Navigation {
    pub id: String,
    pub url: String,
    pub headers: Map<String, Value>,
    /// Epoch milliseconds.
    pub timestamp: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redirect_chain: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub children: Option<Vec<Navigation>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response: Option<NavigationResponse>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NavigationResponse {
    pub from_cache: bool,
    pub headers: Map<String, Value>,
    pub mime_type: String,
    pub status: u16,
}

impl From<&NetworkResponse> for NavigationResponse {
    fn from(response: &NetworkResponse) -> Self {
        Self {
            from_cache: response.from_disk_cache,
            headers: response.headers.clone(),
            mime_type: response.mime_type.clone(),
            status: response.status,
        }
    }
}

impl Navigation {
    fn new(request: &NetworkRequest) -> Self {
        Self {
            id: request.request_id.clone(),
            url: request.url.clone(),
            headers: request.headers.clone(),
            timestamp: (request.wall_time * 1000.0).round(),
            ..Self::default()
        }
    }

    /// Neither answered nor failed.
    pub fn is_pending(&self) -> bool {
        self.response.is_none() && self.error.is_none()
    }
}

/// The navigations by page (target id, which is that of its top frame); cheap to clone. Nothing is kept before
/// [`Navigations::keep`].
#[derive(Clone, Debug, Default)]
pub struct Navigations {
    kept: Arc<AtomicBool>,
    pages: Arc<Mutex<HashMap<String, Navigation>>>,
    changed: Arc<Notify>,
}

impl Navigations {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Navigation>> {
        self.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on.
    pub fn keep(&self) {
        self.kept.store(true, Ordering::Relaxed);
    }

    /// The latest navigation of a page.
    pub fn of(&self, page: &str) -> Option<Navigation> {
        self.lock().get(page).cloned()
    }

    /// The same, once its response is known: the socket that tells of it is another than that of the command.
    pub async fn answered(&self, page: &str, limit: Duration) -> Option<Navigation> {
        let waiting = async {
            loop {
                let changed = self.changed.notified();
                match self.of(page) {
                    Some(navigation) if navigation.is_pending() => changed.await,
                    other => return other,
                }
            }
        };
        match tokio::time::timeout(limit, waiting).await {
            Ok(navigation) => navigation,
            Err(_) => self.of(page),
        }
    }

    /// Forgets a page's, so that the next one cannot be taken for it.
    pub fn forget(&self, page: &str) {
        self.lock().remove(page);
    }

    /// `page` is that of the session which told the event.
    pub(super) fn observe(&self, page: impl FnOnce() -> Option<String>, event: &BrowserEvent) {
        let concerns = matches!(
            event,
            BrowserEvent::Request(_) | BrowserEvent::Response(_) | BrowserEvent::Failed(_)
        );
        if !concerns || !self.kept.load(Ordering::Relaxed) {
            return;
        }
        let Some(page) = page() else { return };
        let mut pages = self.lock();
        match event {
            BrowserEvent::Request(request) => asked(&mut pages, &page, request),
            BrowserEvent::Response(response) => {
                if let Some(one) = find(&mut pages, &page, &response.request_id) {
                    one.response = Some((&**response).into());
                }
            }
            BrowserEvent::Failed(failed) => {
                if let Some(one) = find(&mut pages, &page, &failed.request_id) {
                    one.error = Some(failed.error_text.clone());
                }
            }
            _ => {}
        }
        drop(pages);
        self.changed.notify_waiters();
    }
}

fn asked(pages: &mut HashMap<String, Navigation>, page: &str, request: &NetworkRequest) {
    let of_top_frame = request.is_navigation && request.frame_id.as_deref() == Some(page);
    if !of_top_frame {
        let children = pages
            .get_mut(page)
            .and_then(|navigation| navigation.children.as_mut());
        if let Some(children) = children.filter(|children| children.len() < MAX_CHILDREN) {
            children.push(Navigation::new(request));
        }
        return;
    }
    let before = pages.remove(page);
    let mut redirect_chain = Vec::new();
    if request.redirect.is_some()
        && let Some(before) = before.filter(|before| before.id == request.request_id)
    {
        redirect_chain = before.redirect_chain.unwrap_or_default();
        redirect_chain.push(before.url);
    }
    if pages.len() >= MAX_PAGES {
        pages.clear();
    }
    let navigation = Navigation {
        redirect_chain: Some(redirect_chain),
        children: Some(Vec::new()),
        ..Navigation::new(request)
    };
    pages.insert(page.to_owned(), navigation);
}

fn find<'a>(
    pages: &'a mut HashMap<String, Navigation>,
    page: &str,
    id: &str,
) -> Option<&'a mut Navigation> {
    let navigation = pages.get_mut(page)?;
    if navigation.id == id {
        return Some(navigation);
    }
    let children = navigation.children.as_mut()?;
    children.iter_mut().rev().find(|child| child.id == id)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(id: &str, url: &str, is_navigation: bool, redirected: bool) -> BrowserEvent {
        BrowserEvent::Request(Box::new(NetworkRequest {
            request_id: id.to_owned(),
            url: url.to_owned(),
            is_navigation,
            frame_id: Some("page".to_owned()),
            redirect: redirected.then(Box::default),
            ..NetworkRequest::default()
        }))
    }

    fn response(id: &str, status: u16) -> BrowserEvent {
        BrowserEvent::Response(Box::new(NetworkResponse {
            request_id: id.to_owned(),
            status,
            ..NetworkResponse::default()
        }))
    }

    fn page() -> Option<String> {
        Some("page".to_owned())
    }

    #[test]
    fn a_navigation_has_its_redirects_its_response_and_what_it_asked_for() {
        let navigations = Navigations::default();
        navigations.observe(page, &request("0", "http://a/", true, false));
        assert_eq!(navigations.of("page"), None, "nothing was to be kept");
        navigations.keep();
        for event in [
            request("1", "http://a/", true, false),
            request("1", "http://a/shop", true, true),
            response("1", 200),
            request("2", "http://a/style.css", false, false),
            request("3", "http://a/late.js", false, false),
            response("2", 404),
        ] {
            navigations.observe(page, &event);
        }
        let navigation = navigations.of("page").unwrap();
        assert_eq!(navigation.url, "http://a/shop");
        assert_eq!(navigation.redirect_chain.unwrap(), ["http://a/"]);
        assert_eq!(navigation.response.unwrap().status, 200);
        let children = navigation.children.unwrap();
        let pending: Vec<bool> = children.iter().map(Navigation::is_pending).collect();
        assert_eq!(pending, [false, true]);
        navigations.observe(page, &request("4", "http://a/next", true, false));
        let next = navigations.of("page").unwrap();
        assert!(next.redirect_chain.unwrap().is_empty() && next.children.unwrap().is_empty());
    }
}
