//! The commands; one more is a few lines.

use std::time::Duration;

use base64::{Engine, prelude::BASE64_STANDARD};
use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{ElementId, Locator, WebDriver, WebDriverError};

/// What the end-point itself waits at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeoutSettings {
    pub page_load: Duration,
    pub script: Duration,
}

/// Position and size in CSS pixels.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rect {
    pub x: f64,
    pub y: f64,
    pub width: f64,
    pub height: f64,
}

/// A cookie as WebDriver has it; unknown members are kept.
pub type Cookie = Value;

/// Added to the end-point's own limit before we give up on its answer.
const ANSWER_MARGIN: Duration = Duration::from_secs(5);

type Answer<T> = Result<T, WebDriverError>;

fn text(value: Value) -> Answer<String> {
    match value {
        Value::String(text) => Ok(text),
        other => Err(WebDriverError::unexpected("expected a string", &other)),
    }
}

impl WebDriver {
    pub async fn set_timeouts(&mut self, settings: TimeoutSettings) -> Answer<()> {
        let milliseconds =
            |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        self.post("timeouts", json!({"pageLoad": milliseconds(settings.page_load), "script": milliseconds(settings.script), "implicit": 0})).await?;
        self.timeouts = settings;
        self.page_timeout = settings.page_load.max(settings.script) + ANSWER_MARGIN;
        Ok(())
    }

    /// What the end-point waits at most now.
    pub(crate) fn timeouts(&self) -> TimeoutSettings {
        self.timeouts
    }

    /// Changes how long the end-point waits for a page, if it is another limit than now.
    pub async fn limit_page_load(&mut self, limit: Duration) -> Answer<()> {
        let settings = TimeoutSettings {
            page_load: limit,
            ..self.timeouts
        };
        if settings == self.timeouts {
            return Ok(());
        }
        self.set_timeouts(settings).await
    }

    /// Opens a URL and waits for its load event.
    pub async fn navigate(&self, url: &str) -> Answer<()> {
        self.post_page("url", json!({"url": url})).await.map(drop)
    }

    pub async fn url(&self) -> Answer<String> {
        text(self.get("url").await?)
    }

    pub async fn title(&self) -> Answer<String> {
        text(self.get("title").await?)
    }

    pub async fn page_source(&self) -> Answer<String> {
        text(self.get("source").await?)
    }

    pub async fn back(&self) -> Answer<()> {
        self.post_page("back", json!({})).await.map(drop)
    }

    pub async fn forward(&self) -> Answer<()> {
        self.post_page("forward", json!({})).await.map(drop)
    }

    pub async fn reload(&self) -> Answer<()> {
        self.post_page("refresh", json!({})).await.map(drop)
    }

    /// The first element, below `parent` if given.
    pub async fn find(&self, parent: Option<&ElementId>, locator: &Locator) -> Answer<ElementId> {
        let answer = self
            .post(
                &find_path(parent, "element"),
                json!({"using": locator.using, "value": locator.value}),
            )
            .await?;
        ElementId::from_value(&answer)
            .ok_or_else(|| WebDriverError::unexpected("no element in", &answer))
    }

    pub async fn find_all(
        &self,
        parent: Option<&ElementId>,
        locator: &Locator,
    ) -> Answer<Vec<ElementId>> {
        let answer = self
            .post(
                &find_path(parent, "elements"),
                json!({"using": locator.using, "value": locator.value}),
            )
            .await?;
        Ok(answer
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default()
            .iter()
            .filter_map(ElementId::from_value)
            .collect())
    }

    pub async fn click(&self, element: &ElementId) -> Answer<()> {
        self.post_page(&format!("element/{}/click", element.0), json!({}))
            .await
            .map(drop)
    }

    pub async fn clear(&self, element: &ElementId) -> Answer<()> {
        self.post(&format!("element/{}/clear", element.0), json!({}))
            .await
            .map(drop)
    }

    pub async fn send_keys(&self, element: &ElementId, keys: &str) -> Answer<()> {
        self.post_page(
            &format!("element/{}/value", element.0),
            json!({"text": keys}),
        )
        .await
        .map(drop)
    }

    /// The text as a person sees it.
    pub async fn text(&self, element: &ElementId) -> Answer<String> {
        text(self.get(&format!("element/{}/text", element.0)).await?)
    }

    pub async fn tag_name(&self, element: &ElementId) -> Answer<String> {
        text(self.get(&format!("element/{}/name", element.0)).await?)
    }

    pub async fn attribute(&self, element: &ElementId, name: &str) -> Answer<Value> {
        self.get(&format!("element/{}/attribute/{name}", element.0))
            .await
    }

    pub async fn property(&self, element: &ElementId, name: &str) -> Answer<Value> {
        self.get(&format!("element/{}/property/{name}", element.0))
            .await
    }

    pub async fn css_value(&self, element: &ElementId, name: &str) -> Answer<String> {
        text(
            self.get(&format!("element/{}/css/{name}", element.0))
                .await?,
        )
    }

    pub async fn is_displayed(&self, element: &ElementId) -> Answer<bool> {
        self.flag(element, "displayed").await
    }

    pub async fn is_enabled(&self, element: &ElementId) -> Answer<bool> {
        self.flag(element, "enabled").await
    }

    pub async fn is_selected(&self, element: &ElementId) -> Answer<bool> {
        self.flag(element, "selected").await
    }

    async fn flag(&self, element: &ElementId, name: &str) -> Answer<bool> {
        Ok(self
            .get(&format!("element/{}/{name}", element.0))
            .await?
            .as_bool()
            .unwrap_or(false))
    }

    pub async fn rect(&self, element: &ElementId) -> Answer<Rect> {
        let answer = self.get(&format!("element/{}/rect", element.0)).await?;
        serde_json::from_value(answer.clone())
            .map_err(|_| WebDriverError::unexpected("no rect in", &answer))
    }

    /// Runs a function body in the page; `arguments` may hold elements.
    pub async fn execute(&self, script: &str, arguments: &[Value]) -> Answer<Value> {
        self.post_page("execute/sync", json!({"script": script, "args": arguments}))
            .await
    }

    /// As [`WebDriver::execute`], but the last argument of the body is a callback that ends it.
    pub async fn execute_async(&self, script: &str, arguments: &[Value]) -> Answer<Value> {
        self.post_page(
            "execute/async",
            json!({"script": script, "args": arguments}),
        )
        .await
    }

    /// The viewport as PNG.
    pub async fn screenshot(&self) -> Answer<Vec<u8>> {
        let encoded = text(self.get("screenshot").await?)?;
        BASE64_STANDARD.decode(encoded).map_err(|error| {
            WebDriverError::Unexpected(format!("screenshot is no base64: {error}"))
        })
    }

    pub async fn cookies(&self) -> Answer<Vec<Cookie>> {
        Ok(self
            .get("cookie")
            .await?
            .as_array()
            .cloned()
            .unwrap_or_default())
    }

    pub async fn add_cookie(&self, cookie: &Cookie) -> Answer<()> {
        self.post("cookie", json!({"cookie": cookie}))
            .await
            .map(drop)
    }

    pub async fn delete_cookies(&self) -> Answer<()> {
        self.command(Method::DELETE, "cookie", None).await.map(drop)
    }

    pub async fn window(&self) -> Answer<String> {
        text(self.get("window").await?)
    }

    pub async fn windows(&self) -> Answer<Vec<String>> {
        let answer = self.get("window/handles").await?;
        Ok(answer
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default()
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect())
    }

    pub async fn switch_to_window(&self, handle: &str) -> Answer<()> {
        self.post("window", json!({"handle": handle}))
            .await
            .map(drop)
    }

    pub async fn close_window(&self) -> Answer<()> {
        self.command(Method::DELETE, "window", None).await.map(drop)
    }

    pub async fn new_window(&self, kind: &str) -> Answer<String> {
        let answer = self.post("window/new", json!({"type": kind})).await?;
        text(answer.get("handle").cloned().unwrap_or(Value::Null))
    }

    pub async fn set_window_rect(&self, rect: &Value) -> Answer<Value> {
        self.post("window/rect", rect.clone()).await
    }

    pub async fn window_rect(&self) -> Answer<Value> {
        self.get("window/rect").await
    }

    /// `id` is null (top), a number or an element.
    pub async fn switch_to_frame(&self, id: &Value) -> Answer<()> {
        self.post("frame", json!({"id": id})).await.map(drop)
    }

    pub async fn switch_to_parent_frame(&self) -> Answer<()> {
        self.post("frame/parent", json!({})).await.map(drop)
    }

    pub async fn accept_alert(&self) -> Answer<()> {
        self.post("alert/accept", json!({})).await.map(drop)
    }

    pub async fn dismiss_alert(&self) -> Answer<()> {
        self.post("alert/dismiss", json!({})).await.map(drop)
    }

    pub async fn alert_text(&self) -> Answer<String> {
        text(self.get("alert/text").await?)
    }

    pub async fn perform_actions(&self, actions: &Value) -> Answer<()> {
        self.post_page("actions", json!({"actions": actions}))
            .await
            .map(drop)
    }

    pub async fn release_actions(&self) -> Answer<()> {
        self.command(Method::DELETE, "actions", None)
            .await
            .map(drop)
    }

    pub async fn active_element(&self) -> Answer<ElementId> {
        let answer = self.get("element/active").await?;
        ElementId::from_value(&answer)
            .ok_or_else(|| WebDriverError::unexpected("no element in", &answer))
    }

    /// Ends the session and, with a local driver, its browser.
    pub async fn delete_session(&self) -> Answer<()> {
        self.command(Method::DELETE, "", None).await.map(drop)
    }
}

fn find_path(parent: Option<&ElementId>, what: &str) -> String {
    match parent {
        Some(parent) => format!("element/{}/{what}", parent.0),
        None => what.to_owned(),
    }
}
