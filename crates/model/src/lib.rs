//! The words of the domain: monitor, run, step, verdict, label, every telemetry document, its index and its mapping.
//!
//! Pure data: nothing here opens a file, a socket or a browser. Start at [`documents`] for what a run leaves behind,
//! at [`stack::Stack`] for what a user writes, at [`verdict::Verdict`] for how a run is judged.
//!
//! Invariants: index and field names are the compatibility contract and are spelled exactly once, here; a document
//! serialises to the JSON that is stored; a timestamp is UTC with milliseconds and a trailing `Z`.

pub mod alerting;
pub mod branding;
pub mod dashboard;
pub mod documents;
pub mod folding;
pub mod index;
pub mod links;
pub mod party;
pub mod record;
pub mod stack;
pub mod statistics;
pub mod time;
pub mod verdict;

mod ids;

pub use ids::{ActionId, RunId};
