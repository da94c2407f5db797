//! What ends or directs a process from outside: signals, and lines on standard input.

use std::{io::BufRead, sync::Arc};

use tokio::{
    signal::unix::{SignalKind, signal},
    sync::{Notify, mpsc},
};
use tokio_util::sync::CancellationToken;

use crate::failure::Failure;

/// Cancelled by SIGTERM and SIGINT.
#[expect(
    clippy::disallowed_methods,
    reason = "the task lives as long as the process and owns nothing"
)]
pub(crate) fn stop_on_signals() -> Result<CancellationToken, Failure> {
    let stop = CancellationToken::new();
    let mut terminate = signal(SignalKind::terminate()).map_err(Failure::broken)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(Failure::broken)?;
    let token = stop.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        token.cancel();
    });
    Ok(stop)
}

/// A line of standard input that begins with `>` was typed by a person; each other one is a `go`. Its end is the end of
/// our parent. The thread ends with the process.
pub(crate) fn listen_to_parent(
    go: Arc<Notify>,
    typed: mpsc::Sender<String>,
    parent_gone: CancellationToken,
) -> Result<(), Failure> {
    let listening = std::thread::Builder::new()
        .name("control".to_owned())
        .spawn(move || {
            for line in std::io::stdin().lock().lines() {
                match line.as_deref().map(|line| line.strip_prefix('>')) {
                    // Nobody asks for it: what is typed then is dropped.
                    Ok(Some(text)) => drop(typed.try_send(text.to_owned())),
                    Ok(None) => go.notify_one(),
                    Err(_) => break,
                }
            }
            parent_gone.cancel();
        });
    listening.map(drop).map_err(Failure::broken)
}

/// Lines that a person types; the thread ends with the process.
pub(crate) fn listen_to_person(typed: mpsc::Sender<String>) -> Result<(), Failure> {
    let listening = std::thread::Builder::new()
        .name("terminal".to_owned())
        .spawn(move || {
            for line in std::io::stdin().lock().lines().map_while(Result::ok) {
                if typed.blocking_send(line).is_err() {
                    break;
                }
            }
        });
    listening.map(drop).map_err(Failure::broken)
}
