//! A program of the user's: the message as JSON on its standard input. Off unless allowed where the server is started.

use std::{process::Stdio, time::Duration};

use tokio::io::AsyncWriteExt;

use super::SendError;
use crate::message::Message;

const TIMEOUT: Duration = Duration::from_secs(30);

/// A program and its arguments.
#[derive(Clone, Debug)]
pub struct CommandChannel(pub Vec<String>);

impl CommandChannel {
    pub(super) fn program(&self) -> &str {
        self.0.first().map_or("", String::as_str)
    }

    pub(super) async fn send(&self, message: &Message) -> Result<(), SendError> {
        let mut command = tokio::process::Command::new(self.program());
        command
            .args(self.0.iter().skip(1))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // Nothing of our environment: it may hold secrets.
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("CANARYTRACE_NOTICE", &message.id)
            .kill_on_drop(true);
        let mut child = command.spawn().map_err(|error| {
            SendError::refused(format!("{} cannot be started: {error}", self.program()))
        })?;
        let body = serde_json::to_vec(message).unwrap_or_default();
        if let Some(mut input) = child.stdin.take() {
            // A program that does not read is judged by its exit code.
            input.write_all(&body).await.ok();
        }
        match tokio::time::timeout(TIMEOUT, child.wait()).await {
            Ok(Ok(status)) if status.success() => Ok(()),
            Ok(Ok(status)) => Err(SendError::temporary(format!(
                "{} ended with {status}",
                self.program()
            ))),
            Ok(Err(error)) => Err(SendError::Uncertain {
                reason: error.to_string(),
            }),
            Err(_) => Err(SendError::Uncertain {
                reason: format!("{} did not end within 30s", self.program()),
            }),
        }
    }
}
