//! The web UI in a real browser, driven by our own driver, on a real server.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{collections::BTreeMap, time::Duration};

use canarytrace_driver::{
    Browser, LaunchConfig, find_browser, find_chromedriver,
    webdriver::{ElementId, Locator},
};
use canarytrace_e2e::{Server, Site, run};
use serde_json::json;

struct Page {
    browser: Browser,
    base: String,
}

impl Page {
    async fn open(server: &Server) -> Self {
        rustls::crypto::ring::default_provider()
            .install_default()
            .ok();
        let path = std::env::var_os("PATH").unwrap();
        let config = LaunchConfig {
            browser: find_browser(None, &path).unwrap(),
            chromedriver: find_chromedriver(&path).unwrap(),
            headed: false,
            window: (1280, 900),
            arguments: vec!["--disable-gpu".to_owned(), "--disable-quic".to_owned()],
            accept_insecure_certificates: false,
            workspace: format!("canarytrace-ui-{}", std::process::id()),
            temporary_folder: std::env::temp_dir(),
            environment: BTreeMap::from([("PATH".into(), path)]),
            without_sandbox: true,
            command_timeout: Duration::from_secs(30),
        };
        let (browser, _events) = Browser::launch(&config).await.unwrap();
        Self {
            browser,
            base: server.url.clone(),
        }
    }

    async fn go(&self, path: &str) {
        self.browser
            .webdriver
            .navigate(&format!("{}{path}", self.base))
            .await
            .unwrap();
    }

    /// Waits until an element shows the text.
    async fn sees(&self, text: &str) -> ElementId {
        let locator = Locator::xpath(format!(
            "//*[contains(normalize-space(.), \"{text}\")][not(.//*[contains(normalize-space(.), \"{text}\")])]"
        ));
        let looking = async {
            loop {
                if let Ok(element) = self.browser.webdriver.find(None, &locator).await
                    && self
                        .browser
                        .webdriver
                        .is_displayed(&element)
                        .await
                        .unwrap_or(false)
                {
                    return element;
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        match tokio::time::timeout(Duration::from_secs(20), looking).await {
            Ok(element) => element,
            Err(_) => panic!("`{text}` is not shown in: {}", self.text().await),
        }
    }

    async fn text(&self) -> String {
        self.browser
            .webdriver
            .execute("return document.body.innerText", &[])
            .await
            .unwrap()
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }

    /// No error in the page, and nothing wider than the window.
    async fn is_sound(&self) {
        let wide = self
            .browser
            .webdriver
            .execute(
                "return document.documentElement.scrollWidth > innerWidth + 1",
                &[],
            )
            .await
            .unwrap();
        assert_eq!(
            wide,
            json!(false),
            "the page is wider than its window: {}",
            self.browser.webdriver.url().await.unwrap()
        );
    }

    async fn close(self) {
        assert!(self.browser.close().await.problems.is_empty());
    }
}

#[tokio::test]
async fn ui_an_empty_installation_takes_its_first_url_and_shows_it_run() {
    let (site, data) = (Site::start(), tempfile::tempdir().unwrap());
    let server = Server::start(data.path(), &[]);
    let page = Page::open(&server).await;
    page.go("/").await;
    page.sees("Nothing is watched yet").await;
    let field = page
        .browser
        .webdriver
        .find(None, &Locator::css("#new-url"))
        .await
        .unwrap();
    page.browser
        .webdriver
        .send_keys(&field, &format!("{}\u{E007}", site.page("/error")))
        .await
        .unwrap();
    page.sees("answered with status 500").await;
    page.sees("Latest runs").await;
    page.go("/").await;
    page.sees("failed · site").await;
    page.close().await;
}

#[tokio::test]
async fn ui_every_page_shows_what_the_store_holds() {
    let (site, data, out) = (
        Site::start(),
        tempfile::tempdir().unwrap(),
        tempfile::tempdir().unwrap(),
    );
    let server = Server::start(data.path(), &[]);
    let (url, store) = (site.page("/error"), server.url.clone());
    let out_path = out.path().to_owned();
    let uuid = tokio::task::spawn_blocking(move || {
        run(&out_path, &[&url, "--store", &store]).record()["uuid"]
            .as_str()
            .unwrap()
            .to_owned()
    })
    .await
    .unwrap();
    let page = Page::open(&server).await;
    for (width, height) in [(1280, 900), (390, 800)] {
        page.browser
            .webdriver
            .set_window_rect(&json!({"width": width, "height": height}))
            .await
            .unwrap();
        page.go("/").await;
        page.sees("127-0-0-1").await;
        page.is_sound().await;
        page.go("/runs").await;
        page.sees("1 runs").await;
        page.is_sound().await;
        page.go("/runs?outcome=passed").await;
        page.sees("No run matches").await;
        page.go(&format!("/runs/{uuid}")).await;
        page.sees("Requests (").await;
        page.is_sound().await;
        let picture = page.browser.webdriver.execute("const i = document.querySelector('.screenshot'); return i.complete && i.naturalWidth > 0", &[]);
        tokio::time::timeout(Duration::from_secs(5), picture)
            .await
            .unwrap()
            .unwrap();
        page.go(&format!("/runs/{uuid}?tab=documents")).await;
        page.sees("c.smoke-title").await;
        page.go("/discover?index=c.request-log-*&q=response.status:500")
            .await;
        page.sees("1 documents").await;
        page.is_sound().await;
        page.go("/discover?q=passed:%20(").await;
        page.sees("at character").await;
    }
    page.close().await;
}
