//! A session that starts anew in the middle of a run.

use std::time::Duration;

use serde_json::{Value, json};
use thiserror::Error;

use crate::{
    Browser,
    devtools::DevToolsError,
    webdriver::{WebDriver, WebDriverError},
};

const CLOSE_LIMIT: Duration = Duration::from_secs(5);

#[derive(Debug, Error)]
pub enum RenewalError {
    #[error("a session at a remote end-point cannot be renewed within a run")]
    Remote,
    #[error(transparent)]
    DevTools(#[from] DevToolsError),
    #[error(transparent)]
    WebDriver(#[from] WebDriverError),
}

impl Browser {
    /// Begins a new session with an empty page and none of what the old one left behind: cookies, storage, caches,
    /// permissions, windows, scripts before pages, mocks. The process stays, and with it everything that watches it.
    pub async fn renew(&mut self) -> Result<(), RenewalError> {
        let address = self.bidi.address().ok_or(RenewalError::Remote)?;
        let context = self.new_context().await?;
        let target = self.new_page(&context).await?;
        let mut capabilities = self.requested_capabilities.clone();
        capabilities["goog:chromeOptions"] = json!({"debuggerAddress": address.debugger});
        let mut session =
            WebDriver::new_session(&address.endpoint, &capabilities, address.command_timeout)
                .await?;
        session.switch_to_window(&target).await?;
        session.set_timeouts(self.webdriver.timeouts()).await?;
        self.bidi.detach().await;
        self.devtools.forget_init_scripts();
        self.devtools.interceptions().restore(None);
        self.close_other_pages(&target).await?;
        if let Some(before) = self.context.replace(context) {
            let params = json!({"browserContextId": before});
            self.devtools
                .call("Target.disposeBrowserContext", params)
                .await?;
        }
        // The session that started the browser would take it along when it is deleted; it ends with the driver.
        self.webdriver = session;
        Ok(())
    }

    async fn new_context(&self) -> Result<String, DevToolsError> {
        let made = self
            .devtools
            .call("Target.createBrowserContext", json!({}))
            .await?;
        let context = made.get("browserContextId").and_then(Value::as_str);
        Ok(context.unwrap_or_default().to_owned())
    }

    /// An empty page of the size that windows have at first; answers its target id once it is watched.
    async fn new_page(&self, context: &str) -> Result<String, DevToolsError> {
        let (width, height) = self.window;
        let params = json!({
            "url": "about:blank", "browserContextId": context, "newWindow": true, "width": width, "height": height,
        });
        let target = self.devtools.open_page(params).await?;
        self.devtools
            .wait_for_pages(CLOSE_LIMIT, |pages| {
                pages.iter().any(|page| page.target_id == target)
            })
            .await?;
        Ok(target)
    }

    async fn close_other_pages(&self, target: &str) -> Result<(), DevToolsError> {
        let others: Vec<String> = self
            .devtools
            .pages()
            .borrow()
            .iter()
            .map(|page| page.target_id.clone())
            .filter(|other| other != target)
            .collect();
        for other in others {
            self.devtools.close_page(&other).await?;
        }
        let alone = self.devtools.wait_for_pages(CLOSE_LIMIT, |pages| {
            pages.iter().all(|page| page.target_id == target)
        });
        // A page that asks whether it may close would keep us.
        if alone.await == Err(DevToolsError::NoPage) {
            tracing::warn!("a page of the old session is still open");
        }
        Ok(())
    }
}
