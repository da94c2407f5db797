//! The embedded search engine behind [`canarytrace_es::SearchService`]: tantivy as an index library, a log in front of it.
//!
//! [`Store::open`] takes a folder; one process at a time. A write is answered when it is in the log and the log is on
//! disk; it is visible within a second, or at once when asked. Mapping, sorting and aggregations are our own, on tantivy's
//! columns: its own aggregation language is not close enough to Elasticsearch's.
//!
//! Invariants: knows no HTTP and no monitors; only this crate knows tantivy; what is not supported is refused, never
//! answered wrongly; all state of a folder can be rebuilt from `_source`.

mod aggregate;
mod analysis;
mod contexts;
mod engine;
mod mapping;
mod search;
mod service;

pub use engine::{Damage, Rebuilt, Store, StoreConfig, StoreError, rebuild, verify};
