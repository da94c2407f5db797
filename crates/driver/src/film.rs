//! Pictures of pages while they change, and whether one may be kept.

use std::{collections::BTreeSet, time::Duration};

use serde_json::{Value, json};
use tokio::sync::watch;

use crate::devtools::{Caller, DevToolsError, NEW_DOCUMENT, Page, ScreencastFrame, new_document};

const WATCH: &str = include_str!("js/watch.js");
const LIMIT: Duration = Duration::from_secs(2);
/// Longer side of a picture, CSS pixels.
const SIZE: u32 = 640;
const QUALITY: u32 = 50;
/// Clocks of page and process may differ by so much, ms.
const SLACK_MS: f64 = 50.0;

/// Films every page. A page that changes sends a [`ScreencastFrame`] and waits until the next one is asked for.
#[derive(Debug)]
pub struct Screencast {
    caller: Caller,
    pages: watch::Receiver<Vec<Page>>,
    filmed: BTreeSet<String>,
    /// As a JSON list; none when nothing is secret.
    secrets: Option<String>,
}

impl Screencast {
    pub fn new(caller: Caller, secrets: &[String]) -> Self {
        let mut pages = caller.pages();
        pages.mark_changed();
        Self {
            pages,
            caller,
            filmed: BTreeSet::new(),
            secrets: (!secrets.is_empty())
                .then(|| serde_json::to_string(secrets).unwrap_or_default()),
        }
    }

    /// Waits for pages that are not filmed yet and begins with them; ends when the connection does.
    pub async fn follow(&mut self) -> Result<(), DevToolsError> {
        self.pages
            .changed()
            .await
            .map_err(|_| DevToolsError::Closed)?;
        let pages = self.pages.borrow_and_update().clone();
        for page in pages {
            if self.filmed.contains(&page.target_id) {
                continue;
            }
            self.begin(&page.target_id).await?;
            self.filmed.insert(page.target_id);
        }
        Ok(())
    }

    async fn begin(&self, page: &str) -> Result<(), DevToolsError> {
        if let Some(secrets) = &self.secrets {
            let params = new_document(&format!("{WATCH}({secrets})"));
            self.caller
                .call_page(Some(page), NEW_DOCUMENT, params, LIMIT)
                .await?;
        }
        let params =
            json!({"format": "jpeg", "quality": QUALITY, "maxWidth": SIZE, "maxHeight": SIZE});
        self.caller
            .call_page(Some(page), "Page.startScreencast", params, LIMIT)
            .await
            .map(drop)
    }

    /// Whether a picture shows no secret: none is on its page now, and none was since `since_ms` (epoch). What cannot be
    /// told is not clean.
    pub async fn is_clean(&self, frame: &ScreencastFrame, since_ms: f64) -> bool {
        if self.secrets.is_none() {
            return true;
        }
        let Some(page) = self.page_of(frame) else {
            return false;
        };
        let looked = self
            .caller
            .evaluate_apart(Some(&page), "globalThis.canarytraceWatch?.()", LIMIT)
            .await;
        // `[a secret can be seen now, when one was last seen]`
        let looked = looked.ok();
        let Some([Value::Bool(false), seen]) =
            looked.as_ref().and_then(Value::as_array).map(Vec::as_slice)
        else {
            return false;
        };
        seen.as_f64().is_some_and(|seen| seen + SLACK_MS < since_ms)
    }

    /// Lets the page send its next picture.
    pub async fn go_on(&self, frame: &ScreencastFrame) {
        let Some(page) = self.page_of(frame) else {
            return;
        };
        let params = json!({"sessionId": frame.number});
        let method = "Page.screencastFrameAck";
        let asked = self
            .caller
            .call_page(Some(&page), method, params, LIMIT)
            .await;
        if let Err(error) = asked {
            tracing::debug!(%error, "a page sends no more pictures");
        }
    }

    fn page_of(&self, frame: &ScreencastFrame) -> Option<String> {
        let session = frame.session.as_deref()?;
        let pages = self.pages.borrow();
        let found = pages.iter().find(|page| page.session_id == session)?;
        Some(found.target_id.clone())
    }
}
