//! The hidden `canarytrace runner`: a job on standard input, messages on standard output.

use std::{io::BufRead, sync::Arc};

use canarytrace_runner::{RunJob, remove_leftovers, run_job, typed_lines};
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;

use crate::{control::listen_to_parent, failure::Failure};

/// Lines that wait until the script asks for one.
pub(crate) const TYPED_LINES: usize = 64;

pub(crate) fn run() -> Result<u8, Failure> {
    let mut line = String::new();
    std::io::stdin()
        .lock()
        .read_line(&mut line)
        .map_err(Failure::broken)?;
    let job: RunJob = serde_json::from_str(&line)
        .map_err(|error| Failure::broken(format!("the job is not understood: {error}")))?;
    let uuid = job.record.uuid.clone();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Failure::broken)?;
    let (go, gone) = (Arc::new(Notify::new()), CancellationToken::new());
    let (typing, typed) = mpsc::channel(TYPED_LINES);
    listen_to_parent(Arc::clone(&go), typing, gone.clone())?;
    let code = runtime.block_on(async {
        tokio::select! {
            code = run_job(job, go, typed_lines(typed)) => code.map_err(Failure::broken),
            // The supervisor is gone: dropping the job kills the browser.
            () = gone.cancelled() => Err(Failure::broken("the supervisor closed our standard input")),
        }
    });
    if code.is_err() {
        remove_leftovers(&uuid, &std::env::temp_dir());
    }
    // A script that cannot be interrupted must not hold the process.
    runtime.shutdown_background();
    code
}
