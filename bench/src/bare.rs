//! A browser started by hand on an empty page, as quiet as a run's and with nothing attached.

use std::path::Path;

use anyhow::{Context, Result};
use canarytrace_process::{ChildSpec, Containment, Group, Limits, Stdio};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::Child,
};

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
