//! One `canarytrace run` as the executor sees it.

use std::{collections::BTreeMap, ffi::OsString, path::PathBuf};

use canarytrace_process::{ChildSpec, Containment, Group, Limits, Stdio, send_terminate};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    process::ChildStdin,
    sync::mpsc,
    task::JoinSet,
};

/// What starts a run.
#[derive(Clone, Debug)]
pub struct RunCommand {
    pub program: PathBuf,
    /// Of every run: `run --controlled --store … --out …`.
    pub arguments: Vec<OsString>,
    pub environment: BTreeMap<OsString, OsString>,
}

/// What a run's process tells.
#[derive(Debug)]
pub(crate) enum ChildEvent {
    Prepared {
        uuid: String,
    },
    /// The process ended; the code if it was not killed, and the last line it wrote to standard error.
    Ended {
        uuid: String,
        code: Option<i32>,
        said: String,
    },
}

/// A run that was started.
#[derive(Debug)]
pub(crate) struct RunningChild {
    stdin: Option<ChildStdin>,
    pid: Option<u32>,
}

impl RunningChild {
    /// Starts a run; its events go to `events`.
    pub(crate) fn start(
        command: &RunCommand,
        own: &[String],
        uuid: &str,
        events: mpsc::Sender<ChildEvent>,
        tasks: &mut JoinSet<()>,
    ) -> Result<Self, String> {
        // A run contains its own processes; what is started here is only its supervisor.
        let mut group = Group::create(&Containment::Subreaper, uuid, &Limits::default())
            .map_err(|error| error.to_string())?;
        let mut spec = ChildSpec::new(&command.program)
            .args(command.arguments.iter().cloned())
            .args(["--uuid", uuid])
            .args(own.iter().cloned());
        spec.environment = command.environment.clone();
        spec = spec.streams(Stdio::Piped, Stdio::Piped, Stdio::Piped);
        let mut child = group.spawn(&spec).map_err(|error| error.to_string())?;
        let (stdin, pid) = (child.stdin.take(), child.id());
        let (Some(stdout), Some(mut stderr)) = (child.stdout.take(), child.stderr.take()) else {
            return Err("no streams".to_owned());
        };
        let uuid = uuid.to_owned();
        tasks.spawn(async move {
            let reading = async {
                let mut lines = BufReader::new(stdout).lines();
                while let Ok(Some(line)) = lines.next_line().await {
                    if line == "@prepared" {
                        events
                            .send(ChildEvent::Prepared { uuid: uuid.clone() })
                            .await
                            .ok();
                    }
                }
            };
            let listening = async {
                let mut tail = Vec::new();
                let mut buffer = [0; 4096];
                while let Ok(length @ 1..) = stderr.read(&mut buffer).await {
                    tail.extend_from_slice(buffer.get(..length).unwrap_or_default());
                    let excess = tail.len().saturating_sub(4096);
                    tail.drain(..excess);
                }
                last_error(&String::from_utf8_lossy(&tail))
            };
            let ((), said) = tokio::join!(reading, listening);
            let code = child.wait().await.ok().and_then(|status| status.code());
            // The supervisor has emptied its own tree; nothing may be left of it here either.
            let emptied = tokio::task::spawn_blocking(move || group.kill_all()).await;
            if let Ok(Err(error)) = emptied {
                tracing::warn!(%error, "processes of a run are left");
            }
            events
                .send(ChildEvent::Ended { uuid, code, said })
                .await
                .ok();
        });
        Ok(Self { stdin, pid })
    }

    /// The run is due: its first navigation may begin.
    pub(crate) async fn go(&mut self) {
        if let Some(stdin) = &mut self.stdin
            && stdin.write_all(b"go\n").await.is_err()
        {
            tracing::debug!("a run ended before it could begin");
        }
    }

    /// Asks the run to end; it completes its record.
    pub(crate) fn stop(&mut self) {
        self.stdin = None;
        if let Some(pid) = self.pid {
            send_terminate(pid);
        }
    }
}

/// The error of a command that could not start, or its last words.
fn last_error(text: &str) -> String {
    let error = text
        .lines()
        .rev()
        .find_map(|line| line.strip_prefix("error: "));
    error
        .or_else(|| text.lines().rev().find(|line| !line.trim().is_empty()))
        .unwrap_or_default()
        .to_owned()
}
