//! What the browser tells, kept until the step that it belongs to ends.

pub(crate) mod bodies;
pub(crate) mod console;
pub(crate) mod coverage;
pub(crate) mod film;
pub(crate) mod memory;
pub(crate) mod network;
pub(crate) mod performance;
pub(crate) mod weight;

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use canarytrace_driver::devtools::{BrowserEvent, ConsoleEvent, ScreencastFrame, StyleSheet};
use tokio::{
    sync::{Notify, mpsc},
    task::JoinSet,
};

use canarytrace_evidence::EvidenceError;
use console::ConsoleLog;
use network::{Exchange, Navigation, Network};

use crate::report::StepName;

/// Style sheets are only told while coverage is taken.
const MAX_SHEETS: usize = 2_000;

/// Everything seen since the last look.
#[derive(Debug)]
struct Seen {
    network: Network,
    console: ConsoleLog,
    sheets: Vec<StyleSheet>,
    /// Takes the pictures of a filmstrip.
    film: Option<mpsc::Sender<ScreencastFrame>>,
    /// The text of a dialog that is open.
    dialog: Option<String>,
    crashed: bool,
    disconnected: bool,
}

/// Reads the browser's events for the length of a run.
#[derive(Debug)]
pub(crate) struct Collectors {
    seen: Arc<Mutex<Seen>>,
    changed: Arc<Notify>,
    task: JoinSet<()>,
}

impl Collectors {
    /// What came before belongs to the browser's own start page and is forgotten.
    pub(crate) fn start(
        mut events: mpsc::Receiver<BrowserEvent>,
        console: ConsoleLog,
        film: Option<mpsc::Sender<ScreencastFrame>>,
    ) -> Self {
        let mut seen = Seen {
            network: Network::default(),
            console,
            sheets: Vec::new(),
            film,
            dialog: None,
            crashed: false,
            disconnected: false,
        };
        while let Ok(event) = events.try_recv() {
            if matches!(event, BrowserEvent::Crashed | BrowserEvent::Disconnected) {
                seen.receive(event);
            }
        }
        let seen = Arc::new(Mutex::new(seen));
        let changed = Arc::new(Notify::new());
        let (writer, notify) = (Arc::clone(&seen), Arc::clone(&changed));
        let mut task = JoinSet::new();
        task.spawn(async move {
            while let Some(event) = events.recv().await {
                lock(&writer).receive(event);
                notify.notify_waiters();
            }
        });
        Self {
            seen,
            changed,
            task,
        }
    }

    /// A step is over: the next navigation is the first of the following one, also when a hook makes it in between.
    pub(crate) fn end_step(&self) {
        lock(&self.seen).network.end_step();
    }

    /// From here on events belong to this step.
    pub(crate) fn begin_step(&self, step: &StepName) {
        lock(&self.seen).console.begin(step.clone());
    }

    /// The step's first navigation.
    pub(crate) fn navigation(&self) -> Option<Navigation> {
        lock(&self.seen).network.navigation()
    }

    /// Waits until the first navigation is answered or has failed; events travel another way than commands.
    pub(crate) async fn navigation_settled(&self, limit: Duration) -> Option<Navigation> {
        let settled = async {
            loop {
                let changed = self.changed.notified();
                if self
                    .navigation()
                    .is_some_and(|navigation| navigation.is_settled())
                    || self.browser_gone().is_some()
                {
                    return;
                }
                changed.await;
            }
        };
        tokio::time::timeout(limit, settled).await.ok();
        self.navigation()
    }

    /// Requests that are complete; with `all` also those that are not.
    pub(crate) fn take_exchanges(&self, all: bool) -> Vec<Exchange> {
        lock(&self.seen).network.take(all)
    }

    /// Looks at the requests without taking them.
    pub(crate) fn look<T>(&self, look: impl FnOnce(&[Exchange]) -> T) -> T {
        look(lock(&self.seen).network.exchanges())
    }

    /// Uncaught exceptions of the step, at most a few; an error when console documents could not be written.
    pub(crate) fn end_console(&self) -> Result<Vec<ConsoleEvent>, EvidenceError> {
        lock(&self.seen).console.end()
    }

    pub(crate) fn console_errors(&self) -> u64 {
        lock(&self.seen).console.errors
    }

    /// The text of the dialog that the page shows now.
    pub(crate) fn dialog(&self) -> Option<String> {
        lock(&self.seen).dialog.clone()
    }

    /// The style sheets of the pages since the last look.
    pub(crate) fn take_sheets(&self) -> Vec<StyleSheet> {
        std::mem::take(&mut lock(&self.seen).sheets)
    }

    /// Console events and requests beyond what a run keeps.
    pub(crate) fn dropped_events(&self) -> u64 {
        let seen = lock(&self.seen);
        seen.console.dropped + seen.network.dropped
    }

    /// Why the browser can do nothing more.
    pub(crate) fn browser_gone(&self) -> Option<&'static str> {
        let seen = lock(&self.seen);
        match (seen.crashed, seen.disconnected) {
            (true, _) => Some("the page crashed"),
            (_, true) => Some("its DevTools connection closed"),
            _ => None,
        }
    }

    pub(crate) async fn stop(mut self) {
        self.task.shutdown().await;
    }
}

impl Seen {
    fn receive(&mut self, event: BrowserEvent) {
        match event {
            BrowserEvent::Crashed => self.crashed = true,
            BrowserEvent::Disconnected => self.disconnected = true,
            BrowserEvent::Console(event) => self.console.receive(*event),
            BrowserEvent::DialogOpened(dialog) => self.dialog = Some(dialog.message),
            BrowserEvent::DialogClosed => self.dialog = None,
            BrowserEvent::Frame(frame) => {
                if let Some(film) = &self.film
                    && film.try_send(frame).is_err()
                {
                    tracing::debug!("a picture of the filmstrip came too early");
                }
            }
            BrowserEvent::StyleSheet(sheet) if self.sheets.len() < MAX_SHEETS => {
                self.sheets.push(sheet);
            }
            BrowserEvent::StyleSheet(_) => {}
            other => self.network.receive(other),
        }
    }
}

fn lock(seen: &Mutex<Seen>) -> MutexGuard<'_, Seen> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}
