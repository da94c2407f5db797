//! What is due when, and the local executor that starts runs.
//!
//! [`due`] is pure: schedules in, moments out. [`Executor`] owns the monitors of this machine: it prepares the browser of
//! the next due run ahead, lets one timed check run at a time per two cores, and tells the [`Ledger`] what was expected
//! and what became of it. It only spawns `canarytrace run`; a run supervises itself.
//!
//! Invariants: a monitor never overlaps itself; every expected run ends in the ledger as finished or skipped with a
//! reason; when the executor ends, so do its runs.

mod child;
pub mod due;
mod executor;

pub use child::RunCommand;
pub use due::{check_cron, next_of_cron};
pub use executor::{
    Executor, ExecutorConfig, ExecutorHandle, Ledger, MonitorPlan, MonitorStatus, RunPhase,
};
