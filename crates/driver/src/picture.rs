//! Pictures and copies of the page, without what must not be seen.

use std::time::Duration;

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Value, json};

use crate::{Browser, devtools::DevToolsError};

const COVER: &str = include_str!("js/cover.js");
const UNCOVER: &str = "document.getElementById('canarytrace-cover')?.remove()";
const DOM: &str = include_str!("js/dom.js");
const LIMIT: Duration = Duration::from_secs(10);
/// A page is pictured down to here, CSS pixels: beyond it browsers draw nothing or crash.
const MAX_HEIGHT: f64 = 16_000.0;
/// Of a DOM copy, characters.
const MAX_DOM: usize = 5_000_000;

/// How much of a page is pictured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Area {
    Viewport,
    FullPage,
}

impl Browser {
    /// A PNG picture of the current page. Password fields and what shows one of `secrets` are covered; if they cannot be,
    /// there is no picture.
    pub async fn picture(&self, secrets: &[String], area: Area) -> Result<Vec<u8>, DevToolsError> {
        self.cover(secrets).await?;
        let picture = self.capture(area).await;
        self.uncover().await?;
        let picture = picture?;
        let data = picture.get("data").and_then(Value::as_str);
        BASE64_STANDARD
            .decode(data.unwrap_or_default())
            .map_err(|error| DevToolsError::Exception(error.to_string()))
    }

    /// Covers what must not be pictured, until [`Browser::uncover`].
    pub async fn cover(&self, secrets: &[String]) -> Result<(), DevToolsError> {
        let window = self.webdriver.window().await.ok();
        let secrets = serde_json::to_string(secrets).unwrap_or_default();
        let covering = format!("{COVER}({secrets})");
        self.devtools
            .evaluate_apart(window.as_deref(), &covering, LIMIT)
            .await
            .map(drop)
    }

    pub async fn uncover(&self) -> Result<(), DevToolsError> {
        let window = self.webdriver.window().await.ok();
        self.devtools
            .evaluate_apart(window.as_deref(), UNCOVER, LIMIT)
            .await
            .map(drop)
    }

    async fn capture(&self, area: Area) -> Result<Value, DevToolsError> {
        let window = self.webdriver.window().await.ok();
        let window = window.as_deref();
        let mut params = json!({"format": "png", "optimizeForSpeed": true});
        if area == Area::FullPage {
            let metrics = self
                .devtools
                .call_page(window, "Page.getLayoutMetrics", json!({}), LIMIT)
                .await?;
            let size = |name: &str| {
                let pointer = format!("/cssContentSize/{name}");
                metrics
                    .pointer(&pointer)
                    .and_then(Value::as_f64)
                    .unwrap_or(1.0)
            };
            params = json!({
                "format": "png", "captureBeyondViewport": true,
                "clip": {"x": 0, "y": 0, "width": size("width"), "height": size("height").min(MAX_HEIGHT), "scale": 1},
            });
        }
        self.devtools
            .call_page(window, "Page.captureScreenshot", params, LIMIT)
            .await
    }

    /// The page as a PDF, A4, with the colors that the page has; landscape when it is made for a screen.
    pub async fn pdf(&self, landscape: bool) -> Result<Vec<u8>, DevToolsError> {
        let window = self.webdriver.window().await.ok();
        let params = json!({
            "printBackground": true, "preferCSSPageSize": false, "landscape": landscape,
            "paperWidth": 8.27, "paperHeight": 11.69, "marginTop": 0.4, "marginBottom": 0.4, "marginLeft": 0.4, "marginRight": 0.4,
        });
        let printed = self
            .devtools
            .call_page(window.as_deref(), "Page.printToPDF", params, LIMIT)
            .await?;
        let data = printed.get("data").and_then(Value::as_str);
        BASE64_STANDARD
            .decode(data.unwrap_or_default())
            .map_err(|error| DevToolsError::Exception(error.to_string()))
    }

    /// The page as one HTML text that opens offline. Texts that show one of `secrets` are masked, also where elements divide
    /// them; other forms (attributes, encodings) are not.
    pub async fn dom_copy(&self, secrets: &[String]) -> Result<String, DevToolsError> {
        let window = self.webdriver.window().await.ok();
        let secrets = serde_json::to_string(secrets).unwrap_or_default();
        let copying = format!("{DOM}({MAX_DOM}, {secrets})");
        let copy = self
            .devtools
            .evaluate_apart(window.as_deref(), &copying, LIMIT)
            .await?;
        Ok(copy.as_str().unwrap_or_default().to_owned())
    }
}
