//! A browser started by hand on an empty page, as quiet as a run's and with nothing attached.

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use canarytrace_process::{ChildSpec, Containment, Group, Limits, Stdio};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    net::TcpStream,
    process::Child,
};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, tungstenite::Message};

pub(crate) struct BareBrowser {
    group: Group,
    child: Child,
    /// Removed when dropped.
    _profile: tempfile::TempDir,
    /// `ws://host:port/devtools/browser/<id>`
    pub(crate) socket: String,
}

impl BareBrowser {
    pub(crate) async fn start(browser: &Path) -> Result<Self> {
        let profile = tempfile::tempdir_in("/dev/shm")?;
        let mut group = Group::create(&Containment::Subreaper, "bare", &Limits::default())?;
        let spec = ChildSpec::new(browser)
            .args([
                "--headless=new",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-quic",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--window-size=1920,1080",
                "--remote-debugging-port=0",
                "about:blank",
            ])
            .args([format!("--user-data-dir={}", profile.path().display())])
            .env("TMPDIR", profile.path())
            .env("HOME", profile.path())
            .streams(Stdio::Null, Stdio::Null, Stdio::Piped);
        let mut child = group.spawn(&spec)?;
        let mut lines = BufReader::new(child.stderr.take().context("no stderr")?).lines();
        let socket = loop {
            let line = lines.next_line().await?.context("the browser ended")?;
            if let Some(url) = line.strip_prefix("DevTools listening on ") {
                break url.to_owned();
            }
        };
        Ok(Self {
            group,
            child,
            _profile: profile,
            socket,
        })
    }

    pub(crate) async fn end(mut self) -> Result<()> {
        let mut group = self.group;
        tokio::task::spawn_blocking(move || group.kill_all()).await??;
        self.child.wait().await?;
        Ok(())
    }
}

/// The DevTools socket of one page, with nothing on that is not asked for.
pub(crate) struct PageSocket {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    last_id: u64,
}

impl PageSocket {
    /// Of the first page of the browser with this socket.
    pub(crate) async fn open(browser: &str) -> Result<Self> {
        let address = browser.split('/').nth(2).context("no address")?;
        let http = reqwest::Client::builder().no_proxy().build()?;
        let pages: Value = http
            .get(format!("http://{address}/json/list"))
            .send()
            .await?
            .json()
            .await?;
        let url = pages
            .as_array()
            .and_then(|pages| pages.iter().find(|page| page["type"] == "page"))
            .and_then(|page| page["webSocketDebuggerUrl"].as_str())
            .context("no page")?;
        let (socket, _) = tokio_tungstenite::connect_async(url).await?;
        Ok(Self { socket, last_id: 0 })
    }

    pub(crate) async fn send(&mut self, method: &str, params: &Value) -> Result<u64> {
        self.last_id += 1;
        let text = json!({"id": self.last_id, "method": method, "params": params}).to_string();
        self.socket.send(Message::text(text)).await?;
        Ok(self.last_id)
    }

    /// The result of a command; events that come meanwhile are passed over.
    pub(crate) async fn call(&mut self, method: &str, params: &Value) -> Result<Value> {
        let id = self.send(method, params).await?;
        while let Some(message) = self.socket.next().await {
            let Ok(mut answer) = serde_json::from_str::<Value>(message?.to_text()?) else {
                continue;
            };
            if answer["id"] == id {
                ensure!(answer["error"].is_null(), "{method}: {}", answer["error"]);
                return Ok(answer["result"].take());
            }
        }
        bail!("the browser closed the connection")
    }

    pub(crate) async fn close(mut self) -> Result<()> {
        Ok(self.socket.close(None).await?)
    }

    /// Takes what comes, and lets a screencast go on.
    pub(crate) async fn read(mut self) {
        while let Some(Ok(message)) = self.socket.next().await {
            let text = message.to_text().unwrap_or_default();
            if text.starts_with("{\"method\":\"Page.screencastFrame\"") {
                let frame: Value = serde_json::from_str(text).unwrap_or_default();
                let params = json!({"sessionId": frame["params"]["sessionId"]});
                if self.send("Page.screencastFrameAck", &params).await.is_err() {
                    return;
                }
            }
        }
    }
}
