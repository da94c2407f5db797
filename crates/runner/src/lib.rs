//! One run end to end: a supervisor and, below it, the runner that drives the browser.
//!
//! [`supervise`] starts the runner as a child of its own, delivers what it writes, and completes the record whatever
//! becomes of it; [`run_job`] is that child: start, prepare, availability, execution, stop. They speak NDJSON over the
//! child's standard streams ([`RunJob`] in, [`RunnerMessage`] out).
//!
//! Invariants: a failing site is data, never an `Err`; a run ends passed, failed or broken and says why; every wait has a
//! deadline; the only judge is [`judge`], a pure function.

mod availability;
mod cherry;
mod collect;
mod collection;
mod control;
mod facts;
mod gather;
mod git;
mod job;
mod journey;
mod judge;
mod party;
mod product;
mod report;
mod run;
mod smoke;
mod spec_report;
mod step;
mod supervisor;
mod transpiler;
mod typed;

pub use facts::{
    BrowserFacts, ControlAnswer, ExceptionFact, HostFacts, Lookup, PageLook, Party, RequestFact,
    ScriptFailure, StepFacts, Unmet,
};
pub use git::{GitError, GitJob, clone_scripts, git_password};
pub use job::{
    BrowserJob, BrowserTarget, CollectorSwitches, JourneyJob, JourneyStyle, Mode, PrintedVariables,
    RunJob, RunnerMessage, SmokeJob, TraceRequests,
};
pub use judge::{judge, judge_git, judge_launch};
pub use run::{remove_leftovers, run_job, workspace_name};
pub use supervisor::{Notice, RunResult, SupervisorConfig, group_name, supervise};
pub use transpiler::transpiler;
pub use typed::{TypedLines, typed_lines};
