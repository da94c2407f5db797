//! The driver against the real Chromium and chromedriver. A missing browser is a failure, not a skip.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, and its server ends with it"
)]

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use canarytrace_driver::{
    Browser, LaunchConfig, devtools::BrowserEvent, find_browser, find_chromedriver,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// One browser at a time: a subreaper cannot tell the orphans of two trees apart.
static ONE_BROWSER: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

async fn alone() -> tokio::sync::MutexGuard<'static, ()> {
    rustls::crypto::ring::default_provider()
        .install_default()
        .ok();
    ONE_BROWSER.lock().await
}

fn search_path() -> std::ffi::OsString {
    std::env::var_os("PATH").unwrap()
}

fn config() -> LaunchConfig {
    let path = search_path();
    LaunchConfig {
        browser: find_browser(None, &path).unwrap(),
        chromedriver: find_chromedriver(&path).unwrap(),
        headed: false,
        window: (1280, 800),
        arguments: vec!["--disable-gpu".to_owned(), "--disable-quic".to_owned()],
        accept_insecure_certificates: false,
        workspace: format!("canarytrace-test-{}", std::process::id()),
        temporary_folder: std::env::temp_dir(),
        environment: BTreeMap::from([("PATH".into(), path)]),
        without_sandbox: true,
        command_timeout: Duration::from_secs(30),
    }
}

/// Serves `body` for every request on a free port until the test ends.
async fn serve(body: &'static str) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::task::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::task::spawn(async move {
                let mut buffer = [0; 4096];
                let length = stream.read(&mut buffer).await.unwrap_or(0);
                let status = if buffer[..length].starts_with(b"GET / ") {
                    "200 OK"
                } else {
                    "404 Not Found"
                };
                let head = format!(
                    "HTTP/1.1 {status}\r\ncontent-type: text/html\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
                    body.len()
                );
                drop(stream.write_all(head.as_bytes()).await);
                drop(stream.write_all(body.as_bytes()).await);
            });
        }
    });
    format!("http://{address}/")
}

#[tokio::test]
async fn a_browser_is_driven_watched_and_gone() {
    let _alone = alone().await;
    let url = serve("<title>Hello</title><h1 id=a>World</h1><script>console.error('oops'); fetch('/missing')</script>").await;
    let (browser, mut events) = Browser::launch(&config()).await.unwrap();
    let mut pids = Vec::new();
    browser.webdriver.navigate(&url).await.unwrap();
    assert_eq!(browser.webdriver.title().await.unwrap(), "Hello");
    let element = browser
        .webdriver
        .find(None, &canarytrace_driver::webdriver::Locator::css("#a"))
        .await
        .unwrap();
    assert_eq!(browser.webdriver.text(&element).await.unwrap(), "World");
    let answer = browser
        .devtools
        .evaluate(
            None,
            "Promise.resolve(performance.getEntriesByType('navigation').length)",
            Duration::from_secs(5),
        )
        .await
        .unwrap();
    assert_eq!(answer, 1);
    let missing = browser
        .webdriver
        .find(None, &canarytrace_driver::webdriver::Locator::css("#none"))
        .await
        .unwrap_err();
    assert_eq!(
        missing.code(),
        Some(&canarytrace_driver::webdriver::ErrorCode::NoSuchElement)
    );

    let (mut statuses, mut console) = (Vec::new(), 0);
    while statuses.len() < 2 || console == 0 {
        match tokio::time::timeout(Duration::from_secs(10), events.recv())
            .await
            .unwrap()
            .unwrap()
        {
            BrowserEvent::Response(response) => {
                statuses.push((response.url.clone(), response.status))
            }
            BrowserEvent::Console(event)
                if event
                    .fields
                    .get("level")
                    .is_some_and(|level| level == "error") =>
            {
                console += 1
            }
            _ => {}
        }
    }
    assert_eq!(statuses[0], (url.clone(), 200));
    assert_eq!(statuses[1], (format!("{url}missing"), 404));
    assert_eq!(browser.devtools.dropped_events(), 0);
    let usage = browser.usage().unwrap();
    assert!(usage.cpu_s > 0.0 && usage.processes > 3, "{usage:?}");
    pids.extend(canarytrace_process::descendants(std::process::id()));
    let closed = browser.close().await;
    assert!(closed.problems.is_empty(), "{:?}", closed.problems);
    for pid in pids {
        let state = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        assert!(
            state.is_empty() || state.contains(") Z "),
            "process {pid} is left: {state}"
        );
    }
}

#[tokio::test]
async fn a_refused_navigation_names_the_network_error() {
    let _alone = alone().await;
    let (browser, _events) = Browser::launch(&config()).await.unwrap();
    // A port that was just free: nothing listens there.
    let address = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    let error = browser
        .webdriver
        .navigate(&format!("http://{address}/"))
        .await
        .unwrap_err();
    let closed = browser.close().await;
    assert!(
        error
            .net_error()
            .is_some_and(|error| error.starts_with("net::ERR_")),
        "{error:?}"
    );
    assert!(closed.problems.is_empty());
}

#[tokio::test]
async fn a_browser_that_is_none_leaves_nothing() {
    let _alone = alone().await;
    let mut config = config();
    config.browser.path = PathBuf::from("/bin/false");
    let error = Browser::launch(&config).await.unwrap_err();
    assert!(error.to_string().contains("no browser session"), "{error}");
}
