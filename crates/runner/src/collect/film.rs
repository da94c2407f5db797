//! A filmstrip: small pictures of the page while a step goes on.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use base64::{Engine, prelude::BASE64_STANDARD};
use canarytrace_driver::{
    Screencast,
    devtools::{Caller, ScreencastFrame},
};
use tokio::{sync::mpsc, task::JoinSet};

/// Of one step.
const MAX_PICTURES: usize = 60;
/// So many come as fast as they may, later ones once a second.
const DENSE_PICTURES: usize = 30;
const DENSE: Duration = Duration::from_millis(100);
const SPARSE: Duration = Duration::from_secs(1);
/// Pages wait for an answer to each picture, so few can be on their way.
const QUEUE: usize = 16;

/// One picture of a strip.
#[derive(Debug)]
pub(crate) struct Picture {
    /// Since the step began.
    pub(crate) at_ms: u64,
    pub(crate) jpeg: Vec<u8>,
}

/// What the step has so far.
#[derive(Debug, Default)]
struct Strip {
    /// Epoch ms; none between steps.
    began: Option<f64>,
    pictures: Vec<Picture>,
    dropped: u64,
}

/// Films the pages of a run.
#[derive(Debug)]
pub(crate) struct Film {
    strip: Arc<Mutex<Strip>>,
    task: JoinSet<()>,
}

impl Film {
    /// Frames of the browser go into the answered channel.
    pub(crate) fn start(
        caller: Caller,
        secrets: &[String],
    ) -> (Self, mpsc::Sender<ScreencastFrame>) {
        let (sender, frames) = mpsc::channel(QUEUE);
        let strip = Arc::new(Mutex::new(Strip::default()));
        let screencast = Screencast::new(caller, secrets);
        let mut task = JoinSet::new();
        task.spawn(film(screencast, frames, Arc::clone(&strip)));
        (Self { strip, task }, sender)
    }

    /// A step begins at this time.
    pub(crate) fn begin(&self, now_ms: f64) {
        let mut strip = lock(&self.strip);
        strip.pictures.clear();
        strip.began = Some(now_ms);
    }

    /// The pictures of the step that ends.
    pub(crate) fn end(&self) -> Vec<Picture> {
        let mut strip = lock(&self.strip);
        strip.began = None;
        std::mem::take(&mut strip.pictures)
    }

    /// Pictures that were not kept because they may show a secret.
    pub(crate) fn dropped(&self) -> u64 {
        lock(&self.strip).dropped
    }

    pub(crate) async fn stop(mut self) {
        self.task.shutdown().await;
    }
}

async fn film(
    mut screencast: Screencast,
    mut frames: mpsc::Receiver<ScreencastFrame>,
    strip: Arc<Mutex<Strip>>,
) {
    let mut since_ms = 0.0;
    loop {
        tokio::select! {
            followed = screencast.follow() => if let Err(error) = followed {
                tracing::debug!(%error, "a page cannot be filmed");
                if error == canarytrace_driver::devtools::DevToolsError::Closed {
                    return;
                }
            },
            frame = frames.recv() => {
                let Some(frame) = frame else { return };
                let clean = screencast.is_clean(&frame, since_ms).await;
                let pause = lock(&strip).receive(&frame, clean);
                tokio::time::sleep(pause).await;
                since_ms = now_ms();
                screencast.go_on(&frame).await;
            }
        }
    }
}

impl Strip {
    /// Keeps a picture and answers how long the next one has time.
    fn receive(&mut self, frame: &ScreencastFrame, clean: bool) -> Duration {
        let Some(began) = self.began else {
            return DENSE;
        };
        if !clean {
            self.dropped += 1;
        } else if self.pictures.len() < MAX_PICTURES
            && let Ok(jpeg) = BASE64_STANDARD.decode(&frame.data)
        {
            let at = Duration::try_from_secs_f64(frame.timestamp - began / 1000.0);
            let at_ms = at.map_or(0, |at| u64::try_from(at.as_millis()).unwrap_or(0));
            self.pictures.push(Picture { at_ms, jpeg });
        }
        if self.pictures.len() < DENSE_PICTURES {
            DENSE
        } else {
            SPARSE
        }
    }
}

pub(crate) fn now_ms() -> f64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0.0, |since| since.as_secs_f64() * 1000.0)
}

fn lock(strip: &Mutex<Strip>) -> MutexGuard<'_, Strip> {
    strip.lock().unwrap_or_else(PoisonError::into_inner)
}
