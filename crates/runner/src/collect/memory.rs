//! Samples of the page's JavaScript heap while a step runs.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use canarytrace_driver::devtools::Caller;
use canarytrace_model::{
    documents::Heap,
    time::{Moment, RunClock},
};
use tokio::task::JoinSet;

const INTERVAL: Duration = Duration::from_secs(1);
const CALL_LIMIT: Duration = Duration::from_secs(2);
/// Samples of one step that are kept: an hour of them.
const MAX_SAMPLES: usize = 3600;
const READ: &str = "(({ jsHeapSizeLimit, totalJSHeapSize, usedJSHeapSize }) => ({ jsHeapSizeLimit, totalJSHeapSize, usedJSHeapSize }))(performance.memory)";

/// Samples taken since the step began; dropping it ends the sampling.
#[derive(Debug)]
pub(crate) struct MemorySampler {
    caller: Caller,
    clock: RunClock,
    samples: Arc<Mutex<Vec<(Moment, Heap)>>>,
    _task: JoinSet<()>,
}

impl MemorySampler {
    pub(crate) fn start(caller: Caller, clock: RunClock) -> Self {
        let samples = Arc::new(Mutex::new(Vec::new()));
        let (writer, sampling) = (Arc::clone(&samples), caller.clone());
        let mut task = JoinSet::new();
        task.spawn(async move {
            loop {
                tokio::time::sleep(INTERVAL).await;
                let heap = read(&sampling).await;
                let mut samples = writer.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some(heap) = heap.filter(|_| samples.len() < MAX_SAMPLES) {
                    samples.push((clock.now(), heap));
                }
            }
        });
        Self {
            caller,
            clock,
            samples,
            _task: task,
        }
    }

    /// The samples so far and one of now: the page has just told it, or it is asked.
    pub(crate) async fn finish(self, told: Option<Heap>) -> Vec<(Moment, Heap)> {
        let last = match told {
            Some(heap) => Some(heap),
            None => read(&self.caller).await,
        };
        let mut samples =
            std::mem::take(&mut *self.samples.lock().unwrap_or_else(PoisonError::into_inner));
        samples.extend(last.map(|heap| (self.clock.now(), heap)));
        samples
    }
}

async fn read(caller: &Caller) -> Option<Heap> {
    let heap = caller.evaluate(None, READ, CALL_LIMIT).await.ok()?;
    serde_json::from_value(heap).ok()
}
