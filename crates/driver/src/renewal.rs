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
        Ok(text(&made, "browserContextId"))
    }

    /// An empty page of the size that windows have at first; answers its target id once it is watched.
    async fn new_page(&self, context: &str) -> Result<String, DevToolsError> {
        let (width, height) = self.window;
        let params = json!({
            "url": "about:blank", "browserContextId": context, "newWindow": true, "width": width, "height": height,
        });
        let made = self.devtools.call("Target.createTarget", params).await?;
        let target = text(&made, "targetId");
        let mut pages = self.devtools.pages();
        let watched = pages.wait_for(|pages| pages.iter().any(|page| page.target_id == target));
        match tokio::time::timeout(CLOSE_LIMIT, watched).await {
            Ok(Ok(_)) => Ok(target),
            Ok(Err(_)) => Err(DevToolsError::Closed),
            Err(_) => Err(DevToolsError::NoPage),
        }
    }

    async fn close_other_pages(&self, target: &str) -> Result<(), DevToolsError> {
        let mut pages = self.devtools.pages();
        let others: Vec<String> = pages
            .borrow()
            .iter()
            .map(|page| page.target_id.clone())
            .filter(|other| other != target)
            .collect();
        for other in others {
            let params = json!({"targetId": other});
            self.devtools.call("Target.closeTarget", params).await?;
        }
        // A page that asks whether it may close would keep us.
        let alone = pages.wait_for(|pages| pages.iter().all(|page| page.target_id == target));
        if tokio::time::timeout(CLOSE_LIMIT, alone).await.is_err() {
            tracing::warn!("a page of the old session is still open");
        }
        Ok(())
    }
}

fn text(answer: &Value, name: &str) -> String {
    let value = answer.get(name).and_then(Value::as_str);
    value.unwrap_or_default().to_owned()
}
