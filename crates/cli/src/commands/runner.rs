//! The hidden `canarytrace runner`: a job on standard input, messages on standard output.

use std::{io::BufRead, sync::Arc};

use canarytrace_runner::{RunJob, remove_leftovers, run_job};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::{control::listen_to_parent, failure::Failure};

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
    listen_to_parent(Arc::clone(&go), gone.clone())?;
    let code = runtime.block_on(async {
        tokio::select! {
            code = run_job(job, go) => code.map_err(Failure::broken),
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
